"""Every fault of a protocol: its line, field, value, rule and remedy, all at once."""

from __future__ import annotations

import pytest
from tests.conftest import protocol_text

from equipoise import EquipoiseError, load_protocol
from equipoise.protocol import check_protocol


def line_of(path, needle: str) -> int:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if needle in line:
            return number
    raise AssertionError(needle)


#: change to the twin → (code, field, part of the rule, part of the remedy, text on the line)
CASES = {
    "misspelt field": (
        [('blinding = "Double-blind"', 'blindign = "Double-blind"')],
        "field-unknown",
        "trial.blindign",
        "is not a field",
        "did you mean `blinding`?",
        "blindign",
    ),
    "arm without a ratio": (
        [('label = "Aldesleukin"\nrole = "active"\nratio = 2', 'label = "A"\nrole = "active"')],
        "field-missing",
        "arms.il2.ratio",
        "required",
        "add `ratio = …`",
        "[arms.il2]",
    ),
    "ratio of 1.5": (
        [('role = "active"\nratio = 2', 'role = "active"\nratio = 1.5')],
        "value-invalid",
        "arms.il2.ratio",
        "whole number",
        "nearest valid: 1 or 2",
        "ratio = 1.5",
    ),
    "ratio of 0": (
        [('role = "active"\nratio = 2', 'role = "active"\nratio = 0')],
        "value-invalid",
        "arms.il2.ratio",
        "greater than or equal to 1",
        "nearest valid: 1",
        "ratio = 0",
    ),
    "number as text": (
        [("size = 36", 'size = "36"')],
        "value-invalid",
        "population.size",
        "whole number",
        "Planned number randomised",
        'size = "36"',
    ),
    "visits out of order": (
        [('id = "week2"\nlabel = "Week 2"\nday = 14', 'id = "week2"\nlabel = "Week 2"\nday = 3')],
        "protocol-inconsistent",
        "visits.2.day",
        "in the order of their days",
        "reorder",
        "day = 3",
    ),
    "window without its day": (
        [("window = [12, 16]", "window = [15, 16]")],
        "protocol-inconsistent",
        "visits.2.window",
        "holds the planned day 14",
        "earliest, latest",
        "window = [15, 16]",
    ),
    "overlapping windows": (
        [("window = [12, 16]", "window = [4, 16]")],
        "protocol-inconsistent",
        "visits.2.window",
        "do not overlap",
        "narrow",
        "window = [4, 16]",
    ),
    "block that does not hold the ratio": (
        [("block_sizes = [6]", "block_sizes = [4]")],
        "protocol-inconsistent",
        "randomisation.block_sizes.0",
        "multiple of the ratio's sum 3",
        "nearest valid: 3 or 6",
        "block_sizes = [4]",
    ),
    "stratum that no blocks fill": (
        [("MDD = 18, BD = 18", "MDD = 16, BD = 20")],
        "protocol-inconsistent",
        "randomisation.stratum_sizes.MDD",
        "fill blocks of 6 completely",
        "nearest valid: 12 or 18",
        "MDD = 16",
    ),
    "strata that do not sum": (
        [("MDD = 18, BD = 18", "MDD = 18, BD = 12")],
        "protocol-inconsistent",
        "randomisation.stratum_sizes",
        "sum to population.size = 36",
        "correct",
        "MDD = 18",
    ),
    "formula that runs code": (
        [
            (
                'formula = "change ~ baseline*visit + diagnosis*visit + arm*visit"',
                "formula = \"change ~ I(__import__('os').system('true')) + arm*visit\"",
            )
        ],
        "formula-refused",
        "analysis.models.hdrs.formula",
        "",
        "",
        "__import__",
    ),
    "formula with an unknown column": (
        [("+ diagnosis*visit + arm*visit", "+ diagnosis*visit + arm*visit + agee")],
        "formula-refused",
        "analysis.models.hdrs.formula",
        "",
        "age",
        "agee",
    ),
    "stratum missing from the model": (
        [("change ~ baseline*visit + diagnosis*visit + arm*visit", "change ~ baseline + arm*visit")],
        "protocol-inconsistent",
        "analysis.models.hdrs.formula",
        "randomisation was stratified by it",
        "add `diagnosis`",
        "change ~ baseline + arm*visit",
    ),
    "two primaries": (
        [('role = "key-secondary"', 'role = "primary"')],
        "protocol-inconsistent",
        "estimands",
        "exactly one estimand",
        "key-secondary",
        "[estimands.treg_response]",
    ),
    "dose volume that unblinds": (
        [("amount = 1, unit = \"MIU\", volume_ml = 0.5", "amount = 1, unit = \"MIU\", volume_ml = 1")],
        "protocol-inconsistent",
        "arms",
        "gives the arm away",
        "one volume",
        "[arms.placebo]",
    ),
    "route that unblinds": (
        [('amount = 0, unit = "MIU", volume_ml = 0.5, route = "subcutaneous"', 'amount = 0, unit = "MIU", volume_ml = 0.5, route = "oral"')],
        "protocol-inconsistent",
        "arms",
        "another route gives the arm away",
        "one route",
        "[arms.placebo]",
    ),
    "suicidality item that is another": (
        [('items = "all"', "items = [3, 4]"), ("item = 3", "item = 4")],
        "protocol-inconsistent",
        "safety.suicidality.item",
        "the item on suicidality of HDRS-17 is 3",
        "write `item = 3`",
        "item = 4",
    ),
    "provenance of nothing": (
        [('"trial.objective" =', '"trial.objectives" =')],
        "protocol-inconsistent",
        "provenance.trial.objectives",
        "has no `objectives`",
        "correct the dotted path",
        "trial.objectives",
    ),
    "unknown source": (
        [('"population.size" = { source = "il2reg"', '"population.size" = { source = "il2rge"')],
        "protocol-inconsistent",
        "provenance.population.size",
        "no source",
        "did you mean `il2reg`?",
        "il2rge",
    ),
    "item that the scale lacks": (
        [('items = "all"', "items = [3, 22]")],
        "protocol-inconsistent",
        "instruments.hdrs.items.1",
        "items 1 to 17",
        "correct",
        "items = [3, 22]",
    ),
    "assumption for an arm that does not exist": (
        [("probability = { placebo = 0.10, il2 = 0.08 }", "probability = { placebo = 0.1, il3 = 0.1 }")],
        "protocol-inconsistent",
        "assumptions.statistical.dropout.probability.il3",
        "no arm",
        "il2",
        "il3",
    ),
    "probabilities that do not sum": (
        [("grades = { 1 = 0.85, 2 = 0.15 }", "grades = { 1 = 0.85, 2 = 0.25 }")],
        "protocol-inconsistent",
        "assumptions.statistical.events.Injection site reaction.grades",
        "sum to 1",
        "correct",
        "2 = 0.25",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_fault_names_line_field_rule_and_remedy(name, write_protocol):
    changes, code, field, rule, remedy, on_line = CASES[name]
    path = write_protocol(*changes)
    protocol, faults = check_protocol(path)
    assert protocol is None
    matching = [f for f in faults if f.code == code and f.field == field]
    assert matching, [str(f) for f in faults]
    fault = matching[0]
    assert rule in fault.rule
    assert remedy in fault.remedy
    assert fault.where == f"protocol.toml, line {line_of(path, on_line)}"
    assert fault.rule
    assert fault.remedy


def test_faults_of_many_kinds_are_listed_together(write_protocol):
    path = write_protocol(
        ('blinding = "Double-blind"', 'blindign = "Double-blind"'),
        ("size = 36", "size = 1"),
        ("window = [12, 16]", "window = [15, 16]"),
        ('role = "key-secondary"', 'role = "primary"'),
        ('items = "all"', "items = [33]"),
    )
    with pytest.raises(EquipoiseError, match=r"(?s)refused \(7 faults\).*blindign.*items") as info:
        load_protocol(path)
    fields = {fault.field for fault in info.value.faults}
    assert fields == {
        "trial.blindign", "trial.blinding", "population.size", "visits.2.window",
        "estimands", "instruments.hdrs.items.0", "safety.suicidality.item",
    }  # fmt: skip


def test_every_syntax_fault_is_found_in_one_pass(write_protocol):
    path = write_protocol(
        ('id = "il2-depression"', "id = il2-depression"),
        ("size = 36", "size = = 36"),
        ("window = [12, 16]", "window = [12, 16"),
        ("alpha = 0.05", "alhpa = 0.05"),
    )
    protocol, faults = check_protocol(path)
    assert protocol is None
    syntax = {f.where for f in faults if f.code == "protocol-syntax"}
    for broken in ("id = il2-depression", "size = = 36"):
        assert f"protocol.toml, line {line_of(path, broken)}" in syntax
    window = line_of(path, "window = [12, 16")
    assert syntax & {f"protocol.toml, line {window + n}" for n in range(3)}
    assert any(f.code == "field-unknown" and f.field == "analysis.alhpa" for f in faults)
    assert not any(f.code == "field-missing" for f in faults)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "required"),
        (b"\xff\xfef\x00", "UTF-8"),
        (b"format = 1\nformat = 2\n", "TOML"),
        (b"[" * 5000, "TOML"),
        (b"a = " + b"[" * 2000 + b"]" * 2000, "TOML"),
        (b"format = 1\n[instruments.a]\nscale = [1]\n", "double quotes"),
        (b"format = 1\n[instruments.a]\nscale = {}\n", "double quotes"),
        (b"format = 1\ntrial = 5\nvisits = 3\narms = []\n", "a table stands here"),
    ],
)
def test_nonsense_is_refused_in_words(tmp_path, content, message):
    path = tmp_path / "protocol.toml"
    path.write_bytes(content)
    with pytest.raises(EquipoiseError, match=message):
        load_protocol(path)


def test_a_formula_of_a_foreign_protocol_runs_nothing(write_protocol, tmp_path):
    trap = tmp_path / "trap"
    code = f"__import__('pathlib').Path('{trap}').touch()"
    for formula in (f"change ~ I({code})", f"change ~ {{{code}}}", f"{code} ~ visit", f"change ~ C({code})"):  # fmt: skip
        path = write_protocol(
            (
                'formula = "change ~ baseline*visit + diagnosis*visit + arm*visit"',
                f'formula = "{formula}"',
            )
        )
        protocol, faults = check_protocol(path)
        assert protocol is None
        assert any(f.code == "formula-refused" for f in faults)
        assert not trap.exists()


def test_the_built_in_protocols_are_valid_and_tag_what_they_assume():
    from equipoise import builtin_studies

    for study in builtin_studies():
        protocol = load_protocol(study)
        assert protocol.assumptions.statistical is not None
        assert protocol.provenance["assumptions.statistical"].assumed
        assert any(e.source for e in protocol.provenance.values())
        assert protocol_text(study).startswith("#")


def test_a_line_ends_with_a_line_feed_and_with_nothing_else(write_protocol):
    """Pasted text brings line separators of its own: they are text, and no line is counted."""
    pasted = ('setting = "Single centre', 'setting = "Single\u2028centre\u0085')
    assert load_protocol(write_protocol(pasted)).trial.setting.startswith("Single\u2028centre")
    path = write_protocol(pasted, ("size = 36", "size = = 36"))
    _, faults = check_protocol(path)
    lines = path.read_text(encoding="utf-8").split("\n")
    assert faults[0].where == f"protocol.toml, line {lines.index('size = = 36') + 1}"
