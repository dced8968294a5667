"""An estimand with its missing values imputed: reference-based, or shifted until it tips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from equipoise.analysis.imputation_results import Imputed, MissingCount, Tipping, TippingRow
from equipoise.analysis.model_results import Contrast
from equipoise.analysis.small_cells import too_small
from equipoise.protocol.questions import Scale
from equipoise.stats import StatsError, check_formula

if TYPE_CHECKING:
    from collections.abc import Hashable

    from equipoise.analysis.dataset import Dataset
    from equipoise.protocol import Protocol
    from equipoise.protocol.imputation_plan import ImputationPlan
    from equipoise.protocol.questions import Estimand
    from equipoise.stats.imputation import Draws, Imputations, Pooled


@dataclass(frozen=True, slots=True)
class ImputedEstimate:
    """What an imputation gave; `failure` says why it gave nothing."""

    contrasts: tuple[Contrast, ...] = ()
    imputed: Imputed | None = None
    tipping: tuple[Tipping, ...] = ()
    failure: str | None = None


def impute_estimand(
    protocol: Protocol,
    data: Dataset,
    estimand: Estimand,
    plan: ImputationPlan,
    arms: tuple[str, ...],
    smallest: int,
    drawn: dict[Hashable, Draws],
) -> ImputedEstimate:
    """Impute, analyse at the estimand's visit, pool; shift where the plan names deltas.

    Parameters
    ----------
    data
        With a row for every participant with a baseline at every visit (`everybody`).
    arms
        Active arms whose comparison is given: those of the main result.
    drawn
        Parameters that were drawn already, by estimand and plan: every strategy holds from the
        last run of missing values on, and so leaves the imputation model as it is.
    """
    from equipoise.stats import imputation

    point = protocol.endpoints[estimand.endpoint]
    model = protocol.analysis.models[str(point.model)]
    visits = protocol.endpoint_visits(estimand.endpoint)
    formula = model.formula
    covariance = model.covariance[0] if plan.draws != "bayes" else "us"
    reference = plan.reference or protocol.control
    analysed = at_one_visit(formula, data.frame.columns)
    one = imputation.ancova(analysed, visit=estimand.visit, reference=protocol.control)
    if estimand.visit not in visits:
        return ImputedEstimate(failure="the endpoint has no value at this visit")
    try:
        key = (id(estimand), plan.draws, plan.imputations, plan.seed, plan.same_covariance)
        if key not in drawn:
            drawn[key] = imputation.draw(
                formula,
                data.frame,
                subject="participant",
                visit="visit",
                arm="arm",
                method=plan.draws,
                imputations=plan.imputations,
                seed=plan.seed,
                covariance=covariance,
                same_covariance=plan.same_covariance,
            )
        imputed = imputation.impute(drawn[key], reference=reference, strategy=plan.strategy.value)
        pooled = imputation.pool(imputation.analyse(imputed, one), alpha=protocol.analysis.alpha)
        tipping = tuple(_tipping(protocol, imputed, one, plan, arm) for arm in arms if plan.deltas)
    except StatsError as error:
        return ImputedEstimate(failure=str(error))
    rows = [pooled.row(f"{arm} - {protocol.control}") for arm in arms]
    log = point.scale is Scale.LOG_FOLD
    return ImputedEstimate(
        contrasts=tuple(
            _contrast(row, arm, protocol.control, estimand.visit, log)
            for arm, row in zip(arms, rows, strict=True)
        ),
        imputed=_described(
            plan, pooled, formula, analysed, reference, rows, data, estimand, smallest
        ),
        tipping=tipping,
    )


def at_one_visit(formula: str, columns: list[str]) -> str:
    """The formula of the analysis at one visit: the same terms, without the visit."""
    parsed = check_formula(formula, columns)
    terms: list[str] = []
    for factors in parsed.factors:
        kept = ":".join(factor for factor in factors if factor != "visit")
        if kept and kept not in terms and kept != "1":
            terms.append(kept)
    return f"{parsed.response} ~ {' + '.join(terms)}"


def _contrast(row: dict[str, Any], arm: str, reference: str, visit: str, log: bool) -> Contrast:
    finite = math.isfinite(row["df"])
    return Contrast(
        arm=arm,
        reference=reference,
        visit=visit,
        estimate=row["estimate"],
        se=row["se"],
        t=row["t"],
        p=row["p"],
        lower=row["lower"],
        upper=row["upper"],
        df=row["df"] if finite else None,
        ratio=math.exp(row["estimate"]) if log else None,
        ratio_lower=math.exp(row["lower"]) if log else None,
        ratio_upper=math.exp(row["upper"]) if log else None,
    )


def _described(
    plan: ImputationPlan,
    pooled: Pooled,
    formula: str,
    analysed: str,
    reference: str,
    rows: list[dict[str, Any]],
    data: Dataset,
    estimand: Estimand,
    smallest: int,
) -> Imputed:
    response = "change" if "change" in data.frame.columns else "log_fold"
    counts = (
        data.frame.filter(pl.col("visit") == estimand.visit)
        .group_by("arm", maintain_order=True)
        .agg(pl.len().alias("n"), pl.col(response).is_null().sum().alias("missing"))
        .sort("arm")
    )
    missing = [
        MissingCount(group=str(row["arm"]), n=row["n"], missing=row["missing"])
        for row in counts.iter_rows(named=True)
    ]
    hidden = too_small([row.missing for row in missing], smallest)

    def largest(name: str) -> float | None:
        values = [row[name] for row in rows if row[name] is not None]
        return max(values) if values else None

    jackknife = plan.draws == "conditional-mean-jackknife"
    return Imputed(
        strategy=plan.strategy.value,
        reference=reference,
        draws=plan.draws,
        pooled_by=pooled.rule,
        imputations=pooled.n_imputations,
        seed=None if jackknife else plan.seed,
        formula=formula,
        analysis=analysed,
        missing=None if hidden else tuple(missing),
        missing_information=largest("missing_information"),
        monte_carlo_error=largest("monte_carlo_error"),
        warnings=pooled.warnings,
    )


def _tipping(
    protocol: Protocol, imputed: Imputations, analysis: Any, plan: ImputationPlan, arm: str
) -> Tipping:
    from equipoise.stats import imputation

    found = imputation.tipping_point(
        imputed,
        analysis,
        parameter=f"{arm} - {protocol.control}",
        deltas=dict(plan.deltas.items()),
        alpha=protocol.analysis.alpha,
    )
    columns = [f"delta {name}" for name in found.arms]
    return Tipping(
        arm=arm,
        reference=protocol.control,
        shifted=found.arms,
        rows=tuple(
            TippingRow(
                deltas=tuple(float(row[name]) for name in columns),
                **{
                    name: row[name] for name in ("estimate", "se", "lower", "upper", "p", "changed")
                },
            )
            for row in found.frame.iter_rows(named=True)
        ),
        significant=found.significant,
        tips=tuple(tuple(tip[name] for name in found.arms) for tip in found.tips),
        crossing=found.crossing,
    )
