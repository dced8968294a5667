"""Which claims each trial makes: the order of testing and the families are those of `analyse`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from equipoise.analysis.answers import adjust_families, answer_estimands
from equipoise.analysis.family_adjustment import adjusted_members
from equipoise.analysis.results import Contrast, EstimandResult
from equipoise.design.characteristics import MADE, NOT_JUDGED, NOT_MADE
from equipoise.design.chunk_analysis import PARTS, responses
from equipoise.design.planned_analysis import effects_of_estimand
from equipoise.design.questions import design_draws
from equipoise.design.testing_at_once import judged_at_once, plainly_tested
from equipoise.protocol.multiplicity_plan import Adjustment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from equipoise.analysis.results import Answer, FamilyResult
    from equipoise.design.chunk_analysis import ChunkEffects
    from equipoise.design.planned_analysis import Effect, PlannedAnalysis
    from equipoise.design.questions import PlannedClaim, PlannedQuantity
    from equipoise.design.sequential_trials import SequentialTrials
    from equipoise.design.trial_values import TrialValues
    from equipoise.stats.early_change import Association, LandmarkData

#: (among, marker) → association in every trial.
Slopes = dict[tuple[str, str], "Association"]


@dataclass(frozen=True, slots=True)
class TrialRows:
    """What is kept of B trials.

    Attributes
    ----------
    hits : int8 (B, claims)
    estimate, se, df : float64 (B, quantities)
    fits : int8 (B, models)
    serious : int64 (B,)
    patients
        Kind of virtual patients.
    """

    hits: np.ndarray
    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    fits: np.ndarray
    serious: np.ndarray
    patients: str


def marker_data(plan: PlannedAnalysis, values: TrialValues) -> dict[str, LandmarkData]:
    """Outcome and early change of every predictor, on the scales of their models.

    Given both baselines and the strata.
    """
    from equipoise.stats.early_change import landmark_data

    asked = plan.prediction
    if asked is None:
        return {}
    protocol = plan.protocol
    late = protocol.endpoint_visits(asked.outcome).index(asked.landmark)
    outcome, start, _ = responses(plan, asked.outcome, values)
    found: dict[str, LandmarkData] = {}
    for name in asked.predictors:
        early, own, _ = responses(plan, name, values)
        at = protocol.endpoint_visits(name).index(asked.early_visit)
        found[name] = landmark_data(
            outcome[:, :, late],
            early[:, :, at],
            [start, own],
            values.arm,
            values.stratum,
            arms=len(protocol.arm_order),
            strata=len(protocol.strata),
        )
    return found


def find_slopes(plan: PlannedAnalysis, values: TrialValues) -> Slopes:
    """The landmark associations of the prediction, within arms and over all of them."""
    from equipoise.stats.early_change import associate

    alpha = plan.protocol.analysis.alpha
    return {
        (among, name): associate(data, among, alpha=alpha)
        for name, data in marker_data(plan, values).items()
        for among in ("within-arms", "all-arms")
    }


def judge(
    plan: PlannedAnalysis,
    claims: tuple[PlannedClaim, ...],
    quantities: tuple[PlannedQuantity, ...],
    values: TrialValues,
    effects: ChunkEffects,
    generator: Callable[[int], np.random.Generator],
    looks: Sequence[ChunkEffects] = (),
    allocation: Mapping[str, np.ndarray] | None = None,
    ends: SequentialTrials | None = None,
) -> TrialRows:
    """Hits and estimates of B trials.

    Parameters
    ----------
    looks
        Effects at each interim look.
    allocation
        Measures of the allocation: key → (B,).
    ends
        Where the trials ended, under a plan of interim looks; `values` and `effects` are of that
        end.
    generator
        Place of a trial among them → what its permutations are drawn from.
    """
    import numpy as np

    slopes = find_slopes(plan, values)
    hits = np.full((effects.trials, len(claims)), NOT_JUDGED, dtype=np.int8)
    if plainly_tested(plan.protocol):
        level = None if ends is None else ends.level
        for column, judged in judged_at_once(plan, claims, effects, level).items():
            hits[:, column] = judged
    else:
        _judge_each(plan, claims, effects, ends, hits)
    adjusted = (
        adjusted_slopes(plan, marker_data(plan, values), slopes, generator)
        if any(claim.kind == "adjusted-slope" for claim in claims)
        else {}
    )
    for column, claim in enumerate(claims):
        if claim.kind == "harms":
            hits[:, column] = np.where(values.serious == 0, MADE, NOT_MADE)
        elif claim.kind == "interval":
            each = [_beyond(effects.get(e), claim) for e in claim.effects]
            hits[:, column] = _all_of(np.array(each))
        elif claim.kind == "slope":
            each = [_beyond(_limits(slopes[member]), claim) for member in claim.members]
            hits[:, column] = _all_of(np.array(each))
        elif claim.kind == "adjusted-slope":
            (member,) = claim.members
            hits[:, column] = _below(slopes[member], adjusted[member[1]], claim, plan)
        elif claim.kind in ("any-slope", "any-adjusted"):  # behind the claims of its members
            single = "slope" if claim.kind == "any-slope" else "adjusted-slope"
            ones = [i for i, one in enumerate(claims) if one.kind == single]
            wanted = [i for i in ones if set(claims[i].members) <= set(claim.members)]
            hits[:, column] = _any_of(hits[:, wanted].T)
    estimate, se, df = (np.full((effects.trials, len(quantities)), np.nan) for _ in range(3))
    for column, quantity in enumerate(quantities):
        if quantity.effect is not None:
            source = effects if quantity.look is None else looks[quantity.look]
            parts = source.get(quantity.effect)
            estimate[:, column], se[:, column] = parts["estimate"], parts["se"]
            df[:, column] = parts["df"]
        elif quantity.end:
            estimate[:, column] = np.nan if ends is None else ends.participants
        elif quantity.allocation is not None:
            assert allocation is not None
            estimate[:, column] = allocation[quantity.allocation]
        elif quantity.slope is not None:
            among, marker, what = quantity.slope
            slope = slopes[among, marker]
            if what == "correlation":
                estimate[:, column] = slope.correlation
            else:
                estimate[:, column], se[:, column] = slope.slope, slope.se
                df[:, column] = slope.df
    fits = np.stack([effects.fits[fit.label] for fit in plan.fits], axis=1) if plan.fits else (
        np.zeros((effects.trials, 0), dtype=np.int8))  # fmt: skip
    return TrialRows(hits, estimate, se, df, fits, values.serious, values.patients)


def _judge_each(
    plan: PlannedAnalysis,
    claims: tuple[PlannedClaim, ...],
    effects: ChunkEffects,
    ends: SequentialTrials | None,
    hits: np.ndarray,
) -> None:
    """Claims about estimands and in families, trial by trial; written into (B, claims)."""
    ordered = [(c, i) for i, c in enumerate(claims) if c.kind in ("estimand", "family")]
    for trial in range(effects.trials):
        level = None if ends is None else float(ends.level[trial])
        answers, families = _tested(plan, effects, trial, level)
        for claim, column in ordered:
            hits[trial, column] = (
                _answered(claim, answers)
                if claim.kind == "estimand"
                else _in_family(claim, families, plan.protocol.analysis.alpha)
            )


def adjusted_slopes(
    plan: PlannedAnalysis,
    data: dict[str, LandmarkData],
    slopes: Slopes,
    generator: Callable[[int], np.random.Generator],
) -> dict[str, np.ndarray]:
    """Marker → (B,) p of its slope within arms, adjusted as the plan says; NaN without one.

    By max-T with few joint permutations in each trial; by the other methods from the p of the
    t statistics, not from permutations of each.
    """
    import numpy as np

    from equipoise.stats.early_change import permute_jointly

    assert plan.prediction is not None
    wanted = plan.prediction.multiplicity
    assert wanted is not None
    names = list(data)
    if wanted.method is Adjustment.MAX_T:
        trials = len(next(iter(data.values())).arm)
        made = permute_jointly(
            list(data.values()),
            design_draws(plan.protocol.analysis.alpha),
            [generator(trial) for trial in range(trials)],
        )
        p = np.array([one.test.step_down for one in made])
        return {name: p[:, place] for place, name in enumerate(names)}
    own = np.array([slopes["within-arms", name].p for name in names]).T
    found = np.full(own.shape, np.nan)
    for trial, row in enumerate(own):
        known = {
            (name, ""): None if math.isnan(p) else float(p)
            for name, p in zip(names, row, strict=True)
        }
        adjusted = adjusted_members(wanted.method, names, ("",), known, wanted.graph)
        for place, name in enumerate(names):
            p = adjusted[name, ""]
            found[trial, place] = math.nan if known[name, ""] is None or p is None else p
    return {name: found[:, place] for place, name in enumerate(names)}


def _below(
    slope: Association, p: np.ndarray, claim: PlannedClaim, plan: PlannedAnalysis
) -> np.ndarray:
    """(B,) whether p is below the level and the slope goes the planned way."""
    import numpy as np

    sign = claim.direction.sign
    right = np.full(len(p), True) if sign == 0 else sign * slope.slope > 0
    made = np.nan_to_num(p, nan=1.0) < plan.protocol.analysis.alpha
    return np.where(np.isnan(p), NOT_JUDGED, np.where(made & right, MADE, NOT_MADE))


def _limits(slope: Association) -> dict[str, np.ndarray]:
    return {"estimate": slope.slope, "lower": slope.lower, "upper": slope.upper}


def _beyond(parts: dict[str, np.ndarray], claim: PlannedClaim) -> np.ndarray:
    """(B,) whether the interval lies wholly on the planned side of no effect."""
    import numpy as np

    null, sign = claim.direction.null, claim.direction.sign
    up, down = parts["lower"] > null, parts["upper"] < null
    made = up if sign > 0 else down if sign < 0 else up | down
    known = np.isfinite(parts["lower"]) & np.isfinite(parts["upper"])
    return np.where(known, np.where(made, MADE, NOT_MADE), NOT_JUDGED)


def _all_of(each: np.ndarray) -> np.ndarray:
    """Made where all are; not judged where none is missed but one is unknown."""
    import numpy as np

    unknown = np.any(each == NOT_JUDGED, axis=0)
    missed = np.any(each == NOT_MADE, axis=0)
    return np.where(missed, NOT_MADE, np.where(unknown, NOT_JUDGED, MADE))


def _any_of(each: np.ndarray) -> np.ndarray:
    """Made where one is; not judged where none is known."""
    import numpy as np

    made = np.any(each == MADE, axis=0)
    unknown = np.all(each == NOT_JUDGED, axis=0)
    return np.where(made, MADE, np.where(unknown, NOT_JUDGED, NOT_MADE))


def _tested(
    plan: PlannedAnalysis, effects: ChunkEffects, trial: int, level: float | None
) -> tuple[tuple[Answer, ...], tuple[FamilyResult, ...]]:
    """Answers and families of one trial, by the functions of the analysis."""
    protocol = plan.protocol
    made = {
        key: EstimandResult.model_construct(
            contrasts=_contrasts(
                plan, effects, trial, tuple(effects_of_estimand(plan, key).values())
            ),
            failure=None,
        )
        for key in protocol.estimands
    }
    answers = answer_estimands(protocol, made, False, level=level)
    if not protocol.analysis.families:
        return answers, ()
    wanted = {
        name: tuple(("endpoint", name, arm, family.visit, "") for arm in protocol.active_arms)
        for family in protocol.analysis.families.values()
        for name in family.endpoints
    }
    by_endpoint = {name: _contrasts(plan, effects, trial, asked) for name, asked in wanted.items()}
    return answers, adjust_families(protocol, by_endpoint, answers, False)


def _contrasts(
    plan: PlannedAnalysis, effects: ChunkEffects, trial: int, asked: tuple[Effect, ...]
) -> tuple[Contrast, ...]:
    found: list[Contrast] = []
    for effect in asked:
        parts = effects.get(effect)
        values = {part: float(parts[part][trial]) for part in PARTS}
        if math.isnan(values["estimate"]):
            continue
        known: dict[str, Any] = {k: None if math.isnan(x) else x for k, x in values.items()}
        found.append(
            Contrast.model_construct(
                arm=effect[2],
                reference=plan.protocol.control,
                visit=effect[3],
                t=None,
                **known,
            )
        )
    return tuple(found)


def _answered(claim: PlannedClaim, answers: tuple[Answer, ...]) -> int:
    """Significant, and every arm in the planned direction."""
    key = claim.claim.key.removeprefix("estimand:")
    (answer,) = (a for a in answers if a.estimand == key)
    if answer.status.name == "NOT_ESTIMABLE":
        return NOT_JUDGED
    if not answer.significant:
        return NOT_MADE
    return MADE if all(_right_way(claim, c.estimate) for c in answer.contrasts) else NOT_MADE


def _in_family(claim: PlannedClaim, families: tuple[FamilyResult, ...], alpha: float) -> int:
    ((key, name),) = claim.members
    (family,) = (f for f in families if f.key == key)
    rows = family.contrasts[name]
    if family.closed_by is not None:
        return NOT_MADE
    if len(rows) < len(claim.effects):
        return NOT_JUDGED
    made = all(
        c.adjusted_p is not None and c.adjusted_p < alpha and _right_way(claim, c.estimate)
        for c in rows
    )
    return MADE if made else NOT_MADE


def _right_way(claim: PlannedClaim, estimate: float) -> bool:
    sign = claim.direction.sign
    return sign == 0 or sign * (estimate - claim.direction.null) > 0
