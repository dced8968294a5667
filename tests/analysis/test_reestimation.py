"""The size estimated again from blinded records: a plain twin, and what is refused."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from tests.analysis.test_interim import of_first
from tests.conftest import protocol_text

import equipoise as eq
from equipoise.analysis.planned_ending import ending_in_words
from equipoise.protocol import consistency_of_reestimation
from equipoise.report.reestimation_words import reestimation_sentences, write_reestimation
from equipoise.stats.power import ancova_power, size_by_spread

PLAN = """[analysis.reestimation]
estimand = "ESTIMAND"
share = 0.5
effect = EFFECT
maximum = MOST
"""


def with_plan(study, estimand, effect, most, more=""):
    plan = PLAN.replace("ESTIMAND", estimand).replace("EFFECT", effect).replace("MOST", str(most))
    text = protocol_text(study)
    at = text.index("[analysis.models.")
    return f"{text[:at]}{plan}{more}\n{text[at:]}"


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    def load(*arguments, **more):
        path = tmp_path_factory.mktemp("again") / "protocol.toml"
        path.write_text(with_plan(*arguments, **more), encoding="utf-8")
        return eq.load_protocol(path)

    return load


@pytest.fixture(scope="module")
def planned(write):
    return write("il2-depression", "depression_week8", "-4.0", 90)


@pytest.fixture(scope="module")
def records(planned):
    return eq.simulate(planned, seed=5)


def plain_twin(protocol, records, effect, strata_names):
    """From the tables, by hand: who, which residuals, which size."""
    first = records.participants["participant"].to_list()[: math.ceil(0.5 * 36)]
    scores = records.scores.filter(instrument="hdrs", item="total")
    value = {(p, v): s for p, v, s in scores.select("participant", "visit", "score").iter_rows()}
    people = {row["participant"]: row for row in records.participants.iter_rows(named=True)}
    known = [p for p in first if (p, "week8") in value and (p, "baseline") in value]
    y = np.array([value[p, "week8"] - value[p, "baseline"] for p in known], dtype=float)
    base = np.array([value[p, "baseline"] for p in known], dtype=float)
    labels = sorted({tuple(people[p][n] for n in strata_names) for p in known})
    mine = [labels.index(tuple(people[p][n] for n in strata_names)) for p in known]
    columns = np.column_stack(
        [np.ones(len(y)), base, *(np.array(mine) == k for k in range(1, len(labels)))]
    )
    left = y - columns @ np.linalg.pinv(columns) @ y
    sd = math.sqrt(left @ left / (len(y) - columns.shape[1]))
    total = 6
    while (
        ancova_power(effect, sd, (2 * total // 3, total // 3), correlation=0.0, covariates=2) < 0.9
    ):
        total += 3
    share = len(known) / len(first)
    return len(known), sd, 3 * math.ceil(total / share / 3)


def test_it_is_the_plain_twin(planned, records):
    found = eq.reestimate(planned, records)
    known, sd, needed = plain_twin(planned, records, -4.0, planned.randomisation.strata)
    assert (found.participants, found.known) == (18, known)
    assert found.sd == pytest.approx(sd, rel=1e-10)
    assert found.needed == needed
    assert found.recommended == min(max(needed, 36), 90)
    assert found.excess == pytest.approx(2 / 9 * 16)
    assert found.retention == pytest.approx(known / 18)
    assert found.sd_used == found.sd


def test_arms_and_later_participants_change_nothing(planned, records):
    found = eq.reestimate(planned, records)
    assert eq.reestimate(planned, records.without_allocation()) == found
    arms = records.allocation.with_columns(arm=pl.col("arm").reverse())
    assert eq.reestimate(planned, dataclasses.replace(records, allocation=arms)) == found
    fewer = eq.reestimate(planned, of_first(records, 18))
    assert fewer.model_copy(update={"data_hash": found.data_hash}) == found
    assert fewer.data_hash != found.data_hash


def test_the_planned_effect_is_taken_off(write, records, planned):
    less = write(
        "il2-depression", "depression_week8", "-4.0", 90, more='subtract = "planned-effect"\n'
    )
    found = eq.reestimate(less, dataclasses.replace(records, manifest=records.manifest))
    whole = eq.reestimate(planned, records)
    assert found.sd == whole.sd
    assert found.sd_used == pytest.approx(math.sqrt(whole.sd**2 - 32 / 9))
    assert found.recommended <= whole.recommended
    assert "takes that off" in " ".join(reestimation_sentences(found))


def test_a_ratio_is_taken_as_its_log(tmp_path):
    """The closed-form trial: a log-normal laboratory value that gives nobody away."""
    from tests.validate.power_study import Case, protocol_of

    from equipoise.protocol.reestimation_plan import ReestimationPlan

    base = protocol_of(Case("ancova", 48, 2, 0.6, 1), tmp_path)
    plan = ReestimationPlan(estimand="week8", share=0.5, effect=0.6, maximum=144)
    protocol = base.model_copy(
        update={"analysis": base.analysis.model_copy(update={"reestimation": plan})}
    )
    records = eq.simulate(protocol, 1)
    found = eq.reestimate(protocol, records)
    labs = records.labs.with_columns(pl.col("value").log())
    wide = labs.pivot("visit", index="participant", values="value")
    rows = records.participants.join(wide, on="participant", maintain_order="left")[:24]
    y, x = (rows["week8"] - rows["baseline"]).to_numpy(), rows["baseline"].to_numpy()
    slope, intercept = np.polyfit(x, y, 1)
    left = y - intercept - slope * x
    assert found.sd == pytest.approx(math.sqrt(left @ left / 22), rel=1e-9)
    assert found.excess == pytest.approx(2 / 9 * math.log(0.6) ** 2)
    assert found.scale == "log of the fold change"
    assert " mg/L" not in " ".join(reestimation_sentences(found))


def test_who_is_awaited_is_counted(planned, records):
    first = records.participants["participant"].to_list()[:18]
    late = first[3]
    scores = records.scores.filter(
        ~((pl.col("participant") == late) & (pl.col("visit") == "week8"))
    )
    visits = records.visits.filter(
        ~((pl.col("participant") == late) & (pl.col("visit") == "week8"))
    )
    ends = records.disposition.filter(pl.col("participant") != late)
    open_ = dataclasses.replace(records, scores=scores, visits=visits, disposition=ends)
    with pytest.raises(eq.EquipoiseError, match="1 are awaited at week8") as caught:
        eq.reestimate(planned, open_)
    assert caught.value.faults[0].code == "reestimation-too-early"
    lost = pl.DataFrame(
        {"participant": [late], "event": ["discontinued"], "day": [30.0], "reason": ["x"]}
    )
    gone = dataclasses.replace(open_, disposition=pl.concat([ends, lost.select(ends.columns)]))
    assert eq.reestimate(planned, gone).known == eq.reestimate(planned, records).known - 1
    with pytest.raises(eq.EquipoiseError, match="8 are not enrolled yet"):
        eq.reestimate(planned, of_first(records, 10))


def test_it_has_to_be_planned_and_to_have_outcomes(il2, planned, records):
    with pytest.raises(eq.EquipoiseError, match="plan it under"):
        eq.reestimate(il2, records)
    few = records.participants["participant"].to_list()[:4]
    scores = records.scores.filter((pl.col("visit") != "week8") | pl.col("participant").is_in(few))
    with pytest.raises(eq.EquipoiseError, match="a variance needs at least 2"):
        eq.reestimate(planned, dataclasses.replace(records, scores=scores))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("il2-depression", "depression_week8", "-4.0", 30), "never made smaller than the 36"),
        (("il2-depression", "depression_wek8", "-4.0", 90), "did you mean `depression_week8`"),
        (("il2-depression", "treg_response", "1.5", 90), "can give the arm away"),
        (("il2-depression", "depression_week8", "0", 90), "a difference other than 0"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(write, arguments, words):
    with pytest.raises(eq.EquipoiseError, match=words):
        write(*arguments)


def test_looks_and_a_new_size_do_not_go_together(write):
    more = "[analysis.interim]\nshares = [0.5]\ninformation = 1.0\n"
    with pytest.raises(eq.EquipoiseError, match="a new size would change"):
        write("il2-depression", "depression_week8", "-4.0", 90, more=more)


def test_words_and_files(planned, records, tmp_path):
    found = eq.reestimate(planned, records)
    said = reestimation_sentences(found)
    assert said[0] == "SIMULATED DATA."
    assert f"Recommended size: {found.recommended} participants" in said[1]
    assert "22" in said[4] or "%" in said[4]
    path = write_reestimation(found, tmp_path / "out")
    assert path.read_text(encoding="utf-8").splitlines() == said
    kept = eq.Reestimation.model_validate_json((tmp_path / "out" / "reestimation.json").read_text())
    assert kept == found
    more = found.model_copy(update={"needed": None, "recommended": 90})
    assert "no size up to it is enough" in reestimation_sentences(more)[1]
    over = found.model_copy(update={"needed": 120, "recommended": 90})
    assert "120 are needed: the trial will have less power" in reestimation_sentences(over)[1]
    same = found.model_copy(update={"needed": 20, "recommended": 36, "origin": "observed"})
    assert reestimation_sentences(same)[0].startswith("Recommended size: 36 participants, as plan")
    arms = {arm.label for arm in planned.arms.values()}
    assert not any(label in " ".join(said) for label in arms)


def test_report_and_sheet_say_how_the_trial_ends(planned, il2):
    text = ending_in_words(planned)
    assert "of the first 18 participants is over" in text
    assert "at most 90 participants" in text
    assert ending_in_words(il2) == ""


def test_a_maximum_leaves_the_analysis_room():
    """At 2 : 1 without strata nine are the fewest that a table of sizes can hold."""
    tables = {
        "analysis": SimpleNamespace(reestimation=SimpleNamespace(maximum=8)),
        "arms": {"a": SimpleNamespace(ratio=2), "b": SimpleNamespace(ratio=1)},
        "population": SimpleNamespace(covariates={}),
        "randomisation": SimpleNamespace(strata=()),
    }
    (found,) = consistency_of_reestimation._room(tables)
    assert "needs at least 9 participants" in str(found)
    tables["analysis"].reestimation.maximum = 9
    assert list(consistency_of_reestimation._room(tables)) == []
    size_by_spread(1.0, (2, 1), most=9)
    with pytest.raises(ValueError, match="most = 8"):
        size_by_spread(1.0, (2, 1), most=8)
