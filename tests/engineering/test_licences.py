"""No dependency that users install is under the GPL."""

from __future__ import annotations

import re
from importlib import metadata

from packaging.requirements import Requirement

#: LGPL is named too: the core ships without it. MPL (dual or alone) is allowed.
FORBIDDEN = re.compile(r"\b(A?GPL|LGPL|GNU (Affero |Lesser )?General Public)", re.IGNORECASE)


def core():
    """Names of all distributions that the core brings, itself included."""
    found, waiting = set(), ["equipoise"]
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


def test_our_own_licence_is_apache():
    assert metadata.metadata("equipoise")["License-Expression"] == "Apache-2.0"
