"""``equipoise design``: how often simulated trials would show what is claimed."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from equipoise.cli.commands import PatientsOption, Seed, Study, app, keep_characteristics
from equipoise.cli.progress import show_progress

Workers = Annotated[
    int | None,
    typer.Option("--workers", help="Processes; all processors when left out.", metavar="N"),
]


@app.command()
def design(
    study: Study,
    trials: Annotated[
        int, typer.Option("--trials", help="Simulated trials of each scenario.", metavar="N")
    ] = 1000,
    seed: Seed = 1,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            help="planned, link-off or null; may be given again. Left out: all three.",
            metavar="NAME",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write into; default: out/STUDY-design.")
    ] = None,
    workers: Workers = None,
    patients: PatientsOption = None,
) -> None:
    """Simulate the trial many times, analyse each, and write how often it shows what is claimed."""
    from equipoise.design.operating import SCENARIOS, operating_characteristics
    from equipoise.design.storage import refuse_other_characteristics
    from equipoise.protocol import load_protocol
    from equipoise.report.twins_page import write_characteristics

    protocol = load_protocol(study)
    target = out or Path("out") / f"{protocol.trial.id}-design"
    refuse_other_characteristics(target, protocol.hash)
    started = time.monotonic()
    found = operating_characteristics(
        protocol, trials, seed, scenarios=scenario or SCENARIOS, patients=patients, workers=workers,
        progress=show_progress(),
    )  # fmt: skip
    keep_characteristics(found, patients)
    command = f"equipoise design {shlex.quote(study)} --trials {trials} --seed {seed}"
    command += "".join(f" --scenario {name}" for name in scenario or ())
    command += f" --patients {patients}" if patients else ""
    page = write_characteristics(found, target, command=command)
    seconds = time.monotonic() - started
    done = trials * len(found.scenarios)
    print(f"SIMULATED: {done} trials in {seconds:.1f} s, a consequence of assumptions")
    for name in found.scenarios:
        tally = found.joint(name)
        print(f"  {name:12}all headline claims in {100 * tally.proportion:.1f} % of trials")
    print(page)
