"""``equipoise model``: mechanistic models and every number in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from equipoise.cli.commands import app

if TYPE_CHECKING:
    from equipoise.mechanisms import MechanisticModel


@app.command()
def model(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A model; left out, all are listed.")
    ] = None,
    parameters: Annotated[
        bool,
        typer.Option("--parameters", help="Every number: value, spread, bounds, origin, source."),
    ] = False,
    targets: Annotated[
        bool, typer.Option("--targets", help="Every published number beside the model.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
    sbml: Annotated[
        Path | None, typer.Option("--sbml", metavar="FILE", help="Write it with doses as SBML.")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option("--schedule", help='Doses in that file, such as "5 daily then weekly".'),
    ] = None,
    dose: Annotated[
        float | None, typer.Option("--dose", help="How much each time (MIU or mg).")
    ] = None,
    days: Annotated[float, typer.Option("--days", help="How long the schedule may go on.")] = 84.0,
) -> None:
    """List the mechanistic models of virtual patients, print one, or write it as SBML."""
    from equipoise.mechanisms import find_model
    from equipoise.mechanisms.description import (
        describe_model,
        list_models,
        model_json,
        parameter_table,
    )

    if name is None:
        if parameters or targets or as_json or sbml is not None:
            raise typer.BadParameter("name a model", param_hint="NAME")
        print(list_models())
        return
    found = find_model(name)
    if (dose is None) != (schedule is None):
        raise typer.BadParameter("--dose and --schedule go together", param_hint="--dose")
    if sbml is None and schedule is not None:
        raise typer.BadParameter("doses are for --sbml FILE", param_hint="--schedule")
    if sbml is not None:
        _write_sbml(found, sbml, schedule, dose, days)
        print(sbml)
        return
    if targets:
        print(_targets(found))
    elif as_json:
        print(model_json(found))
    else:
        print(parameter_table(found) if parameters else describe_model(found))


def _targets(model: MechanisticModel) -> str:
    from equipoise.patients.published_comparison import compare, plain_comparisons

    note = "SIMULATED against published, by the statistic of each paper"
    return f"{model.name}: {note}\n\n{plain_comparisons(compare(model))}"


def _write_sbml(
    model: MechanisticModel, path: Path, schedule: str | None, dose: float | None, days: float
) -> None:
    import numpy as np

    from equipoise.exchange import export_sbml
    from equipoise.exchange.sbml_document import AMOUNTS
    from equipoise.patients.schedule_language import parse_schedule
    from equipoise.patients.schedules import Schedule
    from equipoise.staging import write_error

    unit, route = AMOUNTS[model.amount_unit][0], model.routes[0]
    if schedule is None or dose is None:
        doses = Schedule(np.zeros(0), np.zeros(0), unit, route)
    else:
        doses = parse_schedule(schedule, dose, days, unit=unit, route=route)
    text = export_sbml(model, doses)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise write_error(error, path) from None
