"""Who people are at baseline, and whom treatment helps more. All of it is exploratory."""

from __future__ import annotations

from equipoise.analysis.result_row import Row


class InflammationCount(Row):
    """People above a cut-off at baseline, with Clopper and Pearson's limits, and as published.

    `above` is in the unit of the value; shares are per cent; None where counts are too small.
    """

    above: float
    n: int
    events: int | None
    percent: float | None
    lower: float | None
    upper: float | None
    published: float | None
    published_lower: float | None
    published_upper: float | None
    source: str | None


class ProfileChoice(Row):
    """A number of profiles that was tried.

    `bic`: the smaller the better. `smallest`: members of the smallest profile, everybody
    in the one that is most likely. `chosen_share`: share of the subsamples whose BIC prefers this
    number. `stability`: mean adjusted Rand index between the profiles of everybody by a
    subsample's mixture and by the trial's. `entropy`: 1 where everybody's profile is
    certain, 0 where all are open.
    """

    profiles: int
    parameters: int
    log_likelihood: float
    bic: float
    smallest: int
    chosen_share: float
    stability: float | None
    entropy: float | None


class ProfileRow(Row):
    """One profile: its share with limits from subsamples, and how sure its members are.

    `means` are (marker, mean) in standard deviations of all from the mean of all.
    `membership` is the mean probability of this profile among those who most likely have it.
    """

    number: int
    share: float
    lower: float | None
    upper: float | None
    membership: float | None
    means: tuple[tuple[str, float], ...]


class ProfileRelation(Row):
    """A characteristic by profile: means, or shares of a level; everybody counts by his
    probabilities. `p` is of a permutation test of no relation."""

    characteristic: str
    label: str
    level: str | None
    values: tuple[float, ...]
    p: float | None


class ProfileResults(Row):
    """Immune profiles at baseline.

    `choices` and what follows are empty where no latent profiles are planned or can be had;
    `failure` says why. `chosen` is the number with the smallest BIC among those
    of which every profile has at least five members. `correlated_bic` is that of one group in
    which markers go together: profiles are supported only where theirs is smaller.
    """

    inflammation_label: str | None = None
    inflammation_unit: str | None = None
    inflammation: tuple[InflammationCount, ...] = ()
    randomised: int
    n: int
    markers: tuple[str, ...] = ()
    choices: tuple[ProfileChoice, ...] = ()
    chosen: int | None = None
    correlated_bic: float | None = None
    profiles: tuple[ProfileRow, ...] = ()
    relations: tuple[ProfileRelation, ...] = ()
    subsamples: int
    permutations: int
    failure: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def supported(self) -> bool:
        """Whether more than one profile is chosen, and no single group describes people as well."""
        if self.chosen is None or self.chosen == 1 or self.correlated_bic is None:
            return False
        bic = next(c.bic for c in self.choices if c.profiles == self.chosen)
        return bic < self.correlated_bic


class ModifierRow(Row):
    """How much the effect differs per unit of a modifier, in outcome units.

    The unit is one against the reference level of a factor, or two standard deviations (`step`,
    on the scale of analysis) of a number. `estimate` and p from the model with this interaction
    alone; `shrunken` from all together under the prior.
    """

    key: str
    label: str
    level: str | None
    reference: str | None
    step: float | None
    estimate: float
    lower: float
    upper: float
    p: float
    shrunken: float
    shrunken_lower: float
    shrunken_upper: float


class BenefitAt(Row):
    """Effect of treatment at one value of a modifier, the others at their means.

    `value` is a level, or ``-1 SD`` or ``+1 SD``. `own` from the model with this interaction
    alone, `shrunken` from all together under the prior.
    """

    key: str
    label: str
    value: str
    own: float
    own_lower: float
    own_upper: float
    shrunken: float
    shrunken_lower: float
    shrunken_upper: float


class PriorCheck(Row):
    """The same under another prior: spread of the interactions (in outcome units, posterior
    mean) and the standard deviation of predicted effects between people."""

    prior_scale: float
    spread: float
    between_people: float


class PersonBenefit(Row):
    """The effect of treatment that the model predicts for one person. Who it is, nothing says."""

    effect: float
    lower: float
    upper: float


class Heterogeneity(Row):
    """One active arm against the control; effects are differences of the outcome's change."""

    arm: str
    n: int
    arm_counts: tuple[int, ...]
    df: int | None = None
    effect: float | None = None
    effect_lower: float | None = None
    effect_upper: float | None = None
    joint_f: float | None = None
    joint_df: int | None = None
    joint_p: float | None = None
    modifiers: tuple[ModifierRow, ...] = ()
    effects: tuple[BenefitAt, ...] = ()
    priors: tuple[PriorCheck, ...] = ()
    benefit_tenth: float | None = None
    benefit_median: float | None = None
    benefit_ninetieth: float | None = None
    benefit_width: float | None = None
    people: tuple[PersonBenefit, ...] = ()
    failure: str | None = None
    remarks: tuple[str, ...] = ()


class Stratification(Row):
    """Profiles and heterogeneity; None where not planned."""

    outcome: str
    outcome_label: str
    outcome_unit: str
    better: str
    landmark: str
    profiles: ProfileResults | None = None
    heterogeneity: tuple[Heterogeneity, ...] = ()
