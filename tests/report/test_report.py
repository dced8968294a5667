"""The report shows what the results hold: the same numbers, marked, self-contained, stable."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser

import polars as pl
import pytest
from tests.light_study import light_fixtures

import equipoise as eq
from equipoise.analysis import result_tables
from equipoise.report import words

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


@pytest.fixture(scope="module")
def folder(light_report):
    return light_report


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """Ids, references and open tags of a page."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})

    def __init__(self):
        super().__init__()
        self.ids, self.refs, self.stack, self.faults, self.headers = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        if values.get("href", "").startswith("#"):
            self.refs.append(values["href"][1:])
        self.headers += (values.get("headers") or "").split()
        for name in ("src", "href", "xlink:href", "action"):
            if (values.get(name) or "").startswith(("http", "//", "file")):
                self.faults.append(values[name])
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.stack.pop()

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")


def test_the_page_is_well_formed_and_refers_to_nothing_outside(page):
    parsed = Page()
    parsed.feed(page)
    assert parsed.faults == []
    assert parsed.stack == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert set(parsed.refs) <= set(parsed.ids)
    assert set(parsed.headers) <= set(parsed.ids)
    assert page.count("<script") == 1
    assert "{{" not in page
    assert "None" not in re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)


def test_the_same_input_gives_the_same_bytes(il2, il2_records, folder, tmp_path):
    again = eq.analyse(il2, il2_records)
    eq.write_results(again, tmp_path)
    eq.write_report(again, tmp_path)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in ("provenance.json", "equipoise-files.json"):
            assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes(), (
                path.name
            )


def test_simulated_stands_with_every_table_figure_and_answer(page, folder, il2_results):
    assert "<title>SIMULATED" in page
    body = page[page.index("<main") :]
    for part in re.findall(r"<figure.*?</figure>", body, flags=re.DOTALL):
        assert part.count("SIMULATED") >= 2  # in the drawing and in the caption
    for part in re.findall(r'<article class="answer">.*?</article>', body, flags=re.DOTALL):
        assert "SIMULATED" in part
    tables = len(re.findall(r"<table", body))
    marked = len(re.findall(r'class="where"><span class="mark">SIMULATED', body))
    assert marked >= tables
    for frame in result_tables(il2_results).values():
        assert set(frame["origin"]) == {"SIMULATED"}
    for svg in (folder / "figures").glob("*.svg"):
        assert "SIMULATED" in svg.read_text(encoding="utf-8")
    assert json.loads((folder / "results.json").read_text())["provenance"]["origin"] == "simulated"


def test_results_come_back_as_they_were(folder, il2_results):
    assert eq.read_results(folder) == il2_results
    assert eq.read_results(folder / "results.json") == il2_results


def test_tables_hold_the_numbers_of_the_results(folder, il2_results):
    frame = pl.read_csv(folder / "tables" / "hdrs_change_contrasts.csv")
    for row, contrast in zip(
        frame.iter_rows(named=True), il2_results.endpoints["hdrs_change"].contrasts, strict=True
    ):
        for name in ("estimate", "se", "df", "p", "lower", "upper"):
            assert row[name] == getattr(contrast, name)  # written with all their digits


def test_every_contrast_stands_in_the_page_as_printed(page, il2_results):
    text = re.sub(r"<[^>]+>", " ", page)
    for result in il2_results.endpoints.values():
        for c in result.contrasts:
            assert words.contrast_text(c, result.scale == "log_fold") in text
    for path in re.findall(r"results\.json</code> → <code>([^<]+)</code>", page):
        value = json.loads(il2_results.model_dump_json())
        for part in path.split("."):
            value = value["hdrs_change" if part == "&lt;endpoint&gt;" else part]


def test_figures_have_text_alternatives_and_text_that_is_text(page, il2_results):
    svgs = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    # nine courses, two re-randomisation tests, two of the early change with its curve, importance,
    # two of mediation, two of benefit, three of the forecast with its fan, and a tipping point
    # where its estimand is tested
    tested = il2_results.answers[1].significant is not None
    assert len(svgs) == 13 + 9 + 2 + 3 + 1 + 2 + 2 + 4 + tested
    for svg in svgs:
        assert 'role="img"' in svg
        assert re.search(r"<title>SIMULATED data\. .{40,}</title>", svg)
        assert "<text" in svg
        assert not re.search(r"#0[0-9a-f]0[0-9a-f]0[0-9a-f]", svg)  # no colour but the page's


def test_words_of_people_are_escaped(il2, il2_records, tmp_path):
    nasty = '<script>alert("x")</script> & "quotes"'
    events = il2_records.adverse_events.with_columns(
        term=pl.when(pl.col("term") == "Headache").then(pl.lit(nasty)).otherwise(pl.col("term"))
    )
    records = eq.records_from_tables(
        il2, il2_records.frames() | {"adverse_events": events}, manifest=il2_records.manifest
    )
    eq.write_report(eq.analyse(il2, records), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1
    assert "&lt;script&gt;" in page


def test_a_report_without_answers_data_or_harms_still_stands(il2, il2_records, tmp_path):
    frames = {k: il2_records.frames()[k] for k in ("participants", "allocation")}
    records = eq.records_from_tables(il2, frames, manifest=il2_records.manifest)
    eq.write_report(eq.analyse(il2, records), tmp_path)
    parsed = Page()
    parsed.feed((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert parsed.faults == []
    assert set(parsed.refs) <= set(parsed.ids)


def test_tables_and_figures_of_an_earlier_run_do_not_stay(blinded_results, folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "figures" / "logo.svg").write_text("mine", encoding="utf-8")
    assert (tmp_path / "tables" / "treg_percent_contrasts.csv").exists()
    assert (tmp_path / "figures" / "treg_percent.svg").exists()
    eq.write_results(blinded_results, tmp_path)
    eq.write_report(blinded_results, tmp_path)
    assert not (tmp_path / "tables" / "treg_percent_contrasts.csv").exists()
    assert not (tmp_path / "figures" / "treg_percent.svg").exists()
    assert (tmp_path / "figures" / "hdrs_change.svg").exists()
    assert (tmp_path / "figures" / "logo.svg").exists()


def test_references_are_those_of_the_methods_used(page, blinded_results, il2_results):
    from equipoise.report.references import used

    assert any("Kenward" in text for text in used(il2_results))
    assert any("Pustejovsky" in text for text in used(il2_results)), "CR2 beside the primary result"
    assert not any("Pustejovsky" in text for text in used(blinded_results))
    assert not any("Miettinen" in text for text in used(blinded_results))
    for text in used(il2_results):
        assert text.split(".")[0] in page


@pytest.mark.parametrize(
    ("value", "text"),
    [(-2.801, "−2.80"), (0.0, "0.00"), (-0.001, "0.00"), (None, "–"), (float("nan"), "–")],
)
def test_numbers(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0004, "p < 0.001"), (0.001, "p = 0.001"), (0.0489, "p = 0.049"), (1, "p = 1.000")],
)
def test_p_values(p, text):
    assert words.p_clause(p) == text


def test_results_of_another_make_are_refused(tmp_path):
    with pytest.raises(eq.EquipoiseError, match="name a folder that `equipoise analyse`"):
        eq.read_results(tmp_path)
    (tmp_path / "results.json").write_text('{"format": 1}', encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match="analyse the records again"):
        eq.read_results(tmp_path)


def test_labels_are_text_for_every_tool(write_protocol, tmp_path):
    """A backslash, a dollar sign, a brace or a tag in a label is only text."""
    label = r"HDRS \\g \\1 $\\frac{$ <b> {{ x }} total"
    protocol = eq.load_protocol(
        write_protocol(
            ('label = "HDRS-17 total"', f'label = "{label}"'),
            ('label = "Aldesleukin"', 'label = "Drug $x_1$ & \\\\alpha <i>"'),
        )
    )
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    page = eq.write_report(results, tmp_path).read_text(encoding="utf-8")
    parsed = Page()
    parsed.feed(page)
    assert parsed.faults == []
    assert "<b>" not in page
    assert "<i>" not in page
    assert "$x_1$" in page


def test_with_several_arms_each_effect_by_subgroup_names_its_arm(il2_results):
    """No effect and no interaction may stand there without the arm it belongs to."""
    endpoint = il2_results.endpoints["hdrs_change"]

    def doubled(rows):
        return tuple(c.model_copy(update={"arm": arm}) for c in rows for arm in ("il2", "high"))

    sub = endpoint.subgroup.model_copy(
        update={
            "effects": doubled(endpoint.subgroup.effects),
            "interaction": doubled(endpoint.subgroup.interaction),
        }
    )
    high = il2_results.groups[1].model_copy(update={"key": "high", "label": "High dose"})
    results = il2_results.model_copy(
        update={
            "groups": (*il2_results.groups, high),
            "endpoints": {
                **il2_results.endpoints,
                "hdrs_change": endpoint.model_copy(update={"subgroup": sub}),
            },
        }
    )
    answer = next(a for a in results.answers if a.endpoint == "hdrs_change")
    said = words.subgroup_sentence(results, answer)
    parts = said.split("interaction: ")[1].split("; ")
    assert len(parts) == 6  # two levels and one interaction for each of two arms
    assert all(part.startswith(("Aldesleukin, ", "High dose, ")) for part in parts)
    assert sum(part.startswith("High dose, ") for part in parts) == 3
    plain = words.subgroup_sentence(il2_results, answer)
    assert "Aldesleukin, " not in plain


def test_a_family_of_scores_is_shown(tmp_path):
    from tests.conftest import protocol_text

    text = protocol_text("antidepressant-example").replace(
        "[analysis.models.hdrs]",
        '[analysis.families.all]\nlabel = "Family of one"\nendpoints = ["hdrs_change"]\n'
        'visit = "week4"\n\n[analysis.models.hdrs]',
    )
    (tmp_path / "protocol.toml").write_text(text, encoding="utf-8")
    protocol = eq.load_protocol(tmp_path / "protocol.toml")
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    page = eq.write_report(results, tmp_path).read_text(encoding="utf-8")
    assert 'id="table-family-all"' in page


def test_the_report_says_satterthwaite_where_it_was_satterthwaite(write_protocol, tmp_path):
    protocol = eq.load_protocol(
        write_protocol(
            ('df = "kenward-roger"', 'df = "satterthwaite"'),
            ('df = "kenward-roger"', 'df = "satterthwaite"'),
        )
    )
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    page = eq.write_report(results, tmp_path).read_text(encoding="utf-8")
    assert "Kenward MG, Roger JH. Small sample" not in page
    assert "those of Kenward and Roger" not in page
    assert "Satterthwaite" in page
