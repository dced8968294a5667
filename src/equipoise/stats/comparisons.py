"""Contrasts of least-squares means: estimates, joint tests, adjustment for multiplicity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ArgumentError
from .least_squares_means import ReferenceGrid, reference_grid
from .level_contrasts import LevelContrasts, level_contrasts, product_contrasts
from .simultaneous import Adjusted, adjust_family
from .small_samples import joint_test
from .vocabulary import Adjustment, Comparison, Family, MeanWeights, parse_word

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .mmrm_fit import MMRMFit
    from .model_data import ModelData


@dataclass(frozen=True, slots=True, eq=False)
class ContrastRows:
    """Contrasts in every block of the other factors.

    Attributes
    ----------
    heads : polars.DataFrame
        by …, contrast, level, reference.
    matrix : (blocks · c, p) array
        Blocks one after the other.
    contrasts : LevelContrasts
        The c contrasts of each block.
    n_blocks : int
    by : tuple of str
    """

    heads: pl.DataFrame
    matrix: np.ndarray
    contrasts: LevelContrasts
    n_blocks: int
    by: tuple[str, ...]


def grid_for(
    data: ModelData,
    factor: str | Sequence[str],
    by: str | Sequence[str] | None,
    at: Mapping[str, Any] | None,
    weights: str | MeanWeights,
) -> tuple[ReferenceGrid, list[str], list[str]]:
    """The reference grid with `factor` varying within `by`, and the names of both."""
    factors, others = names_of(factor, "factor"), names_of(by, "by")
    if not factors:
        raise ArgumentError("no factor is given", where="factor")
    if len({*factors, *others}) < len(factors) + len(others):
        raise ArgumentError("a factor stands twice", where="by", value=[*others, *factors])
    grid = reference_grid(
        data, [*others, *factors], at, parse_word(MeanWeights, weights, "weights")
    )
    several = [name for name in grid.names if name not in (*others, *factors)]
    return grid, factors, [*others, *several]


def contrast_rows(
    data: ModelData,
    factor: str | Sequence[str],
    *,
    reference: Any,
    by: str | Sequence[str] | None,
    at: Mapping[str, Any] | None,
    kind: Any,
    weights: str | MeanWeights,
) -> ContrastRows:
    """Rows of coefficients of every contrast, block by block."""
    import numpy as np
    import polars as pl

    grid, factors, others = grid_for(data, factor, by, at, weights)
    levels = dict(zip(grid.names, grid.levels, strict=True))
    contrasts = _contrasts(factors, levels, kind, reference)
    size = contrasts.matrix.shape[1]
    blocks = grid.matrix.reshape(-1, size, grid.matrix.shape[1])
    matrix = (contrasts.matrix @ blocks).reshape(-1, grid.matrix.shape[1])
    count = len(contrasts.names)
    first = np.repeat(np.arange(len(blocks)) * size, count)
    named = pl.DataFrame(
        {
            "contrast": list(contrasts.names) * len(blocks),
            "level": list(contrasts.level) * len(blocks),
            "reference": list(contrasts.reference) * len(blocks),
        },
        schema={"contrast": pl.String, "level": pl.String, "reference": pl.String},
    )
    heads = named
    if others:
        heads = pl.concat([grid.frame.select(others)[first], named], how="horizontal")
    return ContrastRows(heads, matrix, contrasts, len(blocks), tuple(others))


def compare_levels(
    fit: MMRMFit, rows: ContrastRows, adjust: str, family: str, seed: int
) -> pl.DataFrame:
    """Estimates of the contrasts and, unless `adjust` is ``"none"``, their adjustment."""
    import numpy as np
    import polars as pl

    adjustment = parse_word(Adjustment, adjust, "adjust")
    together = parse_word(Family, family, "family") is Family.ALL
    count = len(rows.contrasts.names)
    _require_method(adjustment, rows, together)
    values = fit.linear(rows.matrix)
    frame = pl.concat([rows.heads, values], how="horizontal")
    if adjustment is Adjustment.NONE:
        return frame
    size = len(rows.matrix) if together else count
    t, df = values["t"].to_numpy(), values["df"].to_numpy()
    middle = fit.coefficient_covariance
    parts: list[Adjusted] = []
    for at in range(0, len(rows.matrix), size):
        part = slice(at, at + size)
        L = rows.matrix[part]
        parts.append(
            adjust_family(
                adjustment,
                t[part],
                df[part],
                alpha=fit.alpha,
                covariance=L @ middle @ L.T,
                n_levels=rows.contrasts.matrix.shape[1],
                seed=seed,
            )
        )
    estimate, se = values["estimate"].to_numpy(), values["se"].to_numpy()
    lower = upper = pl.lit(None, pl.Float64)
    if all(part.critical is not None for part in parts):
        half = np.concatenate([np.asarray(part.critical) for part in parts]) * se
        lower, upper = pl.Series(estimate - half), pl.Series(estimate + half)
    return frame.with_columns(
        pl.Series("p_adjusted", np.concatenate([part.p for part in parts])),
        lower.alias("lower_simultaneous"),
        upper.alias("upper_simultaneous"),
        pl.lit(adjustment.word).alias("adjustment"),
        pl.lit(size, pl.Int64).alias("family_size"),
        pl.Series("p_error", np.concatenate([part.error for part in parts])),
    )


def joint_tests(fit: MMRMFit, rows: ContrastRows, family: str) -> pl.DataFrame:
    """F tests that all contrasts of a block, or all of them, are zero."""
    import polars as pl

    together = parse_word(Family, family, "family") is Family.ALL
    size = len(rows.matrix) if together else len(rows.contrasts.names)
    results = [
        joint_test(fit.effects, independent_rows(fit.effects.root, rows.matrix[at : at + size]))
        for at in range(0, len(rows.matrix), size)
    ]
    columns = {
        "F": [r.statistic for r in results],
        "df1": [float(r.df1) for r in results],
        "df2": [r.df2 for r in results],
        "p": [r.p for r in results],
    }
    frame = pl.DataFrame(columns)
    if together or not rows.by:
        return frame
    return pl.concat([rows.heads.select(rows.by)[::size], frame], how="horizontal")


def independent_rows(root: np.ndarray, L: np.ndarray) -> np.ndarray:
    """Linearly independent rows with the span of L: the hypothesis is the same."""
    import numpy as np

    w = L @ root
    sizes = np.linalg.norm(w, axis=1)
    if not np.any(sizes > 0.0):
        return L
    u, singular, _ = np.linalg.svd(w / np.where(sizes > 0.0, sizes, 1.0)[:, None])
    rank = int(np.sum(singular > 1e-9 * singular[0]))
    return L if rank == len(L) else (u[:, :rank].T / np.where(sizes > 0.0, sizes, 1.0)) @ L


def names_of(names: str | Sequence[str] | None, where: str) -> list[str]:
    """One name, several or none, as a list."""
    if names is None:
        return []
    if isinstance(names, str):
        return [names]
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise ArgumentError(
            "not the name of a factor, nor several", where=where, value=names, rule="Names are text"
        )
    return list(names)


def _contrasts(
    factors: list[str], levels: dict[str, tuple[Any, ...]], kind: Any, reference: Any
) -> LevelContrasts:
    import itertools

    if isinstance(kind, Sequence) and not isinstance(kind, str):
        if len(kind) != len(factors):
            raise ArgumentError(
                f"{len(kind)} kinds for {len(factors)} factors",
                where="kind",
                value=list(kind),
                rule="A list holds one kind a factor, for contrasts of contrasts",
            )
        chosen = reference if isinstance(reference, Mapping) else {}
        if reference is not None and (not chosen or not set(chosen) <= set(factors)):
            raise ArgumentError(
                "with a list of kinds the references stand in a mapping",
                where="reference",
                value=reference,
                rule=f"Factor to level, for {', '.join(factors)}",
            )
        return product_contrasts(
            [
                level_contrasts(name, [(str(v),) for v in levels[name]], each, chosen.get(name))
                for name, each in zip(factors, kind, strict=True)
            ]
        )
    cells = [
        tuple(str(v) for v in cell) for cell in itertools.product(*(levels[n] for n in factors))
    ]
    return level_contrasts(":".join(factors), cells, kind, reference)


def _require_method(adjustment: Adjustment, rows: ContrastRows, together: bool) -> None:
    kind = rows.contrasts.kind
    pairs = (Comparison.PAIRWISE, Comparison.REVERSE_PAIRWISE)
    if adjustment is Adjustment.TUKEY and (kind not in pairs or (together and rows.n_blocks > 1)):
        raise ArgumentError(
            "Tukey's method is for all pairs of the levels of one factor",
            where="adjust",
            value="tukey",
            remedy="Use kind='pairwise' with family='by', or adjust='mvt'",
        )
    if adjustment is Adjustment.DUNNETT and kind is not Comparison.REFERENCE:
        raise ArgumentError(
            "Dunnett's method is for comparisons with one reference",
            where="adjust",
            value="dunnett",
            remedy="Use kind='reference', or adjust='mvt'",
        )
