"""What leaves the blood for a while is missing from the count, by each population's own share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from equipoise.mechanisms import find_model
from equipoise.patients import blood_values, follow, typical_patients
from equipoise.patients.schedules import Schedule

#: Population → its pool in the courses, its share of the parent, the parent, what leaves.
COUNTED = {
    "treg": ("treg", "fT", "CD4", "mT"),
    "th2": ("th2", "fH", "CD4", "mC"),
    "naive_cd4": ("naive_cd4", "fN", "CD4", "mC"),
    "nk": ("nk", "NK0", None, "mK"),
}


@pytest.fixture(scope="module")
def patients():
    return typical_patients(find_model("il2"))


@pytest.fixture(scope="module")
def courses(patients):
    """The hours after a dose, in which cells leave the blood, and a day long after it."""
    schedule = Schedule(days=np.zeros(1), amounts=np.full(1, 1.5))
    return follow(patients, schedule, (0.0, 0.1, 0.25, 0.5, 1.0, 40.0))


@pytest.mark.parametrize("population", COUNTED)
def test_a_count_is_its_pool_without_what_is_marginated(patients, courses, population):
    pool, share, parent, leaves = COUNTED[population]
    v = {name: float(value[0]) for name, value in patients.values.items()}
    away = courses["margination"][0]
    assert away[0] == 0
    assert away.max() > 0.1
    assert away[-1] < 0.01
    whole = v[share] * (v[parent] if parent else 1.0) * courses[pool][0]
    found = blood_values(patients, courses).count[population][0]
    np.testing.assert_allclose(found, whole * (1 - v[leaves] * away), rtol=1e-12)


def test_treg_leave_by_their_own_share(patients, courses):
    """None leave where their share is none, and nothing else of the blood is counted otherwise."""
    v = patients.values
    none = replace(patients, values={**v, "mT": np.zeros_like(v["mT"])})
    stay, leave = blood_values(none, courses), blood_values(patients, courses)
    away = courses["margination"]
    np.testing.assert_allclose(
        leave.count["treg"] / stay.count["treg"], 1 - v["mT"][:, None] * away, rtol=1e-12
    )
    assert (leave.count["treg"][0, 1:5] < 0.99 * stay.count["treg"][0, 1:5]).any()
    for name in ("th2", "naive_cd4", "naive_cd8", "nk", "CD8"):
        np.testing.assert_array_equal(leave.count[name], stay.count[name])
