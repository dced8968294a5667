"""Sentences and the table of interim looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import (
    decimals,
    endpoint_of,
    group_label,
    interval,
    level,
    number,
    p_clause,
    p_value,
    significant,
    visit_label,
)

if TYPE_CHECKING:
    from equipoise.analysis.interim_results import InterimResult, LookResult
    from equipoise.analysis.results import Results

SPENDING = {
    "obrien-fleming": "like O\u2019Brien and Fleming (Lan and DeMets)",
    "pocock": "like Pocock (Lan and DeMets)",
    "power": "as a power of the information (Kim and DeMets)",
    "hwang-shih-decani": "as Hwang, Shih and DeCani",
}


def sentences(results: Results) -> list[str]:
    """What the looks come to."""
    found = results.interim
    assert found is not None
    now = found.looks[-1]
    which = "the final look" if now.final else f"interim look {now.number} of {found.planned - 1}"
    said = [
        f"This is {which}, of {now.participants} participants. The protocol spends the error "
        f"{SPENDING[found.spending]} by the share of the planned information (1/SE²)"
        f"{_share(now)}."
    ]
    if now.final and len(found.looks) == 1:
        said.append(
            "No interim look is recorded before it: nothing was spent, and the whole level is left."
        )
    end = found.crossed
    if end is not None:
        said.append(
            f"The boundary was crossed at look {end.number}: {p_clause(end.p or 0.0)}, below the "
            f"nominal {significant(end.nominal)}."
        )
    elif not now.final:
        said.append("No boundary is crossed.")
    if now.futile is not None:
        said.append(
            f"For futility, which does not bind, the effect {'is' if now.futile else 'is not'} "
            f"below its boundary (z {number(now.futility, 2)} in the planned direction)."
        )
    if found.adjusted is not None:
        said.append(_adjusted(results, found))
    said.append(
        "Estimands behind the primary one are tested at the nominal level of the look. Families "
        "and intervals elsewhere in this report do not allow for the looks."
    )
    return said


def _share(look: LookResult) -> str:
    if look.share is None:
        return "; the effect could not be estimated, so that this look spends nothing"
    return f", here {100 * look.share:.0f} % of it"


def _adjusted(results: Results, found: InterimResult) -> str:
    """Inference that allows for the looks."""
    row = found.adjusted
    assert row is not None
    estimand = next(a for a in results.answers if a.estimand == found.estimand)
    endpoint = endpoint_of(results, estimand.endpoint)
    end = found.looks[row.look - 1]
    digits = decimals(end.se)
    unit = "on the log scale" if endpoint.scale == "log_fold" else getattr(endpoint, "unit", "")
    bounds = "not bounded"
    if row.lower is not None and row.upper is not None:
        bounds = interval(row.lower, row.upper, digits)
    estimate = "not found" if row.estimate is None else number(row.estimate, digits)
    return (
        f"Allowing for the looks (stage-wise order): {group_label(results, found.arm)} against "
        f"{group_label(results, found.reference)} at {visit_label(results, estimand.visit)}, "
        f"median-unbiased difference {estimate} {unit} ({level(results)} CI {bounds}), "
        f"{p_clause(row.p)}; the estimate that does not allow for them is "
        f"{number(end.estimate, digits)}."
    )


def looks_table(results: Results) -> str:
    """One row a look."""
    found = results.interim
    assert found is not None
    rows: list[list[Cell]] = []
    for look in found.looks:
        digits = 2 if look.se is None else decimals(look.se)
        rows.append(
            [
                "final" if look.final else str(look.number),
                str(look.participants),
                "not estimable" if look.estimate is None else number(look.estimate, digits),
                "" if look.se is None else number(look.se, digits),
                "" if look.share is None else f"{100 * look.share:.1f} %",
                p_value(look.p),
                "" if look.nominal is None else significant(look.nominal),
                "yes" if look.crossed else "no",
            ]
        )
    columns = [
        ("look", "Look"),
        ("n", "Participants"),
        ("estimate", "Difference"),
        ("se", "SE"),
        ("share", "Information, share of the planned"),
        ("p", "p"),
        ("nominal", "Nominal level"),
        ("crossed", "Boundary crossed"),
    ]
    return html_table("interim-looks", columns, rows)
