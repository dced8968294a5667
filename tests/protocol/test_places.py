"""tree-sitter and tomllib see the same keys, so that every value has a place."""

from __future__ import annotations

import tomllib

import pytest
from tests.conftest import protocol_text

from equipoise import builtin_studies
from equipoise.toml_places import line_of, places


def paths(value, prefix=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*prefix, key)
            yield from paths(item, (*prefix, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield (*prefix, index)
            yield from paths(item, (*prefix, index))


@pytest.mark.parametrize("study", builtin_studies())
def test_every_value_has_a_place(study):
    text = protocol_text(study)
    assert set(paths(tomllib.loads(text))) == set(places(text))


def test_dotted_quoted_and_nested_keys():
    text = (
        'a.b = 1\n"x y".z = {p = [1, [2, 3]], "q r" = 2}\n[[t]]\nk = 1\n[t.u]\nv = 1\n'
        "[[t]]\nk = 2\n[[t.w]]\ns = 1\n[[t.w]]\ns = 2\n"
    )
    found = places(text)
    assert set(paths(tomllib.loads(text))) == set(found)
    assert found["t", 1, "w", 1, "s"] == 12
    assert line_of(("t", 0, "u", "missing"), found) == 5
