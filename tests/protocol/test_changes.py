"""A protocol with other values: what is changed, what follows, and what is refused."""

from __future__ import annotations

import pytest

import equipoise as eq
from equipoise.protocol.changes import change_protocol, value_at


@pytest.fixture(scope="module")
def twin():
    return eq.load_protocol("il2-depression")


def test_nothing_changed_is_the_same_plan(twin):
    assert change_protocol(twin, {}).protocol is twin
    same = change_protocol(twin, {"population.size": 36})
    assert (same.protocol.hash, same.followed) == (twin.hash, ())


@pytest.mark.parametrize(
    ("values", "field", "found"),
    [
        ({"population.size": 60}, "randomisation.stratum_sizes", {"MDD": 30, "BD": 30}),
        ({"population.size": 30}, "randomisation.stratum_sizes", {"MDD": 18, "BD": 12}),
        ({"population.size": 25}, "randomisation.stratum_sizes", {"MDD": 13, "BD": 12}),
        ({"population.size": 25}, "randomisation.incomplete_blocks", True),
        ({"population.size": 30}, "randomisation.incomplete_blocks", False),
        ({"arms.il2.ratio": 3}, "randomisation.block_sizes", (8,)),
        ({"population.size": 18}, "safety.stopping.severe.looks", (6, 12, 18)),
        ({"visits.day5.window": "x"}, None, None),
        ({"arms.il2.doses[0].amount": 0.5}, "arms.il2.doses[0].amount", 0.5),
        ({"analysis.alpha": 0.01}, "analysis.alpha", 0.01),
        (
            {"assumptions.mechanistic.parameters.pT": 0.3},
            "assumptions.mechanistic.parameters.pT",
            0.3,
        ),
    ],
)
def test_a_value_and_what_follows_it(twin, values, field, found):
    if field is None:
        with pytest.raises(eq.EquipoiseError):
            change_protocol(twin, values)
        return
    changed = change_protocol(twin, values)
    there = value_at(changed.protocol, field)
    assert (dict(there) if isinstance(found, dict) else there) == found
    assert changed.protocol.hash != twin.hash
    # Nothing of the protocol that was given has moved.
    assert twin.hash == eq.load_protocol("il2-depression").hash


def test_what_follows_is_said(twin):
    assert change_protocol(twin, {"population.size": 60}).followed == (
        "randomisation.stratum_sizes = MDD 30, BD 30",
    )


def test_what_is_given_itself_does_not_follow(twin):
    values = {
        "population.size": 60,
        "randomisation.stratum_sizes.MDD": 24,
        "randomisation.stratum_sizes.BD": 36,
    }
    changed = change_protocol(twin, values)
    assert changed.protocol.randomisation.stratum_sizes == {"MDD": 24, "BD": 36}
    assert changed.followed == ()


@pytest.mark.parametrize(
    ("field", "remedy"),
    [
        ("populaton.size", "`population`"),
        ("population.siz", "`size`"),
        ("arms.il3.ratio", "`il2`"),
        ("visits.day6.day", "`day5`"),
        ("arms.il2.doses[3].amount", "`0`"),
        ("population", "`size`"),
        ("trial.title.x", "equipoise fields"),
        ("", "`population`"),
    ],
)
def test_a_field_that_is_none_is_refused_with_the_nearest(twin, field, remedy):
    with pytest.raises(eq.EquipoiseError) as caught:
        change_protocol(twin, {field: 3})
    assert remedy in caught.value.faults[0].remedy


def test_all_faults_come_at_once(twin):
    with pytest.raises(eq.EquipoiseError) as caught:
        change_protocol(twin, {"population.siz": 3, "arms.il3.ratio": 1})
    assert len(caught.value.faults) == 2
    with pytest.raises(eq.EquipoiseError) as caught:
        change_protocol(twin, {"arms.il2.ratio": 0, "analysis.alpha": 2.0})
    assert {fault.field for fault in caught.value.faults} == {"arms.il2.ratio", "analysis.alpha"}


def test_every_built_in_study_keeps_its_hash_when_it_is_written_out():
    for study in ("il2-depression", "il2-bipolar", "antidepressant-example",
                  "minocycline-depression", "minocycline-randomised"):  # fmt: skip
        protocol = eq.load_protocol(study)
        title = protocol.trial.short_title
        again = change_protocol(protocol, {"trial.short_title": title}).protocol
        assert again.hash == protocol.hash


@pytest.mark.parametrize(
    ("method", "field", "found"),
    [
        ("minimisation", "coin_probability", 0.8),
        ("biased-coin", "coin_probability", 0.8),
        ("urn", "urn_start", 0),
        ("urn", "urn_added", 1),
        ("simple", "block_sizes", ()),
        ("permuted-blocks", "block_sizes", (6,)),
    ],
)
def test_another_method_of_allocation_brings_what_it_needs(twin, method, field, found):
    """And loses what belongs to the other: it would be refused."""
    changed = change_protocol(twin, {"randomisation.method": method})
    assert getattr(changed.protocol.randomisation, field) == found
    said = ", ".join(changed.followed)
    assert (f"randomisation.{field}" in said) == (method not in ("simple", "permuted-blocks"))


def test_a_method_keeps_what_is_given_for_it(twin):
    values = {"randomisation.method": "biased-coin", "randomisation.coin_probability": 0.7}
    changed = change_protocol(twin, values)
    assert changed.protocol.randomisation.coin_probability == 0.7
    assert not any("coin" in word for word in changed.followed)
    back = change_protocol(changed.protocol, {"randomisation.method": "permuted-blocks"})
    assert back.protocol.randomisation.block_sizes == (6,)
    assert back.protocol.randomisation.coin_probability is None
