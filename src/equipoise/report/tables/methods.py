"""How every model was fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import clause, number

if TYPE_CHECKING:
    from equipoise.analysis.results import EndpointResult, ModelFit, Results


def methods_table(results: Results) -> str:
    """How every model was fitted, those of estimands with data of their own among them."""
    rows: list[list[Cell]] = []
    for endpoint in results.endpoints.values():
        for key, name, fit in _fits(results, endpoint):
            rows.append(
                [
                    endpoint.label,
                    key,
                    name,
                    fit.formula,
                    f"{fit.covariance}{_by(fit)}, {fit.likelihood.upper()}{_after(fit)}",
                    fit.df_method + ("" if fit.vcov == "model" else f", {fit.vcov.upper()}"),
                    f"{fit.participants} / {fit.observations}",
                    number(fit.minus2_log_likelihood, 3),
                    f"{fit.iterations} steps, gradient {fit.gradient:.0e}",
                ]
            )
    columns = [
        ("endpoint", ""),
        ("key", "Method"),
        ("model", "Model"),
        ("formula", "Fixed effects"),
        ("covariance", "Covariance"),
        ("df", "Degrees of freedom"),
        ("n", "Participants / rows"),
        ("minus2", f"{chr(8722)}2 log L"),
        ("convergence", "Convergence"),
    ]
    left = ("model", "formula", "covariance", "df", "convergence")
    return html_table("methods", columns, rows, group=True, left=left)


def _fits(results: Results, endpoint: EndpointResult) -> list[tuple[str, str, ModelFit]]:
    """(key, what it is, fit) of every model of an endpoint."""
    found: list[tuple[str, str, ModelFit]] = []
    if endpoint.fit is not None:
        found.append((endpoint.fit.key, "main model", endpoint.fit))
    sub = endpoint.subgroup
    if sub is not None and sub.fit is not None:
        found.append((sub.fit.key, f"with interaction by {sub.factor}", sub.fit))
    for key, estimand in results.estimands.items():
        if estimand.own and estimand.endpoint == endpoint.endpoint and estimand.fit is not None:
            fit = estimand.fit
            found.append((f"{fit.key}:{key}", f"data of the estimand {key}", fit))
        for item in estimand.sensitivity:
            if item.fit is not None and estimand.endpoint == endpoint.endpoint:
                fit = item.fit
                found.append((f"{fit.key}:{item.key}", f"sensitivity: {item.label}", fit))
    return found


def _by(fit: ModelFit) -> str:
    return f" for each {fit.group}" if fit.group else ""


def _after(fit: ModelFit) -> str:
    """The covariances that the protocol names first and that could not be fitted."""
    failed = [name for name in fit.tried if name != fit.covariance]
    return f" (after {', '.join(failed)} failed)" if failed else ""


def ladder_notes(results: Results) -> list[str]:
    """Which step of a covariance ladder failed, why, which was taken; what a step assumes."""
    said: list[str] = []
    for endpoint in results.endpoints.values():
        for key, _, fit in _fits(results, endpoint):
            for word, why in fit.failures:
                said.append(
                    f"{key}: the covariance {word} could not be fitted ({clause(why)}); the "
                    f"protocol names the next, and {fit.covariance} was taken."
                )
            said += [f"{key}: {note}." for note in fit.notes]
    return said
