"""The page of the twins: headed as what it is, whole in itself, every number computed."""

from __future__ import annotations

import csv
import dataclasses
import json
import re

import numpy as np
import pytest
from tests.report.test_report import Page

import equipoise as eq
from equipoise.report.contents import sections
from equipoise.report.page import render
from equipoise.report.twins_page import twins_files, write_characteristics
from equipoise.report.twins_words import sentences
from equipoise.report.writing import require_same_protocol


@pytest.fixture(scope="module")
def found():
    protocol = eq.load_protocol("il2-depression")
    return eq.operating_characteristics(protocol, trials=8, seed=1, workers=1)


@pytest.fixture(scope="module")
def page(found):
    return twins_files(found)["twins.html"].decode()


def test_the_page_is_well_formed_and_needs_nothing_else(page, found):
    parsed = Page()
    parsed.feed(page)
    assert parsed.faults == []
    assert parsed.stack == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert set(parsed.refs) <= set(parsed.ids)
    assert "<script" not in page
    bare = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert not re.search(r"\bnan\b|None|\binf\b|\{\{|\{direction", bare)
    assert found.protocol_hash in page
    assert twins_files(found)["twins.html"].decode() == page


def test_it_is_headed_as_what_it_is(page):
    head = page[page.index("<main>") : page.index("<h1>")]
    assert "SIMULATED" in head
    assert "A consequence of assumptions, not evidence" in head
    assert page.count("SIMULATED") > 5


def test_every_claim_stands_beside_every_scenario(page, found):
    table = page[page.index('id="claims"') :]
    table = table[: table.index("</table>")]
    for name in ("Planned", "Link off", "Null"):
        assert f">{name}</th>" in table
    for claim in found.claims:
        text = re.escape(claim.label)
        row = re.search(rf"{text}.*?</tr>", table, flags=re.DOTALL)
        assert row is not None, claim.label
        if claim.simulated:
            shares = re.findall(r'class="share">([\d.]+)\u00a0%', row.group())
            expected = [
                f"{100 * found.tally(s, claim.key).proportion:.1f}" for s in found.scenarios
            ]
            assert shares == expected
        else:
            assert row.group().count("not simulated") == 3
        if claim.published:
            assert claim.published in row.group()
    assert "Poletti" in page


def test_files_hold_what_the_page_shows(found):
    files = twins_files(found)
    summary = json.loads(files["characteristics.json"])
    assert summary["origin"] == "SIMULATED"
    assert summary["protocol_hash"] == found.protocol_hash
    assert summary["headline"]["planned"]["made"] == found.joint("planned").made
    rows = list(csv.DictReader(files["characteristics/claims.csv"].decode().splitlines()))
    assert len(rows) == found.table.height
    assert {row["origin"] for row in rows} == {"SIMULATED"}
    assert len(files["characteristics/trials.csv"].decode().splitlines()) == 1 + 3 * 8


def changed(found, scenario, key, hits):
    """Characteristics in which a claim has these hits."""
    array = found.hits.copy()
    column = [claim.key for claim in found.claims].index(key)
    array[found.scenarios.index(scenario), :, column] = hits
    return dataclasses.replace(found, hits=array)


def test_sentences_follow_the_numbers(found):
    key = "prediction:within:treg_percent"
    text = " ".join(sentences(changed(found, "planned", key, [1, 1, 0, 0, 0, 0, 0, 0])))
    assert "With the link as assumed the prediction within arms appears in 25.0\u00a0%" in text
    never = found
    for claim in found.headline:
        never = changed(never, "planned", claim.key, 0)
    assert "most trials would miss at least one" in " ".join(sentences(never))
    chance = " ".join(sentences(changed(found, "null", key, 0)))
    assert "in 0.0\u00a0% of trials (0.0 to 36.9): no more often than chance" in chance
    linked = " ".join(sentences(changed(found, "null", key, 1)))
    assert "prediction is no proof that treatment works" in linked
    fits = found.fits.copy()
    fits[0, 0, 0] = 1
    assert "1 of 264 model fits had no valid optimum" in " ".join(
        sentences(dataclasses.replace(found, fits=fits))
    )


def test_false_positives_near_and_not_near_the_level(found):
    column = [q.key for q in found.quantities].index("slope:within:treg_percent")
    estimate = found.estimate.copy()
    estimate[1, :, column] = 1e6  # every interval excludes 0
    text = " ".join(sentences(dataclasses.replace(found, estimate=estimate)))
    assert "in 100.0\u00a0% of trials: not near the 5\u00a0%" in text
    estimate[1, :, column] = 0.0
    text = " ".join(sentences(dataclasses.replace(found, estimate=estimate)))
    assert "in 0.0\u00a0% of trials: near the 5\u00a0%" in text  # 8 trials cannot tell


def test_failed_fits_are_listed_and_what_hangs_on_them_is_counted(found):
    fits, hits = found.fits.copy(), found.hits.copy()
    fits[2, :3, 0] = found.outcomes.index("boundary")
    hits[2, :3, 0] = -1
    spoilt = dataclasses.replace(found, fits=fits, hits=hits)
    text = twins_files(spoilt)["twins.html"].decode()
    assert "3 boundary" in text
    assert "3 not judged" in text


def test_an_older_page_of_another_protocol_stays(found, tmp_path):
    page = write_characteristics(found, tmp_path)
    before = page.read_bytes()
    other = dataclasses.replace(found, protocol_hash="0" * 64)
    with pytest.raises(eq.EquipoiseError, match="characteristics of one protocol"):
        write_characteristics(other, tmp_path)
    assert page.read_bytes() == before
    (tmp_path / "characteristics.json").write_text("{", encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match="not readable"):
        write_characteristics(found, tmp_path)


def test_a_study_without_publications_has_no_such_column():
    protocol = eq.load_protocol("antidepressant-example")
    found = eq.operating_characteristics(protocol, 2, scenarios=("null", "planned"), workers=1)
    page = twins_files(found)["twins.html"].decode()
    assert "Published" not in page
    assert np.all(found.hits >= 0)


def test_the_report_says_what_they_show_or_that_they_were_not_computed(il2_results, found):
    assert "twins" in [section.key for section in sections(il2_results)]

    def part(characteristics):
        text = render(il2_results, {}, characteristics=characteristics)
        text = text[text.index('<section id="twins"') :]
        return text[: text.index("</section>")]

    assert "Not computed" in part(None)
    assert 'href="twins.html"' in part(found)
    assert "SIMULATED" in part(found)
    other = dataclasses.replace(found, protocol_hash="0" * 64)
    with pytest.raises(eq.EquipoiseError, match="of one protocol"):
        require_same_protocol(il2_results, other)
    require_same_protocol(il2_results, found)
