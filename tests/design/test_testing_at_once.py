"""Claims judged for all trials together are those that the analysis' own functions make."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.analysis.answers import answer_estimands
from equipoise.design import judgement
from equipoise.design.characteristics import MADE, NOT_JUDGED, NOT_MADE
from equipoise.design.chunk_analysis import ChunkEffects
from equipoise.design.chunks import prepare, run_chunk
from equipoise.design.sequential_trials import SequentialTrials
from equipoise.design.testing_at_once import judged_at_once, plainly_tested
from equipoise.protocol.multiplicity_plan import Adjustment

TRIALS = 400


def drawn_effects(work, seed):
    """Effects of every claim: about the level, of either sign, some lacking, some p lacking."""
    rng = np.random.default_rng(seed)
    found = ChunkEffects(TRIALS)
    asked = {effect for claim in work.claims for effect in claim.effects}
    for effect in sorted(asked):
        there = rng.random(TRIALS) < 0.9
        estimate = np.where(there, rng.standard_normal(TRIALS), np.nan)
        p = np.where(there & (rng.random(TRIALS) < 0.95), rng.random(TRIALS) ** 6, np.nan)
        found.put(
            effect, np.arange(TRIALS),
            {"estimate": estimate, "se": np.abs(estimate), "df": estimate, "p": p,
             "lower": estimate, "upper": estimate},
        )  # fmt: skip
    return found


def ended(levels):
    return SequentialTrials(participants=np.full(len(levels), 36), level=levels)


@pytest.mark.parametrize("levelled", [False, True])
def test_the_decisions_are_those_of_answers_and_families(il2, levelled):
    work = prepare(il2, 3)
    assert plainly_tested(il2)
    assert {claim.kind for claim in work.claims} >= {"estimand", "family"}
    level = np.random.default_rng(9).uniform(0.001, 0.2, TRIALS) if levelled else None
    effects = drawn_effects(work, 5 + levelled)
    judged = judged_at_once(work.plan, work.claims, effects, level)
    assert set(judged) == {
        i for i, claim in enumerate(work.claims) if claim.kind in ("estimand", "family")
    }
    hits = np.full((TRIALS, len(work.claims)), 99, dtype=np.int8)
    judgement._judge_each(
        work.plan, work.claims, effects, None if level is None else ended(level), hits
    )
    for column, found in judged.items():
        np.testing.assert_array_equal(found, hits[:, column], err_msg=work.claims[column].claim.key)
        assert set(np.unique(found)) == {MADE, NOT_MADE, NOT_JUDGED}


def test_other_plans_go_by_the_analysis_own_functions(il2, monkeypatch):
    """A gate that is taken out shows: the claims go through `answer_estimands`."""
    families = {
        key: family.model_copy(update={"method": Adjustment.HOCHBERG})
        for key, family in il2.analysis.families.items()
    }
    analysis = il2.analysis.model_copy(update={"families": families})
    protocol = il2.model_copy(update={"analysis": analysis})
    assert not plainly_tested(protocol)

    def shut(protocol, estimates, blinded, **look):
        answers = answer_estimands(protocol, estimates, blinded, **look)
        return tuple(a.model_copy(update={"significant": False}) for a in answers)

    work = prepare(protocol, 3)
    before = run_chunk(work, 0, 1).hits[0, 0]
    monkeypatch.setattr(judgement, "answer_estimands", shut)
    assert (before, run_chunk(work, 0, 1).hits[0, 0]) == (MADE, NOT_MADE)
