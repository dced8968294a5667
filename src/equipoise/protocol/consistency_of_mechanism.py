"""The mechanistic assumptions name what the model and the protocol have, within bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from equipoise.faults import nearest
from equipoise.mechanisms import (
    LABS,
    POPULATIONS,
    ROUTES,
    UNITS,
    MechanisticModel,
    builtin_models,
    find_model,
    route_of,
    severity_scales,
    units_of,
)
from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.consistency_of_assumptions import Path, sums_to_one
from equipoise.protocol.endpoint_sources import MEASUREMENT_TABLES
from equipoise.protocol.mechanism_mapping import (
    STATISTICAL,
    UNUSED,
    mapped_cells,
    mapped_covariates,
    mapped_instruments,
    mapped_labs,
)
from equipoise.protocol.scales import scale_of

ROOT: Path = ("assumptions", "mechanistic")


@needs("arms", "visits", "population", "scales", *MEASUREMENT_TABLES, "assumptions")
def _mechanistic(tables: Tables) -> Iterator[Inconsistency]:
    plan = tables["assumptions"].mechanistic
    if plan is None:
        return
    if tables["assumptions"].statistical is None:
        yield Inconsistency(
            ROOT,
            "",
            "what the mechanism does not cover is simulated by the statistical assumptions",
            "add [assumptions.statistical]",
        )
    if plan.model not in builtin_models():
        yield unknown((*ROOT, "model"), plan.model, "model", builtin_models(), "mechanisms")
        return
    model = find_model(plan.model)
    yield from _parameters(plan, model)
    yield from _doses(tables, plan, model)
    yield from _cells(tables, plan)
    yield from _labs(tables, plan)
    yield from _instruments(tables, plan)
    yield from _covariates(tables, plan, model)
    yield from _everybody(plan, model)
    yield from _events(plan)


def _parameters(plan: Any, model: MechanisticModel) -> Iterator[Inconsistency]:
    """What the model says of its overrides, at their places."""
    pairs = {(a, b): r for a, of in plan.correlations.items() for b, r in of.items()}
    found = list(model.faults_in(plan.parameters, pairs))
    if not found:
        changed = model.changed(plan.parameters, pairs)
        found = list(changed.inconsistencies())
    for fault in found:
        path = (*ROOT, "parameters")
        if fault.code.startswith("correlation"):
            path = (*ROOT, "correlations")
            if fault.field != "correlations":
                path = (*path, *fault.field.split(","))
        elif fault.field in plan.parameters:
            path = (*path, fault.field)
        yield Inconsistency(path, fault.value, fault.rule, fault.remedy, fault.code)


def _doses(tables: Tables, plan: Any, model: MechanisticModel) -> Iterator[Inconsistency]:
    drug = plan.drug or model.drug
    every = {dose.drug for arm in tables["arms"].values() for dose in arm.doses}
    if drug not in every:
        yield Inconsistency(
            (*ROOT, "drug"),
            drug,
            "a drug of arms.*.doses is the one that the model describes",
            nearest(drug, sorted(every)),
        )
        return
    last = tables["visits"][-1].day
    seen: set[tuple[str, str | None]] = set()
    for key, arm in tables["arms"].items():
        for index, dose in enumerate(arm.doses):
            if dose.drug != drug:
                continue
            path: Path = ("arms", key, "doses", index)
            seen.add((dose.unit, route_of(dose.route)))
            if UNITS.get(dose.unit, ("", 0.0))[0] != model.amount_unit:
                valid = [unit for unit, (base, _) in UNITS.items() if base == model.amount_unit]
                yield Inconsistency(
                    (*path, "unit"),
                    dose.unit,
                    f"the model {model.name} counts doses in " + ", ".join(valid),
                    nearest(dose.unit, valid),
                )
            if route_of(dose.route) not in model.routes:
                valid = [word for name in model.routes for word in (name, *ROUTES[name])]
                yield Inconsistency(
                    (*path, "route"),
                    dose.route,
                    f"the model {model.name} follows doses that are " + ", ".join(model.routes),
                    nearest(dose.route, valid),
                )
            for at, day in enumerate(dose.days):
                if day > last:
                    yield Inconsistency(
                        (*path, "days", at),
                        f"{day:g}",
                        f"mechanistic patients are followed to the last visit, day {last:g}",
                        "leave the dose out, or add a later visit",
                    )
    if len(seen) > 1:
        yield Inconsistency(
            (*ROOT, "drug"),
            drug,
            "the drug of the model is given in one unit and by one route",
            "write the same unit and route in all arms",
        )


def _cells(tables: Tables, plan: Any) -> Iterator[Inconsistency]:
    cells = tables["cells"]
    valid = [*POPULATIONS, STATISTICAL]
    for key, output in plan.cells.items():
        path = (*ROOT, "cells", key)
        if key not in cells:
            yield unknown(path, key, "cell population", list(cells), "the protocol")
        elif output not in valid:
            yield unknown(path, output, "population", valid, "the models")
    for key, output in mapped_cells(cells, plan).items():
        if output not in POPULATIONS:
            continue
        parent, cell = POPULATIONS[output], cells[key]
        way_out = f'or write assumptions.mechanistic.cells.{key} = "{STATISTICAL}"'
        if parent is not None and cell.parent != parent:
            yield Inconsistency(
                ("cells", key, "parent"),
                cell.parent,
                f"the models give `{output}` as a part of {parent}",
                f"correct the parent, {way_out}",
            )
        for at, unit in enumerate(cell.units):
            if str(unit) not in units_of(output):
                yield Inconsistency(
                    ("cells", key, "units", at),
                    str(unit),
                    f"the models give `{output}` in " + ", ".join(units_of(output)),
                    f"take the unit out, {way_out}",
                )


def _labs(tables: Tables, plan: Any) -> Iterator[Inconsistency]:
    labs = tables["labs"]
    valid = [*LABS, STATISTICAL]
    for key, output in plan.labs.items():
        path = (*ROOT, "labs", key)
        if key not in labs:
            yield unknown(path, key, "laboratory value", list(labs), "the protocol")
        elif output not in valid:
            yield unknown(path, output, "laboratory value", valid, "the models")
    for key, output in mapped_labs(labs, plan).items():
        if output in LABS and labs[key].unit != LABS[output]:
            yield Inconsistency(
                ("labs", key, "unit"),
                labs[key].unit,
                f"the models give `{output}` in {LABS[output]}",
                f"write that unit, or assumptions.mechanistic.labs.{key} = \"{STATISTICAL}\"",
            )  # fmt: skip


def _instruments(tables: Tables, plan: Any) -> Iterator[Inconsistency]:
    instruments, known = tables["instruments"], list(severity_scales())
    for key, given in plan.instruments.items():
        path = (*ROOT, "instruments", key)
        if key not in instruments:
            yield unknown(path, key, "instrument", list(instruments), "the protocol")
            continue
        name = instruments[key].scale
        if given.statistical or name in known:
            continue
        own = name in tables["scales"]
        if not own:
            yield Inconsistency(
                path,
                name,
                "a model's severity shows on depression scales: " + ", ".join(known),
                f"take the entry out; without one `{key}` is statistical",
            )
        elif given.slope is None:
            yield Inconsistency(
                (*path, "slope"),
                "",
                f"severity is known to show on {', '.join(known)}; another scale needs a slope",
                "add `slope`, points of the scale for each HDRS-17 point",
            )
    if not mapped_instruments(instruments, plan) and instruments:
        yield Inconsistency(
            (*ROOT, "instruments"),
            ", ".join(use.scale for use in instruments.values()),
            "at least one instrument shows the model's severity: " + ", ".join(known),
            "add such an instrument, or take [assumptions.mechanistic] out",
        )
    for key in mapped_instruments(instruments, plan):
        scale = scale_of(tables["scales"], instruments[key].scale)
        if scale is not None and scale.better != "lower":
            yield Inconsistency(
                (*ROOT, "instruments", key),
                instruments[key].scale,
                "severity shows on scales where lower is better",
                f"write assumptions.mechanistic.instruments.{key} = {{ statistical = true }}",
            )


def _covariates(tables: Tables, plan: Any, model: MechanisticModel) -> Iterator[Inconsistency]:
    protocol = {**tables["population"].covariates, **tables["exposures"]}
    known = [*model.covariates, "bsa"]
    for key, name in plan.covariates.items():
        path = (*ROOT, "covariates", key)
        if key not in protocol:
            yield unknown(path, key, "covariate or exposure", list(protocol), "the protocol")
        elif name not in (*known, UNUSED):
            yield unknown(path, name, "covariate", [*known, UNUSED], f"the model {model.name}")
    used: dict[str, str] = {}
    for key, name in mapped_covariates(protocol, plan, model).items():
        way_out = f'or write assumptions.mechanistic.covariates.{key} = "{UNUSED}"'
        table = "exposures" if key in tables["exposures"] else "population.covariates"
        path = (*table.split("."), key)
        if name in used:
            yield Inconsistency(
                (*ROOT, "covariates", key),
                name,
                f"a covariate of the model comes from one place; `{used[name]}` is it already",
                way_out[3:],
            )
        used[name] = key
        row, mine = model.covariates.get(name), protocol[key]
        if (row is not None and bool(row.levels)) != (mine.type == "categorical"):
            kind = "categorical" if row is not None and row.levels else "numeric"
            yield Inconsistency(
                (*path, "type"),
                mine.type,
                f"the model's `{name}` is {kind}",
                f"correct it, {way_out}",
            )  # fmt: skip
        elif row is not None and row.levels:
            for at, level in enumerate(mine.levels):
                if level not in row.levels:
                    yield Inconsistency(
                        (*path, "levels", at),
                        level,
                        f"levels of the model's `{name}`: " + ", ".join(row.levels),
                        f"write them so, {way_out}",
                    )
        else:
            unit = "m2" if row is None else row.unit
            if mine.unit != unit:
                yield Inconsistency(
                    (*path, "unit"),
                    str(mine.unit),
                    f"the model counts `{name}` in {unit}",
                    f"write that unit, {way_out}",
                )


def _everybody(plan: Any, model: MechanisticModel) -> Iterator[Inconsistency]:
    known = [*model.covariates, "bsa"]
    for name, value in plan.everybody.items():
        path = (*ROOT, "everybody", name)
        if name not in known:
            yield unknown(path, name, "covariate", known, f"the model {model.name}")
            continue
        row = model.covariates.get(name)
        if row is not None and row.levels:
            if value not in row.levels:
                yield unknown(path, str(value), "level", list(row.levels), f"`{name}`")
            continue
        low, high = (0.5, 4.0) if row is None else row.range
        if isinstance(value, str) or not low <= value <= high:
            yield Inconsistency(
                path,
                str(value),
                f"`{name}` is a number from {low:g} to {high:g}",
                "choose one between them",
            )


def _events(plan: Any) -> Iterator[Inconsistency]:
    for term, event in plan.events.items():
        path = (*ROOT, "events", term)
        yield from sums_to_one((*path, "grades"), event.grades)
        yield from _grades((*path, "grades"), event.grades)
        if event.background + event.rise > 1:
            yield Inconsistency(
                (*path, "rise"),
                f"{event.rise:g}",
                f"background + rise is a probability, at most 1; {event.background:g} + "
                f"{event.rise:g} is more",
                "lower one of them",
            )
        for name in ("onset", "duration"):
            low, high = getattr(event, name)
            if not 0 <= low <= high:
                yield Inconsistency(
                    (*path, name), f"[{low:g}, {high:g}]", "0 ≤ lowest ≤ highest", "swap them"
                )


def _grades(path: Path, grades: Mapping[str, float]) -> Iterator[Inconsistency]:
    for grade in grades:
        if grade not in {"1", "2", "3", "4", "5"}:
            yield unknown((*path, grade), grade, "grade", "12345", "CTCAE")
