"""Three constructed people and what is forecast of them: for a figure, and of nobody real.

The typical one is in the middle of the training set; the two others have the first marker one
standard deviation below and above it, the other markers as they go with it on average, and the
same score at baseline: what differs between the three is what the markers say.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from equipoise.analysis.result_row import Row
from equipoise.analysis.stratification.outlooks import outlook_of

if TYPE_CHECKING:
    from equipoise.analysis.stratification.forecast_model import ForecastModel


class FanBand(Row):
    """A predictive interval of a person's own score at the landmark."""

    probability: float
    lower: float
    upper: float


class FanOutlook(Row):
    """What is forecast under one arm."""

    stage: Literal["baseline", "early"]
    arm: str
    expected: float
    bands: tuple[FanBand, ...]
    response: float | None


class ForecastFan(Row):
    """A constructed person: `limit` is the score at which there is just a response."""

    title: str
    marker: str | None
    value: float | None
    unit: str
    before: float
    limit: float | None
    outlooks: tuple[FanOutlook, ...]


def example_fans(model: ForecastModel) -> tuple[ForecastFan, ...]:
    """The typical person, and two who differ from it in the first marker."""
    trained = model.forecasts["baseline"]
    columns, ridge = trained.design.columns, trained.ridge
    kinds = [column.kind for column in columns]
    marker = kinds.index("marker") if "marker" in kinds else None
    score = kinds.index("score")
    sd = np.sqrt(np.diag(ridge.joint_covariance))
    found: list[ForecastFan] = []
    for title, move in (("1 SD below", -1.0), ("Typical", 0.0), ("1 SD above", 1.0)):
        if move and (marker is None or sd[marker] == 0.0):
            continue
        row = np.full((1, len(columns)), np.nan)
        for place, column in enumerate(columns):
            mean = float(ridge.joint_mean[place])
            if column.level is not None:
                row[0, place] = float(mean > 0.5)  # the more frequent level
            elif column.kind in ("arm", "score", "factor"):
                row[0, place] = mean
        shown = None
        if marker is not None:
            row[0, marker] = ridge.joint_mean[marker] + move * sd[marker]
            value = float(row[0, marker])
            shown = math.exp(value) if columns[marker].log else value
        row = ridge.fill(row)
        before = float(row[0, score])
        outlooks: list[FanOutlook] = []
        for arm in model.arms:
            mine = row.copy()
            for place, column in enumerate(columns):
                if column.kind == "arm":
                    mine[0, place] = float(column.source == arm)
            one = outlook_of(model, trained, arm, mine)
            outlooks.append(
                FanOutlook(
                    stage="baseline",
                    arm=arm,
                    expected=one.expected,
                    bands=tuple(
                        FanBand(probability=p, lower=low, upper=high) for p, low, high in one.bands
                    ),
                    response=one.response,
                )
            )
        natural = math.exp(before) if trained.design.outcome_log else before
        found.append(
            ForecastFan(
                title=title,
                marker=None if marker is None else columns[marker].label,
                value=shown,
                unit="" if marker is None else columns[marker].unit,
                before=natural,
                limit=response_limit(model, natural),
                outlooks=tuple(outlooks),
            )
        )
    return tuple(found)


def response_limit(model: ForecastModel, before: float) -> float | None:
    """The score at which there is just a response."""
    if model.response is None:
        return None
    limit = before + float(model.response.limit(np.array([before]))[0])
    return limit if math.isfinite(limit) else None
