"""The built-in studies: what is published is in them, the rest is called assumed, they run."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter

import numpy as np
import pytest
from scipy.stats import norm
from tests.conftest import ROOT

import equipoise as eq
from equipoise.studies import builtin_studies

NEW = ("il2-bipolar", "minocycline-depression", "minocycline-randomised")


@pytest.fixture(scope="module", params=NEW)
def run(request, tmp_path_factory):
    """(protocol, records, results, page) of one simulated trial of each."""
    protocol = eq.load_protocol(request.param)
    records = eq.simulate(protocol, seed=1)
    results = eq.analyse(protocol, records)
    page = eq.write_report(results, tmp_path_factory.mktemp("study")).read_text(encoding="utf-8")
    return protocol, records, results, page


def test_each_runs_to_a_report_without_a_model_that_failed(run):
    protocol, records, results, page = run
    assert {k: e.failure for k, e in results.endpoints.items() if e.failure} == {}
    assert {*results.endpoints, *results.outcomes} == set(protocol.endpoints)
    assert page.count("SIMULATED") > 20
    for entry in protocol.provenance.values():
        assert entry.assumed or entry.source
    checked = eq.records_from_tables(protocol, records.frames(), manifest=records.manifest)
    assert checked.notes == ()


@pytest.mark.parametrize("study", builtin_studies())
def test_what_is_shipped_as_a_fact_was_read_and_not_recalled(study):
    protocol = eq.load_protocol(study)
    for path, entry in protocol.provenance.items():
        if entry.source is not None:
            assert protocol.sources[entry.source].certainty != "recalled", path
            assert entry.note, path
    # What simulation assumes is called so as a whole, but for what names its source.
    assert protocol.provenance["assumptions.statistical"].assumed
    assert protocol.trial.hypothetical == protocol.trial.title.startswith("Hypothetical")


# il2-bipolar: facts of DEPIL-2 (abstract and register)


@pytest.fixture(scope="module")
def bipolar():
    return eq.load_protocol("il2-bipolar")


def test_the_bipolar_twin_has_the_published_design(bipolar):
    assert bipolar.population.size == 14
    assert {k: a.ratio for k, a in bipolar.arms.items()} == {"placebo": 1, "il2": 2}
    (dose,) = bipolar.arms["il2"].doses
    assert (dose.amount, dose.unit) == (1, "MIU")
    assert dose.days == (0, 1, 2, 3, 4, 14, 21, 28, 35)  # 5 days, then 4 weeks from week 2
    _, primary = bipolar.primary
    assert (primary.endpoint, primary.visit) == ("treg_percent", "day5")
    assert bipolar.endpoints["treg_percent"].scale == "log_fold"
    assert bipolar.endpoints["treg_percent"].cell_unit == "%CD4"
    fold = bipolar.assumptions.statistical.cells["treg"].fold
    assert (fold["il2"]["day5"], fold["placebo"]["day5"]) == (1.17, 1.01)
    assert bipolar.reveals_arm("treg_percent")


def test_ten_to_four_is_what_an_unfinished_third_block_gives_in_two_of_five_trials(bipolar):
    block = ["il2"] * 4 + ["placebo"] * 2
    first_two = Counter(
        tuple(sorted(block[i] for i in pair)) for pair in itertools.permutations(range(6), 2)
    )
    both = first_two["il2", "il2"] / sum(first_two.values())
    assert both == pytest.approx(6 / 15)
    assert "6/15" in bipolar.provenance["randomisation"].assumed
    drawn = Counter(
        int((eq.randomise(bipolar, seed).frame["arm"] == "il2").sum()) for seed in range(400)
    )
    assert set(drawn) == {8, 9, 10}
    expected = {10: 6 / 15, 9: 8 / 15, 8: 1 / 15}
    for n, p in expected.items():
        assert abs(drawn[n] / 400 - p) < 4 * math.sqrt(p * (1 - p) / 400), n


def test_the_spread_of_the_folds_is_that_of_the_published_intervals(bipolar):
    from scipy.stats import t

    half = {"il2": ((1.34 - 1.01) / 2, 10, 1.17), "placebo": ((1.12 - 0.90) / 2, 4, 1.01)}
    variances = {}
    for arm, (width, n, mean) in half.items():
        sd = width * math.sqrt(n) / t.ppf(0.975, n - 1)
        variances[arm] = math.log1p((sd / mean) ** 2)
    pooled = (9 * variances["il2"] + 3 * variances["placebo"]) / 12
    assumed = bipolar.assumptions.statistical.cells["treg"]
    assay = 2 * math.log1p(assumed.cv_assay**2)
    # Rounded to two digits in the protocol.
    assert assumed.sd_log_fold == pytest.approx(math.sqrt(pooled - assay), abs=0.005)


@pytest.mark.parametrize("study", ["il2-bipolar", "il2-depression"])
def test_crp_goes_through_the_published_shares(study):
    crp = eq.load_protocol(study).assumptions.statistical.labs["crp"]
    sd = math.sqrt(math.log1p(crp.cv_between**2) + math.log1p(crp.cv_within**2))
    above = {limit: norm.sf((math.log(limit) - math.log(crp.median)) / sd) for limit in (1, 3)}
    assert above[3] == pytest.approx(0.27, abs=0.02)
    assert above[1] == pytest.approx(0.58, abs=0.02)


# minocycline-depression: facts of NCT06207760 (register)


@pytest.fixture(scope="module")
def open_study():
    return eq.load_protocol("minocycline-depression")


def test_the_open_study_is_the_registered_one(open_study):
    assert open_study.single_arm
    assert open_study.population.size == 60
    assert "NCT06207760" in open_study.trial.registration
    (dose,) = open_study.arms["minocycline"].doses
    assert (dose.amount, dose.unit, dose.days) == (200, "mg", tuple(range(56)))
    age = open_study.population.covariates["age"]
    assert (age.minimum, age.maximum) == (25, 45)
    assert any("above 2 mg/L" in text for text in open_study.population.inclusion)
    assert open_study.imaging["pk11195"].tracer == "11C-PK11195"
    assert open_study.imaging["volume"].modality == "MRI"
    assert open_study.endpoint_visits("pet_prefrontal") == ("week8",)
    assert open_study.endpoints[open_study.primary[1].endpoint].lab == "crp"


def test_it_is_reported_without_a_comparison(run):
    protocol, records, results, page = run
    if not protocol.single_arm:
        assert results.control is not None
        assert any(e.contrasts for e in results.endpoints.values())
        return
    assert results.control is None
    assert records.allocation is None
    assert records.kits is None
    for endpoint in results.endpoints.values():
        assert endpoint.contrasts == ()
        assert len(endpoint.means) == 1
    assert all(answer.contrasts == () for answer in results.answers)
    text = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    text = re.sub(r"<[^>]+>", " ", text)
    assert "Nobody was randomised and there is no control group" in text
    assert "p =" not in text
    assert "p <" not in text
    with pytest.raises(eq.EquipoiseError, match="a list allocates participants"):
        eq.randomise(protocol, 1)


def test_a_subgroup_is_imaged_and_the_rest_is_missing_by_design(open_study):
    records = eq.simulate(open_study, seed=1)
    imaged = set(records.imaging["participant"])
    assert 15 < len(imaged) < 45
    for measure in ("pk11195", "volume"):
        assert set(records.imaging.filter(measure=measure)["participant"]) == imaged


# minocycline-randomised: hypothetical


def test_the_randomised_version_says_that_nobody_registered_it():
    protocol = eq.load_protocol("minocycline-randomised")
    assert protocol.trial.hypothetical
    assert protocol.trial.title.startswith("Hypothetical")
    assert protocol.trial.registration is None
    active = protocol.arms["minocycline"].doses[0]
    assert (
        active.days == eq.load_protocol("minocycline-depression").arms["minocycline"].doses[0].days
    )
    cmv = protocol.assumptions.statistical.exposures["cmv"].probabilities
    assert cmv["positive"] == 0.40  # PMC9995284
    shift = protocol.assumptions.statistical.imaging["pk11195"].shift
    assert all(v == 0 for arm in shift.values() for course in arm.values() for v in course.values())
    assert "cmv" in protocol.analysis.models["scores"].formula


def test_it_shows_exposures_in_its_baseline_and_uses_one_as_a_covariate(run):
    protocol, records, results, page = run
    if protocol.trial.id != "minocycline-randomised":
        assert "Hypothetical" not in page
        return
    assert "Hypothetical: minocycline" in page
    assert {"cmv", "ctq"} <= {row.variable for row in results.baseline.rows}
    positive = (records.exposures.filter(exposure="cmv")["value"] == "positive").mean()
    assert abs(positive - 0.4) < 4 * np.sqrt(0.24 / 120)
    assert [f.key for f in results.families] == ["pet"]


def test_the_page_of_studies_has_a_true_row_for_each():
    page = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| [`")]
    wanted = []
    for name in builtin_studies():
        protocol = eq.load_protocol(name)
        arms = " : ".join(f"{arm.label} {arm.ratio}" for arm in protocol.arms.values())
        if protocol.single_arm:
            arms = f"{next(iter(protocol.arms.values())).label}, one arm"
        link = f"[`{name}`](../src/equipoise/studies/{name}/protocol.toml)"
        question = protocol.primary[1].question
        wanted.append(f"| {link} | {arms} | {protocol.population.size} | {question} |")
        assert f"**`{name}`**" in page
        assert f"`{name}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert rows == wanted
