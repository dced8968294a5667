"""The plans of immune profiles and of effect modifiers: that they name what is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.endpoint_sources import planned_visits

_PATH = ("analysis", "stratification")


@needs("analysis", "population", "exposures", "labs", "sources", "visits")
def _profiles(tables: Tables) -> Iterator[Inconsistency]:
    stratification = tables["analysis"].stratification
    plan = None if stratification is None else stratification.profiles
    if plan is None:
        return
    path = (*_PATH, "profiles")
    if plan.inflammation is not None:
        yield from _inflammation(tables, plan.inflammation)
    if (plan.inflammation is None) != (not plan.cutoffs):
        field = "cutoffs" if plan.cutoffs else "inflammation"
        yield Inconsistency(
            (*path, field),
            "",
            "a laboratory value and its cut-offs go together",
            "give both, or neither",
        )
    for place, cutoff in enumerate(plan.cutoffs):
        own = (*path, "cutoffs", place)
        if cutoff.source is not None and cutoff.source not in tables["sources"]:
            yield unknown((*own, "source"), cutoff.source, "source", tables["sources"], "sources")
        known = (cutoff.lower, cutoff.percent, cutoff.upper)
        if all(x is not None for x in known) and list(known) != sorted(known):  # type: ignore[type-var]
            yield Inconsistency(
                (*own, "percent"), f"{cutoff.percent:g}", "it lies within its limits", "correct it"
            )
    yield from _markers(tables, (*path, "markers"), plan.markers)
    people = (*tables["population"].covariates, *tables["exposures"])
    yield from _listed((*path, "related"), plan.related, people, "covariate or exposure")


@needs("analysis", "population", "exposures", "visits")
def _heterogeneity(tables: Tables) -> Iterator[Inconsistency]:
    stratification = tables["analysis"].stratification
    plan = None if stratification is None else stratification.heterogeneity
    if plan is None:
        return
    prediction = tables["analysis"].prediction
    if prediction is None:
        yield _without_prediction((*_PATH, "heterogeneity"))
        return
    known = (
        *tables["population"].covariates,
        *tables["exposures"],
        *prediction.predictors,
        *prediction.labs,
    )
    yield from _listed((*_PATH, "heterogeneity", "modifiers"), plan.modifiers, known, "modifier")


def _inflammation(tables: Tables, key: str) -> Iterator[Inconsistency]:
    path = (*_PATH, "profiles", "inflammation")
    if key not in tables["labs"]:
        yield unknown(path, key, "laboratory value", tables["labs"], "labs")
        return
    baseline = next((v.id for v in tables["visits"] if v.baseline), None)
    measured = planned_visits(tables["labs"][key], tables["visits"])
    if baseline is not None and baseline not in measured:
        yield Inconsistency(
            path, key, f"`{key}` is not measured at baseline", "name one that is, or measure it"
        )


def _markers(
    tables: Tables, path: tuple[str | int, ...], keys: Sequence[str]
) -> Iterator[Inconsistency]:
    if not keys:
        return
    prediction = tables["analysis"].prediction
    if prediction is None:
        yield _without_prediction(path)
        return
    known = (*prediction.predictors, *prediction.labs)
    yield from _listed(path, keys, known, "marker")
    if len(keys) == 1:
        yield Inconsistency(
            path, keys[0], "a profile is of several markers", "name at least two markers"
        )


def _listed(
    path: tuple[str | int, ...], keys: Sequence[str], known: Sequence[str], what: str
) -> Iterator[Inconsistency]:
    for place, key in enumerate(keys):
        if key not in known:
            yield unknown((*path, place), key, what, known, "the protocol")
        elif key in keys[:place]:
            yield Inconsistency((*path, place), key, "each stands once", "take this one out")


def _without_prediction(path: tuple[str | int, ...]) -> Inconsistency:
    return Inconsistency(
        path,
        "",
        "outcome and markers are those of `analysis.prediction`",
        "add `analysis.prediction`, or take this out",
    )
