"""A forecast on disk: ``forecast-model.json``, one file that knows when it was changed.

The checksum is over the content as Python writes it: sorted keys, no spaces, each number in the
shortest form that gives it back. So a file that is read and written again is the same, and a number
that a person has changed is noticed. It protects against mistakes, not against forgery.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from equipoise.analysis.stratification.forecast_design import ForecastColumn, ForecastDesign
from equipoise.analysis.stratification.forecast_model import (
    LABEL,
    ForecastModel,
    Predictor,
    TrainedForecast,
)
from equipoise.analysis.stratification.forecast_schema import StoredModel, plain
from equipoise.analysis.stratification.response_rule import ResponseRule
from equipoise.faults import EquipoiseError, Fault, single
from equipoise.stats.forecast.ridge_forecast import RidgeForecast

if TYPE_CHECKING:
    import numpy as np

    from equipoise.analysis.stratification.forecast_schema import StoredForecast, StoredRidge

FILE = "forecast-model.json"

#: What the file calls itself, and the newest form of it that this version knows.
KIND, VERSION = "equipoise-forecast-model", 1

_LARGEST = 20_000_000
_SHOWN_VALUE = 60


def write_forecast(model: ForecastModel, path: str | Path) -> None:
    """Write a forecast model as JSON.

    Raises
    ------
    EquipoiseError
        When the file cannot be written; one that stood there is then untouched.
    """
    from equipoise.staging import write_files

    target = Path(path)
    write_files(target.parent, {"forecast": {target.name: forecast_bytes(model)}}, last=target.name,
                unindexed=("forecast",))  # fmt: skip


def forecast_bytes(model: ForecastModel) -> bytes:
    """The file's content; the same model gives the same bytes."""
    content = _content(model)
    whole = {
        "format": KIND,
        "version": VERSION,
        "label": LABEL,
        "checksum": _checksum(content),
        "model": content,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def read_forecast(path: str | Path) -> ForecastModel:
    """Read a forecast model back, exactly as it was written.

    Parameters
    ----------
    path
        The file, or a folder that holds ``forecast-model.json``.

    Raises
    ------
    EquipoiseError
        When the file is missing, no forecast model, of a newer version, changed since it was
        written, or does not fit itself; with every fault that was found.
    """
    target = Path(path)
    if target.is_dir():
        target = target / FILE
    heading = f"The forecast model `{target.name}` is refused"
    whole = _whole(target, heading)
    faults: list[Fault] = []
    content = whole.get("model")
    if whole.get("checksum") != _checksum(content):
        faults.append(
            Fault(
                "forecast-model-changed",
                target.name,
                "checksum",
                _shown(whole.get("checksum")),
                "the checksum is that of the content: the file was changed after it was written, "
                "or damaged on its way",
                "take the file as it was written, or train the model anew",
            )
        )
    try:
        stored = StoredModel.model_validate(content)
    except ValidationError as error:
        faults += [
            Fault(
                "forecast-model-invalid",
                target.name,
                ".".join(str(part) for part in ("model", *detail["loc"])),
                "" if detail["type"] in ("missing", "value_error") else _shown(detail["input"]),
                detail["msg"].removeprefix("Value error, "),
                "take the file as it was written, or train the model anew",
            )
            for detail in error.errors(include_url=False)
        ]
        raise EquipoiseError(heading, faults) from error
    if faults:
        raise EquipoiseError(heading, faults)
    return _model(stored)


def _whole(path: Path, heading: str) -> dict[str, Any]:
    """The file as JSON, once it is one of ours and of a version that is known."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise single(
            heading,
            code="forecast-model-missing",
            where=str(path),
            rule=str(error.strerror or error),
            remedy=f"name the {FILE} that `equipoise run` or `equipoise.write_forecast` wrote",
        ) from error
    try:
        if len(raw) > _LARGEST:
            raise ValueError(f"it has {len(raw)} bytes")
        whole = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise single(
            heading,
            code="forecast-model-damaged",
            where=path.name,
            rule=f"the file is JSON: {error}",
            remedy="take the file as it was written, or train the model anew",
        ) from error
    if not isinstance(whole, dict) or whole.get("format") != KIND:  # type: ignore[union-attr]
        raise single(
            heading,
            code="forecast-model-foreign",
            where=path.name,
            field="format",
            value=_shown(whole.get("format")) if isinstance(whole, dict) else "",  # type: ignore[union-attr]
            rule=f'a forecast model calls itself "{KIND}"',
            remedy=f"name the {FILE} that `equipoise run` or `equipoise.write_forecast` wrote",
        )
    version = whole.get("version")  # type: ignore[union-attr]
    if version != VERSION:
        raise single(
            heading,
            code="forecast-model-version",
            where=path.name,
            field="version",
            value=_shown(version),
            rule=f"this version of Equipoise reads version {VERSION} of the file",
            remedy="use the version of Equipoise that wrote it, or train the model anew",
        )
    return whole  # type: ignore[return-value]


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_VALUE else text[: _SHOWN_VALUE - 1] + "…"


def _checksum(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _content(model: ForecastModel) -> dict[str, Any]:
    """Everything as plain values, in the order in which a person reads."""
    return {
        "label": LABEL,
        "study": model.study,
        "title": model.title,
        "protocol_hash": model.protocol_hash,
        "data_hash": model.data_hash,
        "origin": model.origin,
        "scenario": model.scenario,
        "software": model.software,
        "arms": [[key, label] for key, label in model.arms.items()],
        "outcome_label": model.outcome_label,
        "unit": model.unit,
        "better": model.better,
        "lowest": model.lowest,
        "highest": model.highest,
        "baseline_visit": list(model.baseline_visit),
        "early_visit": list(model.early_visit),
        "landmark": list(model.landmark),
        "response": None if model.response is None else dataclasses.asdict(model.response),
        "predictors": [plain(dataclasses.asdict(one)) for one in model.predictors],
        "forecasts": [_stored(one) for one in model.forecasts.values()],
        "untrained": dict(model.untrained),
        "validation": {stage: dict(found) for stage, found in model.validation.items()},
    }


def _stored(trained: TrainedForecast) -> dict[str, Any]:
    ridge = trained.ridge
    return {
        "stage": trained.design.stage,
        "outcome": trained.design.outcome,
        "outcome_log": trained.design.outcome_log,
        "responders": trained.responders,
        "columns": [dataclasses.asdict(column) for column in trained.design.columns],
        "ridge": {
            "n": int(ridge.n),
            "intercept": float(ridge.intercept),
            "penalty": float(ridge.penalty),
            "residual_variance": float(ridge.residual_variance),
            "df": float(ridge.df),
            "furthest": float(ridge.furthest),
            "products": [[int(a), int(b)] for a, b in ridge.products],
            "scale": [None if math.isinf(s) else s for s in _numbers(ridge.scale)],
            **{
                name: _numbers(getattr(ridge, name))
                for name in ("coefficients", "centre", "lower", "upper", "joint_mean",
                             "covariance", "joint_covariance")
            },
        },
    }  # fmt: skip


def _numbers(values: np.ndarray) -> list[Any]:
    # What Python writes of a double is read back as the same double.
    return values.astype(float).tolist()


def _model(stored: StoredModel) -> ForecastModel:
    given = stored.model_dump(exclude={"label", "arms", "response", "predictors", "forecasts"})
    return ForecastModel(
        **given,
        arms=dict(stored.arms),
        response=None if stored.response is None else ResponseRule(**stored.response.model_dump()),
        predictors=tuple(Predictor(**one.model_dump()) for one in stored.predictors),
        forecasts={one.stage: _trained(one) for one in stored.forecasts},
    )


def _trained(stored: StoredForecast) -> TrainedForecast:
    columns = tuple(ForecastColumn(**column.model_dump()) for column in stored.columns)
    design = ForecastDesign(
        stored.stage, stored.outcome, stored.outcome_log, columns, stored.ridge.products
    )
    return TrainedForecast(design, _ridge(stored.ridge, design), stored.responders)


def _ridge(stored: StoredRidge, design: ForecastDesign) -> RidgeForecast:
    import numpy as np

    given = stored.model_dump(exclude={"scale", "products"})
    arrays = ("coefficients", "centre", "covariance", "lower", "upper", "joint_mean",
              "joint_covariance")  # fmt: skip
    given |= {name: np.array(given[name], dtype=float) for name in arrays}
    scale = np.array([math.inf if s is None else s for s in stored.scale], dtype=float)
    products = np.array(stored.products, dtype=np.int64).reshape(-1, 2)
    return RidgeForecast(
        scale=scale, products=products, penalised=np.array(design.penalised), **given
    )
