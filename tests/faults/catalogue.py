"""The catalogue of faults: for each code one small function that provokes it.

To add a fault: write a function in a module `triggers_….py`, named as the code with ``_`` for
``-``, with what it means as its docstring, that does what a user would do wrong::

    @trigger
    def score_out_of_range(box):
        \"\"\"A score lies outside the range of its scale.\"\"\"
        box.read("scores", "total,20", "total,99")

`box` is an empty folder with a small trial (`trial.toml`) and its records (`box.RECORDS`).
Then `make pages` writes docs/reference/faults.md anew.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.box import Box, example, provoked

Trigger = Callable[[Box], object]

#: Module → title of its part of the page, in the order of the page.
PARTS = {
    "triggers_studies": "Studies and plans",
    "triggers_scales": "Rating scales",
    "triggers_files": "Files of records",
    "triggers_records": "What the records say",
    "triggers_people": "People, allocation and the blind",
    "triggers_allocation": "Minimisation",
    "triggers_running": "Drawing, analysing, reporting",
    "triggers_schedules": "Doses and schedules",
    "triggers_patients": "Mechanistic models and virtual patients",
    "triggers_exploration": "Exploring",
    "triggers_forecast": "Forecasts and enrichment",
    "triggers_design": "Designing a trial",
    "triggers_monitoring": "Monitoring",
    "triggers_looks": "Interim looks",
    "triggers_reestimation": "The size estimated again",
    "triggers_writing": "Writing",
}

TRIGGERS: dict[str, Trigger] = {}


@dataclass(frozen=True)
class Part:
    """The triggers of one module, by code."""

    title: str
    triggers: dict[str, Trigger]


def trigger(function: Trigger) -> Trigger:
    """Register what provokes the fault of this name."""
    code = function.__name__.replace("_", "-")
    assert code not in TRIGGERS, f"two triggers of {code}"
    assert function.__doc__, f"{code}: its docstring says what it means"
    TRIGGERS[code] = function
    return function


def parts() -> list[Part]:
    """All triggers, by part."""
    found = []
    for module, title in PARTS.items():
        importlib.import_module(f"tests.faults.{module}")
        name = f"tests.faults.{module}"
        mine = {c: t for c, t in TRIGGERS.items() if t.__module__ == name}
        found.append(Part(title, dict(sorted(mine.items()))))
    return found


def fault_page() -> str:
    """The page of the catalogue, as Markdown; every example is a message that was provoked."""
    found = parts()
    count = sum(len(part.triggers) for part in found)
    lines = [
        "# Every fault",
        "",
        f"The {count} kinds of faults that Equipoise finds in what it is given, each with a message",
        "that was really provoked: where, the field and its value, the rule, and the remedy. All",
        "faults of a file come at once. The page is written from the program that provokes them.",
        "What a statistical method refuses stands on [a page of its own](model-faults.md).",
        "",
    ]
    for part in found:
        lines += [f"## {part.title}", ""]
        for code, provoke in part.triggers.items():
            with tempfile.TemporaryDirectory() as folder:
                error = provoked(provoke, Path(folder))
            meaning = " ".join(str(provoke.__doc__).split())
            lines += [f"### {code}", "", meaning, "", "```text", example(error, code), "```", ""]
    return "\n".join(lines)
