"""The association with missing values imputed, beside the complete cases.

Method: docs/methods/early-change.md, "Missing values".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from equipoise.analysis.prediction.prediction_results import ImputedSlope
from equipoise.stats.early_change import associate, impute_markers, landmark_data
from equipoise.stats.errors import ArgumentError
from equipoise.stats.imputation.pooling import rubin
from equipoise.streams import stream

if TYPE_CHECKING:
    from equipoise.analysis.prediction.early_pairs import EarlyPairs
    from equipoise.analysis.prediction.prediction_results import Slope
    from equipoise.protocol.prediction_plan import PredictionPlan
    from equipoise.stats.early_change import Association


def impute_slopes(
    plan: PredictionPlan, key: str, pairs: EarlyPairs, slopes: list[Slope], alpha: float
) -> tuple[ImputedSlope, ...]:
    """The slopes over several arms, imputed; () where nobody lacks a value.

    Arms by themselves have none: what is imputed knows one slope for all.
    """
    columns = _columns(pairs)
    gaps = {name: np.isnan(values) for name, values in columns.items()}
    asked = [s for s in slopes if s.among in ("within-arms", "all-arms")]
    wanted = ["early", "outcome", "early_baseline", "outcome_baseline"]
    if not any(gaps[name].any() for name in wanted):
        return ()
    open_columns = [name for name, gone in gaps.items() if gone.any()]
    levels = [pairs.arm == a for a in np.unique(pairs.arm)[1:]]
    levels += [pairs.stratum == s for s in np.unique(pairs.stratum)[1:]]
    fixed = [level.astype(float) for level in levels]
    fixed += [values for name, values in columns.items() if name not in open_columns]
    counts = {
        "n": len(pairs.arm),
        "imputations": plan.imputations,
        "imputed_early": int((gaps["early"] | gaps["early_baseline"]).sum()),
        "imputed_outcome": int((gaps["outcome"] | gaps["outcome_baseline"]).sum()),
    }
    try:
        drawn = impute_markers(
            np.column_stack([columns[name] for name in open_columns]),
            np.column_stack([np.ones(len(pairs.arm)), *fixed]),
            plan.imputations,
            stream(plan.seed, f"prediction/{key}/imputation"),
        )
    except ArgumentError as error:
        why = f"values could not be imputed: {_named(error, open_columns)}"
        return tuple(
            ImputedSlope(
                among=s.among,
                adjusted_for_early_outcome=s.adjusted_for_early_outcome,
                failure=why,
                **counts,
            )
            for s in asked
        )
    full = {name: np.broadcast_to(v, drawn.shape[:2]) for name, v in columns.items()}
    full |= {name: drawn[:, :, place] for place, name in enumerate(open_columns)}
    found = [_fitted(pairs, full, slope, alpha) for slope in asked]
    estimate, se, df = (
        np.stack([getattr(one, name) for one in found], axis=1) for name in ("slope", "se", "df")
    )
    pooled = rubin(estimate, se, df, np.ones(len(asked), bool), alpha).iter_rows(named=True)
    return tuple(
        _row(slope, counts, row, one) for slope, row, one in zip(asked, pooled, found, strict=True)
    )


def _columns(pairs: EarlyPairs) -> dict[str, np.ndarray]:
    """What the imputation knows of a person: later scores tell of those who left after them."""
    names = ["early_baseline", "outcome_baseline", "early"]
    names += ["early_outcome"] * pairs.early_outcome
    found = {name: pairs.column(name) for name in (*names, "outcome")}
    for visit in pairs.visits:
        values = pairs.column(f"outcome {visit}")
        if not np.array_equal(values, found["outcome"], equal_nan=True):
            found[f"outcome {visit}"] = values
    return found


def _fitted(
    pairs: EarlyPairs, full: dict[str, np.ndarray], slope: Slope, alpha: float
) -> Association:
    """The slope in every imputed set."""
    covariates = [full["outcome_baseline"], full["early_baseline"]]
    if slope.adjusted_for_early_outcome:
        covariates.append(full["early_outcome"])
    data = landmark_data(
        full["outcome"],
        full["early"],
        covariates,
        pairs.arm,
        pairs.stratum,
        arms=len(pairs.groups),
        strata=pairs.strata,
    )
    among = "within-arms" if slope.among == "within-arms" else "all-arms"
    return associate(data, among, alpha=alpha)


def _row(
    slope: Slope, counts: dict[str, int], pooled: dict[str, float], found: Association
) -> ImputedSlope:
    named = {"among": slope.among, "adjusted_for_early_outcome": slope.adjusted_for_early_outcome}
    if not math.isfinite(pooled["estimate"]) or not math.isfinite(pooled["lower"]):
        why = "too few people for a slope and its covariates, the imputed ones included"
        return ImputedSlope.model_validate({**named, **counts, "failure": why})
    # Per SD of the complete cases where there are some, so that both stand on one scale.
    sd = slope.sd if slope.sd is not None else math.sqrt(float((found.sd**2).mean()))
    return ImputedSlope.model_validate(
        {
            **named,
            **counts,
            **{name: pooled[name] for name in ("estimate", "se", "df", "lower", "upper", "p")},
            "per_sd": pooled["estimate"] * sd,
            "per_sd_lower": pooled["lower"] * sd,
            "per_sd_upper": pooled["upper"] * sd,
            "missing_information": pooled["missing_information"],
        }
    )


def _named(error: ArgumentError, columns: list[str]) -> str:
    """The reason, with the column by its name."""
    place = int(error.where.rpartition(" ")[2].rstrip("]"))
    return f"{columns[place].replace('_', ' ')}: {error.what}"
