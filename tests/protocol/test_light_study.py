"""The study with few draws is the study, but for its counts; and no count is forgotten."""

from __future__ import annotations

import tomllib

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


def without_counts(table):
    """The table without counts, and without what is then empty."""
    if not isinstance(table, dict):
        return table
    kept = {k: without_counts(v) for k, v in table.items() if k not in COUNTS or isinstance(v, str)}
    return {k: v for k, v in kept.items() if v != {}}


@pytest.mark.parametrize("study", eq.builtin_studies())
def test_only_counts_of_what_is_drawn_differ(study):
    full, light = (tomllib.loads(text(study)) for text in (protocol_text, light_text))
    assert without_counts(full) == without_counts(light)
    assert full.keys() == light.keys()


def test_what_is_drawn_often_is_drawn_seldom(light):
    """A large number of the plan is a seed, or its name is missing among `COUNTS`."""
    large = {path for path, value in numbers(light.analysis) if value >= 100}
    assert {path[-1] for path in large} <= {"seed"}
    assert {path[-1] for path, _ in numbers(light.analysis)} >= {"draws", "imputations"}
