"""The marker table from arrays is that of the trial's records, but for the order of its rows."""

from __future__ import annotations

import numpy as np
import pytest

import equipoise as eq
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.prediction.marker_table import make_marker_table
from equipoise.design.trial_markers import markers_of_trial
from equipoise.protocol.prediction_plan import Composite
from equipoise.simulation.array_trial import simulate_arrays


def _rows(table):
    """Everything of each person, in an order that follows from the values."""
    values = np.column_stack(
        [
            table.arm,
            table.stratum,
            table.outcome,
            table.outcome_baseline,
            table.early_outcome,
            table.early,
            table.baseline,
            table.characteristic_values,
        ]
    )
    return values[np.lexsort(np.nan_to_num(values, nan=-1e9).T[::-1])]


@pytest.mark.parametrize("study", ["il2-depression", "il2-bipolar"])
@pytest.mark.parametrize("patients", ["mechanistic", "statistical"])
def test_it_is_the_table_of_the_records(study, patients):
    protocol = eq.load_protocol(study)
    plan = protocol.analysis.prediction
    if plan is None:
        plan = eq.load_protocol("il2-depression").analysis.prediction
    first, second, *_ = plan.predictors
    plan = plan.model_copy(
        update={
            "labs": ("crp",) if "crp" in protocol.labs else (),
            "composites": {"both": Composite(label="Both", members={first: 1.0, second: -0.5})},
        }
    )
    trial = simulate_arrays(protocol, 3, patients=patients)
    records = eq.simulate(protocol, 3, patients=patients)
    groups = make_groups(protocol, records)
    keys = [k for k in protocol.endpoints if protocol.endpoints[k].scale.continuous]
    datasets = {key: make_dataset(protocol, records, groups, key) for key in keys}
    expected = make_marker_table(protocol, records, groups, datasets, plan)
    found = markers_of_trial(protocol, trial, plan)
    assert found.markers == expected.markers
    assert found.groups == expected.groups
    assert found.group_labels == expected.group_labels
    assert found.characteristics == expected.characteristics
    assert found.strata == expected.strata
    assert np.isfinite(found.outcome).sum() > 10
    np.testing.assert_allclose(_rows(found), _rows(expected), rtol=1e-12, atol=1e-12)
