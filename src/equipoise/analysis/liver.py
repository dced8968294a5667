"""Liver flags of the kind of Hy's law: participants whose values call for review.

A flag is no diagnosis: Hy's law also asks that no other cause explains the values, which no
table can say. Multiples are of the upper reference limit (ULN); the rule follows the FDA's
guidance on drug-induced liver injury (2009), with limits included: ALT or AST at least 3 × ULN
and bilirubin at least 2 × ULN at the same visit, alkaline phosphatase there below 2 × ULN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.harm_results import HarmRow

if TYPE_CHECKING:
    from equipoise.analysis.harm_counts import Counter
    from equipoise.protocol import Protocol
    from equipoise.records import Records

MULTIPLES = (3, 5, 10, 20)

#: A value counts as at least k × ULN when the quotient reaches k up to rounding.
_SLACK = 1e-9

Visit = tuple[str, str]


def make_liver(
    protocol: Protocol, records: Records, counter: Counter
) -> tuple[list[HarmRow], list[str]]:
    """Participants by multiples after baseline, of those assessed then, and what is not known."""
    liver = protocol.safety.liver
    if liver is None:
        return [], ["Liver flags: the protocol names no laboratory values for them"]
    named = {n: k for n in type(liver).model_fields if (k := getattr(liver, n)) is not None}
    if counter.groups.closed and any(protocol.labs[key].unblinding for key in named.values()):
        return [], ["Liver flags: withheld, a value among them can give the arm away"]
    if records.labs is None:
        return [], ["Liver flags: laboratory values are not part of these records"]
    multiples = {name: _multiples(protocol, records.labs, key) for name, key in named.items()}
    enzymes: dict[Visit, float] = {}
    for name in ("alt", "ast"):
        for at, value in multiples.get(name, {}).items():
            enzymes[at] = max(value, enzymes.get(at, 0.0))
    if not enzymes:
        return [], ["Liver flags: nobody has ALT or AST after baseline in these records"]
    words = " or ".join(name.upper() for name in ("alt", "ast") if name in named)
    rows = [
        counter.row(f"enzyme-{k}", f"{words} at least {k} × ULN", _reach(enzymes, k), _who(enzymes))
        for k in MULTIPLES
    ]
    remarks: list[str] = []
    bilirubin = multiples.get("bilirubin")
    phosphatase = multiples.get("alkaline_phosphatase")
    for key, label, found in (
        ("bilirubin", "Bilirubin", bilirubin),
        ("alkaline-phosphatase", "Alkaline phosphatase", phosphatase),
    ):
        if found:
            row = counter.row(
                f"{key}-2", f"{label} at least 2 × ULN", _reach(found, 2), _who(found)
            )
            rows.append(row)
        else:
            remarks.append(f"Liver flags: nobody has {label.lower()} after baseline, or it is "
                           "not planned")  # fmt: skip
    if bilirubin:
        rows += _combined(counter, words, enzymes, bilirubin, phosphatase or {})
    else:
        remarks.append("Liver flags: without bilirubin there is no combined flag")
    return rows, remarks


def _combined(
    counter: Counter,
    words: str,
    enzymes: dict[Visit, float],
    bilirubin: dict[Visit, float],
    phosphatase: dict[Visit, float],
) -> list[HarmRow]:
    both = {at for at in enzymes if at in bilirubin}
    assessed = {person for person, _ in both}
    high = {at for at in both if _at_least(enzymes[at], 3) and _at_least(bilirubin[at], 2)}
    flagged = {at[0] for at in high if at in phosphatase and not _at_least(phosphatase[at], 2)}
    unclear = {at[0] for at in high if at not in phosphatase} - flagged
    text = f"{words} at least 3 × ULN with bilirubin at least 2 × ULN at one visit"
    return [
        counter.row("hys-law", f"{text}, alkaline phosphatase below 2 × ULN", flagged, assessed),
        counter.row(
            "hys-law-unclear", f"{text}, alkaline phosphatase not measured", unclear, assessed
        ),
    ]


def _multiples(protocol: Protocol, labs: pl.DataFrame, key: str) -> dict[Visit, float]:
    """(participant, visit) → value / ULN after baseline."""
    limit = protocol.labs[key].normal_high
    assert limit is not None
    rows = labs.filter(
        (pl.col("analyte") == key)
        & (pl.col("visit") != protocol.baseline.id)
        & pl.col("value").is_not_null()
    )
    return {
        (person, visit): value / limit
        for person, visit, value in rows.select("participant", "visit", "value").iter_rows()
    }


def _at_least(multiple: float, k: float) -> bool:
    return multiple >= k * (1 - _SLACK)


def _reach(found: dict[Visit, float], k: float) -> set[str]:
    return {person for (person, _), value in found.items() if _at_least(value, k)}


def _who(found: dict[Visit, float]) -> set[str]:
    return {person for person, _ in found}
