"""The page of many simulated trials: how often each finding appears, scenario by scenario.

Headed as what it is: a consequence of assumptions, not evidence.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.design.storage import characteristics_files, refuse_other_characteristics
from equipoise.report import twins_words, words
from equipoise.report.templating import environment, style
from equipoise.report.twins_figure import twins_figure
from equipoise.staging import write_files

if TYPE_CHECKING:
    from equipoise.design.characteristics import Characteristics, Claim, Performance, Quantity

FILE = "twins.html"


def write_characteristics(
    found: Characteristics, folder: str | Path, *, command: str | None = None
) -> Path:
    """Write ``characteristics.json``, ``characteristics/*.csv`` and the page ``twins.html``.

    The same characteristics give the same bytes.

    Parameters
    ----------
    command
        How the program was called; the call in Python when left out.

    Returns
    -------
    Path of the page.

    Raises
    ------
    EquipoiseError
        When the folder holds those of another protocol, or cannot be written; what stood there
        is then untouched.
    """
    folder = Path(folder)
    refuse_other_characteristics(folder, found.protocol_hash)
    write_files(folder, {"characteristics": twins_files(found, command)}, last=FILE)
    return folder / FILE


def twins_files(found: Characteristics, command: str | None = None) -> dict[str, bytes]:
    """The files of the page: name → content."""
    drawing = twins_figure(found)
    page = (
        environment()
        .get_template("twins.html.j2")
        .render(
            found=found,
            words=words,
            twins=twins_words,
            scenarios=[
                (name, *twins_words.scenario_words(found, name)) for name in found.scenarios
            ],
            groups=_groups(found.claims),
            largest_error=max(
                found.tally(s, c.key).error for s in found.scenarios for c in found.claims
            ),
            quantities=[_row(found, q) for q in found.quantities if not _is_correlation(q)],
            failed=[
                (name, model, ends)
                for name in found.scenarios
                for model, ends in found.failed_fits(name).items()
            ],
            sources=_sources(found.claims),
            drawing=drawing,
            style=style(),
            command=command or _call(found),
        )
    )
    return {
        **characteristics_files(found),
        "figures/twins.svg": drawing.standalone.encode(),
        FILE: page.encode(),
    }


def _call(found: Characteristics) -> str:
    named = ", ".join(f'"{name}"' for name in found.scenarios)
    return (
        f"operating_characteristics(protocol, trials={found.trials}, seed={found.seed}, "
        f"scenarios=({named},))"
    )


def _groups(claims: tuple[Claim, ...]) -> list[tuple[str, list[Claim]]]:
    groups: dict[str, list[Claim]] = {}
    for claim in claims:
        groups.setdefault(claim.group, []).append(claim)
    return list(groups.items())


def _sources(claims: tuple[Claim, ...]) -> list[tuple[str, str]]:
    """(citation, certainty) of what was published, each once."""
    return list(dict.fromkeys((c.source, str(c.certainty)) for c in claims if c.source))


def _is_correlation(quantity: Quantity) -> bool:
    return quantity.key.startswith("correlation:")


def _row(found: Characteristics, quantity: Quantity) -> dict[str, object]:
    """A line of the table of estimates: numbers as printed, scenario by scenario."""
    correlation = None
    if quantity.key.startswith("slope:"):
        key = quantity.key.replace("slope:", "correlation:", 1)
        correlation = [words.number(found.performance(s, key).mean) for s in found.scenarios]
    return {
        "quantity": quantity,
        "by_scenario": [_told(found.performance(s, quantity.key)) for s in found.scenarios],
        "correlation": correlation,
    }


def _told(p: Performance) -> dict[str, str]:
    places = 1 if p.sd != p.sd or p.sd >= 2 else 2 if p.sd >= 0.2 else 3
    return {
        "mean": words.number(p.mean, places),
        "sd": words.number(p.sd, places),
        "se": words.number(p.se, places),
        "truth": words.number(p.truth, places) if p.truth == p.truth else "not known",
        "coverage": twins_words.percent(p.coverage) if p.coverage == p.coverage else "",
        "excludes": twins_words.percent(p.excludes_zero) if p.se == p.se else "",
    }
