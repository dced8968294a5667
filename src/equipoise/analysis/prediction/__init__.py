"""Whether the early change goes with the later outcome: from plan and records to results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from equipoise.analysis.prediction.landmark import analyse_prediction

__all__ = ["analyse_prediction"]


def __getattr__(name: str) -> Any:
    # Late, since the results import the types of this package before the rest can be imported.
    if name != "analyse_prediction":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from equipoise.analysis.prediction.landmark import analyse_prediction

    return analyse_prediction
