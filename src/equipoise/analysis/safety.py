"""What harms were seen, and which rates do these numbers exclude?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.results import HarmRow, Rate, RateDifference, Safety
from equipoise.stats import clopper_pearson, miettinen_nurminen

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.protocol.measurements import ScoreThreshold
    from equipoise.records import Records

_SUMMARY: tuple[tuple[str, str, Callable[[], pl.Expr]], ...] = (
    ("any", "At least one adverse event", lambda: pl.lit(True)),
    ("serious", "At least one serious adverse event", lambda: pl.col("serious")),
    ("severe", "At least one of grade 3 or higher", lambda: pl.col("grade") >= 3),
    ("related", "At least one judged related", lambda: pl.col("related").fill_null(False)),
)


def make_safety(protocol: Protocol, records: Records, groups: Groups) -> Safety:
    """Participants with harms by group, with exact intervals.

    Denominator: everybody randomised in the group. While blinded, events count only when the
    protocol names their term and marks it as not unblinding. In observed data small counts of
    single terms are not shown; the summary rows always are.
    """
    not_collected: list[str] = []
    withheld: list[str] = []
    alpha = protocol.analysis.alpha
    summary: list[HarmRow] = []
    terms: list[HarmRow] = []
    events = records.adverse_events
    if events is None:
        not_collected.append("Adverse events are not part of these records")
    else:
        if groups.blinded:
            known = [t for t, e in protocol.safety.events.items() if not e.unblinding]
            events = events.filter(pl.col("term").is_in(known))
            withheld.append(
                "Adverse events are shown only under terms that the protocol names and marks as "
                "not giving the arm away"
            )
        for key, label, rule in _SUMMARY:
            people = events.filter(rule())["participant"].unique().to_list()
            summary.append(_row(key, label, set(people), groups, alpha))
        smallest = 1 if records.manifest.simulated else protocol.report.smallest_cell
        order = events.group_by("term").agg(pl.col("participant").n_unique().alias("n"))
        for term in order.sort("n", "term", descending=[True, False])["term"].to_list():
            people = set(events.filter(pl.col("term") == term)["participant"])
            row = _row(f"term:{term}", term, people, groups, alpha, smallest)
            named = protocol.safety.events.get(term)
            terms.append(
                row.model_copy(update={"organ_class": named.organ_class if named else None})
            )
    watched: list[HarmRow] = []
    for name, label in (("suicidality", "Suicidality"), ("mania", "Switch into mania")):
        rule = getattr(protocol.safety, name)
        if rule is None:
            not_collected.append(f"{label}: the protocol names no score for it")
            continue
        people = _reached(protocol, records, rule)
        if people is None:
            not_collected.append(f"{label}: its score is not part of these records")
        else:
            watched.append(_row(name, f"{label}: {rule.reason}", people, groups, alpha))
    return Safety(
        summary=tuple(summary),
        terms=tuple(terms),
        watched=tuple(watched),
        not_collected=tuple(not_collected),
        withheld=tuple(withheld),
    )


def _reached(protocol: Protocol, records: Records, rule: ScoreThreshold) -> set[str] | None:
    """Participants with a score at or above the threshold after baseline; None without data."""
    if records.scores is None:
        return None
    item = "total" if rule.item is None else str(rule.item)
    scores = records.scores.filter(
        (pl.col("instrument") == rule.instrument) & (pl.col("item") == item)
    )
    if scores.is_empty():
        return None
    after = scores.filter(
        (pl.col("visit") != protocol.baseline.id) & (pl.col("score") >= rule.threshold)
    )
    return set(after["participant"])


def _row(
    key: str, label: str, people: set[str], groups: Groups, alpha: float, smallest: int = 1
) -> HarmRow:
    counts: dict[str, tuple[int, int]] = {}
    for group in groups.groups:
        members = set(groups.members.filter(pl.col("group") == group.key)["participant"])
        counts[group.key] = (len(members & people), group.n)
    rates = []
    hidden: set[str] = set()
    for group, (events, n) in counts.items():
        hide = 0 < events < smallest
        if hide:
            hidden.add(group)
        lower, upper = clopper_pearson(events, n, alpha) if n else (None, None)
        rates.append(
            Rate(
                group=group,
                n=n,
                events=None if hide else events,
                rate=None if hide or not n else events / n,
                lower=None if hide else lower,
                upper=None if hide else upper,
                suppressed=hide,
            )
        )
    differences = []
    reference, *others = groups.keys
    for arm in others:
        (e1, n1), (e0, n0) = counts[arm], counts[reference]
        if not hidden and n1 and n0:
            found = miettinen_nurminen(e1, n1, e0, n0, alpha)
            differences.append(
                RateDifference(
                    arm=arm,
                    reference=reference,
                    estimate=found.estimate,
                    lower=found.lower,
                    upper=found.upper,
                )
            )
    return HarmRow(key=key, label=label, rates=tuple(rates), differences=tuple(differences))
