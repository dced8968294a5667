"""Exported SBML is read by libSBML without complaint and simulated by libRoadRunner alike."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.exchange.simulators import complaints, simulated
from typer.testing import CliRunner

from equipoise import EquipoiseError
from equipoise.cli import model_command
from equipoise.exchange import export_sbml, parameter_hash
from equipoise.exchange.model_equations import BLOOD, SIGNALS, STATES
from equipoise.exchange.sbml_document import CAVEAT
from equipoise.mechanisms import Origin, builtin_models, find_model
from equipoise.patients.blood import blood_values
from equipoise.patients.courses import follow
from equipoise.patients.pharmacokinetics import concentration
from equipoise.patients.population import draw_patients, typical_patients
from equipoise.patients.schedules import Schedule

CORE = "{http://www.sbml.org/sbml/level3/version2/core}"

#: 5 daily doses, then weekly: the 9 doses of the sister trial.
IL2 = Schedule(np.array([0, 1, 2, 3, 4, 14, 21, 28, 35.0]), np.ones(9))
MINOCYCLINE = Schedule(np.arange(56.0), np.full(56, 200.0), "mg", "oral")
SCHEDULES = {"il2": IL2, "minocycline": MINOCYCLINE}
BOLUS = Schedule(np.array([0.0, 3.0]), np.array([1.8, 0.9]), route="intravenous")
INFUSION = Schedule(np.array([0.0]), np.array([1.8]), route="intravenous", hours=6.0)

#: Before and after doses, while a dose is absorbed, and long after the last.
DAYS = (0.0, 0.1, 0.6, 1.0, 4.0, 7.0, 14.3, 28.0, 56.0, 84.0)

#: What a relative error is taken of at least: a state that is nearly 0 has none to speak of.
#: Margination, activation and log tone begin at 0 and are of the order of 1.
FLOORS = {"margination": 0.3, "activation": 0.3, "tone": 0.3}


def relative(found, expected, name=""):
    return np.max(np.abs(found - expected) / np.maximum(np.abs(expected), FLOORS.get(name, 0.01)))


def everybody():
    """The typical patient and two others of each model."""
    for name in builtin_models():
        model = find_model(name)
        drawn = draw_patients(model, 2, np.random.default_rng(7))
        for label, patients, row in (
            ("typical", typical_patients(model), 0),
            ("first", drawn, 0),
            ("second", drawn, 1),
        ):
            yield pytest.param(patients, row, id=f"{name}-{label}")


def exported_blood(blood):
    """Name in the file → (n, d) of `blood_values`."""
    found = {f"{name}_percent": column for name, column in blood.percent.items()}
    found |= {f"{name.lower()}_count": column for name, column in blood.count.items()}
    return found | {"crp": blood.labs["crp"], "eosinophil_count": blood.labs["eosinophils"]}


def text_of(patients, row, schedule):
    own = {name: float(column[row]) for name, column in patients.values.items()}
    return export_sbml(patients.model, schedule, patient=own)


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        pytest.param("il2", IL2, id="il2"),
        pytest.param("il2", BOLUS, id="bolus"),
        pytest.param("il2", INFUSION, id="infusion"),
        pytest.param("il2", Schedule(np.zeros(0), np.zeros(0)), id="no-dose"),
        pytest.param("minocycline", MINOCYCLINE, id="minocycline"),
    ],
)
def test_libsbml_has_no_complaint_about_units_or_anything(name, schedule):
    assert complaints(export_sbml(find_model(name), schedule)) == []


def test_a_wrong_unit_would_be_complained_of():
    text = export_sbml(find_model("il2"), IL2)
    row = re.search(r'<parameter id="kT"[^>]*>', text).group()
    said = complaints(text.replace(row, row.replace('units="per_day"', 'units="day"')))
    assert any("units" in line for line in said)
    assert complaints(text.replace("<ci>kS</ci>", "<ci>kX</ci>").replace(":ci>kS<", ":ci>kX<"))


@pytest.mark.parametrize("name", builtin_models())
def test_units_are_as_large_as_their_names_say(name):
    """In seconds, cubic metres, kilograms and items: consistency alone sees no wrong prefix."""
    basis = {"second": 1.0, "litre": 1e-3, "gram": 1e-3, "item": 1.0, "dimensionless": 1.0}
    known = {
        "day": 86400, "per_day": 1 / 86400, "points": 1, "MIU": 1e6, "MIU_per_day": 1e6 / 86400,
        "IU_per_MIU": 1e-6, "IU_per_mL": 1e6, "mL": 1e-6, "mL_per_day": 1e-6 / 86400, "L": 1e-3,
        "L_per_day": 1e-3 / 86400, "mg": 1e-6, "mg_per_day": 1e-6 / 86400,
        "mg_per_L": 1e-3, "cells_per_uL": 1e9, "giga_per_L": 1e12,
    }  # fmt: skip
    root = ElementTree.fromstring(export_sbml(find_model(name), SCHEDULES[name]))
    for definition in root.iter(f"{CORE}unitDefinition"):
        size = 1.0
        for unit in definition.iter(f"{CORE}unit"):
            one = float(unit.get("multiplier")) * 10.0 ** int(unit.get("scale"))
            size *= (one * basis[unit.get("kind")]) ** int(unit.get("exponent"))
        assert size == pytest.approx(known[definition.get("id")], rel=1e-12), definition.get("id")


@pytest.mark.parametrize(("patients", "row"), list(everybody()))
def test_libroadrunner_has_the_same_numbers_for_every_state(patients, row):
    schedule = SCHEDULES[patients.model.name]
    names = ["concentration", *(state.name for state in STATES)]
    found = simulated(text_of(patients, row, schedule), DAYS, names)
    courses = follow(patients, schedule, DAYS)
    for name in names:
        # The kernel is held to 1e-6; CVODE at 1e-11 is one or two digits better.
        assert relative(found[name], courses[name][row], name) < 1e-6, name


@pytest.mark.parametrize(("patients", "row"), list(everybody()))
def test_libroadrunner_has_the_same_blood(patients, row):
    schedule = SCHEDULES[patients.model.name]
    found = simulated(text_of(patients, row, schedule), DAYS, [item.name for item in BLOOD])
    blood = blood_values(patients, follow(patients, schedule, DAYS))
    shares = {item.name for item in BLOOD if "fraction" in item.meaning}
    expected_values = exported_blood(blood)
    assert set(expected_values) == {item.name for item in BLOOD} - shares
    for name, expected in expected_values.items():
        assert relative(found[name], expected[row]) < 1e-6, name


@pytest.mark.parametrize(
    "schedule", [pytest.param(BOLUS, id="bolus"), pytest.param(INFUSION, id="infusion")]
)
def test_intravenous_doses_follow_the_closed_form(schedule):
    model = find_model("il2")
    days = (0.0, 0.05, 0.125, 0.249, 0.3, 0.5, 2.9, 3.01, 3.1)
    text = export_sbml(model, schedule)
    found = simulated(text, days, ["concentration"])["concentration"]
    values = {name: row.value for name, row in model.parameters.items()}
    (expected,) = concentration(
        values, days, schedule.days, schedule.amounts_in("IU"), route="intravenous",
        infusion=schedule.hours / 24,
    )  # fmt: skip
    # At the moment of a bolus the file gives the value after it, and so does the closed form.
    assert relative(found, expected) < 1e-8
    if schedule.hours:
        # 10^6 U/m2 over 6 h: median 41 U/mL (Konrad 1990).
        assert found[3] == pytest.approx(41, abs=0.5)
    else:
        assert found[0] == pytest.approx(650, abs=0.1)


def test_without_doses_nothing_moves_but_the_background():
    found = simulated(
        export_sbml(find_model("il2"), Schedule(np.zeros(0), np.zeros(0))),
        DAYS,
        ["concentration", "treg", "tone", "crp", "severity"],
    )
    assert not found["concentration"].any()
    assert not found["tone"].any()
    np.testing.assert_allclose(found["treg"], 1, rtol=1e-12)
    np.testing.assert_allclose(found["crp"], find_model("il2").value("CRP0"), rtol=1e-12)
    assert found["severity"][-1] < found["severity"][0]


def test_the_file_follows_a_parameter_that_is_changed_in_it():
    """Doses, volumes and events refer to parameters, not to numbers."""
    model = find_model("il2")
    changed = {"kT": 0.3, "F": 0.5, "V1": 3500.0, "lag": 0.05, "dose_2": 3.0}
    names = ["concentration", "treg", "severity"]
    found = simulated(export_sbml(model, IL2), DAYS, names, changed=changed)
    tripled = Schedule(IL2.days, np.where(IL2.days == 1, 3.0, 1.0))
    own = {name: value for name, value in changed.items() if name in model.parameters}
    expected = simulated(export_sbml(model, tripled, patient=own), DAYS, names)
    for name in names:
        assert relative(found[name], expected[name]) < 1e-8, name


@pytest.mark.parametrize("name", builtin_models())
def test_every_parameter_says_where_it_is_from(name):
    model = find_model(name)
    root = ElementTree.fromstring(export_sbml(model, SCHEDULES[name]))
    rows = {row.get("id"): row for row in root.iter(f"{CORE}parameter")}
    for key, parameter in model.parameters.items():
        if parameter.group in ("correlation", "measurement"):
            assert key not in rows
            continue
        row = rows.pop(key)
        assert float(row.get("value")) == parameter.value
        assert row.get("name") == parameter.meaning
        notes = "".join(row.find(f"{CORE}notes").itertext())
        assert f"Origin: {parameter.origin}" in notes
        if parameter.source is not None:
            assert model.sources[parameter.source].citation in notes
        if parameter.origin is not Origin.FACT and parameter.source is None:
            assert "source:" not in notes
        assert parameter.note in notes
    doses = {f"dose_{k + 1}" for k in range(len(SCHEDULES[name]))}
    moving = {item.name for item in (*SIGNALS, *STATES, *BLOOD)} | {"concentration"}
    assert set(rows) - {"units_per_amount"} == doses | moving


def test_the_document_says_what_it_is():
    model = find_model("il2")
    text = export_sbml(model, IL2)
    assert text == export_sbml(model, IL2)
    assert CAVEAT in text
    assert f"SHA-256): {parameter_hash(model)}." in text
    assert "The typical patient." in text
    assert "One virtual patient." in export_sbml(model, IL2, patient={"S0": 25.0})
    root = ElementTree.fromstring(text)
    assert (root.get("level"), root.get("version")) == ("3", "2")
    assert len(list(root.iter(f"{CORE}event"))) == 9
    # libSBML takes an attribute of no namespace too; others would not see a unit there.
    numbers = list(root.iter("{http://www.w3.org/1998/Math/MathML}cn"))
    assert len(numbers) > 20
    assert all(number.get(f"{CORE}units") for number in numbers)


def test_the_hash_is_that_of_the_numbers():
    model = find_model("il2")
    other = model.with_values({"kT": 0.3})
    assert parameter_hash(model) != parameter_hash(other)
    assert parameter_hash(model) == parameter_hash(other.with_values({"kT": model.value("kT")}))
    assert parameter_hash(model, {"kT": 0.3}) == parameter_hash(other)


def test_what_the_model_does_not_know_is_refused():
    model = find_model("il2")
    with pytest.raises(EquipoiseError, match="no parameter of this name") as caught:
        export_sbml(model, IL2, patient={"kTT": 0.3, "kT": float("nan")})
    assert [fault.field for fault in caught.value.faults] == ["kTT", "kT"]
    with pytest.raises(EquipoiseError, match="routes: subcutaneous, intravenous"):
        export_sbml(model, Schedule(IL2.days, IL2.amounts, route="oral"))
    with pytest.raises(EquipoiseError, match="an amount in mg is none in MIU"):
        export_sbml(model, Schedule(IL2.days, IL2.amounts, "mg"))


def test_the_command_writes_the_file(tmp_path):
    path = tmp_path / "il2.xml"

    def said(*words):
        return CliRunner().invoke(model_command.app, ["model", *words])

    done = said("il2", "--sbml", str(path), "--dose", "1", "--schedule", "0,1,2,3,4,14,21,28,35")
    assert done.exit_code == 0, done.output
    assert done.output.strip() == str(path)
    assert path.read_text(encoding="utf-8") == export_sbml(find_model("il2"), IL2)
    assert said("minocycline", "--sbml", str(path)).exit_code == 0
    assert complaints(path.read_text(encoding="utf-8")) == []
    for words, message in (
        (["il2", "--sbml", str(path), "--dose", "1"], "go together"),
        (["il2", "--dose", "1", "--schedule", "daily"], "doses are for --sbml"),
        (["--sbml", str(path)], "name a model"),
    ):
        refused = said(*words)
        assert refused.exit_code == 2
        assert message in re.sub(r"[\s│]+", " ", refused.output)
    with pytest.raises(EquipoiseError, match=r"names? another --out|name a folder"):
        CliRunner().invoke(
            model_command.app,
            ["model", "il2", "--sbml", str(path / "x.xml")],
            catch_exceptions=False,
        )
