"""The page of one person's forecast, and its files: one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.analysis.stratification.forecast_fans import response_limit
from equipoise.report.downloads import data_address
from equipoise.report.outlook_figure import Fan, fan_drawing
from equipoise.report.outlook_words import (
    cautions,
    outlook_sentence,
    setting_of,
    stage_words,
    training_words,
    validation_rows,
)
from equipoise.report.tables import html_table
from equipoise.report.templating import environment, style
from equipoise.report.words import interval, number, percent
from equipoise.staging import write_files

if TYPE_CHECKING:
    from equipoise.analysis.stratification.forecast_model import ForecastModel
    from equipoise.analysis.stratification.forecast_request import Person
    from equipoise.analysis.stratification.outlooks import Outlook

FILE = "forecast.html"


def write_outlook(
    model: ForecastModel,
    person: Person,
    outlooks: Sequence[Outlook],
    folder: str | Path,
    *,
    note: str | None = None,
    command: str = "",
) -> Path:
    """Write ``forecast.html``, ``forecast.csv`` and ``figures/forecast.svg``, all or none.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; what stood there is then untouched.
    """
    files = outlook_files(model, person, outlooks, note=note, command=command)
    write_files(Path(folder), {"forecast": files}, last=FILE)
    return Path(folder) / FILE


def person_fan(model: ForecastModel, person: Person, outlooks: Sequence[Outlook]) -> Fan:
    """The fan of one person."""
    before = score_before(model, person)
    return Fan(person.participant or "", before, tuple(outlooks), response_limit(model, before))


def score_before(model: ForecastModel, person: Person) -> float:
    """The outcome's measurement at baseline."""
    outcome = model.forecasts["baseline"].design.outcome
    name = next(p.name for p in model.predictors if p.kind == "baseline" and p.source == outcome)
    return float(person.values[name])


def outlook_files(
    model: ForecastModel,
    person: Person,
    outlooks: Sequence[Outlook],
    *,
    note: str | None = None,
    command: str = "",
) -> dict[str, bytes]:
    """The files: name → content. The same forecast gives the same bytes."""
    import polars as pl

    from equipoise._version import __version__

    fan = person_fan(model, person, outlooks)
    origin = "A demonstration. " if model.simulated else ""
    setting = setting_of(model)
    drawing = fan_drawing(
        setting,
        [fan],
        "figure-forecast",
        f"{origin}Diamond: the score before. Line: what is expected at {model.landmark[1]}; bars: "
        "where 50, 80 and 95 % of people like this are expected. "
        + ("Above each bar the expected score and the probability of response. " if model.response
           else "")
        + "Between the two days nothing is forecast. Research use only.",
    )  # fmt: skip
    columns = [("forecast", "Forecast"), ("expected", f"Expected at {model.landmark[1]}")]
    columns += [
        (f"b{100 * p:.0f}", f"{100 * p:.0f} % interval") for p, _, _ in reversed(outlooks[0].bands)
    ]
    columns += [("response", "Response")] if model.response is not None else []
    table = html_table("forecast", columns, [_cells(model, one) for one in outlooks])
    csv = pl.DataFrame(
        [
            {
                "participant": person.participant,
                "forecast": one.stage,
                "arm": one.arm,
                "expected": one.expected,
                **{
                    f"{side}_{100 * p:.0f}": edge
                    for p, low, high in one.bands
                    for side, edge in (("lower", low), ("upper", high))
                },
                "response": one.response,
                "imputed": ", ".join(one.imputed),
                "label": model.label,
            }
            for one in outlooks
        ]
    ).write_csv()
    given = [
        (one.label, _given(person.values[one.name]), one.unit)
        for one in model.predictors
        if one.name in person.values
    ]
    page = (
        environment()
        .get_template("outlook.html.j2")
        .render(
            model=model,
            person=person,
            drawing=drawing,
            table=table,
            sentences=[outlook_sentence(setting, one) for one in outlooks],
            cautions=cautions(model, outlooks, note),
            trained=training_words(model),
            validation=validation_rows(model),
            given=given,
            svg_address=data_address(drawing.standalone, "image/svg+xml"),
            csv_address=data_address(csv, "text/csv;charset=utf-8"),
            prefix="SIMULATED-" if model.simulated else "",
            command=command,
            style=style(),
            version=__version__,
        )
    )
    return {
        "figures/forecast.svg": drawing.standalone.encode(),
        "forecast.csv": csv.encode(),
        FILE: page.encode(),
    }


def _cells(model: ForecastModel, one: Outlook) -> list[str | None]:
    found: list[str | None] = [stage_words(setting_of(model), one), number(one.expected, 1)]
    found += [interval(low, high, 1) for _, low, high in reversed(one.bands)]
    return [*found, percent(one.response)] if model.response is not None else found


def _given(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
