"""The real, masked antidepressant trial against R mmrm, through converter and protocol."""

from __future__ import annotations

import importlib.util
import json

import pytest
from tests.conftest import ROOT, protocol_text

import equipoise as eq

VISIT = {"4": "week1", "5": "week2", "6": "week4", "7": "week6"}
ARM = {"DRUG": "drug", "PLACEBO": "placebo"}
#: Reference block of each method of the protocol.
BLOCKS = {"kenward-roger": "kenward_roger_linear", "satterthwaite": "satterthwaite"}


@pytest.fixture(scope="module")
def reference(shared_data):
    cases = json.loads((shared_data / "mmrm_reference.json").read_text(encoding="utf-8"))
    case = next(c for c in cases["cases"] if c["id"] == "antidep_us_reml")
    return case["expected"], cases["suggested_tolerances"]["against_R_numbers"]


@pytest.fixture(scope="module")
def data(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("antidepressant")
    spec = importlib.util.spec_from_file_location(
        "convert", ROOT / "examples" / "convert_antidepressant.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.convert(str(shared_data / "antidepressant_data.csv"), str(folder))
    return folder


def results_under(method, data, tmp_path):
    path = tmp_path / "protocol.toml"
    text = protocol_text("antidepressant-example")
    assert 'df = "kenward-roger"' in text
    path.write_text(text.replace('df = "kenward-roger"', f'df = "{method}"'), encoding="utf-8")
    protocol = eq.load_protocol(path)
    protocol.lock(path.parent)
    return eq.analyse(protocol, eq.read_records(data, protocol))


@pytest.mark.parametrize("method", BLOCKS)
def test_every_contrast_and_mean_equals_r(method, data, reference, tmp_path):
    expected, tolerance = reference
    block = expected["inference"][BLOCKS[method]]
    assert tolerance["estimates"] == "|diff| <= 1e-5 * SE"
    result = results_under(method, data, tmp_path).endpoints["hdrs_change"]
    contrasts = {c.visit: c for c in result.contrasts}
    means = {(m.visit, m.group): m for m in result.means}
    assert len(block["contrasts"]) == len(contrasts) == 4
    assert len(block["lsmeans"]) == len(means) == 8
    pairs = [(contrasts[VISIT[row["VISIT"]]], row) for row in block["contrasts"]]
    pairs += [(means[VISIT[row["VISIT"]], ARM[row["THERAPY"]]], row) for row in block["lsmeans"]]
    for ours, theirs in pairs:
        se = theirs["se"]
        assert abs(ours.estimate - theirs["estimate"]) <= 1e-5 * se
        assert ours.se == pytest.approx(se, rel=tolerance["se_rel"])
        assert ours.df == pytest.approx(theirs["df"], rel=tolerance["df_rel"])
        assert abs(ours.lower - theirs["lower"]) <= 1e-4 * se
        assert abs(ours.upper - theirs["upper"]) <= 1e-4 * se
        if "p" in theirs and hasattr(ours, "p"):
            assert ours.p == pytest.approx(theirs["p"], rel=1e-4)
    fit = result.fit
    assert abs(fit.minus2_log_likelihood - expected["minus2loglik"]) <= 1e-6
    assert fit.participants == expected["n_subjects"]
    assert fit.observations == expected["n_observations"]
    for i, row in enumerate(expected["cov_matrix"]):
        for j, value in enumerate(row):
            scale = (expected["cov_matrix"][i][i] * expected["cov_matrix"][j][j]) ** 0.5
            assert abs(fit.covariance_matrix[i][j] - value) <= 1e-5 * scale


def test_the_flow_of_the_real_trial(data, antidepressant):
    results = eq.analyse(antidepressant, eq.read_records(data, antidepressant))
    assert results.provenance.origin == "observed"
    assert results.provenance.seed is None
    counts = {c.group: c for c in results.flow.counts}
    assert (counts["placebo"].randomised, counts["drug"].randomised) == (88, 84)
    assert counts["drug"].completed is None  # no disposition in the public data: not 84
    seen = {(v.group, v.visit): v.seen for v in results.flow.visits}
    assert seen["placebo", "week6"] + seen["drug", "week6"] == 129
    assert results.safety.summary == ()
    assert any("Adverse events are not part" in text for text in results.safety.not_collected)
    assert results.flow.out_of_window == (
        "6 visits lie outside their window and were kept, as the protocol says",
    )
