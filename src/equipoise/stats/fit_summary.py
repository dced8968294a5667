"""A fit in words and as plain values."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from .sandwich import name_some
from .vocabulary import DegreesOfFreedom

if TYPE_CHECKING:
    from .mmrm_fit import MMRMFit


TITLE = "Mixed model for repeated measures"


def fit_as_dict(fit: MMRMFit) -> dict[str, Any]:
    """Everything that was estimated, as numbers, strings, lists and dicts; None for NaN."""
    roles = fit.data.roles
    values: dict[str, Any] = {
        "formula": fit.formula,
        "covariance_structure": fit.structure.word,
        "method": fit.likelihood.word,
        "df": fit.df_method.word,
        "vcov": fit.vcov.word,
        "pseudo_inverse_for": [str(label) for label in _pseudo_inverse_for(fit)],
        "alpha": fit.alpha,
        "response": fit.data.formula.response,
        "subject": roles.subject,
        "visit": roles.visit,
        "weights": roles.weights,
        "group": roles.group,
        "coordinates": list(roles.coordinates),
        "levels": {name: list(levels) for name, levels in fit.data.levels.items()},
        "means": dict(fit.data.means),
        "coefficients": fit.coefficients.to_dicts(),
        "coefficient_covariance": fit.coefficient_covariance.tolist(),
        "covariance": {level: matrix.tolist() for level, matrix in fit.covariance.items()}
        if isinstance(fit.covariance, dict)
        else fit.covariance.tolist(),
        "covariance_parameters": fit.covariance_parameters.to_dicts(),
        "visits": list(fit.visits),
        "minus2_log_likelihood": fit.minus2_log_likelihood,
        "aic": fit.aic,
        "bic": fit.bic,
        "information_criteria": {
            name: dataclasses.asdict(one) for name, one in fit.information_criteria.items()
        },
        "n_subjects": fit.n_subjects,
        "n_observations": fit.n_observations,
        "n_dropped": fit.n_dropped,
        "dropped_levels": {name: list(levels) for name, levels in fit.dropped_levels.items()},
        "convergence": {
            **dataclasses.asdict(fit.convergence),
            "converged": fit.convergence.converged,
            "outcome": fit.convergence.outcome.word,
        },
    }
    return {name: _without_nan(value) for name, value in values.items()}


def _without_nan(value: Any) -> Any:
    """JSON has neither NaN nor infinity."""
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def fit_as_text(fit: MMRMFit) -> str:
    """The summary that a statistician expects to read."""
    lines = [TITLE, *(f"  {name:<12} {text}" for name, text in facts(fit))]
    for title, rows in tables(fit):
        lines += ["", title, *_aligned(rows)]
    return "\n".join(lines)


def facts(fit: MMRMFit) -> list[tuple[str, str]]:
    """What was fitted to what, by which methods, and how it ended."""
    found = [
        ("formula", fit.formula),
        (
            "covariance",
            f"{fit.structure.label}, {fit.n_covariance_parameters} parameters, "
            f"{len(fit.visits)} visit(s): {', '.join(fit.visits)}",
        ),
        ("estimation", fit.likelihood.label),
        ("inference", _inference(fit)),
        (
            "data",
            f"{fit.n_observations} observations of {fit.n_subjects} participants; "
            f"{fit.n_dropped} rows without a response dropped",
        ),
    ]
    found += [
        ("no data for", f"{name}: {', '.join(levels)}")
        for name, levels in fit.dropped_levels.items()
    ]
    if fit.data.group_levels:
        found.append(("groups", f"{', '.join(fit.data.group_levels)}, each its own covariance"))
    if fit.data.weights is not None:
        low, high = float(fit.data.weights.min()), float(fit.data.weights.max())
        found.append(("weights", f"{low:g} to {high:g}; covariances are those at weight 1"))
    found.append(("fit", f"-2 log L {fit.minus2_log_likelihood:.4f}"))
    found += [
        (
            f"as {key}",
            f"AIC {one.aic:.2f}   AICC {one.aicc:.2f}   BIC {one.bic:.2f}   "
            f"({one.n_parameters} parameters, {one.n_subjects} participants)",
        )
        for key, one in fit.information_criteria.items()
    ]
    return [*found, ("convergence", fit.convergence.message)]


def tables(fit: MMRMFit) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Titles and rows of text, headings first: coefficients, covariance parameters, matrices.

    The parameters are left out where they are the elements of the matrix.
    """
    found = [("Coefficients", _coefficient_rows(fit))]
    if fit.structure.word != "us":
        rows: list[tuple[str, ...]] = [("", "estimate", "se", "lower", "upper")]
        for row in fit.covariance_parameters.iter_rows(named=True):
            name = row["parameter"] + (f" {row['group']}" if "group" in row else "")
            numbers = (row["estimate"], row["se"], row["lower"], row["upper"])
            rows.append((name, *(f"{number:.4f}" for number in numbers)))
        found.append(("Covariance parameters", rows))
    covariance = fit.covariance
    matrices = covariance if isinstance(covariance, dict) else {"": covariance}
    for level, matrix in matrices.items():
        of = f", group {level}" if level else ""
        if not fit.covariance_estimate.layout.by_visit:
            of += ", at the mean coordinates of each visit"
        rows = [("", *fit.visits)]
        rows += [
            (visit, *(f"{value:.4f}" for value in values))
            for visit, values in zip(fit.visits, matrix, strict=True)
        ]
        found.append((f"Covariance matrix within participants{of}", rows))
    return found


def _coefficient_rows(fit: MMRMFit) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "estimate", "se", "df", "t", "p", "lower", "upper")]
    for row in fit.coefficients.iter_rows(named=True):
        p = "<0.0001" if row["p"] < 0.0001 else f"{row['p']:.4f}"
        rows.append(
            (
                row["term"],
                f"{row['estimate']:.4f}",
                f"{row['se']:.4f}",
                f"{row['df']:.1f}",
                f"{row['t']:.2f}",
                p,
                f"{row['lower']:.4f}",
                f"{row['upper']:.4f}",
            )
        )
    return rows


def _inference(fit: MMRMFit) -> str:
    if fit.effects.sandwich is None:
        return fit.df_method.label
    label = fit.df_method.label
    if fit.df_method is DegreesOfFreedom.SATTERTHWAITE:
        label = "Satterthwaite (of the sandwich, under the fitted covariance)"
    text = f"{label}; covariance {fit.vcov.label}"
    if named := _pseudo_inverse_for(fit):
        text += f"; pseudo-inverse for {name_some(tuple(named))}"
    return text


def _pseudo_inverse_for(fit: MMRMFit) -> list[Any]:
    return [] if fit.effects.sandwich is None else list(fit.effects.sandwich.singular)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
