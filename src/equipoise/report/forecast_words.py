"""What may be said of a forecast: how good it is for whom it has not seen, and its caution."""

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
    percent,
    visit_label,
)

if TYPE_CHECKING:
    from equipoise.analysis.results import Results
    from equipoise.analysis.stratification.forecast_results import (
        ForecastGain,
        ForecastMeasure,
        ForecastResults,
        ForecastStage,
        Measure,
    )

RESEARCH_ONLY = "Research use only, not for clinical decisions."

#: Measure -> its name, and what it says.
MEASURES: dict[Measure, tuple[str, str]] = {
    "r2": ("R²", "share of the spread of the outcome that is foretold; 0 or below is none"),
    "mae": ("Mean error", "mean distance of outcome and forecast"),
    "auc": (
        "AUC",
        "share of pairs of a responder and another that are ordered right; 50 % is a coin",
    ),
    "brier": ("Brier score", "mean squared error of the probability; 0 is perfect"),
    "scaled_brier": (
        "Scaled Brier score",
        "by how much it is smaller than that of the response rate; 0 or below is none",
    ),
}


def stage_label(results: Results, stage: str) -> str:
    """What the forecast knows, as printed."""
    found = results.forecast
    assert found is not None
    if stage == "known":
        return "Without markers"
    if stage == "baseline":
        return "From baseline"
    return f"With {visit_label(results, found.early_visit)}"


def lead_measure(found: ForecastResults) -> Measure:
    """The measure that the answer gives: AUC where there is a response to be foretold."""
    stage = found.stage("early")
    return "auc" if stage is not None and stage.measure("auc") is not None else "r2"


def measure_text(measure: ForecastMeasure | None) -> str | None:
    """An estimate and its interval; None where there is none."""
    if measure is None or measure.estimate is None:
        return None
    return _text(measure.measure, measure.estimate, measure.lower, measure.upper)


def gain_text(gain: ForecastGain | None) -> str | None:
    """A gain and its interval; percentage points for R² and AUC."""
    if gain is None or gain.estimate is None:
        return None
    return _text(gain.measure, gain.estimate, gain.lower, gain.upper, points=True)


def _text(
    name: Measure,
    value: float,
    lower: float | None,
    upper: float | None,
    *,
    points: bool = False,
) -> str:
    if name in ("r2", "auc", "scaled_brier"):
        unit = "points" if points else "%"
        shown = f"{number(100 * value, 0)} {unit}"
        if lower is None or upper is None:
            return shown
        return f"{shown} ({interval(100 * lower, 100 * upper, 0)})"
    digits = decimals((0.0 if lower is None or upper is None else upper - lower) / 4)
    if lower is None or upper is None:
        return number(value, digits)
    return f"{number(value, digits)} ({interval(lower, upper, digits)})"


def answer(results: Results, found: ForecastResults) -> str:
    """The answer in one sentence: how well, against chance, and what the early change adds."""
    late = visit_label(results, found.landmark)
    if found.failure is not None or found.stage("early") is None:
        return f"This cannot be said from these data: {clause(found.failure)}."
    name = lead_measure(found)
    early, first = _measure(found, "early", name), _measure(found, "baseline", name)
    gain = found.gain("early", "baseline", name)
    knows = f"the forecast that knows {visit_label(results, found.early_visit)}"
    if name == "auc":
        what = (
            f"{knows} put the responder first in {_share(early)} of pairs of a responder and "
            f"another by {late}"
        )
        alone = f"from baseline alone in {_share(first)}"
    else:
        what = f"{knows} foretold {_share(early)} of the spread of {found.outcome_label} by {late}"
        alone = f"from baseline alone {_share(first)}"
    return (
        f"In people whom it had not seen, {what} ({level(results)} CI {_limits(early)}), {alone} "
        f"({_limits(first)}): {_chance(results, found, name)}, and {_adds(gain)}."
    )


def _measure(found: ForecastResults, stage: str, name: Measure) -> ForecastMeasure:
    one = found.stage(stage)  # type: ignore[arg-type]
    assert one is not None
    measure = one.measure(name)
    assert measure is not None
    return measure


def _share(measure: ForecastMeasure) -> str:
    return percent(measure.estimate)


def _limits(measure: ForecastMeasure) -> str:
    if measure.lower is None or measure.upper is None:
        return "no interval"
    return f"{percent(measure.lower)} to {percent(measure.upper)}"


def _chance(results: Results, found: ForecastResults, name: Measure) -> str:
    """Whether either forecast beats outcomes that were shuffled within arm and stratum."""
    alpha = round(1.0 - results.confidence, 9)
    late = _measure(found, "early", name).permutation_p
    first = _measure(found, "baseline", name).permutation_p
    if late is None or first is None:
        return "without a permutation test"
    visit = visit_label(results, found.early_visit)
    told = f"permutation {p_clause(late)} with {visit}, {p_clause(first)} from baseline"
    if late < alpha and first < alpha:
        return f"both are better than chance ({told})"
    if late >= alpha and first >= alpha:
        return f"neither is shown to be better than chance ({told})"
    which = f"the one with {visit}" if late < alpha else "the one from baseline"
    return f"only {which} is shown to be better than chance ({told})"


def _adds(gain: ForecastGain | None) -> str:
    text = gain_text(gain)
    if gain is None or text is None or gain.lower is None or gain.upper is None:
        return "what the early change adds to baseline cannot be said"
    if gain.lower > 0.0:
        return f"the early change added {text} to baseline"
    if gain.upper < 0.0:
        return f"the early change took {text} from baseline: more columns, fewer people for each"
    return f"that the early change adds to baseline is not shown: {text}"


def markers_sentence(results: Results, found: ForecastResults) -> str | None:
    """What baseline markers add to arm, strata and score; None without a comparison."""
    name = lead_measure(found)
    gain, known = found.gain("baseline", "known", name), found.stage("known")
    text = gain_text(gain)
    if gain is None or text is None or known is None or gain.lower is None or gain.upper is None:
        return None
    held = "The interval holds 0: they are not shown to add anything."
    if gain.lower > 0.0:
        held = "The interval lies above 0."
    elif gain.upper < 0.0:
        held = "The interval lies below 0: they make it worse."
    before = measure_text(known.measure(name))
    return (
        f"Arm, strata and {found.outcome_label} at baseline alone, without any marker, give "
        f"{MEASURES[name][0]} {before}; baseline markers and characteristics add {text}. {held}"
    )


def chance_sentence(results: Results, found: ForecastResults) -> str | None:
    """What the procedure shows of shuffled outcomes, and why that is not 50 %."""
    name = lead_measure(found)
    stage = found.stage("early")
    measure = None if stage is None else stage.measure(name)
    if measure is None or measure.null_mean is None:
        return None
    low, high = measure.null_lower or 0.0, measure.null_upper or 0.0
    why = (
        ", above a coin’s 50 % where arms differ in their response: arms are not shuffled"
        if name == "auc" and results.compared
        else ""
    )
    return (
        f"Chance here is what the whole procedure, tuning included, shows when outcomes are "
        f"shuffled within arm and stratum {found.permutations:,} times: on average "
        f"{percent(measure.null_mean)} ({percent(low)} to {percent(high)} in 95 % of "
        f"shuffles){why}."
    )


def caution(results: Results, found: ForecastResults) -> str:
    """What stands behind the answer, in the same size."""
    said = [RESEARCH_ONLY]
    stage = found.stage("early")
    if stage is not None:
        people = f"{stage.n} people"
        if stage.responders is not None:
            people += f", {stage.responders} of them responders,"
        worst = max((row.needed for row in stage.needed), default=None)
        asked = "" if worst is None else f"; Riley’s criteria ask for up to {worst:,}"
        said.append(f"It rests on {people} of one trial{asked}.")
    said.append(
        "It was tested on people of the same trial who were left out, not on others: how it does "
        "elsewhere is not known."
    )
    if results.compared:
        early = visit_label(results, found.early_visit)
        said.append(
            f"Once {early} is in, only the outcome under the arm that was assigned is forecast: "
            "what the other arm would have done to the same person is not in the data."
        )
    if results.simulated:
        said.append("The people are SIMULATED: nothing here is evidence about anybody.")
    return " ".join(said)


def calibration_sentence(found: ForecastResults, stage: ForecastStage) -> str | None:
    """Slope and level of the probabilities, and coverage of the intervals."""
    parts: list[str] = []
    line = stage.response_calibration
    if line is not None and line.slope is not None and line.slope_lower is not None:
        parts.append(
            f"slope of the probabilities {number(line.slope)} "
            f"({interval(line.slope_lower, line.slope_upper)}; 1 is calibrated, below 1 too "
            "extreme)"
        )
    elif line is not None:
        parts.append(
            "no slope: forecasts part the responders from the others, or nearly so, in these few"
        )
    if line is not None and line.level is not None:
        parts.append(
            f"level {number(line.level)} ({interval(line.level_lower, line.level_upper)}; above 0 "
            "more responded than was forecast)"
        )
    score = stage.score_calibration
    if score is not None:
        unit = found.outcome_unit
        parts.append(
            f"{found.outcome_label} ended {number(score.level, 1)} {unit} above its forecast on "
            f"average ({interval(score.level_lower, score.level_upper, 1)})"
        )
        parts.append(
            f"{percent(score.covered)} of people lay inside their interval "
            f"({percent(score.covered_lower)} to {percent(score.covered_upper)}), which was "
            f"{number(score.width, 0)} {unit} wide on average"
        )
    return "; ".join(parts) + "." if parts else None


def optimism_sentence(stage: ForecastStage, name: Measure) -> str | None:
    """Apparent, corrected and left-out performance beside each other."""
    measure = stage.measure(name)
    if measure is None or measure.apparent is None or measure.corrected is None:
        return None
    return (
        f"On the people who trained it the forecast shows {percent(measure.apparent)}, less the "
        f"bootstrap optimism {percent(measure.corrected)}, and in left-out people "
        f"{percent(measure.estimate)}: with so many terms for so few people the bootstrap takes "
        "off too little, and the last is the one to believe."
    )


def pair_sentence(stage: ForecastStage) -> str | None:
    """The AUC with both people of a pair left out; None where there is none."""
    if stage.pair_auc is None:
        return None
    return (
        f"With both people of a pair left out the AUC is {percent(stage.pair_auc)} "
        f"({stage.pairs} pairs)."
    )


def needed_sentence(found: ForecastResults) -> str | None:
    """How many people Riley's criteria ask for; None without any."""
    stage = found.stage("early")
    rows = [] if stage is None else list(stage.needed)
    if stage is None or not rows:
        return None
    parts: list[str] = []
    for row in rows:
        of = "the score" if row.outcome == "score" else "response"
        said = "as found here" if row.basis == "found" else "assumed"
        parts.append(f"{row.needed:,} for {of} at R² = {number(row.r2)} ({said})")
    return (
        f"With {stage.parameters} terms besides the intercept Riley’s criteria ask for "
        f"{'; '.join(parts)}. Here are {stage.n}. Shrinkage lessens what too few people do to a "
        "model and does not remove it."
    )


def lost(results: Results, found: ForecastResults) -> str:
    """Who trained the forecasts, by arm."""
    parts: list[str] = []
    for count in found.counts:
        out: list[str] = []
        if count.no_outcome:
            out.append(f"{count.no_outcome} without the outcome")
        if count.no_factor:
            out.append(f"{count.no_factor} without baseline or stratum")
        why = f" ({', '.join(out)})" if out else ""
        parts.append(f"{group_label(results, count.group)} {count.used} of {count.randomised}{why}")
    filled = found.stages[-1].incomplete if found.stages else 0
    gaps = (
        f" {filled} of them lack a predictor, which was filled in within each training set."
        if filled
        else " All of them have every predictor."
        if found.stages
        else ""
    )
    return f"In the forecasts: {'; '.join(parts)}.{gaps}"


def methods(results: Results, found: ForecastResults) -> str:
    """How the forecast was made and tested."""
    arm = "arm, " if results.compared else ""
    response = (
        ""
        if found.response is None
        else f" The probability of response ({found.response_rule}) is that of the change that "
        "meets the rule; no model of its own is trained for it."
    )
    return (
        f"Ridge regression of the change of {found.outcome_label} to "
        f"{visit_label(results, found.landmark)}: {arm}strata and baseline score as they are, "
        "markers and characteristics shrunk towards 0, logarithms of what is measured as a ratio; "
        "the forecast is a t distribution that contains the uncertainty of the terms."
        f"{response} The penalty was chosen among {len(found.penalties)} by cross-validation "
        f"({found.inner_folds} folds) within each training set, as were means, SDs and values "
        f"filled in. Left-out people: {found.folds} folds within arm and stratum, "
        f"{found.repeats} times; pairs are compared within a fold. Intervals: corrected resampled "
        f"t. Optimism: {found.bootstrap:,} bootstrap samples of the whole procedure. Learning "
        f"curve: {found.subsamples} subsamples of each size."
    )
