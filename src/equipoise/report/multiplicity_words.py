"""What an adjustment for the number of comparisons is called, and what it claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.words import endpoint_of, group_label, number, p_clause

if TYPE_CHECKING:
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.analysis.results import FamilyResult, Results

#: Method → its name as printed.
NAMES: dict[str, str] = {
    "holm": "Holm",
    "hochberg": "Hochberg",
    "fixed-sequence": "fixed sequence",
    "graphical": "graphical procedure",
    "bh": "Benjamini–Hochberg, false discovery rate",
    "max-t": "max-T, step-down",
    "none": "unadjusted",
}

#: Method → what it keeps, and what it assumes.
KEEPS: dict[str, str] = {
    "holm": "keeps the chance of any false claim in the family at the level, whatever members "
    "have in common (Holm)",
    "hochberg": "keeps the chance of any false claim in the family at the level only where "
    "p-values are independent or positively dependent, which percentages of one whole are not "
    "(Hochberg)",
    "fixed-sequence": "keeps the chance of any false claim in the family at the level: members are "
    "tested in the order of the protocol, each only where all before it were below the level",
    "graphical": "keeps the chance of any false claim in the family at the level: members share it "
    "and hand it on as the protocol’s graph says",
    "bh": "bounds the expected share of false claims among those made, not the chance of any false "
    "claim, and assumes p-values that are independent or positively dependent (Benjamini–Hochberg)",
    "max-t": "keeps the chance of any false claim in the family at the level, by the distribution "
    "of the largest statistic of all members over the same draws, with what they have in common in "
    "it (Westfall and Young, step-down)",
    "none": "adjusts nothing: the more members are looked at, the more often one of them is below "
    "the level by chance",
}


def family_method(results: Results, family: FamilyResult) -> str:
    """How the p-values of a family were adjusted, as a sentence."""
    if family.method == "none":
        return f"{family.label}: p-values are not adjusted for their number."
    several = len(results.groups) > 2 and family.method in ("fixed-sequence", "graphical")
    arms = ", over the arms by Holm’s method first" if several else ""
    return f"{family.label}: p-values are adjusted{arms}; this {KEEPS[family.method]}."


def family_note(results: Results, family: FamilyResult) -> str | None:
    """What a reader of the family's table has to know of its max-T; None without one."""
    found = family.maximum
    if found is None:
        return None
    if found.failure is not None:
        return f"No adjusted p: {found.failure}."
    said = (
        f"{found.draws:,} lists were drawn again by the protocol’s scheme, the same for all "
        f"members (seed {found.seed}), and every model was fitted again under each, with outcomes "
        "and missing values held fixed. Both p from the lists are (b + 1)/(B + 1)."
    )
    lost = [
        f"{endpoint_of(results, row.endpoint).label}, {group_label(results, row.arm)} "
        f"({row.failed} of the lists without a fit, counted as extreme)"
        if row.failure is None
        else f"{endpoint_of(results, row.endpoint).label}, {group_label(results, row.arm)} "
        f"(no fit: {row.failure})"
        for row in found.rows
        if row.failure is not None or row.failed
    ]
    return said + (f" {'; '.join(lost)}." if lost else "")


def markers_sentence(results: Results, prediction: Prediction) -> str:
    """Which markers remain once their number is counted: the answer in one sentence."""
    found = prediction.multiplicity
    assert found is not None
    where = "within arms" if results.compared else "in the one arm"
    n, alpha = len(found.rows), round(1.0 - results.confidence, 9)
    tested = [row for row in found.rows if row.unadjusted_p is not None]
    if not tested:
        return f"None of the {n} markers could be tested {where}."
    if found.method == "none":
        below = [row for row in tested if (row.unadjusted_p or 0.0) < alpha]
        return (
            f"Of {n} markers {len(below)} {'has' if len(below) == 1 else 'have'} an unadjusted p "
            f"below {alpha:g} {where}; by chance alone one would expect {n * alpha:.1f}."
        )
    first = min(tested, key=lambda row: (row.adjusted_p or 0.0, row.unadjusted_p or 0.0))
    assert first.adjusted_p is not None
    below = [row for row in tested if row.adjusted_p is not None and row.adjusted_p < alpha]
    counted = f"Once it is counted that {n} markers were looked at" if n > 1 else "With one marker"
    if below:
        named = "; ".join(
            f"{row.label} (t = {number(row.t, 1)}, {p_clause(row.adjusted_p or 0.0)})"
            for row in below
        )
        said = f"{counted}, an association {where} remains for {len(below)} of them: {named}"
    else:
        said = (
            f"{counted}, no association {where} remains: the smallest adjusted p is that of "
            f"{first.label}, {p_clause(first.adjusted_p)[2:].lstrip('= ')}"
        )
    return f"{said} ({NAMES[found.method]})."


def markers_caution(prediction: Prediction) -> str:
    """What the adjustment of the markers keeps, how, and what it does not say."""
    found = prediction.multiplicity
    assert found is not None
    said = f"The adjustment {KEEPS[found.method]}."
    if found.method == "max-t":
        said += (
            f" The draws are {found.draws:,} permutations of the outcome’s residuals within arm "
            "and stratum, the same exchange of people for all markers; whoever lacks a marker is "
            "stepped over for that marker. That residuals may be exchanged holds for errors, and "
            "only nearly for residuals."
        )
    return (
        f"{said} A marker that does not remain is not shown to be without a link: with so few "
        "people most real ones are missed."
    )
