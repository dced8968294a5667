"""What is published, with its uncertainty, and what is believed of the parameters before."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from equipoise.faults import nearest, single

FOLDER = Path(__file__).parent / "targets"


class Role(StrEnum):
    """What a target is used for."""

    FITTED = "fitted"
    """It has weight: the parameters are chosen so that the model comes near."""
    CHECKED = "checked"
    """Published, and not fitted."""
    SHOWN = "shown"
    """No weight: recalled and not verified, or in conflict with the others."""
    HELD_OUT = "held out"
    """No weight: the model predicts it."""


@dataclass(frozen=True, slots=True)
class Target:
    """One published number.

    Attributes
    ----------
    key, what
        Key in the file; in words.
    value, uncertainty
        In `unit`; None for a target that is a range.
    range
        Inside which the statistic should lie.
    statistic, argument
        Method of `Experiments`, and what it is asked about.
    source
        Key of the model's sources.
    assumed
        What had to be assumed to compare.
    """

    key: str
    what: str
    value: float | None
    uncertainty: float | None
    range: tuple[float, float] | None
    unit: str
    role: Role
    statistic: str
    argument: float | str | None
    source: str
    assumed: str

    def away(self, found: float) -> float:
        """(model - published) / uncertainty; of a target that has both."""
        if self.value is None or not self.uncertainty:
            raise ValueError(f"{self.key} has no value with an uncertainty")
        return (found - self.value) / self.uncertainty

    def verdict(self, found: float) -> str:
        """How the model stands to it, in two words or three."""
        if self.range is not None:
            return "inside" if self.range[0] <= found <= self.range[1] else "outside"
        if self.uncertainty is None:
            return "predicted" if self.role is Role.HELD_OUT else "no uncertainty"
        away = abs(self.away(found))
        return "met" if away <= 1 else "within two SE" if away <= 2 else "missed"


@dataclass(frozen=True, slots=True)
class Prior:
    """Belief in a parameter before the fit: its centre, and the SD of its logarithm or logit."""

    centre: float
    sd: float


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Patients with at least one adverse event of a kind, by dose (MIU a day for five days)."""

    what: str
    doses: tuple[float, ...]
    patients: tuple[int, ...]
    with_event: tuple[int, ...]
    source: str


@dataclass(frozen=True, slots=True)
class CalibrationPlan:
    """Everything that the calibration of a model reads, but for the model.

    Attributes
    ----------
    people, seed
        Size of the population behind a statistic, and the seed of its draws.
    before_naive_signal
        Assumed parameters with which the naive percentages carried no signal.
    sha256
        Of the file.
    """

    model: str
    people: int
    seed: int
    note: str
    targets: tuple[Target, ...]
    priors: Mapping[str, Prior]
    events: Mapping[str, EventCounts]
    before_naive_signal: Mapping[str, float]
    sha256: str

    def of_role(self, role: Role) -> tuple[Target, ...]:
        """The targets with this role, in the order of the file."""
        return tuple(target for target in self.targets if target.role is role)


def plans() -> list[str]:
    """Models that have targets."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_plan(model: str) -> CalibrationPlan:
    """The targets of a model.

    Raises
    ------
    EquipoiseError
        When there are none for this model.
    """
    if model not in plans():
        raise single(
            "There is nothing to calibrate",
            code="targets-unknown",
            field="model",
            value=model,
            rule="models with targets: " + ", ".join(plans()),
            remedy=nearest(model, plans()),
        )
    content = (FOLDER / f"{model}.toml").read_bytes()
    table = tomllib.loads(content.decode())
    return CalibrationPlan(
        model=model,
        people=int(table["population"]["people"]),
        seed=int(table["population"]["seed"]),
        note=table["population"]["note"],
        targets=tuple(_target(key, row) for key, row in table["targets"].items()),
        priors=MappingProxyType(
            {
                key: Prior(float(row["centre"]), float(row["sd"]))
                for key, row in table["priors"].items()
            }
        ),
        events=MappingProxyType(
            {
                key: EventCounts(
                    what=row["what"],
                    doses=tuple(map(float, row["doses"])),
                    patients=tuple(row["patients"]),
                    with_event=tuple(row["with_event"]),
                    source=row["source"],
                )
                for key, row in table["events"].items()
            }
        ),
        before_naive_signal=MappingProxyType(
            {key: float(value) for key, value in table["naive_signal"]["before"].items()}
        ),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _target(key: str, row: dict[str, Any]) -> Target:
    bounds = row.get("range")
    value, uncertainty = row.get("value"), row.get("uncertainty")
    role = Role(row["role"])
    assert (value is None) == (bounds is not None), f"{key}: a value or a range"
    assert role is not Role.FITTED or uncertainty, f"{key}: a fitted target has an uncertainty"
    return Target(
        key=key,
        what=row["what"],
        value=None if value is None else float(value),
        uncertainty=None if uncertainty is None else float(uncertainty),
        range=None if bounds is None else (float(bounds[0]), float(bounds[1])),
        unit=row["unit"],
        role=role,
        statistic=row["statistic"],
        argument=row.get("argument"),
        source=row["source"],
        assumed=row.get("assumed", ""),
    )
