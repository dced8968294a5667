"""Results of sensitivity analyses that impute missing values."""

from __future__ import annotations

from equipoise.analysis.result_row import Row


class MissingCount(Row):
    """Participants of a group, and those without a value at the estimand's visit."""

    group: str
    n: int
    missing: int


class Imputed(Row):
    """How values were imputed and the analyses pooled.

    Attributes
    ----------
    strategy, reference
        Word of the strategy, and the arm that it refers to.
    draws
        Word of the method.
    pooled_by
        Rule, in words.
    imputations
        Imputations, or samples beside the full data.
    seed
        None for the jackknife.
    formula, analysis
        Of the imputation model, and of the analysis of the completed data.
    missing
        By group; None where small counts forbid it.
    missing_information
        Largest fraction of missing information of the comparisons; None for conditional means.
    monte_carlo_error
        Largest Monte-Carlo standard error of the estimates; None for conditional means.
    warnings
        What must be known before the result is trusted.
    """

    strategy: str
    reference: str
    draws: str
    pooled_by: str
    imputations: int
    seed: int | None
    formula: str
    analysis: str
    missing: tuple[MissingCount, ...] | None
    missing_information: float | None
    monte_carlo_error: float | None
    warnings: tuple[str, ...]


class TippingRow(Row):
    """The comparison at one combination of shifts; `p` and `changed` are None where not tested."""

    deltas: tuple[float, ...]
    estimate: float
    se: float
    lower: float
    upper: float
    p: float | None
    changed: bool | None


class Tipping(Row):
    """How far imputed values must be shifted until the conclusion on one comparison changes.

    Attributes
    ----------
    arm, reference
        The comparison.
    shifted
        Arms whose imputed values are shifted, in the order of `TippingRow.deltas`.
    significant
        The conclusion without a shift; None where not tested.
    tips
        The smallest shifts of the grid that change it.
    crossing
        With one arm shifted: where, between two shifts of the grid, it changes.
    """

    arm: str
    reference: str
    shifted: tuple[str, ...]
    rows: tuple[TippingRow, ...]
    significant: bool | None
    tips: tuple[tuple[float, ...], ...] | None
    crossing: float | None

    def untested(self) -> Tipping:
        """The same without p and without what would give it back."""
        rows = tuple(row.model_copy(update={"p": None, "changed": None}) for row in self.rows)
        update = {"rows": rows, "significant": None, "tips": None, "crossing": None}
        return self.model_copy(update=update)
