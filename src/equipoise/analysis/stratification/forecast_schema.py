"""What stands in the file of a saved forecast, typed and checked against itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from equipoise.analysis.stratification.forecast_model import LABEL

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Row = tuple[float, ...]
Visit = tuple[Text, Text, float]
#: Number of people of the smallest training set that has an interval.
_FEWEST = 3


class StoredPart(BaseModel):
    """A part of the file: nothing unknown, every number finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=False)


class StoredColumn(StoredPart):
    """A column of a design, as `ForecastColumn`."""

    key: Text
    label: Text
    kind: Literal["arm", "factor", "score", "marker", "early-marker", "early-score"]
    source: Text
    level: str | None
    log: bool
    unit: str
    penalised: bool


class StoredRidge(StoredPart):
    """Numbers of a `RidgeForecast`; a scale of null is that of a column that does not vary."""

    coefficients: Row
    intercept: float
    centre: Row
    scale: tuple[float | None, ...]
    products: tuple[tuple[int, int], ...]
    penalty: Annotated[float, Field(gt=0)]
    residual_variance: Annotated[float, Field(ge=0)]
    df: Annotated[float, Field(gt=0)]
    covariance: tuple[Row, ...]
    n: Annotated[int, Field(ge=_FEWEST)]
    lower: Row
    upper: Row
    joint_mean: Row
    joint_covariance: tuple[Row, ...]
    furthest: Annotated[float, Field(ge=0)]


class StoredForecast(StoredPart):
    """The forecast of one stage."""

    stage: Literal["baseline", "early"]
    outcome: Text
    outcome_log: bool
    columns: Annotated[tuple[StoredColumn, ...], Field(min_length=1)]
    ridge: StoredRidge
    responders: Annotated[int, Field(ge=0)] | None

    @model_validator(mode="after")
    def _fits(self) -> StoredForecast:
        problems = [*self._shapes()] or [*self._matrices()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _shapes(self) -> Iterator[str]:
        p, ridge = len(self.columns), self.ridge
        k = len(ridge.products)
        wanted = {
            "coefficients": p + k, "centre": p + k, "scale": p + k, "lower": p, "upper": p,
            "joint_mean": p, "joint_covariance": p, "covariance": p + k + 1,
        }  # fmt: skip
        for name, size in wanted.items():
            found = getattr(ridge, name)
            if len(found) != size:
                yield f"{name} has {len(found)} entries and not {size}"
            elif name.endswith("covariance") and any(len(row) != size for row in found):
                yield f"{name} is not square"
        if any(not 0 <= place < p for pair in ridge.products for place in pair):
            yield "products name columns that are not there"
        keys = [column.key for column in self.columns]
        if len(set(keys)) != p:
            yield "two columns have the same key"

    def _matrices(self) -> Iterator[str]:
        for name in ("covariance", "joint_covariance"):
            matrix = getattr(self.ridge, name)
            if not _is_covariance(matrix):
                yield f"{name} is no covariance: symmetric, and nowhere below 0"
        pairs = zip(self.ridge.lower, self.ridge.upper, strict=True)
        if any(low > high for low, high in pairs):
            yield "a range ends below its beginning"
        if any(scale is not None and scale <= 0 for scale in self.ridge.scale):
            yield "a scale is not above 0"


def _is_covariance(rows: tuple[Row, ...]) -> bool:
    import numpy as np

    matrix = np.array(rows)
    if not np.allclose(matrix, matrix.T, rtol=1e-9, atol=0.0):
        return False
    size = np.sqrt(np.abs(np.diag(matrix)))
    size = np.where(size > 0, size, 1.0)
    smallest = float(np.linalg.eigvalsh(matrix / np.outer(size, size)).min())
    return smallest > -1e-8 and bool((np.diag(matrix) >= 0).all())


class StoredPredictor(StoredPart):
    """A predictor, as `Predictor`."""

    name: Text
    label: Text
    unit: str
    kind: Literal["factor", "baseline", "early"]
    source: Text
    levels: tuple[Text, ...]
    closed: tuple[Text, ...]
    log: bool
    required: bool


class StoredRule(StoredPart):
    """When there is a response, as `ResponseRule`."""

    endpoint: Text
    label: Text
    share: Annotated[float, Field(gt=0, le=1)]
    lowest: float
    falls: bool


class StoredModel(StoredPart):
    """All of the file but format and checksum."""

    label: Literal["research use only, not for clinical decisions"] = LABEL
    study: Text
    title: Text
    protocol_hash: Hash
    data_hash: Hash
    origin: Literal["observed", "simulated"]
    scenario: str | None
    software: Text
    arms: Annotated[tuple[tuple[Text, Text], ...], Field(min_length=1)]
    outcome_label: Text
    unit: str
    better: Literal["lower", "higher", "neither"]
    lowest: float | None
    highest: float | None
    baseline_visit: Visit
    early_visit: Visit
    landmark: Visit
    response: StoredRule | None
    predictors: tuple[StoredPredictor, ...]
    forecasts: Annotated[tuple[StoredForecast, ...], Field(min_length=1, max_length=2)]
    untrained: dict[Literal["baseline", "early"], Text]
    validation: dict[Literal["baseline", "early"], dict[Text, float | None]]

    @model_validator(mode="after")
    def _consistent(self) -> StoredModel:
        problems = [*self._problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        stages = [one.stage for one in self.forecasts]
        if stages[0] != "baseline" or len(set(stages)) != len(stages):
            yield "the forecast from baseline comes first, and each stage once"
        names = [one.name for one in self.predictors]
        if len(set(names)) != len(names):
            yield "two predictors have the same name"
        arms = {key for key, _ in self.arms}
        asked = {(one.kind, one.source): one for one in self.predictors}
        when = {"factor": "factor", "score": "baseline", "marker": "baseline"}
        for one in self.forecasts:
            for column in one.columns:
                if column.kind == "arm":
                    if column.source not in arms:
                        yield f"the column {column.key} is of an arm that is not there"
                    continue
                of = asked.get((when.get(column.kind, "early"), column.source))
                if of is None:
                    yield f"nobody is asked for what the column {column.key} is made of"
                elif column.level is not None and column.level not in of.levels:
                    yield f"{of.name} has no level {column.level}"
        if (self.lowest is None) != (self.highest is None):
            yield "a scale has two ends"
        if not self.baseline_visit[2] <= self.early_visit[2] < self.landmark[2]:
            yield "baseline, early visit and landmark follow each other"
        if any(math.isinf(n) for n in (self.lowest or 0.0, self.highest or 0.0)):
            yield "an end of the scale is not finite"


def plain(value: Any) -> Any:
    """A pydantic dump with lists for tuples, as JSON has them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}  # type: ignore[misc]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]  # type: ignore[misc]
    return value
