"""What simulation has to assume of mechanistic patients.

A model of `equipoise.mechanisms` carries the doses that were taken to cells, inflammatory tone and
severity. It gives the cells, laboratory values and depression scales of the protocol that it
knows, by the same key or by the mapping here; everything else of a simulated trial (other
measurements, attendance, medication, screening) stays with `[assumptions.statistical]`.

The tables of parameters lie below the protocol (`mechanisms`, data without equations), so that
names and bounds are checked when a protocol is read, with the line at which they stand; the
equations (`patients`) lie above it.
"""

from __future__ import annotations

from pydantic import Field

from equipoise.protocol.base import Flag, Fraction, Key, Map, Number, Part, Text


class SeverityAssumption(Part):
    """How severity (HDRS-17 points) shows on one instrument; what is left out is the scale's."""

    statistical: Flag = Field(
        False, description="True: the instrument stays with the statistical assumptions"
    )
    slope: Number | None = Field(
        None, ge=0, description="Points of the scale for each point of severity"
    )
    intercept: Number | None = Field(None, description="Points of the scale at no severity")
    noise: Number | None = Field(
        None, ge=0, description="SD of one rating, as a multiple of the model's `rater_sd`"
    )


class DoseEvent(Part):
    """An adverse event whose probability rises with the dose.

    After each dose that is given it occurs with probability
    ``background + rise * amount / (amount + half)``, another draw for every dose.
    """

    background: Fraction = Field(0.0, description="Probability after a dose of nothing (placebo)")
    rise: Fraction = Field(description="What the largest doses add to it")
    half: Number = Field(
        gt=0, description="Amount that adds half of that, in the unit of the model's drug"
    )
    grades: Map[Text, Fraction] = Field(description="Grade (1-5) → probability; they sum to 1")
    onset: tuple[Number, Number] = Field(
        (0.1, 0.5), description="Range of the onset, in days after the dose (at least 0.1)"
    )
    duration: tuple[Number, Number] = Field(description="Range of the duration (days)")
    serious: Fraction = Field(0.0, description="Probability to be serious")
    related: Fraction = Field(0.0, description="Probability to be judged related")
    stopping: Fraction = Field(0.0, description="Probability to lead to stopping study drug")


class Mechanistic(Part):
    """All that the mechanistic patients need beside the statistical assumptions."""

    model: Text = Field(description="Name of the model: `equipoise model` lists them")
    drug: Text | None = Field(
        None, description="The drug of `arms.*.doses` that it describes; default: the model's own"
    )
    parameters: Map[Text, Number] = Field(
        {},
        description="Other values of the model's parameters, covariate effects and spreads "
        "(`NAME.spread`), by name",
    )
    correlations: Map[Text, Map[Text, Number]] = Field(
        {}, description="Parameter → parameter → correlation of their random effects"
    )
    link: Fraction = Field(
        1.0,
        description="How far severity follows the same random effects as the cells: 1 the full "
        "mechanism, 0 cells that say nothing of it; scenario `link-off` sets 0",
    )
    covariates: Map[Key, Text] = Field(
        {},
        description="Covariate or exposure of the protocol → covariate of the model, or `none`; "
        "those of the same name need no entry, and what the protocol does not have is drawn",
    )
    everybody: Map[Key, Text | Number] = Field(
        {}, description="Covariate of the model → the value that all participants have"
    )
    cells: Map[Key, Text] = Field(
        {},
        description="Cell population of the protocol → population of the model, or `statistical`; "
        "those of the same key need no entry",
    )
    labs: Map[Key, Text] = Field(
        {},
        description="Laboratory value of the protocol → value of the model, or `statistical`; "
        "those of the same key need no entry",
    )
    instruments: Map[Key, SeverityAssumption] = Field(
        {},
        description="Instrument → how severity shows on it; depression scales that are known "
        "need no entry",
    )
    events: Map[Text, DoseEvent] = Field(
        {},
        description="Adverse-event term → probability by dose; takes the place of the statistical "
        "assumption on the same term",
    )
