"""Calibration: what is committed is what the committed parameters give; each step on its own."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.conftest import ROOT
from tests.patients import plain_twin as twin

from equipoise.mechanisms import Origin, find_model, model_path
from equipoise.patients.calibration.__main__ import main
from equipoise.patients.calibration.adverse_events import fit_event_risk, probability
from equipoise.patients.calibration.fitting import calibrated, fit, target_residuals
from equipoise.patients.calibration.page import page
from equipoise.patients.calibration.parameter_file import with_new_values
from equipoise.patients.calibration.profile_likelihood import LIMIT, _crossings
from equipoise.patients.calibration.published_statistics import SINGLE_DOSES, Experiments
from equipoise.patients.calibration.results import comparison, values_hash
from equipoise.patients.calibration.sensitivity import PARAMETERS, sensitivity
from equipoise.patients.calibration.targets import EventCounts, Role, read_plan

MODEL, PLAN = find_model("il2"), read_plan("il2")
FOLDER = ROOT / "docs" / "reference"
VALIDATE = os.environ.get("EQUIPOISE_VALIDATE") == "1"
AGAIN = "the model or its targets changed: run `make calibrate`"


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return json.loads((FOLDER / "il2-calibration.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def few() -> Experiments:
    return Experiments(MODEL, 400, PLAN.seed)


def same(ours: Any, theirs: Any, where: str = "") -> None:
    """Equal words; numbers to five digits: BLAS and libm differ in the last ones."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), f"{where}: {AGAIN}"
        for key in ours:
            same(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, (list, tuple)):
        assert len(ours) == len(theirs), f"{where}: {AGAIN}"
        for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            same(a, b, f"{where}[{index}]")
    elif isinstance(ours, float):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-9), f"{where}: {AGAIN}"
    else:
        assert ours == theirs, f"{where}: {AGAIN}"


def test_the_committed_results_are_those_of_the_committed_parameters(
    committed: dict[str, Any],
) -> None:
    assert committed["about"]["values_sha256"] == values_hash(MODEL), AGAIN
    assert committed["about"]["targets_sha256"] == PLAN.sha256, AGAIN
    for name, row in committed["parameters"].items():
        assert row["after"] == MODEL.value(name), AGAIN
    found = comparison(MODEL, PLAN)
    same(found, {key: committed[key] for key in found})


def test_the_committed_page_is_written_from_the_committed_results(
    committed: dict[str, Any],
) -> None:
    assert (FOLDER / "il2-calibration.md").read_text(encoding="utf-8") == page(
        MODEL, PLAN, committed
    ), AGAIN


def test_the_fitted_parameters_are_those_called_calibrated(committed: dict[str, Any]) -> None:
    assert set(calibrated(MODEL)) == set(committed["parameters"])
    assert set(calibrated(MODEL)) <= set(PLAN.priors) <= set(MODEL.parameters)
    for name in set(PLAN.priors) - set(calibrated(MODEL)):
        assert MODEL.parameters[name].origin is Origin.ASSUMED, name
        assert committed["profiles"][name]["verdict"] != "identified", name
        assert MODEL.value(name) == PLAN.priors[name].centre, name


def test_nothing_recalled_and_nothing_of_depil2_has_weight() -> None:
    for target in PLAN.of_role(Role.FITTED):
        assert MODEL.sources[target.source].certainty != "recalled", target.key
        assert target.source != "depil2", target.key
    depil2 = [target for target in PLAN.targets if target.source == "depil2"]
    assert len(depil2) == 6
    assert all(target.role is Role.HELD_OUT for target in depil2)


def test_targets_without_weight_do_not_move_the_objective() -> None:
    small = replace(PLAN, people=50)
    elsewhere = tuple(
        replace(t, value=1e6) if t.role is not Role.FITTED and t.value is not None else t
        for t in small.targets
    )
    assert target_residuals(MODEL, small) == target_residuals(
        MODEL, replace(small, targets=elsewhere)
    )


def test_the_fit_ends_at_the_same_place_from_anywhere() -> None:
    small = replace(PLAN, people=60)
    first = fit(MODEL, small)
    second = fit(MODEL.with_values({"pT": 1.2, "ka": 25.0, "kl": 4.0}), small, from_present=True)
    for name in first.names:
        # Within a tenth of what the targets leave open: the objective is flat along ka.
        assert abs(math.log(first.after[name] / second.after[name])) < 0.1 * first.sd[name], name
    assert first.cost == pytest.approx(second.cost, rel=1e-3)


@pytest.mark.skipif(not VALIDATE, reason="the whole fit; EQUIPOISE_VALIDATE=1 runs it")
def test_the_committed_parameters_do_not_move() -> None:
    for from_present in (False, True):
        again = fit(MODEL, PLAN, from_present=from_present)
        for name in again.names:
            assert (
                abs(math.log(again.after[name] / MODEL.value(name))) < 0.02 * again.sd[name] + 6e-3
            )


def test_statistics_of_absorption_are_those_of_the_matrix_exponential(few: Experiments) -> None:
    p = {name: row.value for name, row in MODEL.parameters.items()}
    peak = few.time_of_peak()
    hours = peak + np.array([-0.5, -0.02, 0.0, 0.02, 0.5])
    c = twin.concentrations(p, [twin.Dose(0.0, 1e6)], hours / 24)
    assert c.argmax() == 2
    late = twin.concentrations(p, [twin.Dose(0.0, 1e6)], np.array([8, 10, 12, 14]) / 24)
    assert few.half_life() == pytest.approx(
        -math.log(2) / np.polyfit([8, 10, 12, 14], np.log(late), 1)[0]
    )
    infusion = [twin.Dose(0.0, 1.8e6, "infusion", 0.25)]
    assert few.infusion() == pytest.approx(twin.concentrations(p, infusion, [0.25])[0])


def test_the_highest_of_noisy_visits_lies_above_zero_without_any_drug() -> None:
    """Against the same expectation by brute force: five samples over one baseline, 5 % each."""
    many = Experiments(MODEL, 4000, 1).mean_highest
    assert SINGLE_DOSES[0] == 0
    z = np.random.default_rng(2).standard_normal((200_000, 6)) * MODEL.value("cell_cv")
    expected = np.exp(z[:, 1:].max(axis=1) - z[:, 0]).mean() - 1
    assert many[0] == pytest.approx(expected, abs=5 * 0.058 / math.sqrt(4000))
    assert (np.diff(many) > 0).all()


@pytest.mark.parametrize("increase", [0.10, 0.15, 0.20])
def test_the_dose_of_an_increase_gives_that_increase(few: Experiments, increase: float) -> None:
    dose = few.dose_for_increase(increase)
    assert few.highest_increase(dose) == pytest.approx(100 * increase, rel=1e-10)


def test_small_trials_have_t_intervals_of_their_size(few: Experiments) -> None:
    """On placebo the fold is noise: SD sqrt(2) times 5 %, t quantiles 3.182 at n = 4."""
    trials = few.small_trials
    half = (trials["placebo upper"] - trials["placebo lower"]) / 2
    expected = 3.182 * math.sqrt(2) * 0.05 * 0.921 / 2  # E(SD) = 0.921 sigma at n = 4
    assert half.mean() == pytest.approx(expected, rel=0.03)
    covered = ((trials["placebo lower"] < 1) & (trials["placebo upper"] > 1)).mean()
    assert abs(covered - 0.95) < 5 * math.sqrt(0.05 * 0.95 / 4000)


def test_new_values_are_written_and_nothing_else() -> None:
    text = model_path("il2").read_text(encoding="utf-8")
    changed = with_new_values(text, {"pT": 0.5})
    before, after = text.splitlines(), changed.splitlines()
    assert len(before) == len(after)
    different = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert different == [(f"value = {MODEL.value('pT')!r}", "value = 0.5")]
    assert with_new_values(text, {n: MODEL.value(n) for n in calibrated(MODEL)}) == text


def test_what_is_not_calibrated_is_not_written() -> None:
    text = model_path("il2").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="CL is not calibrated"):
        with_new_values(text, {"CL": 1.0})
    with pytest.raises(ValueError, match="no parameter pX"):
        with_new_values(text, {"pX": 1.0})


@pytest.mark.parametrize("kind", ["any", "injection-site"])
def test_event_risks_are_maximum_likelihood(kind: str) -> None:
    """The grid's likelihood is that of a free search, but for the width of the grid."""
    from scipy.optimize import minimize

    counts = PLAN.events[kind]

    def minus_log_likelihood(x: np.ndarray) -> float:
        p = [min(max(probability(*x, d), 1e-12), 1 - 1e-12) for d in counts.doses]
        pairs = zip(p, counts.patients, counts.with_event, strict=True)
        return -sum(k * math.log(q) + (n - k) * math.log1p(-q) for q, n, k in pairs)

    bounds = [(0, 0.1), (0, 0.9), (0.01, 10)]
    starts = ([0.03, 0.3, 1.0], [0.01, 0.1, 0.1], [0.03, 0.8, 3.0])
    best = min(
        minimize(minus_log_likelihood, x, method="Nelder-Mead", bounds=bounds).fun for x in starts
    )
    found = fit_event_risk(counts)
    at_grid = minus_log_likelihood(np.array([found.background, found.rise, found.half]))
    assert best - 1e-6 <= at_grid <= best + 0.02
    assert found.lower < found.at_1 < found.upper


def test_no_events_leave_an_upper_limit() -> None:
    """0 of 6 at a dose of 1: (1 - P)^6 falls to exp(-1.92) at P = 0.274."""
    nothing = fit_event_risk(EventCounts("none", (1.0,), (6,), (0,), "x"))
    assert (nothing.at_1, nothing.lower) == (0, 0)
    assert nothing.upper == pytest.approx(1 - math.exp(-1.920729 / 6), abs=0.012)


def test_profiles_cross_where_they_must() -> None:
    places = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]
    lower, upper = _crossings(places, [2 * x * x for x in places])
    assert lower == pytest.approx(-1 - (LIMIT - 2) / 6)
    assert upper == pytest.approx(1 + (LIMIT - 2) / 6)
    assert _crossings(places, [0.1 * abs(x) for x in places]) == (None, None)
    assert _crossings(places, [9.0, 5.0, 1.0, 0.5, 0.2, 0.1, 0.0])[1] is None


def test_sensitivity_knows_what_cannot_matter_and_what_is_linear() -> None:
    found = sensitivity(MODEL, seed=1, base_sample=32)
    assert found.elasticities["benefit_week_8"]["S0"] == pytest.approx(1.0, rel=1e-4)
    for name in ("S0", "phi", "Bmax", "kB", "kS", "gT", "kI"):
        assert found.elasticities["treg_day_5"][name] == 0, name
        assert found.total["treg_day_5"][name] == 0, name
    # Tone is linear in what drives it: the elasticities of its gains and of fl sum to 1.
    tone = found.elasticities["tone_week_8"]
    assert sum(tone[name] for name in ("gT", "gH", "gN", "fl")) == pytest.approx(1.0, rel=1e-3)
    assert set(PARAMETERS) <= set(MODEL.parameters)


def test_a_model_without_targets_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["minocycline"]) == 1
    said = capsys.readouterr().err
    assert "There is nothing to calibrate" in said
    assert "models with targets: il2" in said
