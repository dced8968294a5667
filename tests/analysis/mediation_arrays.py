"""A marker table of two markers with a known path, for the tests of mediation."""

from __future__ import annotations

import numpy as np

from equipoise.analysis.prediction.marker_table import Marker, MarkerTable
from equipoise.protocol.prediction_plan import PredictionPlan

PLAN = PredictionPlan.model_validate(
    {
        "early_visit": "day5",
        "predictors": ("m1", "m2"),
        "outcome": "score",
        "landmark": "week8",
        "mediation": {
            "joint": ("m1", "m2"),
            "early_score": True,
            "bootstrap": 399,
            "quasi_bayesian": 400,
            "imputations": 4,
            "assay_cv": {"m1": 0.2},
        },
    }
)


def table(n: int = 36, seed: int = 3, direct: float = -1.0) -> MarkerTable:
    """m1 moves with the arm (0.8 SD) and moves the outcome (-2 a unit); m2 only with the arm."""
    generator = np.random.default_rng(seed)
    arm = (np.arange(n) % 3 != 0).astype(np.int64)
    baseline = generator.normal(size=(n, 2))
    early = np.column_stack([0.8 * arm, 0.8 * arm]) + generator.normal(size=(n, 2))
    outcome = direct * arm - 2.0 * early[:, 0] + generator.normal(size=n)
    return MarkerTable(
        markers=tuple(Marker(key, key, "endpoint", True, "%") for key in ("m1", "m2")),
        groups=("a", "b"),
        group_labels=("A", "B"),
        strata=2,
        arm=arm,
        stratum=(np.arange(n) >= n // 2).astype(np.int64),
        early=early,
        baseline=baseline,
        outcome=outcome,
        outcome_baseline=generator.normal(size=n),
        early_outcome=generator.normal(size=n),
        visits=(),
        outcomes=np.empty((n, 0)),
        characteristics=(),
        characteristic_values=np.empty((n, 0)),
    )
