"""``equipoise model``: mechanistic models and every number in them."""

from __future__ import annotations

from typing import Annotated

import typer

from equipoise.cli.commands import app


@app.command()
def model(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A model; left out, all are listed.")
    ] = None,
    parameters: Annotated[
        bool,
        typer.Option("--parameters", help="Every number: value, spread, bounds, origin, source."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """List the mechanistic models of virtual patients, or print one."""
    from equipoise.mechanisms import find_model
    from equipoise.mechanisms.description import (
        describe_model,
        list_models,
        model_json,
        parameter_table,
    )

    if name is None:
        if parameters or as_json:
            raise typer.BadParameter("name a model", param_hint="NAME")
        print(list_models())
        return
    found = find_model(name)
    if as_json:
        print(model_json(found))
    else:
        print(parameter_table(found) if parameters else describe_model(found))
