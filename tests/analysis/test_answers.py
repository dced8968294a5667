"""The order of testing, and what may be said at each place in it."""

from __future__ import annotations

import pytest

import equipoise as eq
from equipoise.analysis.answers import adjust_families, answer_estimands
from equipoise.analysis.results import Status
from equipoise.report.words import answer_sentence


def with_p(results, endpoint, visit, p):
    """The endpoint's results with another p at one visit."""
    result = results.endpoints[endpoint]
    contrasts = tuple(
        c.model_copy(update={"p": p}) if c.visit == visit else c for c in result.contrasts
    )
    return {**results.endpoints, endpoint: result.model_copy(update={"contrasts": contrasts})}


def test_the_primary_comes_first_and_opens_the_gate(il2, il2_results):
    endpoints = with_p(il2_results, "treg_percent", "day5", 0.049)
    first, second = answer_estimands(il2, endpoints, False)
    assert (first.estimand, first.status, first.significant) == (
        "treg_response", Status.CONFIRMATORY, True,
    )  # fmt: skip
    assert second.status is Status.CONFIRMATORY


def test_after_a_primary_that_is_not_significant_nothing_is_tested(il2, il2_results):
    endpoints = with_p(il2_results, "treg_percent", "day5", 0.051)
    first, second = answer_estimands(il2, endpoints, False)
    assert first.significant is False
    assert second.status is Status.GATE_CLOSED
    assert second.significant is None
    results = il2_results.model_copy(update={"answers": (first, second)})
    said = answer_sentence(results, first)
    assert "does not reject" in said
    assert "p = 0.051" in said
    closed = answer_sentence(results, second)
    assert "It is not tested" in closed
    assert "p = " not in closed
    assert "p < " not in closed


def test_an_estimand_that_cannot_be_estimated_closes_the_gate(il2, il2_results):
    broken = il2_results.endpoints["treg_percent"].model_copy(
        update={"contrasts": (), "fit": None, "failure": "us: no valid optimum"}
    )
    endpoints = {**il2_results.endpoints, "treg_percent": broken}
    first, second = answer_estimands(il2, endpoints, False)
    assert first.status is Status.NOT_ESTIMABLE
    assert second.status is Status.GATE_CLOSED
    results = il2_results.model_copy(update={"answers": (first, second), "endpoints": endpoints})
    assert "no valid optimum" in answer_sentence(results, first)


def test_blinded_there_are_no_p_values_and_no_families(il2, blinded_results):
    assert adjust_families(il2, blinded_results.endpoints, True) == ()
    assert [a.estimand for a in blinded_results.answers] == ["depression_week8"]
    assert blinded_results.answers[0].status is Status.BLINDED
    assert blinded_results.answers[0].contrasts == ()
    for result in blinded_results.endpoints.values():
        assert result.contrasts == ()
        assert result.subgroup is None
        assert "arm" not in result.fit.formula


def three_arms(write_protocol):
    return eq.load_protocol(
        write_protocol(
            (
                "[randomisation]\n",
                '[arms.high]\nlabel = "High dose"\nrole = "active"\nratio = 2\n'
                'doses = [{ drug = "aldesleukin", amount = 3, unit = "MIU", volume_ml = 0.5, '
                'route = "subcutaneous", days = [0, 1, 2, 3, 4, 14, 21, 28, 35] }]\n\n'
                "[randomisation]\n",
            ),
            ("block_sizes = [6]", "block_sizes = [5]"),
            ("size = 36", "size = 100"),
            ("MDD = 18, BD = 18", "MDD = 50, BD = 50"),
        )
    )


def test_an_unfinished_third_arm_is_refused_with_every_missing_assumption(write_protocol):
    with pytest.raises(eq.EquipoiseError, match="every arm has a value; high has none") as info:
        three_arms(write_protocol)
    assert len(info.value.faults) >= 10


def test_several_active_arms_are_holm_adjusted_and_all_must_be_significant(il2, il2_results):
    result = il2_results.endpoints["treg_percent"]
    base = next(c for c in result.contrasts if c.visit == "day5")
    pair = (
        base.model_copy(update={"arm": "low", "p": 0.02}),
        base.model_copy(update={"arm": "high", "p": 0.03}),
    )
    endpoints = {
        **il2_results.endpoints, "treg_percent": result.model_copy(update={"contrasts": pair}),
    }  # fmt: skip
    first, second = answer_estimands(il2, endpoints, False)
    assert [c.adjusted_p for c in first.contrasts] == [0.04, 0.04]
    assert first.significant is True
    endpoints["treg_percent"] = result.model_copy(
        update={"contrasts": (pair[0], pair[1].model_copy(update={"p": 0.06}))}
    )
    first, second = answer_estimands(il2, endpoints, False)
    assert first.significant is False
    assert second.status is Status.GATE_CLOSED
