"""Faults of exposures and images in a protocol: field, rule and remedy."""

from __future__ import annotations

import pytest
from tests.exposed import exposed_text, write_exposed

import equipoise as eq
from equipoise.protocol import check_protocol

ADVERSITY = 'kind = "adversity"\ntype = "numeric"\nunit = "points"'

#: change → (field, part of the rule, part of the remedy)
CASES = {
    "a level alone": (
        ('levels = ["negative", "positive"]\nlevel_labels = { positive = "Positive", negative = "Negative" }', 'levels = ["negative"]'),
        "exposures.cmv.levels", "at least two levels", "reference first",
    ),
    "a label of no level": (
        ('level_labels = { positive = "Positive", negative = "Negative" }', 'level_labels = { postive = "Positive" }'),
        "exposures.cmv.level_labels.postive", "no level", "did you mean `positive`?",
    ),
    "a unit of a category": (
        ('levels = ["negative", "positive"]', 'levels = ["negative", "positive"]\nunit = "IU/mL"'),
        "exposures.cmv.unit", "categorical exposure has no unit", "take it out",
    ),
    "levels of a number": (
        (ADVERSITY, ADVERSITY + '\nlevels = ["low", "high"]'),
        "exposures.ctq.levels", "numeric exposure has no levels", "take it out",
    ),
    "a number without a unit": (
        (ADVERSITY, 'kind = "adversity"\ntype = "numeric"'),
        "exposures.ctq.unit", "numeric exposure has a unit", "points",
    ),
    "a range upside down": (
        ("minimum = 25\nmaximum = 125", "minimum = 125\nmaximum = 25"),
        "exposures.ctq.maximum", "maximum > 125", "correct one",
    ),
    "the name of a covariate": (
        ("[exposures.ctq]", "[exposures.sex]"),
        "exposures.sex", "`sex` is a covariate", "rename the exposure",
    ),
    "the name of a column": (
        ("[exposures.ctq]", "[exposures.arm]"),
        "exposures.arm", "column of its own", "rename the exposure",
    ),
    "a covariate that gives the arm away": (
        ("covariate = true", "covariate = true\nunblinding = true"),
        "exposures.cmv.covariate", "blinded models hold it too", "take",
    ),
    "a visit that does not exist": (
        ('maximum = 500\nvisits = ["baseline", "week6"]\n\n[imaging.tspo]', 'maximum = 500\nvisits = ["baseline", "week66"]\n\n[imaging.tspo]'),
        "exposures.titre.visits.1", "no visit", "week6",
    ),
    "a region twice": (
        ('regions = ["hippocampus", "prefrontal cortex"]', 'regions = ["hippocampus", "prefrontal cortex", "hippocampus"]'),
        "imaging.tspo.regions", "each region once", "drop one",
    ),
    "a tracer of an MRI": (
        ('sequence = "T1"', 'tracer = "11C-PK11195"'),
        "imaging.volume.tracer", "a MRI has no tracer", 'modality = "PET"',
    ),
    "an image without room": (
        ("maximum = 10\n", "maximum = 0\n"),
        "imaging.tspo.maximum", "maximum > 0", "correct one",
    ),
    "a region that the image lacks": (
        ('region = "hippocampus"', 'region = "hippocampsu"'),
        "endpoints.tspo_hippocampus.region", "a region in which `tspo` is recorded", "hippocampus, prefrontal cortex",
    ),
    "an image without a region": (
        ('region = "hippocampus"\n', ""),
        "endpoints.tspo_hippocampus.region", "a region in which `tspo` is recorded", "hippocampus",
    ),
    "a region of an exposure": (
        ('exposure = "titre"', 'exposure = "titre"\nregion = "hippocampus"'),
        "endpoints.titre.region", "only an endpoint that names `imaging`", "take it out",
    ),
    "an endpoint of a category": (
        ('exposure = "titre"', 'exposure = "cmv"'),
        "endpoints.titre.exposure", "the exposure of an endpoint is numeric", "covariate = true",
    ),
    "an endpoint at baseline alone": (
        ('exposure = "titre"', 'exposure = "ctq"'),
        "endpoints.titre.exposure", "measured at baseline and after it; `ctq` is planned at baseline", "add visits to exposures.ctq",
    ),
    "an endpoint without a baseline": (
        ('maximum = 10\nvisits = ["baseline", "week6"]', 'maximum = 10\nvisits = ["week4", "week6"]'),
        "endpoints.tspo_hippocampus.imaging", "planned at week4, week6", "imaging.tspo",
    ),
    "a formula with what is no covariate": (
        ("change ~ baseline + sex + cmv + arm", "change ~ baseline + sex + ctq + arm"),
        "analysis.models.single.formula", "", "",
    ),
    "an exposure without an assumption": (
        ("ctq = { mean = 45, sd_between = 12 }", ""),
        "assumptions.statistical.exposures", "every exposure has a value; ctq has none", "add it",
    ),
    "a number without its spread": (
        ("ctq = { mean = 45, sd_between = 12 }", "ctq = { mean = 45 }"),
        "assumptions.statistical.exposures.ctq", "`mean` and `sd_between`", "add them",
    ),
    "probabilities that do not sum": (
        ("{ negative = 0.6, positive = 0.4 }", "{ negative = 0.6, positive = 0.5 }"),
        "assumptions.statistical.exposures.cmv.probabilities", "sum to 1", "correct",
    ),
    "a category that changes": (
        ("{ negative = 0.6, positive = 0.4 }", "{ negative = 0.6, positive = 0.4 }, change = { drug = { week6 = 1 } }"),
        "assumptions.statistical.exposures.cmv.change", "does not change", "take it out",
    ),
    "a change in no arm": (
        ("change = { placebo = { week6 = 0 }, drug = { week6 = 20 } }", "change = { placebo = { week6 = 0 } }"),
        "assumptions.statistical.exposures.titre.change", "every arm has a value; drug has none", "add it",
    ),
    "a region without a mean": (
        ('mean = { hippocampus = 1.2, "prefrontal cortex" = 1.0 }', "mean = { hippocampus = 1.2 }"),
        "assumptions.statistical.imaging.tspo.mean", "every region has a value; prefrontal cortex has none", "add it",
    ),
    "a shift at no visit": (
        ("hippocampus = { week6 = -0.3 }", "hippocampus = { week4 = -0.3 }"),
        "assumptions.statistical.imaging.tspo.shift.drug.hippocampus.week4", "no visit after baseline", "week6",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_fault_names_field_rule_and_remedy(name, tmp_path):
    change, field, rule, remedy = CASES[name]
    protocol, faults = check_protocol(write_exposed(tmp_path, change))
    assert protocol is None
    matching = [f for f in faults if f.field == field]
    assert matching, [str(f) for f in faults]
    assert any(rule in f.rule and remedy in f.remedy for f in matching), [str(f) for f in matching]
    assert all("line" in f.where for f in matching)


def test_the_protocol_without_a_fault_is_valid_and_its_hash_depends_on_its_exposures(
    tmp_path, antidepressant
):
    protocol = eq.load_protocol(write_exposed(tmp_path))
    assert protocol.hash != antidepressant.hash
    assert protocol.unit_of("tspo_hippocampus") == "ratio"
    assert protocol.unit_of("titre") == "IU/mL"
    assert protocol.endpoint_visits("titre") == ("week6",)


def test_defaults_of_new_tables_leave_older_hashes_alone(antidepressant):
    assert "exposures" not in antidepressant.canonical()
    assert "imaging" not in antidepressant.canonical()
    assert "[exposures.cmv]" in exposed_text()
