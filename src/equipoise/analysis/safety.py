"""What harms were seen, and which rates do these numbers exclude?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.results import HarmRow, Rate, RateDifference, Safety
from equipoise.analysis.small_cells import smallest_shown, too_small
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

    Denominator: everybody randomised in the group; for scores those assessed after baseline.
    While blinded only terms that the protocol names and marks as not unblinding are counted,
    and there is no summary: "at least one" of a part would read as "at least one" of all. In
    observed data a term that few people of a group had is not shown; the summary always is.
    """
    not_collected: list[str] = []
    withheld: list[str] = []
    alpha = protocol.analysis.alpha
    everybody = set(groups.members["participant"])
    summary: list[HarmRow] = []
    terms: list[HarmRow] = []
    hidden_terms = 0
    events = records.adverse_events
    if events is None:
        not_collected.append("Adverse events are not part of these records")
    else:
        if groups.blinded:
            known = [t for t, e in protocol.safety.events.items() if not e.unblinding]
            events = events.filter(pl.col("term").is_in(known))
            withheld.append(
                "Only terms that the protocol names and marks as not giving the arm away are "
                "shown; all other events, serious ones among them, are withheld"
            )
        else:
            for key, label, rule in _SUMMARY:
                people = set(events.filter(rule())["participant"])
                summary.append(_row(key, label, people, everybody, groups, alpha))
        smallest = smallest_shown(protocol, records)
        order = events.group_by("term").agg(pl.col("participant").n_unique().alias("n"))
        for term in order.sort("n", "term", descending=[True, False])["term"].to_list():
            people = set(events.filter(pl.col("term") == term)["participant"])
            row = _row(f"term:{term}", term, people, everybody, groups, alpha)
            if any(too_small([rate.events], smallest) for rate in row.rates):
                hidden_terms += 1
                continue
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
        reached, assessed = _reached(protocol, records, rule)
        if not assessed:
            not_collected.append(f"{label}: nobody has a score after baseline in these records")
        else:
            text = f"{label}: {rule.reason}"
            watched.append(_row(name, text, reached, assessed, groups, alpha))
    return Safety(
        summary=tuple(summary),
        terms=tuple(terms),
        hidden_terms=hidden_terms,
        watched=tuple(watched),
        not_collected=tuple(not_collected),
        withheld=tuple(withheld),
    )


def _reached(
    protocol: Protocol, records: Records, rule: ScoreThreshold
) -> tuple[set[str], set[str]]:
    """Who reached the threshold after baseline, and who was assessed then at all."""
    if records.scores is None:
        return set(), set()
    item = "total" if rule.item is None else str(rule.item)
    after = records.scores.filter(
        (pl.col("instrument") == rule.instrument)
        & (pl.col("item") == item)
        & (pl.col("visit") != protocol.baseline.id)
        & pl.col("score").is_not_null()
    )
    reached = after.filter(pl.col("score") >= rule.threshold)
    return set(reached["participant"]), set(after["participant"])


def _row(
    key: str,
    label: str,
    people: set[str],
    at_risk: set[str],
    groups: Groups,
    alpha: float,
) -> HarmRow:
    counts: dict[str, tuple[int, int]] = {}
    for group in groups.groups:
        members = set(groups.members.filter(pl.col("_group") == group.key)["participant"])
        counts[group.key] = (len(members & people & at_risk), len(members & at_risk))
    rates = []
    for group, (events, n) in counts.items():
        lower, upper = clopper_pearson(events, n, alpha) if n else (None, None)
        rates.append(
            Rate(
                group=group,
                n=n,
                events=events,
                rate=events / n if n else None,
                lower=lower,
                upper=upper,
            )
        )
    differences = []
    reference, *others = groups.keys
    for arm in others:
        (e1, n1), (e0, n0) = counts[arm], counts[reference]
        if n1 and n0:
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
