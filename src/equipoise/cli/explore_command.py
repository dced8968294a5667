"""``equipoise explore``: what other doses and schedules would do to virtual patients."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from equipoise.cli.commands import Seed, app
from equipoise.cli.guard import say


@app.command()
def explore(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="See `equipoise model`.")],
    schedule: Annotated[
        list[str],
        typer.Option("--schedule", help='For example "5 daily then weekly"; may be repeated.'),
    ],
    dose: Annotated[
        str, typer.Option("--dose", help="Each dose: 1, 0.3,1,3, a range 0.3:3, or 0.3:3:5.")
    ] = "1",
    patients: Annotated[int, typer.Option("--patients", help="How many are drawn.")] = 500,
    seed: Seed = 1,
    days: Annotated[float, typer.Option("--days", help="How long they are followed.")] = 84.0,
    at: Annotated[
        str | None, typer.Option("--at", metavar="DAYS", help="Days of the table: 4,28,56.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another parameter; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for page, table and figures.")
    ] = None,
) -> None:
    """Show what other doses and schedules would do to cells, tone and severity (SIMULATED)."""
    from equipoise.mechanisms import find_model
    from equipoise.patients.exploration import days_of_table, parse_settings
    from equipoise.patients.exploration import explore as look
    from equipoise.patients.schedules import parse_doses
    from equipoise.report.exploration_page import write_exploration
    from equipoise.report.exploration_table import plain_exploration

    model = find_model(name)
    doses, changed = parse_doses(dose), parse_settings(setting or [])
    shown = days_of_table(at, days)
    found = look(
        model, schedule, doses, last_day=days, patients=patients, seed=seed, changed=changed
    )
    print(plain_exploration(found, shown))
    if out is not None:
        words = ["equipoise", "explore", name, "--dose", dose]
        for text in schedule:
            words += ["--schedule", text]
        words += ["--patients", str(patients), "--seed", str(seed), "--days", f"{days:g}"]
        words += [] if at is None else ["--at", at]
        for text in setting or []:
            words += ["--set", text]
        page = write_exploration(found, out, shown, command=shlex.join(words))
        print()
        print(page)
    else:
        say("Page, figures and every day as CSV: --out FOLDER")
