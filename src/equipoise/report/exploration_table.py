"""An exploration as tables: in words for the terminal and the page, in full as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from equipoise.patients.exploration import Band, Exploration, Readout, Regimen


def regimen_label(exploration: Exploration, regimen: Regimen) -> str:
    """``5 daily then weekly: 15 doses of 1 MIU``."""
    if not len(regimen.schedule):
        return "No drug"
    count = len(regimen.schedule)
    doses = "1 dose" if count == 1 else f"{count} doses"
    return f"{regimen.words}: {doses} of {regimen.dose:g} {exploration.unit}"


def shown_digits(readout: Readout) -> int:
    """Digits after the point: two of a fold, one of points."""
    return 1 if readout.unit == "points" else 2


def band_text(readout: Readout, band: Band, day: int) -> str:
    """``1.21 (1.05 to 1.44)``: median and band at the index of a day."""
    digits = shown_digits(readout)
    parts = (band.median[day], band.lower[day], band.upper[day])
    # Minus zero is zero.
    median, lower, upper = (f"{round(float(x), digits) + 0.0:.{digits}f}" for x in parts)
    return f"{median} ({lower} to {upper})"


def columns(exploration: Exploration) -> list[tuple[str, str]]:
    """(key, heading) of the columns of a table, the day first."""
    found = [("day", "Day")]
    found += [(r.key, f"{r.label}, {r.unit}") for r in exploration.readouts]
    return [*found, ("response", "Response")]


def rows(exploration: Exploration, regimen: Regimen, at: Sequence[float]) -> list[list[str]]:
    """The rows of one regimen, a day each."""
    days = exploration.days.tolist()
    found: list[list[str]] = []
    for day in at:
        place = days.index(day)
        cells = [band_text(r, regimen.bands[r.key], place) for r in exploration.readouts]
        found.append([f"{day:g}", *cells, f"{100 * regimen.response[place]:.0f} %"])
    return found


def heading(exploration: Exploration) -> str:
    """One line that says what the numbers are."""
    changed = ", ".join(f"{k} = {v:g}" for k, v in exploration.changed.items())
    return (
        f"SIMULATED: {exploration.patients} virtual patients of the model "
        f"{exploration.model.name} (seed {exploration.seed}"
        + (f"; {changed}" if changed else "")
        + "), the same under every regimen."
    )


def plain_exploration(exploration: Exploration, at: Sequence[float]) -> str:
    """The table as the terminal prints it."""
    names = ["day", *(r.label for r in exploration.readouts), "response"]
    units = ["", *(r.unit for r in exploration.readouts), "halved"]
    groups = [(g, rows(exploration, g, at)) for g in exploration.regimens]
    body = [names, units, *(row for _, members in groups for row in members)]
    widths = [max(len(row[i]) for row in body) for i in range(len(names))]

    def line(cells: Sequence[str]) -> str:
        pairs = zip(cells, widths, strict=True)
        return ("  " + "  ".join(f"{cell:>{width}}" for cell, width in pairs)).rstrip()

    lines = [
        heading(exploration),
        "Median, and in brackets the range of nine in ten (5 % to 95 %) between patients.",
        "",
        line(names),
        line(units),
    ]
    for regimen, members in groups:
        lines += ["", regimen_label(exploration, regimen), *map(line, members)]
    return "\n".join(lines)


def exploration_frame(exploration: Exploration) -> pl.DataFrame:
    """Every number: a row for each regimen, readout and day, its origin in each."""
    import polars as pl

    frames: list[pl.DataFrame] = []
    for regimen in exploration.regimens:
        for readout in exploration.readouts:
            band = regimen.bands[readout.key]
            frames.append(
                pl.DataFrame(
                    {
                        "day": exploration.days,
                        "median": band.median,
                        "lower_5": band.lower,
                        "upper_95": band.upper,
                        "typical": band.typical,
                        "response_share": regimen.response,
                    }
                ).select(
                    pl.lit("SIMULATED").alias("origin"),
                    pl.lit(exploration.model.name).alias("model"),
                    pl.lit(regimen.words).alias("schedule"),
                    pl.lit(regimen.dose).alias("dose"),
                    pl.lit(exploration.unit).alias("dose_unit"),
                    pl.lit(readout.key).alias("readout"),
                    pl.lit(readout.unit).alias("unit"),
                    pl.all(),
                )
            )
    return pl.concat(frames)
