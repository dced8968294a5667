"""Every fault is provoked, and is said with where, rule and remedy; no trigger is left over."""

from __future__ import annotations

import re

import pytest
from tests.faults.box import example, provoked
from tests.faults.catalogue import TRIGGERS, parts
from tests.faults.codes import scan

parts()
SCAN = scan()


def test_every_code_can_be_followed_to_a_literal():
    assert not SCAN.unknown, "write these codes as literals"


def test_every_code_has_a_trigger_and_every_trigger_a_code():
    missing = {code: sorted(SCAN.codes[code]) for code in set(SCAN.codes) - set(TRIGGERS)}
    assert not missing, "add a trigger in tests/faults/triggers_….py, then run: make pages"
    assert not set(TRIGGERS) - set(SCAN.codes), "no source makes these faults any more"


@pytest.mark.parametrize("code", sorted(TRIGGERS))
def test_a_trigger_provokes_its_fault(code, tmp_path):
    error = provoked(TRIGGERS[code], tmp_path)
    mine = [fault for fault in error.faults if fault.code == code]
    assert mine, [str(fault) for fault in error.faults]
    for fault in mine:
        assert fault.rule
        assert fault.remedy
        assert fault.where or fault.field
    text = example(error, code)
    assert str(tmp_path) not in text
    assert not re.search(r"/tmp|/home|Traceback|\bNone\b|\{\w*\}", text), text
    assert re.search(r"rule: \S.*\n    remedy: \S", text)
