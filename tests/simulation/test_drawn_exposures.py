"""Simulated exposures and images: what was put in is found, and nothing else moved."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from tests.exposed import write_exposed

import equipoise as eq
from equipoise.patients import Scenario, draw_exposures, draw_images
from equipoise.streams import stream

N = 40_000


@pytest.fixture(scope="module")
def protocol(tmp_path_factory):
    return eq.load_protocol(write_exposed(tmp_path_factory.mktemp("exposed")))


@pytest.fixture(scope="module")
def arms():
    return np.array(["placebo", "drug"] * (N // 2))


def near(values, mean, sd, n=N // 2):
    return abs(values.mean() - mean) < 5 * sd / np.sqrt(n)


@pytest.mark.parametrize("scenario", [Scenario.PLANNED, Scenario.NULL])
def test_exposures_follow_their_assumptions(protocol, arms, scenario):
    drawn = draw_exposures(protocol, arms, stream(1, "t"), scenario=scenario)
    share = (drawn["cmv"][:, 0] == "positive").mean()
    assert abs(share - 0.4) < 5 * np.sqrt(0.24 / N)
    assert drawn["ctq"].min() == 25
    # Cut at the lowest score: E max(X, 25) of a normal X (the highest is 6.7 SD away).
    z = (25 - 45) / 12
    assert near(drawn["ctq"], 25 + (45 - 25) * norm.cdf(-z) + 12 * norm.pdf(z), 12, N)
    titre = drawn["titre"]
    rise = 20 if scenario is Scenario.PLANNED else 0
    assert near(titre[arms == "drug", 1], 100 + rise, 31)
    assert near(titre[arms == "placebo", 1], 100, 31)
    within = (titre[:, 1] - titre[:, 0])[arms == "placebo"].std() / np.sqrt(2)
    assert abs(within / 5 - 1) < 0.03


@pytest.mark.parametrize("scenario", [Scenario.PLANNED, Scenario.NULL])
def test_images_follow_their_assumptions(protocol, arms, scenario):
    drawn = draw_images(protocol, arms, stream(1, "t"), scenario=scenario)
    one, two = drawn["tspo", "hippocampus"], drawn["tspo", "prefrontal cortex"]
    shift = -0.3 if scenario is Scenario.PLANNED else 0.0
    assert near(one[arms == "drug", 1], 1.2 + shift, 0.21)
    assert near(one[arms == "placebo", 1], 1.2, 0.21)
    assert (
        abs((one[:, 1] - one[:, 0])[arms == "placebo"].std() / (1.2 * 0.08 * np.sqrt(2)) - 1) < 0.03
    )
    # Two regions share half of the between-participant variance, none of the noise.
    expected = 0.5 * 0.15**2 / (0.15**2 + 0.08**2)
    assert abs(np.corrcoef(one[:, 0], two[:, 0])[0, 1] - expected) < 0.03


def test_the_other_tables_of_a_trial_are_those_without_exposures(protocol, antidepressant):
    mine, theirs = eq.simulate(protocol, seed=5), eq.simulate(antidepressant, seed=5)
    for name, frame in theirs.frames().items():
        assert frame.equals(mine.frames()[name]), name
    assert set(mine.frames()) - set(theirs.frames()) == {"exposures", "imaging"}


def test_each_table_has_a_stream_of_its_own(protocol, tmp_path):
    """Other exposures do not move the images."""
    other = eq.load_protocol(write_exposed(tmp_path, ("sd_within = 5\n", "sd_within = 50\n")))
    assert eq.simulate(protocol, seed=2).imaging.equals(eq.simulate(other, seed=2).imaging)


def test_a_share_of_people_is_imaged_the_same_ones_by_both(arms, tmp_path):
    half = "shift = {}\n", "shift = {}\nshare = 0.5\n"
    tspo = (
        "cv_between = 0.15\ncv_within = 0.08\n",
        "cv_between = 0.15\ncv_within = 0.08\nshare = 0.5\n",
    )
    protocol = eq.load_protocol(write_exposed(tmp_path, half, tspo))
    drawn = draw_images(protocol, arms, stream(1, "t"), scenario=Scenario.PLANNED)
    imaged = {key: np.isfinite(values) for key, values in drawn.items()}
    first = imaged["tspo", "hippocampus"]
    assert abs(first.mean() - 0.5) < 5 * 0.5 / np.sqrt(N)
    assert (first[:, 0] == first[:, 1]).all()
    assert (imaged["volume", "hippocampus"][:, 0] == first[:, 0]).all()
    records = eq.simulate(protocol, seed=1)
    assert 60 < records.imaging["participant"].n_unique() < 112
    assert records.imaging["value"].is_nan().sum() == 0
    frames = records.frames()
    assert eq.records_from_tables(protocol, frames, manifest=records.manifest).imaging.height


def test_values_are_planned_rounded_and_valid(protocol):
    records = eq.simulate(protocol, seed=3)
    assert set(records.exposures.filter(exposure="cmv")["visit"]) == {"baseline"}
    assert set(records.imaging.filter(measure="tspo")["visit"]) == {"baseline", "week6"}
    assert records.exposures.filter(exposure="cmv")["unit"].is_null().all()
    assert records.imaging["value"].map_elements(lambda v: float(f"{v:.4g}"), float).equals(
        records.imaging["value"]
    )  # fmt: skip
    checked = eq.records_from_tables(protocol, records.frames(), manifest=records.manifest)
    assert checked.manifest.simulated
