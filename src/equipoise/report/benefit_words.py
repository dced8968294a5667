"""What may be said of immune profiles and of differences in benefit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.words import (
    clause,
    decimals,
    group_label,
    interval,
    level,
    number,
    p_clause,
    visit_label,
)

if TYPE_CHECKING:
    from equipoise.analysis.results import Results
    from equipoise.analysis.stratification.benefit_results import (
        BenefitAt,
        Heterogeneity,
        InflammationCount,
        ModifierRow,
        ProfileResults,
        Stratification,
    )

#: Below this mean adjusted Rand index the profiles are not found again in part of the people.
STABLE = 0.6

CAUTION_PROFILES = (
    "Profiles describe the people of this trial at baseline. That somebody has one says neither "
    "why, nor what will help; percentages of one parent population push each other up and down."
)


def inflamed(results: Results, found: ProfileResults) -> str | None:
    """How many were inflamed by each cut-off; None where that is not planned."""
    rows = [row for row in found.inflammation if row.percent is not None]
    if not found.inflammation:
        return None
    if not rows:
        return f"How many had a raised {found.inflammation_label}: too few people to be shown."
    parts = [
        f"{number(row.percent, 0)} % ({row.events} of {row.n}; {level(results)} CI "
        f"{interval(row.lower, row.upper, 0)} %) had more than {row.above:g} "
        f"{found.inflammation_unit}{published(row)}"
        for row in rows
    ]
    return f"{found.inflammation_label} at baseline: {'; '.join(parts)}."


def published(row: InflammationCount) -> str:
    """The published share, in brackets; nothing where there is none."""
    if row.published is None:
        return ""
    limits = ""
    if row.published_lower is not None and row.published_upper is not None:
        limits = f", {number(row.published_lower, 0)} to {number(row.published_upper, 0)} %"
    return f" [published {number(row.published, 0)} %{limits}]"


def profiles_answer(found: ProfileResults) -> str | None:
    """Whether there are several immune profiles; None where none are planned."""
    if not found.markers:
        return None
    if found.failure is not None:
        return f"Latent immune profiles cannot be told: {clause(found.failure)}."
    if found.chosen is None:
        return None
    names = f"{len(found.markers)} markers at baseline in {found.n} people"
    if found.chosen == 1:
        return (
            f"The data do not support more than one immune profile ({names}): the BIC is smallest "
            "with one."
        )
    choice = next(c for c in found.choices if c.profiles == found.chosen)
    stability = float(choice.stability or 0.0)
    said = f"By the BIC {found.chosen} immune profiles describe people best ({names})"
    if not found.supported:
        return (
            f"The data do not support more than one immune profile. {said}, but one group in which "
            "the markers rise and fall together describes them as well or better."
        )
    if stability < STABLE:
        return (
            f"The data do not support more than one immune profile. {said}, but they are not found "
            f"again when a fifth of the people are left out (agreement {number(stability)}, 1 is "
            "alike)."
        )
    sizes = "; ".join(
        f"profile {row.number}: {number(100 * row.share, 0)} %"
        + (
            ""
            if row.lower is None or row.upper is None
            else f" ({number(100 * row.lower, 0)} to {number(100 * row.upper, 0)} %)"
        )
        for row in found.profiles
    )
    return (
        f"{said}, and they are found again when a fifth of the people are left out (agreement "
        f"{number(stability)}, 1 is alike). {sizes}."
    )


def shows_profiles(found: ProfileResults) -> bool:
    """Whether the profiles themselves are shown: they are supported, and found again."""
    choice = next((c for c in found.choices if c.profiles == found.chosen), None)
    return found.supported and choice is not None and float(choice.stability or 0.0) >= STABLE


def benefit_answer(results: Results, found: Stratification, one: Heterogeneity) -> str:
    """Whether the effect of treatment differs between people."""
    who = group_label(results, one.arm)
    if one.failure is not None:
        return f"Whether {who} helps some more than others cannot be told: {clause(one.failure)}."
    assert one.joint_p is not None
    late = visit_label(results, found.landmark)
    differs = one.joint_p < 1.0 - results.confidence
    said = (
        f"That the effect of {who} on {found.outcome_label} by {late} differs between people is "
        f"suggested by these data"
        if differs
        else f"These data do not show that the effect of {who} on {found.outcome_label} by {late} "
        "differs between people, nor do they exclude it"
    )
    digits = decimals((float(one.effect_upper or 0) - float(one.effect_lower or 0)) / 4)
    return (
        f"{said} (all {one.joint_df} interactions together: {p_clause(one.joint_p)}; effect at the "
        f"mean of all {effect_text(one.effect, one.effect_lower, one.effect_upper)} "
        f"{found.outcome_unit}, n = {one.n}). After shrinkage nine people in ten have a predicted "
        f"effect of {number(one.benefit_ninetieth, digits)} {found.outcome_unit} or lower, one in "
        f"ten of {number(one.benefit_tenth, digits)} or lower, while the interval of one person's "
        f"is {number(one.benefit_width, digits)} {found.outcome_unit} wide."
    )


def benefit_caution(found: Stratification, one: Heterogeneity) -> str:
    """What the answer does not say."""
    wide = max(
        (row.upper - row.lower for row in one.modifiers), default=float(one.benefit_width or 0)
    )
    return (
        "Nobody is to be treated, or left untreated, by this: a trial of this size finds a "
        f"difference in effect only where it is very large (intervals are up to "
        f"{number(wide, 0)} {found.outcome_unit} wide), and an effect that is significant in one "
        "group and not in the other is no difference between them. Exploratory, unadjusted."
    )


def prior_sentence(found: Stratification, one: Heterogeneity) -> str:
    """What the prior does at this size."""
    if len(one.priors) != 3:
        return ""
    half, own, twice = one.priors
    return (
        "Shrunken effects lean on a prior: interactions are taken to be alike in size, around "
        f"none, with a spread that the data help to find. Predicted effects differ between people "
        f"by an SD of {number(own.between_people)} {found.outcome_unit} under the planned prior, "
        f"{number(half.between_people)} with half its scale and {number(twice.between_people)} "
        "with twice: the more these differ, the less the data themselves say."
    )


def effect_text(value: float | None, lower: float | None, upper: float | None) -> str:
    """``-1.2 (-2.1 to -0.3)``."""
    digits = decimals((float(upper or 0) - float(lower or 0)) / 4)
    return f"{number(value, digits)} ({interval(lower, upper, digits)})"


def modifier_name(row: ModifierRow) -> str:
    """What the interaction is per."""
    if row.level is not None:
        return f"{row.label}: {row.level} against {row.reference}"
    return f"{row.label}, per 2 SD"


def at_name(row: BenefitAt) -> str:
    """Where an effect is shown."""
    return f"{row.label}: {row.value}"
