"""Virtual patients are drawn as their table says, and the link is a matter of degree."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equipoise.faults import EquipoiseError
from equipoise.mechanisms import Distribution, find_model
from equipoise.patients import blood_values, draw_patients, follow, implausible, typical_patients
from equipoise.patients.schedules import Schedule

N = 20_000


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def model():
    """Without covariates' effects, so that each distribution stands alone."""
    table = find_model("il2")
    return table.with_values(dict.fromkeys(table.effects, 0.0))


@pytest.fixture(scope="module")
def people(model):
    return draw_patients(model, N, rng())


def standardised(row, values):
    if row.distribution is Distribution.LOG_NORMAL:
        return np.log(values / row.value) / row.spread
    if row.distribution is Distribution.LOGIT_NORMAL:
        odds = np.log(values / (1 - values)) - math.log(row.value / (1 - row.value))
        return odds / row.spread
    return (values - row.value) / row.spread


def test_every_parameter_has_its_distribution(model, people):
    """Means within 4.5 standard errors, SDs within 4.5 of theirs: 60 looks at 20,000 people."""
    for name, row in model.parameters.items():
        values = people.values[name]
        if row.distribution is Distribution.FIXED:
            assert np.all(values == row.value), name
            continue
        if row.distribution is Distribution.LOG_RATIO:
            continue
        z = standardised(row, values)
        sd = 1.0
        if row.persons is not None:  # cut symmetrically enough at -2.2 and +4 SD
            low, high = ((end - row.value) / row.spread for end in row.persons)
            assert z.min() >= low
            assert z.max() <= high
            continue
        assert abs(z.mean()) < 4.5 / math.sqrt(N), name
        assert abs(z.std() - sd) < 4.5 / math.sqrt(2 * N), name


def test_severity_at_baseline_is_cut_and_not_clipped(model, people):
    """A truncated normal has no heap at its ends; mean and SD in closed form."""
    values = people.values["S0"]
    assert np.unique(values).size == N
    low, high = (12 - 22) / 4.5, (40 - 22) / 4.5

    def density(x):
        return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)

    def below(x):
        return 0.5 * math.erfc(-x / math.sqrt(2))

    mass = below(high) - below(low)
    mean = 22 + 4.5 * (density(low) - density(high)) / mass
    assert values.mean() == pytest.approx(mean, abs=4.5 * 4.5 / math.sqrt(N))


def test_fractions_of_a_whole_stay_below_it(model, people):
    fractions = [people.values[name] for name in ("fT", "fH", "fN")]
    rest = 1 - sum(fractions)
    assert rest.min() > 0
    for name, share in zip(("fT", "fH", "fN"), fractions, strict=True):
        row = model.parameters[name]
        left = 1 - sum(model.value(k) for k in ("fT", "fH", "fN"))
        z = (np.log(share / rest) - math.log(row.value / left)) / row.spread
        assert abs(z.mean()) < 4.5 / math.sqrt(N)
        assert abs(z.std() - 1) < 4.5 / math.sqrt(2 * N)


def test_correlations_are_those_of_the_table(model, people):
    names = model.random_effects
    wanted = np.array(model.correlation_matrix())
    z = {
        name: standardised(model.parameters[name], people.values[name])
        for name in names
        if model.parameters[name].distribution is not Distribution.LOG_RATIO and name != "S0"
    }
    kept = list(z)
    found = np.corrcoef(np.stack([z[name] for name in kept]))
    at = [names.index(name) for name in kept]
    assert np.abs(found - wanted[np.ix_(at, at)]).max() < 5 / math.sqrt(N)


def test_a_correlation_that_is_asked_for_is_drawn(model):
    changed = model.with_values({}, {("kI", "phi"): 0.5})
    drawn = draw_patients(changed, N, rng())
    z = [standardised(changed.parameters[name], drawn.values[name]) for name in ("kI", "phi")]
    assert np.corrcoef(z)[0, 1] == pytest.approx(0.5, abs=4.5 * 0.75 / math.sqrt(N))


def test_covariates_shift_what_the_table_says():
    table = find_model("il2")
    effect = table.effects["fN_cmv_positive"]
    sexes = np.where(np.arange(N) % 2, "female", "male")
    drawn = {
        level: draw_patients(table, N, rng(), covariates={"cmv": [level] * N, "sex": sexes})
        for level in ("negative", "positive")
    }
    rest = {k: 1 - sum(d.values[f] for f in ("fT", "fH", "fN")) for k, d in drawn.items()}
    ratio = np.log(drawn["positive"].values["fN"] / rest["positive"]) - np.log(
        drawn["negative"].values["fN"] / rest["negative"]
    )
    assert np.allclose(ratio, effect.value, atol=1e-12), "the same people, but for the virus"
    small, large = (
        draw_patients(table, N, rng(), covariates={"bsa": np.full(N, bsa)}) for bsa in (1.5, 2.1)
    )
    assert np.allclose(large.values["V1"] / small.values["V1"], 2.1 / 1.5)
    assert np.allclose(large.values["CL"] / small.values["CL"], 2.1 / 1.5)


def test_covariates_that_are_not_known_are_drawn():
    drawn = draw_patients(find_model("il2"), N, rng())
    share = (drawn.covariates["cmv"] == "positive").mean()
    assert share == pytest.approx(0.4, abs=4.5 * math.sqrt(0.24 / N))
    assert set(drawn.covariates) >= {"diagnosis", "sex", "age", "bmi", "height", "bsa", "ctq"}
    assert 1.2 < np.median(drawn.covariates["bsa"]) < 2.2


def test_draws_do_not_depend_on_what_is_known_or_linked():
    """With another link or a covariate that acts on nothing the cells are the same to the bit."""
    table = find_model("il2")
    first = draw_patients(table, 50, rng())
    other = draw_patients(table, 50, rng(), link=0.3, covariates={"diagnosis": ["MDD"] * 50})
    for name in ("pT", "ECT", "CL", "fT"):
        assert np.array_equal(first.values[name], other.values[name])


DOSES = Schedule(days=np.arange(5.0), amounts=np.ones(5))
DAYS = (0.0, 4.0, 56.0)


def link_and_means(model, link):
    drawn = draw_patients(model, N, rng(3), link=link)
    course = follow(drawn, DOSES, DAYS)
    percent = blood_values(drawn, course).percent["treg"]
    rise = np.log(percent[:, 1] / percent[:, 0])
    mood = course["severity"]
    gain = 1 - mood[:, 2] / mood[:, 0]
    return np.corrcoef(rise, gain)[0, 1], rise.mean(), gain.mean(), gain.std()


def test_the_link_goes_from_none_to_full_and_leaves_every_arm_as_it_is():
    table = find_model("il2")
    full, half, none = (link_and_means(table, link) for link in (1.0, 0.5, 0.0))
    error = 1 / math.sqrt(N)
    assert full[0] > 0.35
    assert 0.1 < half[0] < full[0] - 0.1
    assert abs(none[0]) < 4 * error, "no link is no link, covariates included"
    for other in (half, none):
        assert other[1] == full[1], "the cells are the same"
        assert other[2] == pytest.approx(full[2], abs=5 * full[3] * error * math.sqrt(2))
        assert other[3] == pytest.approx(full[3], rel=0.05)


@pytest.mark.parametrize("link", [0.0, 0.4, 0.7])
def test_behind_the_mood_every_parameter_is_distributed_as_before(link):
    """Strong effects of covariates, a level's and a number's, too: means and SDs of the logs."""
    table = find_model("il2").with_values({"fN_cmv_positive": -1.0, "V1_bsa": 3.0})
    people = draw_patients(table, N, rng(4), link=link)
    for name in ("fN", "V1", "pT", "ECT", "CL", "gT", "kI"):
        before, after = np.log(people.values[name]), np.log(people.mood[name])
        error = 5 * before.std() / math.sqrt(N)
        assert after.mean() == pytest.approx(before.mean(), abs=math.sqrt(2) * error), name
        assert after.std() == pytest.approx(before.std(), rel=0.05), name
        found = np.corrcoef(before, after)[0, 1]
        assert found == pytest.approx(link, abs=5 / math.sqrt(N)), name


def test_drawn_patients_are_plausible_and_an_override_may_not_be():
    table = find_model("il2")
    assert not any(broken.any() for broken in implausible(draw_patients(table, N, rng())).values())
    wild = table.with_values({"CD4": 60.0, "CD4.spread": 1.0})
    found = implausible(draw_patients(wild, 1000, rng()))
    assert found["CD4+ count lies between 50 and 5,000 cells/uL"].sum() > 100


def test_what_is_asked_wrongly_is_refused_at_once():
    with pytest.raises(EquipoiseError) as caught:
        draw_patients(
            find_model("il2"), 3, rng(), link=1.5,
            covariates={"cmv": ["yes"] * 3, "height_cm": [170] * 3, "age": [40.0]},
        )  # fmt: skip
    assert {fault.code for fault in caught.value.faults} == {
        "covariate-level-unknown", "covariate-unknown", "covariate-length", "link-outside-bounds",
    }  # fmt: skip
    assert "levels of cmv: negative, positive" in str(caught.value)


def test_the_typical_patient_has_the_values_of_the_table():
    table = find_model("il2")
    typical = typical_patients(table, 2)
    assert all(np.all(typical.values[k] == row.value) for k, row in table.parameters.items())


def test_what_cannot_be_followed_is_refused_at_once():
    typical = typical_patients(find_model("il2"))
    with pytest.raises(EquipoiseError) as caught:
        follow(typical, Schedule(days=[0, 30], amounts=[1, 1], unit="mg", route="oral"), (0, 14, 7))
    assert [fault.code for fault in caught.value.faults] == [
        "days-not-ascending", "dose-after-end", "amount-unit-other", "route-unknown",
    ]  # fmt: skip
    infusion = Schedule(days=[0], amounts=[1], route="intravenous", hours=6)
    with pytest.raises(EquipoiseError, match="ask `concentration` for an infusion"):
        follow(typical, infusion, (0, 1))


def test_percentages_are_of_a_whole_and_counts_of_the_parent():
    drawn = draw_patients(find_model("il2"), 100, rng())
    blood = blood_values(drawn, follow(drawn, DOSES, DAYS))
    parts = ("treg", "th2", "naive_cd4", "other_cd4")
    assert np.allclose(sum(blood.percent[name] for name in parts), 100)
    assert np.allclose(sum(blood.count[name] for name in parts), blood.count["CD4"])
    assert np.allclose(blood.count["naive_cd8"] / blood.count["CD8"] * 100,
                       blood.percent["naive_cd8"])  # fmt: skip
    assert np.allclose(blood.labs["crp"][:, 0], drawn.values["CRP0"])
