"""The hash identifies the plan, whatever the layout of its file."""

from __future__ import annotations

import pickle

import pytest
from pydantic import ValidationError
from tests.conftest import protocol_text

from equipoise import load_protocol
from equipoise.protocol import Protocol


def test_layout_comments_and_order_of_tables_do_not_change_the_hash(tmp_path, il2):
    text = protocol_text("il2-depression")
    head, *tables = text.split("\n[")
    trial = next(t for t in tables if t.startswith("trial]"))
    tables.remove(trial)
    shuffled = "# another comment\n" + "\n[".join([head, *tables, trial]).replace(" = ", "  =   ")
    path = tmp_path / "protocol.toml"
    path.write_text(shuffled + "\n", encoding="utf-8")
    assert load_protocol(path).hash == il2.hash


def test_an_explicit_default_is_the_same_plan(write_protocol, il2):
    path = write_protocol(("[randomisation]", "[randomisation]\nincomplete_blocks = false"))
    assert load_protocol(path).hash == il2.hash


@pytest.mark.parametrize(
    "change",
    [
        ("alpha = 0.05", "alpha = 0.04"),
        ("day5 = 1.25", "day5 = 1.26"),
        ('label = "Week 2"', 'label = "Week two"'),
        ("age = { mean = 48", "age = { mean = 48.0001"),
    ],
)
def test_any_change_of_the_plan_changes_the_hash(write_protocol, il2, change):
    assert load_protocol(write_protocol(change)).hash != il2.hash


def test_the_order_of_arms_is_part_of_the_plan(il2):
    data = il2.model_dump()
    data["arms"] = dict(reversed(list(data["arms"].items())))
    assert Protocol.model_validate(data).hash != il2.hash


def test_a_protocol_is_frozen_in_all_its_parts(il2):
    with pytest.raises(ValidationError, match="frozen"):
        il2.format = 2
    with pytest.raises(TypeError, match="cannot be changed"):
        il2.arms["il2"] = il2.arms["placebo"]
    with pytest.raises(TypeError, match="cannot be changed"):
        del il2.provenance["visits"]


def test_a_protocol_survives_pickling_and_round_trip(il2):
    assert pickle.loads(pickle.dumps(il2)) == il2
    assert Protocol.model_validate(il2.model_dump()).hash == il2.hash
