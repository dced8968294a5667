"""The plain, slow twin of `mmrm` for every covariance structure, with groups and weights.

Everything is one dense V(theta) in SAS's parameters, written from the definitions; its derivatives
are complex steps, and central differences of these. Newton's method, Satterthwaite and both forms
of Kenward–Roger by the textbook (Jennrich and Schluchter 1986; Kenward and Roger 1997, section 2).
It shares no code with the package, and is not clever anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Covariance = Callable[[np.ndarray], np.ndarray]


def sigma(word: str, theta: np.ndarray, size: int, distances: np.ndarray | None) -> np.ndarray:
    """The matrix, element by element, from SAS's parameters."""
    if word == "sp_exp":
        assert distances is not None
        return theta[1] * np.exp(-distances / theta[0])
    out = np.zeros((size, size), dtype=theta.dtype)
    if word == "us":
        position = 0
        for i in range(size):
            for j in range(i + 1):
                out[i, j] = out[j, i] = theta[position]
                position += 1
        return out
    for i in range(size):
        for j in range(size):
            low, high = min(i, j), max(i, j)
            lag = high - low
            if word == "cs":
                out[i, j] = theta[0] + (theta[1] if lag == 0 else 0.0)
                continue
            if word == "toep":
                out[i, j] = theta[-1] if lag == 0 else theta[lag - 1]
                continue
            if word in ("csh", "ar1h", "toeph", "adh"):
                scale, rho = np.sqrt(theta[i]) * np.sqrt(theta[j]), theta[size:]
            else:
                scale, rho = theta[-1], theta[:-1]
            if lag == 0:
                value = 1.0
            elif word == "csh":
                value = rho[0]
            elif word in ("ar1", "ar1h"):
                value = rho[0] ** lag
            elif word == "toeph":
                value = rho[lag - 1]
            else:
                value = np.prod(rho[low:high])
            out[i, j] = scale * value
    return out


def independent_start(word: str, size: int, variance: float, distance: float) -> np.ndarray:
    """Nearly uncorrelated responses of one variance."""
    small = 0.05
    if word == "us":
        return np.array([variance * (i == j) for i in range(size) for j in range(i + 1)])
    if word == "sp_exp":
        return np.array([distance, variance])
    if word == "cs":
        return np.array([small * variance, variance])
    if word == "toep":
        return np.append(np.full(size - 1, small * variance), variance)
    n_rho = {"csh": 1, "ar1": 1, "ar1h": 1}.get(word, size - 1)
    rho = np.full(n_rho, small)
    if word in ("ar1", "ad"):
        return np.append(rho, variance)
    return np.concatenate([np.full(size, variance), rho])


def dense_covariance(
    word: str,
    size: int,
    subject: np.ndarray,
    visit: np.ndarray,
    group_of_row: np.ndarray,
    weights: np.ndarray,
    distances: np.ndarray | None,
) -> Covariance:
    """V(theta), (n, n); the parameters of one group after those of another."""
    same = subject[:, None] == subject[None, :]
    scale = 1.0 / np.sqrt(np.outer(weights, weights))
    n_groups = int(group_of_row.max()) + 1

    def v(theta: np.ndarray) -> np.ndarray:
        out = np.zeros(same.shape, dtype=theta.dtype)
        for g, part in enumerate(np.split(theta, n_groups)):
            own = same & (group_of_row == g)[:, None]
            whole = sigma(word, part, size, distances)
            if word != "sp_exp":
                whole = whole[np.ix_(visit, visit)]
            out = out + np.where(own, whole, 0.0)
        return out * scale

    return v


@dataclass
class StructuredTwin:
    """Quantities at the optimum; shapes as in the textbook."""

    theta: np.ndarray
    beta: np.ndarray
    minus2_log_likelihood: float
    phi: np.ndarray
    phi_first_order: np.ndarray
    phi_full: np.ndarray
    first: np.ndarray
    w: np.ndarray
    w_expected: np.ndarray
    phi_expected: np.ndarray

    def one_row(
        self, row: np.ndarray, phi: np.ndarray, w: np.ndarray | None = None
    ) -> tuple[float, float, float]:
        """Estimate, SE by `phi`, and Satterthwaite df with `w`."""
        variance = row @ self.phi @ row
        gradient = np.array([row @ self.phi @ p @ self.phi @ row for p in self.first])
        df = 2.0 * variance**2 / (gradient @ (self.w if w is None else w) @ gradient)
        return float(row @ self.beta), math.sqrt(row @ phi @ row), float(df)


def fit_structured_twin(
    x: np.ndarray, y: np.ndarray, covariance: Covariance, start: np.ndarray, *, reml: bool
) -> StructuredTwin:
    """Maximise the likelihood in SAS's parameters."""
    n, p = x.shape
    k = len(start)

    def first_derivatives(theta: np.ndarray) -> np.ndarray:
        return np.array([covariance(theta + 1e-30j * unit).imag / 1e-30 for unit in np.eye(k)])

    def parts(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
        v = covariance(theta)
        v_inverse = np.linalg.inv(v)
        phi = np.linalg.inv(x.T @ v_inverse @ x)
        projection = v_inverse - v_inverse @ x @ phi @ x.T @ v_inverse
        value = np.linalg.slogdet(v)[1] + y @ projection @ y
        value += (n - p if reml else n) * math.log(2.0 * math.pi)
        if reml:
            value -= np.linalg.slogdet(phi)[1]
        return float(value), v_inverse, phi, projection

    def derivatives(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        _, v_inverse, _, projection = parts(theta)
        dv = first_derivatives(theta)
        ddv = np.zeros((k, k, n, n))
        for a in range(k):
            h = 1e-5 * max(abs(theta[a]), 0.1)
            step = h * np.eye(k)[a]
            ddv[a] = (first_derivatives(theta + step) - first_derivatives(theta - step)) / (2 * h)
        against = projection if reml else v_inverse
        py = projection @ y
        gradient = np.array([np.sum(against * d) - py @ d @ py for d in dv])
        hessian = np.zeros((k, k))
        fisher = np.zeros((k, k))
        moved = [against @ d for d in dv]
        pulled = [d @ py for d in dv]
        for a in range(k):
            for b in range(k):
                fisher[a, b] = np.sum(moved[a] * moved[b].T)
                hessian[a, b] = (
                    np.sum(against * ddv[a, b])
                    - fisher[a, b]
                    - py @ ddv[a, b] @ py
                    + 2.0 * pulled[a] @ projection @ pulled[b]
                )
        return gradient, 0.5 * (hessian + hessian.T), fisher, ddv

    theta = start.astype(float)
    for _ in range(300):
        value = parts(theta)[0]
        gradient, hessian, fisher, _ = derivatives(theta)
        near = (
            np.linalg.eigvalsh(hessian)[0] > 0.0
            and gradient @ np.linalg.solve(hessian, gradient) < 5.0
        )
        step = -np.linalg.solve(hessian if near else fisher, gradient)
        t = 1.0
        while t > 1e-12:
            proposal = theta + t * step
            v = covariance(proposal)
            valid = np.all(np.isfinite(v)) and np.linalg.eigvalsh(v)[0] > 0.0
            if valid and parts(proposal)[0] <= value + 1e-9:
                break
            t /= 2.0
        theta = proposal
        if near and np.max(np.abs(step) / np.maximum(np.abs(theta), 0.01)) < 1e-11:
            break
    else:
        raise AssertionError("the twin did not converge")

    value, v_inverse, phi, _ = parts(theta)
    _, hessian, fisher, ddv = derivatives(theta)
    dv = first_derivatives(theta)
    w = 2.0 * np.linalg.inv(hessian)
    first = np.array([x.T @ v_inverse @ d @ v_inverse @ x for d in dv])
    w_expected = 2.0 * np.linalg.inv(fisher)
    without, second, expected = (np.zeros_like(phi) for _ in range(3))
    whitened = [v_inverse @ d @ v_inverse @ x for d in dv]
    turned = [d @ v_inverse @ x for d in dv]
    vx = v_inverse @ x
    for a in range(k):
        for b in range(k):
            q = whitened[a].T @ turned[b]
            rest = q - first[a] @ phi @ first[b]
            without += w[a, b] * rest
            expected += w_expected[a, b] * rest
            second -= w[a, b] * 0.25 * (vx.T @ ddv[a, b] @ vx)
    return StructuredTwin(
        theta=theta,
        beta=phi @ x.T @ v_inverse @ y,
        minus2_log_likelihood=value,
        phi=phi,
        phi_first_order=phi + 2.0 * phi @ without @ phi,
        phi_full=phi + 2.0 * phi @ (without + second) @ phi,
        first=first,
        w=w,
        w_expected=w_expected,
        phi_expected=phi + 2.0 * phi @ expected @ phi,
    )
