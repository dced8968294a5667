"""The participant flow as boxes of text: enrolment, allocation, follow-up, analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from equipoise.analysis.results import FlowCount, Results

_OUTCOMES = {
    "not-eligible": "Not eligible",
    "declined": "Declined to take part",
    "other": "Other reasons",
}


def _n(n: int) -> str:
    """``(n = 3)``, never broken over two lines."""
    return f"(n\u00a0=\u00a0{n})"


@dataclass(frozen=True, slots=True)
class Count:
    """A line of a box: what, how many, and reasons or parts beneath it."""

    label: str
    n: int | None
    parts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """``Declined (n = 3)``; without a number where it was not recorded."""
        return f"{self.label}: not recorded" if self.n is None else f"{self.label} {_n(self.n)}"


@dataclass(frozen=True, slots=True)
class Box:
    """One box of the diagram; `head` stands first and strong."""

    head: str
    lines: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """What became of one group: its boxes from allocation to analysis."""

    label: str
    allocation: Box
    follow_up: Box
    analysis: Box


@dataclass(frozen=True, slots=True)
class Diagram:
    """The whole flow; `enrolment` and `excluded` are None where nobody recorded screening."""

    enrolment: Box | None
    excluded: Box | None
    entered: Box
    columns: tuple[Column, ...]


def diagram(results: Results) -> Diagram:
    """The boxes of these results."""
    flow = results.flow
    entered = "Enrolled" if results.plan.single_arm else "Randomised"
    enrolment = excluded = None
    if flow.screening is not None:
        enrolment = Box(f"Assessed for eligibility {_n(flow.screening.assessed)}")
        excluded = Box(
            f"Excluded {_n(flow.screening.excluded)}",
            tuple(
                Count(
                    _OUTCOMES[e.outcome],
                    e.n,
                    ("Reasons with small counts are not shown",)
                    if e.reasons_hidden
                    else tuple(f"{reason} {_n(n)}" for reason, n in e.reasons),
                )
                for e in flow.screening.exclusions
            ),
        )
    return Diagram(
        enrolment,
        excluded,
        Box(f"{entered} {_n(flow.randomised)}"),
        tuple(_column(results, count) for count in flow.counts),
    )


def _column(results: Results, count: FlowCount) -> Column:
    n, received = count.randomised, count.received_dose
    word = "In the arm" if results.plan.single_arm else "Allocated"
    if results.blinded:
        word = "Randomised"
    took = [Count("Received at least one dose", received)]
    if received is not None:
        took.append(Count("Did not receive any", n - received))
    return Column(
        count.label,
        Box(f"{word} {_n(n)}", tuple(took)),
        Box("Follow-up", tuple(_follow_up(results, count))),
        Box("Analysed", tuple(_analysed(results, count))),
    )


def _follow_up(results: Results, count: FlowCount) -> Iterable[Count]:
    if count.completed is None:
        yield Count("Completed the trial", None)
        seen = [row.seen for row in results.flow.visits if row.group == count.group]
        if seen:
            yield Count("Seen at the last visit", seen[-1])
        return

    def reasons(event: str) -> tuple[str, ...]:
        return tuple(
            r.reason if r.n is None else f"{r.reason} {_n(r.n)}"
            for r in results.flow.reasons
            if (r.group, r.event) == (count.group, event)
        )

    yield Count("Stopped study drug", count.stopped_drug, reasons("stopped-study-drug"))
    yield Count("Left the trial", count.discontinued, reasons("discontinued"))
    yield Count("Lost to follow-up", count.lost, reasons("lost-to-follow-up"))
    yield Count("Died", count.died)
    if count.status_unknown:
        yield Count("Status unknown", count.status_unknown)
    yield Count("Completed the trial", count.completed)


def _analysed(results: Results, count: FlowCount) -> Iterable[Count]:
    wanted = {answer.endpoint for answer in results.answers}
    for row in results.flow.analysed:
        if row.group != count.group or (wanted and row.endpoint not in wanted):
            continue
        parts = []
        if row.no_baseline:
            parts.append(f"No baseline value {_n(row.no_baseline)}")
        if row.no_follow_up:
            parts.append(f"No value afterwards {_n(row.no_follow_up)}")
        yield Count(row.label, row.analysed, tuple(parts))
