"""Harms among the results: adverse events, laboratory values, vital signs, stopping rules."""

from __future__ import annotations

from typing import Literal

from equipoise.analysis.result_row import Row

Level = Literal["low", "normal", "high", "low and high", "missing"]


class Rate(Row):
    """Participants with an event, of `n` in the group, with the exact interval of the rate.

    Rates are fractions. For a score or a measurement, `n` are those who were assessed after
    baseline.
    """

    group: str
    n: int
    events: int
    rate: float | None
    lower: float | None
    upper: float | None


class RateDifference(Row):
    """Difference of two rates, arm minus reference, with its score interval."""

    arm: str
    reference: str
    estimate: float
    lower: float
    upper: float


class EventRate(Row):
    """Events of one group, several of one participant counted, and their rate.

    `events` are all that were reported; `in_time` are those with an onset from the first dose
    to the last day on trial. `days` is the participants' time on trial. `per_year` is `in_time`
    by participant-year (365.25 days) with an exact Poisson interval; None where the time is
    not known.
    """

    group: str
    events: int
    in_time: int | None
    days: float | None
    per_year: float | None
    lower: float | None
    upper: float | None


class RateRatio(Row):
    """Ratio of two event rates, arm to reference, with its exact conditional interval.

    None stands for infinity: the reference had no event.
    """

    arm: str
    reference: str
    estimate: float | None
    lower: float
    upper: float | None


class HarmRow(Row):
    """One kind of harm; `organ_class` where the protocol or the records name it."""

    key: str
    label: str
    organ_class: str | None = None
    rates: tuple[Rate, ...]
    differences: tuple[RateDifference, ...]
    event_rates: tuple[EventRate, ...] = ()
    ratios: tuple[RateRatio, ...] = ()


class GradeCount(Row):
    """Participants of a group whose worst grade was this one."""

    group: str
    grade: int
    n: int


class GradeRow(Row):
    """Worst grades of a term, each participant once; of any term in the first row."""

    key: str
    label: str
    organ_class: str | None = None
    counts: tuple[GradeCount, ...]


class OnsetRow(Row):
    """First adverse events with an onset in an interval of days, `start` included.

    `at_risk` are those on trial at its start without an earlier event, None where time on trial
    is not known; `events` counts all onsets in the interval. The last interval has no end.
    """

    start: float
    end: float | None
    group: str
    at_risk: int | None
    first: int
    events: int


class ShiftCount(Row):
    """Participants of a group by their value at baseline and the worst one afterwards."""

    group: str
    baseline: Level
    after: Level
    n: int


class LabShift(Row):
    """Shifts of a laboratory value against its reference limits (in `unit`)."""

    analyte: str
    label: str
    unit: str
    low: float | None
    high: float | None
    suppressed: bool = False
    counts: tuple[ShiftCount, ...]


class VitalMean(Row):
    """A vital sign in a group at a visit; the change is from the participant's baseline."""

    group: str
    visit: str
    n: int
    mean: float | None = None
    sd: float | None = None
    n_change: int = 0
    change_mean: float | None = None
    change_sd: float | None = None


class VitalSummary(Row):
    """A vital sign by visit; `abnormal` counts marked values after baseline."""

    sign: str
    label: str
    unit: str
    means: tuple[VitalMean, ...]
    abnormal: tuple[HarmRow, ...]
    hidden: int = 0


class StoppingLook(Row):
    """A look of a stopping rule: stop when `boundary` or more of `n` had the event.

    `boundary` is None where no number of events stops; `events` and `crossed` are None while
    fewer than `n` were treated.
    """

    n: int
    boundary: int | None
    events: int | None
    crossed: bool | None


class StoppingCharacteristic(Row):
    """What a rule does at a true rate: probability to stop, expected number treated."""

    rate: float
    stop: float
    expected_n: float


class StoppingResult(Row):
    """A stopping rule: how far the trial is, and whether a boundary was crossed.

    Numbers of events are None where the committee's letters do not allow them.
    """

    key: str
    label: str
    event: str
    group: str | None
    arms: str
    accepted_rate: float
    alpha: float
    treated: int
    events: int | None
    crossed_at: int | None
    looks: tuple[StoppingLook, ...]
    characteristics: tuple[StoppingCharacteristic, ...]


class Safety(Row):
    """Harms. A part that the records do not hold is named in `not_collected`.

    `summary`, `classes`, `grades` of any event and `onset` are empty while blinded.
    `hidden_terms` counts terms that too few people had in one group to be shown (observed
    data); `hidden_classes` and `hidden_grades` likewise. `remarks` say what is not known of
    laboratory values, vital signs, time on trial and stopping rules.
    """

    summary: tuple[HarmRow, ...]
    terms: tuple[HarmRow, ...]
    hidden_terms: int
    watched: tuple[HarmRow, ...]
    not_collected: tuple[str, ...]
    withheld: tuple[str, ...]
    classes: tuple[HarmRow, ...] = ()
    hidden_classes: int = 0
    grades: tuple[GradeRow, ...] = ()
    hidden_grades: int = 0
    onset: tuple[OnsetRow, ...] = ()
    hidden_onset: bool = False
    lab_shifts: tuple[LabShift, ...] = ()
    liver: tuple[HarmRow, ...] = ()
    vitals: tuple[VitalSummary, ...] = ()
    stopping: tuple[StoppingResult, ...] = ()
    remarks: tuple[str, ...] = ()
