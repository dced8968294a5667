"""A model's formula as columns of participants' covariates and contrasts between arms.

`mmrm_batch` knows no formula: it takes columns that are constant within a participant, each with
a coefficient at every visit or one for all. The span of a formula's design is the sum of the
spans of its terms (each factor by all its levels), so that it is described by *components*: a
set of factors, reference coded, times a set of numeric covariates, with or without the visit.
Numeric covariates are centred at their mean over the rows used, so that least-squares means,
which hold them there, have the same coefficients in every trial.
Derivation: docs/methods/operating-characteristics.md, "The protocol's own analysis".
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class NotTranslatableError(Exception):
    """Why a formula has no form as columns; the analysis then goes trial by trial."""


@dataclass(frozen=True, slots=True)
class Component:
    """Reference-coded factors times numeric covariates; both empty: the intercept."""

    factors: tuple[str, ...]
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelColumns:
    """The columns of a model and the contrasts that are wanted of it.

    Attributes
    ----------
    components : tuple of Component
        In the order of the columns.
    by_visit : tuple of bool
        Whether a component has a coefficient at every visit.
    levels : mapping of str to tuple of str
        Of every factor of the formula; the first is the reference.
    numbers : tuple of str
        Numeric covariates.
    crossed : tuple of bool
        `by_visit`, one a column.
    contrasts : float64 (l, p)
        One row a contrast.
    names : tuple of (str, str, str)
        (arm, visit, level of the subgroup or difference of two levels) of each contrast; the
        last is empty without a subgroup.
    """

    components: tuple[Component, ...]
    by_visit: tuple[bool, ...]
    levels: Mapping[str, tuple[str, ...]]
    numbers: tuple[str, ...]
    crossed: tuple[bool, ...]
    contrasts: np.ndarray
    names: tuple[tuple[str, str, str], ...]

    def columns(
        self, codes: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Columns (B, N, f) of B trials from codes (B, N) and centred values (B, N)."""
        import numpy as np

        found: list[np.ndarray] = []
        shape = next(iter(codes.values())).shape
        for component in self.components:
            product = np.ones(shape)
            for name in component.numbers:
                product = product * values[name]
            sizes = [range(1, len(self.levels[name])) for name in component.factors]
            for chosen in itertools.product(*sizes):
                column = product
                for name, code in zip(component.factors, chosen, strict=True):
                    column = column * (codes[name] == code)
                found.append(column)
        return np.stack(found, axis=-1)


def model_columns(
    formula: str,
    *,
    factors: Mapping[str, tuple[str, ...]],
    numbers: Sequence[str],
    visits: Sequence[str],
    control: str,
    subgroup: str | None = None,
) -> ModelColumns:
    """Translate a formula, and find the contrasts of each arm with the control.

    Parameters
    ----------
    formula : str
        As a protocol writes it.
    factors : mapping of str to tuple of str
        Factors that are constant within a participant, with their levels; ``arm`` among them.
    numbers : sequence of str
        Numeric columns that are constant within a participant.
    visits : sequence of str
        Visits of the model, in order.
    control : str
        Level of ``arm`` that the others are compared with.
    subgroup : str, optional
        Factor at each level of which the arms are compared; differences of these contrasts
        from the one at its first level follow them.

    Raises
    ------
    NotTranslatableError
        With the reason in words.
    """
    from equipoise.stats import check_formula

    known = [*factors, *numbers, "visit"]
    parsed = check_formula(formula, [*known, "change", "log_fold"])
    if parsed.response not in ("change", "log_fold"):
        raise NotTranslatableError(f"its response {parsed.response} is not a column")
    if "1" not in parsed.terms:
        raise NotTranslatableError("it has no intercept")
    crossed: set[Component] = set()
    plain: set[Component] = set()
    for term in parsed.factors:
        for text in term:
            if text not in known:
                raise NotTranslatableError(f"{text} is a function of a column")
        between = [name for name in term if name != "visit"]
        made = _components(between, factors, numbers)
        (crossed if "visit" in term else plain).update(made)
    if len(visits) == 1 and crossed:
        raise NotTranslatableError("it names the visit where there is one visit")
    plain -= crossed
    every = [*crossed, *plain]
    for component in every:
        for size in range(len(component.numbers)):
            for fewer in itertools.combinations(component.numbers, size):
                inside = Component(component.factors, fewer)
                there = inside in crossed or (inside in plain and component not in crossed)
                if not there:
                    name = ":".join((*component.factors, *component.numbers))
                    raise NotTranslatableError(f"{name} stands without the terms that it contains")
    used = sorted({name for c in every for name in c.factors})
    order = sorted(every, key=lambda c: (len(c.factors) + len(c.numbers), c.factors, c.numbers))
    levels = {name: factors[name] for name in used}
    if "arm" not in levels:
        raise NotTranslatableError("it has no arm to compare")
    if subgroup is not None and subgroup not in levels:
        raise NotTranslatableError(f"the subgroup {subgroup} is not in it")
    widths = [_width(c, levels) for c in order]
    by_visit = tuple(c in crossed for c in order)
    names, rows = _contrasts(order, by_visit, widths, levels, list(visits), control, subgroup)
    return ModelColumns(
        components=tuple(order),
        by_visit=by_visit,
        levels=levels,
        numbers=tuple(sorted({name for c in every for name in c.numbers})),
        crossed=tuple(
            flag for flag, width in zip(by_visit, widths, strict=True) for _ in range(width)
        ),
        contrasts=rows,
        names=names,
    )


def _components(
    between: Sequence[str], factors: Mapping[str, tuple[str, ...]], numbers: Sequence[str]
) -> set[Component]:
    """All that spans a term: its numbers times every subset of its factors."""
    own = sorted(name for name in between if name in factors)
    numeric = tuple(sorted(name for name in between if name in numbers))
    return {
        Component(chosen, numeric)
        for size in range(len(own) + 1)
        for chosen in itertools.combinations(own, size)
    }


def _width(component: Component, levels: Mapping[str, tuple[str, ...]]) -> int:
    width = 1
    for name in component.factors:
        width *= len(levels[name]) - 1
    return width


def _contrasts(
    order: Sequence[Component],
    by_visit: Sequence[bool],
    widths: Sequence[int],
    levels: Mapping[str, tuple[str, ...]],
    visits: list[str],
    control: str,
    subgroup: str | None,
) -> tuple[tuple[tuple[str, str, str], ...], np.ndarray]:
    """Differences of least-squares means: the other factors by equal weights, numbers at 0."""
    import numpy as np

    def mean(visit: int, fixed: Mapping[str, int]) -> np.ndarray:
        row: list[float] = []
        for component, everywhere, width in zip(order, by_visit, widths, strict=True):
            weights = np.zeros(width)
            if not component.numbers:
                product = np.ones(1)
                for name in component.factors:
                    size = len(levels[name])
                    one = np.full(size - 1, 1.0 / size)
                    if name in fixed:
                        one = (np.arange(1, size) == fixed[name]).astype(float)
                    product = np.outer(product, one).ravel()
                weights = product
            for weight in weights:
                spread = [weight if v == visit else 0.0 for v in range(len(visits))]
                row += spread if everywhere else [weight]
        return np.array(row)

    arms = levels["arm"]
    reference = arms.index(control)
    names: list[tuple[str, str, str]] = []
    rows: list[np.ndarray] = []
    groups = levels[subgroup] if subgroup is not None else ("",)
    for v, visit in enumerate(visits):
        for a, arm in enumerate(arms):
            if a == reference:
                continue
            effects: list[np.ndarray] = []
            for g, group in enumerate(groups):
                inside = {subgroup: g} if subgroup is not None else {}
                effects.append(
                    mean(v, {"arm": a, **inside}) - mean(v, {"arm": reference, **inside})
                )
                names.append((arm, visit, group))
                rows.append(effects[-1])
            for group, effect in zip(groups[1:], effects[1:], strict=True):
                names.append((arm, visit, f"{group} - {groups[0]}"))
                rows.append(effect - effects[0])
    return tuple(names), np.array(rows)
