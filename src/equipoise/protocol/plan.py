"""Who is treated how and seen when: trial, arms, randomisation, population, visits."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from equipoise.protocol.base import (
    Certainty,
    Flag,
    Fraction,
    Int,
    Key,
    Map,
    Number,
    Part,
    Text,
)
from equipoise.protocol.reporting import Description


class Source(Part):
    """A published source, or a public data set, that facts of the protocol rest on."""

    citation: Text = Field(description="Authors, title, journal, year, pages")
    certainty: Certainty = Field(description="How the facts taken from it were read")
    doi: Text | None = Field(None, description="DOI without the resolver's address")
    register_id: Text | None = Field(None, description="Number in a trial register")


class Provenance(Part):
    """Where a value of the protocol comes from: a source, or an assumption with its reason."""

    source: Key | None = Field(None, description="Key of a table in `sources`")
    assumed: Text | None = Field(None, description="Why this value was assumed")
    note: Text | None = Field(None, description="What exactly the source says")


class Design(StrEnum):
    """How the trial compares."""

    PARALLEL = "parallel"
    SINGLE_ARM = "single-arm"


class Trial(Part):
    """What the trial is."""

    id: Key = Field(description="Short name, used in files")
    title: Text = Field(description="Full scientific title")
    short_title: Text = Field(description="Title of the report's first line")
    phase: Text | None = Field(None, description="Phase of development")
    design: Design = Field(
        Design.PARALLEL,
        description="parallel (randomised arms) or single-arm (one arm, no comparison)",
    )
    blinding: Text = Field(description="Who is kept unaware of the arm")
    registration: Text | None = Field(None, description="Register and number")
    setting: Text | None = Field(None, description="Where participants are treated")
    objective: Text = Field(description="The primary objective in one sentence")
    hypothetical: Flag = Field(False, description="True for a trial that nobody registered")
    about: Text = Field(description="What this protocol is, and what it is not")


class Dose(Part):
    """One drug of an arm with its schedule."""

    drug: Text = Field(description="Drug as given in the arm")
    amount: Number = Field(ge=0, description="Amount of one dose, in `unit`")
    unit: Text = Field(description="Unit of the amount")
    volume_ml: Number | None = Field(
        None, gt=0, description="Volume of one dose, the same in all arms (mL)"
    )
    route: Text = Field(description="Route of administration")
    days: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        min_length=1, description="Days of the doses, counted from the first dose (day 0)"
    )


class Role(StrEnum):
    """What an arm is in the comparison; the one arm of a single-arm trial is active."""

    CONTROL = "control"
    ACTIVE = "active"


class Arm(Part):
    """One arm of the trial."""

    label: Text = Field(description="Name as printed")
    role: Role = Field(
        description="control or active; exactly one arm is the control (none in a single-arm trial)"
    )
    ratio: Int = Field(ge=1, le=100, description="Share in the allocation ratio, a whole number")
    doses: tuple[Dose, ...] = Field((), description="Drugs and schedules")
    description: Description | None = Field(
        None, description="The intervention as TIDieR asks for it"
    )


class AllocationMethod(StrEnum):
    """How participants are allocated."""

    SIMPLE = "simple"
    """Complete randomisation: each draw stands alone."""
    PERMUTED_BLOCKS = "permuted-blocks"
    BIASED_COIN = "biased-coin"
    URN = "urn"
    MINIMISATION = "minimisation"
    NONE = "none"


class Imbalance(StrEnum):
    """What minimisation keeps small in each factor."""

    RANGE = "range"
    VARIANCE = "variance"


class Randomisation(Part):
    """How participants are allocated to arms."""

    method: AllocationMethod = Field(
        description="Allocation method; none for a single-arm trial, and only there"
    )
    strata: tuple[Key, ...] = Field(
        (),
        description="Categorical covariates that form strata; the factors that minimisation "
        "balances",
    )
    block_sizes: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        (), description="One size (fixed) or several (drawn at random); multiples of the ratio sum"
    )
    stratum_sizes: Map[str, Annotated[int, Field(ge=1)]] = Field(
        {}, description="Planned participants in each stratum; they sum to population.size"
    )
    incomplete_blocks: Flag = Field(
        False, description="True: the last block of a stratum may be incomplete"
    )
    coin_probability: Number | None = Field(
        None,
        gt=0,
        lt=1,
        description="Biased coin and minimisation: probability of the arm that is behind, or that "
        "balances best",
    )
    urn_start: Int | None = Field(
        None, ge=0, le=1000, description="Urn: balls of each arm at the start"
    )
    urn_added: Int | None = Field(
        None, ge=1, le=1000, description="Urn: balls of every other arm added by an allocation"
    )
    imbalance: Imbalance | None = Field(
        None, description="Minimisation: range or variance of the arms' counts; range if left out"
    )
    factor_weights: Map[Key, Annotated[float, Field(gt=0, le=1000)]] = Field(
        {}, description="Minimisation: weight of each factor; 1 where it has none"
    )


class Covariate(Part):
    """A baseline characteristic."""

    label: Text = Field(description="Name as printed")
    type: Literal["categorical", "numeric"] = Field(description="Kind of values")
    levels: tuple[Text, ...] = Field((), description="Levels in order; the first is the reference")
    level_labels: Map[str, Text] = Field({}, description="Names of levels as printed")
    unit: Text | None = Field(None, description="Unit of a numeric covariate")
    minimum: Number | None = Field(None, description="Lowest admissible value")
    maximum: Number | None = Field(None, description="Highest admissible value")


class Population(Part):
    """Who takes part."""

    size: Int = Field(ge=2, le=10_000_000, description="Planned number randomised")
    description: Text = Field(description="The population in one sentence")
    inclusion: tuple[Text, ...] = Field((), description="Inclusion criteria")
    exclusion: tuple[Text, ...] = Field((), description="Exclusion criteria")
    covariates: Map[Key, Covariate] = Field({}, description="Baseline characteristics")


class Visit(Part):
    """A planned visit; `day` is counted from the first dose (day 0)."""

    id: Key = Field(description="Identifier, as in the tables")
    label: Text = Field(description="Name as printed")
    day: Number = Field(description="Planned day, decimal")
    window: tuple[Number, Number] = Field(description="Earliest and latest day, inclusive")
    timing: Text | None = Field(None, description="Timing of samples relative to the dose")
    baseline: Flag = Field(False, description="True for the one baseline visit")


class OutOfWindow(StrEnum):
    """What happens to a day outside its visit's window."""

    REFUSE = "refuse"
    REPORT = "report"


class Conduct(Part):
    """Rules for the data of the trial."""

    out_of_window: OutOfWindow = Field(
        OutOfWindow.REFUSE, description="A day outside the window: refuse it, or count and report"
    )


class ReportOptions(Part):
    """What the report may show."""

    smallest_cell: Int = Field(
        5, ge=1, description="Observed data: counts of people below this are not broken down"
    )
    individual_data: Flag = Field(
        False,
        description="Observed data: whether the report may show the course of single people",
    )
    committee_sees_small_counts: Flag = Field(
        False,
        description="True: the monitoring committee's confidential report of observed data shows "
        "every count, since rare harms are what it looks for",
    )


__all__ = [
    "AllocationMethod",
    "Arm",
    "Certainty",
    "Conduct",
    "Covariate",
    "Design",
    "Dose",
    "Fraction",
    "Imbalance",
    "OutOfWindow",
    "Population",
    "Provenance",
    "Randomisation",
    "ReportOptions",
    "Role",
    "Source",
    "Trial",
    "Visit",
]
