"""The claims that a protocol's analysis can make, and the quantities that it estimates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from equipoise.design.characteristics import Claim, Quantity
from equipoise.design.planned_analysis import Effect, PlannedAnalysis, effects_of_estimand
from equipoise.design.published import published_findings
from equipoise.protocol.multiplicity_plan import Adjustment
from equipoise.protocol.questions import Scale

if TYPE_CHECKING:
    from equipoise.protocol.questions import Endpoint, Family


ClaimKind = Literal[
    "estimand",
    "family",
    "interval",
    "slope",
    "any-slope",
    "adjusted-slope",
    "any-adjusted",
    "harms",
]

#: How a family is judged in simulated trials, by the method that its protocol names.
ADJUSTED: dict[Adjustment, str] = {
    Adjustment.HOLM: "Holm",
    Adjustment.HOCHBERG: "Hochberg",
    Adjustment.FIXED_SEQUENCE: "fixed sequence",
    Adjustment.GRAPHICAL: "graphical procedure",
    Adjustment.BH: "Benjamini–Hochberg: false discovery rate",
    Adjustment.MAX_T: "Holm",
    Adjustment.NONE: "unadjusted",
}


def design_draws(alpha: float) -> int:
    """Joint permutations in each simulated trial, where the plan adjusts markers by max-T.

    Few, for there are thousands of trials; enough for ten p-values below the level.
    """
    return max(199, round(10 / alpha) - 1)


@dataclass(frozen=True, slots=True)
class Direction:
    """Which way an effect has to go: `sign` (0: either), from the value without effect."""

    sign: int
    null: float = 0.0


@dataclass(frozen=True, slots=True)
class PlannedClaim:
    """A claim and how it is judged in a trial.

    Attributes
    ----------
    kind
        ``estimand`` and ``family`` go through the order of testing; ``interval`` asks of every
        one of `effects` that its interval excludes no effect; ``slope`` the same of the slopes
        of `members`; ``adjusted-slope`` that its p, adjusted for their number, is below the
        level; ``any-slope`` and ``any-adjusted`` that one of the claims of the members is made;
        ``harms`` that nobody has a serious event.
    """

    claim: Claim
    kind: ClaimKind
    direction: Direction
    effects: tuple[Effect, ...] = ()
    members: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedQuantity:
    """A quantity and where its estimate comes from: an effect, or (among, marker, what).

    `look` is the place of an interim look whose effect it is; None: of the whole trial.
    `allocation` is the key of a measure of the allocation; None for any other quantity. `end` is
    True for the number of participants with whom a trial ends.
    """

    quantity: Quantity
    effect: Effect | None
    slope: tuple[str, str, str] | None = None
    look: int | None = None
    allocation: str | None = None
    end: bool = False


def planned_direction(endpoint: Endpoint, published: str | None) -> Direction:
    """The planned direction of an endpoint's effect.

    ``better`` decides; where it is ``neither``, what was published. Rates of response and
    remission and chances of doing better are good when high, times without response when low.
    """
    if endpoint.scale in (Scale.RESPONSE, Scale.REMISSION):
        return Direction(1)
    if endpoint.scale is Scale.TIME_TO_RESPONSE:
        return Direction(-1)
    if endpoint.scale is Scale.ORDINAL:
        return Direction(1, 0.5)
    word = published if endpoint.better == "neither" else endpoint.better
    return Direction({"higher": 1, "lower": -1}.get(str(word), 0))


def planned_claims(
    plan: PlannedAnalysis, patients: str | None = None, *, given: bool = False
) -> tuple[PlannedClaim, ...]:
    """All claims of a protocol, in the order in which they are shown.

    `patients` are the virtual ones, None for the protocol's own: they decide which adverse
    events can be serious at all.
    """
    published = published_findings(plan.protocol)
    found: list[PlannedClaim] = []
    for made in (*_estimands(plan), *_subgroups(plan), *_families(plan), *_predictions(plan),
                 _harms(plan, patients, given)):  # fmt: skip
        row = published.get(made.claim.key)
        direction = made.direction
        if row is not None and row.direction is not None and direction.sign == 0:
            direction = Direction({"higher": 1, "lower": -1}[row.direction], direction.null)
        claim = made.claim
        words = {1: " up", -1: " down", 0: ""}[direction.sign]
        label = claim.label.replace("{direction}", words)
        claim = _replaced(claim, label, row.finding if row else None,
                          row.source if row else None, row.certainty if row else None)  # fmt: skip
        found.append(PlannedClaim(claim, made.kind, direction, made.effects, made.members))
    return tuple(found)


def _replaced(
    claim: Claim, label: str, finding: str | None, source: str | None, certainty: str | None
) -> Claim:
    import dataclasses

    return dataclasses.replace(
        claim, label=label, published=finding, source=source, certainty=certainty
    )


def _estimands(plan: PlannedAnalysis) -> Iterator[PlannedClaim]:
    protocol = plan.protocol
    order = sorted(protocol.estimands.items(), key=lambda item: item[1].role != "primary")
    for place, (key, estimand) in enumerate(order):
        point = protocol.endpoints[estimand.endpoint]
        gate = "" if place == 0 else "; tested only where those before it were significant"
        if protocol.analysis.testing.value == "graphical":
            gate = "; the level is shared as the protocol's graph says"
        claim = Claim(
            key=f"estimand:{key}",
            label=estimand.question,
            rule=f"{point.label} at {protocol.visit(estimand.visit).label}: significant in the "
            f"planned direction{gate}",
            group="Primary and key secondary questions",
            headline=True,
        )
        effects = tuple(effects_of_estimand(plan, key).values())
        yield PlannedClaim(claim, "estimand", planned_direction(point, None), effects)


def _subgroups(plan: PlannedAnalysis) -> Iterator[PlannedClaim]:
    protocol = plan.protocol
    factors = {fit.endpoint: fit.subgroup for fit in plan.fits if fit.subgroup is not None}
    for key, estimand in protocol.estimands.items():
        factor = factors.get(estimand.endpoint)
        if factor is None or key in dict(plan.by_records):
            continue
        covariate = protocol.population.covariates[factor]
        levels = covariate.levels
        point = protocol.endpoints[estimand.endpoint]
        direction = planned_direction(point, None)
        what = f"{point.label} at {protocol.visit(estimand.visit).label}"
        group = f"{what} by {covariate.label.lower()}, from the model with the interaction"

        def of(
            level: str, name: str = estimand.endpoint, visit: str = estimand.visit
        ) -> tuple[Effect, ...]:
            return tuple(("subgroup", name, arm, visit, level) for arm in protocol.active_arms)

        for level in levels:
            claim = Claim(
                key=f"subgroup:{key}:{level}",
                label=f"{what}: effect in {covariate.level_labels.get(level, level)}",
                rule=f"{what}: the interval of the effect there excludes none, in the planned "
                "direction",
                group=group,
            )
            yield PlannedClaim(claim, "interval", direction, of(level))
        both = "both groups" if len(levels) == 2 else "every group"
        claim = Claim(
            key=f"subgroup:{key}:all",
            label=f"{what}: effect in {both}",
            rule="all of these intervals exclude none in the same trial",
            group=group,
            caution=f"Not how an effect “in {both}” should be concluded: intervals in small "
            "groups miss real effects. The interaction says whether groups differ.",
        )
        yield PlannedClaim(
            claim, "interval", direction, tuple(e for level in levels for e in of(level))
        )
        for level in levels[1:]:
            claim = Claim(
                key=f"interaction:{key}:{level}",
                label=f"{what}: the effect differs between {levels[0]} and {level}",
                rule=f"{what}: the interval of the difference of the effects excludes none",
                group=group,
            )
            yield PlannedClaim(claim, "interval", Direction(0), of(f"{level} - {levels[0]}"))


def _families(plan: PlannedAnalysis) -> Iterator[PlannedClaim]:
    protocol = plan.protocol
    for key, family in protocol.analysis.families.items():
        for name in family.endpoints:
            point = protocol.endpoints[name]
            claim = Claim(
                key=f"family:{key}:{name}",
                label=f"{point.label}{{direction}} at {protocol.visit(family.visit).label}",
                rule=_adjusted_within(family)
                + (f"; after {family.after} was significant" if family.after else ""),
                group=family.label,
            )
            effects = tuple(
                ("endpoint", name, arm, family.visit, "") for arm in protocol.active_arms
            )
            yield PlannedClaim(
                claim, "family", planned_direction(point, None), effects, ((key, name),)
            )


def _adjusted_within(family: Family) -> str:
    """When a member of a family is claimed."""
    said = f"p adjusted within the family ({ADJUSTED[family.method]}) is below the level"
    if family.method is Adjustment.NONE:
        return "p, not adjusted, is below the level"
    if family.method is Adjustment.MAX_T:
        said += (
            ". The analysis itself adjusts by max-T with lists drawn again, which takes too long "
            "for so many trials; Holm claims no more under most dependence"
        )
    return said


def _predictions(plan: PlannedAnalysis) -> Iterator[PlannedClaim]:
    protocol, asked = plan.protocol, plan.prediction
    if asked is None:
        return
    points = protocol.endpoints
    outcome = points[asked.outcome]
    early, late = protocol.visit(asked.early_visit).label, protocol.visit(asked.landmark).label
    good = planned_direction(outcome, None).sign

    def way(name: str) -> Direction:
        """A rise goes with a better outcome; a fall, of what is better when it is lower."""
        return Direction(-good if points[name].better == "lower" else good)

    def text(name: str, arm: str) -> str:
        move = "fall" if points[name].better == "lower" else "rise"
        return rule.replace("{arm}", arm).replace("{move}", move)

    group = f"Does the early change predict {outcome.label} at {late}?"
    rule = (
        f"slope of the change of {outcome.label} to {late} on the change of the marker to "
        f"{early}, given both baselines and strata{{arm}}: its interval excludes 0, a greater "
        "{move} with more improvement"
    )
    first = asked.predictors[0]
    yield PlannedClaim(
        Claim(
            key=f"prediction:within:{first}",
            label=f"Within arms: early change of {points[first].label} predicts",
            rule=text(first, " and arm"),
            group=group,
            headline=True,
        ),
        "slope", way(first), members=(("within-arms", first),),
    )  # fmt: skip
    yield PlannedClaim(
        Claim(
            key=f"prediction:all:{first}",
            label=f"All arms together: early change of {points[first].label} goes with it",
            rule=text(first, ", without the arm"),
            group=group,
            caution="Treatment alone produces it: it moves both. It is no sign of a link.",
        ),
        "slope", way(first), members=(("all-arms", first),),
    )  # fmt: skip
    for name in asked.predictors[1:]:
        yield PlannedClaim(
            Claim(
                key=f"prediction:within:{name}",
                label=f"Within arms: early change of {points[name].label} predicts",
                rule=text(name, " and arm"),
                group=group,
            ),
            "slope", way(name), members=(("within-arms", name),),
        )  # fmt: skip
    if len(asked.predictors) > 1:
        yield PlannedClaim(
            Claim(
                key="prediction:within:any",
                label=f"Within arms: at least one of the {len(asked.predictors)} measures predicts",
                rule="one of the slopes within arms, without adjustment for their number",
                group=group,
                caution="The more measures are tried, the more often one of them does by chance.",
            ),
            "any-slope",
            Direction(0),
            members=tuple(("within-arms", name) for name in asked.predictors),
        )
    counted = asked.multiplicity
    # With labs or composites the family is larger than what trials are simulated of.
    if counted is None or counted.method is Adjustment.NONE or asked.labs or asked.composites:
        return
    n, name_of = len(asked.predictors), ADJUSTED[counted.method]
    how = (
        "by joint permutation of residuals within arm and stratum "
        f"({design_draws(protocol.analysis.alpha)} in each simulated trial), step-down"
        if counted.method is Adjustment.MAX_T
        else f"{name_of}, of the p of the t statistics"
    )
    for name in asked.predictors:
        yield PlannedClaim(
            Claim(
                key=f"prediction:adjusted:{name}",
                label=f"Within arms, adjusted: early change of {points[name].label} predicts",
                rule=f"p of the slope within arms, adjusted for {n} measures ({how}), is below the "
                "level, in the direction of the claim",
                group=group,
            ),
            "adjusted-slope", way(name), members=(("within-arms", name),),
        )  # fmt: skip
    yield PlannedClaim(
        Claim(
            key="prediction:adjusted:any",
            label=f"Within arms, adjusted: at least one of the {n} measures predicts",
            rule="one of the claims of single measures is made, adjusted for their number",
            group=group,
        ),
        "any-adjusted",
        Direction(0),
        members=tuple(("within-arms", name) for name in asked.predictors),
    )


def _harms(plan: PlannedAnalysis, patients: str | None, given: bool) -> PlannedClaim:
    assumptions = plan.protocol.assumptions
    assumed = assumptions.statistical
    terms = {} if assumed is None else {k: e.serious for k, e in assumed.events.items()}
    if assumptions.mechanistic is not None and patients != "statistical":
        terms |= {k: e.serious for k, e in assumptions.mechanistic.events.items()}
    possible = given or any(serious > 0 for serious in terms.values())
    return PlannedClaim(
        Claim(
            key="harms:no-serious",
            label="No serious adverse event",
            rule="nobody in any arm has one",
            group="Harms",
            caution=""
            if possible
            else "The assumptions contain no serious event: this says nothing.",
            simulated=possible,
        ),
        "harms",
        Direction(0),
    )


def planned_quantities(plan: PlannedAnalysis) -> tuple[PlannedQuantity, ...]:
    """All numbers that every trial estimates."""
    return (*_effect_quantities(plan), *_slope_quantities(plan))


def _effect_quantities(plan: PlannedAnalysis) -> Iterator[PlannedQuantity]:
    protocol = plan.protocol
    points = protocol.endpoints
    several = len(protocol.active_arms) > 1

    def named(text: str, arm: str) -> str:
        return f"{text}, {protocol.arms[arm].label}" if several else text

    def unit(name: str) -> str:
        scale = points[name].scale
        if scale is Scale.LOG_FOLD:
            return "log ratio"
        if scale is Scale.CHANGE:
            return protocol.unit_of(name)
        return {"ordinal": "probability", "time-to-response": "days"}.get(scale.value, "rate")

    for key, estimand in protocol.estimands.items():
        what = f"{points[estimand.endpoint].label} at {protocol.visit(estimand.visit).label}"
        for arm, effect in effects_of_estimand(plan, key).items():
            yield PlannedQuantity(
                Quantity(f"estimand:{key}:{arm}", named(what, arm), unit(estimand.endpoint)), effect
            )
    asked = {e.endpoint: (k, e.visit) for k, e in protocol.estimands.items()
             if k not in dict(plan.by_records)}  # fmt: skip
    for fit in plan.fits:
        if fit.subgroup is None or fit.endpoint not in asked:
            continue
        key, visit = asked[fit.endpoint]
        levels = protocol.population.covariates[fit.subgroup].levels
        differences = [f"{level} - {levels[0]}" for level in levels[1:]]
        for level in (*levels, *differences):
            kind = "interaction" if level in differences else "subgroup"
            for arm in protocol.active_arms:
                text = f"{points[fit.endpoint].label} at {protocol.visit(visit).label}, {level}"
                yield PlannedQuantity(
                    Quantity(f"{kind}:{key}:{level}:{arm}", named(text, arm), unit(fit.endpoint)),
                    ("subgroup", fit.endpoint, arm, visit, level),
                )
    for key, family in protocol.analysis.families.items():
        for name in family.endpoints:
            for arm in protocol.active_arms:
                text = f"{points[name].label} at {protocol.visit(family.visit).label}"
                yield PlannedQuantity(
                    Quantity(f"family:{key}:{name}:{arm}", named(text, arm), unit(name)),
                    ("endpoint", name, arm, family.visit, ""),
                )


def _slope_quantities(plan: PlannedAnalysis) -> Iterator[PlannedQuantity]:
    protocol, asked = plan.protocol, plan.prediction
    if asked is None:
        return
    points = protocol.endpoints
    for among, word in (("within-arms", "within arms"), ("all-arms", "all arms together")):
        for name in asked.predictors:
            label = f"{points[asked.outcome].label} on {points[name].label}, {word}"
            per = "log ratio" if points[name].scale is Scale.LOG_FOLD else protocol.unit_of(name)
            short = among.partition("-")[0]
            yield PlannedQuantity(
                Quantity(
                    f"slope:{short}:{name}",
                    f"Slope of {label}",
                    f"{protocol.unit_of(asked.outcome)} per {per}",
                ),
                None,
                (among, name, "slope"),
            )
            yield PlannedQuantity(
                Quantity(f"correlation:{short}:{name}", f"Partial correlation of {label}", ""),
                None,
                (among, name, "correlation"),
            )
