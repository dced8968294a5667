"""How every model was fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import number

if TYPE_CHECKING:
    from equipoise.analysis.results import Results


def methods_table(results: Results) -> str:
    """How every model was fitted."""
    rows: list[list[Cell]] = []
    for endpoint in results.endpoints.values():
        fits = [("main model", endpoint.fit)]
        if endpoint.subgroup is not None:
            fits.append((f"with interaction by {endpoint.subgroup.factor}", endpoint.subgroup.fit))
        for name, fit in fits:
            if fit is None:
                continue
            rows.append(
                [
                    endpoint.label,
                    fit.key,
                    name,
                    fit.formula,
                    f"{fit.covariance}, {fit.likelihood.upper()}",
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
