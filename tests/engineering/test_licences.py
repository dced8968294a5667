"""No dependency that users install is under the GPL."""

from __future__ import annotations

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement

#: LGPL is named too: the core ships without it. MPL (dual or alone) is allowed.
FORBIDDEN = re.compile(r"\b(A?GPL|LGPL|GNU (Affero |Lesser )?General Public)", re.IGNORECASE)


def core(*roots):
    """Names of all distributions that the core (or other roots) brings, itself included."""
    found, waiting = set(), list(roots or ["equipoise"])
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        for line in metadata.distribution(name).requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return sorted(found)


def test_no_gpl_among_the_core_dependencies():
    names = core()
    assert {"numpy", "polars", "numba", "great-tables"} <= set(names)
    for name in names:
        data = metadata.metadata(name)
        texts = [data.get("License-Expression") or "", *(data.get_all("Classifier") or [])]
        if not any("License" in t or t for t in texts[:1]):
            texts.append((data.get("License") or "").split("\n", 1)[0])
        for text in texts:
            if text.startswith("License") or text in texts[:1] or text == texts[-1]:
                assert not FORBIDDEN.search(text), (name, text)


def test_of_what_the_pdf_needs_only_pyphen_names_the_gpl_and_offers_mpl():
    """pyphen is under GPL, LGPL or MPL 1.1, as its user chooses: Equipoise uses it under MPL."""
    try:
        names = core("weasyprint")
    except metadata.PackageNotFoundError:
        pytest.skip("WeasyPrint is not installed: the extra pdf")
    named = {
        name: texts
        for name in names
        for data in [metadata.metadata(name)]
        for texts in [[data.get("License-Expression") or "", *(data.get_all("Classifier") or [])]]
        if any(FORBIDDEN.search(t) for t in texts)
    }
    assert set(named) == {"pyphen"}
    assert any("MPL" in text for text in named["pyphen"])


def test_our_own_licence_is_apache():
    assert metadata.metadata("equipoise")["License-Expression"] == "Apache-2.0"
