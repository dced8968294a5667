"""Faults in what a user gave: what, where, which value, the rule and the remedy.

Every stage collects its faults in a list and raises them together in one
:class:`EquipoiseError`, so that a person repairs a file once and not once a fault.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Shown of one kind of fault before the rest is only counted.
SHOWN_PER_KIND = 10

WITHHELD = "withheld while the trial is blinded"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes
    ----------
    code
        The kind, as a short slug: ``score-out-of-range``.
    where
        File and line, or file and row: ``protocol.toml, line 12``.
    field
        The dotted field or the column.
    value
        The offending value as the user wrote it; empty when there is none.
    rule
        What must hold.
    remedy
        What to do.
    """

    code: str
    where: str
    field: str
    value: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        field = f"`{self.field}`" if self.field else ""
        value = f" = {self.value}" if self.value else ""
        head = f"{place}{field}{value}".rstrip(": ")
        return f"{head}\n    rule: {self.rule}\n    remedy: {self.remedy}"


class EquipoiseError(Exception):
    """Everything that is wrong with what the user gave, in one exception.

    Attributes
    ----------
    faults
        All faults, in the order in which a reader meets them in the file.
    heading
        One line that says which thing is refused.
    """

    def __init__(self, heading: str, faults: Iterable[Fault]) -> None:
        self.heading = heading
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__(self.render())

    def render(self, shown_per_kind: int = SHOWN_PER_KIND) -> str:
        """The message: every kind of fault, at most `shown_per_kind` of each in full."""
        count = len(self.faults)
        lines = [f"{self.heading} ({count} fault{'s' if count != 1 else ''})"]
        seen: dict[str, int] = {}
        for fault in self.faults:
            seen[fault.code] = seen.get(fault.code, 0) + 1
            if seen[fault.code] <= shown_per_kind:
                lines.append(f"- {fault}")
        for code, n in seen.items():
            if n > shown_per_kind:
                lines.append(f"- and {n - shown_per_kind} more of the kind {code}")
        return "\n".join(lines)


def single(heading: str, **fault: str) -> EquipoiseError:
    """An error with one fault; the keywords are the fields of :class:`Fault`."""
    fields = {"where": "", "field": "", "value": "", **fault}
    return EquipoiseError(heading, [Fault(**fields)])


def nearest(name: str, valid: Sequence[str]) -> str:
    """A hint that names the nearest valid words, or all of them when they are few."""
    close = [word for word in valid if word.lower() == name.lower()]
    close = close or difflib.get_close_matches(name, valid, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f"`{word}`" for word in close) + "?"
    if len(valid) <= 12:
        return "valid: " + ", ".join(f"`{word}`" for word in valid)
    return f"valid: {len(valid)} names, among them " + ", ".join(f"`{w}`" for w in valid[:8])
