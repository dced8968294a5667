"""docs/reference/validation-mmrm.md says what the tests see; `EQUIPOISE_TABLES=1` writes it anew."""

from __future__ import annotations

import os

from stats_reference import PROJECT
from validation_page import bound, case_rows, page

PAGE = PROJECT / "docs" / "reference" / "validation-mmrm.md"


def test_the_page_of_validation_holds() -> None:
    """Every deviation seen here lies within what the page says; text and cases are the same."""
    rows = case_rows()
    if os.environ.get("EQUIPOISE_TABLES"):
        PAGE.write_text(page(rows), encoding="utf-8")
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    stored = [
        row
        for row in table
        if row[0].strip("`").split("_")[0] in ("fev", "antidep", "synth1", "synth3", "synth6")
    ]
    assert [row[:5] for row in stored] == [row[:5] for row in rows]
    for said, seen in zip(stored, rows, strict=True):
        for claim, found in zip(said[5:], seen[5:], strict=True):
            if bound(claim) is None:
                assert found == "–"
            else:
                assert bound(found) <= bound(claim), (said[0], said[3], said[4], claim, found)
    assert page(stored).split("|---|")[0] == "\n".join(lines).split("|---|")[0]
    assert (
        page(stored).partition("\n## Known")[2].strip()
        == "\n".join(lines).partition("\n## Known")[2].strip()
    )
