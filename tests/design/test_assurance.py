"""Assurance: draws of the priors, what they change, and power averaged over them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import equipoise as eq
from equipoise.design.assurance import assure, draw_prior
from equipoise.protocol.prior_plan import PriorAssumption

#: One arm's change at the visits of the example, by which its effect is made.
CHANGE = "assumptions.statistical.scores.hdrs.change"


def with_priors(protocol, **priors):
    data = protocol.model_dump()
    data["assumptions"]["priors"] = priors
    return eq.Protocol.model_validate(data)


@pytest.fixture(scope="module")
def small():
    return eq.load_protocol("antidepressant-example")


@pytest.fixture(scope="module")
def fields(small):
    arm = small.active_arms[0]
    visits = small.assumptions.statistical.scores["hdrs"].change[arm]
    return [f"{CHANGE}.{arm}.{visit}" for visit in visits]


@pytest.mark.parametrize(
    ("given", "law"),
    [
        ({"distribution": "normal", "mean": 2.0, "sd": 0.5}, stats.norm(2.0, 0.5)),
        (
            {"distribution": "normal", "mean": 0.0, "sd": 1.0, "minimum": 0.5, "maximum": 2.0},
            stats.truncnorm(0.5, 2.0),
        ),
        (
            {"distribution": "log-normal", "median": 3.0, "sd_log": 0.4},
            stats.lognorm(0.4, scale=3.0),
        ),
        ({"distribution": "uniform", "minimum": 1.0, "maximum": 4.0}, stats.uniform(1.0, 3.0)),
        ({"distribution": "beta", "a": 2.0, "b": 5.0}, stats.beta(2.0, 5.0)),
    ],
)
def test_draws_follow_their_law(given, law):
    prior = PriorAssumption.model_validate({"label": "One", "fields": ["a.b"], **given})
    drawn = [draw_prior(prior, 1, "one", k) for k in range(2000)]
    assert stats.kstest(drawn, law.cdf).pvalue > 1e-3
    assert draw_prior(prior, 1, "one", 7) == drawn[7]


def test_a_prior_of_next_to_nothing_gives_the_power_itself(small, fields):
    """The average over a prior that hardly varies is the power at what it centres on."""
    sure = with_priors(
        small,
        effect={"label": "Effect", "fields": fields, "multiplies": True,
                "distribution": "normal", "mean": 1.0, "sd": 1e-9},
    )  # fmt: skip
    found = assure(sure, draws=100, trials=4, workers=1)
    alone = eq.operating_characteristics(small, 400, 1, scenarios="planned", workers=1)
    for one in found.claims:
        if one.claim is not None:
            tally = alone.tally("planned", one.claim.key)
            assert one.share == pytest.approx(tally.proportion, abs=1e-12)


def test_doubt_of_the_effect_draws_power_towards_the_middle(small, fields):
    """With high power doubt costs; the average is that of the powers at what was drawn."""
    large = small.model_copy(
        update={"population": small.population.model_copy(update={"size": 172})}
    )
    doubt = with_priors(
        large,
        effect={"label": "Effect", "fields": fields, "multiplies": True,
                "distribution": "uniform", "minimum": 0.9, "maximum": 1.6},
    )  # fmt: skip
    found = assure(doubt, draws=150, trials=4, workers=1)
    [first] = [one for one in found.claims if one.claim is not None][:1]
    share = found.made[:, 0] / 4
    assert first.share == pytest.approx(share.mean())
    assert first.error == pytest.approx(share.std(ddof=1) / math.sqrt(150))
    assert first.lower <= first.share <= first.upper
    # Who draws a larger change of the active arm makes the claim more often.
    above = found.drawn[:, 0] > np.median(found.drawn[:, 0])
    assert share[above].mean() > share[~above].mean() + 0.1
    assert found.table["origin"].to_list() == ["SIMULATED"] * len(found.claims)
    assert found.each_draw.height == 150


def test_a_parameter_of_the_mechanism_has_a_prior_too():
    twin = eq.load_protocol("il2-depression")
    path = "assumptions.mechanistic.parameters.pT"
    unsure = with_priors(
        twin,
        recruitment={"label": "Recruitment of Treg", "fields": [path],
                     "distribution": "log-normal", "median": 0.639, "sd_log": 0.101},
    )  # fmt: skip
    found = assure(unsure, draws=4, trials=2, workers=1)
    assert found.patients == "mechanistic (model il2)"
    assert len(set(found.drawn[:, 0])) == 4
    assert "value of assumptions.mechanistic.parameters.pT" in found.priors[0][1]


def test_it_stands_on_the_sheet(small, fields, tmp_path):
    unsure = with_priors(
        small,
        effect={"label": "Effect on mood", "fields": fields, "multiplies": True,
                "distribution": "uniform", "minimum": 0.9, "maximum": 1.6},
    )  # fmt: skip
    found = assure(unsure, draws=5, trials=2, workers=2)
    assert (found.made == assure(unsure, draws=5, trials=2, workers=1).made).all()
    worlds = eq.map_characteristics(unsure, {}, 5, 1, workers=1)
    page = eq.write_design(worlds, tmp_path, averaged=found).read_text(encoding="utf-8")
    assert 'id="assurance"' in page
    assert "Effect on mood: factor on" in page
    assert (tmp_path / "design" / "assurance-draws.csv").exists()


@pytest.mark.parametrize(
    ("prior", "rule"),
    [
        ({"distribution": "normal", "mean": 1.0}, "a normal prior has `sd`"),
        ({"distribution": "beta", "a": 1.0, "b": 1.0, "sd": 1.0}, "a beta prior has no `sd`"),
        ({"distribution": "uniform", "minimum": 2.0, "maximum": 1.0}, "above the minimum 2"),
    ],
)
def test_a_prior_that_is_none_is_refused_when_it_is_read(small, fields, prior, rule):
    with pytest.raises(ValueError, match=rule):
        with_priors(small, one={"label": "One", "fields": fields, **prior})


def test_assurance_refuses_what_it_cannot_average(small, fields):
    with pytest.raises(eq.EquipoiseError, match="the protocol has none"):
        assure(small, workers=1)
    uniform = {"label": "x", "distribution": "uniform", "minimum": 1.0, "maximum": 2.0}
    twice = with_priors(small, one={**uniform, "fields": fields}, two={**uniform, "fields": fields})
    with pytest.raises(eq.EquipoiseError, match="a field has one prior"):
        assure(twice, workers=1)
    wrong = with_priors(small, one={**uniform, "fields": ["populaton.size"]})
    with pytest.raises(eq.EquipoiseError, match="did you mean"):
        assure(wrong, workers=1)
    words = with_priors(small, one={**uniform, "fields": ["trial.title"], "multiplies": True})
    with pytest.raises(eq.EquipoiseError, match="multiplies a number"):
        assure(words, workers=1)
    far = {"label": "x", "distribution": "normal", "mean": 0.0, "sd": 1.0, "minimum": 50.0}
    with pytest.raises(eq.EquipoiseError, match="widen the limits"):
        assure(with_priors(small, one={**far, "fields": fields}), workers=1)
