"""What was published of a trial that a study twins, beside the claims of its twin."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from equipoise.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Published:
    """A published finding; without `finding` nothing but a direction is known.

    Attributes
    ----------
    source, certainty
        Citation, and how the finding was read.
    direction
        Of the effect, where the endpoint names none as better.
    """

    finding: str | None
    source: str | None
    certainty: str | None
    direction: Literal["higher", "lower"] | None


def published_findings(protocol: Protocol) -> dict[str, Published]:
    """Claim → what was published; empty for a study that twins nothing.

    A study is known by its id; a finding whose source the protocol does not name is left out.
    """
    found: dict[str, Published] = {}
    for key, row in _table().get(protocol.trial.id, {}).items():
        source = protocol.sources.get(row["source"]) if "source" in row else None
        finding = row.get("finding") if source is not None else None
        found[key] = Published(
            finding,
            None if source is None else source.citation,
            None if source is None else str(source.certainty),
            row.get("direction"),
        )
    return found


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, dict[str, Any]]]:
    text = (resources.files("equipoise.design") / "published.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
