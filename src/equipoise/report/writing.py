"""Writing the report, all or nothing."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.report.page import draw, render
from equipoise.staging import staged

if TYPE_CHECKING:
    from equipoise.analysis.results import Results

FILE = "report.html"


def write_report(results: Results, folder: str | Path) -> Path:
    """Write ``report.html``, ``figures/*.svg`` and ``provenance.json``.

    The same results give the same bytes of report and figures; the time of writing stands in
    ``provenance.json`` only. Figures of an earlier report in the same folder that this one
    lacks are removed.

    Returns
    -------
    Path of the report.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; an older report there is then untouched.
    """
    folder = Path(folder)
    drawings = draw(results)
    page = render(results, drawings)
    with staged(folder, last=FILE) as stage:
        (stage / "figures").mkdir()
        for drawing in drawings.values():
            path = stage / "figures" / f"{drawing.name.removeprefix('figure-')}.svg"
            path.write_text(drawing.standalone, encoding="utf-8")
        (stage / FILE).write_text(page, encoding="utf-8")
        provenance = {
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            "blinded": results.blinded,
            **results.provenance.model_dump(mode="json"),
            "files": {
                path.relative_to(stage).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(stage.rglob("*"))
                if path.is_file()
            },
        }
        text = json.dumps(provenance, indent=2, ensure_ascii=False)
        (stage / "provenance.json").write_text(text + "\n", encoding="utf-8")
    kept = {f"{drawing.name.removeprefix('figure-')}.svg" for drawing in drawings.values()}
    for path in (folder / "figures").glob("*.svg"):
        if path.name not in kept:
            path.unlink()
    return folder / FILE
