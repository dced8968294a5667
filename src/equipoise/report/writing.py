"""Writing the report, all or nothing."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equipoise.analysis.storage import result_files
from equipoise.faults import single
from equipoise.report import journal, paper, patients_page, twins_page
from equipoise.report.checklist_pages import consort_csv
from equipoise.report.page import draw, render
from equipoise.staging import write_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from equipoise.analysis.results import Results
    from equipoise.design.characteristics import Characteristics
    from equipoise.patients.patients_shown import PatientsShown

FILE = "report.html"


def write_report(
    results: Results,
    folder: str | Path,
    *,
    pdf: bool = False,
    rtf: bool = False,
    characteristics: Characteristics | None = None,
    patients: PatientsShown | None = None,
) -> Path:
    """Write ``report.html``, ``figures/*.svg``, ``consort.csv``, ``provenance.json`` and the
    results themselves.

    With `pdf` also ``report.pdf`` (needs the extra ``pdf``), with `rtf` also ``tables.rtf``,
    with `characteristics` also the page ``twins.html`` of many simulated trials and its files,
    with `patients` the page ``patients.html`` of the virtual patients of a simulated trial.
    A report never stands beside the numbers of another run.

    The same results give the same bytes of report and figures; the time of writing stands in
    ``provenance.json`` only. Figures of an earlier report in the same folder that this one
    lacks are removed.

    Returns
    -------
    Path of the report.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written, what the PDF needs is not installed, or the
        characteristics are of another protocol; an older report there is then untouched.
    """
    folder = Path(folder)
    options: dict[str, Any] = {
        "pdf": pdf, "rtf": rtf, "characteristics": characteristics, "patients": patients
    }  # fmt: skip
    sets = {"results": result_files(results), "report": report_files(results, **options)}
    write_files(folder, sets, last=FILE, clean=results.blinded)
    return folder / FILE


def report_files(
    results: Results,
    *,
    pdf: bool = False,
    rtf: bool = False,
    characteristics: Characteristics | None = None,
    patients: PatientsShown | None = None,
    beside: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """The files of a report: name → content.

    Files `beside` it, which are written with it, are listed in its provenance.
    """
    if characteristics is not None:
        require_same_protocol(results, characteristics)
    if pdf:
        paper.weasyprint_module()  # before the work, not after it
    drawings = draw(results)
    files = {
        f"figures/{drawing.name.removeprefix('figure-')}.svg": drawing.standalone.encode()
        for drawing in drawings.values()
    }
    page = render(results, drawings, characteristics=characteristics, patients=patients)
    files[FILE] = page.encode()
    if pdf:
        files[paper.FILE] = paper.render_pdf(results, drawings, characteristics, patients)
    if rtf:
        files[journal.FILE] = journal.journal_rtf(results, page)
    files["consort.csv"] = consort_csv(results)
    if characteristics is not None:
        files |= twins_page.twins_files(characteristics)
    if patients is not None:
        files |= patients_page.patients_files(patients, results.short_title)
    provenance = {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "blinded": results.blinded,
        **results.provenance.model_dump(mode="json"),
        "files": {
            name: hashlib.sha256(content).hexdigest()
            for name, content in {**files, **(beside or {})}.items()
        },
    }
    text = json.dumps(provenance, indent=2, ensure_ascii=False)
    return {**files, "provenance.json": text.encode() + b"\n"}


def require_same_protocol(results: Results, characteristics: Characteristics) -> None:
    """Refuse to show the operating characteristics of another plan beside results.

    Raises
    ------
    EquipoiseError
        Naming both hashes.
    """
    if characteristics.protocol_hash != results.provenance.protocol_hash:
        raise single(
            "The report is not written",
            code="characteristics-differ",
            field="characteristics",
            value=characteristics.protocol_hash,
            rule="a report and the simulated trials beside it are of one protocol, here "
            + results.provenance.protocol_hash,
            remedy="compute them anew for this protocol",
        )
