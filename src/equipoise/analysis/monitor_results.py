"""What a monitoring committee is shown: flow, completeness, baseline, harms, no efficacy."""

from __future__ import annotations

from typing import Literal

from equipoise.analysis.harm_results import Safety
from equipoise.analysis.result_row import Row
from equipoise.analysis.results import Baseline, Flow, Group, Provenance


class SiteCount(Row):
    """Participants randomised at a site, over all arms; None where no site is recorded."""

    site: str | None
    n: int


class Completeness(Row):
    """Visits with a value, of those at which it was planned, over everybody in a group."""

    group: str
    kind: str
    label: str
    planned: int
    recorded: int


class MonitorPlan(Row):
    """What the committee's page says of the plan."""

    size: int
    single_arm: bool


class MonitorResults(Row):
    """Results for the committee. Groups are letters, or named arms when `unblinded`.

    `left_out` says what can give an arm away and is not shown; `unequal` is true where the
    planned sizes tell the letters apart.
    """

    format: Literal[1] = 1
    title: str
    short_title: str
    unblinded: bool
    unequal: bool
    confidence: float
    groups: tuple[Group, ...]
    reference: str | None
    blinded: Literal[False] = False
    visits: tuple[tuple[str, str], ...]
    plan: MonitorPlan
    sites: tuple[SiteCount, ...]
    flow: Flow
    completeness: tuple[Completeness, ...]
    baseline: Baseline
    safety: Safety
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    provenance: Provenance

    @property
    def control(self) -> str | None:
        """The group that differences are taken from: under letters it is simply the first."""
        return self.reference

    @property
    def compared(self) -> bool:
        """Whether there are arms to compare."""
        return len(self.groups) > 1

    @property
    def simulated(self) -> bool:
        """Whether the records were drawn by a program."""
        return self.provenance.origin == "simulated"

    @property
    def origin_label(self) -> str:
        """``SIMULATED`` or ``observed``: stands with every table."""
        return "SIMULATED" if self.simulated else "observed"
