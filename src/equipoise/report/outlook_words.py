"""The forecast of one person in words: what is expected, how sure that is, what it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.report.words import interval, number, p_clause, percent

if TYPE_CHECKING:
    from equipoise.analysis.stratification.forecast_model import ForecastModel
    from equipoise.analysis.stratification.outlooks import Outlook


@dataclass(frozen=True, slots=True)
class Setting:
    """What words and figures of forecasts share: names of arms and visits, the outcome."""

    arms: Mapping[str, str]
    outcome: str
    unit: str
    baseline: str
    early: str
    landmark: str
    simulated: bool


def setting_of(model: ForecastModel) -> Setting:
    """Of a saved model."""
    return Setting(
        arms=model.arms,
        outcome=model.outcome_label,
        unit=model.unit,
        baseline=model.baseline_visit[1],
        early=model.early_visit[1],
        landmark=model.landmark[1],
        simulated=model.simulated,
    )


def stage_words(setting: Setting, outlook: Outlook) -> str:
    """From when the forecast is, and under which arm."""
    arm = setting.arms[outlook.arm]
    if outlook.stage == "baseline":
        return f"{arm}, from {setting.baseline}"
    return f"{arm} (assigned), with {setting.early}"


def outlook_sentence(setting: Setting, outlook: Outlook) -> str:
    """One forecast as a sentence, its interval in the same breath."""
    probability, lower, upper = outlook.bands[-1]
    unit = f" {setting.unit}" if setting.unit else ""
    text = (
        f"{stage_words(setting, outlook)}: {number(outlook.expected, 1)}{unit} are expected at "
        f"{setting.landmark}; of people like this {percent(probability)} are expected between "
        f"{number(lower, 1)} and {number(upper, 1)}"
    )
    if outlook.response is not None:
        text += f". Probability of response: {percent(outlook.response)}"
    return text + "."


def cautions(model: ForecastModel, outlooks: Sequence[Outlook], note: str | None) -> list[str]:
    """What must be read with every forecast of this model."""
    found: list[str] = []
    if model.simulated:
        found.append(
            "Demonstration: the model was trained on SIMULATED people. What it says follows from "
            "assumptions and is no forecast of anybody."
        )
    found.append("Research use only, not for clinical decisions.")
    stages = {one.stage for one in outlooks}
    if "baseline" in stages and len(model.arms) > 1:
        trained = model.forecasts["baseline"]
        if (
            not len(trained.ridge.products)
            or not trained.ridge.coefficients[-len(trained.ridge.products) :].any()
        ):
            found.append(
                "The difference between the arms is the same for everybody in this model: it says "
                "who does well, not who benefits from treatment."
            )
        else:
            found.append(
                "Of one person only one of the arms will ever be seen: the difference between the "
                "forecasts is not that person's benefit."
            )
    if "early" in stages:
        found.append(
            f"With {model.early_visit[1]} only the assigned arm is forecast: what would have come "
            "under the other arm is not identified any more."
        )
    filled = list(dict.fromkeys(name for one in outlooks for name in one.imputed))
    if filled:
        found.append(
            f"Not given, and filled in by the mean given the other values: {', '.join(filled)}. "
            "The intervals are wider for it."
        )
    ends = (model.lowest, model.highest)
    if any(edge in ends for one in outlooks for _, *band in one.bands for edge in band):
        found.append("Intervals end where the scale ends.")
    if note is not None:
        found.append(note[0].upper() + note[1:] + ".")
    return found


def training_words(model: ForecastModel) -> str:
    """Whom it was trained on."""
    kind = "SIMULATED participants" if model.simulated else "participants"
    scenario = f" (scenario {model.scenario})" if model.scenario else ""
    return f"{model.participants} {kind} of {model.study}{scenario}"


#: Numbers of the validation → how they are said.
_MEASURES = {
    "r2": "R² (share of the spread that is forecast)",
    "mae": "Mean absolute error",
    "auc": "AUC of response",
    "brier": "Brier score of response",
    "scaled_brier": "Scaled Brier score",
}
_OTHERS = {
    "calibration_slope": "Slope of the calibration of response (1 where calibrated)",
    "covered": "Share of people inside their 95 % interval",
}


def validation_rows(model: ForecastModel) -> list[tuple[str, str]]:
    """What the trial says of how well it does in people whom it has not seen."""
    rows: list[tuple[str, str]] = []
    for stage, found in model.validation.items():
        when = (
            f"from {model.baseline_visit[1]}" if stage == "baseline"
            else f"with {model.early_visit[1]}"
        )  # fmt: skip
        for key, label in _MEASURES.items():
            value = found.get(key)
            if value is None:
                continue
            lower, upper = found.get(f"{key}_lower"), found.get(f"{key}_upper")
            text = f"{number(value)} ({interval(lower, upper)})"
            p = found.get(f"{key}_permutation_p")
            rows.append((f"{label}, {when}", text if p is None else f"{text}, {p_clause(p)}"))
        rows += [
            (f"{label}, {when}", number(found[key]))
            for key, label in _OTHERS.items()
            if found.get(key) is not None
        ]
    return rows


def plain_outlooks(
    model: ForecastModel, outlooks: Sequence[Outlook], participant: str | None, note: str | None
) -> str:
    """All of it for a terminal."""
    unit = f", {model.unit}" if model.unit else ""
    lines = [model.label, ""]
    whom = f" for {participant}" if participant else ""
    lines.append(f"{model.study}: {model.outcome_label}{unit} at {model.landmark[1]}{whom}")
    setting = setting_of(model)
    width = max((len(stage_words(setting, one)) for one in outlooks), default=0)
    head = "".join(f"{f'{100 * p:.0f} % interval':>16}" for p, _, _ in reversed(outlooks[0].bands))
    response = "  response" if model.response is not None else ""
    lines.append(f"  {'':{width}}{'expected':>10}{head}{response}")
    for one in outlooks:
        bands = "".join(
            f"{f'{number(low, 1)} to {number(high, 1)}':>16}"
            for _, low, high in reversed(one.bands)
        )
        chance = "" if one.response is None else f"{percent(one.response):>10}"
        name = stage_words(setting, one)
        lines.append(f"  {name:{width}}{number(one.expected, 1):>10}{bands}{chance}")
    lines.append("")
    lines += [f"- {text}" for text in cautions(model, outlooks, note)]
    lines.append("")
    lines.append(f"trained on  {training_words(model)}")
    lines.append(f"protocol    {model.protocol_hash}")
    lines.append(f"data hash   {model.data_hash}")
    rows = validation_rows(model)
    lines += [f"validated   {name}: {value}" for name, value in rows]
    if not rows:
        lines.append("validated   not in this file")
    return "\n".join(lines)
