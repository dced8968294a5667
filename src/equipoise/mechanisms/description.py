"""A mechanistic model in words: for the command line, as JSON, and as a reference page."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from equipoise.mechanisms.model_files import builtin_models, find_model
from equipoise.mechanisms.parameters import Distribution, Origin

if TYPE_CHECKING:
    from equipoise.mechanisms.mechanistic_model import MechanisticModel
    from equipoise.mechanisms.parameters import Covariate, CovariateEffect, Parameter

#: What each word of origin means.
ORIGINS = {
    Origin.FACT: "published",
    Origin.DERIVED: "computed from what is published",
    Origin.CALIBRATED: "fitted to published aggregates, with assumptions",
    Origin.ASSUMED: "not published: a choice",
}

#: What a spread is the SD of.
SPREADS = {
    Distribution.FIXED: "the same for everybody",
    Distribution.LOG_NORMAL: "SD of the logarithm",
    Distribution.LOGIT_NORMAL: "SD of the logit",
    Distribution.NORMAL: "SD, in the unit",
    Distribution.LOG_RATIO: "SD of the logarithm of the fraction over that of the remaining cells",
}


def list_models() -> str:
    """The models, one a line."""
    lines: list[str] = []
    for name in builtin_models():
        model = find_model(name)
        lines.append(f"{name:14}{model.label} ({len(model.parameters)} parameters)")
    return "\n".join(lines)


def describe_model(model: MechanisticModel) -> str:
    """What a model is about, and how much of it is known."""
    counts = {
        origin: sum(row.origin is origin for row in model.parameters.values()) for origin in Origin
    }
    lines = [
        f"{model.name}: {model.label}",
        f"  drug          {model.drug}, {' or '.join(model.routes)}",
        f"  amounts       {model.amount_unit}, concentrations {model.concentration_unit}",
        f"  severity      points of {model.severity_scale}",
        f"  parameters    {len(model.parameters)}, of which "
        + ", ".join(f"{n} {origin}" for origin, n in counts.items()),
        f"  spread        {len(model.random_effects)} differ between people",
        f"  effects       {len(model.effects)} of the covariates {', '.join(model.covariates)}",
        f"  All of it: equipoise model {model.name} --parameters",
    ]
    return "\n".join(lines)


def parameter_table(model: MechanisticModel) -> str:
    """Every number of a model, as `equipoise model NAME --parameters` prints it."""
    head = ("name", "value", "unit", "spread", "bounds", "origin", "source")
    rows = [head, *(_parameter_cells(row) for row in model.parameters.values())]
    rows += [_effect_cells(row) for row in model.effects.values()]
    widths = [max(len(cells[i]) for cells in rows) + 2 for i in range(len(head))]
    lines = [f"{model.name}: {model.label}", "", _line(head, widths)]
    group = ""
    for row in model.parameters.values():
        if row.group != group:
            group = row.group
            lines += ["", group]
        lines += [_line(_parameter_cells(row), widths), *_wrapped(_remark(row))]
    lines += ["", "effects of covariates"]
    for effect in model.effects.values():
        remark = f"{effect.meaning}; {_effect_rule(effect)}."
        lines += [_line(_effect_cells(effect), widths), *_wrapped(remark)]
    lines += ["", "covariates, where the protocol does not say them"]
    lines += [f"  {row.name:14}{_covariate(row)}" for row in model.covariates.values()]
    if model.correlations:
        lines += ["", "correlations of random effects"]
        lines += [f"  {a} with {b:10}{number(r)}" for (a, b), r in model.correlations.items()]
    lines += ["", "sources"]
    for key, source in model.sources.items():
        first, *rest = _wrapped(f"{source.citation} ({source.certainty})", 18)
        lines += [f"  {key:16}{first.strip()}", *rest]
    return "\n".join(lines)


def model_json(model: MechanisticModel) -> str:
    """Every number of a model, as JSON."""
    found: dict[str, Any] = {
        "name": model.name,
        "label": model.label,
        "drug": model.drug,
        "routes": model.routes,
        "amount_unit": model.amount_unit,
        "concentration_unit": model.concentration_unit,
        "severity_scale": model.severity_scale,
    }
    for part in ("parameters", "effects", "covariates", "sources"):
        table: Mapping[str, Any] = getattr(model, part)
        found[part] = {key: _fields(row) for key, row in table.items()}
    found["correlations"] = {f"{a},{b}": r for (a, b), r in model.correlations.items()}
    return json.dumps(found, indent=1, ensure_ascii=False)


def parameter_page(model: MechanisticModel) -> str:
    """The reference page of a model's numbers, in Markdown."""
    counts = [
        f"{sum(row.origin is origin for row in model.parameters.values())} {origin} ({meaning})"
        for origin, meaning in ORIGINS.items()
    ]
    lines = [
        f"# Numbers of the model {model.name}",
        "",
        f"{model.label}: every number of the model, where it is from, and between which bounds a",
        "protocol may put it. Generated from the model's table and held to it by a test;",
        f"`equipoise model {model.name} --parameters` prints the same. The equations stand in",
        "[virtual patients from a mechanism](../methods/mechanistic-patients.md).",
        "",
        f"Of {len(model.parameters)} parameters there are {', '.join(counts)}. A number whose",
        "source was *recalled* was quoted from memory.",
        "",
        "The spread of a parameter is that of people around the typical patient:",
        "",
        *(f"- {name}: {meaning}" for name, meaning in SPREADS.items()),
        "",
    ]
    groups = dict.fromkeys(row.group for row in model.parameters.values())
    for group in groups:
        lines += [f"## {group[0].upper()}{group[1:]}", "", *_head("parameter", "meaning")]
        for row in model.parameters.values():
            if row.group == group:
                lines.append(_markdown(_parameter_cells(row), row.meaning, row.note))
        lines.append("")
    lines += [
        "## Effects of covariates",
        "",
        "Added to the parameter on the scale of its distribution (logarithm, logit), or a power.",
        "",
        *_head("effect", "meaning"),
        *(
            _markdown(_effect_cells(row), row.meaning, _effect_rule(row))
            for row in model.effects.values()
        ),
        "",
        "## Covariates",
        "",
        "As drawn where the protocol does not say them.",
        "",
        "| covariate | distribution | origin | source |",
        "|---|---|---|---|",
    ]
    for row in model.covariates.values():
        cells = (f"`{row.name}`", _distribution(row), str(row.origin), row.source or "")
        lines.append(f"| {' | '.join(cells)} |")
    if model.correlations:
        lines += ["", "## Correlations of random effects", ""]
        lines += [
            f"- `{a}` with `{b}`: {number(r)} (assumed)" for (a, b), r in model.correlations.items()
        ]
    lines += ["", "## Sources", ""]
    lines += [f"- `{k}`: {s.citation} ({s.certainty})" for k, s in model.sources.items()]
    return "\n".join(lines) + "\n"


def _head(first: str, last: str) -> Iterator[str]:
    yield f"| {first} | value | unit | spread | bounds | origin | source | {last} |"
    yield "|---|---:|---|---|---|---|---|---|"


def _markdown(cells: Sequence[str], meaning: str, note: str) -> str:
    text = f"{meaning}. {note}" if note else meaning
    return f"| `{cells[0]}` | {' | '.join(cells[1:])} | {text} |"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    pairs = zip(cells, widths, strict=True)
    return ("  " + "".join(f"{cell:{width}}" for cell, width in pairs)).rstrip()


def _wrapped(text: str, indent: int = 6) -> list[str]:
    space = " " * indent
    return textwrap.wrap(text, 100, initial_indent=space, subsequent_indent=space)


def number(value: float) -> str:
    """A number as it stands in the table: no digit lost, no exponent where it can be read."""
    return f"{value:.10g}" if 1e-4 <= abs(value) < 1e10 or value == 0 else f"{value:g}"


def _parameter_cells(row: Parameter) -> tuple[str, ...]:
    fixed = row.distribution is Distribution.FIXED
    spread = "fixed" if fixed else f"{number(row.spread)} {row.distribution}"
    unit = "" if row.unit == "1" else row.unit
    return (row.name, number(row.value), unit, spread, _bounds(row), row.origin, row.source or "")


def _effect_cells(row: CovariateEffect) -> tuple[str, ...]:
    return (row.name, number(row.value), "", "", _bounds(row), row.origin, row.source or "")


def _bounds(row: Parameter | CovariateEffect) -> str:
    return f"{number(row.lower)} to {number(row.upper)}"


def _remark(row: Parameter) -> str:
    cut = "" if row.persons is None else " People between {:g} and {:g}.".format(*row.persons)
    return f"{row.meaning}.{cut}" + (f" {row.note}." if row.note else "")


def _effect_rule(row: CovariateEffect) -> str:
    if row.power:
        return f"{row.on} times ({row.covariate} / {number(row.centre)}) to this power"
    if row.level is not None:
        return f"added to {row.on} with {row.covariate} {row.level}"
    return f"added to {row.on} for each {number(row.per)} of {row.covariate} above " + number(
        row.centre
    )


def _covariate(row: Covariate) -> str:
    source = f", {row.source}" if row.source else ""
    return f"{_distribution(row)} ({row.origin}{source})"


def _distribution(row: Covariate) -> str:
    if row.levels:
        return ", ".join(f"{level} {100 * p:g} %" for level, p in row.levels.items())
    mean = row.mean
    centre = (
        number(mean)
        if isinstance(mean, float | int)
        else " / ".join(f"{level} {number(value)}" for level, value in (mean or {}).items())
    )
    low, high = row.range
    return f"mean {centre}, SD {number(row.sd)}, {number(low)} to {number(high)} {row.unit}"


def _fields(row: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in row.__slots__:
        value = getattr(row, name)
        found[name] = (
            dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else value
        )
    return found
