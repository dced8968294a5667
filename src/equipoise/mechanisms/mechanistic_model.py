"""A mechanistic model: its table of parameters, and what may be changed in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.mechanisms.parameters import (
    Covariate,
    CovariateEffect,
    Distribution,
    Parameter,
    PublishedSource,
)

#: Suffix under which the spread of a parameter is overridden: ``pT.spread``.
SPREAD = ".spread"

#: Recruitment parameters that share one personal responsiveness.
RECRUITMENT = ("pT", "pH", "pN4", "pN8", "pK", "pG")

#: The greatest spread that may be asked for, on the scale of the distribution.
MOST_SPREAD = 3.0


@dataclass(frozen=True, slots=True)
class MechanisticModel:
    """From a dose to cells, tone and mood: the numbers, not the equations.

    Attributes
    ----------
    name, label, drug
        Key of the model, its name as printed, and the drug of `arms.*.doses` that it describes.
    routes
        Routes of administration that it knows.
    amount_unit, concentration_unit
        Of doses and concentrations inside the model.
    severity_scale
        Rating scale on which severity is counted (points).
    parameters, effects, covariates, sources
        By name, in the order of the file.
    correlations
        ``(first, second)`` → correlation of two random effects, of the file or asked for.
    """

    name: str
    label: str
    drug: str
    routes: tuple[str, ...]
    amount_unit: str
    concentration_unit: str
    severity_scale: str
    parameters: Mapping[str, Parameter]
    effects: Mapping[str, CovariateEffect]
    covariates: Mapping[str, Covariate]
    sources: Mapping[str, PublishedSource]
    correlations: Mapping[tuple[str, str], float]

    @property
    def random_effects(self) -> tuple[str, ...]:
        """Names of the parameters that differ between people."""
        return tuple(
            name for name, row in self.parameters.items() if row.distribution != Distribution.FIXED
        )

    def value(self, name: str) -> float:
        """Value of the typical patient."""
        return self.parameters[name].value

    def correlation_matrix(self) -> list[list[float]]:
        """Correlations of the random effects, in the order of `random_effects`.

        The recruitment parameters share one responsiveness with the loading `share`; `phi` has
        the correlation `rho` with it. What the file or a user gave stands over that.
        """
        names = self.random_effects
        share, rho = self.value("share"), self.value("rho")
        loading = dict.fromkeys(RECRUITMENT, share) | {"phi": rho}
        matrix = [
            [1.0 if a == b else loading.get(a, 0.0) * loading.get(b, 0.0) for b in names]
            for a in names
        ]
        for (a, b), value in self.correlations.items():
            i, j = names.index(a), names.index(b)
            matrix[i][j] = matrix[j][i] = value
        return matrix

    def faults_in(
        self, values: Mapping[str, float], correlations: Mapping[tuple[str, str], float]
    ) -> Iterator[Fault]:
        """Everything that is wrong with overrides of values, spreads and correlations."""
        for name, value in values.items():
            yield from self._faults_in_value(name, value)
        for pair, value in correlations.items():
            yield from self._faults_in_correlation(pair, value)

    def with_values(
        self,
        values: Mapping[str, float],
        correlations: Mapping[tuple[str, str], float] | None = None,
    ) -> MechanisticModel:
        """The model with other values.

        Parameters
        ----------
        values
            Name of a parameter or of a covariate's effect → value; ``NAME.spread`` → spread.
        correlations
            Two names of random effects → their correlation.

        Raises
        ------
        EquipoiseError
            With every unknown name, value outside its bounds, and correlations that no matrix
            can have.
        """
        pairs = dict(correlations or {})
        faults = list(self.faults_in(values, pairs))
        if faults:
            raise EquipoiseError(f"The model {self.name} is not changed", faults)
        changed = self.changed(values, pairs)
        faults = list(changed.inconsistencies())
        if faults:
            raise EquipoiseError(f"The model {self.name} is not changed", faults)
        return changed

    def changed(
        self, values: Mapping[str, float], correlations: Mapping[tuple[str, str], float]
    ) -> MechanisticModel:
        """`with_values` without its checks, for who has made them (`faults_in`)."""
        parameters, effects = dict(self.parameters), dict(self.effects)
        for name, value in values.items():
            if name.endswith(SPREAD):
                key = name.removesuffix(SPREAD)
                parameters[key] = replace(parameters[key], spread=float(value))
            elif name in parameters:
                parameters[name] = replace(parameters[name], value=float(value))
            else:
                effects[name] = replace(effects[name], value=float(value))
        return replace(
            self,
            parameters=MappingProxyType(parameters),
            effects=MappingProxyType(effects),
            correlations=MappingProxyType({**self.correlations, **correlations}),
        )

    def inconsistencies(self) -> Iterator[Fault]:
        """What the parameters must be together: a whole that is no more than 1, a real matrix."""
        fractions = [
            name
            for name, row in self.parameters.items()
            if row.distribution is Distribution.LOG_RATIO
        ]
        total = sum(self.value(name) for name in fractions)
        if total >= 1:
            yield Fault(
                code="fractions-exceed-whole",
                where=f"model {self.name}",
                field=", ".join(fractions),
                value=f"sum {total:g}",
                rule="fractions of the CD4+ cells sum to less than 1; the rest are memory cells",
                remedy="lower one of them",
            )
        if not _positive_definite(self.correlation_matrix()):
            given = ", ".join(f"{a},{b} = {v:g}" for (a, b), v in self.correlations.items())
            yield Fault(
                code="correlations-impossible",
                where=f"model {self.name}",
                field="correlations",
                value=given,
                rule="the correlations of the random effects form a positive definite matrix",
                remedy="bring them nearer to 0, or give those of the other recruitment parameters "
                "too: with the loading `share` they are correlated among themselves",
            )

    def _faults_in_value(self, name: str, value: float) -> Iterator[Fault]:
        key = name.removesuffix(SPREAD)
        spread = name.endswith(SPREAD)
        row = self.parameters.get(key) or (None if spread else self.effects.get(key))
        where = f"model {self.name}"
        if row is None:
            names = list(self.parameters) if spread else [*self.parameters, *self.effects]
            yield Fault(
                code="parameter-unknown",
                where=where,
                field=name,
                value=str(value),
                rule=f"the model {self.name} has no parameter of this name",
                remedy=f"{nearest(key, names)} `equipoise model {self.name} --parameters` "
                "lists all",
            )
            return
        low, high = row.lower, row.upper
        if spread:
            assert isinstance(row, Parameter)
            if row.distribution is Distribution.FIXED:
                yield Fault(
                    code="parameter-fixed",
                    where=where,
                    field=name,
                    value=str(value),
                    rule=f"{key} is the same for everybody and has no spread",
                    remedy="leave it out; those with a spread: " + ", ".join(self.random_effects),
                )
                return
            low, high = 0.0, MOST_SPREAD
            if row.distribution is Distribution.NORMAL:
                high = row.upper - row.lower
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or not low <= value <= high:
            unit = f" {row.unit}" if isinstance(row, Parameter) and not spread else ""
            yield Fault(
                code="parameter-outside-bounds",
                where=where,
                field=name,
                value=str(value),
                rule=f"{name} lies between {low:g} and {high:g}{unit}",
                remedy="choose a value between them",
            )

    def _faults_in_correlation(self, pair: tuple[str, str], value: float) -> Iterator[Fault]:
        where, field = f"model {self.name}", ",".join(pair)
        unknown = [name for name in pair if name not in self.random_effects]
        for name in unknown:
            yield Fault(
                code="correlation-unknown",
                where=where,
                field=field,
                value=name,
                rule="a correlation joins two parameters that differ between people",
                remedy=nearest(name, self.random_effects),
            )
        if not unknown and (pair[0] == pair[1] or not -1 < value < 1):
            yield Fault(
                code="correlation-outside-bounds",
                where=where,
                field=field,
                value=f"{value:g}",
                rule="a correlation of two different parameters lies between -1 and 1",
                remedy="choose a value between them",
            )


def _positive_definite(matrix: list[list[float]]) -> bool:
    """Whether a Cholesky factor exists; without NumPy, since a protocol is checked with it."""
    n = len(matrix)
    root = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(root[i][k] * root[j][k] for k in range(j))
            if i == j:
                if rest <= 1e-10:
                    return False
                root[i][i] = math.sqrt(rest)
            else:
                root[i][j] = rest / root[j][j]
    return True
