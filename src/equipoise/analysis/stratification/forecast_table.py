"""A model asked about many people at once: any data frame in, one row a person and forecast out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from equipoise.analysis.stratification.forecast_model import BANDS, DEMONSTRATION, LABEL
from equipoise.analysis.stratification.forecast_names import PERSON
from equipoise.analysis.stratification.forecast_request import check_names, check_person
from equipoise.analysis.stratification.outlooks import Outlook, Refusal, forecast_person
from equipoise.faults import EquipoiseError, Fault, single

if TYPE_CHECKING:
    import polars as pl
    from narwhals.typing import IntoDataFrame

    from equipoise.analysis.stratification.forecast_design import Stage
    from equipoise.analysis.stratification.forecast_model import ForecastModel
    from equipoise.protocol import Protocol

_HEADING = "The forecast is refused"


def forecast(
    model: ForecastModel,
    table: IntoDataFrame,
    demonstration: bool = False,
    *,
    protocol: Protocol | None = None,
) -> pl.DataFrame:
    """Forecast the outcome of new people: research use only, not for clinical decisions.

    From baseline under every arm; where values of the early visit and the assigned arm are given,
    also from these, under that arm alone.

    Parameters
    ----------
    model
        From `train_forecast` or `read_forecast`.
    table
        Any data frame that Narwhals reads, one row a person. Columns are named as the model's
        predictors (`model.predictors`), with their units; `participant` and `arm` may be there.
        Empty cells are missing values.
    demonstration
        A model that was trained on simulated people says nothing about a person unless this is
        True; every row is then marked.
    protocol
        The plan under which the people take part: a note says so where the model is of another.

    Returns
    -------
    polars.DataFrame
        row (from 1), participant, forecast (``baseline`` or ``early``), arm, expected (score at
        the landmark), lower and upper (of 95 %), lower_50, upper_50, lower_80, upper_80,
        response (probability), in_range (False where values lie outside the training set), imputed
        (missing predictors), refused (why there are no numbers), note, origin, label.

    Raises
    ------
    EquipoiseError
        When the model is simulated and `demonstration` is not set, or a column is not known, or
        the table is no data frame. What is wrong with single people stands in their rows.
    """
    import polars as pl

    require_demonstration(model, demonstration=demonstration)
    rows = _rows(table)
    names = list(rows[0]) if rows else []
    faults = check_names(model, names, lambda name: "the table")
    if faults:
        raise EquipoiseError(_HEADING, faults)
    note = None if protocol is None else model.note_on(protocol)
    found: list[dict[str, object]] = []
    for number, given in enumerate(rows, 1):
        found += [{"row": number, **one} for one in _person(model, given, number)]
    for one in found:
        one |= {"note": note, "origin": _origin(model), "label": LABEL}
    return pl.DataFrame(found, schema=_schema(), orient="row")


def require_demonstration(model: ForecastModel, *, demonstration: bool) -> None:
    """Refuse to speak about a person from simulated people.

    Raises
    ------
    EquipoiseError
        Unless `demonstration` is set.
    """
    if model.simulated and not demonstration:
        raise single(
            _HEADING,
            code="forecast-simulated",
            field="origin",
            value="simulated",
            rule="a model that was trained on simulated people says nothing about a person",
            remedy="train it on observed records; to see how it works, ask for a demonstration "
            "(--demonstration; demonstration=True)",
        )


def _origin(model: ForecastModel) -> str:
    return DEMONSTRATION if model.simulated else "observed"


def _schema() -> dict[str, Any]:
    import polars as pl

    numbers = ["expected", "lower", "upper", *_narrow(), "response"]
    return {
        "row": pl.Int64, "participant": pl.String, "forecast": pl.String, "arm": pl.String,
        **dict.fromkeys(numbers, pl.Float64), "in_range": pl.Boolean, "imputed": pl.String,
        "refused": pl.String, "note": pl.String, "origin": pl.String, "label": pl.String,
    }  # fmt: skip


def _narrow() -> list[str]:
    return [f"{side}_{100 * p:.0f}" for p in BANDS[:-1] for side in ("lower", "upper")]


def _rows(table: Any) -> list[dict[str, object]]:
    import narwhals.stable.v2 as nw

    try:
        frame: Any = nw.from_native(table, eager_only=True)
    except TypeError as error:
        raise single(
            _HEADING,
            code="forecast-no-table",
            field="table",
            value=type(table).__name__,
            rule="a data frame that Narwhals reads (polars, pandas, PyArrow, …), one row a person",
            remedy="put the people into one; a dict of lists becomes one by polars.DataFrame(…)",
        ) from error
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.iter_rows(named=True)]


def _plain(value: object) -> object:
    """A cell without the frame's own types; empty cells are None."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    item = getattr(value, "item", None)
    plain = item() if callable(item) else value
    # What pandas writes for a missing value is no number, text or truth.
    return None if type(plain).__name__ in ("NAType", "NaTType") else plain


def _person(model: ForecastModel, given: dict[str, object], number: int) -> list[dict[str, object]]:
    """The rows of one person."""

    def where(_: str) -> str:
        return f"row {number}"

    person, faults = check_person(model, given, where)
    name = given.get(PERSON)
    start: dict[str, object] = {"participant": None if name is None else str(name)}
    if faults:
        arms = [person.arm] if person.arm else list(model.arms)
        refusals = [Refusal("baseline", arm, fault) for arm in arms for fault in faults]
        return _without_numbers(start, refusals)
    outlooks, refusals = forecast_person(model, person, where)
    found = [{**start, **_numbers(one)} for one in outlooks]
    expanded = [
        Refusal(one.stage, arm, one.fault)
        for one in refusals
        for arm in ([one.arm] if one.arm or one.stage == "early" else model.arms)
    ]
    rows = [*found, *_without_numbers(start, expanded)]
    stages: list[Stage] = ["baseline", "early"]
    arms = [*model.arms, None]
    return sorted(rows, key=lambda r: (stages.index(r["forecast"]), arms.index(r["arm"])))  # type: ignore[arg-type]


def _numbers(one: Outlook) -> dict[str, object]:
    *narrow, (_, lower, upper) = one.bands
    edges = {
        f"{side}_{100 * p:.0f}": edge
        for p, low, high in narrow
        for side, edge in (("lower", low), ("upper", high))
    }
    return {
        "forecast": one.stage,
        "arm": one.arm,
        "expected": one.expected,
        "lower": lower,
        "upper": upper,
        **edges,
        "response": one.response,
        "in_range": True,
        "imputed": ", ".join(one.imputed) or None,
        "refused": None,
    }


def _without_numbers(start: dict[str, object], refusals: list[Refusal]) -> list[dict[str, object]]:
    """One row a forecast that is not given, with all of its reasons."""
    reasons: dict[tuple[Stage, str | None], list[Fault]] = {}
    for one in refusals:
        reasons.setdefault((one.stage, one.arm), []).append(one.fault)
    return [
        {
            **start,
            "forecast": stage,
            "arm": arm,
            "in_range": not any(f.code.startswith("outside-training-range") for f in faults),
            "refused": "; ".join(_reason(fault) for fault in faults),
        }
        for (stage, arm), faults in reasons.items()
    ]


def _reason(fault: Fault) -> str:
    value = f" = {fault.value}" if fault.value else ""
    return f"{fault.field}{value}: {fault.rule}" if fault.field else f"{fault.value}: {fault.rule}"
