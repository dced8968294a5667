"""What is given of a person, held against what a model asks: every fault at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.analysis.stratification.forecast_design import PatientValues
from equipoise.analysis.stratification.forecast_names import ARM, PERSON
from equipoise.faults import Fault, nearest

if TYPE_CHECKING:
    from equipoise.analysis.stratification.forecast_model import ForecastModel, Predictor

#: Where the value of a name stands: ``patient.toml, line 3``, ``row 7``.
Where = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a person.

    Attributes
    ----------
    participant
        As given; a name that only the asker understands.
    arm
        The assigned arm; None where it is not known, or not yet.
    values
        Predictor → value in its unit, or level; what is missing is left out.
    named
        Predictors that were given, valid or not.
    """

    participant: str | None
    arm: str | None
    values: Mapping[str, float | str]
    named: frozenset[str]

    def patient(self, model: ForecastModel, arm: str) -> PatientValues:
        """The same under an arm, as a forecast's design takes it."""
        parts: dict[str, dict[str, float | str]] = {"factor": {}, "baseline": {}, "early": {}}
        for one in model.predictors:
            if one.name in self.values:
                parts[one.kind][one.source] = self.values[one.name]
        return PatientValues(arm, parts["factor"], parts["baseline"], parts["early"])  # type: ignore[arg-type]


def check_names(model: ForecastModel, names: list[str], where: Where) -> list[Fault]:
    """Names that the model does not know."""
    valid = [*(one.name for one in model.predictors), ARM, PERSON]
    return [
        Fault(
            "predictor-unknown",
            where(name),
            name,
            "",
            f"`{name}` is not among what the model asks for",
            nearest(name, valid) + "; `equipoise forecast MODEL --template` names all",
        )
        for name in names
        if name not in valid
    ]


def check_person(
    model: ForecastModel, given: Mapping[str, object], where: Where
) -> tuple[Person, list[Fault]]:
    """The values of a person, as far as they are valid, and the faults of the others.

    Parameters
    ----------
    given
        Name → value, or a table of ``value`` and ``unit``; None and NaN are missing. Unknown
        names are left alone: see `check_names`.
    """
    faults: list[Fault] = []
    values: dict[str, float | str] = {}
    named: set[str] = set()
    for one in model.predictors:
        raw, found = _with_unit(one, given.get(one.name), where)
        faults += found
        if found:
            named.add(one.name)
        if raw is None or found or (isinstance(raw, float) and math.isnan(raw)):
            continue
        named.add(one.name)
        problem = _level(one, raw, where) if one.levels else _number(one, raw, where)
        if isinstance(problem, Fault):
            faults.append(problem)
        else:
            values[one.name] = problem
    arm = given.get(ARM)
    if isinstance(arm, float) and math.isnan(arm):
        arm = None
    if arm is not None and arm not in model.arms:
        faults.append(unknown_arm(model, arm, where(ARM)))
        arm = None
    person = given.get(PERSON)
    return Person(None if person is None else str(person), arm, values, frozenset(named)), faults  # type: ignore[arg-type]


def unknown_arm(model: ForecastModel, arm: object, where: str) -> Fault:
    """An arm that the trial has not."""
    return Fault(
        "forecast-arm-unknown",
        where,
        ARM,
        _shown(arm),
        f"the trial {model.study} has the arms " + ", ".join(f"`{key}`" for key in model.arms),
        nearest(str(arm), list(model.arms)),
    )


def _with_unit(one: Predictor, raw: object, where: Where) -> tuple[object, list[Fault]]:
    """The value of ``{ value = 6.5, unit = "%CD4" }``, its unit checked."""
    if not isinstance(raw, Mapping):
        return raw, []
    told: Mapping[str, object] = raw  # type: ignore[assignment]
    extra = [key for key in told if key not in ("value", "unit")]
    if extra or "value" not in told:
        return None, [
            _invalid(one, where, dict(told), "a table here has `value` and, if it is said, `unit`")
        ]
    unit = told.get("unit")
    if unit is not None and unit != one.unit:
        return None, [
            Fault(
                "predictor-unit",
                where(one.name),
                one.name,
                f"{_shown(told['value'])} {unit}",
                f"the model was trained on values in {one.unit or 'no unit'}",
                f"convert the value to {one.unit}" if one.unit else "take the unit out",
            )
        ]
    return told["value"], []


def _number(one: Predictor, raw: object, where: Where) -> float | Fault:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return _invalid(one, where, raw, "a number stands here")
    value = float(raw)
    if not math.isfinite(value):
        return _invalid(one, where, raw, "the value is a finite number")
    if one.log and value <= 0.0:
        return _invalid(one, where, raw, "it enters as a logarithm and lies above 0")
    return value


def _level(one: Predictor, raw: object, where: Where) -> str | Fault:
    if not isinstance(raw, str) or raw not in one.levels:
        rule = "one of these stands here: " + ", ".join(f"`{level}`" for level in one.levels)
        return _invalid(one, where, raw, rule, nearest(str(raw), one.levels))
    return raw


def _invalid(one: Predictor, where: Where, raw: object, rule: str, remedy: str = "") -> Fault:
    unit = f" in {one.unit}" if one.unit else ""
    return Fault(
        "predictor-invalid",
        where(one.name),
        one.name,
        _shown(raw),
        rule,
        remedy or f"give {one.label}{unit}, or leave it out if it is not known",
    )


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"
