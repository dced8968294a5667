"""The plain, slow twin of `mmrm`: textbook formulas, dense matrices, elements of Sigma.

REML by Newton's method in the elements of Sigma with analytic derivatives of the restricted
likelihood (Jennrich and Schluchter 1986; Lindstrom and Bates 1988), Satterthwaite and first-order
Kenward–Roger by their definitions (Kenward and Roger 1997, section 2). It shares no code with the
package, is only for small, well-conditioned problems, and is not clever anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass
class Twin:
    """Natural-parameter quantities at the optimum; shapes as in the textbook."""

    beta: np.ndarray
    sigma: np.ndarray
    minus2_log_likelihood: float
    phi: np.ndarray
    phi_adjusted: np.ndarray
    phi_derivatives: np.ndarray
    first: np.ndarray
    w: np.ndarray

    def one_row(self, row: np.ndarray, *, adjusted: bool) -> tuple[float, float, float]:
        """Estimate, SE and Satterthwaite df."""
        variance = row @ self.phi @ row
        gradient = np.array([row @ d @ row for d in self.phi_derivatives])
        df = 2.0 * variance**2 / (gradient @ self.w @ gradient)
        se = math.sqrt(row @ (self.phi_adjusted if adjusted else self.phi) @ row)
        return float(row @ self.beta), se, float(df)

    def kenward_roger_f(self, rows: np.ndarray) -> tuple[float, float]:
        """Scaled F and its denominator degrees of freedom, Kenward and Roger's section 3."""
        size = len(rows)
        theta = rows.T @ np.linalg.inv(rows @ self.phi @ rows.T) @ rows
        parts = [theta @ self.phi @ p @ self.phi for p in self.first]
        a1 = a2 = 0.0
        for i, one in enumerate(parts):
            for j, other in enumerate(parts):
                a1 += self.w[i, j] * np.trace(one) * np.trace(other)
                a2 += self.w[i, j] * np.trace(one @ other)
        b = (a1 + 6 * a2) / (2 * size)
        g = ((size + 1) * a1 - (size + 4) * a2) / ((size + 2) * a2)
        c = 3 * size + 2 * (1 - g)
        e = 1 / (1 - a2 / size)
        v = (
            (2 / size)
            * (1 + g / c * b)
            / ((1 - (size - g) / c * b) ** 2 * (1 - (size + 2 - g) / c * b))
        )
        m = 4 + (size + 2) / (size * v / (2 * e * e) - 1)
        value = rows @ self.beta
        wald = value @ np.linalg.solve(rows @ self.phi_adjusted @ rows.T, value) / size
        return float(m / (e * (m - 2)) * wald), float(m)


def fit_twin(
    x: np.ndarray, y: np.ndarray, subject: np.ndarray, visit: np.ndarray, n_visits: int
) -> Twin:
    """Maximise the restricted likelihood in the elements of Sigma."""
    pairs = [(a, b) for a in range(n_visits) for b in range(a + 1)]
    same = subject[:, None] == subject[None, :]
    derivatives = []
    for a, b in pairs:
        unit = np.zeros((n_visits, n_visits))
        unit[a, b] = unit[b, a] = 1.0
        derivatives.append(np.where(same, unit[np.ix_(visit, visit)], 0.0))
    ols = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    sigma = np.eye(n_visits) * float(ols @ ols) / (len(y) - x.shape[1])

    def parts(sigma: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        v = np.where(same, sigma[np.ix_(visit, visit)], 0.0)
        v_inverse = np.linalg.inv(v)
        phi = np.linalg.inv(x.T @ v_inverse @ x)
        p = v_inverse - v_inverse @ x @ phi @ x.T @ v_inverse
        value = (
            (len(y) - x.shape[1]) * math.log(2 * math.pi)
            + np.linalg.slogdet(v)[1]
            - np.linalg.slogdet(phi)[1]
            + y @ p @ y
        )
        return float(value), v_inverse, phi, p, p @ y

    for _ in range(200):
        value, v_inverse, phi, p, py = parts(sigma)
        moved = [p @ d for d in derivatives]
        gradient = np.array(
            [np.trace(m) - py @ d @ py for m, d in zip(moved, derivatives, strict=True)]
        )
        traces = np.array([[np.sum(a * b.T) for b in moved] for a in moved])
        squares = np.array([[py @ a @ p @ b @ py for b in derivatives] for a in derivatives])
        hessian = -traces + 2.0 * squares
        if np.linalg.eigvalsh(hessian)[0] <= 0.0 or np.abs(gradient).max() > 50.0:
            step = np.linalg.solve(traces, -gradient)  # Fisher
        else:
            step = np.linalg.solve(hessian, -gradient)
        t = 1.0
        while True:
            proposal = sigma.copy()
            for (a, b), s in zip(pairs, step, strict=True):
                proposal[a, b] = proposal[b, a] = sigma[a, b] + t * s
            if np.linalg.eigvalsh(proposal)[0] > 0.0 and parts(proposal)[0] <= value + 1e-9:
                break
            t /= 2.0
        sigma = proposal
        if np.abs(step).max() < 1e-12 * np.abs(sigma).max():
            break
    else:
        raise AssertionError("the twin did not converge")

    value, v_inverse, phi, p, py = parts(sigma)
    first = np.array([-x.T @ v_inverse @ d @ v_inverse @ x for d in derivatives])
    moved = [p @ d for d in derivatives]
    hessian = np.array(
        [
            [-np.sum(moved[i] * moved[j].T) + 2.0 * py @ a @ p @ b @ py
             for j, b in enumerate(derivatives)]
            for i, a in enumerate(derivatives)
        ]
    )  # fmt: skip
    w = 2.0 * np.linalg.inv(hessian)
    correction = np.zeros_like(phi)
    for i, a in enumerate(derivatives):
        for j, b in enumerate(derivatives):
            q = x.T @ v_inverse @ a @ v_inverse @ b @ v_inverse @ x
            correction += w[i, j] * (q - first[i] @ phi @ first[j])
    return Twin(
        beta=phi @ x.T @ v_inverse @ y,
        sigma=sigma,
        minus2_log_likelihood=value,
        phi=phi,
        phi_adjusted=phi + 2.0 * phi @ correction @ phi,
        phi_derivatives=np.array([-phi @ f @ phi for f in first]),
        first=first,
        w=w,
    )
