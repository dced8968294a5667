"""``equipoise forecast``: what a saved model expects of one person."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from equipoise.cli.commands import app
from equipoise.cli.guard import say


@app.command()
def forecast(
    saved: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="forecast-model.json, or the folder that holds it."),
    ],
    patient: Annotated[
        Path | None,
        typer.Argument(metavar="PATIENT", help="A patient.toml; --template writes one."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for page, figure and table.")
    ] = None,
    arm: Annotated[
        str | None, typer.Option("--arm", metavar="ARM", help="This arm alone; else every arm.")
    ] = None,
    demonstration: Annotated[
        bool,
        typer.Option("--demonstration", help="Let a model of SIMULATED people show how it works."),
    ] = False,
    study: Annotated[
        str | None,
        typer.Option(
            "--study", metavar="STUDY", help="The person's study: is the model of its plan?"
        ),
    ] = None,
    template: Annotated[
        bool, typer.Option("--template", help="Print a commented patient.toml for this model.")
    ] = False,
) -> None:
    """Forecast one person's outcome: research use only, not for clinical decisions."""
    from equipoise.analysis.stratification.forecast_file import read_forecast
    from equipoise.analysis.stratification.forecast_table import require_demonstration
    from equipoise.analysis.stratification.patient_file import (
        commented_patient,
        forecast_patient,
    )
    from equipoise.protocol import load_protocol
    from equipoise.report.outlook_page import write_outlook
    from equipoise.report.outlook_words import plain_outlooks

    if template == (patient is not None):
        said = "name a patient.toml, or ask for --template"
        raise typer.BadParameter(said, param_hint="PATIENT")
    model = read_forecast(saved)
    if template or patient is None:
        print(commented_patient(model), end="")
        return
    require_demonstration(model, demonstration=demonstration)
    note = None if study is None else model.note_on(load_protocol(study))
    person, outlooks = forecast_patient(model, patient, arm)
    print(plain_outlooks(model, outlooks, person.participant, note))
    if out is None:
        say("Page and figure: --out FOLDER")
        return
    words = ["equipoise", "forecast", saved.name, patient.name]
    words += [] if arm is None else ["--arm", arm]
    words += ["--demonstration"] if demonstration else []
    words += [] if study is None else ["--study", study]
    page = write_outlook(model, person, outlooks, out, note=note, command=shlex.join(words))
    print()
    print(page)
