"""The forecast fan of a report: a typical person and two who differ in the first marker.

They are constructed; nobody real is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.analysis.stratification.outlooks import Outlook
from equipoise.report.outlook_figure import Fan, fan_drawing
from equipoise.report.outlook_words import Setting
from equipoise.report.words import number, percent, significant

if TYPE_CHECKING:
    from equipoise.analysis.results import Results
    from equipoise.analysis.stratification.forecast_fans import FanOutlook, ForecastFan
    from equipoise.analysis.stratification.forecast_results import ForecastResults
    from equipoise.report.drawing import Drawing


def fan_figures(results: Results) -> dict[str, Drawing]:
    """The figure by its name; nothing where no forecast was trained."""
    found = results.forecast
    if found is None or not found.fans:
        return {}
    setting = setting_of_results(results, found)
    fans = [
        Fan(_title(fan), fan.before, tuple(_outlook(one) for one in fan.outlooks), fan.limit)
        for fan in found.fans
    ]
    marker = found.fans[0].marker
    about = f", who differ in {marker} and in what goes with it" if marker else ""
    response = (
        " Above each bar the expected score and the probability of response."
        if found.response
        else ""
    )
    caption = (
        f"Forecast of {found.outcome_label} at {setting.landmark} for constructed people{about}; "
        "nobody real is shown. Diamond: the score before; line: what is expected; bars: where 50, "
        f"80 and 95 % of people like this are expected.{response} Between the two days nothing is "
        "forecast. Research use only."
    )
    return {"forecast-fan": fan_drawing(setting, fans, "figure-forecast-fan", caption)}


def fan_sentence(results: Results, found: ForecastResults) -> str:
    """How far apart the two contrasting people are, beside how wide their intervals are."""
    if not found.fans:
        return ""
    setting = setting_of_results(results, found)
    typical = next((fan for fan in found.fans if fan.title == "Typical"), found.fans[0])
    last = typical.outlooks[-1]
    _, low, high = _outlook(last).bands[-1]
    unit = f" {setting.unit}" if setting.unit else ""
    text = (
        f"Somebody typical with {number(typical.before, 0)}{unit} at {setting.baseline} is "
        f"expected at {number(last.expected, 1)} under {setting.arms[last.arm]}, and in 95 of 100 "
        f"cases between {number(low, 1)} and {number(high, 1)}"
    )
    others = [fan for fan in found.fans if fan is not typical]
    if len(others) == 2:
        ends = [fan.outlooks[-1].expected for fan in others]
        text += (
            f"; between two people who differ by two standard deviations in {typical.marker} the "
            f"forecasts differ by {number(abs(ends[1] - ends[0]), 1)}"
        )
    return f"{text}."


def fan_caution(found: ForecastResults) -> str:
    """What the figure does not show."""
    text = (
        "What is expected of one person is less certain than any mean. Constructed people, nobody "
        "real; research use only, not for clinical decisions."
    )
    gaps = {
        round(fan.outlooks[-1].expected - fan.outlooks[0].expected, 9)
        for fan in found.fans
        if len(fan.outlooks) > 1
    }
    if len(gaps) == 1:
        text += (
            " The difference between the arms is the same for everybody in this model: it says who "
            "does well, not who benefits from treatment."
        )
    return text


def fan_rows(results: Results, found: ForecastResults) -> list[list[str | None]]:
    """The numbers of the figure: person, arm, expected, three intervals, response."""
    setting = setting_of_results(results, found)
    rows: list[list[str | None]] = []
    for fan in found.fans:
        for one in fan.outlooks:
            bands = [f"{number(b.lower, 1)} to {number(b.upper, 1)}" for b in reversed(one.bands)]
            response = None if one.response is None else percent(one.response)
            person = _title(fan).replace("\n", ": ")
            rows.append([person, setting.arms[one.arm], number(one.expected, 1), *bands, response])
    return rows


def setting_of_results(results: Results, found: ForecastResults) -> Setting:
    """Names as the report has them."""
    visits = dict(results.visits)
    return Setting(
        arms={group.key: group.label for group in results.groups},
        outcome=found.outcome_label,
        unit=found.outcome_unit,
        baseline="Baseline",
        early=visits.get(found.early_visit, found.early_visit),
        landmark=visits.get(found.landmark, found.landmark),
        simulated=results.simulated,
    )


def _title(fan: ForecastFan) -> str:
    if fan.marker is None or fan.value is None:
        return fan.title
    label = fan.marker.removesuffix(" at baseline")
    return f"{fan.title}\n{label} {significant(fan.value)}"


def _outlook(one: FanOutlook) -> Outlook:
    bands = tuple((band.probability, band.lower, band.upper) for band in one.bands)
    return Outlook(one.stage, one.arm, one.expected, bands, one.response, ())
