"""The assumptions name arms, visits and measurements of the protocol, all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.endpoint_sources import MEASUREMENT_TABLES
from equipoise.protocol.scenario_plan import BUILT_IN

Path = tuple[str | int, ...]


def complete(
    path: Path, given: Mapping[str, Any], wanted: list[str], kind: str
) -> Iterator[Inconsistency]:
    """Nothing is given that the protocol lacks, and nothing lacks that it has."""
    for key in given:
        if key not in wanted:
            yield unknown((*path, key), key, kind, wanted, "the protocol")
    if missing := [key for key in wanted if key not in given]:
        yield Inconsistency(
            path, "", f"every {kind} has a value; {', '.join(missing)} has none", "add it"
        )


def sums_to_one(path: Path, given: Mapping[str, float]) -> Iterator[Inconsistency]:
    """Probabilities sum to 1."""
    total = sum(given.values())
    if abs(total - 1) > 1e-9:
        yield Inconsistency(
            path, f"sum {total:g}", "the probabilities sum to 1", "correct one of them"
        )


@needs("assumptions")
def _scenarios(tables: Tables) -> Iterator[Inconsistency]:
    for key in tables["assumptions"].scenarios:
        if key in BUILT_IN:
            yield Inconsistency(
                ("assumptions", "scenarios", key),
                "",
                f"a scenario of one's own has another name than the built-in ones; `{key}` is one",
                "rename it",
            )


@needs("arms", "visits", "population", *MEASUREMENT_TABLES, "assumptions")
def _statistical(tables: Tables) -> Iterator[Inconsistency]:
    plan = tables["assumptions"].statistical
    if plan is None:
        return
    root: Path = ("assumptions", "statistical")
    arms = list(tables["arms"])
    ids = [visit.id for visit in tables["visits"]]
    baseline = {visit.id for visit in tables["visits"] if visit.baseline}

    def courses(path: Path, given: Any, visits: tuple[str, ...]) -> Iterator[Inconsistency]:
        yield from complete(path, given, arms, "arm")
        wanted = [v for v in visits if v not in baseline]
        for arm, course in given.items():
            yield from complete((*path, arm), course, wanted, "visit after baseline")

    yield from _covariates(tables, plan, root)
    yield from complete((*root, "scores"), plan.scores, list(tables["instruments"]), "instrument")
    for key, score in plan.scores.items():
        if key in tables["instruments"]:
            visits = tables["instruments"][key].visits
            path = (*root, "scores", key)
            yield from complete((*path, "sd"), score.sd, list(visits), "visit")
            yield from courses((*path, "change"), score.change, visits)
            recorded = [str(item) for item in tables["instruments"][key].items]
            for item in score.item_weights:
                if item not in recorded:
                    kind = "recorded item"
                    yield unknown((*path, "item_weights", item), item, kind, recorded, key)
    yield from complete((*root, "cells"), plan.cells, list(tables["cells"]), "cell population")
    for key, cell in plan.cells.items():
        if key in tables["cells"]:
            path = (*root, "cells", key, "fold")
            yield from courses(path, cell.fold, tables["cells"][key].visits)
            parent = tables["cells"][key].parent
            if "cells/uL" in tables["cells"][key].units and parent not in plan.parents:
                yield unknown((*root, "cells", key), parent, "parent", plan.parents, "assumptions")
    all_visits = tuple(dict.fromkeys(v for c in tables["cells"].values() for v in c.visits))
    for name, parent in plan.parents.items():
        yield from courses((*root, "parents", name, "fold"), parent.fold, all_visits)
    yield from complete((*root, "labs"), plan.labs, list(tables["labs"]), "laboratory value")
    for key, lab in plan.labs.items():
        if key in tables["labs"]:
            yield from courses((*root, "labs", key, "fold"), lab.fold, tables["labs"][key].visits)
    if plan.link is not None:
        if plan.link.instrument not in tables["instruments"]:
            yield unknown(
                (*root, "link", "instrument"),
                plan.link.instrument,
                "instrument",
                tables["instruments"],
                "instruments",
            )
        if plan.link.after not in ids:
            yield unknown((*root, "link", "after"), plan.link.after, "visit", ids, "visits")
    yield from complete((*root, "dropout", "probability"), plan.dropout.probability, arms, "arm")
    yield from sums_to_one((*root, "dropout", "reasons"), plan.dropout.reasons)
    if plan.stopping is not None:
        path = (*root, "stopping")
        yield from complete((*path, "probability"), plan.stopping.probability, arms, "arm")
        yield from sums_to_one((*path, "reasons"), plan.stopping.reasons)
        without = [key for key, arm in tables["arms"].items() if not arm.doses]
        for key in without:
            if plan.stopping.probability.get(key):
                yield Inconsistency(
                    (*path, "probability", key),
                    f"{plan.stopping.probability[key]:g}",
                    "who stops study drug has doses to stop",
                    f"give `arms.{key}` its doses, or write 0",
                )
    if plan.screening is not None:
        reasons = {
            f"{kind}.{reason}": p
            for kind, of_kind in plan.screening.excluded.items()
            for reason, p in of_kind.items()
        }
        if plan.screening.assessed_per_participant > 1:
            yield from sums_to_one((*root, "screening", "excluded"), reasons)
    for name, taken in plan.medications.items():
        path = (*root, "medications", name)
        if taken.started:
            yield from complete((*path, "started"), taken.started, arms, "arm")
        covariates = tables["population"].covariates
        for covariate, level in taken.among.items():
            if covariate not in covariates or covariates[covariate].type != "categorical":
                valid = [k for k, c in covariates.items() if c.type == "categorical"]
                yield unknown(
                    (*path, "among", covariate), covariate, "categorical covariate", valid, "it"
                )
            elif level not in covariates[covariate].levels:
                yield unknown(
                    (*path, "among", covariate), level, "level",
                    covariates[covariate].levels, covariate,
                )  # fmt: skip
    for term, event in plan.events.items():
        path = (*root, "events", term)
        yield from complete((*path, "probability"), event.probability, arms, "arm")
        yield from sums_to_one((*path, "grades"), event.grades)
        for grade in event.grades:
            if grade not in {"1", "2", "3", "4", "5"}:
                yield unknown((*path, "grades", grade), grade, "grade", "12345", "CTCAE")
        for name in ("first_day", "duration"):
            low, high = getattr(event, name)
            if not 0 <= low <= high:
                yield Inconsistency(
                    (*path, name), f"[{low:g}, {high:g}]", "0 ≤ lowest ≤ highest", "swap them"
                )


def _covariates(tables: Tables, plan: Any, root: Path) -> Iterator[Inconsistency]:
    covariates = tables["population"].covariates
    yield from complete((*root, "covariates"), plan.covariates, list(covariates), "covariate")
    for key, assumed in plan.covariates.items():
        if key not in covariates:
            continue
        path = (*root, "covariates", key)
        if covariates[key].type == "categorical":
            levels = list(covariates[key].levels)
            yield from complete((*path, "probabilities"), assumed.probabilities, levels, "level")
            yield from sums_to_one((*path, "probabilities"), assumed.probabilities)
        elif assumed.mean is None or assumed.sd is None:
            yield Inconsistency(path, "", "a numeric covariate has `mean` and `sd`", "add them")
