"""Every refusal of a statistical method is provoked, and says a rule or a remedy."""

from __future__ import annotations

import re

import pytest
from tests.conftest import ROOT
from tests.faults.model_faults import CALLS, ELSEWHERE, HIDDEN, refused, says, sites

ERRORS = [
    (title, n, refused(call))
    for title, calls in {**CALLS, **HIDDEN}.items()
    for n, call in enumerate(calls)
]
SITES = sites()


@pytest.mark.parametrize("text", sorted(SITES))
def test_every_site_is_provoked(text):
    said = [fault.what for _, _, e in ERRORS for fault in (e, *getattr(e, "faults", ()))]
    if any(says(text, what) for what in said):
        assert text not in ELSEWHERE, "take it out of ELSEWHERE"
        return
    assert text in ELSEWHERE, f"{SITES[text]}: add a call to tests/faults/model_faults.py"


def test_what_is_provoked_elsewhere_is_still_said():
    assert set(ELSEWHERE) <= set(SITES)
    for place in ELSEWHERE.values():
        name = place.split(";")[0].split(":")[0]
        assert not name.endswith(".py") or (ROOT / name).is_file()


@pytest.mark.parametrize(("title", "number", "error"), ERRORS)
def test_a_message_has_no_hole(title, number, error):
    text = str(error)
    assert error.what
    assert not re.search(r"\{\w+\}", text)
    assert text.endswith((".", "?"))
