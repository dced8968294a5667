"""Totals and subscales from recorded items, and recorded ones held against them."""

from __future__ import annotations

import polars as pl
import pytest

import equipoise as eq
from equipoise.analysis.dataset import values_of

#: The twin, with every item of HDRS-17, and with the CTQ at baseline and week 8.
ITEMS = ('items = "all"', f"items = {list(range(1, 18))}")
THIRD = ('items = "all"', "items = [3]")
CTQ = (
    "[cells.treg]\n",
    '[instruments.ctq]\nscale = "ctq"\nitems = "all"\nvisits = ["baseline", "week8"]\n\n[cells.treg]\n',
)
CTQ_ASSUMED = (
    "[assumptions.statistical.cells.treg]\n",
    "[assumptions.statistical.scores.ctq]\nbaseline_mean = 45\ncorrelation = 0.9\n"
    "sd = { baseline = 12, week8 = 12 }\n"
    "change = { placebo = { week8 = 0 }, il2 = { week8 = 0 } }\n\n"
    "[assumptions.statistical.cells.treg]\n",
)

PEOPLE = pl.DataFrame(
    {"participant": ["A", "B"], "site": ["1", "1"], "diagnosis": ["MDD", "BD"],
     "sex": ["female", "male"], "age": [40.0, 50.0]}
)  # fmt: skip


@pytest.fixture
def plan(write_protocol):
    """The twin with changes, loaded."""

    def load(*changes):
        return eq.load_protocol(write_protocol(*changes))

    return load


def form(participant, items, *, total=None, visit="baseline", instrument="hdrs", **parts):
    """Rows of `scores` of one form; items is number → score, or a list from item 1."""
    numbered = dict(enumerate(items, 1)) if isinstance(items, list) else items
    rows = {str(number): score for number, score in numbered.items()}
    rows |= {name.replace("_", "-"): score for name, score in parts.items()}
    if total is not None:
        rows["total"] = total
    return [
        {"participant": participant, "visit": visit, "day": 0.0 if visit == "baseline" else 56.0,
         "instrument": instrument, "item": item, "score": score}
        for item, score in rows.items()
    ]  # fmt: skip


def read(protocol, *forms):
    scores = pl.DataFrame(
        [row for rows in forms for row in rows], schema_overrides={"score": pl.Float64}
    )
    return eq.records_from_tables(protocol, {"participants": PEOPLE, "scores": scores})


def totals(records, part="total"):
    rows = records.scores.filter(item=part)
    return {(p, v): s for p, v, s in rows.select("participant", "visit", "score").iter_rows()}


FORM = [3, 2, 1, 1, 2, 1, 3, 2, 1, 3, 2, 1, 2, 1, 2, 0, 1]  # 28


def test_a_total_that_was_not_recorded_is_computed_and_said(plan):
    records = read(plan(ITEMS), form("A", FORM), form("B", FORM, total=28))
    assert totals(records) == {("A", "baseline"): 28, ("B", "baseline"): 28}
    assert records.notes == ("HDRS-17 total: 1 score computed from items",)
    assert records.scores.filter(item="total")["day"].to_list() == [0.0, 0.0]


def test_an_empty_total_is_filled_where_it_stands(plan):
    rows = form("A", FORM)
    rows.insert(0, {**rows[0], "item": "total", "score": None})
    records = read(plan(ITEMS), rows)
    assert records.scores.row(0, named=True)["score"] == 28
    assert records.scores.height == 18


def test_items_that_do_not_make_a_total_leave_it_out(plan):
    protocol = plan(ITEMS)
    records = read(protocol, form("A", [*FORM[:-1], None]), form("B", FORM))
    assert totals(records) == {("B", "baseline"): 28}
    assert records.notes == (
        "HDRS-17 total: 1 score computed from items",
        "HDRS-17 total: 1 score not computed, items are missing",
    )


def test_the_rule_of_the_trial_goes_before_the_rule_of_the_scale(plan):
    """Sixteen items sum to 27 of 50: 27 / 50 * 52 = 28.08, rounded 28."""
    rule = 'items = "all"\nmissing_items = { rule = "prorate", at_most = 1, rounding = "nearest" }'
    records = read(plan(('items = "all"', rule)), form("A", [*FORM[:-1], None]))
    assert totals(records) == {("A", "baseline"): 28}
    assert records.notes == ("HDRS-17 total: 1 score computed from items (1 prorated)",)


def test_without_all_items_in_the_protocol_nothing_is_computed(plan):
    records = read(plan(THIRD), form("A", {3: 2}))
    assert totals(records) == {}
    assert records.notes == ()


def test_totals_that_differ_from_their_items_are_named_with_what_the_items_give(plan):
    first, second = form("A", FORM, total=27), form("B", [*FORM[:-1], None], total=30)
    with pytest.raises(eq.EquipoiseError, match="are refused") as info:
        read(plan(ITEMS), first, second)
    one, other = info.value.faults
    assert one.code == other.code == "total-differs"
    assert (one.where, one.value) == ("scores, row 18", "27")
    assert one.rule == "HDRS-17 total is what its items give: 28"
    assert (other.where, other.value) == ("scores, row 36", "30")
    assert other.rule == "HDRS-17 total is what its items allow: 27 to 29, some being missing"
    assert "left out, it is computed from the items" in one.remedy


def test_a_total_that_missing_items_leave_possible_is_kept(plan):
    records = read(plan(ITEMS), form("A", [*FORM[:-1], None], total=29))
    assert totals(records) == {("A", "baseline"): 29}


def test_hundreds_of_differing_totals_are_counted(plan):
    protocol = plan(ITEMS)
    people = pl.DataFrame(
        {"participant": [f"P{i}" for i in range(210)], "site": ["1"] * 210,
         "diagnosis": ["MDD"] * 210, "sex": ["female"] * 210, "age": [40.0] * 210}
    )  # fmt: skip
    rows = [row for i in range(210) for row in form(f"P{i}", FORM, total=1)]
    with pytest.raises(eq.EquipoiseError, match=r"20[01] faults") as info:
        eq.records_from_tables(protocol, {"participants": people, "scores": pl.DataFrame(rows)})
    assert info.value.faults[-1].value == "10 more rows"


def test_differing_totals_come_with_the_other_faults(plan):
    rows = form("A", FORM, total=27)
    rows[0]["score"] = 9.0  # out of range; the total is then wrong too
    rows[1]["participant"] = None
    with pytest.raises(eq.EquipoiseError, match="are refused") as info:
        read(plan(ITEMS), rows)
    codes = {fault.code for fault in info.value.faults}
    assert {"score-out-of-range", "cell-empty"} <= codes


CTQ_FORM = [1] * 28  # total 53: 5, 5, 5, 25, 13


def test_subscales_are_computed_and_held_against_recorded_ones(plan):
    protocol = plan(CTQ, CTQ_ASSUMED)
    ctq = {"instrument": "ctq"}
    records = read(
        protocol,
        form("A", CTQ_FORM, **ctq),
        form("B", CTQ_FORM, total=53, emotional_neglect=25, **ctq),
    )
    assert totals(records) == {("A", "baseline"): 53, ("B", "baseline"): 53}
    neglect = totals(records, "emotional-neglect")
    assert neglect == {("A", "baseline"): 25, ("B", "baseline"): 25}
    assert totals(records, "physical-neglect")[("A", "baseline")] == 13
    assert "CTQ Emotional neglect: 1 score computed from items" in records.notes
    assert "CTQ Emotional abuse: 2 scores computed from items" in records.notes
    with pytest.raises(eq.EquipoiseError, match="CTQ Emotional neglect is what its items give: 25"):
        read(protocol, form("A", CTQ_FORM, emotional_neglect=24, **ctq))
    with pytest.raises(eq.EquipoiseError, match="CTQ Emotional abuse lies between 5 and 25"):
        read(protocol, form("A", CTQ_FORM, emotional_abuse=4, **ctq))


def test_a_subscale_is_recorded_alone_where_the_protocol_says_so(plan):
    alone = (CTQ[0], CTQ[1].replace('items = "all"', 'subscales = ["emotional-abuse"]'))
    protocol = plan(alone, CTQ_ASSUMED)
    records = read(protocol, form("A", {}, total=50, emotional_abuse=9, instrument="ctq"))
    assert totals(records, "emotional-abuse") == {("A", "baseline"): 9}
    with pytest.raises(eq.EquipoiseError, match="items of ctq: total, emotional-abuse"):
        read(protocol, form("A", {}, physical_abuse=9, instrument="ctq"))


ABUSE = (
    "[estimands.treg_response]",
    '[endpoints.abuse]\nlabel = "CTQ emotional abuse"\ninstrument = "ctq"\n'
    'part = "emotional-abuse"\nscale = "change"\nbetter = "lower"\nmodel = "one"\n\n'
    "[estimands.treg_response]",
)
ONE = (
    "[analysis.families.cells]",
    '[analysis.models.one]\nformula = "change ~ baseline + diagnosis + arm"\n\n'
    "[analysis.families.cells]",
)


def test_a_subscale_is_an_endpoint_and_stands_in_the_baseline_table(plan):
    protocol = plan(CTQ, CTQ_ASSUMED, ABUSE, ONE)
    records = eq.simulate(protocol, seed=1)
    values = values_of(protocol, records, "abuse")
    abuse = records.scores.filter(instrument="ctq", item="emotional-abuse")
    assert values["value"].to_list() == abuse["score"].to_list()
    assert values.height > 36
    results = eq.analyse(protocol, records)
    (row,) = [row for row in results.baseline.rows if row.variable == "abuse"]
    first = abuse.filter(visit="baseline")["score"]
    n = sum(value.n for value in row.values)
    mean = sum(value.mean * value.n for value in row.values) / n
    assert n == 36
    assert mean == pytest.approx(first.mean(), rel=1e-12)  # the same sum in another order


def test_simulated_items_score_to_their_totals_and_read_back_the_same(plan, tmp_path):
    protocol = plan(ITEMS, CTQ, CTQ_ASSUMED)
    records = eq.simulate(protocol, seed=1)
    eq.write_records(records, tmp_path / "data")
    back = eq.read_records(tmp_path / "data", protocol)
    assert back.scores.equals(records.scores)
    assert back.notes == ()
    sums = (
        records.scores.filter((pl.col("instrument") == "hdrs") & (pl.col("item") != "total"))
        .group_by("participant", "visit")
        .agg(pl.col("score").sum().alias("sum"))
    )
    joined = records.scores.filter(instrument="hdrs", item="total").join(
        sums, on=["participant", "visit"]
    )
    assert joined.height > 190
    assert (joined["score"] == joined["sum"]).all()


def test_recording_all_items_changes_no_simulated_total(plan):
    few, many = eq.simulate(plan(THIRD), seed=1), eq.simulate(plan(ITEMS), seed=1)
    for frames in (few.scores, many.scores):
        assert frames.filter(instrument="hdrs", item="total").height > 190
    totals_of = [r.scores.filter(instrument="hdrs", item="total") for r in (few, many)]
    assert totals_of[0].equals(totals_of[1])


def ratings(scale, key, *, before, visits="baseline, week8", mean=4, sd=1.0):
    """Changes to the twin that add an instrument, and its assumptions."""
    names = [f'"{name}"' for name in visits.split(", ")]
    after = [name for name in visits.split(", ") if name != "baseline"]
    flat = "{ " + ", ".join(f"{name} = 0" for name in after) + " }"
    spread = ", ".join(f"{name} = {sd}" for name in visits.split(", "))
    return [
        (before, f'[instruments.{key}]\nscale = "{scale}"\nvisits = [{", ".join(names)}]\n\n{before}'),
        (CTQ_ASSUMED[0],
         f"[assumptions.statistical.scores.{key}]\nbaseline_mean = {mean}\ncorrelation = 0.5\n"
         f"sd = {{ {spread} }}\nchange = {{ placebo = {flat}, il2 = {flat} }}\n\n{CTQ_ASSUMED[0]}"),
    ]  # fmt: skip


def test_ratings_without_items_are_whole_and_within_their_range(plan):
    """CGI-I and GAF by the same assumptions: bounded whole numbers, CGI-I not at baseline."""
    protocol = plan(
        *ratings("cgi-i", "change", before="[cells.treg]\n", visits="week2, week8", sd=2.0),
        *ratings("gaf", "gaf", before="[cells.treg]\n", mean=97, sd=12.0),
    )
    scores = eq.simulate(protocol, seed=1).scores
    change = scores.filter(instrument="change")
    assert set(change["item"]) == {"total"}
    assert set(change["visit"]) == {"week2", "week8"}
    assert set(change["score"]) <= {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0}
    functioning = scores.filter(instrument="gaf")["score"]
    assert functioning.max() == 100
    assert (functioning == functioning.round()).all()


def test_who_functions_worse_leaves_more_often(plan):
    """Of a scale where higher is better, the low scores are the worse ones."""
    visits = "baseline, day5, week2, week4, week6, week8"
    records = eq.simulate(
        plan(
            *ratings("gaf", "gaf", before="[instruments.hdrs]\n", visits=visits, mean=50, sd=4.5),
            ("size = 36", "size = 1200"), ("MDD = 18, BD = 18", "MDD = 600, BD = 600"),
            ("slope = 0.5", "slope = 2.0"),
            ("probability = { placebo = 0.10, il2 = 0.08 }",
             "probability = { placebo = 0.5, il2 = 0.5 }"),
        ),
        seed=1, scenario="null",
    )  # fmt: skip
    left = records.disposition.filter(event="discontinued")["participant"].implode()
    first = records.scores.filter(instrument="gaf", visit="baseline", item="total").with_columns(
        left=pl.col("participant").is_in(left)
    )
    means = {key[0]: part["score"].mean() for key, part in first.group_by("left")}
    assert means[True] < means[False] - 1.3  # spread 4.5: five standard errors
