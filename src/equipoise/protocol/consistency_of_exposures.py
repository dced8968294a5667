"""Exposures and images: levels and ranges that hold together, and what endpoints need of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.consistency_of_assumptions import Path, complete, sums_to_one
from equipoise.protocol.consistency_of_measurements import RESERVED


@needs("population", "exposures")
def _exposures(tables: Tables) -> Iterator[Inconsistency]:
    covariates = tables["population"].covariates
    for name, exposure in tables["exposures"].items():
        path: Path = ("exposures", name)
        yield from _values(path, exposure)
        if name in RESERVED or name in covariates:
            what = "a covariate" if name in covariates else "a column of its own in the tables"
            yield Inconsistency(path, name, f"`{name}` is {what}", "rename the exposure")
        if exposure.covariate and exposure.unblinding:
            yield Inconsistency(
                (*path, "covariate"),
                "true",
                "a covariate of models does not give the arm away: blinded models hold it too",
                "take `covariate` or `unblinding` out",
            )


def _values(path: Path, exposure: Any) -> Iterator[Inconsistency]:
    levels = exposure.levels
    if exposure.type == "categorical":
        if len(set(levels)) < 2 or len(set(levels)) < len(levels):
            yield Inconsistency(
                (*path, "levels"),
                str(list(levels)),
                "a categorical exposure has at least two levels, each once",
                "list its levels, the reference first",
            )
        for level in exposure.level_labels:
            if level not in levels:
                yield unknown((*path, "level_labels", level), level, "level", levels, str(path[1]))
        for field in ("unit", "minimum", "maximum"):
            if getattr(exposure, field) is not None:
                yield Inconsistency(
                    (*path, field),
                    str(getattr(exposure, field)),
                    f"a categorical exposure has no {field}",
                    'take it out, or set type = "numeric"',
                )
        return
    if levels:
        yield Inconsistency(
            (*path, "levels"), str(list(levels)), "a numeric exposure has no levels", "take it out"
        )
    if exposure.unit is None:
        yield Inconsistency(
            (*path, "unit"), "", "a numeric exposure has a unit", 'add it, for example "points"'
        )
    yield from _range(path, exposure.minimum, exposure.maximum)


def _range(path: Path, low: float | None, high: float | None) -> Iterator[Inconsistency]:
    if low is not None and high is not None and low >= high:
        yield Inconsistency((*path, "maximum"), f"{high:g}", f"maximum > {low:g}", "correct one")


@needs("imaging")
def _imaging(tables: Tables) -> Iterator[Inconsistency]:
    for name, image in tables["imaging"].items():
        path: Path = ("imaging", name)
        if len(set(image.regions)) < len(image.regions):
            yield Inconsistency(
                (*path, "regions"), str(list(image.regions)), "each region once", "drop one"
            )
        for field, modality in (("tracer", "PET"), ("sequence", "MRI")):
            if getattr(image, field) is not None and image.modality != modality:
                yield Inconsistency(
                    (*path, field),
                    getattr(image, field),
                    f"a {image.modality} has no {field}",
                    f"take it out, or set modality = {modality!r}".replace("'", '"'),
                )
        yield from _range(path, image.minimum, image.maximum)


@needs("exposures", "endpoints")
def _endpoints(tables: Tables) -> Iterator[Inconsistency]:
    for key, endpoint in tables["endpoints"].items():
        exposure = tables["exposures"].get(endpoint.exposure)
        if exposure is not None and exposure.type != "numeric":
            yield Inconsistency(
                ("endpoints", key, "exposure"),
                str(endpoint.exposure),
                "the exposure of an endpoint is numeric",
                "name a numeric one, or use it as a covariate with `covariate = true`",
            )


@needs("arms", "visits", "exposures", "imaging", "assumptions")
def _assumptions(tables: Tables) -> Iterator[Inconsistency]:
    plan = tables["assumptions"].statistical
    if plan is None:
        return
    arms = list(tables["arms"])
    baseline = {visit.id for visit in tables["visits"] if visit.baseline}
    root: Path = ("assumptions", "statistical")

    def later(entry: Any) -> list[str]:
        return [visit for visit in entry.visits if visit not in baseline]

    path = (*root, "exposures")
    yield from complete(path, plan.exposures, list(tables["exposures"]), "exposure")
    for key, assumed in plan.exposures.items():
        if key in tables["exposures"]:
            exposure = tables["exposures"][key]
            yield from _assumed((*path, key), exposure, assumed, arms, later(exposure))
    path = (*root, "imaging")
    yield from complete(path, plan.imaging, list(tables["imaging"]), "imaging measure")
    for key, assumed in plan.imaging.items():
        if key not in tables["imaging"]:
            continue
        image = tables["imaging"][key]
        yield from complete((*path, key, "mean"), assumed.mean, list(image.regions), "region")
        visits = later(image)
        if not visits and not assumed.shift:
            continue
        place = (*path, key, "shift")
        yield from complete(place, assumed.shift, arms, "arm")
        for arm, regions in assumed.shift.items():
            yield from complete((*place, arm), regions, list(image.regions), "region")
            for region, course in regions.items():
                yield from complete((*place, arm, region), course, visits, "visit after baseline")


def _assumed(
    path: Path, exposure: Any, assumed: Any, arms: list[str], visits: list[str]
) -> Iterator[Inconsistency]:
    if exposure.type == "categorical":
        given = assumed.probabilities
        yield from complete((*path, "probabilities"), given, list(exposure.levels), "level")
        yield from sums_to_one((*path, "probabilities"), given)
        if assumed.change:
            yield Inconsistency(
                (*path, "change"), "", "a categorical exposure does not change", "take it out"
            )
        return
    if assumed.mean is None or assumed.sd_between is None:
        yield Inconsistency(path, "", "a numeric exposure has `mean` and `sd_between`", "add them")
    if assumed.change:
        yield from complete((*path, "change"), assumed.change, arms, "arm")
        for arm, course in assumed.change.items():
            yield from complete((*path, "change", arm), course, visits, "visit after baseline")
