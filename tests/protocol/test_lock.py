"""The lock: what was fixed, how it was amended, and what an unlocked plan may not do."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from multiprocessing import get_context

import pytest
from tests.conftest import ROOT

import equipoise as eq
from equipoise.protocol import lock as locks
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


@pytest.mark.parametrize("content", [b"locked!", b"[" * 200_000, b'"\xff"'], ids=len)
def test_a_lock_that_is_no_json_is_refused(study, content):
    (study / FILE).write_bytes(content)
    with pytest.raises(eq.EquipoiseError, match="it is not JSON"):
        read_lock(study)


def sealed(study, plan=None, **changes):
    """A lock of one entry with these changes, whose seal fits: anybody can compute one."""
    data = json.loads((study / FILE).read_text(encoding="utf-8"))
    if plan is not None:
        data["plan"] = plan
        text = json.dumps(plan, ensure_ascii=False, separators=(",", ":"))
        changes["hash"] = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    (entry,) = data["entries"]
    entry |= changes
    body = json.dumps(
        {name: value for name, value in entry.items() if name != "seal"},
        sort_keys=True, ensure_ascii=False, separators=(",", ":"),
    )  # fmt: skip
    text = f"\n{body}".encode(errors="surrogatepass")
    entry["seal"] = hashlib.sha256(text).hexdigest()
    (study / FILE).write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "\udcff"},
        {"plan": {"title": "\ud800"}},
        {"reason": None},
        {"hash": 5},
        {"changes": "abc"},
        {"changes": [1]},
        {"time": "once upon a time"},
    ],
    ids=str,
)
def test_what_no_lock_holds_is_refused_though_its_seal_fits(study, changes):
    eq.load_protocol(study).lock(study)
    sealed(study)
    assert read_lock(study) is not None
    sealed(study, **changes)
    with pytest.raises(eq.EquipoiseError, match="an entry is not as it was written") as info:
        read_lock(study)
    assert info.value.faults[0].code == "lock-damaged"


@pytest.mark.parametrize("plan", [5, [], {"visits": [{"id": []}, {"id": {}}]}], ids=str)
def test_a_plan_of_another_form_differs_and_breaks_nothing(study, plan):
    protocol = eq.load_protocol(study)
    protocol.lock(study)
    sealed(study, plan)
    with pytest.raises(eq.EquipoiseError, match="it differs in") as info:
        locks.require_lock(protocol)
    assert info.value.faults[0].code == "plan-changed"


def test_a_damaged_lock_is_said_before_anything_is_called_valid(study):
    (study / FILE).write_text("locked!", encoding="utf-8")
    done = command("check", study)
    assert isinstance(done.exception, eq.EquipoiseError)
    assert done.exception.faults[0].code == "lock-damaged"
    assert "valid" not in done.output
    assert eq.load_protocol(study).hash not in done.output


@pytest.mark.parametrize("reason", ["\udcff", "a \x1b[31m red", "nul \0"])
def test_a_reason_that_is_no_plain_text_is_refused(study, reason):
    eq.load_protocol(study).lock(study)
    before = (study / FILE).read_bytes()
    amend(study)
    with pytest.raises(eq.EquipoiseError, match="a reason is plain text in UTF-8") as info:
        eq.load_protocol(study).lock(study, reason)
    assert info.value.faults[0].code == "reason-invalid"
    assert (study / FILE).read_bytes() == before
    assert eq.load_protocol(study).lock(study, "Größe\u00a0: «\u202f12\u202f»").current.reason


def test_a_reason_in_another_encoding_is_a_fault_of_the_user(study):
    done = subprocess.run(
        [sys.executable, "-m", "equipoise", "lock", os.fsencode(study), "--reason", b"gr\xf6\xdfer"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "a reason is plain text in UTF-8" in done.stderr
    assert not (study / FILE).exists()


def test_a_changed_copy_is_another_plan_and_is_not_analysed_under_the_lock(study):
    protocol = eq.load_protocol(study)
    assert protocol.hash  # is kept, and must not be handed on
    protocol.lock(study)
    records = observed(protocol)
    analysis = protocol.analysis.model_copy(update={"alpha": 0.2})
    copy = protocol.model_copy(update={"analysis": analysis})
    assert copy.hash != protocol.hash
    assert copy.hash == hashlib.sha256(copy.canonical().encode()).hexdigest()
    with pytest.raises(eq.EquipoiseError, match=r"it differs in analysis\.alpha") as info:
        eq.analyse(copy, records)
    assert info.value.faults[0].code == "plan-changed"
    assert not eq.analyse(copy, records.without_allocation()).lock.in_force
    # A copy of the same content is the same plan.
    assert eq.analyse(protocol.model_copy(), records.without_allocation()).lock.in_force


def test_a_hash_that_was_kept_from_another_plan_opens_nothing(study):
    """However it came about: the content is compared, not the hash that an object carries."""
    protocol = eq.load_protocol(study)
    protocol.lock(study)
    copy = protocol.model_copy(update={"visits": protocol.visits[:-1]})
    copy.__dict__["hash"] = protocol.hash
    with pytest.raises(eq.EquipoiseError, match=r"it differs in visits\."):
        locks.require_lock(copy)
    assert read_lock(study).holds(protocol)
    assert not read_lock(study).holds(copy)


def test_a_copy_is_checked_when_it_is_locked(study):
    protocol = eq.load_protocol(study)
    copy = protocol.model_copy(update={"visits": protocol.visits[:1]})
    with pytest.raises(eq.EquipoiseError, match="Nothing is locked") as info:
        copy.lock(study)
    assert "value-invalid" in {fault.code for fault in info.value.faults}
    assert not (study / FILE).exists()
    population = protocol.population.model_copy(update={"size": 174})
    larger = protocol.model_copy(update={"population": population})
    assert larger.lock(study).current.hash == larger.hash


def lock_at_once(study, number, start):
    protocol = eq.load_protocol(study)
    trial = protocol.trial.model_copy(update={"title": f"Title {number}"})
    copy = protocol.model_copy(update={"trial": trial})
    start.wait()
    done = []
    for turn in range(10):
        try:
            copy.model_copy(update={"trial": trial.model_copy(update={
                "title": f"Title {number}, {turn}"})}).lock(study, f"reason {number}, {turn}")  # fmt: skip
            done.append(f"reason {number}, {turn}")
        except eq.EquipoiseError as error:
            assert [fault.code for fault in error.faults] == ["lock-busy"], str(error)
    return done


def test_no_amendment_is_lost_when_several_lock_at_once(study):
    eq.load_protocol(study).lock(study)
    context = get_context("spawn")
    with context.Manager() as manager, context.Pool(3) as pool:
        start = manager.Barrier(3)
        done = pool.starmap(lock_at_once, [(study, number, start) for number in range(3)])
    recorded = [entry.reason for entry in read_lock(study).entries[1:]]
    assert sorted(recorded) == sorted(reason for reasons in done for reason in reasons)
    assert len(recorded) >= 1
    assert [path.name for path in study.glob(f"{FILE}*")] == [FILE]


def test_a_locking_that_was_killed_is_said_with_its_remedy(study):
    eq.load_protocol(study).lock(study)
    before = (study / FILE).read_bytes()
    amend(study)
    (study / f"{FILE}.new").touch()
    with pytest.raises(eq.EquipoiseError, match="delete this file and lock again") as info:
        eq.load_protocol(study).lock(study, "wording")
    assert info.value.faults[0].code == "lock-busy"
    assert (study / FILE).read_bytes() == before
    assert (study / f"{FILE}.new").exists()
    (study / f"{FILE}.new").unlink()
    assert len(eq.load_protocol(study).lock(study, "wording").entries) == 2


def test_a_lock_that_changes_while_it_is_written_is_not_overwritten(study, monkeypatch):
    eq.load_protocol(study).lock(study)
    amend(study)
    protocol = eq.load_protocol(study)
    real = locks._with_entry

    def slow(*arguments):
        (study / FILE).write_text("a person was faster", encoding="utf-8")
        return real(*arguments)

    monkeypatch.setattr(locks, "_with_entry", slow)
    with pytest.raises(eq.EquipoiseError, match="it was changed while the plan was being locked"):
        protocol.lock(study, "wording")
    assert (study / FILE).read_text(encoding="utf-8") == "a person was faster"
    assert not (study / f"{FILE}.new").exists()


def test_the_report_says_what_no_lock_can_show(study, tmp_path):
    protocol = eq.load_protocol(study)
    protocol.lock(study, "A plan from the ethics committee")
    results = eq.analyse(protocol, observed(protocol))
    page = eq.write_report(results, tmp_path / "out").read_text(encoding="utf-8")
    section = page[page.index('id="lock"') :]
    assert "Nothing in it shows that it came before the data were opened" in section
    assert "first locking: A plan from the ethics committee" in section


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


def command(*args):
    from typer.testing import CliRunner

    from equipoise.cli.commands import app

    return CliRunner().invoke(app, [str(a) for a in args])


def test_a_first_locking_with_a_reason_is_no_amendment(study):
    first = command("lock", study, "--reason", "Approved")
    assert "the plan is locked" in first.output
    assert "Approved" in first.output
    assert "amendment" not in first.output
    assert "changes" not in first.output


def test_the_command_locks_and_amends(study):
    run = command
    assert "not locked" in run("check", study).output
    first = run("lock", study)
    assert "the plan is locked" in first.output
    assert "was locked already" in run("lock", study).output
    amend(study)
    assert "CHANGED since" in run("check", study).output
    second = run("lock", study, "--reason", "A clearer wording")
    assert "amendment 1 is recorded" in second.output
    assert re.search(r"lock +locked \S+, 1 amendment$", run("check", study).output, re.MULTILINE)
    amend(study, "amended", "amended twice")
    run("lock", study, "--reason", "Again")
    assert ", 2 amendments\n" in run("check", study).output
    refused = run("lock", "il2-depression")
    assert isinstance(refused.exception, eq.EquipoiseError)
    assert "a built-in study belongs to the package" in str(refused.exception)
