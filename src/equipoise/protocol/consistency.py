"""What the tables of a protocol must say together: references, order, ratios.

Each check names the tables that it reads and is left out while one of them is faulty in
itself, so that all faults that can be known are reported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

from equipoise.faults import nearest
from equipoise.protocol.endpoint_sources import (
    MEASUREMENT_TABLES,
    SOURCES,
    EndpointSource,
    MeasureKind,
    follow_up_visits,
    planned_visits,
)
from equipoise.protocol.plan import AllocationMethod, Design, Role
from equipoise.protocol.questions import EstimandRole
from equipoise.protocol.scales import scale_of
from equipoise.toml_faults import Inconsistency

Tables = Mapping[str, Any]


Check = Callable[[Tables], Iterator[Inconsistency]]
_CHECKS: list[tuple[tuple[str, ...], Check]] = []


def needs(*tables: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        _CHECKS.append((tables, check))
        return check

    return register


def inconsistencies(tables: Tables) -> list[Inconsistency]:
    """Every rule between fields that does not hold.

    Parameters
    ----------
    tables
        The parsed top-level tables of a protocol by name; None for one that is faulty.
    """
    # The other checks register themselves when their modules are loaded.
    from equipoise.protocol import (
        consistency_of_allocation,
        consistency_of_analysis,
        consistency_of_assumptions,
        consistency_of_enrichment,
        consistency_of_estimands,
        consistency_of_exposures,
        consistency_of_forecast,
        consistency_of_harms,
        consistency_of_imputation,
        consistency_of_interim,
        consistency_of_measurements,
        consistency_of_mechanism,
        consistency_of_mediation,
        consistency_of_multiplicity,
        consistency_of_multivariate,
        consistency_of_prediction,
        consistency_of_profiles,
        consistency_of_reestimation,
        consistency_of_scales,
    )

    assert consistency_of_allocation is not None
    assert consistency_of_analysis is not None
    assert consistency_of_assumptions is not None
    assert consistency_of_harms is not None
    assert consistency_of_imputation is not None
    assert consistency_of_interim is not None
    assert consistency_of_enrichment is not None
    assert consistency_of_estimands is not None
    assert consistency_of_exposures is not None
    assert consistency_of_forecast is not None
    assert consistency_of_measurements is not None
    assert consistency_of_multivariate is not None
    assert consistency_of_prediction is not None
    assert consistency_of_profiles is not None
    assert consistency_of_reestimation is not None
    assert consistency_of_mechanism is not None
    assert consistency_of_mediation is not None
    assert consistency_of_multiplicity is not None
    assert consistency_of_scales is not None
    return [
        found
        for needed, check in _CHECKS
        if all(tables.get(name) is not None for name in needed)
        for found in check(tables)
    ]


def unknown(
    path: tuple[str | int, ...], value: str, kind: str, valid: Any, place: str
) -> Inconsistency:
    """A reference that leads nowhere."""
    return Inconsistency(
        path, value, f"`{value}` is no {kind} of {place}", nearest(str(value), list(valid))
    )


@needs("visits")
def _visits(tables: Tables) -> Iterator[Inconsistency]:
    visits = tables["visits"]
    seen: set[str] = set()
    for index, visit in enumerate(visits):
        path = ("visits", index)
        low, high = visit.window
        if visit.id in seen:
            yield Inconsistency((*path, "id"), visit.id, "visit ids are unique", "rename one")
        seen.add(visit.id)
        if not low <= visit.day <= high:
            yield Inconsistency(
                (*path, "window"),
                f"[{low:g}, {high:g}]",
                f"the window holds the planned day {visit.day:g}",
                "write [earliest, latest] in days from the first dose",
            )
        if index:
            before = visits[index - 1]
            if visit.day <= before.day:
                yield Inconsistency(
                    (*path, "day"),
                    f"{visit.day:g}",
                    f"visits stand in the order of their days; `{before.id}` before it is on day "
                    f"{before.day:g}",
                    "reorder the visits or correct the day",
                )
            elif low <= before.window[1]:
                yield Inconsistency(
                    (*path, "window"),
                    f"[{low:g}, {high:g}]",
                    f"windows do not overlap; that of `{before.id}` ends on day "
                    f"{before.window[1]:g}",
                    "narrow one of the two windows",
                )
    baselines = [visit.id for visit in visits if visit.baseline]
    if len(baselines) != 1 or not visits[0].baseline:
        yield Inconsistency(
            ("visits",),
            ", ".join(baselines),
            "exactly one visit, the first, has `baseline = true`",
            "mark the first visit as the baseline, and no other",
        )


@needs("trial", "arms", "randomisation")
def _design(tables: Tables) -> Iterator[Inconsistency]:
    arms, method = tables["arms"], tables["randomisation"].method
    controls = [key for key, arm in arms.items() if arm.role is Role.CONTROL]
    if tables["trial"].design is Design.SINGLE_ARM:
        if len(arms) != 1 or controls:
            yield Inconsistency(
                ("arms",),
                ", ".join(arms),
                'a single-arm trial has one arm, with `role = "active"`',
                'keep one arm, or set trial.design = "parallel"',
            )
        if method is not AllocationMethod.NONE:
            yield Inconsistency(
                ("randomisation", "method"),
                method.value,
                "nobody is randomised in a single-arm trial",
                'write `method = "none"`, or set trial.design = "parallel"',
            )
        if tables["randomisation"].strata:
            yield Inconsistency(
                ("randomisation", "strata"),
                ", ".join(tables["randomisation"].strata),
                "strata belong to a randomisation; a single-arm trial has none",
                "take `strata` out",
            )
        return
    if method is AllocationMethod.NONE:
        yield Inconsistency(
            ("randomisation", "method"),
            method.value,
            "the arms of a parallel trial are randomised",
            'choose "permuted-blocks" for example, or set trial.design = "single-arm"',
        )
    if len(arms) < 2:
        yield Inconsistency(
            ("arms",),
            ", ".join(arms),
            "a parallel trial has at least two arms",
            'add the control arm, or set trial.design = "single-arm"',
        )
    elif len(controls) != 1:
        yield Inconsistency(
            ("arms",),
            ", ".join(controls) or "none",
            'exactly one arm has `role = "control"`',
            "give one arm the role control and the others active",
        )


@needs("arms")
def _arms(tables: Tables) -> Iterator[Inconsistency]:
    arms = tables["arms"]
    volumes = {dose.volume_ml for arm in arms.values() for dose in arm.doses}
    if len(volumes) > 1:
        yield Inconsistency(
            ("arms",),
            ", ".join(sorted(str(v) for v in volumes)),
            "`volume_ml` is the same for every dose: another volume gives the arm away",
            "give all doses one volume",
        )
    routes = {dose.route for arm in arms.values() for dose in arm.doses}
    if len(routes) > 1:
        yield Inconsistency(
            ("arms",),
            ", ".join(sorted(routes)),
            "`route` is the same for every dose: another route gives the arm away",
            "give all doses one route, with a placebo of the same form",
        )
    days = {tuple(day for dose in arm.doses for day in dose.days) for arm in arms.values()}
    if len(days) > 1:
        yield Inconsistency(
            ("arms",),
            "",
            "all arms are dosed on the same days, so that the schedule does not give the arm away",
            "give each arm the same `days`, with placebo where nothing active is given",
        )


def valid_block_sizes(block: int, ratio_sum: int) -> tuple[int, ...]:
    """The nearest block sizes below and above that hold the ratio a whole number of times."""
    below = block // ratio_sum * ratio_sum
    return tuple(size for size in (below, below + ratio_sum) if size > 0)


@needs("arms", "randomisation", "population")
def _randomisation(tables: Tables) -> Iterator[Inconsistency]:
    plan, population = tables["randomisation"], tables["population"]
    ratio_sum = sum(arm.ratio for arm in tables["arms"].values())
    ratio = " : ".join(str(arm.ratio) for arm in tables["arms"].values())
    covariates = population.covariates
    for index, name in enumerate(plan.strata):
        path = ("randomisation", "strata", index)
        if name not in covariates:
            yield unknown(path, name, "covariate", covariates, "population.covariates")
        elif covariates[name].type != "categorical":
            yield Inconsistency(
                path, name, "a stratum is formed by a categorical covariate", "use its classes"
            )
    blocks = plan.block_sizes
    if plan.method is not AllocationMethod.PERMUTED_BLOCKS and blocks:
        yield Inconsistency(
            ("randomisation", "block_sizes"),
            str(list(blocks)),
            "only permuted blocks have block sizes",
            'take `block_sizes` out, or set `method = "permuted-blocks"`',
        )
    if plan.method is AllocationMethod.PERMUTED_BLOCKS and not blocks:
        yield Inconsistency(
            ("randomisation", "block_sizes"),
            "",
            "permuted blocks need at least one block size",
            f"for the ratio {ratio} give for example [{2 * ratio_sum}]",
        )
    for index, block in enumerate(blocks):
        if block % ratio_sum:
            near = valid_block_sizes(block, ratio_sum)
            yield Inconsistency(
                ("randomisation", "block_sizes", index),
                str(block),
                f"a block is a multiple of the ratio's sum {ratio_sum} ({ratio})",
                "nearest valid: " + " or ".join(str(size) for size in near),
            )
    strata_known = all(name in covariates for name in plan.strata)
    if strata_known:
        yield from _stratum_sizes(tables, ratio_sum)


def _stratum_sizes(tables: Tables, ratio_sum: int) -> Iterator[Inconsistency]:
    plan, population = tables["randomisation"], tables["population"]
    covariates = population.covariates
    labels = [""]
    for name in plan.strata:
        labels = [f"{a} / {b}" if a else b for a in labels for b in covariates[name].levels]
    sizes = plan.stratum_sizes
    if not plan.strata:
        labels, sizes = ["all"], sizes or {"all": population.size}
    for label in sizes:
        if label not in labels:
            yield unknown(
                ("randomisation", "stratum_sizes", label), label, "stratum", labels, "the strata"
            )
    if plan.stratum_sizes:
        if missing := [label for label in labels if label not in sizes]:
            yield Inconsistency(
                ("randomisation", "stratum_sizes"),
                "",
                f"each of the {prod(len(covariates[n].levels) for n in plan.strata)} strata has a "
                f"size; {', '.join(missing)} has none",
                "add it",
            )
        if sum(sizes.values()) != population.size:
            yield Inconsistency(
                ("randomisation", "stratum_sizes"),
                str(sum(sizes.values())),
                f"stratum sizes sum to population.size = {population.size}",
                "correct one of them",
            )
    if plan.method is not AllocationMethod.PERMUTED_BLOCKS or plan.incomplete_blocks:
        return
    blocks = [block for block in plan.block_sizes if block % ratio_sum == 0]
    if not blocks or len(blocks) != len(plan.block_sizes):
        return
    for label, size in sizes.items():
        if not fillable(size, tuple(blocks)):
            near = nearest_fillable(size, tuple(blocks))
            path: tuple[str | int, ...] = ("population", "size")
            if plan.stratum_sizes:
                path = ("randomisation", "stratum_sizes", label)
            yield Inconsistency(
                path,
                str(size),
                f"{size} participants fill blocks of {', '.join(map(str, blocks))} completely",
                "nearest valid: "
                + " or ".join(str(n) for n in near)
                + "; or set `incomplete_blocks = true`",
            )


def fillable(size: int, blocks: tuple[int, ...]) -> bool:
    """Whether `size` is a sum of block sizes."""
    if len(blocks) == 1:
        return size % blocks[0] == 0
    reached = {0}
    frontier = {0}
    while frontier:
        frontier = {n + b for n in frontier for b in blocks if n + b <= size} - reached
        reached |= frontier
    return size in reached


def nearest_fillable(size: int, blocks: tuple[int, ...]) -> tuple[int, ...]:
    """The nearest sizes below and above that are sums of block sizes."""
    below = next((n for n in range(size, 0, -1) if fillable(n, blocks)), None)
    above = next(n for n in range(size, size + max(blocks) + 1) if fillable(n, blocks))
    return (above,) if below is None else (below, above)


@needs("instruments", "safety")
def _safety(tables: Tables) -> Iterator[Inconsistency]:
    for name in ("suicidality", "mania"):
        rule = getattr(tables["safety"], name)
        if rule is None:
            continue
        path = ("safety", name)
        use = tables["instruments"].get(rule.instrument)
        scale = None if use is None else scale_of(tables.get("scales"), use.scale)
        if use is None:
            yield unknown(
                (*path, "instrument"),
                rule.instrument,
                "instrument",
                tables["instruments"],
                "instruments",
            )
            continue
        if rule.item is not None and rule.item not in use.items:
            yield Inconsistency(
                (*path, "item"),
                str(rule.item),
                f"items of `{rule.instrument}` that are recorded: {list(use.items)}",
                f"add {rule.item} to instruments.{rule.instrument}.items",
            )
        elif name == "suicidality" and scale is not None and rule.item != scale.suicidality_item:
            right = scale.suicidality_item
            yield Inconsistency(
                (*path, "item"),
                str(rule.item or "total"),
                f"the item on suicidality of {scale.label} is {right or 'none'}",
                f"write `item = {right}`" if right else "name another instrument",
            )
        elif scale is not None:
            low, high = scale.range_of(rule.item)
            if not low < rule.threshold <= high:
                yield Inconsistency(
                    (*path, "threshold"),
                    f"{rule.threshold:g}",
                    f"the threshold lies within the range {low:g} to {high:g}",
                    "correct it",
                )


@needs("sources", "provenance")
def _provenance(tables: Tables) -> Iterator[Inconsistency]:
    for path, entry in tables["provenance"].items():
        place = ("provenance", path)
        if (entry.source is None) == (entry.assumed is None):
            yield Inconsistency(
                place, "", "an entry has either `source` or `assumed`", "give exactly one of them"
            )
        if entry.source is not None and entry.source not in tables["sources"]:
            yield unknown(place, entry.source, "source", tables["sources"], "sources")
        if (fault := _lost(tables, path)) is not None:
            yield Inconsistency(place, path, fault, "correct the dotted path")


def _lost(tables: Tables, path: str) -> str | None:
    """Why a dotted path leads nowhere; None when it leads somewhere or cannot be judged."""
    value: Any = tables
    done = ""
    for part in path.split("."):
        if isinstance(value, Mapping):
            if part not in value:
                return f"`{done or 'a protocol'}` has no `{part}`"
            value = value[part]
        elif isinstance(value, tuple):
            match = next((v for v in value if getattr(v, "id", None) == part), None)
            if match is None:
                return f"`{done}` has no `{part}`"
            value = match
        elif hasattr(type(value), "model_fields") and part in type(value).model_fields:
            value = getattr(value, part)
        else:
            return f"`{done}` has no `{part}`"
        if value is None:
            return None
        done = f"{done}.{part}" if done else part
    return None


@needs("visits", *MEASUREMENT_TABLES, "endpoints", "analysis", "estimands")
def _questions(tables: Tables) -> Iterator[Inconsistency]:
    models = tables["analysis"].models
    for key, endpoint in tables["endpoints"].items():
        path = ("endpoints", key)
        named = [source for source in SOURCES if getattr(endpoint, source.field) is not None]
        if len(named) != 1:
            yield Inconsistency(
                path,
                ", ".join(source.field for source in named) or "none",
                "an endpoint names exactly one of "
                + ", ".join(f"`{source.field}`" for source in SOURCES),
                "keep one",
            )
            continue
        yield from _source(tables, path, endpoint, named[0])
        if not endpoint.scale.continuous:
            continue
        if endpoint.model is None or endpoint.model not in models:
            yield unknown(
                (*path, "model"), endpoint.model or "", "model", models, "analysis.models"
            )
    yield from _estimands(tables)


def _source(
    tables: Tables, path: tuple[str | int, ...], endpoint: Any, source: EndpointSource
) -> Iterator[Inconsistency]:
    """The measurement exists, and so does what tells its values apart: a unit, a region."""
    target = getattr(endpoint, source.field)
    entry = tables[source.table].get(target)
    if entry is None:
        yield unknown((*path, source.field), target, "entry", tables[source.table], source.table)
    else:
        planned = planned_visits(entry, tables["visits"])
        baseline = [visit.id for visit in tables["visits"] if visit.baseline]
        # A rating scale says itself whether it has a baseline (consistency_of_scales).
        rated = source.kind is MeasureKind.RATING_SCALE
        if not set(planned) - set(baseline) or not (rated or set(baseline) & set(planned)):
            yield Inconsistency(
                (*path, source.field),
                str(target),
                f"an endpoint is measured at baseline and after it; `{target}` is planned at "
                + ", ".join(planned),
                f"add visits to {source.table}.{target}, or take the endpoint out",
            )
    for other in SOURCES:
        if other.detail is None:
            continue
        field, listed, column = other.detail
        given = getattr(endpoint, field)
        if other is not source and given is not None:
            yield Inconsistency(
                (*path, field),
                str(given),
                f"only an endpoint that names `{other.field}` has one",
                "take it out",
            )
        elif other is source and entry is not None and given not in getattr(entry, listed):
            yield Inconsistency(
                (*path, field),
                str(given or ""),
                f"a {column} in which `{target}` is recorded",
                "one of " + ", ".join(getattr(entry, listed)),
            )


def endpoint_visits(tables: Tables, key: str) -> list[str]:
    """Visits after baseline at which an endpoint's measurement is planned."""
    return list(follow_up_visits(tables, tables["endpoints"][key]))


def _estimands(tables: Tables) -> Iterator[Inconsistency]:
    primaries = [k for k, e in tables["estimands"].items() if e.role is EstimandRole.PRIMARY]
    if len(primaries) != 1:
        yield Inconsistency(
            ("estimands",),
            ", ".join(primaries) or "none",
            'exactly one estimand has `role = "primary"`',
            "make the others key-secondary",
        )
    targets = [(("estimands", k), e.endpoint, e.visit) for k, e in tables["estimands"].items()] + [
        (("analysis", "families", k), endpoint, family.visit)
        for k, family in tables["analysis"].families.items()
        for endpoint in family.endpoints
    ]
    for path, endpoint, visit in targets:
        if endpoint not in tables["endpoints"]:
            yield unknown(path, endpoint, "endpoint", tables["endpoints"], "endpoints")
        elif visit not in (valid := endpoint_visits(tables, endpoint)):
            yield unknown(
                (*path, "visit"), visit, "visit after baseline", valid, f"endpoint `{endpoint}`"
            )
