"""Whatever stands in a protocol: it is read, or refused with faults in lines of the file."""

from __future__ import annotations

import re
import tomllib

from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import ROOT, protocol_text
from tests.fuzz.mutants import CHANGES, STEPS, changed, profile, spoilt
from tests.protocol.toml_writer import toml

import equipoise as eq
from equipoise.faults import EquipoiseError
from equipoise.protocol import check_protocol

TEXTS = [protocol_text(study) for study in eq.builtin_studies()]
TEXTS.append((ROOT / "tests/faults/trial.toml").read_text(encoding="utf-8"))
TREES = [tomllib.loads(text) for text in TEXTS]


def held(path):
    """The protocol is whole, or its faults are, and name lines of the file."""
    size = path.read_bytes().count(b"\n") + 1
    try:
        protocol, faults = check_protocol(path)
    except EquipoiseError as error:
        protocol, faults = None, error.faults
    assert (protocol is None) == bool(faults)
    for fault in faults:
        assert fault.code
        assert fault.rule
        assert fault.remedy
        for line in re.findall(r"protocol\.toml, line (\d+)", fault.where):
            assert 1 <= int(line) <= size
        assert "Traceback" not in str(fault)
    if protocol is not None:
        assert len(protocol.hash) == 64


@profile(50, 1000)
@given(text=st.sampled_from(TEXTS), steps=STEPS)
def test_bytes_and_lines(tmp_path_factory, text, steps):
    path = tmp_path_factory.getbasetemp() / "protocol.toml"
    path.write_bytes(spoilt(text.encode(), steps))
    held(path)


@profile(50, 1000)
@given(tree=st.sampled_from(TREES), changes=CHANGES)
def test_structure(tmp_path_factory, tree, changes):
    path = tmp_path_factory.getbasetemp() / "protocol.toml"
    path.write_text(toml(changed(tree, changes)), encoding="utf-8", errors="replace")
    held(path)
