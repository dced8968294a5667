"""`equipoise model`: the list, what a model is, and every number in it."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from equipoise import EquipoiseError
from equipoise.cli import model_command
from equipoise.mechanisms import builtin_models, find_model
from equipoise.mechanisms.description import ORIGINS, SPREADS, number, parameter_page
from equipoise.mechanisms.parameters import Distribution, Origin


def said(*words):
    done = CliRunner().invoke(model_command.app, ["model", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_every_model_is_listed():
    assert [line.split()[0] for line in said().splitlines()] == builtin_models()


@pytest.mark.parametrize("name", builtin_models())
def test_the_summary_counts_where_values_are_from(name):
    model = find_model(name)
    text = said(name)
    counts = {
        word: int(n)
        for n, word in re.findall(rf"(\d+) ({'|'.join(Origin)})\b", text.split("of which")[1])
    }
    assert sum(counts.values()) == len(model.parameters)
    assert f"{len(model.random_effects)} differ between people" in text


@pytest.mark.parametrize("name", builtin_models())
def test_every_number_is_printed_with_unit_spread_bounds_origin_and_source(name):
    model = find_model(name)
    lines = [line.split() for line in said(name, "--parameters").splitlines()]
    for row in model.parameters.values():
        cells = [row.name, number(row.value)]
        cells += [] if row.unit == "1" else row.unit.split()
        cells += [number(row.spread)] * (row.distribution is not Distribution.FIXED)
        cells += [row.distribution, number(row.lower), "to", number(row.upper), row.origin]
        cells += [row.source] if row.source else []
        assert cells in lines, row.name
    for effect in model.effects.values():
        cells = [effect.name, number(effect.value), number(effect.lower), "to"]
        cells += [number(effect.upper), effect.origin, *([effect.source] if effect.source else [])]
        assert cells in lines, effect.name
    assert all(len(line) <= 110 for line in said(name, "--parameters").splitlines())


@pytest.mark.parametrize("name", builtin_models())
def test_the_json_is_the_model(name):
    model = find_model(name)
    found = json.loads(said(name, "--json"))
    assert list(found["parameters"]) == list(model.parameters)
    for key, row in model.parameters.items():
        assert found["parameters"][key]["value"] == row.value
        assert found["parameters"][key]["origin"] == row.origin
    assert list(found["effects"]) == list(model.effects)
    assert list(found["sources"]) == list(model.sources)


@pytest.mark.parametrize("name", builtin_models())
def test_the_page_has_every_number_once(name):
    model = find_model(name)
    page = parameter_page(model)
    for row in (*model.parameters.values(), *model.effects.values()):
        (line,) = re.findall(rf"^\| `{re.escape(row.name)}` \|.*$", page, re.M)
        assert f"| {number(row.value)} |" in line
        assert row.meaning in line


def test_every_origin_and_spread_has_its_meaning():
    assert set(ORIGINS) == set(Origin)
    assert set(SPREADS) == set(Distribution)


def test_numbers_lose_no_digit():
    assert [number(x) for x in (0.0, 172800.0, 0.01875, 1e6, 1e-9, -0.2)] == [
        "0", "172800", "0.01875", "1000000", "1e-09", "-0.2"
    ]  # fmt: skip


def test_what_is_no_model_is_refused():
    with pytest.raises(EquipoiseError, match=r"models: .*il2"):
        CliRunner().invoke(model_command.app, ["model", "il3"], catch_exceptions=False)
    done = CliRunner().invoke(model_command.app, ["model", "--parameters"])
    assert done.exit_code == 2
    assert "name a model" in done.output
