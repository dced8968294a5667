"""Pages that a program writes: held to what it writes now, or written anew."""

from __future__ import annotations

import os

from tests.conftest import ROOT

COMMAND = "make pages   (or: EQUIPOISE_TABLES=1 python -m pytest -q tests/docs -k page_of)"


def hold(name: str, text: str) -> None:
    """Assert that docs/NAME is `text`; `EQUIPOISE_TABLES=1` writes it."""
    page = ROOT / "docs" / name
    if os.environ.get("EQUIPOISE_TABLES"):
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    found = page.read_text(encoding="utf-8") if page.is_file() else ""
    assert found == text, (
        f"docs/{name} is not what the code says now; write it anew with\n  {COMMAND}"
    )
