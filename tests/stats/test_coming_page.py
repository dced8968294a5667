"""docs/coming-from-sas-or-r.md prints what SAS, R and this package print; see `make pages`."""

from __future__ import annotations

import os

from coming_page import page
from stats_reference import PROJECT

PAGE = PROJECT / "docs" / "coming-from-sas-or-r.md"


def test_the_page_for_users_of_sas_and_r_is_what_is_printed() -> None:
    text = page()
    if os.environ.get("EQUIPOISE_TABLES"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "write it anew with make pages"
