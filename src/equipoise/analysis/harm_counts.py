"""Counting harms by group: participants with exact intervals, events with exact rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.harm_results import EventRate, HarmRow, Rate, RateDifference, RateRatio
from equipoise.stats import clopper_pearson, event_rate, miettinen_nurminen, rate_ratio

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts by group.

    Attributes
    ----------
    groups
        The first is the reference of differences.
    people
        Group → its participants.
    times
        Participant → days on trial; None where the records do not say.
    alpha
        Error of the two-sided intervals.
    """

    groups: Groups
    people: Mapping[str, frozenset[str]]
    times: Mapping[str, float] | None
    alpha: float

    @classmethod
    def of(cls, groups: Groups, times: Mapping[str, float] | None, alpha: float) -> Counter:
        """The counter of these groups."""
        people = {
            key: frozenset(groups.members.filter(pl.col("_group") == key)["participant"])
            for key in groups.keys
        }
        return cls(groups, people, times, alpha)

    @property
    def everybody(self) -> frozenset[str]:
        """All participants."""
        return frozenset(self.groups.members["participant"])

    def row(
        self, key: str, label: str, people: set[str], at_risk: set[str] | frozenset[str]
    ) -> HarmRow:
        """Who of those at risk had it, by group, with the differences from the first group."""
        counts = {
            group: (len(members & people & at_risk), len(members & at_risk))
            for group, members in self.people.items()
        }
        rates = []
        for group, (events, n) in counts.items():
            lower, upper = clopper_pearson(events, n, self.alpha) if n else (None, None)
            rate = events / n if n else None
            rates.append(Rate(group=group, n=n, events=events, rate=rate, lower=lower, upper=upper))
        differences = []
        reference, *others = self.groups.keys
        for arm in others:
            (e1, n1), (e0, n0) = counts[arm], counts[reference]
            if n1 and n0:
                found = miettinen_nurminen(e1, n1, e0, n0, self.alpha)
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

    def events_row(self, key: str, label: str, events: pl.DataFrame) -> HarmRow:
        """A row of adverse events: participants of all randomised, and all their events."""
        row = self.row(key, label, set(events["participant"]), self.everybody)
        rates = tuple(self._event_rate(group, events) for group in self.groups.keys)
        return row.model_copy(update={"event_rates": rates, "ratios": self._ratios(rates)})

    def _ratios(self, rates: tuple[EventRate, ...]) -> tuple[RateRatio, ...]:
        reference, *others = rates
        found = []
        for rate in others:
            if rate.in_time is None or reference.in_time is None:
                continue
            if not rate.days or not reference.days or not rate.in_time + reference.in_time:
                continue
            ratio = rate_ratio(
                rate.in_time, rate.days, reference.in_time, reference.days, self.alpha
            )
            found.append(
                RateRatio(
                    arm=rate.group,
                    reference=reference.group,
                    estimate=ratio.estimate if math.isfinite(ratio.estimate) else None,
                    lower=ratio.lower,
                    upper=ratio.upper if math.isfinite(ratio.upper) else None,
                )
            )
        return tuple(found)

    def _event_rate(self, group: str, events: pl.DataFrame) -> EventRate:
        mine = events.filter(pl.col("participant").is_in(list(self.people[group])))
        if self.times is None:
            return EventRate(
                group=group, events=mine.height, in_time=None, days=None,
                per_year=None, lower=None, upper=None,
            )  # fmt: skip
        last = self.times
        in_time = sum(
            0 <= start <= last.get(person, -1.0)
            for person, start in mine.select("participant", "start_day").iter_rows()
        )
        days = sum(last.get(person, 0.0) for person in sorted(self.people[group]))
        rate = event_rate(in_time, days / DAYS_PER_YEAR, self.alpha) if days > 0 else None
        return EventRate(
            group=group,
            events=mine.height,
            in_time=in_time,
            days=days,
            per_year=None if rate is None else rate.estimate,
            lower=None if rate is None else rate.lower,
            upper=None if rate is None else rate.upper,
        )
