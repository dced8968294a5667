"""Max-T of a family by lists drawn again: equal to plain refits, and silent where it must be."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

import equipoise as eq
from equipoise.analysis.answers import adjust_families, answer_estimands
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.estimand_results import EstimandResult
from equipoise.analysis.groups import make_groups
from equipoise.analysis.mixed_models import analyse_endpoint
from equipoise.analysis.rerandomised import draw_allocations
from equipoise.analysis.rerandomised_families import redraw_families
from equipoise.stats import arm_contrast

MEMBERS = ("th2_percent", "treg_count")


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """The twin with one family of two, by max-T of 24 lists."""
    from tests.conftest import _writer
    from tests.light_study import light_text

    text = light_text()
    begin = text.index("[analysis.families.cells]")
    end = text.index("# Whether who rose")
    family = (
        '[analysis.families.cells]\nlabel = "Cells"\nvisit = "day5"\nmethod = "max-t"\n'
        f"draws = 24\nseed = 3\nendpoints = {list(MEMBERS)}\n\n"
    )
    path = _writer(tmp_path_factory.mktemp("max-t"), lambda _: text)((text[begin:end], family))
    return eq.load_protocol(path)


@pytest.fixture(scope="module")
def trial(planned):
    """Records with something missing, datasets and contrasts of the members."""
    records = eq.simulate(planned, seed=6)
    groups = make_groups(planned, records)
    datasets = {key: make_dataset(planned, records, groups, key) for key in MEMBERS}
    effects = {
        key: analyse_endpoint(planned, groups, key, datasets[key], subgroups=False).contrasts
        for key in MEMBERS
    }
    return records, datasets, effects


def test_it_equals_plain_refits_list_by_list(planned, trial):
    """Every list, every member: a fit of its own, and the maximum as it is defined."""
    records, datasets, effects = trial
    found = redraw_families(planned, records, datasets, effects)["cells"]
    drawn = draw_allocations(planned, records, 24, 3)
    model = planned.analysis.models["cells"]
    seen, table = [], np.empty((24, len(MEMBERS)))
    for j, key in enumerate(MEMBERS):
        contrast = arm_contrast(
            model.formula, datasets[key].frame, subject="participant", visit="visit", arm="arm",
            level="il2", reference="placebo", at={"visit": "day5"},
        )  # fmt: skip

        def t(arms, contrast=contrast):
            codes = np.array([contrast.arms.index(str(arm)) for arm in arms])
            estimate, se, _ = contrast.effect(contrast.ladder[0], codes, contrast.data.response)
            return abs(estimate / se)

        seen.append(t([contrast.arms[code] for code in contrast.observed]))
        for b, row in enumerate(drawn.arms):
            table[b, j] = t([row[drawn.participants[p]] for p in contrast.participants])
    assert len(np.unique(drawn.arms, axis=0)) > 20
    order = sorted(range(len(MEMBERS)), key=lambda j: -seen[j])
    before = 0.0
    for place, j in enumerate(order):
        largest = table[:, order[place:]].max(axis=1)
        before = max(before, ((largest >= seen[j] * (1 - 1e-6)).sum() + 1) / 25)
        row = found.rows[j]
        assert row.endpoint == MEMBERS[j]
        # A fit by itself and one in a batch stop within 1e-6 of the same optimum.
        assert abs(row.t) == pytest.approx(seen[j], rel=1e-5)
        assert row.adjusted_p == pytest.approx(before)
        assert row.unadjusted_p == ((table[:, j] >= seen[j] * (1 - 1e-6)).sum() + 1) / 25
        assert row.unadjusted_p <= row.adjusted_p <= row.single_step_p
        assert row.failed == 0


def families_of(planned, effects, maxima, significant=True):
    answers = answer_estimands(
        planned,
        {k: EstimandResult.model_construct(contrasts=(), failure=None) for k in planned.estimands},
        False,
    )
    answers = tuple(a.model_copy(update={"significant": significant}) for a in answers)
    return adjust_families(planned, effects, answers, False, maxima)


def test_the_family_carries_both_p_and_nothing_when_it_is_closed(planned, trial):
    records, datasets, effects = trial
    maxima = redraw_families(planned, records, datasets, effects)
    (family,) = families_of(planned, effects, maxima)
    assert family.method == "max-t"
    for row in family.maximum.rows:
        (contrast,) = (c for c in family.contrasts[row.endpoint] if c.visit == "day5")
        assert contrast.adjusted_p == row.adjusted_p
        assert contrast.p is not None
    (judged,) = families_of(planned, effects, None)
    assert judged.maximum is None
    assert all(c.adjusted_p is not None for rows in judged.contrasts.values() for c in rows)
    gated = planned.analysis.families["cells"].model_copy(update={"after": "treg_response"})
    behind = planned.model_copy(
        update={"analysis": planned.analysis.model_copy(update={"families": {"cells": gated}})}
    )
    (closed,) = families_of(behind, effects, maxima, significant=False)
    assert closed.maximum is None
    assert all(
        c.p is None and c.adjusted_p is None for rows in closed.contrasts.values() for c in rows
    )


def test_lists_that_cannot_be_drawn_again_give_no_adjusted_p_and_the_reason(planned, trial):
    records, datasets, effects = trial
    allocation = records.allocation.with_columns(pl.lit(None, dtype=pl.String).alias("stratum"))
    lost = dataclasses.replace(records, allocation=allocation)
    maxima = redraw_families(planned, lost, datasets, effects)
    assert "have no stratum" in maxima["cells"].failure
    (family,) = families_of(planned, effects, maxima)
    assert all(c.adjusted_p is None for rows in family.contrasts.values() for c in rows)


def test_the_same_seed_gives_the_same_answer_and_another_another(planned, trial):
    records, datasets, effects = trial
    first = redraw_families(planned, records, datasets, effects)
    assert redraw_families(planned, records, datasets, effects) == first
    family = planned.analysis.families["cells"].model_copy(update={"seed": 4})
    other = planned.model_copy(
        update={"analysis": planned.analysis.model_copy(update={"families": {"cells": family}})}
    )
    assert redraw_families(other, records, datasets, effects) != first
