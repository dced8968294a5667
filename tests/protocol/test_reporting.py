"""[reporting]: optional, described, and only the plan's part of it in the hash."""

from __future__ import annotations

import pytest

import equipoise as eq
from equipoise.protocol import Protocol
from equipoise.protocol.reporting import Description, Reporting


def with_reporting(protocol, arms=None, **tables):
    """The protocol with these tables of [reporting], as if they stood in the file."""
    data = protocol.model_dump()
    data["reporting"] = tables
    for key, description in (arms or {}).items():
        own = data["arms"][key]["description"] or {}
        data["arms"][key]["description"] = None if description is None else {**own, **description}
    return Protocol.model_validate(data)


def test_what_is_planned_changes_the_hash_and_what_happened_does_not(il2):
    plain = with_reporting(il2)
    for table, field in (
        ("course", "recruitment_start"),
        ("course", "ended"),
        ("discussion", "limitations"),
    ):
        text = "2024-05" if field == "recruitment_start" else "As planned"
        assert with_reporting(il2, **{table: {field: text}}).hash == plain.hash
    happened = {"il2": {"adherence_actual": "9 of 9 doses", "modifications": "none"}}
    assert with_reporting(il2, arms=happened).hash == plain.hash
    planned = {"il2": {"provider": "Nurses of the unit"}}
    assert with_reporting(il2, arms=planned).hash != plain.hash
    assert with_reporting(il2, openness={"funding": "None"}).hash != plain.hash


def test_given_lists_what_was_filled_in_by_its_path(il2):
    found = with_reporting(
        il2,
        openness={"funding": "A grant"},
        assignment={"blinded": ["participants", "raters"]},
        oversight={"contributors": ["A, B", "C, D"]},
    ).reporting.given()
    assert found == {
        "reporting.openness.funding": "A grant",
        "reporting.oversight.contributors": "A, B; C, D",
        "reporting.assignment.blinded": "participants; raters",
    }
    assert Reporting().given() == {}
    nobody = with_reporting(il2, assignment={"blinded": []}).reporting.given()
    assert nobody == {"reporting.assignment.blinded": "nobody"}


def test_every_field_is_optional_and_described():
    for name, table in Reporting.model_fields.items():
        assert table.description, name
        for field, info in table.annotation.model_fields.items():
            assert info.description, (name, field)
            assert not info.is_required(), (name, field)
    assert all(info.description for info in Description.model_fields.values())


@pytest.mark.parametrize("date", ["May 2024", "2024-5", "31.05.2024"])
def test_a_date_is_written_year_first(write_protocol, date):
    path = write_protocol(
        ("[analysis]\n", f'[reporting.course]\nrecruitment_end = "{date}"\n\n[analysis]\n')
    )
    with pytest.raises(eq.EquipoiseError, match="Last enrolment, in quotes") as info:
        eq.load_protocol(path)
    (fault,) = info.value.faults
    assert (fault.code, fault.field) == ("value-invalid", "reporting.course.recruitment_end")
    assert fault.value == f'"{date}"'
