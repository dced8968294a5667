"""The monitoring committee's report: letters that tell nothing, names when it asks."""

from __future__ import annotations

import functools
import json
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest
from tests.analysis.test_other_designs import changed
from tests.analysis.test_single_arm import SINGLE
from tests.conftest import protocol_text
from tests.light_study import light_fixtures, light_study
from tests.report.test_blind import without_the_public_title

import equipoise as eq
from equipoise.analysis.monitor_key import draw_key, read_key
from equipoise.analysis.monitoring import monitor
from equipoise.report.monitor_page import key_path, monitor_files, write_monitor

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


@functools.cache
def study():
    """The protocol under which the records were drawn, as a file."""
    return str(light_study(Path(tempfile.mkdtemp(prefix="equipoise-study"))))


def run(*arguments, check=True):
    return subprocess.run(
        [sys.executable, "-m", "equipoise", "monitor", study(), *map(str, arguments)],
        capture_output=True, text=True, check=check,
    )  # fmt: skip


def texts(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def data(il2_records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("monitor") / "data"
    eq.write_records(il2_records, folder)
    return folder


@pytest.fixture(scope="module")
def lettered(data):
    """Everything that the command writes and prints, but for the key."""
    out = data.parent / "ab"
    done = run("--data", data, "--out", out)
    return {**texts(out), "stdout": done.stdout, "stderr": done.stderr}


def test_no_arm_no_drug_and_nothing_unblinding_stands_in_the_whole_output(lettered, il2):
    words = set(il2.arms) | {arm.label for arm in il2.arms.values()}
    words |= {dose.drug for arm in il2.arms.values() for dose in arm.doses}
    for table in (il2.cells, il2.labs, il2.vitals):
        words |= {k for k, part in table.items() if part.unblinding}
        words |= {part.label for part in table.values() if part.unblinding}
    words |= {term for term, event in il2.safety.events.items() if event.unblinding}
    words |= {"control", "1 MIU", "block size"}
    assert {"monitor.html", "monitor.json", "tables/adverse_events.csv"} <= set(lettered)
    for name, text in lettered.items():
        lower = without_the_public_title(text, il2).lower()
        for word in words:
            assert not re.search(rf"(?<![a-z]){re.escape(word.lower())}(?![a-z])", lower), (
                name,
                word,
            )
    results = json.loads(lettered["monitor.json"])
    assert [group["label"] for group in results["groups"]] == ["Arm A", "Arm B"]
    assert results["provenance"]["seed"] is None


def test_no_participant_and_no_outcome_stands_anywhere(lettered, il2_records):
    for name, text in lettered.items():
        for participant in il2_records.participants["participant"]:
            assert participant not in text, (name, participant)
    assert "lsmeans" not in lettered["monitor.json"]
    assert not {"endpoints", "answers", "estimands"} & set(json.loads(lettered["monitor.json"]))


def test_the_key_is_private_beside_the_folder_and_kept(data, lettered, tmp_path, il2):
    path = key_path(data.parent / "ab")
    assert path.parent == data.parent
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = json.loads(path.read_text(encoding="utf-8"))
    for name, text in lettered.items():
        assert key["seed"] not in text, name
    first = lettered["monitor.json"]
    run("--data", data, "--out", data.parent / "ab")  # the key beside it is found
    assert texts(data.parent / "ab")["monitor.json"] == first
    run("--data", data, "--out", tmp_path / "next", "--key", path)
    assert texts(tmp_path / "next")["monitor.json"] == first
    assert not key_path(tmp_path / "next").exists()
    assert read_key(path, il2).letters == {arm: letter for letter, arm in key["arms"].items()}


def test_letters_are_drawn_and_never_follow_the_protocol(il2):
    orders = {draw_key(il2, seed).order for seed in range(20)}
    assert orders == {("placebo", "il2"), ("il2", "placebo")}
    assert draw_key(il2).seed != draw_key(il2).seed
    assert draw_key(il2).seed < 2**128
    assert "placebo" not in repr(draw_key(il2, 1))


def test_each_letter_has_the_numbers_of_its_arm(il2, il2_records):
    key = draw_key(il2, 1)
    under_letters = monitor(il2, il2_records, key)
    named = monitor(il2, il2_records)
    assert [g.label for g in named.groups] == ["Placebo", "Aldesleukin"]
    for arm, letter in key.letters.items():
        for part in ("watched", "liver"):
            for mine, theirs in zip(
                getattr(under_letters.safety, part), getattr(named.safety, part), strict=True
            ):
                (a,) = [r for r in mine.rates if r.group == letter.lower()]
                (b,) = [r for r in theirs.rates if r.group == arm]
                assert (a.events, a.n) == (b.events, b.n)
        headache = [
            [
                r
                for row in s.safety.terms
                if row.label == "Headache"
                for r in row.rates
                if r.group == g
            ]
            for s, g in ((under_letters, letter.lower()), (named, arm))
        ]
        assert headache[0][0].events == headache[1][0].events


def test_the_unblinded_report_names_the_arms_and_leaves_nothing_out(data, tmp_path):
    done = run("--data", data, "--out", tmp_path / "named", "--unblind")
    assert "UNBLINDED" in done.stdout
    page = texts(tmp_path / "named")["monitor.html"]
    for word in ("Aldesleukin", "Injection site reaction", "Eosinophils", "Body temperature"):
        assert word in page, word
    assert "Arm A" not in page
    assert not key_path(tmp_path / "named").exists()


def test_the_page_says_what_it_is(lettered):
    page = lettered["monitor.html"]
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL).group(1)
    assert title.startswith("SIMULATED: CONFIDENTIAL")
    assert "The planned sizes of the arms differ" in page
    assert "adverse events of terms that can give an arm away: left out" in page
    assert "no diagnosis" in page or "not a diagnosis" in page
    for name, text in lettered.items():
        if name.endswith(".csv"):
            assert "SIMULATED" in text, name
    for heading in ("Recruitment and flow", "Completeness", "Baseline", "Suicidality and mania",
                    "Liver flags", "Vital signs", "Stopping rules", "By worst grade"):  # fmt: skip
        assert heading in page, heading


def test_without_the_allocation_it_is_refused(il2_records, tmp_path):
    eq.write_records(il2_records.without_allocation(), tmp_path / "data")
    done = run("--data", tmp_path / "data", "--out", tmp_path / "out", check=False)
    assert done.returncode == 1
    assert "harms by arm need the allocation" in done.stderr
    assert not (tmp_path / "out").exists()
    assert not key_path(tmp_path / "out").exists()


def test_the_allocation_of_observed_people_is_opened_under_a_lock_alone(il2_records, tmp_path):
    """Letters or names: who looks before the plan is locked can plan by what was seen."""
    path = tmp_path / "protocol.toml"
    path.write_text(protocol_text("il2-depression"), encoding="utf-8")
    protocol = eq.load_protocol(path)
    records = eq.records_from_tables(protocol, il2_records.frames(), origin="observed")
    eq.write_records(records, tmp_path / "data")
    assert monitor(protocol, il2_records).groups  # simulated people
    for key in (None, draw_key(protocol, 1)):
        with pytest.raises(eq.EquipoiseError, match="by a plan that was locked before") as info:
            monitor(protocol, records, key)
        assert info.value.faults[0].code == "plan-unlocked"
    done = subprocess.run(
        [sys.executable, "-m", "equipoise", "monitor", path, "--data", tmp_path / "data",
         "--out", tmp_path / "out", "--unblind"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "equipoise lock STUDY" in done.stderr
    assert not (tmp_path / "out").exists()
    protocol.lock(tmp_path)
    assert monitor(protocol, records).groups
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('label = "Placebo"', 'label = "Saline"', 1), encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match=r"it differs in arms\.placebo\.label"):
        monitor(eq.load_protocol(path), records)


def test_an_empty_trial_is_refused(il2, il2_records):
    empty = {
        n: f.clear() for n, f in il2_records.frames().items() if n in ("participants", "allocation")
    }
    records = eq.records_from_tables(il2, empty, manifest=il2_records.manifest)
    with pytest.raises(eq.EquipoiseError, match="at least one participant was randomised"):
        monitor(il2, records)


def test_a_key_that_is_missing_damaged_or_of_another_trial_is_refused(il2, tmp_path):
    path = tmp_path / "key.json"
    with pytest.raises(eq.EquipoiseError, match="leave --key out"):
        read_key(path, il2)
    for content in ("{", "[]", '{"seed": "x"}', '{"seed": "-1", "arms": {}, "protocol_id": "x"}'):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(eq.EquipoiseError, match="as `equipoise monitor` wrote it"):
            read_key(path, il2)
    good = json.loads(draw_key(il2, 1).content())
    for change in ({"protocol_id": "other"}, {"arms": {"A": "x", "B": "y"}}):
        path.write_text(json.dumps(good | change), encoding="utf-8")
        with pytest.raises(eq.EquipoiseError, match="belong to another trial"):
            read_key(path, il2)


def test_named_arms_do_not_stand_where_letters_are_kept(il2, il2_records, tmp_path):
    key = draw_key(il2, 1)
    write_monitor(monitor(il2, il2_records, key), tmp_path / "out", key)
    with pytest.raises(eq.EquipoiseError, match="does not stand where one under letters"):
        write_monitor(monitor(il2, il2_records), tmp_path / "out")
    done = run("--data", tmp_path, "--unblind", "--key", "x", check=False)
    assert done.returncode == 2


def test_free_text_that_names_the_drug_is_withheld_and_counted(il2, il2_records, tmp_path):
    events = il2_records.adverse_events
    extra = events.head(2).with_columns(
        term=pl.Series(["Overdose of ALDESLEUKIN", "Rash"]),
        serious=pl.lit(True),
        grade=pl.lit(5, pl.Int64),
        organ_class=pl.Series(["Injury", "Reactions to placebo"]),
    )
    ended = il2_records.disposition.with_columns(
        reason=pl.when(pl.col("event") == "discontinued").then(pl.lit("Fever on il2"))
    )
    frames = il2_records.frames() | {
        "adverse_events": pl.concat([events, extra]), "disposition": ended,
    }  # fmt: skip
    records = eq.records_from_tables(il2, frames, origin="observed")
    report = il2.report.model_copy(update={"committee_sees_small_counts": True})
    plan = il2.model_copy(update={"report": report})
    plan.lock(tmp_path)
    results = monitor(plan, records, draw_key(il2, 1))
    text = without_the_public_title(results.model_dump_json(), il2).lower()
    for word in ("aldesleukin", "fever on", "reactions to", "overdose"):
        assert word not in text
    assert "rash" in text  # a new term is what the committee is there for
    assert any("(over all arms 1 serious, 1 of grade 3 or higher, 1 fatal)" in t
               for t in results.left_out)  # fmt: skip
    assert any("Reason withheld" in reason.reason for reason in results.flow.reasons)


def test_stopping_rules_count_all_events_under_letters_too(il2, il2_records):
    """A severe event of a term that is left out must not escape the rule."""
    events = il2_records.adverse_events.with_columns(
        grade=pl.when(pl.col("term") == "Injection site reaction")
        .then(3).otherwise(pl.col("grade"))
    )  # fmt: skip
    frames = il2_records.frames() | {"adverse_events": events}
    records = eq.records_from_tables(il2, frames, origin="observed")
    key = draw_key(il2, 1)
    rules = {rule.group: rule for rule in monitor(il2, records, key).safety.stopping}
    (named,) = monitor(il2, records).safety.stopping
    mine = rules[key.letters["il2"].lower()]
    assert mine.crossed_at == named.crossed_at is not None
    # The numbers, less those of the summary, would say who had what is left out.
    arm = il2_records.allocation.filter(pl.col("arm") == "il2")["participant"]
    severe = events.filter((pl.col("grade") >= 3) & pl.col("participant").is_in(arm.to_list()))
    assert named.events == severe["participant"].n_unique()
    assert mine.events is None
    assert {look.events for look in mine.looks} == {None}
    severe = next(r for r in monitor(il2, records, key).safety.summary if r.key == "severe")
    assert severe.label.endswith("as shown")
    assert sum(rate.events for rate in severe.rates) == 0


def test_the_committee_sees_small_counts_of_observed_people_where_the_plan_says_so(
    il2, il2_records, tmp_path
):
    records = eq.records_from_tables(il2, il2_records.frames(), origin="observed")
    hidden = monitor(il2, records)
    assert hidden.safety.hidden_terms > 0
    assert not any(0 < rate.events < 5 for row in hidden.safety.terms for rate in row.rates)
    assert "small count" in monitor_files(hidden)["monitor.html"].decode()
    report = il2.report.model_copy(update={"committee_sees_small_counts": True})
    plan = il2.model_copy(update={"report": report})
    plan.lock(tmp_path)
    results = monitor(plan, records)
    assert results.safety.hidden_terms == 0
    assert not any(shift.suppressed for shift in results.safety.lab_shifts)
    assert any(0 < rate.events < 5 for row in results.safety.terms for rate in row.rates)
    page = monitor_files(results)["monitor.html"].decode()
    assert "small count, not shown" not in page
    assert "SIMULATED" not in page


def test_a_single_arm_trial_has_no_letters(tmp_path):
    protocol = changed(tmp_path, "antidepressant-example", *SINGLE)
    results = monitor(protocol, eq.simulate(protocol, seed=1))
    assert results.reference is None
    page = monitor_files(results)["monitor.html"].decode()
    assert "planned participants were enrolled" in page
    assert "Difference" not in page


def test_completeness_by_hand(il2, il2_records):
    results = monitor(il2, il2_records)
    row = next(r for r in results.completeness if r.group == "il2" and r.label == "HDRS-17")
    people = il2_records.allocation.filter(pl.col("arm") == "il2")["participant"]
    seen = il2_records.scores.filter(
        pl.col("participant").is_in(people.implode())
        & (pl.col("instrument") == "hdrs") & (pl.col("item") == "total")
    )  # fmt: skip
    assert (row.planned, row.recorded) == (24 * 6, seen.height)
    assert sum(site.n for site in results.sites) == 36
