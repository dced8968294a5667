"""A fit in words and as plain values."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from .sandwich import name_some
from .vocabulary import DegreesOfFreedom

if TYPE_CHECKING:
    from .mmrm_fit import MMRMFit


def fit_as_dict(fit: MMRMFit) -> dict[str, Any]:
    """Everything that was estimated, as numbers, strings, lists and dicts."""
    return {
        "formula": fit.formula,
        "covariance_structure": fit.structure.word,
        "method": fit.likelihood.word,
        "df": fit.df_method.word,
        "vcov": fit.vcov.word,
        "pseudo_inverse_for": _pseudo_inverse_for(fit),
        "alpha": fit.alpha,
        "coefficients": fit.coefficients.to_dicts(),
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


def fit_as_text(fit: MMRMFit) -> str:
    """The summary that a statistician expects to read."""
    lines = [
        "Mixed model for repeated measures",
        f"  formula      {fit.formula}",
        f"  covariance   {fit.structure.label}, {fit.n_covariance_parameters} parameters, "
        f"{len(fit.visits)} visit(s): {', '.join(fit.visits)}",
        f"  estimation   {fit.likelihood.label}",
        f"  inference    {_inference(fit)}",
        f"  data         {fit.n_observations} observations of {fit.n_subjects} participants; "
        f"{fit.n_dropped} rows without a response dropped",
    ]
    lines += [
        f"  no data for  {name}: {', '.join(levels)}" for name, levels in fit.dropped_levels.items()
    ]
    if fit.data.group_levels:
        lines.append(f"  groups       {', '.join(fit.data.group_levels)}, each its own covariance")
    if fit.data.weights is not None:
        low, high = float(fit.data.weights.min()), float(fit.data.weights.max())
        lines.append(f"  weights      {low:g} to {high:g}; covariances are those at weight 1")
    criteria = fit.information_criteria
    lines.append(f"  fit          -2 log L {fit.minus2_log_likelihood:.4f}")
    lines += [
        f"  as {key:<9} AIC {one.aic:.2f}   AICC {one.aicc:.2f}   BIC {one.bic:.2f}   "
        f"({one.n_parameters} parameters, {one.n_subjects} participants)"
        for key, one in criteria.items()
    ]
    lines += [
        f"  convergence  {fit.convergence.message}",
        "",
        "Coefficients",
    ]
    frame = fit.coefficients
    header = ("estimate", "se", "df", "t", "p", "lower", "upper")
    rows: list[tuple[str, ...]] = [("", *header)]
    for row in frame.iter_rows(named=True):
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
    lines += _aligned(rows)
    return "\n".join(lines + _covariance_lines(fit))


def _covariance_lines(fit: MMRMFit) -> list[str]:
    """SAS's parameters, unless they are the elements of the matrix, and the matrices."""
    lines: list[str] = []
    if fit.structure.word != "us":
        rows = [("", "estimate", "se", "lower", "upper")]
        for row in fit.covariance_parameters.iter_rows(named=True):
            name = row["parameter"] + (f" {row['group']}" if "group" in row else "")
            numbers = (row["estimate"], row["se"], row["lower"], row["upper"])
            rows.append((name, *(f"{number:.4f}" for number in numbers)))
        lines += ["", "Covariance parameters", *_aligned(rows)]
    covariance = fit.covariance
    matrices = covariance if isinstance(covariance, dict) else {"": covariance}
    for level, matrix in matrices.items():
        of = f", group {level}" if level else ""
        if not fit.covariance_estimate.layout.by_visit:
            of += ", at the mean coordinates of each visit"
        rows = [("", *fit.visits)] + [
            (visit, *(f"{value:.4f}" for value in values))
            for visit, values in zip(fit.visits, matrix, strict=True)
        ]
        lines += ["", f"Covariance matrix within participants{of}", *_aligned(rows)]
    return lines


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
