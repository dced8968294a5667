"""Each endpoint by its mixed model for repeated measures, as the protocol writes it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from equipoise.analysis.results import (
    Contrast,
    EndpointResult,
    Mean,
    ModelFit,
    ObservedMean,
    Subgroup,
)
from equipoise.analysis.small_cells import fewest_modelled
from equipoise.protocol.endpoint_sources import source_of
from equipoise.protocol.questions import Scale
from equipoise.stats import CovarianceStructure, MMRMFit, StatsError, check_formula, mmrm

if TYPE_CHECKING:
    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.protocol.questions import Model


def analyse_endpoint(
    protocol: Protocol,
    groups: Groups,
    key: str,
    data: Dataset,
    *,
    smallest: int = 1,
    subgroups: bool = True,
    model: Model | None = None,
) -> EndpointResult:
    """One endpoint: observed means, least-squares means, contrasts, effects by subgroup.

    While blinded the terms with the arm are left out of the model and everybody is one group.
    Observed means of fewer than `smallest` people are not given. `model` takes the place of the
    endpoint's own, for a sensitivity analysis.
    """
    point = protocol.endpoints[key]
    model = model or protocol.analysis.models[str(point.model)]
    if groups.blinded:
        model = model.model_copy(update={"group": None})
    log = point.scale is Scale.LOG_FOLD
    formula = blinded_formula(model.formula, data) if groups.blinded else model.formula
    single = len(groups.groups) == 1
    fit, tried, failure = _fit(formula, model, data, protocol.analysis.alpha)
    days = [protocol.visit(name).day for name in protocol.endpoint_visits(key)]
    visits = protocol.endpoint_visits(key)
    means: list[Mean] = []
    contrasts: list[Contrast] = []
    if fit is not None:
        means = _means(fit, groups.keys[0] if single else None, visits, log)
        if not single:
            contrasts = _contrasts(fit, protocol.control, visits, log)
    if protocol.single_arm and len(visits) == 1:
        means = _mean_of_one(groups.keys[0], visits[0], data, log, protocol.analysis.alpha)
    few = _few(data, ["visit"], smallest)
    means = [m for m in means if (m.group, m.visit) not in few]
    contrasts = [c for c in contrasts if not {(c.arm, c.visit), (c.reference, c.visit)} & few]
    subgroup = None
    if subgroups and model.subgroup and model.subgroup_formula and not single:
        subgroup = _subgroup(protocol, key, model, data, log, smallest)
    return EndpointResult(
        endpoint=key,
        label=point.label,
        kind=source_of(point).kind,
        scale="log_fold" if log else "change",
        unit=protocol.unit_of(key),
        better=point.better,
        fit=None if fit is None else _described(f"mmrm:{key}", fit, model, tried, days),
        failure=failure,
        observed=_observed(protocol, groups, key, data, smallest),
        means=tuple(means),
        contrasts=tuple(contrasts),
        subgroup=subgroup,
    )


def blinded_formula(formula: str, data: Dataset) -> str:
    """The formula without the terms that hold the arm."""
    parsed = check_formula(formula, data.frame.columns)
    kept = [
        term
        for term, factors in zip(parsed.terms, parsed.factors, strict=True)
        if not any(re.search(r"\barm\b", factor) for factor in factors)
    ]
    return f"{parsed.response} ~ {' + '.join(kept)}"


_Tried = tuple[tuple[str, str], ...]


def _fit(
    formula: str, model: Model, data: Dataset, alpha: float
) -> tuple[MMRMFit | None, _Tried, str | None]:
    """Walk the protocol's ladder of covariance structures; nothing is tried beyond it.

    Returns
    -------
    fit, steps, failure
        The steps are (structure, why it has no fit), empty for the one that has.
    """
    steps: list[tuple[str, str]] = []
    by_group: dict[str, Any] = {} if model.group is None else {"group": model.group}
    for structure in model.covariance:
        try:
            fit = mmrm(
                formula,
                data.frame,
                subject="participant",
                visit="visit",
                covariance=structure,
                method=model.method,
                df=model.df,
                vcov=model.vcov,
                alpha=alpha,
                **by_group,
            )
        except StatsError as error:
            steps.append((structure, str(error)))
            continue
        return fit, (*steps, (structure, "")), None
    return None, tuple(steps), " | ".join(f"{word}: {why}" for word, why in steps)


def _described(
    key: str, fit: MMRMFit, model: Model, steps: _Tried, days: Sequence[float]
) -> ModelFit:
    structure = steps[-1][0]
    matrices: dict[str, Any] = (
        fit.covariance if isinstance(fit.covariance, dict) else {"": fit.covariance}
    )
    plain = {
        str(level): tuple(tuple(float(x) for x in row) for row in matrix)
        for level, matrix in matrices.items()
    }
    return ModelFit(
        key=key,
        formula=fit.formula,
        covariance=structure,
        tried=tuple(word for word, _ in steps),
        failures=tuple(step for step in steps if step[1]),
        likelihood=str(model.method),
        df_method=str(model.df),
        vcov=str(model.vcov),
        group=model.group,
        participants=fit.n_subjects,
        observations=fit.n_observations,
        missing_responses=fit.n_dropped,
        minus2_log_likelihood=fit.minus2_log_likelihood,
        aic=fit.aic,
        bic=fit.bic,
        iterations=fit.convergence.iterations,
        gradient=fit.convergence.gradient_norm,
        visits=fit.visits,
        covariance_matrix=plain.get("", ()),
        covariance_by_group=() if "" in plain else tuple(plain.items()),
        message=fit.convergence.message,
        notes=_spacing(structure, days),
    )


def _spacing(word: str, days: Sequence[float]) -> tuple[str, ...]:
    """What a structure takes for granted of the visits, where they are otherwise."""
    (structure,) = (s for s in CovarianceStructure if s.word == word)
    distances = {round(b - a, 6) for a, b in pairwise(days)}
    if structure.spacing.name != "EQUAL" or len(distances) < 2:
        return ()
    listed = ", ".join(f"{day:g}" for day in days)
    return (f"{word} takes visits for equally spaced; they lie at days {listed}",)


def _ratio(row: dict[str, Any], log: bool) -> dict[str, Any]:
    if not log:
        return {}
    return {
        "ratio": math.exp(row["estimate"]),
        "ratio_lower": math.exp(row["lower"]),
        "ratio_upper": math.exp(row["upper"]),
    }


_MEAN = ("estimate", "se", "df", "lower", "upper")
_TEST = (*_MEAN, "t", "p")


def _by_visit(visits: tuple[str, ...], *others: str) -> list[str] | None:
    """Factors to go by; with a single visit the model has no visit."""
    return [*(("visit",) if len(visits) > 1 else ()), *others] or None


def _means(fit: MMRMFit, only: str | None, visits: tuple[str, ...], log: bool) -> list[Mean]:
    """Least-squares means by group; `only` is the single group of a model without the arm."""
    if only is None:
        frame = fit.lsmeans("arm", by=_by_visit(visits))
    elif len(visits) > 1:
        frame = fit.lsmeans("visit")
    else:
        return []  # with one visit and one group the observed mean says it all
    return [
        Mean(
            group=str(row["arm"]) if only is None else only,
            visit=str(row.get("visit", visits[0])),
            **{name: row[name] for name in _MEAN},
            **_ratio(row, log),
        )
        for row in frame.iter_rows(named=True)
    ]


def _mean_of_one(group: str, visit: str, data: Dataset, log: bool, alpha: float) -> list[Mean]:
    """One arm at one visit: the mean with its t interval; the model has no factor to go by."""
    from scipy.stats import t

    values = data.frame["log_fold" if log else "change"].to_numpy()
    n = len(values)
    if n < 2:
        return []
    estimate, se = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(n)
    half = float(t.ppf(1 - alpha / 2, n - 1)) * se
    row = {"estimate": estimate, "se": se, "df": float(n - 1)}
    row |= {"lower": estimate - half, "upper": estimate + half}
    return [Mean(group=group, visit=visit, **row, **_ratio(row, log))]


def _contrasts(
    fit: MMRMFit,
    control: str,
    visits: tuple[str, ...],
    log: bool,
    subgroup: str | None = None,
) -> list[Contrast]:
    by = _by_visit(visits, *([subgroup] if subgroup else []))
    return [
        Contrast(
            arm=str(row["level"]),
            reference=control,
            visit=str(row.get("visit", visits[0])),
            subgroup=None if subgroup is None else str(row[subgroup]),
            **{name: row[name] for name in _TEST},
            **_ratio(row, log),
        )
        for row in fit.contrasts("arm", reference=control, by=by).iter_rows(named=True)
    ]


def _subgroup(
    protocol: Protocol, key: str, model: Model, data: Dataset, log: bool, smallest: int
) -> Subgroup:
    assert model.subgroup is not None
    assert model.subgroup_formula is not None
    factor = model.subgroup
    covariate = protocol.population.covariates[factor]
    fit, tried, failure = _fit(model.subgroup_formula, model, data, protocol.analysis.alpha)
    days = [protocol.visit(name).day for name in protocol.endpoint_visits(key)]
    effects: list[Contrast] = []
    interaction: list[Contrast] = []
    if fit is not None:
        visits = protocol.endpoint_visits(key)
        effects = _contrasts(fit, protocol.control, visits, log, factor)
        interaction = _interaction(fit, protocol.control, visits, factor, log)
        few = {(arm, visit) for arm, visit, _ in _few(data, ["visit", factor], smallest)}
        effects = [c for c in effects if not {(c.arm, c.visit), (c.reference, c.visit)} & few]
        interaction = [
            c for c in interaction if not {(c.arm, c.visit), (c.reference, c.visit)} & few
        ]
    return Subgroup(
        factor=factor,
        label=covariate.label,
        levels=covariate.levels,
        fit=None if fit is None else _described(f"mmrm:{key}:{factor}", fit, model, tried, days),
        failure=failure,
        effects=tuple(effects),
        interaction=tuple(interaction),
    )


def _interaction(
    fit: MMRMFit, control: str, visits: tuple[str, ...], factor: str, log: bool
) -> list[Contrast]:
    """Per visit, active arm and level after the first: effect there minus effect in the first."""
    levels, L = fit.lsmeans_matrix("arm", by=_by_visit(visits, factor))
    if "visit" not in levels.columns:
        levels = levels.with_columns(visit=pl.lit(visits[0]))
    at = {
        (str(v), str(s), str(a)): index
        for index, (v, s, a) in enumerate(
            levels.select("visit", factor, "arm").cast(pl.String).iter_rows()
        )
    }
    present = list(dict.fromkeys(key[1] for key in at))
    arms = list(dict.fromkeys(key[2] for key in at))
    heads, rows = [], []
    for visit in dict.fromkeys(key[0] for key in at):
        for arm in arms:
            if arm == control:
                continue
            for level in present[1:]:
                effect = [
                    L[at[visit, group, arm]] - L[at[visit, group, control]]
                    for group in (level, present[0])
                ]
                heads.append((arm, visit, f"{level} - {present[0]}"))
                rows.append(effect[0] - effect[1])
    if not rows:
        return []
    return [
        Contrast(
            arm=arm,
            reference=control,
            visit=visit,
            subgroup=label,
            **{name: row[name] for name in _TEST},
            **_ratio(row, log),
        )
        for (arm, visit, label), row in zip(
            heads, fit.linear(rows).iter_rows(named=True), strict=True
        )
    ]


def _few(data: Dataset, by: list[str], smallest: int) -> set[tuple[str, ...]]:
    """(arm, visit, …) cells with so few people that no estimate of them is given."""
    table = data.frame.group_by("arm", *by).len().filter(pl.col("len") < fewest_modelled(smallest))
    return {tuple(str(value) for value in row[:-1]) for row in table.iter_rows()}


def _observed(
    protocol: Protocol, groups: Groups, key: str, data: Dataset, smallest: int
) -> tuple[ObservedMean, ...]:
    """Means of the raw change; geometric mean fold and the SD of its log on the log scale."""
    log = protocol.endpoints[key].scale is Scale.LOG_FOLD
    column = "log_fold" if log else "change"
    table = data.frame.group_by("arm", "visit").agg(
        pl.len().alias("n"), pl.col(column).mean().alias("mean"), pl.col(column).std().alias("sd")
    )
    found = {(str(r["arm"]), str(r["visit"])): r for r in table.iter_rows(named=True)}
    rows = []
    for group in groups.keys:
        for visit in protocol.endpoint_visits(key):
            row = found.get((group, visit), {"n": 0, "mean": None, "sd": None})
            shown = row["n"] >= smallest
            rows.append(
                ObservedMean(
                    group=group,
                    visit=visit,
                    n=row["n"],
                    mean=row["mean"] if shown else None,
                    sd=row["sd"] if shown else None,
                )
            )
    return tuple(rows)
