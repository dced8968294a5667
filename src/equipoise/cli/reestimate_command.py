"""``equipoise reestimate``: the size of a running trial estimated again, arms unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from equipoise.cli.commands import Data, Study, app, read_data
from equipoise.cli.guard import say


@app.command()
def reestimate(
    study: Study,
    data: Data,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for reestimation.txt and .json.")
    ] = None,
) -> None:
    """Estimate the size again from blinded records, as [analysis.reestimation] plans it."""
    from equipoise.analysis.reestimation import reestimate as estimate
    from equipoise.protocol import load_protocol
    from equipoise.report.reestimation_words import (
        reestimation_sentences,
        write_reestimation,
    )

    protocol = load_protocol(study)
    found = estimate(protocol, read_data(protocol, data, None))
    print("\n".join(reestimation_sentences(found)))
    if out is None:
        say("Files for the trial's documents: --out FOLDER")
        return
    print(write_reestimation(found, out))
