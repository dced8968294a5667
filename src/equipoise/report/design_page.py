"""The answer sheet: what a trial can show, for who has to decide whether it is done.

Headed as what it is: a consequence of assumptions, not evidence.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.design.design_storage import design_files
from equipoise.report import design_words, words
from equipoise.report.design_figures import (
    claims_shown,
    curve_figure,
    frontier_figure,
    heat_figure,
    search_figure,
    worlds_figure,
)
from equipoise.report.templating import environment, style
from equipoise.report.twins_words import percent
from equipoise.staging import write_files

if TYPE_CHECKING:
    from equipoise.design.assurance import Assurance
    from equipoise.design.characteristics import Performance, Tally
    from equipoise.design.design_map import DesignMap, MapPoint
    from equipoise.design.interim_results import LooksCompared
    from equipoise.design.randomisation_compared import RandomisationCompared
    from equipoise.design.sample_size import FoundSize
    from equipoise.report.drawing import Drawing

FILE = "design.html"


def write_design(
    worlds: DesignMap,
    folder: str | Path,
    *,
    curves: DesignMap | None = None,
    found: FoundSize | None = None,
    interim: LooksCompared | None = None,
    averaged: Assurance | None = None,
    allocated: RandomisationCompared | None = None,
    command: str = "",
) -> Path:
    """Write ``design.html``, ``design.json`` and the tables in ``design/``.

    The same numbers give the same bytes.

    Parameters
    ----------
    worlds
        One point a scenario: the design that the sheet is about, the first scenario its own.
    curves
        A grid of other designs; none when left out.
    found
        The search for its size; none when left out.
    interim
        What interim looks would do; none when left out.
    averaged
        Power averaged over the protocol's priors; none when left out.
    allocated
        Methods of randomisation side by side; none when left out.
    command
        How the program was called.

    Returns
    -------
    Path of the page.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; what stood there is then untouched.
    """
    drawings = _drawings(worlds, curves, found)
    page = (
        environment()
        .get_template("design.html.j2")
        .render(
            worlds=worlds,
            curves=curves,
            found=found,
            interim=interim,
            averaged=averaged,
            allocated=allocated,
            drawings=drawings,
            said=design_words,
            claims=claims_shown(worlds.points),
            percent=percent,
            estimates=_estimates(worlds),
            rows=[] if curves is None else _rows(curves),
            followed=[] if curves is None else design_words.followed(curves),
            style=style(),
            command=command,
        )
    )
    files = design_files(worlds, curves, found, interim, averaged, allocated)
    files |= {f"figures/{d.name.removeprefix('figure-')}.svg": d.standalone.encode()
              for d in drawings.values()}  # fmt: skip
    write_files(Path(folder), {"design": {**files, FILE: page.encode()}}, last=FILE)
    return Path(folder) / FILE


def _drawings(
    worlds: DesignMap, curves: DesignMap | None, found: FoundSize | None
) -> dict[str, Drawing]:
    made = {"worlds": worlds_figure(worlds)}
    if found is not None:
        made["search"] = search_figure(found)
    if curves is not None:
        for key, draw in (("curves", curve_figure), ("heat", heat_figure),
                          ("frontier", frontier_figure)):  # fmt: skip
            drawing = draw(curves)
            if drawing is not None:
                made[key] = drawing
    return made


def _estimates(found: DesignMap) -> list[tuple[MapPoint, list[tuple[str, str, dict[str, str]]]]]:
    """Scenario by scenario the numbers of the estimands: (label, unit, as printed)."""
    return [
        (
            point,
            [
                (quantity.label, quantity.unit, _told(one))
                for quantity, one in zip(point.quantities, point.summary.performances, strict=True)
                if quantity.key.startswith(("estimand:", "slope:within"))
            ],
        )
        for point in found.points
    ]


def _told(p: Performance) -> dict[str, str]:
    places = 1 if p.sd != p.sd or p.sd >= 2 else 2 if p.sd >= 0.2 else 3
    known = p.truth == p.truth
    return {
        "mean": words.number(p.mean, places),
        "sd": words.number(p.sd, places),
        "width": words.number(p.width, places),
        "truth": words.number(p.truth, places) if known else "not known",
        "bias": words.number(p.bias, places) if known else "",
        "coverage": f"{percent(p.coverage)} ± {percent(p.coverage_error)}"
        if p.coverage == p.coverage
        else "",
    }


def _rows(found: DesignMap) -> list[tuple[MapPoint, list[Tally | None]]]:
    """A line a point: the shares of the claims that are shown."""
    keys = [key for key, _ in claims_shown(found.points)]
    return [(point, [point.tally(key) for key in keys]) for point in found.points]
