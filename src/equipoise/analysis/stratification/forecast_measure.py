"""A forecast as the number of a rule: who is predicted to respond, or to improve so much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from equipoise.faults import Fault, nearest

if TYPE_CHECKING:
    import numpy as np

    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.analysis.stratification.enrichment_rule import When
    from equipoise.analysis.stratification.forecast_design import ForecastDesign, Stage
    from equipoise.analysis.stratification.forecast_model import ForecastModel
    from equipoise.analysis.stratification.response_rule import ResponseRule
    from equipoise.stats.forecast import RidgeForecast

_WORDS = {
    "response": "forecast probability of response",
    "improvement": "forecast improvement",
    "benefit": "forecast difference to the control",
}


@dataclass(frozen=True, slots=True)
class ForecastMeasure:
    """What a saved model forecasts of each person.

    Whoever lies outside the range of the model has no forecast, and is not kept. Missing
    predictors are filled in as the model does.

    Attributes
    ----------
    model
        Learned before, on other people: on those of the same trial it looks better than it is.
    arm
        Under which the forecast from baseline is made: an active arm. The forecast with the early
        visit is under each person's own arm.
    what
        ``response`` (probability), ``improvement`` (points towards better), or ``benefit``: how
        much more improvement than under the control, from baseline alone.
    stage
        ``baseline`` or ``early``.
    """

    model: ForecastModel
    arm: str
    what: Literal["response", "improvement", "benefit"] = "response"
    stage: Stage = "baseline"

    @property
    def when(self) -> When:
        """When it is known."""
        return "baseline" if self.stage == "baseline" else "early"

    @property
    def label(self) -> str:
        """As printed."""
        if self.stage == "early":
            return f"{_WORDS[self.what]} with {self.model.early_visit[1]}"
        return f"{_WORDS[self.what]} on {self.model.arms.get(self.arm, self.arm)}"

    @property
    def learned(self) -> str:
        """What the model was trained on."""
        kind = "SIMULATED participants" if self.model.simulated else "participants"
        return (
            f"on {self.model.participants} {kind} of {self.model.study}, "
            f"data {self.model.data_hash[:12]}"
        )

    def of(self, table: MarkerTable) -> np.ndarray:
        """(n,) NaN where there is no forecast."""
        if self.stage == "early":
            return self._of(table, None)
        if self.what != "benefit":
            return self._of(table, self.arm)
        return self._of(table, self.arm) - self._of(table, next(iter(self.model.arms)))

    def _of(self, table: MarkerTable, arm: str | None) -> np.ndarray:
        """(n,) under an arm, or under each person's own."""
        import numpy as np

        trained = self.model.forecasts[self.stage]
        design, ridge = trained.design, trained.ridge
        x = under_arm(design, design.matrix(table), arm)
        usable = np.isfinite(x[:, ~ridge.penalised]).all(axis=1) & ~ridge.outside(x).any(axis=1)
        rows = np.flatnonzero(usable)
        if rows.size:
            rows = rows[ridge.distance(x[rows]) <= ridge.furthest * (1 + 1e-9)]
        found = np.full(len(x), np.nan)
        if rows.size:
            found[rows] = forecast_values(
                design,
                ridge,
                x[rows],
                table.outcome_baseline[rows],
                what="improvement" if self.what == "benefit" else self.what,
                arm=arm,
                rule=self.model.response,
                falls=self.model.better == "lower",
            )
        return found

    def faults(self, table: MarkerTable) -> list[Fault]:
        """A stage or an arm that the model has not, or columns that the trial has not."""
        found: list[Fault] = []

        def add(field: str, value: str, rule: str, remedy: str) -> None:
            found.append(Fault("enrichment-forecast-unfit", "", field, value, rule, remedy))

        if self.stage not in self.model.forecasts:
            add("stage", self.stage, "the model has no such forecast",
                nearest(self.stage, list(self.model.forecasts)))  # fmt: skip
            return found
        active = list(self.model.arms)[1:]
        if self.stage == "baseline" and self.arm not in active:
            add("arm", self.arm, "the model forecasts under its arms", nearest(self.arm, active))
        if self.what == "response" and self.model.response is None:
            add("what", self.what, "the model has no rule of response", "take improvement")
        if self.what == "benefit" and self.stage == "early":
            add("what", self.what, "after the early visit the other arm is not identified",
                "take improvement, or the stage `baseline`")  # fmt: skip
        there = {marker.key for marker in table.markers} | {
            one.key for one in table.characteristics
        }
        there |= set(table.groups)
        design = self.model.forecasts[self.stage].design
        lacking = dict.fromkeys(
            c.source
            for c in design.columns
            if c.kind in ("arm", "factor", "marker", "early-marker") and c.source not in there
        )
        for source in lacking:
            add("model", source, "the model's predictors are those of the trial's plan",
                "train it under this plan")  # fmt: skip
        return found


def under_arm(design: ForecastDesign, x: np.ndarray, arm: str | None) -> np.ndarray:
    """(n, p) columns as if everybody were in an arm; as they are where none is given."""
    found = x.copy()
    for place, column in enumerate(design.columns):
        if arm is not None and column.kind == "arm":
            found[:, place] = float(column.source == arm)
    return found


def forecast_values(
    design: ForecastDesign,
    ridge: RidgeForecast,
    x: np.ndarray,
    before: np.ndarray,
    *,
    what: str,
    arm: str | None,
    rule: ResponseRule | None,
    falls: bool,
) -> np.ndarray:
    """(n,) probability of response, improvement, or improvement beyond the control.

    Parameters
    ----------
    x, before
        (n, p) columns and (n,) outcome at baseline.
    arm
        Under which it is; each person's own when None, and then there is no ``benefit``.
    falls
        Whether lower is better.
    """
    ahead = ridge.predict(under_arm(design, x, arm))
    if what == "response" and rule is not None:
        below = ahead.probability_below(rule.limit(before))
        return below if rule.falls else 1.0 - below
    gained = -ahead.mean if falls else ahead.mean
    if what == "benefit":
        control = ridge.predict(under_arm(design, x, "")).mean  # no column of an arm is 1
        gained = gained - (-control if falls else control)
    return gained
