"""``patient.toml``: one person for a forecast, and the commented file to begin with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.analysis.stratification.forecast_names import ARM, PERSON
from equipoise.analysis.stratification.forecast_request import (
    Person,
    check_names,
    check_person,
    unknown_arm,
)
from equipoise.analysis.stratification.outlooks import forecast_person
from equipoise.faults import EquipoiseError
from equipoise.toml_faults import TomlFile
from equipoise.toml_places import line_of
from equipoise.toml_syntax import parse_toml, read_toml_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from equipoise.analysis.stratification.forecast_model import ForecastModel, Predictor
    from equipoise.analysis.stratification.outlooks import Outlook

FILE = "patient.toml"


def forecast_patient(
    model: ForecastModel, path: str | Path, arm: str | None = None
) -> tuple[Person, list[Outlook]]:
    """The forecasts for the person of a file.

    Parameters
    ----------
    arm
        The one arm that is asked for; every arm when left out.

    Raises
    ------
    EquipoiseError
        When the file cannot be read, a value is not valid or lies outside the training set, or a
        forecast is asked for that there cannot be: all of it at once.
    """
    target = Path(path)
    heading = f"The forecast for `{target.name}` is refused"
    text = read_toml_text(target, heading, "patient")
    data, syntax = parse_toml(text, target.name, "patient")
    if syntax:
        raise EquipoiseError(heading, syntax)
    file = TomlFile(target.name, text, "a patient file")

    def where(name: str) -> str:
        line = line_of((name,), file.lines)
        return f"{target.name}, line {line}" if line else target.name

    person, faults = check_person(model, data, where)
    faults = [*check_names(model, list(data), where), *faults]
    if arm is not None and arm not in model.arms:
        faults.append(unknown_arm(model, arm, "--arm"))
        arm = None
    outlooks, refusals = forecast_person(model, person, where, None if arm is None else [arm])
    faults += [one.fault for one in refusals]
    if faults:
        unique = dict.fromkeys(faults)
        raise EquipoiseError(heading, sorted(unique, key=lambda f: _line(f.where)))
    return person, outlooks


def _line(where: str) -> int:
    _, _, line = where.rpartition("line ")
    return int(line) if line.isdigit() else 0


def commented_patient(model: ForecastModel) -> str:
    """A commented file with a person in the middle of the training set: nobody real."""
    lines = [
        f"# One person for the forecast of {model.study}: {model.outcome_label} at "
        f"{model.landmark[1]}.",
        f"# {model.label}.",
        "# The values are those of the middle of the training set, and of nobody in it.",
        "# What is marked optional may be taken out where it is not known, at most half of it: it",
        "# is then filled in by its mean given the others, and the interval is wider.",
        '# A unit that is given is checked: hdrs = { value = 22, unit = "points" }.',
        "",
        f'# {PERSON} = "any name"',
        f"# The assigned arm: {' or '.join(model.arms)}; needed with values of "
        f"{model.early_visit[1]}.",
        f'# {ARM} = "{next(reversed(list(model.arms)))}"',
    ]
    for kind, heading in (
        ("factor", "Who the person is"),
        ("baseline", f"At {model.baseline_visit[1]}"),
        ("early", f"At {model.early_visit[1]}: take the # away where they are known"),
    ):
        mine = [one for one in model.predictors if one.kind == kind]
        if mine and (kind != "early" or "early" in model.forecasts):
            lines += ["", f"# {heading}"]
            lines += [line for one in mine for line in _lines(model, one, out=kind == "early")]
    return "\n".join(lines) + "\n"


def _lines(model: ForecastModel, one: Predictor, *, out: bool) -> list[str]:
    need = "required" if one.required else "optional"
    unit = f", {one.unit}" if one.unit else ""
    if one.levels:
        open_levels = [level for level in one.levels if level not in one.closed]
        value = f'"{(open_levels or list(one.levels))[0]}"'
        said = " or ".join(f'"{level}"' for level in open_levels)
        text = f"# {one.label}: {said} ({need})"
    else:
        value = _number(middle(model, one))
        text = f"# {one.label}{unit} ({need}); {_range(model, one)}"
    return [text, f"{'# ' if out else ''}{one.name} = {value}"]


def middle(model: ForecastModel, one: Predictor) -> float:
    """The mean of the training set in the predictor's unit (of a logarithm, the geometric one)."""
    trained = model.forecasts["early" if one.kind == "early" else "baseline"]
    mean = {c.key: float(m) for c, m in zip(
        trained.design.columns, trained.ridge.joint_mean, strict=True)}  # fmt: skip
    kinds = {"factor": ("factor",), "baseline": ("score", "marker"),
             "early": ("early-marker", "early-score")}  # fmt: skip

    def of(which: str) -> float:
        return next(
            mean[c.key]
            for c in trained.design.columns
            if c.kind in kinds[which] and c.source == one.source
        )

    value = of("early") + of("baseline") if one.kind == "early" else of(one.kind)
    return math.exp(value) if one.log else value


def _range(model: ForecastModel, one: Predictor) -> str:
    trained = model.forecasts["early" if one.kind == "early" else "baseline"]
    late = one.kind == "early"
    for place, column in enumerate(trained.design.columns):
        same = column.source == one.source and column.kind != "arm"
        if same and column.kind.startswith("early") == late:
            low, high = float(trained.ridge.lower[place]), float(trained.ridge.upper[place])
            if column.log:
                low, high = math.exp(low), math.exp(high)
            if not late:
                return f"from {low:.4g} to {high:.4g}"
            what = "ratio to baseline" if column.log else "change from baseline"
            return f"{what} from {low:.3g} to {high:.3g}"
    raise KeyError(one.name)


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def typical_values(model: ForecastModel) -> dict[str, float | str]:
    """A constructed person in the middle of the training set at baseline: nobody real."""
    found: dict[str, float | str] = {}
    for one in model.predictors:
        if one.kind == "early":
            continue
        usable: Sequence[str] = [level for level in one.levels if level not in one.closed]
        found[one.name] = usable[0] if usable else middle(model, one)
    return found
