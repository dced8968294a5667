"""What the predictors of a forecast are called: in a table, and in ``patient.toml``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.analysis.stratification.forecast_design import ForecastColumn
    from equipoise.protocol import Protocol

#: Columns of a table, and fields of ``patient.toml``, that are no predictor.
PERSON, ARM = "participant", "arm"


def predictor_names(
    protocol: Protocol, columns: Sequence[ForecastColumn], baseline: str, early: str
) -> dict[str, str]:
    """Key of a column → name: ``age``, ``hdrs_baseline``, ``treg_percent_day5``.

    The total of a rating scale is called by the scale, since a person has a score and no change;
    by its endpoint where two would be called alike.
    """
    sources = {c.source for c in columns if c.kind not in ("arm", "factor")}
    short = {source: _measured(protocol, source) for source in sources}
    taken = Counter(short.values())
    found: dict[str, str] = {}
    for column in columns:
        if column.kind == "arm":
            continue
        if column.kind == "factor":
            clash = column.source in (PERSON, ARM)
            found[column.key] = f"{column.source}_{baseline}" if clash else column.source
            continue
        name = short[column.source]
        name = column.source if taken[name] > 1 else name
        visit = early if column.kind.startswith("early") else baseline
        found[column.key] = f"{name}_{visit}"
    return found


def _measured(protocol: Protocol, source: str) -> str:
    point = protocol.endpoints.get(source)
    if point is None or point.instrument is None or point.part is not None:
        return source
    return point.instrument
