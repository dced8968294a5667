"""``--vary FIELD=VALUES``: a field and its values as they are typed."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from equipoise.faults import EquipoiseError, Fault

if TYPE_CHECKING:
    from equipoise.design.interim_results import SpendingRule
    from equipoise.protocol.changes import Value

#: The most values of one range.
_MOST = 2000


def parse_grid(given: Sequence[str]) -> dict[str, list[Value]]:
    """Fields with their values: ``population.size=24:96:12``, ``arms.il2.ratio=1,2``.

    Raises
    ------
    EquipoiseError
        With everything that cannot be read.
    """
    faults: list[Fault] = []
    found: dict[str, list[Value]] = {}
    for text in given:
        field, sign, values = (part.strip() for part in text.partition("="))
        if not sign or not field:
            faults.append(
                _fault(text, "a field, `=` and its values", "write population.size=24:96:12")
            )
            continue
        if field in found:
            faults.append(_fault(text, "a field is varied once", "join its values by commas"))
            continue
        try:
            found[field] = parse_values(values)
        except ValueError as error:
            faults.append(_fault(text, str(error), "write values as 24,36,48 or as LOW:HIGH:STEP"))
    if faults:
        raise EquipoiseError("The fields are not varied", faults)
    return found


def numbers_of(field: str, values: str) -> list[float]:
    """The numbers that a search may choose from: ``40:400:40``.

    Raises
    ------
    EquipoiseError
        When they cannot be read, or are no numbers.
    """
    found = parse_grid([f"{field}={values}"])[field]
    numbers: list[float] = [
        v for v in found if isinstance(v, int | float) and not isinstance(v, bool)
    ]
    if len(numbers) < len(found):
        raise EquipoiseError(
            "Nothing is searched",
            [_fault(values, "a search is among numbers", "write a range as LOW:HIGH:STEP")],
        )
    return numbers


def parse_values(text: str) -> list[Value]:
    """Values between commas, or a range with both ends.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    if ":" in text and '"' not in text:
        return _range(text)
    pieces = [piece.strip() for piece in text.split(",")]
    if not any(pieces):
        raise ValueError("there is at least one value")
    return [_value(piece) for piece in pieces]


def _range(text: str) -> list[Value]:
    pieces = text.split(":")
    if len(pieces) not in (2, 3):
        raise ValueError("a range is LOW:HIGH or LOW:HIGH:STEP")
    numbers = [_value(piece.strip()) for piece in pieces]
    if any(isinstance(n, bool | str) for n in numbers):
        raise ValueError("a range is of numbers")
    low, high, step = [float(n) if isinstance(n, float) else n for n in (*numbers, 1)[:3]]
    if isinstance(low, str) or isinstance(high, str) or isinstance(step, str):
        raise ValueError("a range is of numbers")
    if step <= 0:
        raise ValueError(f"a step is above 0, and this is {step}")
    if high < low:
        raise ValueError(f"the highest value {high} is below the lowest {low}: the range is empty")
    count = int((high - low) / step + 1e-9) + 1
    if count > _MOST:
        raise ValueError(f"at most {_MOST} values, and these are {count}")
    found = [low + i * step for i in range(count)]
    return [round(v, 12) if isinstance(v, float) else v for v in found]


def _value(text: str) -> Value:
    """A value as TOML has it; a bare word is text."""
    if not text:
        raise ValueError("a value between two commas is missing")
    try:
        value = tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        if any(sign in text for sign in "\"'[]{}#\n"):
            raise ValueError(f"{text} is no value") from None
        return text
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"{text} is no number, text, true or false")
    return value


def parse_spending(text: str) -> SpendingRule:
    """``obrien-fleming``, or with a parameter ``hwang-shih-decani:-4``.

    Raises
    ------
    EquipoiseError
        When the parameter is no number.
    """
    from equipoise.design.interim_results import SpendingRule

    name, sign, parameter = text.partition(":")
    if not sign:
        return SpendingRule(name.strip())
    try:
        return SpendingRule(name.strip(), float(parameter))
    except ValueError:
        raise EquipoiseError(
            "No looks are taken",
            [
                Fault(
                    "spending-invalid",
                    "",
                    "--spending",
                    text,
                    "a spending function, and after a colon its parameter, a number",
                    "write for example hwang-shih-decani:-4",
                )
            ],
        ) from None


def _fault(value: str, rule: str, remedy: str) -> Fault:
    return Fault("vary-invalid", "", "--vary", value, rule, remedy)
