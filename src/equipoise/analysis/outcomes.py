"""Endpoints that are not means: what all of them share, and which analysis each takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.dataset import values_of
from equipoise.protocol.questions import Endpoint, Scale
from equipoise.stats import StatsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from equipoise.analysis.groups import Groups
    from equipoise.analysis.model_results import Contrast
    from equipoise.analysis.outcome_results import OutcomeResult
    from equipoise.analysis.strategies import Handled
    from equipoise.instruments import Instrument
    from equipoise.protocol import Protocol
    from equipoise.records import Records


class NotComparedError(Exception):
    """Why two arms are not compared at a visit, as a reader is told."""


@dataclass(slots=True)
class Comparisons:
    """Effects as they are computed, the visits where there is none, and who was left out."""

    contrasts: list[Contrast]
    failures: list[tuple[str, str]]
    left_out: int = 0

    def told(self, data: OutcomeData) -> str | None:
        """All failures in one text."""
        return "; ".join(f"{data.label_of(v)}: {why}" for v, why in self.failures) or None

    def notes(self) -> tuple[str, ...]:
        """What the comparisons leave out, as sentences."""
        if not self.left_out:
            return ()
        one = self.left_out == 1
        return (
            f"Up to {self.left_out} participant{'' if one else 's'} in strata with one of two arms "
            f"only {'is' if one else 'are'} not in the comparison.",
        )


def compare(
    data: OutcomeData,
    visits: tuple[str, ...],
    effect: Callable[[str, str, str], tuple[Contrast, int]],
) -> Comparisons:
    """An effect for every pair of arms at these visits.

    Parameters
    ----------
    effect
        (visit, arm, control) → the contrast and the participants left out with their stratum.
    """
    found = Comparisons([], [])
    for visit in visits:
        for arm, control in data.pairs():
            try:
                contrast, left_out = effect(visit, arm, control)
            except NotComparedError as error:
                found.failures.append((visit, str(error)))
            except StatsError as error:
                # What a method says is for who calls it: its remedy is not for a reader.
                found.failures.append((visit, error.what.rstrip(".")))
            else:
                found.contrasts.append(contrast)
                found.left_out = max(found.left_out, left_out)
    return found


@dataclass(frozen=True, slots=True)
class OutcomeData:
    """What the analysis of an outcome sees.

    Attributes
    ----------
    people
        participant, _group, stratum: everybody in the analysis set.
    values
        participant, visit, day, value, after the strategies for intercurrent events.
    failures
        (participant, visit) that count as failure by a composite strategy.
    asked
        Visits at which an estimand or a family asks, and the last one.
    """

    protocol: Protocol
    groups: Groups
    key: str
    people: pl.DataFrame
    values: pl.DataFrame
    failures: frozenset[tuple[str, str]]
    asked: tuple[str, ...]
    smallest: int

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint."""
        return self.protocol.endpoints[self.key]

    @property
    def alpha(self) -> float:
        """Two-sided level."""
        return self.protocol.analysis.alpha

    @property
    def visits(self) -> tuple[str, ...]:
        """Visits after baseline."""
        return self.protocol.endpoint_visits(self.key)

    @property
    def rating(self) -> Instrument:
        """The rating scale behind the endpoint."""
        return self.protocol.scale(str(self.endpoint.instrument))

    @property
    def rated(self) -> str:
        """What is rated, as printed: the scale, with its part where it is not the total."""
        part = self.endpoint.part
        label = self.rating.label
        return label if part is None else f"{label} {self.rating.label_of(part)}"

    @property
    def lowest(self) -> int:
        """The lowest score (points)."""
        return self.rating.range_of(self.endpoint.part)[0]

    @property
    def stratified_by(self) -> tuple[str, ...]:
        """Labels of the factors by which randomisation was stratified."""
        covariates = self.protocol.population.covariates
        return tuple(covariates[name].label for name in self.protocol.randomisation.strata)

    def label_of(self, visit: str) -> str:
        """The visit's name as printed."""
        return self.protocol.visit(visit).label

    def enough(self, *sizes: int) -> None:
        """Raise unless every arm has so many people that its share may be known."""
        if min(sizes) == 0:
            raise NotComparedError("no data in one of the arms")
        if min(sizes) < self.smallest:
            raise NotComparedError("too few people in one of the arms")

    def members(self, group: str) -> list[str]:
        """Participants of a group."""
        return self.people.filter(pl.col("_group") == group)["participant"].to_list()

    def pairs(self) -> list[tuple[str, str]]:
        """(arm, control) of every comparison; none while blinded or with one arm."""
        control, *others = self.groups.keys
        return [(arm, control) for arm in others]


def outcome_data(
    protocol: Protocol,
    records: Records,
    groups: Groups,
    key: str,
    *,
    handled: Handled | None = None,
    members: set[str] | None = None,
    smallest: int = 1,
) -> OutcomeData:
    """The data of an outcome; `handled` and `members` where an estimand gives it its own."""
    strata = list(protocol.randomisation.strata)
    stratum = (
        pl.concat_str(strata, separator=" / ", ignore_nulls=True) if strata else pl.lit("all")
    ).alias("stratum")
    people = groups.members.join(
        records.participants, on="participant", how="left", maintain_order="left"
    ).select("participant", "_group", stratum)
    if records.allocation is not None:  # the stratum in which the arm was drawn
        drawn = records.allocation.select("participant", "stratum")
        people = people.drop("stratum").join(
            drawn, on="participant", how="left", maintain_order="left"
        )
    if members is not None:
        people = people.filter(pl.col("participant").is_in(list(members)))
    values = values_of(protocol, records, key) if handled is None else handled.values
    failures = frozenset[tuple[str, str]]()
    if handled is not None:
        failures = frozenset((str(p), str(v)) for p, v in handled.failures.iter_rows())
    visits = protocol.endpoint_visits(key)
    wanted = {e.visit for e in protocol.estimands.values() if e.endpoint == key}
    wanted |= {f.visit for f in protocol.analysis.families.values() if key in f.endpoints}
    asked = tuple(v for v in visits if v in wanted or v == visits[-1])
    return OutcomeData(protocol, groups, key, people, values, failures, asked, smallest)


def analyse_outcome(data: OutcomeData) -> OutcomeResult:
    """Response, remission, time to response or categories, as the endpoint's scale says."""
    from equipoise.analysis.ordinal import analyse_ordinal
    from equipoise.analysis.responders import analyse_responders
    from equipoise.analysis.time_to_response import analyse_time_to_response

    if data.endpoint.scale is Scale.ORDINAL:
        return analyse_ordinal(data)
    if data.endpoint.scale is Scale.TIME_TO_RESPONSE:
        return analyse_time_to_response(data)
    return analyse_responders(data)


def reached(data: OutcomeData) -> dict[tuple[str, str], bool]:
    """(participant, visit) → whether the rule for response or remission is met there.

    Response is a reduction (a rise, where higher is better) of at least the stated share of the
    baseline score, in points above the scale's lowest score: of a scale from 30, half of 90 is 60.
    Whoever has no baseline, or the lowest, has no response to be judged. A rating of change is a
    response by itself. Remission is a score below (or at least) the stated limit. Failures by a
    composite strategy are False.
    """
    point, rating = data.endpoint, data.rating
    rows = data.values.select("participant", "visit", "value").iter_rows()
    values = {(str(p), str(v)): float(x) for p, v, x in rows}
    found: dict[tuple[str, str], bool] = {}
    first = data.protocol.baseline.id
    reduction = rating.response_reduction if point.reduction is None else point.reduction
    below = rating.remission_below if point.below is None else point.below
    low = data.lowest
    sign = 1.0 if point.better == "lower" else -1.0
    for (person, visit), value in values.items():
        if visit == first:
            continue
        if point.scale is Scale.REMISSION:
            found[person, visit] = (
                value < below
                if below is not None
                else value >= float(rating.remission_at_least or 0)
            )
            continue
        if not rating.baseline:
            assert rating.response_at_most is not None
            found[person, visit] = value <= rating.response_at_most
            continue
        assert reduction is not None
        start = values.get((person, first))
        if start is not None and start > low:
            # Half of 21 is 10.5: compare what was lost, without rounding.
            found[person, visit] = sign * (start - value) >= reduction * (start - low) - 1e-9
    for key in data.failures:
        found[key] = False
    return found


def definition_of(data: OutcomeData) -> str:
    """The rule in words."""
    point, rating = data.endpoint, data.rating
    if point.scale is Scale.REMISSION:
        limit = rating.remission_below if point.below is None else point.below
        if limit is None:
            return f"{data.rated} of at least {rating.remission_at_least:g}"
        return f"{data.rated} below {limit:g}"
    if point.scale is Scale.ORDINAL:
        return f"category of {data.rated}"
    first = "first " if point.scale is Scale.TIME_TO_RESPONSE else ""
    if not rating.baseline:
        return f"{first}{data.rated} of at most {rating.response_at_most:g}"
    reduction = rating.response_reduction if point.reduction is None else point.reduction
    way = "reduction" if point.better == "lower" else "rise"
    above = f" (points above {data.lowest})" if data.lowest else ""
    share = f"at least {100 * float(reduction or 0):g} % from baseline{above}"
    return f"{first}{way} of {data.rated} by {share}"
