"""A parameter of a mechanistic model: its value, its spread between people, where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Distribution(StrEnum):
    """How people lie around the value of a parameter."""

    FIXED = "fixed"
    """The same for everybody."""
    LOG_NORMAL = "log-normal"
    """The value is the median; the spread is the SD of the logarithm."""
    LOGIT_NORMAL = "logit-normal"
    """The value is the median; the spread is the SD of the logit."""
    NORMAL = "normal"
    """The value is the mean; the spread is the SD, in the unit; cut at `persons`."""
    LOG_RATIO = "log-ratio"
    """Fractions of one whole: the spread is the SD of the log of fraction over remainder."""


class Origin(StrEnum):
    """Where a value is from."""

    FACT = "fact"
    """Published."""
    DERIVED = "derived"
    """Computed from what is published."""
    CALIBRATED = "calibrated"
    """Fitted to published aggregates, with assumptions."""
    ASSUMED = "assumed"
    """Not published; a choice."""


@dataclass(frozen=True, slots=True)
class PublishedSource:
    """A citation, and how sure its figures are: abstract, label, registry or recalled."""

    citation: str
    certainty: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row of the table of parameters.

    Attributes
    ----------
    name, meaning, group
        As written in equations; in words; the part of the model.
    value
        Of the typical patient, in `unit`.
    distribution, spread
        Of people around it; the spread is 0 for ``fixed``.
    lower, upper
        Between which a protocol may put the value.
    persons
        Range of single people, where the distribution is cut; None where it is not.
    origin, source, note
        Where the value is from; key of a `PublishedSource`, if any; what else must be said.
    """

    name: str
    meaning: str
    group: str
    value: float
    unit: str
    distribution: Distribution
    spread: float
    lower: float
    upper: float
    persons: tuple[float, float] | None
    origin: Origin
    source: str | None
    note: str


@dataclass(frozen=True, slots=True)
class CovariateEffect:
    """What a covariate adds to a parameter, on the scale of the parameter's distribution.

    Attributes
    ----------
    name
        Under which a protocol overrides `value`.
    on, covariate
        The parameter and the covariate.
    level
        Of a categorical covariate: who has the effect.
    power
        Whether the parameter is in proportion to ``(covariate / centre) ** value``.
    per, centre
        Of a numeric covariate: the effect is ``value * (covariate - centre) / per``.
    """

    name: str
    meaning: str
    on: str
    covariate: str
    level: str | None
    power: bool
    per: float
    centre: float
    value: float
    lower: float
    upper: float
    origin: Origin
    source: str | None


@dataclass(frozen=True, slots=True)
class Covariate:
    """How a covariate is distributed where the protocol does not say it.

    Attributes
    ----------
    levels
        Level → probability; empty for a numeric one.
    mean, sd, range, unit
        Of a numeric one; the mean by sex where it differs.
    """

    name: str
    levels: Mapping[str, float]
    mean: float | Mapping[str, float] | None
    sd: float
    range: tuple[float, float]
    unit: str
    origin: Origin
    source: str | None
