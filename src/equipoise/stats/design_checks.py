"""Whether a design and a response can carry the model: rank and variation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from .errors import StatsError, design_error

if TYPE_CHECKING:
    import numpy as np

    from .model_data import ModelData

_RANK_TOLERANCE = 1e-10


def orthonormal_design(read: ModelData, design: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Q, R and log|det R| of the (weighted) design; refuses one without full column rank."""
    import numpy as np

    n, p = design.shape
    faults: list[StatsError] = []
    if n <= p:
        faults.append(
            StatsError(
                f"{n} rows with a response for {p} coefficients",
                where="data",
                rule="There must be more rows than columns of the design",
                remedy="Take terms out of the formula",
            )
        )
        raise design_error(faults)
    norms = np.linalg.norm(design, axis=0)
    safe = np.where(norms > 0.0, norms, 1.0)
    ortho, triangle = np.linalg.qr(design / safe)
    aliased = _aliased(triangle)
    if aliased:
        zero = [read.terms[j] for j in aliased if norms[j] == 0.0]
        dependent = [
            f"{read.terms[j]} (of {', '.join(read.terms[k] for k in others)})"
            for j, others in aliased.items()
            if norms[j] > 0.0
        ]
        what = f"the design has rank {p - len(aliased)}, not {p}"
        if dependent:
            what += f"; linear combinations of the columns before them: {'; '.join(dependent)}"
        if zero:
            what += f"; columns of zeros (no participant in that cell): {', '.join(zero)}"
        faults.append(
            StatsError(
                what,
                where=f"formula {read.formula.text!r}",
                rule="Every coefficient must be estimable",
                remedy="Take the redundant terms out of the formula, or merge empty levels",
            )
        )
        raise design_error(faults)
    root = triangle * safe
    return ortho, root, float(np.sum(np.log(np.abs(np.diagonal(root)))))


def refuse_design(read: ModelData, column: int) -> NoReturn:
    """Refuse the column at which the compiled kernels stopped."""
    raise design_error(
        [
            StatsError(
                f"the column {read.terms[column]} is a linear combination of the columns before "
                "it, to rounding",
                where=f"formula {read.formula.text!r}",
                rule="Every coefficient must be estimable",
                remedy="Take it out of the formula, or centre the covariate that it is made of",
            )
        ]
    )


def _aliased(triangle: np.ndarray) -> dict[int, list[int]]:
    """Columns that depend on earlier ones, and which; the design's columns have norm 1."""
    import numpy as np

    aliased: dict[int, list[int]] = {}
    basis = np.zeros((len(triangle), 0))
    kept: list[int] = []
    for j, column in enumerate(triangle.T):
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)
        length = float(np.linalg.norm(rest))
        if length > _RANK_TOLERANCE:
            basis = np.column_stack([basis, rest / length])
            kept.append(j)
        else:
            slopes = np.linalg.lstsq(triangle[:, kept], column, rcond=None)[0]
            aliased[j] = [k for k, slope in zip(kept, slopes, strict=True) if abs(slope) > 1e-6]
    return aliased


def require_variation(
    read: ModelData, response: np.ndarray, residuals: np.ndarray, *, by_visit: bool
) -> None:
    """Refuse a response without residual variation, at any visit where each has a variance."""
    import numpy as np

    spread = float(np.linalg.norm(response))
    size = float(np.linalg.norm(residuals))
    if not size > 1e-10 * spread:
        raise design_error(
            [
                StatsError(
                    "the response is constant, or the design explains it exactly",
                    where=read.formula.response,
                    rule="There must be variation to estimate a covariance from",
                    remedy="Check that the right column is the response, and that it is not also "
                    "among the covariates",
                )
            ]
        )
    exact = [
        label
        for j, label in enumerate(read.visits)
        if by_visit and not float(np.linalg.norm(residuals[read.visit == j])) > 1e-10 * size
    ]
    if exact:
        raise design_error(
            [
                StatsError(
                    "no variation at a visit beyond what the design explains",
                    where=read.formula.response,
                    value=", ".join(exact),
                    remedy="Leave that visit out: its variance cannot be estimated",
                )
            ]
        )
