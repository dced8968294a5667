"""The plan of all early changes together: markers that there are, each once."""

from __future__ import annotations

from collections.abc import Iterator

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown

_PATH = ("analysis", "prediction", "multivariate")


@needs("analysis")
def _multivariate(tables: Tables) -> Iterator[Inconsistency]:
    prediction = tables["analysis"].prediction
    if prediction is None or prediction.multivariate is None:
        return
    plan = prediction.multivariate
    known = (*prediction.predictors, *prediction.labs)
    for place, key in enumerate(plan.predictors):
        path = (*_PATH, "predictors", place)
        if key in prediction.composites:
            yield Inconsistency(
                path,
                key,
                "a composite is a sum of its members, which are looked at themselves",
                "name its members",
            )
        elif key not in known:
            yield unknown(path, key, "marker", known, "prediction")
        elif key in plan.predictors[:place]:
            yield Inconsistency(path, key, "each predictor stands once", "take it out")
    for place, mixing in enumerate(plan.mixing):
        if mixing in plan.mixing[:place]:
            yield Inconsistency(
                (*_PATH, "mixing", place), f"{mixing:g}", "each mixing stands once", "take it out"
            )
