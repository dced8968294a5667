"""A structured covariance matrix, one for each group, as the optimiser sees it.

Derivation: docs/methods/covariance-structures.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .evaluation import Evaluation
from .kernel_cache import load_structured_kernels

if TYPE_CHECKING:
    import numpy as np

    from .covariance_layout import CovarianceLayout
    from .patterns import Patterns
    from .vocabulary import CovarianceStructure

#: At twenty ranges the correlation is 2e-9.
_FAR_IN_RANGES = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class StructuredCovariance:
    """Data and likelihood of a fit; a point is an array of working parameters (K,), by group.

    Attributes
    ----------
    structure : CovarianceStructure
        Not ``us``.
    layout : CovarianceLayout
    patterns : Patterns
    reml : bool
    """

    structure: CovarianceStructure
    layout: CovarianceLayout
    patterns: Patterns
    reml: bool = True
    longest_step = 1.0

    def evaluate(
        self, point: np.ndarray, *, derivatives: bool, natural: bool = False
    ) -> Evaluation:
        """Call the kernels; `natural` takes SAS's parameters and derivatives by them."""
        import numpy as np

        point = np.ascontiguousarray(point, dtype=np.float64)
        blocks = self.blocks(point, natural=natural)
        patterns = self.patterns
        ok, value, root, gradient, hessian, fisher, moments, whitened = (
            load_structured_kernels().evaluate_structured(
                *blocks,
                self.offsets,
                len(point),
                patterns.rows,
                patterns.first,
                patterns.visits,
                patterns.n_visits,
                patterns.n_participants,
                patterns.block,
                self.reml,
                derivatives,
            )
        )
        return Evaluation(
            point=point,
            ok=ok,
            value=value,
            root=root,
            gradient=gradient,
            hessian=hessian,
            fisher=fisher,
            curvature=hessian,
            moments=moments,
            projections=np.zeros((0, 0, 0)),
            whitened=whitened,
        )

    @property
    def per_group(self) -> int:
        """Parameters of one group."""
        return self.structure.n_parameters(self.layout.size)

    @property
    def offsets(self) -> np.ndarray:
        """(C,) where each matrix's parameters begin."""
        return self.layout.block_group * self.per_group

    def blocks(
        self, point: np.ndarray, *, natural: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Matrices (C, T, T) with their first and second derivatives."""
        import numpy as np

        n, size, k = len(self.layout.block_group), self.layout.size, self.per_group
        sigmas = np.empty((n, size, size))
        firsts = np.empty((n, k, size, size))
        seconds = np.empty((n, k, k, size, size))
        load_structured_kernels().fill_blocks(
            self.structure.code,
            natural,
            np.ascontiguousarray(point.reshape(-1, k)),
            self.layout.block_group,
            self.layout.distances,
            sigmas,
            firsts,
            seconds,
        )
        return sigmas, firsts, seconds

    def length(self, direction: np.ndarray) -> float:
        """Largest change of a working parameter."""
        import numpy as np

        return float(np.max(np.abs(direction)))

    def moved(self, point: np.ndarray, direction: np.ndarray, t: float) -> np.ndarray:
        """A straight line in the working parameters."""
        return point + t * direction

    def factors(self, point: np.ndarray) -> np.ndarray:
        """(C, T, T) Cholesky factors; NaN where a matrix is not positive definite."""
        import numpy as np

        sigmas = self.blocks(point, natural=False)[0]
        try:
            return np.linalg.cholesky(sigmas)
        except np.linalg.LinAlgError:
            return np.full_like(sigmas, math.nan)

    def uncorrelated(self, point: np.ndarray) -> bool:
        """Whether a group's range has become so short that no correlation is left."""
        import numpy as np

        if self.structure.word != "sp_exp":
            return False
        apart, groups = self.layout.distances, self.layout.block_group
        nearest = np.where(apart > 0.0, apart, np.inf).min(axis=(1, 2))
        nearest = np.broadcast_to(nearest, groups.shape)
        return any(
            float(nearest[groups == g].min()) > _FAR_IN_RANGES * np.exp(log_range)
            for g, log_range in enumerate(point[0::2])
        )

    def slope_to_boundary(self, state: Evaluation) -> float:
        """d(−2 log L) / d log(smallest eigenvalue of the covariance matrices)."""
        import numpy as np

        sigmas, firsts, _ = self.blocks(state.point, natural=False)
        values, vectors = np.linalg.eigh(sigmas)
        worst = int(np.argmin(values[:, 0] / values[:, -1]))
        u = vectors[worst, :, 0]
        rates = np.zeros(len(state.point))
        begin = int(self.offsets[worst])
        rates[begin : begin + self.per_group] = (
            np.einsum("i,kij,j->k", u, firsts[worst], u) / values[worst, 0]
        )
        # the change of the log eigenvalue, along the direction that changes it fastest
        return float(state.gradient @ rates / (rates @ rates))

    def metric(self, point: np.ndarray) -> np.ndarray:
        """tr(Sigma⁻¹ dSigma_a Sigma⁻¹ dSigma_b): twice a complete participant's information."""
        import numpy as np

        sigmas, firsts, _ = self.blocks(point, natural=False)
        scaled = np.linalg.solve(sigmas[:, None], firsts)
        products = np.einsum("caij,cbji->cab", scaled, scaled)
        k = self.per_group
        whole = np.zeros((len(point), len(point)))
        for group in range(len(point) // k):
            span = slice(group * k, (group + 1) * k)
            whole[span, span] = products[self.layout.block_group == group].mean(axis=0)
        return whole

    def for_inference(self, at: Evaluation) -> Evaluation:
        """The same point in SAS's parameters."""
        return self.evaluate(self.natural(at.point), derivatives=True, natural=True)

    def second_order(self, at: Evaluation, half: np.ndarray, *, curved: bool) -> np.ndarray:
        """(G, T, T) sums of W_ab (D_a D_b − D_ab / 4); without D_ab unless `curved`."""
        import numpy as np

        patterns = self.patterns
        out = np.empty((len(patterns.n_visits), self.layout.size, self.layout.size))
        load_structured_kernels().fill_second_order(
            *self.blocks(at.point, natural=True),
            self.offsets,
            2.0 * half.T @ half,
            0.25 if curved else 0.0,
            patterns.visits,
            patterns.n_visits,
            patterns.block,
            out,
        )
        return out

    def natural(self, point: np.ndarray) -> np.ndarray:
        """SAS's parameters (K,) of working ones."""
        import numpy as np

        return np.concatenate(
            [natural_parameters(self.structure, row) for row in point.reshape(-1, self.per_group)]
        )


def natural_parameters(structure: CovarianceStructure, working: np.ndarray) -> np.ndarray:
    """SAS's parameters (k,) of one matrix from log SDs and atanh correlations (or log range)."""
    import numpy as np

    word = structure.word
    if structure.heterogeneous:
        size = (len(working) + 1) // 2 if word in ("toeph", "adh") else len(working) - 1
        return np.concatenate([np.exp(2.0 * working[:size]), np.tanh(working[size:])])
    variance = math.exp(2.0 * working[-1])
    if word == "sp_exp":
        return np.array([math.exp(working[0]), variance])
    rho = np.tanh(working[:-1])
    if word == "cs":
        return np.array([variance * rho[0], variance * (1.0 - rho[0])])
    if word == "toep":
        return np.append(variance * rho, variance)
    return np.append(rho, variance)
