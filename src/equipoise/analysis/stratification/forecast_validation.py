"""The planned forecasts trained, and tested on people whom they have not seen.

Methods: docs/methods/forecast.md and docs/methods/forecast-validation.md. Nothing is forecast while
blinded: the arm is among the predictors.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from equipoise.analysis.individual_courses import may_show_people
from equipoise.analysis.prediction.marker_table import make_marker_table
from equipoise.analysis.stratification.forecast_design import ForecastDesign, forecast_designs
from equipoise.analysis.stratification.forecast_results import (
    ForecastCount,
    ForecastGain,
    ForecastMeasure,
    ForecastResults,
    ForecastStage,
    Histogram,
    PersonForecast,
    StageName,
)
from equipoise.analysis.stratification.forecast_stages import (
    coefficients,
    learning_points,
    number,
    people_needed,
    response_calibration,
    score_calibration,
)
from equipoise.analysis.stratification.forecast_training import (
    FEWEST,
    TrainingData,
    train_forecast,
    training_data,
)
from equipoise.analysis.stratification.response_rule import ResponseRule, response_rule
from equipoise.stats.errors import ArgumentError
from equipoise.stats.forecast import (
    NestedValidation,
    PredictorColumns,
    Target,
    bootstrap_optimism,
    gains,
    leave_pair_out,
    measure_intervals,
    nested_validation,
    outer_folds,
    permuted_orders,
    predictor_columns,
)
from equipoise.stats.forecast.performance import MEASURES
from equipoise.streams import stream

if TYPE_CHECKING:
    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.groups import Groups
    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.protocol import Protocol
    from equipoise.protocol.forecast_plan import ForecastPlan
    from equipoise.records import Records

#: Pairs of which both are left out, at most.
_PAIRS = 300
_BINS = 24
#: Which forecast is held against which.
_COMPARED: tuple[tuple[StageName, StageName], ...] = (
    ("baseline", "known"),
    ("early", "baseline"),
    ("early", "known"),
)
#: With fewer of an arm, what is said of it rests on very few.
_FEW = 10


def analyse_forecast(
    protocol: Protocol,
    records: Records,
    groups: Groups,
    datasets: Mapping[str, Dataset],
    smallest: int,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> ForecastResults | None:
    """The planned forecasts; None where none is planned, or while blinded.

    Parameters
    ----------
    datasets
        The data of every continuous endpoint, by key.
    smallest
        The smallest count that is shown.
    say
        Called with a line of text before each step.
    """
    stratification, prediction = protocol.analysis.stratification, protocol.analysis.prediction
    plan = None if stratification is None else stratification.forecast
    if plan is None or prediction is None or groups.closed:
        return None
    table = make_marker_table(protocol, records, groups, datasets, prediction)
    rule = None if plan.response is None else response_rule(protocol, plan.response)
    people = may_show_people(protocol, records, groups)
    return validate_forecasts(
        protocol, table, plan, rule, smallest=smallest, people=people, say=say
    )


def validate_forecasts(
    protocol: Protocol,
    table: MarkerTable,
    plan: ForecastPlan,
    rule: ResponseRule | None,
    *,
    smallest: int = 1,
    people: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> ForecastResults:
    """The forecasts of one table of markers; `people` lets single ones into the results."""
    prediction = protocol.analysis.prediction
    assert prediction is not None
    outcome = protocol.endpoints[prediction.outcome]
    designs = forecast_designs(protocol, table, plan)
    data = {design.stage: training_data(table, design, rule) for design in designs}
    first = data["baseline"]
    counts = _counts(table, first, smallest)
    failure = _why_none(first, plan)
    remarks = _remarks(protocol, table, plan, first)
    stages: list[ForecastStage] = []
    found: list[ForecastGain] = []
    if failure is None:
        stages, found, failure = _stages(
            protocol, plan, table, data, smallest=smallest, people=people, say=say
        )
    return ForecastResults(
        outcome=prediction.outcome,
        outcome_label=outcome.label,
        outcome_unit="log units"
        if outcome.scale == "log_fold"
        else protocol.unit_of(prediction.outcome),
        better=outcome.better,
        landmark=prediction.landmark,
        early_visit=prediction.early_visit,
        response=plan.response,
        response_label=None if rule is None else rule.label,
        response_rule=None if rule is None else _rule_words(rule),
        folds=plan.folds,
        repeats=plan.repeats,
        inner_folds=plan.inner_folds,
        penalties=tuple(sorted(set(map(float, plan.penalties)))),
        permutations=plan.permutations,
        bootstrap=plan.bootstrap,
        subsamples=plan.subsamples,
        seed=plan.seed,
        counts=counts,
        stages=tuple(stages),
        gains=tuple(found),
        remarks=remarks,
        failure=failure,
    )


def _rule_words(rule: ResponseRule) -> str:
    way = "reduction" if rule.falls else "rise"
    above = f" (points above {rule.lowest:g})" if rule.lowest else ""
    return f"{way} by at least {100 * rule.share:g} % from baseline{above}"


def _counts(table: MarkerTable, data: TrainingData, smallest: int) -> tuple[ForecastCount, ...]:
    """Who is in, by arm; of an arm that is itself small no responders."""
    found: list[ForecastCount] = []
    for place, group in enumerate(table.groups):
        mine = table.arm == place
        outcome = mine & np.isfinite(table.outcome)
        used = data.arm == place
        found.append(
            ForecastCount(
                group=group,
                randomised=int(mine.sum()),
                no_outcome=int((mine & ~outcome).sum()),
                no_factor=int(outcome.sum()) - int(used.sum()),
                used=int(used.sum()),
                responders=None
                if data.response is None or 0 < int(used.sum()) < smallest
                else int(data.response[used].sum()),
            )
        )
    return tuple(found)


def _why_none(data: TrainingData, plan: ForecastPlan) -> str | None:
    """Why no forecast can be trained and tested; None where one can."""
    n = len(data.y)
    if n < max(FEWEST, 2 * plan.folds):
        return (
            f"{n} people have the outcome and what is not shrunk; a forecast that is tested in "
            f"{plan.folds} folds needs {max(FEWEST, 2 * plan.folds)}"
        )
    if float(np.ptp(data.y)) == 0.0:
        return "the outcome is the same in everybody: there is nothing to forecast"
    return None


def _remarks(
    protocol: Protocol, table: MarkerTable, plan: ForecastPlan, data: TrainingData
) -> tuple[str, ...]:
    found: list[str] = []
    if data.response is not None and len(data.y):
        if data.response.all():
            found.append("everybody responded: who will cannot be told apart, the score can")
        elif not data.response.any():
            found.append("nobody responded: who will cannot be told apart, the score can")
    few = [
        f"{label} ({int((data.arm == place).sum())})"
        for place, label in enumerate(table.group_labels)
        if int((data.arm == place).sum()) < _FEW
    ]
    if few:
        found.append(
            f"fewer than {_FEW} people with the outcome: {', '.join(few)}; a forecast for such an "
            "arm borrows nearly all it says from the others"
        )
    prediction = protocol.analysis.prediction
    assert prediction is not None
    late = prediction.early_visit in protocol.endpoint_visits(prediction.outcome)
    if plan.early_score and not late:
        found.append(
            f"{protocol.endpoints[prediction.outcome].label} is not measured at "
            f"{protocol.visit(prediction.early_visit).label}: the second forecast does not know it"
        )
    return tuple(found)


def _known(data: TrainingData) -> TrainingData:
    """The same people with arm, strata and the outcome's baseline alone."""
    steady = [column for column in data.design.columns if not column.penalised]
    design = ForecastDesign(
        "baseline", data.design.outcome, data.design.outcome_log, tuple(steady), ()
    )
    return dataclasses.replace(data, design=design, x=data.x[:, : len(steady)])


def _columns(data: TrainingData) -> PredictorColumns:
    return predictor_columns(data.x, data.design.penalised, data.design.products)


def _target(data: TrainingData, falls: bool) -> Target:
    """The outcome with its response, where some responded and some did not."""
    if data.response is None or data.response.all() or not data.response.any():
        return Target(data.y)
    return Target(data.y, data.limit, data.response, falls)


def _stages(
    protocol: Protocol,
    plan: ForecastPlan,
    table: MarkerTable,
    data: Mapping[str, TrainingData],
    *,
    smallest: int,
    people: bool,
    say: Callable[[str], None],
) -> tuple[list[ForecastStage], list[ForecastGain], str | None]:
    """Every forecast on the same folds and the same permutations."""
    alpha = protocol.analysis.alpha
    first = data["baseline"]
    rng = stream(plan.seed, "forecast/folds")
    fold = outer_folds(first.blocks, plan.folds, plan.repeats, rng)
    orders = permuted_orders(
        first.blocks, plan.permutations, stream(plan.seed, "forecast/permutations")
    )
    penalties = np.array(sorted(set(map(float, plan.penalties))))
    falls = protocol.endpoints[first.design.outcome].better != "higher"
    every: dict[StageName, TrainingData] = {
        "known": _known(first),
        "baseline": first,
        "early": data["early"],
    }
    runs: dict[StageName, NestedValidation] = {}
    stages: list[ForecastStage] = []
    for name, own in every.items():
        say(
            f"forecast {len(stages) + 1} of {len(every)}: cross-validation, permutations, bootstrap"
        )
        try:
            runs[name] = nested_validation(
                _columns(own),
                _target(own, falls),
                blocks=own.blocks,
                fold=fold,
                # What has no markers is compared with, and not itself tested.
                orders=orders[:1] if name == "known" else orders,
                penalties=penalties[-1:] if name == "known" else penalties,
                inner_folds=plan.inner_folds,
                generator=stream(plan.seed, f"forecast/{name}/validation"),
            )
            stage = _stage(name, own, runs[name], plan, penalties, fold, alpha, falls, smallest)
        except ArgumentError as error:
            return [], [], error.what
        if people and name != "known":
            stage = stage.model_copy(update={"people": _people(table, own, runs[name])})
        stages.append(stage)
    found = [
        ForecastGain(
            stage=stage,
            over=over,
            measure=measure,  # type: ignore[arg-type]
            estimate=number(gain.estimate),
            lower=number(gain.lower),
            upper=number(gain.upper),
            p=number(gain.p),
        )
        for stage, over in _COMPARED
        for measure, gain in gains(
            runs[stage].sums, runs[over].sums, folds=plan.folds, alpha=alpha
        ).items()
    ]
    return stages, found, None


def _stage(
    name: StageName,
    data: TrainingData,
    run: NestedValidation,
    plan: ForecastPlan,
    penalties: np.ndarray,
    fold: np.ndarray,
    alpha: float,
    falls: bool,
    smallest: int,
) -> ForecastStage:
    columns, target = _columns(data), _target(data, falls)
    measures = _measures(data, run, plan, penalties, fold, alpha, falls, tested=name != "known")
    base = ForecastStage(
        stage=name,
        n=len(data.y),
        responders=None if data.response is None else int(data.response.sum()),
        incomplete=int(columns.incomplete.sum()),
        parameters=columns.parameters,
        measures=measures,
    )
    if name == "known":
        return base
    optimism = bootstrap_optimism(
        columns, target, draws=plan.bootstrap, inner_repeats=1, alpha=alpha,
        generator=stream(plan.seed, f"forecast/{name}/bootstrap"), penalties=penalties,
        inner_folds=plan.inner_folds, blocks=data.blocks,
    )  # fmt: skip
    measures = tuple(
        m.model_copy(
            update={
                "apparent": number(optimism[m.measure].apparent),
                "optimism": number(optimism[m.measure].optimism),
                "corrected": number(optimism[m.measure].corrected),
                "corrected_lower": number(optimism[m.measure].lower),
                "corrected_upper": number(optimism[m.measure].upper),
            }
        )
        for m in measures
    )
    pair_auc, pairs = None, 0
    if target.response is not None:
        pair_auc, pairs = leave_pair_out(
            columns, target, most=_PAIRS,
            generator=stream(plan.seed, f"forecast/{name}/pairs"), penalties=penalties,
            inner_folds=plan.inner_folds, blocks=data.blocks,
        )  # fmt: skip
    model = train_forecast(data, plan)
    r2 = run.measures()["r2"][0]
    rng = stream(plan.seed, f"forecast/{name}/learning")
    needed = people_needed(data, columns.parameters, measures)
    return base.model_copy(
        update={
            "measures": measures,
            "penalty": model.penalty,
            "penalties_chosen": tuple(float(q) for q in np.quantile(run.chosen, [0.25, 0.75])),
            "residual_sd": math.sqrt(model.residual_variance),
            "df": model.df,
            "intercept": model.intercept,
            "coefficients": coefficients(data.design, model),
            "pair_auc": number(pair_auc),
            "pairs": pairs,
            "response_calibration": response_calibration(run, target, alpha, smallest),
            "score_calibration": score_calibration(run, target, alpha, optimism["slope"].corrected),
            "learning": learning_points(columns, target, data, plan, penalties, rng),
            "needed": needed,
        }
    ) if math.isfinite(r2) else base  # fmt: skip


def _measures(
    data: TrainingData,
    run: NestedValidation,
    plan: ForecastPlan,
    penalties: np.ndarray,
    fold: np.ndarray,
    alpha: float,
    falls: bool,
    *,
    tested: bool,
) -> tuple[ForecastMeasure, ...]:
    """Measures of left-out people, held against permuted outcomes, and in complete cases."""
    whole = run.measures()
    complete = _complete_cases(data, plan, penalties, fold, falls) if tested else {}
    found: list[ForecastMeasure] = []
    for name, interval in measure_intervals(run.sums, folds=plan.folds, alpha=alpha).items():
        null = whole[name][1:]
        null = null[np.isfinite(null)]
        p = low = high = middle = histogram = None
        if null.size:
            sign = 1.0 if MEASURES[name] else -1.0
            seen = sign * interval.estimate
            beyond = int((sign * null >= seen - 1e-12 * abs(seen)).sum())
            p = (beyond + 1) / (null.size + 1)
            low, high = (float(q) for q in np.quantile(null, [0.025, 0.975]))
            middle = float(null.mean())
            counts, edges = np.histogram(null, bins=_BINS)
            histogram = Histogram(
                edges=tuple(float(e) for e in edges), counts=tuple(int(c) for c in counts)
            )
        found.append(
            ForecastMeasure(
                measure=name,  # type: ignore[arg-type]
                estimate=number(interval.estimate),
                lower=number(interval.lower),
                upper=number(interval.upper),
                permutation_p=p,
                null_mean=middle,
                null_lower=low,
                null_upper=high,
                null=histogram,
                complete=complete.get(name),
            )
        )
    return tuple(found)


def _complete_cases(
    data: TrainingData, plan: ForecastPlan, penalties: np.ndarray, fold: np.ndarray, falls: bool
) -> dict[str, float | None]:
    """The same without whoever lacks a predictor; nothing where all have them, or few are left."""
    columns = _columns(data)
    kept = np.flatnonzero(~columns.incomplete)
    if len(kept) == len(data.y) or len(kept) < max(FEWEST, 2 * plan.folds):
        return {}
    part = dataclasses.replace(
        data,
        x=data.x[kept],
        y=data.y[kept],
        blocks=data.blocks[kept],
        limit=None if data.limit is None else data.limit[kept],
        response=None if data.response is None else data.response[kept],
    )
    try:
        run = nested_validation(
            columns.take(kept),
            _target(part, falls),
            blocks=part.blocks,
            fold=fold[:, kept],
            orders=np.arange(len(kept))[None],
            penalties=penalties,
            inner_folds=plan.inner_folds,
            generator=stream(plan.seed, f"forecast/{data.design.stage}/complete"),
        )
    except ArgumentError:
        return {}
    return {name: number(values[0]) for name, values in run.measures().items()}


def _people(
    table: MarkerTable, data: TrainingData, run: NestedValidation
) -> tuple[PersonForecast, ...]:
    """Everybody's forecast, the mean over repeats, ordered by its values."""
    mean = run.mean.mean(axis=0)
    chance = None if run.probability is None else run.probability.mean(axis=0)
    rows = [
        PersonForecast(
            group=table.groups[int(data.arm[place])],
            probability=None if chance is None else float(chance[place]),
            response=None if data.response is None else bool(data.response[place]),
            mean=float(mean[place]),
            outcome=float(data.y[place]),
        )
        for place in range(len(data.y))
    ]
    return tuple(sorted(rows, key=lambda p: (p.group, p.mean, p.outcome)))
