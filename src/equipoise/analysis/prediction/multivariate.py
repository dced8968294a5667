"""All early changes together, as a protocol plans it: from the table of markers to its rows.

Method: docs/methods/multivariate.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equipoise.analysis.prediction.multivariate_results import (
    ImputedJoint,
    JointComponent,
    JointCount,
    JointMarker,
    JointTest,
    KeptBy,
    Multivariate,
    ScorePoint,
    TuningStep,
)
from equipoise.stats.early_change.marker_imputation import impute_markers
from equipoise.stats.errors import ArgumentError
from equipoise.stats.multivariate import (
    STRENGTHS,
    adjust_sets,
    choose_tuning,
    cross_validate,
    fit_elastic_net,
    fit_partial_least_squares,
    make_folds,
    net_penalty,
    permute_whole,
    resample_importance,
)
from equipoise.streams import stream

if TYPE_CHECKING:
    from equipoise.analysis.prediction.marker_table import Marker, MarkerTable
    from equipoise.protocol.multivariate_plan import MultivariatePlan
    from equipoise.protocol.prediction_plan import PredictionPlan
    from equipoise.stats.multivariate import CrossValidation, PartialLeastSquares, Tuned, WholeTest

#: With fewer people in an arm the reader is told so.
_FEW = 10
#: People beyond the covariates below which nothing is tried.
_FEWEST_SPARE = 8
_IMPUTATIONS = 20


@dataclass(frozen=True, slots=True)
class _Joint:
    """Complete people: predictors, their baselines, covariates of all, outcome, blocks, arms."""

    x: np.ndarray
    own: np.ndarray
    common: np.ndarray
    y: np.ndarray
    blocks: np.ndarray
    arm: np.ndarray


def analyse_multivariate(
    table: MarkerTable, prediction: PredictionPlan, *, people: bool
) -> Multivariate | None:
    """The planned analysis of all early changes together; None where none is planned.

    Parameters
    ----------
    people
        Whether results may hold values of single people.
    """
    plan = prediction.multivariate
    return None if plan is None else joint_analysis(table, plan, people=people)


def joint_analysis(table: MarkerTable, plan: MultivariatePlan, *, people: bool) -> Multivariate:
    """The same from the table of markers."""
    markers = [
        marker
        for marker in table.markers
        if marker.kind != "composite" and (not plan.predictors or marker.key in plan.predictors)
    ]
    places = [table.place(marker.key) for marker in markers]
    early, baseline = table.early[:, places], table.baseline[:, places]
    steady = np.isfinite(table.outcome) & np.isfinite(table.outcome_baseline)
    # A marker that nobody has would leave nobody.
    known = np.isfinite(early[steady]) & np.isfinite(baseline[steady])
    seen: np.ndarray = np.asarray(known.any(axis=0))
    dropped = {
        marker.key: "no early change was measured"
        for marker, there in zip(markers, seen, strict=True)
        if not there
    }
    used = steady & np.isfinite(early[:, seen]).all(axis=1)
    used &= np.isfinite(baseline[:, seen]).all(axis=1)
    common = _common(table, used)
    n = int(used.sum())
    counts = tuple(
        JointCount(
            group=key,
            randomised=int((table.arm == place).sum()),
            used=int((used & (table.arm == place)).sum()),
        )
        for place, key in enumerate(table.groups)
    )
    found = Multivariate(
        n=n,
        counts=counts,
        most_components=plan.components,
        rule=plan.rule,
        folds=plan.folds,
        repeats=plan.repeats,
        bootstrap=plan.bootstrap,
        permutations=plan.permutations,
        mixing=plan.mixing,
    )
    spare = n - int(np.linalg.matrix_rank(common)) - 1 if n else 0
    if spare < _FEWEST_SPARE or n < 2 * plan.folds:
        return found.model_copy(
            update={
                "failure": f"{n} people have every early change and the outcome, too few beside "
                f"their covariates for {plan.folds} folds"
            }
        )
    sets = adjust_sets(early[used][:, seen], baseline[used][:, seen], common, np.ones((1, n)))
    varies = np.zeros(len(markers), dtype=bool)
    varies[np.flatnonzero(seen)[sets.spread[0] > 0.0]] = True
    for marker, there, moves in zip(markers, seen, varies, strict=True):
        if there and not moves:
            dropped[marker.key] = "it does not vary beyond its baseline, the arm and the strata"
    y = table.outcome[used]
    left = sets.residuals(y[None])[0, 0]
    why = None
    if not varies.any():
        why = "no early change varies beyond its baseline, the arm and the strata"
    elif float(left @ left) <= 1e-10 * float((y - y.mean()) @ (y - y.mean())):
        why = "the outcome does not vary beyond its baseline, the arm and the strata"
    if why is not None:
        return found.model_copy(update={"failure": why})
    data = _Joint(
        early[used][:, varies],
        baseline[used][:, varies],
        common,
        y,
        table.blocks[used],
        table.arm[used],
    )
    found = found.model_copy(update={"remarks": _remarks(table, plan, data, dropped, markers)})
    return _filled(table, plan, data, markers, varies, dropped, found, people=people)


def _filled(
    table: MarkerTable,
    plan: MultivariatePlan,
    data: _Joint,
    markers: list[Marker],
    varies: np.ndarray,
    dropped: dict[str, str],
    found: Multivariate,
    *,
    people: bool,
) -> Multivariate:
    """Choice, test, fit and bootstrap of the complete people."""
    n, p = data.x.shape
    most = min(plan.components, p)
    folds = make_folds(
        data.x, data.own, data.common, data.blocks, plan.folds, plan.repeats,
        stream(plan.seed, "multivariate/folds"),
    )  # fmt: skip
    pls = cross_validate(folds, data.y[None], components=most)
    net = cross_validate(folds, data.y[None], mixing=plan.mixing)
    pls_choice, net_choice = choose_tuning(pls, plan.rule), choose_tuning(net, plan.rule)
    components = int(pls_choice.model[0])
    strength, mixing = _net_tuning(plan, net_choice)
    # The same permutations for both.
    pls_test = permute_whole(
        folds, data.y, data.blocks, plan.permutations,
        stream(plan.seed, "multivariate/permutations"), components=most, rule=plan.rule,
    )  # fmt: skip
    net_test = permute_whole(
        folds, data.y, data.blocks, plan.permutations,
        stream(plan.seed, "multivariate/permutations"), mixing=plan.mixing, rule=plan.rule,
    )  # fmt: skip
    sets = adjust_sets(data.x, data.own, data.common, np.ones((1, n)))
    left = sets.residuals(data.y[None])
    covariances = sets.covariances(left)
    fit = fit_partial_least_squares(sets.gram, covariances, most)
    spread = float(np.sqrt((left * left).mean()))
    shrunk = spread * fit_elastic_net(
        sets.gram, covariances / spread, net_penalty(strength, mixing), mixing, tolerance=1e-8
    )[0, 0]  # fmt: skip
    kept_by = _best_net(plan, net)
    drawn = resample_importance(
        data.x, data.own, data.common, data.y, data.blocks, plan.bootstrap,
        stream(plan.seed, "multivariate/bootstrap"), components=most, folds=plan.folds,
        rule=plan.rule, net=kept_by,
    )  # fmt: skip
    imputed, averages, remark = _imputed(table, markers, varies, components, plan, n)
    limits = [
        np.percentile(values, [2.5, 97.5], axis=0)
        for values in (drawn.importance, drawn.coefficients)
    ]
    rows: list[JointMarker] = []
    column = 0
    for marker, moves in zip(markers, varies, strict=True):
        if not moves:
            why = dropped[marker.key]
            rows.append(JointMarker(key=marker.key, label=marker.label, dropped=why))
            continue
        j = column
        column += 1
        rows.append(
            JointMarker(
                key=marker.key,
                label=marker.label,
                sd=float(sets.spread[0, j]),
                importance=float(fit.importance[0, 0, components - 1, j]),
                importance_lower=float(limits[0][0, j]),
                importance_upper=float(limits[0][1, j]),
                above_one=float((drawn.importance[:, j] > 1.0).mean()),
                coefficient=float(fit.coefficients[0, 0, components - 1, j]),
                coefficient_lower=float(limits[1][0, j]),
                coefficient_upper=float(limits[1][1, j]),
                weight=float(fit.weights[0, 0, 0, j]),
                net_coefficient=float(shrunk[j]),
                kept=float(drawn.kept[:, j].mean()) if len(drawn.kept) else None,
                imputed_importance=None if averages is None else float(averages[0, j]),
                imputed_coefficient=None if averages is None else float(averages[1, j]),
            )
        )
    update = {
        "tests": (
            _test("partial-least-squares", pls_choice, pls_test, components=components),
            _test(
                "elastic-net", net_choice, net_test, mixing=mixing, strength=strength,
                penalty=net_penalty(strength, mixing),
            ),
        ),
        "steps": _steps(plan, pls, net),
        "markers": tuple(rows),
        "components": _components(fit, components, spread, p),
        "kept_by": None if kept_by is None else KeptBy(strength=kept_by[0], mixing=kept_by[1]),
        "bootstrap_components": tuple(
            np.bincount(drawn.components, minlength=most + 1)[1:].tolist()
        ),
        "points": _points(table, data, sets.x[0] @ fit.rotations[0, 0, 0], left[0, 0])
        if people
        else (),
        "imputed": imputed,
        "remarks": (*found.remarks, *((remark,) if remark else ())),
    }  # fmt: skip
    return found.model_copy(update=update)


def _common(table: MarkerTable, used: np.ndarray) -> np.ndarray:
    """Intercept, strata and arms that have anybody, and the outcome's baseline."""
    columns = [np.ones(int(used.sum()))]
    for codes in (table.stratum[used], table.arm[used]):
        columns += [(codes == level).astype(float) for level in np.unique(codes)[1:]]
    return np.column_stack([*columns, table.outcome_baseline[used]])


def _net_tuning(plan: MultivariatePlan, choice: Tuned) -> tuple[float, float]:
    """Strength and mixing of a candidate."""
    place = int(choice.model[0]) - 1
    return STRENGTHS[place % len(STRENGTHS)], plan.mixing[place // len(STRENGTHS)]


def _best_net(plan: MultivariatePlan, found: CrossValidation) -> tuple[float, float] | None:
    """Strength and mixing with the smallest error among those that leave markers out."""
    q2 = found.q2[0, 1:].reshape(len(plan.mixing), len(STRENGTHS)).copy()
    q2[[mixing == 0.0 for mixing in plan.mixing]] = -np.inf
    # At strength 1 nothing is kept.
    q2[:, 0] = -np.inf
    row, column = np.unravel_index(np.argmax(q2), q2.shape)
    if not np.isfinite(q2[row, column]):
        return None
    return STRENGTHS[column], plan.mixing[row]


def _test(method: str, choice: Tuned, test: WholeTest, **tuning: float | int) -> JointTest:
    return JointTest.model_validate(
        {
            "method": method,
            "chosen": bool(choice.chosen[0] > 0),
            "q2": _number(choice.q2[0]),
            "p": _number(test.p),
            "as_extreme": test.as_extreme,
            "movable": test.movable,
            "null_median": _number(np.median(test.null)),
            "null_upper": _number(np.quantile(test.null, 0.95)),
            "none_chosen": test.none_chosen,
            **tuning,
        }
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _steps(
    plan: MultivariatePlan, pls: CrossValidation, net: CrossValidation
) -> tuple[TuningStep, ...]:
    steps = [
        TuningStep(method="partial-least-squares", components=a, q2=float(q2))
        for a, q2 in enumerate(pls.q2[0])
    ]
    tunings = [(mixing, strength) for mixing in plan.mixing for strength in STRENGTHS]
    steps += [
        TuningStep(method="elastic-net", mixing=mixing, strength=strength, q2=float(q2))
        for (mixing, strength), q2 in zip(tunings, net.q2[0, 1:], strict=True)
    ]
    return tuple(steps)


def _components(
    fit: PartialLeastSquares, components: int, spread: float, p: int
) -> tuple[JointComponent, ...]:
    return tuple(
        JointComponent(
            component=a + 1,
            markers_explained=float(fit.predictors_explained[0, 0, a]) / p,
            outcome_explained=float(fit.outcome_explained[0, 0, a]) / spread**2,
        )
        for a in range(components)
    )


def _points(
    table: MarkerTable, data: _Joint, scores: np.ndarray, outcome: np.ndarray
) -> tuple[ScorePoint, ...]:
    """Ordered by their values, so that no place in the records is told."""
    rows = sorted(zip(data.arm.tolist(), scores.tolist(), outcome.tolist(), strict=True))
    return tuple(
        ScorePoint(group=table.groups[arm], score=score, outcome=value)
        for arm, score, value in rows
    )


def _remarks(
    table: MarkerTable,
    plan: MultivariatePlan,
    data: _Joint,
    dropped: dict[str, str],
    markers: list[Marker],
) -> tuple[str, ...]:
    """What the reader has to know, in words."""
    found: list[str] = []
    labels = {marker.key: marker.label for marker in markers}
    for key, why in dropped.items():
        found.append(f"{labels[key]} is left out: {why}")
    for place, label in enumerate(table.group_labels):
        size = int((data.arm == place).sum())
        if size < _FEW:
            found.append(
                f"{label} has {size} people with every value, fewer than {_FEW}: what is found "
                "within arms comes mostly from the others"
            )
    smallest = int(np.unique(data.blocks, return_counts=True)[1].min())
    if smallest < plan.folds:
        found.append(
            f"The smallest arm and stratum has {smallest} people for {plan.folds} folds: in some "
            "folds nobody of it is left out"
        )
    most = data.x.shape[1]
    if plan.components > most:
        found.append(f"With {most} markers there are at most {most} components")
    return tuple(found)


def _imputed(
    table: MarkerTable,
    markers: list[Marker],
    varies: np.ndarray,
    components: int,
    plan: MultivariatePlan,
    complete: int,
) -> tuple[ImputedJoint | None, np.ndarray | None, str | None]:
    """Mean importance and coefficients (2, p) over imputations; and why there are none.

    Imputed are the adjusted early changes of everybody with an outcome, jointly with it.
    """
    places = [table.place(m.key) for m, moves in zip(markers, varies, strict=True) if moves]
    used = np.isfinite(table.outcome) & np.isfinite(table.outcome_baseline)
    n, p = int(used.sum()), len(places)
    if n == complete:
        return None, None, None
    early, baseline = table.early[used][:, places], table.baseline[used][:, places]
    common, y = _common(table, used), table.outcome[used]
    there = np.isfinite(early) & np.isfinite(baseline)
    left = np.full((n, p + 1), np.nan)
    for j in range(p):
        rows = there[:, j]
        columns = np.column_stack([common, baseline[:, j]])[rows]
        fitted = columns @ np.linalg.lstsq(columns, early[rows, j], rcond=1e-10)[0]
        left[rows, j] = early[rows, j] - fitted
    left[:, p] = y - common @ np.linalg.lstsq(common, y, rcond=1e-10)[0]
    generator = stream(plan.seed, "multivariate/imputations")
    try:
        drawn = impute_markers(left, common[:, 1:], _IMPUTATIONS, generator)
    except ArgumentError:
        return None, None, "Missing early changes could not be imputed: too few people have them"
    total = np.zeros((2, p))
    for values in drawn:
        x = values[:, :p]
        sets = adjust_sets(x, np.zeros_like(x), common, np.ones((1, n)))
        fit = fit_partial_least_squares(
            sets.gram, sets.covariances(sets.residuals(y[None])), components
        )
        total += [fit.importance[0, 0, -1], fit.coefficients[0, 0, -1]]
    return ImputedJoint(imputations=_IMPUTATIONS, n=n), total / _IMPUTATIONS, None
