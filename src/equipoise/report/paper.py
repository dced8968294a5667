"""The report on paper: PDF by WeasyPrint, from the same templates as the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from equipoise.faults import EquipoiseError, single
from equipoise.report.grids import grids
from equipoise.report.page import render

if TYPE_CHECKING:
    from equipoise.analysis.results import Results
    from equipoise.design.characteristics import Characteristics
    from equipoise.patients.patients_shown import PatientsShown
    from equipoise.report.drawing import Drawing

FILE = "report.pdf"

#: What an upright A4 page holds at the size of print of a table.
_COLUMNS_UPRIGHT = 11


def weasyprint_module() -> Any:
    """WeasyPrint, or a fault that says how to install it.

    Raises
    ------
    EquipoiseError
        When the package, or a library of the system that it needs, is missing.
    """
    try:
        import weasyprint
    except ImportError as error:
        raise _missing("extra-missing", "pip install 'equipoise[pdf]'", "WeasyPrint") from error
    except OSError as error:
        remedy = "apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        raise _missing("library-missing", remedy, "the library Pango") from error
    return weasyprint


def _missing(code: str, remedy: str, what: str) -> EquipoiseError:
    return single(
        "The PDF is not written",
        code=code,
        field="--pdf",
        rule=f"a PDF needs {what}, which is not installed",
        remedy=remedy,
    )


def render_pdf(
    results: Results,
    drawings: dict[str, Drawing],
    characteristics: Characteristics | None = None,
    patients: PatientsShown | None = None,
) -> bytes:
    """The report as PDF: A4, tagged, with bookmarks; the same results give the same bytes."""
    weasyprint = weasyprint_module()
    document = weasyprint.HTML(
        string=_wide_tables_apart(
            render(
                results, drawings, paper=True, characteristics=characteristics, patients=patients
            )
        ),
        # Figures come as ``data:``; nothing is fetched from the disk or the network.
        url_fetcher=weasyprint.urls.URLFetcher(allowed_protocols=["data"], fail_on_errors=True),
    )
    return document.write_pdf(pdf_tags=True)


def _wide_tables_apart(page: str) -> str:
    """Tables of many columns go to landscape pages of their own."""
    for grid in grids(page):
        if grid.width > _COLUMNS_UPRIGHT:
            page = page.replace(
                f'id="table-{grid.key}" class="table-scroll"',
                f'id="table-{grid.key}" class="table-scroll wide"',
            )
    return page
