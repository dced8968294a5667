"""The worlds in which a protocol is simulated, by name: built-in ones, and the protocol's own.

Each is a base (`planned`, `null`, `link-off`, `cells-only`) with other values of some assumptions.
What the changes are is assumed, and every one says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.mechanisms import find_model
from equipoise.patients import PatientKind, Scenario
from equipoise.protocol.scenario_plan import BUILT_IN

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.protocol.changes import Value

#: Added to the logit of leaving per SD of a worse score that is then not seen.
MNAR_SLOPE = 1.0
#: By how much the coefficients of variation of measured cells and labs are multiplied.
WEAKER_ASSAY = 2.0
#: Share of the participants that slower recruitment brings by the planned end.
SLOWER = 0.75

_ASSAY_PARAMETERS = ("cell_cv", "count_cv", "crp_cv", "eos_cv")


@dataclass(frozen=True, slots=True)
class NamedScenario:
    """A world.

    Attributes
    ----------
    key, label, meaning
        Name, name as printed, and what holds in it.
    base
        The built-in scenario that it changes.
    changes
        Dotted field → value.
    enrolled
        Share of the planned participants.
    origin
        Where it comes from: ``built-in``, or the protocol.
    """

    key: str
    label: str
    meaning: str
    base: Scenario
    changes: Mapping[str, Value]
    enrolled: float
    origin: str


def named_scenarios(protocol: Protocol, patients: str | None = None) -> dict[str, NamedScenario]:
    """Every scenario of a protocol by its name; `patients` as asked for, None: its own."""
    planned, null, off, cells = (
        Scenario.PLANNED, Scenario.NULL, Scenario.LINK_OFF, Scenario.CELLS_ONLY,
    )  # fmt: skip
    found = [
        _plain(planned, "Planned", "Everything as the protocol assumes: effects and link."),
        _plain(null, "Null", "Treatment does nothing: every arm follows the control's course."),
        _plain(
            cells,
            "Effect on cells only",
            "Cells and laboratory values differ as planned; mood follows the control's course in "
            "every arm.",
        ),
        _plain(
            off,
            "Effect on mood without the link",
            "Arms differ as planned, but the early change of a cell says nothing about later mood.",
        ),
        NamedScenario(
            "mnar-dropout",
            "Dropout not at random",
            f"Whoever will do worse leaves: {MNAR_SLOPE:g} is added to the logit of leaving per SD "
            "of a worse score that is then not seen (assumed).",
            planned,
            {"assumptions.statistical.dropout.slope_unseen": MNAR_SLOPE},
            1.0,
            "built-in",
        ),
        NamedScenario(
            "weaker-assay",
            "Weaker assay",
            f"Coefficients of variation of measured cells and laboratory values are "
            f"{WEAKER_ASSAY:g} times those assumed (assumed).",
            planned,
            _weaker(protocol, patients),
            1.0,
            "built-in",
        ),
        NamedScenario(
            "slower-recruitment",
            "Slower recruitment",
            f"{100 * SLOWER:.0f} % of the participants are enrolled by the planned end, and the "
            "trial ends with them (assumed).",
            planned,
            {},
            SLOWER,
            "built-in",
        ),
    ]
    for key, own in protocol.assumptions.scenarios.items():
        found.append(
            NamedScenario(
                key,
                own.label,
                own.meaning,
                Scenario(own.based_on),
                dict(own.changes),
                1.0 if own.enrolled is None else own.enrolled,
                "protocol",
            )
        )
    return {one.key: one for one in found}


def choose_scenarios(
    protocol: Protocol, names: Iterable[str], patients: str | None = None
) -> tuple[NamedScenario, ...]:
    """The scenarios of these names.

    Raises
    ------
    EquipoiseError
        For names that are none, or stand there twice, or none at all.
    """
    known = named_scenarios(protocol, patients)
    asked = [str(name) for name in names]
    faults = scenario_faults(protocol, asked)
    if faults:
        raise EquipoiseError("The trials are not run", faults)
    return tuple(known[name] for name in asked)


def scenario_faults(protocol: Protocol, names: Iterable[str]) -> list[Fault]:
    """What is wrong with these names of scenarios."""
    known, asked = [*BUILT_IN, *protocol.assumptions.scenarios], list(names)
    faults = [
        Fault(
            "scenario-unknown",
            "",
            "scenario",
            name,
            "scenarios: " + ", ".join(known),
            nearest(name, known),
        )
        for name in asked
        if name not in known
    ]
    if not asked or len(set(asked)) < len(asked):
        faults.append(
            Fault(
                "scenarios-invalid",
                "",
                "scenarios",
                ", ".join(asked),
                "at least one scenario, each once",
                "for example planned, link-off, null",
            )
        )
    return faults


def _plain(base: Scenario, label: str, meaning: str) -> NamedScenario:
    return NamedScenario(base.value, label, meaning, base, {}, 1.0, "built-in")


def _weaker(protocol: Protocol, patients: str | None) -> dict[str, Value]:
    """Every assumed coefficient of variation of a measurement, multiplied."""
    found: dict[str, Value] = {}
    assumed = protocol.assumptions.statistical
    if assumed is not None:
        for table in ("cells", "parents"):
            for key, one in getattr(assumed, table).items():
                field = f"assumptions.statistical.{table}.{key}.cv_assay"
                found[field] = WEAKER_ASSAY * one.cv_assay
        for key, lab in assumed.labs.items():
            found[f"assumptions.statistical.labs.{key}.cv_within"] = WEAKER_ASSAY * lab.cv_within
    mechanism = protocol.assumptions.mechanistic
    if mechanism is not None and patients != PatientKind.STATISTICAL:
        model = find_model(mechanism.model).with_values(mechanism.parameters)
        for name in _ASSAY_PARAMETERS:
            if name in model.parameters:
                value = WEAKER_ASSAY * model.value(name)
                found[f"assumptions.mechanistic.parameters.{name}"] = value
    return found
