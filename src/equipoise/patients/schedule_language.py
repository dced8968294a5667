"""Schedules in words: ``5 daily then 4 weekly from week 2``.

A schedule is a list of days (``0,1,2,3,4,14``) or parts joined by ``then``. A part is a rhythm
(``once``, ``daily``, ``weekly``, ``every 14 days``), before it how many doses, after it for how
long and from when. Day 0 is the start; week 2 begins on day 14.

- A part without ``from`` keeps the count of the part before: it falls on days that are whole
  steps of its own after the beginning of that part. So ``5 daily then weekly`` is given on days
  0 to 4, then on 7, 14, 21, …
- A part without a number of doses and without ``for`` goes on until the next part begins, or
  until the last day, which has no dose any more: what it would do could not be seen.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NoReturn

from equipoise.faults import EquipoiseError, single
from equipoise.patients.schedules import HEADING, MOST_DOSES, Schedule, too_many

FORMS = (
    "once",
    "5 daily",
    "5 daily then weekly",
    "5 daily then 4 weekly from week 2",
    "daily for 5 days then every 14 days",
    "3 weekly from day 7",
    "0,1,2,3,4,14,21",
)

_LENGTH = {"day": 1.0, "days": 1.0, "week": 7.0, "weeks": 7.0}
_RHYTHMS = {"once": math.inf, "daily": 1.0, "weekly": 7.0, "fortnightly": 14.0}
_EXPECTED = "once, daily, weekly, fortnightly or every N days"


def parse_schedule(
    text: str,
    dose: float,
    last_day: float,
    *,
    unit: str = "MIU",
    route: str = "subcutaneous",
    hours: float = 0.0,
    field: str = "--schedule",
) -> Schedule:
    """The schedule that the words say, with `dose` (in `unit`) each time.

    Parameters
    ----------
    last_day
        Last day that is looked at: a dose after it is refused.
    field
        What the text is called where it was given; for messages.

    Raises
    ------
    EquipoiseError
        When a word is not understood, a dose falls after `last_day`, there are too many, or the
        dose is negative.
    """
    import numpy as np

    days = _Reader(text, last_day, field).days()
    late = [day for day in days if day > last_day]
    if late:
        raise single(
            HEADING,
            code="dose-after-end",
            field=field,
            value=f'"{text}"',
            rule=f"the last day is {last_day:g}; a dose on day {late[0]:g} comes after it",
            remedy="give fewer doses, or look at a longer time",
        )
    return Schedule(np.array(days), np.full(len(days), float(dose)), unit, route, hours)


@dataclass(frozen=True, slots=True)
class _Part:
    """One rhythm; `count`, `length` and `start` are None where the text leaves them out."""

    step: float
    count: int | None
    length: float | None
    start: float | None
    place: int
    """Index of its first word."""


class _Reader:
    """Reads words one after the other; every refusal names the word at which it happened."""

    def __init__(self, text: str, last_day: float, field: str) -> None:
        self.text, self.last_day, self.field = text, last_day, field
        self.words = re.findall(r",|[^\s,]+", text.lower())
        self.at = 0

    def days(self) -> list[float]:
        """Days of all doses."""
        if not self.words:
            self.refuse("a schedule is said in words, or as a list of days")
        if "," in self.words or (len(self.words) == 1 and _number(self.words[0]) is not None):
            return self.listed()
        parts = [self.part()]
        while self.at < len(self.words):
            if self.words[self.at] != "then":
                self.refuse("here the schedule ends, or goes on with `then`, `for` or `from`")
            self.at += 1
            parts.append(self.part())
        return self.unrolled(parts)

    def listed(self) -> list[float]:
        """A list of days, ascending."""
        days: list[float] = []
        for place, word in enumerate(self.words):
            self.at = place
            if place % 2:
                if word != ",":
                    self.refuse("days of a list are separated by commas")
                continue
            day = _number(word)
            if day is None or day < 0:
                self.refuse("a list holds days, numbers from 0 on")
            if days and day <= days[-1]:
                self.refuse("days stand in order, each once")
            days.append(day)
        if self.words[-1] == ",":
            self.refuse("a list ends with a day")
        return days

    def part(self) -> _Part:
        """COUNT? RHYTHM (for N days)? (from day N)?"""
        place = self.at
        count = self.count()
        step = self.rhythm()
        length = start = None
        if step == math.inf and count is None:
            count = 1
        if self.take("for"):
            if count is not None:
                self.at -= 1
                self.refuse("a part has a number of doses or a length, not both")
            amount = self.number("for how long: a number of days or weeks")
            length = amount * self.one_of(_LENGTH, "days or weeks")
            if length <= 0:
                self.at -= 2
                self.refuse("a length is more than 0")
        if self.take("from") or self.take("on"):
            factor = self.one_of({"day": 1.0, "week": 7.0}, "day N or week N")
            start = factor * self.number("the day or week of its first dose")
        return _Part(step, count, length, start, place)

    def count(self) -> int | None:
        """How many doses; None when the part begins with its rhythm."""
        value = _number(self.word())
        if value is None:
            return None
        if value != int(value) or value < 1:
            self.refuse("a number of doses is a whole number from 1 on")
        self.at += 1
        return int(value)

    def rhythm(self) -> float:
        """Days between two doses; infinite for `once`."""
        if not self.take("every"):
            word = self.word()
            if word == "once" and self.at and _number(self.words[self.at - 1]) is not None:
                self.refuse("`once` has no number of doses before it")
            return self.one_of(_RHYTHMS, _EXPECTED)
        if self.take("other"):
            return 2.0 * self.one_of({"day": 1.0, "week": 7.0}, "every other day or week")
        if self.word() in ("day", "week"):
            return self.one_of({"day": 1.0, "week": 7.0}, "day or week")
        step = self.number("every how many days or weeks")
        step *= self.one_of(_LENGTH, "days or weeks")
        if step <= 0:
            self.at -= 2
            self.refuse("doses lie more than 0 days apart")
        return step

    def unrolled(self, parts: list[_Part]) -> list[float]:
        """The days of all parts."""
        days: list[float] = []
        begun = 0.0
        for part, following in zip(parts, [*parts[1:], None], strict=True):
            start = part.start
            if start is None:
                start = _next_step(begun, days[-1], part.step) if days else 0.0
            if days and start <= days[-1]:
                self.at = part.place
                self.refuse(
                    f"this part begins on day {start:g}, before the last dose of the one "
                    f"before it on day {days[-1]:g}"
                )
            end = self.last_day
            if following is not None and following.start is not None:
                end = following.start
            elif following is not None and part.count is None and part.length is None:
                self.at = following.place - 1
                self.refuse(
                    "when does the part before `then` end? Say how many doses, for how "
                    "long, or from when the next part goes on"
                )
            days += self.doses(part, start, end)
            begun = start
        return days

    def doses(self, part: _Part, start: float, end: float) -> list[float]:
        """Days of one part that begins on `start`; an open one ends before `end`."""
        count = part.count
        if count is None:
            span = part.length if part.length is not None else end - start
            # A step more or less by rounding would be a dose more or less.
            count = max(math.ceil(span / part.step - 1e-9), 0)
            if count == 0:
                self.at = part.place
                self.refuse(f"this part begins on day {start:g} and has no dose before it ends")
        if count > MOST_DOSES:
            raise EquipoiseError(HEADING, [too_many(count)])
        return [start + k * part.step if k else start for k in range(count)]

    def word(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, word: str) -> bool:
        """Step over the word if it is the next."""
        found = self.word() == word
        self.at += found
        return found

    def number(self, expected: str) -> float:
        value = _number(self.word())
        if value is None or value < 0:
            self.refuse(f"here is expected {expected}")
        self.at += 1
        return value

    def one_of(self, words: dict[str, float], expected: str) -> float:
        if self.word() not in words:
            self.refuse(f"here is expected {expected}")
        self.at += 1
        return words[self.words[self.at - 1]]

    def refuse(self, rule: str) -> NoReturn:
        word = self.word()
        place = f"word {self.at + 1}, `{word}`" if word else "its end"
        raise single(
            "The schedule is not understood",
            code="schedule-unclear",
            field=self.field,
            value=f'"{self.text}", at {place}',
            rule=rule,
            remedy="valid forms: " + "; ".join(f'"{form}"' for form in FORMS),
        )


def _next_step(begun: float, after: float, step: float) -> float:
    """The first day after `after` that is whole steps after `begun`."""
    if step == math.inf:
        return after + 1.0
    return begun + step * (math.floor((after - begun) / step + 1e-9) + 1)


def _number(word: str) -> float | None:
    return float(word) if re.fullmatch(r"\d+(\.\d+)?|\.\d+|-\d+(\.\d+)?", word) else None
