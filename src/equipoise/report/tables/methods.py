"""How every model was fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import number

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
                    f"{fit.covariance}, {fit.likelihood.upper()}{_after(fit)}",
                    fit.df_method,
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
    return found


def _after(fit: ModelFit) -> str:
    """The covariances that the protocol names first and that could not be fitted."""
    failed = [name for name in fit.tried if name != fit.covariance]
    return f" (after {', '.join(failed)} failed)" if failed else ""
