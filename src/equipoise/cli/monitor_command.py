"""``equipoise monitor``: the report of the monitoring committee."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from equipoise.cli.commands import Data, ListOption, Out, Study, app, read_data


@app.command()
def monitor(
    study: Study,
    data: Data,
    out: Out = Path("out/monitor"),
    unblind: Annotated[
        bool, typer.Option("--unblind", help="Name the arms and leave nothing out.")
    ] = False,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", help="Keep the letters of an earlier report of this trial."
        ),
    ] = None,
    allocation_list: ListOption = None,
) -> None:
    """Write the monitoring committee's report: harms as Arm A and Arm B; needs the allocation."""
    from equipoise.analysis.monitor_key import draw_key, read_key
    from equipoise.analysis.monitoring import monitor as show
    from equipoise.protocol import load_protocol
    from equipoise.report.monitor_page import key_path, write_monitor

    if unblind and key_file is not None:
        raise typer.BadParameter("named arms need no letters", param_hint="--key")
    protocol = load_protocol(study)
    records = read_data(protocol, data, allocation_list)
    command = f"equipoise monitor {shlex.quote(study)} --data DIR"
    if unblind or protocol.single_arm:
        results = show(protocol, records, command=f"{command} --unblind")
        print("UNBLINDED: for the monitoring committee alone.")
        print(write_monitor(results, out))
        return
    kept = key_file or (key_path(out) if key_path(out).exists() else None)
    key = draw_key(protocol) if kept is None else read_key(kept, protocol)
    results = show(protocol, records, key, command=command)
    page = write_monitor(results, out, key if kept is None else None)
    print("CONFIDENTIAL: for the monitoring committee alone.")
    print(f"Key of the letters (keep from the committee until it asks): {kept or key_path(out)}")
    print(page)
