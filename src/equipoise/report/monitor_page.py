"""The page of the monitoring committee and its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.harm_storage import harm_tables
from equipoise.faults import single
from equipoise.report import tables, words
from equipoise.report.references import REFERENCES, harm_keys
from equipoise.report.templating import environment, style
from equipoise.staging import write_files

if TYPE_CHECKING:
    from equipoise.analysis.monitor_key import MonitorKey
    from equipoise.analysis.monitor_results import MonitorResults

FILE = "monitor.html"
DATA_FILE = "monitor.json"


def write_monitor(
    results: MonitorResults, folder: str | Path, key: MonitorKey | None = None
) -> Path:
    """Write ``monitor.html``, ``monitor.json`` and ``tables/*.csv``, all or none.

    Parameters
    ----------
    key
        New letters, to be kept: a file beside the folder (`key_path`) that only its owner may
        read, so that the folder can be handed on.

    Raises
    ------
    EquipoiseError
        When a report with named arms would stand in the folder of one under letters, or
        nothing can be written.
    """
    folder = Path(folder)
    if results.unblinded and key_path(folder).exists():
        raise single(
            "Nothing was written",
            code="monitor-folder-lettered",
            where=str(folder),
            rule="a report that names the arms does not stand where one under letters is kept",
            remedy="name another --out",
        )
    files = {"monitor": monitor_files(results)}
    if key is None:
        write_files(folder, files, last=FILE)
        return folder / FILE
    path = key_path(folder)
    older = path.read_bytes() if path.is_file() else None
    _write_key(path, key.content())
    try:
        write_files(folder, files, last=FILE)
    except BaseException:
        # An older report stays, and so must the key of its letters.
        if older is None:
            path.unlink(missing_ok=True)
        else:
            _write_key(path, older)
        raise
    return folder / FILE


def _write_key(path: Path, content: bytes) -> None:
    write_files(
        path.parent,
        {"monitor-key": {path.name: content}},
        last=path.name,
        private=(path.name,),
        unindexed=("monitor-key",),
    )


def key_path(folder: Path) -> Path:
    """Where the key of the letters of a folder is kept: beside it, not in it."""
    absolute = folder.absolute()
    return absolute.with_name(f"{absolute.name}-key.json")


def monitor_files(results: MonitorResults) -> dict[str, bytes]:
    """The files of the committee: name → content."""
    found = {name: rows for name, rows in _tables(results).items() if rows}
    files = {
        f"tables/{name}.csv": _frame(rows, results).write_csv().encode()
        for name, rows in found.items()
    }
    page = environment().get_template("monitor.html.j2")
    files[DATA_FILE] = results.model_dump_json(indent=1).encode() + b"\n"
    files[FILE] = page.render(
        words=words,
        tables=tables,
        table_files=frozenset(found),
        results=results,
        style=style(),
        origin=results.origin_label,
        results_file=DATA_FILE,
        references=[REFERENCES[name] for name in harm_keys(results.safety)],
    ).encode()
    return files


def _tables(results: MonitorResults) -> dict[str, list[dict[str, object]]]:
    return {
        "flow": [row.model_dump() for row in results.flow.counts],
        "flow_reasons": [row.model_dump() for row in results.flow.reasons],
        "flow_visits": [row.model_dump() for row in results.flow.visits],
        "completeness": [row.model_dump() for row in results.completeness],
        "baseline": [
            {**row.model_dump(include={"variable", "label", "level", "unit"}), **value.model_dump()}
            for row in results.baseline.rows
            for value in row.values
        ],
        **harm_tables(results.safety),
    }


def _frame(rows: list[dict[str, object]], results: MonitorResults) -> pl.DataFrame:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    empty = [name for name in frame.columns if frame[name].dtype == pl.Null]
    return frame.drop(empty).with_columns(pl.lit(results.origin_label).alias("origin"))
