"""Families and their adjustment: fields that go with the method, graphs, draws that suffice."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.multiplicity_plan import (
    ADJUSTMENT_FIELDS,
    Adjustment,
    Graph,
    MarkerMultiplicity,
)
from equipoise.protocol.questions import Family

Path = tuple[str | int, ...]


@needs("analysis", "endpoints")
def _families(tables: Tables) -> Iterator[Inconsistency]:
    analysis, endpoints = tables["analysis"], tables["endpoints"]
    for key, family in analysis.families.items():
        path: Path = ("analysis", "families", key)
        for place, name in enumerate(family.endpoints):
            if name in family.endpoints[:place]:
                yield Inconsistency(
                    (*path, "endpoints", place),
                    name,
                    "each member stands once: a second time it would be tested against itself",
                    "take the second one out",
                )
        yield from _adjustment(path, family, analysis.alpha)
        if family.graph is not None:
            yield from graph_faults(
                (*path, "graph"), family.graph, family.endpoints, "member", "endpoints"
            )
        if family.method is not Adjustment.MAX_T:
            continue
        for place, name in enumerate(family.endpoints):
            if name in endpoints and not endpoints[name].scale.continuous:
                yield Inconsistency(
                    (*path, "endpoints", place),
                    name,
                    "`max-t` fits the mixed model of every member again (change, log_fold); this "
                    f"endpoint is on the scale `{endpoints[name].scale}`",
                    "take it out, or choose another method",
                )


@needs("analysis")
def _markers(tables: Tables) -> Iterator[Inconsistency]:
    analysis = tables["analysis"]
    if analysis.prediction is None or analysis.prediction.multiplicity is None:
        return
    plan = analysis.prediction.multiplicity
    path: Path = ("analysis", "prediction", "multiplicity")
    yield from _adjustment(path, plan, analysis.alpha)
    if plan.graph is not None:
        markers = (
            *analysis.prediction.predictors,
            *analysis.prediction.labs,
            *analysis.prediction.composites,
        )
        yield from graph_faults((*path, "graph"), plan.graph, markers, "marker", "predictors")


def _adjustment(
    path: Path, plan: Family | MarkerMultiplicity, alpha: float
) -> Iterator[Inconsistency]:
    """A method has the fields that it needs, those that it may have, and no other."""
    needed, optional = ADJUSTMENT_FIELDS.get(plan.method, ((), ()))
    named = " and ".join(f"`{name}`" for name in needed)
    may = f"; it may have {' and '.join(f'`{name}`' for name in optional)}" if optional else ""
    rule = f"`{plan.method}` needs {named or 'nothing further'}{may}"
    for name in ("draws", "seed", "graph"):
        value = getattr(plan, name)
        if value is not None and name not in (*needed, *optional):
            yield Inconsistency(
                (*path, name), "" if name == "graph" else str(value), rule, f"take `{name}` out"
            )
        elif value is None and name in needed:
            yield Inconsistency((*path, name), "", rule, f"add `{name}`")
    if plan.method is Adjustment.MAX_T and plan.draws is not None:
        least = int(1.0 / alpha + 1e-9)
        # The smallest p is 1/(draws + 1), and a claim needs one below the level.
        if plan.draws < least:
            yield Inconsistency(
                (*path, "draws"),
                str(plan.draws),
                f"the smallest p of {plan.draws} draws is 1/{plan.draws + 1}, which is not below "
                f"the level {alpha:g}: nothing could ever be found",
                f"draw at least {least}; 1999 or more are usual",
            )


def graph_faults(
    path: Path, graph: Graph, members: Collection[str], kind: str, place: str
) -> Iterator[Inconsistency]:
    """Names that are none, shares above 1, shares handed to oneself, members without weight."""
    for where, row in [
        ((*path, "weights"), graph.weights),
        *(((*path, "transitions", key), row) for key, row in graph.transitions.items()),
    ]:
        for name in row:
            if name not in members:
                yield unknown((*where, name), name, kind, members, place)
        if sum(row.values()) > 1 + 1e-9:
            yield Inconsistency(
                where, f"sum {sum(row.values()):g}", "shares sum to at most 1", "correct one"
            )
    for key, row in graph.transitions.items():
        if key not in members:
            yield unknown((*path, "transitions", key), key, kind, members, place)
        if row.get(key):
            yield Inconsistency(
                (*path, "transitions", key),
                key,
                f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} hands nothing on to itself",
                "take it out",
            )
    if missing := [key for key in members if key not in graph.weights]:
        yield Inconsistency(
            (*path, "weights"), "", f"every {kind} has a weight; {', '.join(missing)} has none",
            "add it, 0 where the level only comes from others",
        )  # fmt: skip
