"""The association at every visit after the early one, from one mixed model.

Method: docs/methods/early-change.md, "Every visit".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from equipoise.analysis.prediction.prediction_results import RepeatedAssociation, VisitSlope
from equipoise.stats import mmrm
from equipoise.stats.errors import StatsError

if TYPE_CHECKING:
    from equipoise.analysis.prediction.early_pairs import EarlyPairs
    from equipoise.protocol.questions import Model
    from equipoise.stats import MMRMFit


def repeat_slopes(
    pairs: EarlyPairs, model: Model, sd: float | None, alpha: float
) -> RepeatedAssociation | None:
    """Slopes at all later visits; None where the outcome has one later visit only.

    Parameters
    ----------
    model
        That of the outcome: its ladder of covariance structures, likelihood and degrees of
        freedom.
    sd
        Standard deviation of the early change within arms.
    """
    if len(pairs.visits) < 2:
        return None
    rows = _rows(pairs)
    participants = rows["person"].n_unique()
    formula = "outcome ~ early*visit + outcome_baseline*visit + early_baseline*visit"
    for factor in ("stratum", "arm"):
        if rows[factor].n_unique() > 1:
            formula += f" + {factor}*visit"
    tried: list[str] = []
    why = "nobody has an early change and a later outcome"
    for structure in model.covariance if rows.height else ():
        tried.append(structure)
        try:
            fit = mmrm(
                formula,
                rows,
                subject="person",
                visit="visit",
                covariance=structure,
                method=model.method,
                df=model.df,
                vcov=model.vcov,
                alpha=alpha,
                **({} if model.group is None else {"group": model.group}),
            )
            return _found(fit, tried, sd, pairs)
        except StatsError as error:
            why = str(error)
    return RepeatedAssociation(
        participants=participants, observations=rows.height, tried=tuple(tried), failure=why
    )


def _rows(pairs: EarlyPairs) -> pl.DataFrame:
    """One row a person and later visit, of those with an early change and both baselines."""
    return (
        pairs.frame.with_row_index("person")
        .drop_nulls(["early", "early_baseline", "outcome_baseline"])
        .drop("outcome")
        .unpivot(
            [f"outcome {visit}" for visit in pairs.visits],
            index=["person", "group", "stratum", "early", "early_baseline", "outcome_baseline"],
            variable_name="visit",
            value_name="outcome",
        )
        .drop_nulls("outcome")
        .with_columns(
            pl.col("visit").str.strip_prefix("outcome ").cast(pl.Enum(list(pairs.visits))),
            pl.col("group").cast(pl.Enum(list(pairs.groups))).alias("arm"),
            pl.col("stratum").cast(pl.String),
        )
        .sort("person", "visit")
    )


def _found(
    fit: MMRMFit, tried: list[str], sd: float | None, pairs: EarlyPairs
) -> RepeatedAssociation:
    matrix = np.zeros((len(fit.visits), len(fit.terms)))
    matrix[:, fit.terms.index("early")] = 1.0
    for place, visit in enumerate(fit.visits[1:], 1):
        matrix[place, fit.terms.index(f"early:visit[T.{visit}]")] = 1.0
    frame = fit.linear(matrix)
    joint = fit.test(matrix)
    slopes = tuple(
        VisitSlope.model_validate(
            {
                "visit": str(visit),
                "n": int(np.isfinite(pairs.column(f"outcome {visit}")).sum()),
                **{name: row[name] for name in ("estimate", "se", "df", "lower", "upper", "p")},
                "per_sd": sd and row["estimate"] * sd,
                "per_sd_lower": sd and row["lower"] * sd,
                "per_sd_upper": sd and row["upper"] * sd,
            }
        )
        for visit, row in zip(fit.visits, frame.iter_rows(named=True), strict=True)
    )
    return RepeatedAssociation(
        participants=fit.n_subjects,
        observations=fit.n_observations,
        formula=fit.formula,
        tried=tuple(tried),
        slopes=slopes,
        statistic=joint.statistic,
        df1=float(joint.df1),
        df2=joint.df2 if np.isfinite(joint.df2) else None,
        p=joint.p if np.isfinite(joint.p) else None,
    )
