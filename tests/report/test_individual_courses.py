"""Lines of single people: simulated ones, or where the protocol allows; never while blinded."""

from __future__ import annotations

import json
import re

import pytest
from tests.light_study import light_fixtures

import equipoise as eq

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


def observed(records, protocol):
    return eq.records_from_tables(protocol, records.frames(), origin="observed")


@pytest.fixture(scope="module")
def real(il2, il2_records):
    return eq.analyse(il2, observed(il2_records, il2))


def test_simulated_people_are_lines_and_nobody_is_named(il2_results, il2_records):
    for endpoint in il2_results.endpoints.values():
        assert len(endpoint.courses) == endpoint.fit.participants
    hdrs = il2_results.endpoints["hdrs_change"].courses
    scores = il2_records.scores
    wanted = {}
    for row in scores.filter(instrument="hdrs", item="total").iter_rows(named=True):
        wanted.setdefault(row["participant"], {})[row["visit"]] = row["score"]
    assert {frozenset(c.values) for c in hdrs} <= {frozenset(w.items()) for w in wanted.values()}
    text = il2_results.model_dump_json()
    for participant in il2_records.participants["participant"]:
        assert participant not in text


def test_the_order_of_lines_tells_nothing_of_the_order_of_people(il2, il2_records, il2_results):
    """The same people in another order give the same lines."""
    frames = il2_records.frames()
    reversed_people = {
        **frames,
        "participants": frames["participants"].reverse(),
        "scores": frames["scores"].reverse(),
    }
    records = eq.records_from_tables(il2, reversed_people, manifest=il2_records.manifest)
    again = eq.analyse(il2, records).endpoints["hdrs_change"].courses
    assert again == il2_results.endpoints["hdrs_change"].courses
    first = [course.values[0][1] for course in again if course.group == "il2"]
    assert first == sorted(first)


def test_observed_people_are_no_lines_and_no_numbers(real, il2_records, tmp_path):
    assert all(endpoint.courses == () for endpoint in real.endpoints.values())
    eq.write_report(real, tmp_path, rtf=True)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "-courses" not in text
            assert not re.search(r'"values": \[\s*\[', text) or path.suffix != ".json"
            for participant in il2_records.participants["participant"]:
                assert participant not in text
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert all(endpoint["courses"] == [] for endpoint in kept["endpoints"].values())


def test_the_protocol_may_allow_them(il2_records, write_protocol, tmp_path):
    path = write_protocol(("[trial]", "[report]\nindividual_data = true\n\n[trial]"))
    protocol = eq.load_protocol(path)
    records = observed(il2_records, protocol)
    protocol.lock(path.parent)
    protocol = eq.load_protocol(path)
    results = eq.analyse(protocol, records)
    page = eq.write_report(results, tmp_path / "out").read_text(encoding="utf-8")
    assert 'id="figure-hdrs_change-courses"' in page
    assert "The protocol allows lines of single people." in page
    blinded = eq.analyse(protocol, records.without_allocation())
    assert all(endpoint.courses == () for endpoint in blinded.endpoints.values())


def test_never_while_blinded(blinded_results):
    assert all(endpoint.courses == () for endpoint in blinded_results.endpoints.values())


def test_not_of_a_crowd(il2, il2_records, monkeypatch):
    from equipoise.analysis import individual_courses
    from equipoise.analysis.groups import make_groups

    groups = make_groups(il2, il2_records)
    assert individual_courses.may_show_people(il2, il2_records, groups)
    monkeypatch.setattr(individual_courses, "MOST_PEOPLE", 35)
    assert not individual_courses.may_show_people(il2, il2_records, groups)
