"""Rules of enrichment as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.analysis.stratification.enrichment_results import EnrichmentResults


def enrichment_tables(found: EnrichmentResults | None) -> dict[str, list[dict[str, object]]]:
    """One row a rule, an arm and a part of the people."""
    if found is None:
        return {}
    rows: list[dict[str, object]] = [
        {"rule": "everybody", "among": "everybody", **effect.model_dump()}
        for effect in found.everybody
    ]
    for rule in found.rules:
        start: dict[str, object] = rule.model_dump(exclude={"among_kept", "among_others"})
        for among, effects in (("kept", rule.among_kept), ("others", rule.among_others)):
            rows += [{**start, "among": among, **effect.model_dump()} for effect in effects]
        if rule.suppressed:
            rows.append(start)
    return {"enrichment": rows}
