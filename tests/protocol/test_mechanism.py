"""The mechanistic assumptions: every bad input is named with its field, line and way out."""

from __future__ import annotations

import pytest

import equipoise as eq

MODEL = '[assumptions.mechanistic]\nmodel = "il2"\n'
GRADES = '[assumptions.mechanistic.events."Influenza like illness"]\nbackground = 0.007\nrise = 0.05\nhalf = 1\n'


def table(line):
    """A change that adds a line, or a table, to the mechanistic assumptions."""
    return [(MODEL, MODEL + line + "\n")]


ROOT = "assumptions.mechanistic"
CASES = {
    "an unknown model": ([(MODEL, MODEL.replace("il2", "il3"))], f"{ROOT}.model", "`il3` is no model", "`il2`"),
    "an unknown parameter": (table("parameters = { pt = 0.5 }"), f"{ROOT}.parameters.pt", "no parameter of this name", "`pT`"),
    "a value outside its bounds": (table("parameters = { kT = 9.0 }"), f"{ROOT}.parameters.kT", "kT lies between", "choose"),
    "a spread of what is fixed": (table('parameters = { "kS.spread" = 0.2 }'), f"{ROOT}.parameters.kS.spread", "has no spread", "leave it out"),
    "fractions above the whole": (table("parameters = { fN = 0.85, fH = 0.4 }"), f"{ROOT}.parameters", "sum to less than 1", "lower"),
    "an unknown correlation": (table("correlations = { kS = { pT = 0.2 } }"), f"{ROOT}.correlations.kS.pT", "differ between people", ""),
    "an impossible correlation": (table("correlations = { pT = { pH = -0.9 } }"), f"{ROOT}.correlations", "positive definite", "nearer to 0"),
    "a correlation of one": (table("correlations = { kI = { kB = 1.0 } }"), f"{ROOT}.correlations.kI.kB", "between -1 and 1", "choose"),
    "a link above 1": (table("link = 1.5"), f"{ROOT}.link", "", ""),
    "an unknown drug": (table('drug = "interleukin"'), f"{ROOT}.drug", "a drug of arms.*.doses", "aldesleukin"),
    "a negative dose": ([("amount = 1,", "amount = -1,")], "arms.il2.doses.0.amount", "", ""),
    "a dose after the last visit": ([("28, 35] }]\n\n[arms.il2.description", "28, 63] }]\n\n[arms.il2.description")],
                                    "arms.il2.doses.0.days.8", "to the last visit, day 56", "later visit"),
    "a unit that the model does not count in": ([('drug = "aldesleukin", amount = 1, unit = "MIU"', 'drug = "aldesleukin", amount = 1, unit = "mg"')],
                                                "arms.il2.doses.0.unit", "counts doses in IU, kIU, MIU", "MIU"),
    "a route that the model does not follow": ([('volume_ml = 0.5, route = "subcutaneous", days = [0, 1, 2, 3, 4, 14, 21, 28, 35] }]\n\n[arms.il2.desc',
                                                 'volume_ml = 0.5, route = "oral", days = [0, 1, 2, 3, 4, 14, 21, 28, 35] }]\n\n[arms.il2.desc')],
                                               "arms.il2.doses.0.route", "subcutaneous, intravenous", ""),
    "a population that the models lack": (table('cells = { treg = "tregs" }'), f"{ROOT}.cells.treg", "`tregs` is no population", "`treg`"),
    "a population that the protocol lacks": (table('cells = { b_cells = "treg" }'), f"{ROOT}.cells.b_cells", "no cell population", ""),
    "a population of another parent": ([('parent = "CD4"\nmarker = "CD3+ CD4+ CD25', 'parent = "CD8"\nmarker = "CD3+ CD4+ CD25')],
                                       "cells.treg.parent", "as a part of CD4", "statistical"),
    "a population in another unit": (table('cells = { naive_cd8 = "treg" }'), "cells.naive_cd8.units.0", "in %CD4, cells/uL", "statistical"),
    "a lab that the models lack": (table('labs = { alt = "alat" }'), f"{ROOT}.labs.alt", "no laboratory value", ""),
    "a lab in another unit": ([('label = "C-reactive protein"\nunit = "mg/L"', 'label = "C-reactive protein"\nunit = "mg/dL"')],
                              "labs.crp.unit", "in mg/L", "statistical"),
    "no depression scale": (table("instruments = { ymrs = { slope = 1 } }"), f"{ROOT}.instruments.ymrs", "shows on depression scales", "take the entry out"),
    "an unknown instrument": (table("instruments = { hdr = { slope = 1 } }"), f"{ROOT}.instruments.hdr", "no instrument", "`hdrs`"),
    "nothing that shows the severity": (table("instruments = { hdrs = { statistical = true } }"), f"{ROOT}.instruments", "at least one instrument", ""),
    "a covariate that the model lacks": (table('covariates = { age = "years" }'), f"{ROOT}.covariates.age", "no covariate of the model", ""),
    "a covariate that the protocol lacks": (table('covariates = { ages = "age" }'), f"{ROOT}.covariates.ages", "no covariate or exposure", "`age`"),
    "a level that the model lacks": ([('levels = ["female", "male"]', 'levels = ["woman", "male"]'), ("female = 0.6", "woman = 0.6")],
                                     "population.covariates.sex.levels.0", "levels of the model's `sex`", "none"),
    "a covariate in another unit": ([('unit = "years"', 'unit = "months"')], "population.covariates.age.unit", "counts `age` in years", "none"),
    "one covariate from two": (table('covariates = { sex = "diagnosis" }'), f"{ROOT}.covariates.sex", "comes from one place", "none"),
    "a level that nobody can have": (table('everybody = { cmv = "maybe" }'), f"{ROOT}.everybody.cmv", "no level", ""),
    "a number out of range": (table("everybody = { bmi = 300 }"), f"{ROOT}.everybody.bmi", "from 16 to 50", ""),
    "an unknown thing of everybody": (table("everybody = { height_m = 2 }"), f"{ROOT}.everybody.height_m", "no covariate", "`height`"),
    "grades that do not sum to 1": ([("rise = 0.05\nhalf = 1\ngrades = { 1 = 0.7, 2 = 0.3 }", "rise = 0.05\nhalf = 1\ngrades = { 1 = 0.7, 2 = 0.2 }")],
                                    f"{ROOT}.events.Influenza like illness.grades", "sum to 1", ""),
    "a probability above 1": ([("rise = 0.05\n", "rise = 0.999\n")], f"{ROOT}.events.Influenza like illness.rise", "at most 1", "lower"),
    "no half": ([("half = 1\n", "half = 0\n")], f"{ROOT}.events.Influenza like illness.half", "", ""),
    "an onset turned round": ([("rise = 0.05\n", "rise = 0.05\nonset = [2, 1]\n")], f"{ROOT}.events.Influenza like illness.onset", "0 ≤ lowest ≤ highest", "swap"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_is_refused_where_it_stands(write_protocol, name):
    changes, field, rule, remedy = CASES[name]
    with pytest.raises(eq.EquipoiseError) as info:
        eq.load_protocol(write_protocol(*changes))
    found = [fault for fault in info.value.faults if fault.field == field.replace("Influenza like illness", '"Influenza like illness"')
             or fault.field == field]  # fmt: skip
    assert found, [str(fault) for fault in info.value.faults]
    assert rule in found[0].rule
    assert remedy in found[0].remedy
    assert "line" in found[0].where


def test_all_faults_come_at_once(write_protocol):
    changes = table(
        'parameters = { pt = 0.5, kT = 9 }\ncells = { treg = "tregs" }\neverybody = { bmi = 300 }'
    )
    with pytest.raises(eq.EquipoiseError) as info:
        eq.load_protocol(write_protocol(*changes))
    assert len(info.value.faults) == 4


def test_without_statistical_assumptions_the_rest_cannot_be_simulated(write_protocol):
    path = write_protocol()
    text = path.read_text(encoding="utf-8")
    start, end = text.index("[assumptions.statistical]"), text.index("# Where it is there")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match=r"add \[assumptions.statistical\]"):
        eq.load_protocol(path)


def test_what_is_left_to_the_statistical_assumptions_is_theirs(write_protocol):
    from equipoise.simulation import plan_simulation

    protocol = eq.load_protocol(
        write_protocol(*table('cells = { th2 = "statistical" }\nlabs = { crp = "statistical" }\ncovariates = { sex = "none" }'))
    )  # fmt: skip
    plan = plan_simulation(protocol).mechanism
    assert set(plan.cells) == {"treg", "naive_cd4", "naive_cd8"}
    assert set(plan.rest.cells) == {"th2"}
    assert set(plan.labs) == {"eosinophils"}
    assert "crp" in plan.rest.labs
    assert set(plan.covariates) == {"diagnosis", "age"}
    assert set(plan.rest.parents) == {"CD4"}
