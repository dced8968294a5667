"""The lock: what was fixed, how it was amended, and what an unlocked plan may not do."""

from __future__ import annotations

import json

import pytest

import equipoise as eq
from equipoise.protocol.lock import FILE, changed_fields, read_lock


@pytest.fixture
def study(write_protocol):
    return write_protocol(study="antidepressant-example").parent


def observed(protocol):
    simulated = eq.simulate(protocol, seed=1)
    return eq.records_from_tables(protocol, simulated.frames(), origin="observed", source="a test")


def amend(study, old='"Built for this example"', new='"Built for this example, amended"'):
    path = study / "protocol.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_observed_data_with_the_allocation_need_a_locked_plan(study):
    protocol = eq.load_protocol(study)
    assert protocol.lock_in_force() is None
    records = observed(protocol)
    with pytest.raises(eq.EquipoiseError, match="by a plan that was locked before") as info:
        eq.analyse(protocol, records)
    (fault,) = info.value.faults
    assert fault.code == "plan-unlocked"
    assert "equipoise lock STUDY" in fault.remedy
    # Neither blinded nor simulated data need one.
    assert eq.analyse(protocol, records.without_allocation()).blinded
    assert not eq.analyse(protocol, eq.simulate(protocol, seed=1)).lock.entries
    lock = protocol.lock(study)
    results = eq.analyse(protocol, records)
    assert results.lock.in_force
    assert [e.hash for e in results.lock.entries] == [protocol.hash]
    assert eq.load_protocol(study).lock_in_force() == lock


def test_a_changed_plan_is_refused_until_its_amendment_is_recorded(study, tmp_path):
    first = eq.load_protocol(study)
    first.lock(study)
    amend(study, "size = 172", "size = 200")
    amend(study, 'label = "Week 6"', 'label = "Week six"')
    changed = eq.load_protocol(study)
    records = observed(changed)
    with pytest.raises(eq.EquipoiseError, match=r"it differs in population\.size") as info:
        eq.analyse(changed, records)
    assert info.value.faults[0].code == "plan-changed"
    assert "visits.week6.label" in info.value.faults[0].rule
    with pytest.raises(eq.EquipoiseError, match="changes by an amendment, with its reason"):
        changed.lock(study, "  ")
    lock = changed.lock(study, "More participants were funded")
    assert [e.reason for e in lock.entries] == ["", "More participants were funded"]
    assert set(lock.current.changes) == {"population.size", "visits.week6.label"}
    results = eq.analyse(changed, records)
    page = eq.write_report(results, tmp_path / "out").read_text(encoding="utf-8")
    assert "More participants were funded" in page
    assert "population.size" in page
    assert lock.current.seal[:16] in page
    # Locking the same plan again adds nothing.
    assert changed.lock(study, "again") == lock


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (
            lambda d: d["entries"][0].update(time="2020-01-01T00:00:00+00:00"),
            "entry 1 does not fit",
        ),
        (lambda d: d["entries"][0].update(reason="none of it"), "entry 1 does not fit"),
        (lambda d: d["entries"].pop(0), "entry 1 does not fit"),
        (lambda d: d["plan"]["population"].update(size=10), "is not the one of its last entry"),
        (lambda d: d.pop("plan"), "an entry is not as it was written"),
        (lambda d: d.update(entries=[]), "an entry is not as it was written"),
    ],
)
def test_a_lock_that_was_changed_by_hand_is_refused(study, damage, why):
    eq.load_protocol(study).lock(study)
    amend(study)
    eq.load_protocol(study).lock(study, "wording")
    data = json.loads((study / FILE).read_text(encoding="utf-8"))
    damage(data)
    (study / FILE).write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match=why) as info:
        read_lock(study)
    assert info.value.faults[0].code == "lock-damaged"
    with pytest.raises(eq.EquipoiseError, match="never mended by hand"):
        eq.load_protocol(study).lock(study, "another")


def test_a_lock_that_is_no_json_is_refused(study):
    (study / FILE).write_text("locked!", encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match="it is not JSON"):
        read_lock(study)


def test_changed_fields_name_tables_added_removed_and_reordered(antidepressant, il2):
    assert changed_fields(il2.canonical(), il2.canonical()) == ()
    arms = dict(reversed(il2.arms.items()))
    turned = il2.model_copy(update={"arms": arms})
    assert changed_fields(il2.canonical(), turned.canonical()) == ("arms (order)",)
    fewer = il2.model_copy(update={"labs": {}})
    assert changed_fields(il2.canonical(), fewer.canonical()) == ("labs",)


def test_the_built_in_analysis_of_observed_data_is_locked(antidepressant):
    lock = antidepressant.lock_in_force()
    assert lock is not None
    assert lock.current.hash == antidepressant.hash, (
        "the built-in protocol has changed: amend its lock from Python, "
        'load_protocol("antidepressant-example").lock(its folder, reason)'
    )


def test_the_command_locks_and_amends(study, capsys, monkeypatch):
    from typer.testing import CliRunner

    from equipoise.cli.commands import app

    def run(*args):
        return CliRunner().invoke(app, [str(a) for a in args])

    assert "not locked" in run("check", study).output
    first = run("lock", study)
    assert "the plan is locked" in first.output
    assert "was locked already" in run("lock", study).output
    amend(study)
    assert "CHANGED since" in run("check", study).output
    second = run("lock", study, "--reason", "A clearer wording")
    assert "amendment 1 is recorded" in second.output
    assert "1 amendments" not in second.output
    refused = run("lock", "il2-depression")
    assert isinstance(refused.exception, eq.EquipoiseError)
    assert "a built-in study belongs to the package" in str(refused.exception)
