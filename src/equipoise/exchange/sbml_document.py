"""A mechanistic model with its doses as an SBML document (Level 3 Version 2 core).

Source: Hucka M, et al. The Systems Biology Markup Language (SBML): Language Specification for
Level 3 Version 2 Core Release 2. J Integr Bioinform 2019;16:20190021.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from equipoise._version import __version__
from equipoise.exchange.mathml import SBML, math_element, names_in
from equipoise.exchange.model_equations import (
    BLOOD,
    COMPARTMENTS,
    SIGNALS,
    STATES,
    TRANSFERS,
    Quantity,
)
from equipoise.exchange.sbml_units import unit_id, unit_label, unit_parts
from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.mechanisms import Distribution, MechanisticModel, Origin, Parameter

if TYPE_CHECKING:
    from equipoise.patients.schedules import Schedule

XHTML = "http://www.w3.org/1999/xhtml"

#: Unit of doses in the document, and how many units of the model's concentration it has: a
#: solver's absolute tolerance then suits amounts and folds alike.
AMOUNTS = {"IU": ("MIU", 1e6), "mg": ("mg", 1.0)}

#: What every document says of itself.
CAVEAT = (
    "Research model, not for decisions about any person. Parameters are assumed where their "
    "notes say so."
)


def export_sbml(
    model: MechanisticModel, schedule: Schedule, *, patient: Mapping[str, float] | None = None
) -> str:
    """The model and its doses as SBML Level 3 Version 2.

    Pharmacokinetics are reactions between amounts, doses are events at their day plus the lag,
    the other states follow rate rules, and what is in blood follows assignment rules. Time is in
    days. A value at the time of a dose is one after it: there `equipoise.patients.follow` gives
    the one before.

    Parameters
    ----------
    model
        With any overrides.
    schedule
        Doses, in a unit and by a route that the model knows.
    patient
        Parameter → value of one person, where it is not the typical patient's. With a link
        below 1 (`draw_patients`) cells and mood of a person follow different values: a document
        holds one set.

    Returns
    -------
    str
        The same input gives the same bytes.

    Raises
    ------
    EquipoiseError
        For parameters that the model does not have, values that are not finite, or doses that
        the model does not know.
    """
    own = dict(patient or {})
    faults = list(_faults(model, schedule, own))
    if faults:
        raise EquipoiseError(f"The model {model.name} is not exported", faults)
    root = Element("sbml", {"xmlns": SBML, "level": "3", "version": "2"})
    amount, per_amount = AMOUNTS[model.amount_unit]
    body = SubElement(
        root,
        "model",
        {
            "id": model.name,
            "name": model.label,
            "timeUnits": "day",
            "substanceUnits": unit_id(amount),
            "extentUnits": unit_id(amount),
            "volumeUnits": unit_id(model.parameters["V1"].unit),
        },
    )
    _add_notes(body, _about(model, schedule, own))
    concentration = "amount_central / V1"
    if per_amount != 1:
        concentration = f"units_per_amount * {concentration}"
    computed = (
        Quantity("concentration", "Concentration", model.concentration_unit, concentration),
        *SIGNALS,
        *BLOOD,
    )
    used = _used(computed, model)
    doses = schedule.amounts_in(amount)
    infused = schedule.hours > 0
    units = {row.unit for row in used} | {item.unit for item in (*computed, *STATES)}
    units |= {"d", amount, f"{amount}/d"}
    units |= set() if per_amount == 1 else {f"{model.amount_unit}/{amount}"}
    _add_units(body, sorted(unit for unit in units if unit_id(unit) != "dimensionless"))
    _add_amounts(body, model, own, unit_id(amount))
    parameters = SubElement(body, "listOfParameters")
    for row in used:
        element = _add_parameter(
            parameters, row.name, row.meaning, row.unit, own.get(row.name, row.value)
        )
        _add_notes(element, _about_parameter(model, row, row.name in own))
    if per_amount != 1:
        unit = f"{model.amount_unit}/{amount}"
        _add_parameter(parameters, "units_per_amount", unit_label(unit), unit, per_amount)
    if infused:
        meaning = "Rate of the infusion that runs"
        _add_parameter(parameters, "infusion", meaning, f"{amount}/d", 0.0, constant=False)
    for k, dose in enumerate(doses, start=1):
        meaning = f"Dose on day {float(schedule.days[k - 1]):g}"
        _add_parameter(parameters, f"dose_{k}", meaning, amount, float(dose))
    for state in STATES:
        start = own.get("S0", model.value("S0")) if state.initial is None else state.initial
        _add_parameter(parameters, state.name, state.meaning, state.unit, start, constant=False)
    for item in computed:
        _add_parameter(parameters, item.name, item.meaning, item.unit, None, constant=False)
    _add_initial_sizes(body)
    rules = SubElement(body, "listOfRules")
    for item in computed:
        _add_math(rules, "assignmentRule", {"variable": item.name}, item.formula)
    for state in STATES:
        _add_math(rules, "rateRule", {"variable": state.name}, state.formula)
    _add_reactions(body, infused=infused)
    _add_events(body, schedule, own.get("lag", model.value("lag")))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def parameter_hash(model: MechanisticModel, patient: Mapping[str, float] | None = None) -> str:
    """SHA-256 of the table of parameters, with overrides and the values of a patient."""
    rows = {name: asdict(row) for name, row in model.parameters.items()}
    for name, value in (patient or {}).items():
        rows[name]["value"] = float(value)
    canonical = json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _used(computed: Iterable[Quantity], model: MechanisticModel) -> list[Parameter]:
    """Parameters that an equation or a dose names, in the order of the table."""
    formulas = [item.formula for item in (*computed, *STATES)]
    formulas += [rate for _, _, _, rate in TRANSFERS.values()]
    names = set[str]().union(*(names_in(formula) for formula in formulas)) | {"F", "lag"}
    return [row for name, row in model.parameters.items() if name in names]


def _faults(
    model: MechanisticModel, schedule: Schedule, patient: Mapping[str, float]
) -> list[Fault]:
    where, found = f"model {model.name}", []
    for name, value in patient.items():
        if name not in model.parameters:
            found.append(
                Fault(
                    code="parameter-unknown",
                    where=where,
                    field=name,
                    value=str(value),
                    rule=f"the model {model.name} has no parameter of this name",
                    remedy=nearest(name, list(model.parameters)),
                )
            )
        elif not math.isfinite(value):
            found.append(
                Fault(
                    code="parameter-outside-bounds",
                    where=where,
                    field=name,
                    value=str(value),
                    rule="the value of a patient's parameter is a finite number",
                    remedy="give one",
                )
            )
    if schedule.route not in model.routes:
        found.append(
            Fault(
                code="route-unknown",
                where=where,
                field="route",
                value=schedule.route,
                rule="routes: " + ", ".join(model.routes),
                remedy="choose one of them",
            )
        )
    return found


def _about(model: MechanisticModel, schedule: Schedule, patient: Mapping[str, float]) -> list[str]:
    who = "One virtual patient." if patient else "The typical patient."
    days = ", ".join(f"{float(day):g}" for day in schedule.days) or "none"
    return [
        f"{model.label}: from a dose of {model.drug} to cells, inflammatory tone and mood. {who}",
        CAVEAT,
        f"Doses: {schedule.route}, days {days}. Severity in points of {model.severity_scale}.",
        f"Written by Equipoise {__version__}. Hash of the parameter table (SHA-256): "
        f"{parameter_hash(model, patient)}.",
    ]


def _about_parameter(model: MechanisticModel, row: Parameter, own: bool) -> list[str]:
    origin = row.origin.value
    if row.source is not None:
        source = model.sources[row.source]
        link = "after" if row.origin is Origin.ASSUMED else "source"
        origin += f"; {link}: {source.citation} ({source.certainty})"
    lines = [f"Origin: {origin}."]
    if own:
        lines = [f"Value of one virtual patient; typical patient {row.value:g}.", *lines]
    if row.distribution is not Distribution.FIXED:
        lines.append(f"Between patients: {row.distribution.value}, spread {row.spread:g}.")
    return [*lines, f"{row.note}."] if row.note else lines


def _add_notes(parent: Element, lines: Iterable[str]) -> None:
    notes = Element("notes")
    body = SubElement(notes, "body", {"xmlns": XHTML})
    for line in lines:
        SubElement(body, "p").text = line
    parent.insert(0, notes)


def _add_units(body: Element, units: Iterable[str]) -> None:
    definitions = SubElement(body, "listOfUnitDefinitions")
    for unit in units:
        definition = SubElement(
            definitions, "unitDefinition", {"id": unit_id(unit), "name": unit_label(unit)}
        )
        parts = SubElement(definition, "listOfUnits")
        for base, exponent, scale, multiplier in unit_parts(unit):
            SubElement(
                parts,
                "unit",
                {
                    "kind": base,
                    "exponent": str(exponent),
                    "scale": str(scale),
                    "multiplier": f"{multiplier:g}",
                },
            )


def _add_amounts(
    body: Element, model: MechanisticModel, patient: Mapping[str, float], amount: str
) -> None:
    """Compartments, and the amount of drug in each."""
    value = {name: patient.get(name, model.value(name)) for name in ("V1", "Q", "k21")}
    sizes = {"V1": value["V1"], "Q / k21": value["Q"] / value["k21"]}
    compartments = SubElement(body, "listOfCompartments")
    for name, (meaning, size) in COMPARTMENTS.items():
        attributes = {"id": name, "name": meaning, "constant": "true"}
        if size is None:
            attributes |= {"spatialDimensions": "0", "units": "dimensionless"}
        else:
            unit = unit_id(model.parameters["V1"].unit)
            attributes |= {"spatialDimensions": "3", "size": repr(sizes[size]), "units": unit}
        SubElement(compartments, "compartment", attributes)
    species = SubElement(body, "listOfSpecies")
    for name in COMPARTMENTS:
        SubElement(
            species,
            "species",
            {
                "id": f"amount_{name}",
                "name": f"{model.drug}, {name}",
                "compartment": name,
                "initialAmount": "0",
                "substanceUnits": amount,
                "hasOnlySubstanceUnits": "true",
                "boundaryCondition": "false",
                "constant": "false",
            },
        )


def _add_parameter(
    parent: Element,
    name: str,
    meaning: str,
    unit: str,
    value: float | None,
    *,
    constant: bool = True,
) -> Element:
    attributes = {"id": name, "name": meaning, "units": unit_id(unit)}
    if value is not None:
        attributes["value"] = repr(float(value))
    attributes["constant"] = "true" if constant else "false"
    return SubElement(parent, "parameter", attributes)


def _add_math(
    parent: Element, tag: str, attributes: dict[str, str], formula: str, unit: str = "dimensionless"
) -> Element:
    element = SubElement(parent, tag, attributes)
    element.append(math_element(formula, number_unit=unit))
    return element


def _add_initial_sizes(body: Element) -> None:
    """Volumes and severity at time 0 follow the parameters when these are changed in the file."""
    assignments = SubElement(body, "listOfInitialAssignments")
    for name, (_, size) in COMPARTMENTS.items():
        if size is not None:
            _add_math(assignments, "initialAssignment", {"symbol": name}, size)
    _add_math(assignments, "initialAssignment", {"symbol": "severity"}, "S0")


def _add_reactions(body: Element, *, infused: bool) -> None:
    reactions = SubElement(body, "listOfReactions")
    transfers = dict(TRANSFERS)
    if infused:
        transfers["infusing"] = ("Infusion", "", "central", "infusion")
    for name, (meaning, start, end, rate) in transfers.items():
        back = "true" if name == "distribution" else "false"
        reaction = SubElement(
            reactions, "reaction", {"id": name, "name": meaning, "reversible": back}
        )
        for tag, place in (("listOfReactants", start), ("listOfProducts", end)):
            if place:
                SubElement(
                    SubElement(reaction, tag),
                    "speciesReference",
                    {"species": f"amount_{place}", "stoichiometry": "1", "constant": "true"},
                )
        _add_math(reaction, "kineticLaw", {}, rate)


def _add_events(body: Element, schedule: Schedule, lag: float) -> None:
    """A dose is an event; an infusion is one at its start and one at its end."""
    events = Element("listOfEvents")
    for k, day in enumerate(schedule.days.tolist(), start=1):
        if schedule.route != "intravenous":
            change = ("amount_depot", f"amount_depot + F * dose_{k}")
            _add_event(events, f"give_{k}", f"Dose {k} enters the depot", day, change, lag=lag)
        elif schedule.hours == 0:
            change = ("amount_central", f"amount_central + dose_{k}")
            _add_event(events, f"give_{k}", f"Dose {k} enters the blood", day, change)
        else:
            length = schedule.hours / 24
            for name, sign, at in (("begin", "+", day), ("end", "-", day + length)):
                rate = f"infusion {sign} dose_{k} / {length!r}"
                _add_event(events, f"{name}_{k}", f"Infusion {k}: {name}", at, ("infusion", rate))
    if len(events):
        body.append(events)


def _add_event(
    events: Element,
    name: str,
    meaning: str,
    day: float,
    change: tuple[str, str],
    *,
    lag: float = 0.0,
) -> None:
    event = SubElement(
        events,
        "event",
        {"id": name, "name": meaning, "useValuesFromTriggerTime": "true"},
    )
    when = f"time >= {day!r} + lag" if lag > 0 else f"time >= {day!r}"
    _add_math(event, "trigger", {"initialValue": "false", "persistent": "true"}, when, "day")
    assignments = SubElement(event, "listOfEventAssignments")
    variable, formula = change
    _add_math(assignments, "eventAssignment", {"variable": variable}, formula, "day")
