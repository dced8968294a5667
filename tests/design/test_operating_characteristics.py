"""Each trial as `analyse` analyses it; the same rows for any workers; every number countable."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

import equipoise as eq
from equipoise.analysis.dataset import values_of
from equipoise.design.characteristics import MADE, NOT_JUDGED, NOT_MADE, tally_of
from equipoise.design.chunks import prepare, run_chunk
from equipoise.design.trial_values import TrialValues, values_of_trials
from equipoise.design.truth import rounded_mean
from equipoise.protocol.intercurrent import IntercurrentEvent
from equipoise.simulation import records_of, simulate_arrays

#: Arrays and records go through the same kernels; what is between them is rounding.
SAME = 1e-8
ROWS = ("hits", "estimate", "se", "df", "fits", "serious")


def without_sensitivity(protocol):
    """The analysis of a trial in well under a second."""
    changes: dict = {"sensitivity": {}}
    if protocol.analysis.prediction is not None:
        plan = protocol.analysis.prediction.model_copy(update={"permutations": 19})
        changes["prediction"] = plan
    analysis = protocol.analysis.model_copy(update=changes)
    return protocol.model_copy(update={"analysis": analysis})


@pytest.fixture(scope="module")
def twin():
    return without_sensitivity(eq.load_protocol("il2-depression"))


@pytest.fixture(scope="module")
def few(twin):
    return eq.operating_characteristics(twin, trials=12, seed=3, workers=1)


def effect_of(results, effect):
    kind, name, arm, visit, level = effect
    if kind == "estimand":
        rows = results.estimands[name].contrasts
    elif name in results.outcomes:
        rows = results.outcomes[name].contrasts
    elif kind == "subgroup":
        part = results.endpoints[name].subgroup
        rows = (*part.effects, *part.interaction)
    else:
        rows = results.endpoints[name].contrasts
    (row,) = (r for r in rows if (r.arm, r.visit, r.subgroup or "") == (arm, visit, level))
    return row


def slope_of(results, among, marker):
    (found,) = (m for m in results.prediction.markers if m.endpoint == marker)
    (row,) = (s for s in found.slopes if s.among == among and not s.adjusted_for_early_outcome)
    return row


def hold_to_analyse(protocol, scenario, trial, seed=3):
    """The rows of one trial against `analyse` of the records that `simulate` gives."""
    work = prepare(protocol, seed, scenario=scenario)
    rows = run_chunk(work, trial, trial + 1)
    records = eq.simulate(protocol, seed, scenario=scenario, trial=trial)
    results = eq.analyse(protocol, records)
    compared = 0
    for column, quantity in enumerate(work.quantities):
        ours = (rows.estimate[0, column], rows.se[0, column], rows.df[0, column])
        if quantity.effect is None:
            among, marker, what = quantity.slope
            row = slope_of(results, among, marker)
            theirs = (row.estimate, row.se, row.df)
            if what == "correlation":
                theirs = (row.correlation, math.nan, math.nan)
        else:
            row = effect_of(results, quantity.effect)
            theirs = [math.nan if x is None else x for x in (row.estimate, row.se, row.df)]
        assert ours == pytest.approx(theirs, rel=SAME, abs=SAME, nan_ok=True)
        compared += 1
    hits = {made.claim.key: int(h) for made, h in zip(work.claims, rows.hits[0], strict=True)}
    signs = {made.claim.key: made.direction for made in work.claims}
    for answer in results.answers:
        sign = signs[f"estimand:{answer.estimand}"].sign
        way = all(sign * c.estimate > 0 for c in answer.contrasts) or sign == 0
        assert hits[f"estimand:{answer.estimand}"] == int(bool(answer.significant) and way)
    for family in results.families:
        for name, contrasts in family.contrasts.items():
            key = f"family:{family.key}:{name}"
            expected = all(
                c.adjusted_p is not None
                and c.adjusted_p < protocol.analysis.alpha
                and signs[key].sign * c.estimate >= 0
                for c in contrasts
            )
            assert hits[key] == int(expected)
    return compared


@pytest.mark.parametrize(("scenario", "trial"), [("planned", 0), ("link-off", 7), ("null", 2)])
def test_a_trial_has_the_numbers_of_its_analysis(twin, scenario, trial):
    assert hold_to_analyse(twin, scenario, trial) == 47


def changed_twin(twin, **changes):
    """The twin with another model for its cells and another strategy for its key secondary."""
    models = {k: m.model_copy(update=changes.get(k, {})) for k, m in twin.analysis.models.items()}
    analysis = twin.analysis.model_copy(update={"models": models})
    return twin.model_copy(update={"analysis": analysis})


def test_what_arrays_cannot_do_goes_by_records_with_the_same_numbers(twin):
    formula = "log_fold ~ log(age)*visit + log_baseline*visit + diagnosis*visit + arm*visit"
    protocol = changed_twin(twin, cells={"formula": formula, "subgroup": None})
    events = (
        IntercurrentEvent(event="stopped-drug", strategy="hypothetical", composite_change=None),
    )
    second = protocol.estimands["depression_week8"].model_copy(
        update={"intercurrent_events": events}
    )
    protocol = protocol.model_copy(
        update={"estimands": {**protocol.estimands, "depression_week8": second}}
    )
    work = prepare(protocol, 3)
    assert work.plan.needs_records
    assert any("a function of a column" in reason for reason in work.plan.reasons)
    assert any("a strategy changes values" in reason for reason in work.plan.reasons)
    assert hold_to_analyse(protocol, "planned", 1) > 5


def test_other_covariances_go_down_the_ladder(twin):
    """`csh` first; groups with a matrix each; Satterthwaite."""
    protocol = changed_twin(
        twin,
        cells={"covariance": ("csh", "cs"), "df": "satterthwaite"},
        hdrs={"group": "arm", "covariance": ("ar1", "us")},
    )
    assert not prepare(protocol, 3).plan.needs_records
    hold_to_analyse(protocol, "planned", 0)


def test_a_response_as_key_secondary(twin):
    second = twin.estimands["depression_week8"].model_copy(update={"endpoint": "hdrs_response"})
    protocol = twin.model_copy(update={"estimands": {**twin.estimands, "depression_week8": second}})
    hold_to_analyse(protocol, "planned", 2)


def values_from_records(protocol, records, endpoints):
    """The plain twin: the same arrays from the tables."""
    people = records.participants
    place = {person: i for i, person in enumerate(people["participant"].to_list())}
    assert records.allocation is not None
    listed = {p: (s, a) for p, s, a in records.allocation.select(
        "participant", "stratum", "arm").iter_rows()}  # fmt: skip
    arms = {arm: i for i, arm in enumerate(protocol.arm_order)}
    strata = {label: i for i, label in enumerate(protocol.strata)}
    factors = {}
    numbers = {}
    for name, covariate in protocol.population.covariates.items():
        if covariate.type == "categorical":
            codes = {level: i for i, level in enumerate(covariate.levels)}
            factors[name] = np.array([[codes.get(v, -1) for v in people[name].to_list()]])
        else:
            numbers[name] = people[name].cast(pl.Float64).fill_null(np.nan).to_numpy()[None].copy()
    found = {}
    for key in endpoints:
        visits = (protocol.baseline.id, *protocol.endpoint_visits(key))
        at = {visit: j for j, visit in enumerate(visits)}
        array = np.full((1, len(place), len(visits)), np.nan)
        table = values_of(protocol, records, key)
        for person, visit, value in table.select("participant", "visit", "value").iter_rows():
            if visit in at:
                array[0, place[person], at[visit]] = value
        found[key] = array
    serious = 0
    if records.adverse_events is not None:
        serious = records.adverse_events.filter(pl.col("serious"))["participant"].n_unique()
    return TrialValues(
        arm=np.array([[arms[listed[p][1]] for p in place]]),
        stratum=np.array([[strata[listed[p][0]] for p in place]]),
        factors=factors,
        numbers=numbers,
        endpoints=found,
        serious=np.array([serious]),
        patients="statistical",
    )


@pytest.mark.parametrize("study", ["il2-depression", "minocycline-randomised"])
def test_values_of_arrays_are_those_of_the_records(study):
    protocol = eq.load_protocol(study)
    keys = [key for key, point in protocol.endpoints.items() if point.scale.continuous]
    drawn = [simulate_arrays(protocol, 5, trial=k) for k in range(3)]
    found = values_of_trials(protocol, drawn, keys)
    for k, trial in enumerate(drawn):
        twin = values_from_records(protocol, records_of(trial), keys)
        for name in ("arm", "stratum", "serious"):
            assert np.array_equal(getattr(found, name)[k], getattr(twin, name)[0])
        for name in ("factors", "numbers", "endpoints"):
            ours, theirs = getattr(found, name), getattr(twin, name)
            assert set(ours) == set(theirs)
            for key in ours:
                assert np.array_equal(ours[key][k], theirs[key][0], equal_nan=True), key


def test_rows_are_the_same_for_any_workers_and_chunks(twin, few):
    for workers, chunk in ((1, 5), (2, 4), (3, 1)):
        other = eq.operating_characteristics(twin, 12, 3, workers=workers, chunk=chunk)
        for name in ROWS:
            assert np.array_equal(getattr(few, name), getattr(other, name), equal_nan=True), name


def test_either_kind_of_patients(twin, few):
    assert few.patients == "mechanistic (model il2)"
    other = eq.operating_characteristics(
        twin, 2, 3, scenarios=("planned",), patients="statistical", workers=1
    )
    assert other.patients == "statistical"
    assert not np.array_equal(other.estimate[0], few.estimate[0, :2], equal_nan=True)


def test_more_trials_only_add(twin, few):
    fewer = eq.operating_characteristics(twin, 5, 3, scenarios=("null",), workers=1)
    assert np.array_equal(fewer.hits[0], few.hits[2, :5])
    assert np.array_equal(fewer.estimate[0], few.estimate[2, :5], equal_nan=True)


def test_claims_stand_with_what_was_published(few):
    primary = few.claim("estimand:treg_response")
    assert primary.published is not None
    assert primary.source is not None
    assert "Poletti" in primary.source
    assert few.claim("family:cells:th2_percent").label.endswith("up at Day 5")
    assert few.claim("family:cells:treg_count").published is None
    assert "Not how" in few.claim("subgroup:depression_week8:all").caution
    assert not few.claim("harms:no-serious").simulated
    assert [claim.key for claim in few.headline] == [
        "estimand:treg_response", "estimand:depression_week8", "prediction:within:treg_percent",
    ]  # fmt: skip


def test_tables_count_what_the_arrays_hold(few):
    table = few.table
    assert table.height == 3 * (len(few.claims) + 1)
    assert set(table["origin"]) == {"SIMULATED"}
    row = table.filter(scenario="planned", claim="estimand:treg_response").row(0, named=True)
    assert row["made"] == int((few.hits[0, :, 0] == MADE).sum())
    assert row["proportion"] == row["made"] / 12
    together = np.all(
        [few.hits[0, :, [c.key for c in few.claims].index(h.key)] == MADE for h in few.headline],
        axis=0,
    )
    assert few.joint("planned").made == int(together.sum())
    assert few.each_trial.height == 36
    assert few.each_trial["estimand:treg_response"].sum() == int((few.hits[:, :, 0] == 1).sum())
    with pytest.raises(KeyError, match="nonsense"):
        few.tally("planned", "nonsense")


def test_truth_bias_and_coverage(twin):
    few = eq.operating_characteristics(twin, 3, 3, patients="statistical", workers=1)
    found = few.performance("planned", "estimand:treg_response:il2")
    assert found.truth == pytest.approx(math.log(1.25))
    assert found.bias == pytest.approx(found.mean - math.log(1.25))
    assert few.performance("null", "estimand:treg_response:il2").truth == 0.0
    slope = few.performance("planned", "slope:within:treg_percent")
    assert math.isnan(slope.truth)
    assert math.isnan(slope.coverage)
    assert few.performance("link-off", "slope:within:treg_percent").truth == 0.0
    assert math.isnan(few.performance("link-off", "slope:all:treg_percent").truth)
    frame = few.estimates
    assert frame.filter(key="slope:within:treg_percent", scenario="planned")["truth"][0] is None


def test_the_mean_of_a_rounded_score():
    rng = np.random.default_rng(1)
    drawn = np.clip(np.round(rng.normal(9.0, 6.0, 2_000_000)), 0, 52)
    # Monte-Carlo error 0.004.
    assert rounded_mean(9.0, 6.0, 0, 52) == pytest.approx(float(drawn.mean()), abs=0.015)
    assert rounded_mean(26.0, 3.0, 0, 52) == pytest.approx(26.0, abs=1e-12)


def test_a_tally_has_its_exact_interval_and_its_error():
    found = tally_of(1000, 50)
    assert (found.lower, found.upper) == pytest.approx((0.0373355, 0.0653905), abs=1e-6)
    assert found.error == pytest.approx(math.sqrt(0.05 * 0.95 / 1000))
    assert tally_of(10, 0).upper == pytest.approx(1 - 0.025**0.1)


def test_a_fit_that_fails_is_counted_and_judges_nothing(twin):
    """Six participants cannot carry an unstructured model of five visits."""
    population = twin.population.model_copy(update={"size": 6})
    randomisation = twin.randomisation.model_copy(
        update={"stratum_sizes": {"MDD": 3, "BD": 3}, "block_sizes": (3,)}
    )
    tiny = twin.model_copy(update={"population": population, "randomisation": randomisation})
    found = eq.operating_characteristics(tiny, 3, 1, scenarios=("planned",), workers=1)
    column = [claim.key for claim in found.claims].index("estimand:treg_response")
    if (found.hits[0, :, column] == NOT_JUDGED).any():
        assert found.failed_fits("planned")
    tally = found.tally("planned", "estimand:depression_week8")
    ended = found.failed_fits("planned")["HDRS-17 total"]
    assert sum(ended.values()) == 3
    assert tally.made == 0
    assert tally.not_judged + int((found.hits[0, :, 1] == NOT_MADE).sum()) == 3
    assert hold_failed(tiny)


def hold_failed(protocol):
    """`analyse` has no fit of that trial either."""
    results = eq.analyse(protocol, eq.simulate(protocol, 1))
    return results.endpoints["hdrs_change"].fit is None


def test_a_level_that_nobody_has_goes_by_records(twin):
    """All are women: `mmrm` refuses a factor with one level, and so it is here."""
    formula = "change ~ baseline*visit + sex + diagnosis*visit + arm*visit"
    protocol = changed_twin(twin, hdrs={"formula": formula, "subgroup": None})
    statistical = protocol.assumptions.statistical
    women = statistical.covariates["sex"].model_copy(
        update={"probabilities": {"female": 1.0, "male": 0.0}}
    )
    statistical = statistical.model_copy(
        update={"covariates": {**statistical.covariates, "sex": women}}
    )
    assumptions = protocol.assumptions.model_copy(update={"statistical": statistical})
    protocol = protocol.model_copy(update={"assumptions": assumptions})
    assert not prepare(protocol, 1).plan.needs_records
    found = eq.operating_characteristics(protocol, 2, 1, scenarios=("planned",), workers=1)
    assert found.failed_fits("planned") == {"HDRS-17 total": {"not fitted": 2}}
    results = eq.analyse(protocol, eq.simulate(protocol, 1))
    assert "one level" in str(results.endpoints["hdrs_change"].failure)
    key = "estimand:depression_week8"
    assert found.tally("planned", key).made == 0


def test_centring_lets_the_arm_interact_with_a_number(twin):
    """The effect at the mean of the rows used, which differs from trial to trial."""
    formula = "change ~ baseline*visit + diagnosis*visit + arm*visit*age"
    protocol = changed_twin(twin, hdrs={"formula": formula, "subgroup": None})
    assert not prepare(protocol, 3).plan.needs_records
    hold_to_analyse(protocol, "planned", 4)


def test_progress_is_told(twin):
    told = []
    eq.operating_characteristics(
        twin, 4, 1, scenarios=("null",), workers=1, chunk=2,
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert told == [(2, 4), (4, 4)]


def test_other_studies_run_too():
    for name in ("il2-bipolar", "antidepressant-example", "minocycline-randomised"):
        protocol = without_sensitivity(eq.load_protocol(name))
        found = eq.operating_characteristics(protocol, 2, 1, scenarios=("planned",), workers=1)
        assert np.isfinite(found.estimate[0, :, 0]).any(), name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"trials": 0}, "`trials` = 0"),
        ({"workers": 0}, "`workers` = 0"),
        ({"scenarios": ("planed",)}, "did you mean `planned`"),
        ({"scenarios": ()}, "at least one scenario"),
        ({"chunk": 0}, "`chunk` = 0"),
        ({"patients": "robots"}, "patients"),
        ({"seed": -1}, "a seed is a whole number"),
    ],
)
def test_bad_arguments(twin, arguments, words):
    with pytest.raises(eq.EquipoiseError, match=words):
        eq.operating_characteristics(twin, **{"trials": 2, "workers": 1, **arguments})


def test_all_faults_come_at_once():
    single = eq.load_protocol("minocycline-depression")
    with pytest.raises(eq.EquipoiseError) as caught:
        eq.operating_characteristics(single, trials=0, workers=0, scenarios=("nul",))
    codes = [fault.code for fault in caught.value.faults]
    assert codes == [
        "design-without-control", "count-invalid", "count-invalid", "scenario-unknown",
    ]  # fmt: skip


def broken_twin(twin):
    """A protocol whose patients cannot be drawn: a copy is not checked."""
    statistical = twin.assumptions.statistical
    hdrs = statistical.scores["hdrs"].model_copy(update={"correlation": 1.5})
    statistical = statistical.model_copy(update={"scores": {**statistical.scores, "hdrs": hdrs}})
    return twin.model_copy(
        update={"assumptions": twin.assumptions.model_copy(update={"statistical": statistical})}
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_a_trial_that_fails_is_named(twin, workers, monkeypatch):
    monkeypatch.setattr("equipoise.design.workers.WORTH_PROCESSES", -1.0)
    with pytest.raises(eq.EquipoiseError, match="scenario null") as caught:
        eq.operating_characteristics(
            broken_twin(twin), 4, 1, scenarios=("null",), workers=workers, chunk=2
        )
    (fault,) = caught.value.faults
    assert fault.code == "trial-failed"
    assert fault.value in ("0", "2")
    assert "LinAlgError" in fault.rule
