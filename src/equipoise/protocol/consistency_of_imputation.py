"""Sensitivity analyses that impute missing values: what must hold together."""

from __future__ import annotations

from collections.abc import Iterator

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.imputation_plan import AfterDropout, ImputationPlan
from equipoise.protocol.questions import IMPUTATION_METHODS, SensitivityMethod

_MOST_COMBINATIONS = 200


@needs("endpoints", "estimands", "analysis", "arms")
def _imputation(tables: Tables) -> Iterator[Inconsistency]:
    for key, item in tables["analysis"].sensitivity.items():
        plan = item.imputation
        if item.method not in IMPUTATION_METHODS or plan is None:
            continue
        path: tuple[str, ...] = ("analysis", "sensitivity", key)
        yield from _question(tables, path, item.estimand)
        inner = (*path, "imputation")
        yield from _arms(tables, inner, plan)
        tipping = item.method is SensitivityMethod.TIPPING_POINT
        if tipping != bool(plan.deltas):
            yield Inconsistency(
                (*inner, "deltas"),
                "",
                "`tipping-point` shifts imputed values by `deltas`, and no other method does",
                "add `deltas`, for example { arm = [0.0, 2.0, 4.0] }" if tipping else "take it out",
            )
        combinations = 1
        for arm, values in plan.deltas.items():
            combinations *= len(values)
            if not values or len(set(values)) < len(values):
                yield Inconsistency(
                    (*inner, "deltas", arm),
                    ", ".join(f"{value:g}" for value in values),
                    "the shifts of an arm are different numbers, at least one",
                    "correct the list",
                )
        if combinations > _MOST_COMBINATIONS:
            yield Inconsistency(
                (*inner, "deltas"),
                str(combinations),
                f"at most {_MOST_COMBINATIONS} combinations of shifts",
                "take values out",
            )


def _question(tables: Tables, path: tuple[str, ...], name: str) -> Iterator[Inconsistency]:
    """The estimand is a mean that arms are compared by, and its model can be drawn from."""
    estimand = tables["estimands"].get(name)
    point = None if estimand is None else tables["endpoints"].get(estimand.endpoint)
    if point is None:
        return
    if not point.scale.continuous:
        yield Inconsistency(
            (*path, "method"),
            point.scale.value,
            "values of change and log_fold endpoints are imputed, by their mixed model",
            "choose another estimand, or another method",
        )
        return
    if len(tables["arms"]) < 2:
        yield Inconsistency(
            (*path, "method"),
            "",
            "imputed data are analysed by a comparison of arms; a single-arm trial has one",
            "take the sensitivity analysis out",
        )
    plan = tables["analysis"].sensitivity[path[-1]].imputation
    model = tables["analysis"].models.get(point.model or "")
    if model is not None and plan.draws == "bayes" and model.covariance[0] != "us":
        yield Inconsistency(
            (*path, "imputation", "draws"),
            plan.draws,
            "posterior draws are those of an unstructured covariance, and the model of this "
            f"endpoint begins with `{model.covariance[0]}`",
            "choose other draws, for example conditional-mean-jackknife",
        )


def _arms(tables: Tables, path: tuple[str, ...], plan: ImputationPlan) -> Iterator[Inconsistency]:
    arms = tables["arms"]
    if plan.reference is not None:
        if plan.reference not in arms:
            yield unknown((*path, "reference"), plan.reference, "arm", arms, "arms")
        if plan.strategy in (AfterDropout.MAR, AfterDropout.LAST_MEAN):
            yield Inconsistency(
                (*path, "reference"),
                plan.reference,
                f"`{plan.strategy}` refers to no other arm",
                "take `reference` out, or choose another strategy",
            )
    for arm in plan.deltas:
        if arm not in arms:
            yield unknown((*path, "deltas", arm), arm, "arm", arms, "arms")
