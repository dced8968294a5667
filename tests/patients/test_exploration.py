"""Exploration: the same patients under every regimen, held against themselves without drug."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise import EquipoiseError
from equipoise.mechanisms import find_model
from equipoise.patients.blood import blood_values
from equipoise.patients.courses import follow
from equipoise.patients.exploration import days_of_table, explore, parse_settings
from equipoise.patients.population import draw_patients, typical_patients
from equipoise.patients.schedules import Schedule
from equipoise.streams import stream

IL2 = find_model("il2")
DEPIL = "5 daily then 4 weekly from week 2"
SMALL = {"patients": 40, "last_day": 42.0, "threads": 1}


@pytest.fixture(scope="module")
def explored():
    return explore(IL2, [DEPIL, "5 daily"], (0.0, 0.3, 3.0), **SMALL)


def test_without_drug_nothing_moves_but_mood(explored):
    nothing = explored.regimens[0]
    assert nothing.words == "no drug"
    for key, value in (("treg", 1.0), ("crp", 1.0), ("relief", 0.0)):
        band = nothing.bands[key]
        for line in (band.median, band.lower, band.upper, band.typical):
            np.testing.assert_allclose(line, value, atol=1e-12)
    assert (np.diff(nothing.bands["severity"].median) < 0).all()


def test_a_dose_of_nothing_is_no_drug(explored):
    nothing, zero = explored.regimens[:2]
    assert zero.dose == 0
    for key, band in nothing.bands.items():
        np.testing.assert_allclose(zero.bands[key].median, band.median, atol=1e-9)


def test_bands_are_percentiles_of_patients_followed_one_by_one(explored):
    """A twin from the parts: draw, follow, look at the blood."""
    regimen = next(r for r in explored.regimens if r.words == DEPIL and r.dose == 3)
    patients = draw_patients(IL2, 40, stream(1, "exploration"))
    planned = np.array([0, 1, 2, 3, 4, 14, 21, 28, 35.0])
    given = Schedule(planned, np.full(9, 3.0))
    none = Schedule(planned, np.zeros(9))
    courses, without = (follow(patients, s, range(43), threads=1) for s in (given, none))
    treg = blood_values(patients, courses).percent["treg"]
    crp = blood_values(patients, courses).labs["crp"]
    for day in (4, 14, 42):
        expected = {
            "treg": treg[:, day] / treg[:, 0],
            "crp": crp[:, day] / crp[:, 0],
            "severity": courses["severity"][:, day],
            "relief": without["severity"][:, day] - courses["severity"][:, day],
        }
        for key, values in expected.items():
            band = regimen.bands[key]
            found = (band.lower[day], band.median[day], band.upper[day])
            # The grid has another step where other days are asked for.
            np.testing.assert_allclose(found, np.quantile(values, [0.05, 0.5, 0.95]), rtol=1e-5)
        severity = courses["severity"]
        share = np.mean(severity[:, day] <= 0.5 * severity[:, 0])
        assert regimen.response[day] == pytest.approx(share)
    typical = follow(typical_patients(IL2), given, range(43), threads=1)
    np.testing.assert_allclose(regimen.bands["severity"].typical, typical["severity"][0], rtol=1e-6)


def test_more_drug_does_more(explored):
    last = {r.dose: r.bands for r in explored.regimens if r.words == DEPIL}
    assert last[3]["crp"].median[-1] < last[0.3]["crp"].median[-1] < 1
    assert last[3]["relief"].median[-1] > last[0.3]["relief"].median[-1] > 0
    assert last[3]["treg"].median[7] > last[0.3]["treg"].median[7] > 1
    for bands in last.values():
        for band in bands.values():
            assert (band.lower <= band.median).all()
            assert (band.median <= band.upper).all()


def test_a_regimen_does_not_depend_on_the_others_nor_on_threads(explored):
    alone = explore(IL2, [DEPIL], (3.0,), **{**SMALL, "threads": 2})
    twin = next(r for r in explored.regimens if r.words == DEPIL and r.dose == 3)
    for key, band in alone.regimens[1].bands.items():
        assert (band.median == twin.bands[key].median).all()
    other = explore(IL2, [DEPIL], (3.0,), seed=2, **SMALL)
    assert (other.regimens[1].bands["treg"].median != twin.bands["treg"].median).any()


def test_where_tone_carries_no_mood_the_drug_does_nothing_for_it():
    found = explore(IL2, ["5 daily"], (3.0,), changed={"phi": 0.0}, **SMALL)
    np.testing.assert_allclose(found.regimens[1].bands["relief"].upper, 0, atol=1e-9)
    assert found.regimens[1].bands["crp"].median[14] < 1
    assert found.changed == {"phi": 0.0}
    assert found.model.value("phi") == 0


def test_the_last_day_may_be_a_part_of_one():
    found = explore(IL2, ["2 daily"], (1.0,), patients=20, last_day=3.5, threads=1)
    assert found.days.tolist() == [0, 1, 2, 3, 3.5]


def test_everything_that_is_wrong_comes_at_once():
    with pytest.raises(EquipoiseError, match="Nothing is explored") as info:
        explore(
            IL2, ["5 daly", "20 weekly", "5 daily"], (-1.0,), patients=3,
            changed={"pQ": 1.0, "F": 2.0},
        )  # fmt: skip
    assert {fault.code for fault in info.value.faults} == {
        "schedule-unclear", "dose-after-end", "dose-impossible", "exploration-size",
        "parameter-unknown", "parameter-outside-bounds",
    }  # fmt: skip
    with pytest.raises(EquipoiseError, match="1 to 730 days"):
        explore(IL2, ["5 daily"], (1.0,), last_day=float("nan"))
    with pytest.raises(EquipoiseError, match="1 to 40 regimens"):
        explore(IL2, ["5 daily", "once"], range(1, 22))
    with pytest.raises(EquipoiseError, match="routes that are followed"):
        explore(IL2, ["5 daily"], (1.0,), route="nasal")


def test_settings_of_a_text():
    assert parse_settings(["pT=0.8", " phi.spread = 3e-1 "]) == {"pT": 0.8, "phi.spread": 0.3}
    with pytest.raises(EquipoiseError, match="3 faults") as info:
        parse_settings(["pT", "pT=0.8", "=1", "pT=1"])
    said = str(info.value)
    assert "a setting is NAME=NUMBER" in said
    assert "a parameter is set once" in said


def test_days_of_a_table():
    assert days_of_table(None, 84) == (4, 14, 28, 56, 84)
    assert days_of_table(None, 14) == (4, 14)
    assert days_of_table("28, 4,4", 84) == (4, 28)
    assert days_of_table("3.5", 3.5) == (3.5,)
    for text, word in (
        ("4;28", "4;28"),
        ("4,85", "85"),
        ("4,-1", "-1"),
        ("1.5", "1.5"),
        ("nan", "nan"),
    ):
        with pytest.raises(EquipoiseError, match=f"at `{word}`"):
            days_of_table(text, 84)
