"""An unstructured covariance matrix, one for each group, as the optimiser sees it.

Sigma = F exp(Theta) F' around the present factor F: docs/methods/mmrm.md. Nothing here forms an
element of Sigma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from .evaluation import Evaluation
from .kernel_cache import load_kernels

if TYPE_CHECKING:
    import numpy as np

    from .patterns import Patterns


@dataclass(frozen=True, slots=True, eq=False)
class UnstructuredCovariance:
    """Data and likelihood of a fit with ``us``; a point is an array of factors (C, T, T).

    Attributes
    ----------
    patterns : Patterns
    reml : bool
    """

    patterns: Patterns
    reml: bool = True
    longest_step = 2.0

    def evaluate(self, point: np.ndarray, *, derivatives: bool) -> Evaluation:
        """Call the kernel with the one signature that is compiled."""
        import numpy as np

        factors = np.ascontiguousarray(point, dtype=np.float64)
        patterns = self.patterns
        ok, value, root, slopes, hessian, fisher, bend, moments, projections, whitened = (
            load_kernels().evaluate(
                factors,
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
            point=factors,
            ok=ok,
            value=value,
            root=root,
            gradient=np.concatenate([pack(slope) for slope in slopes]),
            hessian=hessian,
            fisher=fisher,
            curvature=hessian + bend,
            moments=moments,
            projections=projections,
            whitened=whitened,
        )

    def length(self, direction: np.ndarray) -> float:
        """Largest change of a log eigenvalue along `direction`."""
        import numpy as np

        return float(max(np.max(np.abs(np.linalg.eigvalsh(t))) for t in self._thetas(direction)))

    def moved(self, point: np.ndarray, direction: np.ndarray, t: float) -> np.ndarray:
        """Factors of F exp(t Theta) F', lower triangular."""
        import numpy as np

        following = np.empty_like(point)
        for c, theta in enumerate(self._thetas(direction)):
            values, vectors = np.linalg.eigh(theta)
            product = (point[c] @ vectors) * np.exp(0.5 * t * values)
            following[c] = np.linalg.qr(product.T)[1].T
        return following

    def _thetas(self, direction: np.ndarray) -> list[np.ndarray]:
        size = self.patterns.visits.shape[1]
        parts = direction.reshape(-1, size * (size + 1) // 2)
        return [unpack(part, size) for part in parts]

    def factors(self, point: np.ndarray) -> np.ndarray:
        """(C, T, T) square factors of the covariance matrices."""
        return point

    def uncorrelated(self, point: np.ndarray) -> bool:
        """False: zero is a correlation like any other."""
        return False

    def slope_to_boundary(self, state: Evaluation) -> float:
        """d(−2 log L) / d log(smallest eigenvalue of the covariance matrices)."""
        import numpy as np

        _, singular, right = np.linalg.svd(state.point)
        worst = int(np.argmin(singular[:, -1] / singular[:, 0]))
        direction = right[worst, -1]
        return float(direction @ self._thetas(state.gradient)[worst] @ direction)

    def for_inference(self, at: Evaluation) -> Evaluation:
        """The same: Theta is linear in the elements of Sigma, which are SAS's parameters."""
        return at

    def second_order(self, at: Evaluation, half: np.ndarray, *, curved: bool) -> np.ndarray:
        """(G, T, T) sums of W_ij E_i A_g E_j; second derivatives vanish here."""
        import numpy as np

        size = at.projections.shape[1]
        directions = math.sqrt(2.0) * half  # W = directions' directions
        per_block = size * (size + 1) // 2
        moved = np.einsum(
            "mck,kab->mcab", directions.reshape(len(half), -1, per_block), basis(size)
        )
        inner = np.empty_like(at.projections)
        for c in range(moved.shape[1]):
            own = self.patterns.block == c
            inner[own] = np.einsum(
                "kab,gbc,kcd->gad", moved[:, c], at.projections[own], moved[:, c], optimize=True
            )
        return inner

    def metric(self, point: np.ndarray) -> np.ndarray | None:
        """None: the coordinates are those in which one participant's information is I / 2."""
        return None


def pack(symmetric: np.ndarray) -> np.ndarray:
    """Coordinates of a symmetric (T, T) matrix in the orthonormal basis of the kernel."""
    rows, columns, scale = _basis_order(len(symmetric))
    return symmetric[rows, columns] * scale


def unpack(coordinates: np.ndarray, size: int) -> np.ndarray:
    """Inverse of `pack`."""
    import numpy as np

    rows, columns, scale = _basis_order(size)
    matrix = np.zeros((size, size))
    matrix[rows, columns] = matrix[columns, rows] = coordinates / scale
    return matrix


def basis(size: int) -> np.ndarray:
    """(K, T, T) orthonormal basis of the symmetric matrices, in the order of the kernel."""
    import numpy as np

    return np.stack([unpack(row, size) for row in np.eye(size * (size + 1) // 2)])


@lru_cache(maxsize=64)
def _basis_order(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and norm of each element of the upper triangle, in the kernel's order."""
    import numpy as np

    rows, columns = np.triu_indices(size)
    return rows, columns, np.where(rows == columns, 1.0, math.sqrt(2.0))
