"""Whatever stands in a folder of records: it is read, or refused with faults."""

from __future__ import annotations

import gzip
import re
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults.box import RECORDS, TRIAL
from tests.fuzz.mutants import STEPS, profile, spoilt

import equipoise as eq

FILES = {name: text.encode() for name, text in RECORDS.items()}


@pytest.fixture(scope="module")
def trial():
    return eq.load_protocol(TRIAL)


def folder_of(tmp_path_factory, mutants, gone, zipped):
    """The records with some files spoilt, some gone and some compressed."""
    folder = tmp_path_factory.getbasetemp() / "records"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in FILES.items():
        if name in gone:
            continue
        content = spoilt(content, mutants.get(name, []))  # noqa: PLW2901
        if name in zipped and name.endswith(".csv"):
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


NAMES = st.sampled_from(sorted(FILES))


@profile(50, 1500)
@given(
    mutants=st.dictionaries(NAMES, STEPS, min_size=1, max_size=3),
    gone=st.sets(NAMES, max_size=1),
    zipped=st.sets(NAMES, max_size=1),
)
def test_records_are_read_or_refused(tmp_path_factory, trial, mutants, gone, zipped):
    folder = folder_of(tmp_path_factory, mutants, gone, zipped)
    blinded = not list(folder.glob("allocation.csv*"))
    try:
        records = eq.read_records(folder, trial)
    except eq.EquipoiseError as error:
        assert error.faults
        for fault in error.faults:
            assert fault.code
            assert fault.rule
            assert fault.remedy
            found = re.fullmatch(r"(\w+\.csv(?:\.gz)?), line (\d+)", fault.where)
            if found and not found[1].endswith(".gz"):
                lines = (folder / found[1]).read_bytes().split(b"\n")
                assert 1 <= int(found[2]) <= len(lines)
        return
    assert records.blinded == blinded
    assert records.manifest.origin in ("observed", "simulated")
    assert records.participants.height <= 3


@profile(25, 600)
@given(cut=st.integers(0, 200), steps=STEPS)
def test_a_damaged_archive_is_refused(tmp_path_factory, trial, cut, steps):
    folder = folder_of(tmp_path_factory, {}, {"scores.csv"}, set())
    whole = gzip.compress(FILES["scores.csv"], mtime=0)
    (folder / "scores.csv.gz").write_bytes(spoilt(whole, steps)[: max(1, len(whole) - cut)])
    try:
        eq.read_records(folder, trial)
    except eq.EquipoiseError as error:
        assert error.faults
