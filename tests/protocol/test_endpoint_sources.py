"""The table of endpoint sources leads to fields, tables and columns that exist."""

from __future__ import annotations

import pytest

import equipoise as eq
from equipoise.analysis.planned import _DEFINITIONS
from equipoise.protocol import Protocol
from equipoise.protocol.endpoint_sources import SOURCES, MeasureKind, source_of
from equipoise.protocol.questions import Endpoint
from equipoise.records.schema import tables
from equipoise.report.contents import _CHAPTERS


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.kind)
def test_every_row_leads_somewhere(source, il2):
    assert source.field in Endpoint.model_fields
    assert source.table in Protocol.model_fields
    columns = {column.name for column in tables(il2)[source.records].columns}
    assert {
        source.column,
        source.value,
        *(() if source.part is None else source.part[1:2]),
    } <= columns
    if source.detail is not None:
        field, _, column = source.detail
        assert field in Endpoint.model_fields
        assert column in columns
    # Records and the endpoint's error message go by these names: each leads to one kind.
    for name in ("kind", "field", "table", "column"):
        assert [getattr(s, name) for s in SOURCES].count(getattr(source, name)) == 1


def test_every_kind_has_a_source_and_a_chapter(il2):
    assert {source.kind for source in SOURCES} == set(MeasureKind)
    kinds = [kind for _, _, kinds, _ in _CHAPTERS for kind in kinds]
    assert sorted(kinds) == sorted(MeasureKind)
    assert len({key for key, *_ in _CHAPTERS}) == len(_CHAPTERS)
    assert set(_DEFINITIONS) == set(MeasureKind)


def test_unit_visits_and_blind_of_an_endpoint(il2):
    assert il2.unit_of("hdrs_change") == "points"
    assert il2.unit_of("treg_percent") == "%CD4"
    assert il2.measured("treg_percent") is il2.cells["treg"]
    assert il2.reveals_arm("treg_percent")
    assert not il2.reveals_arm("hdrs_change")
    assert il2.endpoint_visits("treg_percent") == ("day5", "week4", "week8")


def test_an_endpoint_that_names_none_or_two_measurements_is_refused(write_protocol):
    none = write_protocol(('label = "HDRS-17 total"\ninstrument = "hdrs"', 'label = "HDRS-17"'))
    with pytest.raises(
        eq.EquipoiseError, match="names exactly one of `instrument`, `cells`, `lab`"
    ):
        eq.load_protocol(none)
    two = write_protocol(('label = "HDRS-17 total"\n', 'label = "HDRS-17 total"\nlab = "crp"\n'))
    with pytest.raises(eq.EquipoiseError, match="instrument, lab"):
        eq.load_protocol(two)
    with pytest.raises(ValueError, match="names no measurement"):
        source_of(Endpoint(label="x", scale="change", better="lower", model="m"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('cells = "treg"\ncell_unit = "%CD4"', 'cells = "trge"\ncell_unit = "%CD4"'),
         "did you mean `treg`"),
        (('cells = "treg"\ncell_unit = "%CD4"', 'cells = "treg"\ncell_unit = "%CD8"'),
         "a unit in which `treg` is recorded"),
        (('instrument = "hdrs"\nscale', 'instrument = "hdrs"\ncell_unit = "%CD4"\nscale'),
         "only an endpoint that names `cells` has one"),
    ],
)  # fmt: skip
def test_an_entry_and_its_detail_exist(write_protocol, change, message):
    with pytest.raises(eq.EquipoiseError, match=message):
        eq.load_protocol(write_protocol(change))
