"""Doses and their days: what an arm gives, or what nobody has planned yet."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.faults import EquipoiseError, Fault, nearest, single
from equipoise.mechanisms import ROUTES, UNITS, route_of

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.protocol.plan import Dose

#: Doses of one schedule, and of one exploration, at most.
MOST_DOSES = 500

HEADING = "The schedule is refused"


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Doses in the order of their days. One that exists is valid.

    Attributes
    ----------
    days
        (k,) days of the doses from the start of the trial, strictly ascending, 0 or later;
        read-only. k may be 0.
    amounts
        (k,) amounts in `unit`, 0 or more; read-only.
    unit
        One of `UNITS`.
    route
        One of `ROUTES`.
    hours
        Length of an intravenous infusion; 0 for a bolus and for every other route.

    Raises
    ------
    EquipoiseError
        With everything that is wrong with days, amounts, unit, route and length.
    """

    days: np.ndarray
    amounts: np.ndarray
    unit: str = "MIU"
    route: str = "subcutaneous"
    hours: float = 0.0

    def __post_init__(self) -> None:
        import numpy as np

        for name in ("days", "amounts"):
            values = np.array(getattr(self, name), dtype=float).reshape(-1)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        object.__setattr__(self, "route", known_route(self.route))
        faults = list(self._faults())
        if faults:
            raise EquipoiseError(HEADING, faults)

    def _faults(self) -> Iterator[Fault]:
        import numpy as np

        days, amounts = self.days, self.amounts
        if self.unit not in UNITS:
            yield _unknown_unit(self.unit)
        if len(days) != len(amounts):
            yield Fault(
                code="schedule-lengths",
                where="",
                field="days, amounts",
                value=f"{len(days)} days, {len(amounts)} amounts",
                rule="every day has its amount",
                remedy="give as many amounts as days",
            )
        if len(days) > MOST_DOSES:
            yield too_many(len(days))
        if not np.isfinite(days).all() or (days < 0).any() or (np.diff(days) <= 0).any():
            yield Fault(
                code="dose-days-disordered",
                where="",
                field="days",
                value=_shown(days.tolist()),
                rule="days of doses are numbers, 0 or later, each after the one before",
                remedy="write them in order, a day once",
            )
        if not np.isfinite(amounts).all() or (amounts < 0).any():
            yield _impossible("amounts", _shown(amounts.tolist()))
        possible = math.isfinite(self.hours) and 0 <= self.hours <= 24
        if not possible or (self.hours > 0 and self.route != "intravenous"):
            yield Fault(
                code="infusion-impossible",
                where="",
                field="hours",
                value=f"{self.hours:g} h, {self.route}",
                rule="an infusion is intravenous and takes between 0 (a bolus) and 24 hours",
                remedy="leave `hours` out, or give the route intravenous",
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return (*self.days.tolist(), *self.amounts.tolist(), self.unit, self.route, self.hours)

    def __len__(self) -> int:
        return len(self.days)

    def amounts_in(self, unit: str) -> np.ndarray:
        """(k,) amounts in another unit: 1 MIU is 1,000,000 IU.

        Raises
        ------
        EquipoiseError
            When the unit is not known, or measures something else.
        """
        if unit not in UNITS:
            raise EquipoiseError(HEADING, [_unknown_unit(unit)])
        (mine, factor), (other, divisor) = UNITS[self.unit], UNITS[unit]
        if mine != other:
            raise single(
                HEADING,
                code="amount-unit-other",
                field="unit",
                value=self.unit,
                rule=f"an amount in {self.unit} is none in {unit}",
                remedy="give it in " + " or ".join(u for u, (b, _) in UNITS.items() if b == other),
            )
        return self.amounts * (factor / divisor)

    def scaled(self, dose: float) -> Schedule:
        """The same days, `dose` (in `unit`) each time."""
        import numpy as np

        amounts = np.full(len(self), float(dose))
        return Schedule(self.days, amounts, self.unit, self.route, self.hours)


def schedule_of_arm(protocol: Protocol, arm: str, drug: str | None = None) -> Schedule:
    """What an arm gives.

    Parameters
    ----------
    drug
        Its name in `arms.*.doses`; left out, it is the one drug with an amount, and for an arm
        without any, placebo: doses of 0.

    Raises
    ------
    EquipoiseError
        When there is no such arm, or it gives several drugs and none is named.
    """
    import numpy as np

    if arm not in protocol.arms:
        raise single(
            HEADING,
            code="arm-unknown",
            field="arm",
            value=arm,
            rule="arms of the protocol: " + ", ".join(protocol.arms),
            remedy=nearest(arm, list(protocol.arms)),
        )
    doses = _doses_of(protocol.arms[arm].doses, drug)
    given = {(dose.unit, dose.route) for dose in doses}
    if len({dose.drug for dose in doses}) > 1 or len(given) > 1:
        raise single(
            HEADING,
            code="arm-doses-mixed",
            where=f"arm {arm}",
            field="doses",
            value=", ".join(f"{d.drug} ({d.unit}, {d.route})" for d in doses),
            rule="a mechanistic model follows one drug, in one unit and by one route",
            remedy="name the drug that the model describes",
        )
    total: dict[float, float] = {}
    for dose in doses:
        for day in dose.days:
            total[float(day)] = total.get(float(day), 0.0) + float(dose.amount)
    unit, route = given.pop() if given else ("MIU", "subcutaneous")
    days = sorted(total)
    return Schedule(np.array(days), np.array([total[day] for day in days]), unit, route)


def _doses_of(doses: Sequence[Dose], drug: str | None) -> list[Dose]:
    if drug is not None:
        return [dose for dose in doses if dose.drug == drug]
    return [dose for dose in doses if dose.amount > 0] or list(doses)[:1]


def known_route(route: str) -> str:
    """The route as `ROUTES` names it.

    Raises
    ------
    EquipoiseError
        When no pharmacokinetics is known for it.
    """
    found = route_of(route)
    if found is not None:
        return found
    raise single(
        HEADING,
        code="route-unknown",
        field="route",
        value=route,
        rule="routes that are followed: " + ", ".join(ROUTES),
        remedy=nearest(route.strip().lower(), list(ROUTES)),
    )


def parse_doses(text: str, *, field: str = "--dose") -> tuple[float, ...]:
    """Doses of an exploration: ``1``, ``0.3,1,3``, ``0.3:3`` (3 of them) or ``0.3:3:5``.

    A range has equal ratios, both ends included; doses between them have three digits, unless
    they lie closer than that.

    Raises
    ------
    EquipoiseError
        When the text is no such list, or a dose is negative or stands there twice.
    """
    parts = [part.strip() for part in (text.split(":") if ":" in text else text.split(","))]
    numbers = [number for part in parts if (number := _number(part)) is not None]
    if len(numbers) < len(parts):
        wrong = next(part for part in parts if _number(part) is None)
        raise _unclear_doses(field, text, f"`{wrong}` is no number", "write numbers, without unit")
    if any(number < 0 for number in numbers):
        raise EquipoiseError("The doses are refused", [_impossible(field, text)])
    if ":" not in text:
        if len(set(numbers)) < len(numbers):
            raise _unclear_doses(field, text, "every dose stands there once", "leave one out")
        return tuple(sorted(numbers))
    low, high = numbers[0], numbers[1]
    count = numbers[2] if len(numbers) == 3 else 3.0
    if len(numbers) > 3 or not 0 < low < high:
        rule = "a range is LOW:HIGH or LOW:HIGH:HOW-MANY, with 0 < LOW < HIGH"
        raise _unclear_doses(field, text, rule, "turn it round, or write a list")
    if count != int(count) or not 2 <= count <= 20:
        raise _unclear_doses(field, text, "a range has 2 to 20 doses", "write a whole number")
    steps = int(count) - 1
    exact = [low * (high / low) ** (k / steps) for k in range(1, steps)]
    found = (low, *(float(f"{dose:.3g}") for dose in exact), high)
    rises = all(a < b for a, b in itertools.pairwise(found))
    return found if rises else (low, *exact, high)


def _unclear_doses(field: str, text: str, rule: str, remedy: str) -> EquipoiseError:
    return single(
        "The doses are not understood",
        code="doses-unclear",
        field=field,
        value=f'"{text}"',
        rule=rule,
        remedy=f'{remedy}; for example "1", "0.3,1,3", "0.3:3" or "0.3:3:5"',
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _impossible(field: str, value: str) -> Fault:
    return Fault(
        code="dose-impossible",
        where="",
        field=field,
        value=value,
        rule="a dose is a number, 0 or more",
        remedy="correct it",
    )


def _unknown_unit(unit: str) -> Fault:
    return Fault(
        code="amount-unit-unknown",
        where="",
        field="unit",
        value=unit,
        rule="units of amounts: " + ", ".join(UNITS),
        remedy=nearest(unit, list(UNITS)),
    )


def too_many(count: int) -> Fault:
    """The fault of a schedule with so many doses."""
    return Fault(
        code="doses-too-many",
        where="",
        field="days",
        value=f"{count} doses",
        rule=f"a schedule has at most {MOST_DOSES} doses",
        remedy="make it shorter, or its steps longer",
    )


def _shown(values: list[float]) -> str:
    text = ", ".join(f"{value:g}" for value in values[:12])
    return text + (", …" if len(values) > 12 else "")
