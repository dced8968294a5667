"""Every item of every checklist flips with the plan or the records; nothing is named in vain."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from importlib import resources

import polars as pl
import pytest
from pydantic import BaseModel
from tests.light_study import light_fixtures
from tests.protocol.test_reporting import with_reporting

import equipoise as eq
from equipoise.analysis.planned import make_plan
from equipoise.analysis.results import Screening
from equipoise.protocol import Protocol
from equipoise.protocol.reporting import Description, Reporting
from equipoise.records.schema import tables
from equipoise.report.checklists import CHECKLISTS, State, evaluate, load
from equipoise.report.checklists.forecast_rules import RULES as OF_FORECASTS
from equipoise.report.checklists.plan_rules import RULES as OF_PLANS
from equipoise.report.checklists.results_rules import RULES as OF_RESULTS

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()

RESULT_LISTS = ("consort2025", "consort_harms")


def full_reporting():
    """[reporting] with every field filled in."""
    filled = {}
    for name, table in Reporting.model_fields.items():
        filled[name] = {}
        for field, info in table.annotation.model_fields.items():
            text = f"Text of {name} {field}"
            if "_start" in field or "_end" in field or field.endswith("_date"):
                text = "2024-05-31"
            several = "tuple" in str(info.annotation)
            filled[name][field] = [text] if several else text
    return filled


def full_description():
    return {field: f"Text of {field}" for field in Description.model_fields}


@pytest.fixture(scope="module")
def full(il2):
    described = {arm: full_description() for arm in il2.arms}
    return with_reporting(il2, arms=described, **full_reporting())


@pytest.fixture(scope="module")
def empty(il2):
    return with_reporting(il2, arms=dict.fromkeys(il2.arms))


def replanned(results, protocol):
    """The results as they would be under a protocol that differs in its texts only."""
    return results.model_copy(update={"plan": make_plan(protocol, results.blinded)})


@pytest.fixture(scope="module")
def medicated(il2, il2_records):
    people = il2_records.participants["participant"]
    medications = pl.DataFrame(
        {
            "participant": people,
            "start_day": [-30.0] * people.len(),
            "end_day": [None] * people.len(),
            "drug": ["sertraline"] * people.len(),
            "class": ["SSRI"] * people.len(),
            "dose": [100.0] * people.len(),
            "unit": ["mg"] * people.len(),
            "reason": [None] * people.len(),
        },
        schema_overrides={"end_day": pl.Float64, "reason": pl.String},
    )
    frames = il2_records.frames() | {"medications": medications}
    return eq.records_from_tables(il2, frames, manifest=il2_records.manifest)


@pytest.fixture(scope="module")
def everything(il2, medicated, full):
    """Results with nothing left out: every table was recorded and every text was written."""
    return replanned(eq.analyse(il2, medicated), full)


@pytest.fixture(scope="module")
def nothing(everything, empty):
    """The same results as if of the records only the participants were there, and no text."""
    flow = everything.flow
    unknown = {
        "received_dose": None, "doses_given": None, "doses_planned": None, "stopped_drug": None,
        "completed": None, "discontinued": None, "lost": None, "died": None,
        "status_unknown": None,
    }  # fmt: skip
    plan = make_plan(empty, False).model_copy(
        update={
            "given": {}, "randomisation": "", "missing_data": "", "estimands": (), "arms": (),
            "expected_harms": 0,
        }
    )  # fmt: skip
    failed = {"fit": None, "failure": "nothing to fit", "subgroup": None}
    return everything.model_copy(
        update={
            "title": "A trial",
            "plan": plan,
            "flow": flow.model_copy(
                update={
                    "screening": None, "reasons": (), "analysed": (),
                    "counts": tuple(c.model_copy(update=unknown) for c in flow.counts),
                }
            ),
            "baseline": everything.baseline.model_copy(update={"rows": ()}),
            "endpoints": {
                k: e.model_copy(update=failed) for k, e in everything.endpoints.items()
            },
            "outcomes": {},
            "estimands": {},
            "families": (),
            "answers": (),
            "concomitant": None,
            "safety": everything.safety.model_copy(
                update={"summary": (), "terms": (), "watched": ()}
            ),
        }
    )  # fmt: skip


def states(checklist, results):
    lines = evaluate(checklist, results.plan, results)
    return {line.item.number: line.finding for line in lines}


#: Items that a valid protocol always answers at least in part: its fields are required.
NEVER_MISSING = {"9", "30"}


@pytest.mark.parametrize("checklist", RESULT_LISTS)
def test_every_item_is_answered_by_a_full_trial_and_not_by_an_empty_one(
    checklist, everything, nothing
):
    answered, missing = states(checklist, everything), states(checklist, nothing)
    assert answered
    for number, finding in answered.items():
        assert finding.state is State.ANSWERED, (number, finding)
        if number == "21d":  # nothing further planned: it does not apply, see below
            continue
        assert finding.anchors, number
        assert not finding.fields, number
        other = missing[number]
        expected = {State.PARTLY, State.MISSING} if number in NEVER_MISSING else {State.MISSING}
        assert other.state in expected, (number, other)
        assert other.fields or other.tables, number


def test_where_nothing_further_is_planned_its_items_do_not_apply(everything):
    plan = everything.plan.model_copy(update={"further_analyses": ()})
    found = states("consort2025", everything.model_copy(update={"plan": plan}))
    assert {found[n].state for n in ("21d", "28")} == {State.NOT_APPLICABLE}


def test_every_spirit_item_is_answered_by_a_full_protocol_and_not_by_an_empty_one(full, empty):
    found = {
        line.item.number: line.finding for line in evaluate("spirit2025", make_plan(full, False))
    }
    for number, finding in found.items():
        assert finding.state is State.ANSWERED, (number, finding)
        assert finding.says, number
    bare = make_plan(empty, False).model_copy(
        update={
            "given": {}, "title": "A trial", "missing_data": "", "estimands": (), "arms": (),
            "measures": (), "models": (), "allocation": "",
        }
    )  # fmt: skip
    for line in evaluate("spirit2025", bare):
        number, finding = line.item.number, line.finding
        allowed = {State.MISSING}
        if number in ("1a", "12"):
            allowed.add(State.PARTLY)
        if number == "27d":
            continue
        assert finding.state in allowed, (number, finding)
    none_planned = make_plan(full, False).model_copy(update={"further_analyses": ()})
    last = {line.item.number: line.finding for line in evaluate("spirit2025", none_planned)}
    assert last["27d"].state is State.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("number", "change", "state", "names"),
    [
        ("22a", {"screening": None}, State.PARTLY, "screening"),
        ("22b", {"counts": {"completed": None}}, State.MISSING, "disposition"),
        ("22b", {"counts": {"status_unknown": 2}}, State.PARTLY, "disposition"),
        ("22b", {"reasons": {"n": None}}, State.PARTLY, "report.smallest_cell"),
        ("22b", {"reasons": {"reason": "Reason not recorded"}}, State.PARTLY, "disposition"),
        ("22a", {"counts": {"received_dose": None}}, State.PARTLY, "doses"),
    ],
)
def test_the_flow_is_judged_by_what_was_recorded(everything, number, change, state, names):
    flow = everything.flow
    update = {}
    for name, value in change.items():
        rows = getattr(flow, name)
        update[name] = (
            tuple(row.model_copy(update=value) for row in rows)
            if isinstance(rows, tuple)
            else value
        )
    results = everything.model_copy(update={"flow": flow.model_copy(update=update)})
    finding = states("consort2025", results)[number]
    assert finding.state is state
    assert names in (*finding.fields, *finding.tables)


def test_an_answer_that_could_not_be_estimated_is_not_called_answered(everything):
    first, *rest = everything.answers
    lost = first.model_copy(update={"contrasts": ()})
    finding = states("consort2025", everything.model_copy(update={"answers": (lost, *rest)}))["26"]
    assert finding.state is State.PARTLY
    assert first.estimand in finding.note


def test_zero_harms_are_an_answer_and_no_harms_collected_are_not(il2, medicated, full):
    frames = medicated.frames()
    none = eq.records_from_tables(
        il2, frames | {"adverse_events": frames["adverse_events"].clear()},
        manifest=medicated.manifest,
    )  # fmt: skip
    gone = {k: v for k, v in frames.items() if k != "adverse_events"}
    without = eq.records_from_tables(il2, gone, manifest=medicated.manifest)
    zero = replanned(eq.analyse(il2, none), full)
    absent = replanned(eq.analyse(il2, without), full)
    for number in ("H7", "H10", "H11", "H12"):
        assert states("consort_harms", zero)[number].state is State.ANSWERED, number
        finding = states("consort_harms", absent)[number]
        assert (finding.state, finding.tables) == (State.MISSING, ("adverse_events",)), number
    assert states("consort2025", zero)["27"].state is State.ANSWERED
    assert states("consort2025", absent)["27"].state is State.MISSING


def exists(protocol, path):
    """Whether a dotted path leads somewhere in the models of the protocol."""
    value = Protocol
    for part in path.split("."):
        if isinstance(value, dict):
            assert part in value, path
            value = value[part]
        else:
            model = value if isinstance(value, type) else type(value)
            assert issubclass(model, BaseModel), path
            if part not in model.model_fields:
                return False
            given = None if isinstance(value, type) else getattr(value, part)
            if value is Protocol:
                given = getattr(protocol, part)
            kind = model.model_fields[part].annotation
            value = given if given is not None else _part(kind)
    return True


def _part(kind):
    found = [k for k in getattr(kind, "__args__", (kind,)) if isinstance(k, type)]
    return next((k for k in found if issubclass(k, BaseModel)), found[0] if found else kind)


def test_every_field_and_table_that_is_named_exists(
    il2, everything, nothing, blinded_results, empty, il2_results
):
    named_fields, named_tables = set(), set()
    for checklist in CHECKLISTS:
        for item in load(checklist).items:
            if checklist == "tidier":
                named_fields |= {
                    f"arms.il2.description.{f}"
                    for f in item.fields
                    if f in Description.model_fields
                }
                assert set(item.fields) <= set(Description.model_fields)
            else:
                named_fields |= set(item.fields)
    for results in (
        everything,
        nothing,
        blinded_results,
        il2_results,
        replanned(il2_results, empty),
    ):
        for checklist in RESULT_LISTS:
            for line in evaluate(checklist, results.plan, results):
                named_fields |= set(line.finding.fields)
                named_tables |= set(line.finding.tables)
    for line in evaluate("spirit2025", make_plan(empty, False)):
        named_fields |= set(line.finding.fields)
    assert len(named_fields) > 50
    for path in named_fields:
        assert exists(il2, path), path
    assert named_tables <= set(tables(il2))
    assert not exists(il2, "reporting.openness.found")


def test_every_link_of_the_checklists_leads_to_an_id_of_the_page(
    everything, nothing, blinded_results, il2_results, tmp_path
):
    for number, results in enumerate((everything, il2_results, blinded_results)):
        page = eq.write_report(results, tmp_path / str(number)).read_text(encoding="utf-8")
        ids = set(re.findall(r'\bid="([^"]+)"', page))
        lists = (*RESULT_LISTS, "tripod_ai") if results.forecast else RESULT_LISTS
        for checklist in lists:
            for line in evaluate(checklist, results.plan, results):
                assert set(line.finding.anchors) <= ids, (line.item.number, line.finding.anchors)
                for anchor in line.finding.anchors:
                    assert f'href="#{anchor}"' in page
        rows = list(
            csv.DictReader(io.StringIO((tmp_path / str(number) / "consort.csv").read_text("utf-8")))
        )
        assert len(rows) == sum(len(load(c).items) for c in lists)
        assert {row["origin"] for row in rows} == {"SIMULATED"}


def test_a_single_arm_trial_is_not_asked_for_its_randomisation(tmp_path_factory):
    from tests.analysis.test_other_designs import changed
    from tests.analysis.test_single_arm import SINGLE

    protocol = changed(tmp_path_factory.mktemp("one"), "antidepressant-example", *SINGLE)
    results = eq.analyse(protocol, eq.simulate(protocol, seed=5))
    found = states("consort2025", results)
    for number in ("1a", "17a", "17b", "18", "19"):
        assert found[number].state is State.NOT_APPLICABLE, number
    assert found["26"].state is State.ANSWERED
    page = eq.write_report(results, tmp_path_factory.mktemp("page")).read_text(encoding="utf-8")
    assert "items on randomisation do not apply" in page
    assert "Randomised (n" not in page
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'\bid="([^"]+)"', page))


def test_where_everybody_knows_the_arm_its_hiding_is_not_asked_for(il2):
    openly = with_reporting(il2, assignment={"blinded": []})
    found = {x.item.number: x.finding for x in evaluate("spirit2025", make_plan(openly, False))}
    assert found["24a"].state is State.ANSWERED
    for number in ("24b", "24c"):
        assert found[number].state is State.NOT_APPLICABLE, number


def test_a_blinded_report_withholds_what_would_give_an_arm_away(il2, blinded_results):
    names = with_reporting(
        il2,
        rationale={"comparator": "Placebo, since nothing else is known", "background": "Plain"},
        treatment={"stopping": "When aldesleukin is not tolerated"},
    )
    plan = make_plan(names, True)
    assert set(plan.given_withheld) == {
        "reporting.rationale.comparator", "reporting.treatment.stopping",
    }  # fmt: skip
    assert plan.given["reporting.rationale.background"] == "Plain"
    text = plan.model_dump_json().lower()
    assert "since nothing else" not in text
    assert "not tolerated" not in text
    found = states("consort2025", blinded_results)
    for number in ("13", "14", "17b", "24a", "24b", "26", "28", "27"):
        assert found[number].state is State.WITHHELD, (number, found[number])
    for finding in found.values():
        assert not any("il2" in path or "placebo" in path for path in finding.fields)


def test_the_numbers_of_the_guidelines_are_whole():
    """30, 34, 12 and 27 items; no number twice; every rule exists and every rule is used."""
    used = set()
    whole = (("consort2025", 30), ("spirit2025", 34), ("tidier", 12), ("tripod_ai", 27))
    for name, items in whole:
        numbers = [item.number for item in load(name).items]
        assert len(numbers) == len(set(numbers))
        assert list(dict.fromkeys(int(re.match(r"\d+", n)[0]) for n in numbers)) == list(
            range(1, items + 1)
        )
    main = {item.number for item in load("consort2025").items}
    assert {item.at for item in load("consort_harms").items} <= main
    for name in RESULT_LISTS:
        used |= {item.rule for item in load(name).items}
    assert used - {"given"} == set(OF_RESULTS)
    assert {item.rule for item in load("spirit2025").items} - {"given"} == set(OF_PLANS)
    tripod = load("tripod_ai").items
    assert len(tripod) == 52
    assert {item.rule for item in tripod} - {"given"} == set(OF_FORECASTS)
    assert not set(OF_FORECASTS) & (set(OF_RESULTS) | set(OF_PLANS))


def test_each_list_says_how_sure_its_numbers_are():
    folder = resources.files("equipoise.report.checklists")
    for name in CHECKLISTS:
        text = (folder / f"{name}.toml").read_text(encoding="utf-8")
        assert re.search(r"^# .*(sure|not sure)", text, re.M), name
        assert tomllib.loads(text)["certainty"]


def test_the_diagram_is_drawn_for_one_to_four_arms(everything, tmp_path):
    count = everything.flow.counts[0]
    for arms in range(1, 5):
        counts = tuple(
            count.model_copy(update={"group": f"a{i}", "label": f"Arm {i}"}) for i in range(arms)
        )
        groups = tuple(
            everything.groups[0].model_copy(update={"key": f"a{i}", "label": f"Arm {i}"})
            for i in range(arms)
        )
        flow = everything.flow.model_copy(
            update={
                "counts": counts, "analysed": (), "visits": (), "reasons": (),
                "screening": Screening(assessed=9, excluded=0, entered=9, exclusions=()),
            }
        )  # fmt: skip
        results = everything.model_copy(update={"flow": flow, "groups": groups})
        from equipoise.report.flow_diagram import diagram

        drawn = diagram(results)
        assert [column.label for column in drawn.columns] == [g.label for g in groups]
        assert drawn.enrolment.head == "Assessed for eligibility (n\u00a0=\u00a09)"
