"""The study with few draws is the study, but for its counts; and no count is forgotten."""

from __future__ import annotations

import difflib
import re

import pytest
from pydantic import BaseModel
from tests.conftest import protocol_text
from tests.light_study import COUNTS, light_text

import equipoise as eq


def numbers(part, path=()):
    """Path and value of every whole number of a plan."""
    if isinstance(part, BaseModel):
        part = {name: getattr(part, name) for name in type(part).model_fields}
    if hasattr(part, "items"):
        for name, value in part.items():
            yield from numbers(value, (*path, name))
    elif isinstance(part, int) and not isinstance(part, bool):
        yield path, part


@pytest.mark.parametrize("study", eq.builtin_studies())
def test_only_counts_of_what_is_drawn_differ(study):
    full, light = protocol_text(study).splitlines(), light_text(study).splitlines()
    name = rf"\b({'|'.join(COUNTS)}) = \d+,?"
    for line in difflib.ndiff(full, light):
        if line[0] in "+-":
            assert re.search(name, line) or re.search(r"= \{ ", line), line

    def bare(text):
        return [x for line in text if (x := re.sub(rf" ?{name}", "", line).strip())]

    assert bare(full) == bare(light)


def test_what_is_drawn_often_is_drawn_seldom(light):
    """A large number of the plan is a seed, or its name is missing among `COUNTS`."""
    large = {path for path, value in numbers(light.analysis) if value >= 100}
    assert {path[-1] for path in large} <= {"seed"}
    assert {path[-1] for path, _ in numbers(light.analysis)} >= {"draws", "imputations"}
