"""Four hundred virtual patients through every part, with the link put in and taken out.

The mechanism moves T cells, and through them mood, in 408 people; with the link off it moves both
as before, but neither through the other. What was put in is found, and what was not is not.
"""

from __future__ import annotations

import pytest
from tests.light_study import light_text

import equipoise as eq
from equipoise.report.questions import questions

SIZES = (("size = 36", "size = 408"), ("{ MDD = 18, BD = 18 }", "{ MDD = 204, BD = 204 }"))
#: Of the smallest that can fall below 5 % by some margin.
DRAWS = "permutations = 19", "permutations = 99"


@pytest.fixture(scope="module")
def four_hundred(tmp_path_factory):
    text = light_text()
    for old, new in SIZES:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("four-hundred") / "protocol.toml"
    path.write_text(text.replace(*DRAWS), encoding="utf-8")
    return eq.load_protocol(path)


@pytest.fixture(scope="module", params=["planned", "link-off"])
def found(request, four_hundred):
    records = eq.simulate(four_hundred, 2, scenario=request.param)
    return request.param == "planned", eq.analyse(four_hundred, records)


def holds_zero(one):
    return one.lower <= 0.0 <= one.upper


def test_the_early_change_goes_with_the_outcome_only_where_it_is_linked(found):
    linked, results = found
    treg, stimulation = results.prediction.markers[0], results.prediction.markers[-1]
    for marker in (treg, stimulation):
        assert holds_zero(marker.headline) is not linked
        assert (marker.headline.permutation_p < 0.05) is linked
    # Over all arms treatment alone makes an association: there it says nothing of a link.
    everyone = next(s for s in treg.slopes if s.among == "all-arms")
    assert everyone.per_sd < 0.0
    assert not holds_zero(everyone)


def test_all_together_say_more_than_chance_only_where_there_is_a_link(found):
    linked, results = found
    for test in results.prediction.multivariate.tests:
        assert (test.p < 0.05) is linked
        assert (test.q2 > 0.05) is linked


def test_an_effect_goes_through_the_cells_only_where_it_does(found):
    linked, results = found
    joint = results.prediction.mediation.joint
    assert holds_zero(joint.effect("indirect")) is not linked
    assert not holds_zero(joint.effect("total"))


def test_treatment_works_in_either_world(found):
    _, results = found
    [interactions] = results.stratification.heterogeneity
    assert interactions.effect_upper < 0.0
    # Nothing at baseline changes the effect much in this model.
    assert interactions.joint_p > 0.05
    assert results.stratification.profiles.supported is False


def test_day_5_adds_to_the_forecast_only_where_there_is_a_link(found):
    linked, results = found
    gain = results.forecast.gain("early", "baseline", "auc")
    assert (gain.lower > 0.0) is linked
    for stage in ("early", "baseline"):
        assert results.forecast.stage(stage).measure("auc").lower > 0.5  # severity carries over


def test_the_first_page_says_so(found):
    linked, results = found
    said = {question.anchor: " ".join(question.answers) for question in questions(results)}
    assert ("not shown to say more" in said["early-change-together"]) is not linked
    assert ("The interval excludes 0." in said["early-change-mediation"]) is linked
    assert ("neither show an effect" in said["early-change-mediation"]) is not linked
    assert ("the early change added" in said["forecast"]) is linked
