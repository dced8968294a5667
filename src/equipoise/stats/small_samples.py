"""Standard errors and degrees of freedom of the fixed effects in small samples.

Everything is computed in whitened coordinates, in which the fixed effects have identity
covariance. Under ``us`` the covariance parameters are those of Theta in Sigma = F (I + Theta) F',
and no element of a nearly singular Sigma is ever formed; under the other structures they are
SAS's. The first-order Kenward–Roger terms are the same in every parametrisation. Derivations:
docs/methods/kenward-roger.md and docs/methods/satterthwaite.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .between_within import smallest_df
from .errors import ArgumentError, StatsError, design_error
from .sandwich import hotelling_scale, satterthwaite_df
from .vocabulary import DegreesOfFreedom

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from .evaluation import CovarianceModel, Evaluation
    from .patterns import Patterns
    from .sandwich import Sandwich
    from .vocabulary import CoefficientCovariance

#: Of the model's variance: below it is rounding.
_LEAST_VARIANCE = 1e-14


@dataclass(frozen=True, slots=True, eq=False)
class FixedEffects:
    """Estimates with all that inference about them needs.

    Attributes
    ----------
    method : DegreesOfFreedom
    estimate : (p,)
        In the units of the response.
    root : (p, p)
        B with B B' = Phi, the model-based covariance of the estimates.
    adjusted : (p, p) or None
        Middle A of the covariance B A B' where it is not Phi (Kenward–Roger, sandwich).
    curvatures : (K, p, p)
        Whitened derivatives B⁻¹ (dPhi/dtheta_k) B⁻ᵀ.
    information_inverse : (K, K)
        W, inverse observed information of the covariance parameters.
    residual_df : float
        n − p.
    coefficient_df : (p,) or None
        Between-within degrees of freedom of each coefficient.
    sandwich : Sandwich or None
        Where the covariance is empirical.
    """

    method: DegreesOfFreedom
    estimate: np.ndarray
    root: np.ndarray
    adjusted: np.ndarray | None
    curvatures: np.ndarray
    information_inverse: np.ndarray
    residual_df: float
    coefficient_df: np.ndarray | None = None
    sandwich: Sandwich | None = None

    def covariance(self) -> np.ndarray:
        """(p, p) covariance of the estimates by the method of the fit."""
        middle = self.root if self.adjusted is None else self.root @ self.adjusted
        return middle @ self.root.T


@dataclass(frozen=True, slots=True)
class TestResult:
    """An F test of L beta = 0.

    Attributes
    ----------
    statistic : float
        F (scaled by lambda).
    df1, df2 : float
        Numerator and denominator degrees of freedom; df2 is NaN where Fai and Cornelius's
        moment does not exist (every direction has two degrees of freedom or fewer), or
        Hotelling's.
    p : float
    scale : float
        lambda, 1 except for Kenward–Roger and for a sandwich with two or more rows.
    method : str
        Word of the degrees-of-freedom method.
    labels : tuple of str
        What the rows of L were called.
    """

    __test__ = False  # not a test class for pytest

    statistic: float
    df1: int
    df2: float
    p: float
    scale: float
    method: str
    labels: tuple[str, ...] = ()


def fixed_effects(
    at: Evaluation,
    model: CovarianceModel,
    patterns: Patterns,
    *,
    back: np.ndarray,
    offset: np.ndarray,
    residual_df: float,
    method: DegreesOfFreedom,
) -> FixedEffects:
    """Estimates and their small-sample ingredients at the optimum.

    Parameters
    ----------
    at : Evaluation
        In the parameters of inference (`CovarianceModel.for_inference`).
    model : CovarianceModel
    patterns : Patterns
        The data that `at` was evaluated on.
    back : (p, p)
        Takes coefficients of the scaled, orthonormal design to those of the user's design.
    offset : (p,)
        Least-squares coefficients, which were subtracted from the response, in user's units.
    """
    import numpy as np
    import scipy.linalg

    root = at.root
    p = len(root) - 1
    n_params = len(at.hessian)
    whitening = scipy.linalg.solve_triangular(root[:p, :p], np.eye(p), check_finite=False)
    estimate = offset + back @ (whitening @ root[:p, p])
    upper = np.triu_indices(p + 1)
    scale = np.where(upper[0] == upper[1], 1.0, math.sqrt(0.5))
    packed = np.zeros((n_params, p + 1, p + 1))
    packed[:, upper[0], upper[1]] = at.moments * scale
    packed[:, upper[1], upper[0]] = at.moments * scale
    curvatures = np.ascontiguousarray(packed[:, :p, :p])
    lower = scipy.linalg.cholesky(at.hessian, lower=True, check_finite=False)
    half = scipy.linalg.solve_triangular(lower, np.eye(n_params), lower=True, check_finite=False)
    information_inverse = 2.0 * half.T @ half
    adjusted = None
    if method.adjusts_covariance:
        curved = method is DegreesOfFreedom.KENWARD_ROGER
        inner = model.second_order(at, half, curved=curved)
        adjusted = _kenward_roger_middle(at, patterns, curvatures, half, inner)
    return FixedEffects(
        method=method,
        estimate=estimate,
        root=back @ whitening,
        adjusted=adjusted,
        curvatures=curvatures,
        information_inverse=information_inverse,
        residual_df=residual_df,
    )


def _kenward_roger_middle(
    at: Evaluation,
    patterns: Patterns,
    curvatures: np.ndarray,
    half: np.ndarray,
    inner: np.ndarray,
) -> np.ndarray:
    """I + 2 sum_ij W_ij (Q_ij − P_i P_j − R_ij / 4), whitened (Kenward and Roger 1997, Phi_A).

    `inner` (G, T, T) holds the sums over ij of W_ij (V_i V_j − V_ij / 4), whitened, a pattern.
    """
    import numpy as np

    p = curvatures.shape[1]
    directions = math.sqrt(2.0) * half  # W = directions' directions
    combined = np.tensordot(directions, curvatures, axes=1).reshape(-1, p)
    products = combined.T @ combined
    n_pseudo = np.diff(patterns.first) // patterns.n_visits
    pattern = np.repeat(np.arange(len(n_pseudo)), n_pseudo)
    x = at.whitened[:, :, :p]
    second = np.matmul(inner[pattern], x).reshape(-1, p)
    quadratic = x.reshape(-1, p).T @ second
    middle = np.eye(p) + 2.0 * (quadratic - products)
    return 0.5 * (middle + middle.T)


def require_variances(
    effects: FixedEffects, terms: Sequence[str], vcov: CoefficientCovariance
) -> None:
    """Refuse a covariance of the coefficients that is not positive on the diagonal.

    Kenward and Roger's second-derivative term can outweigh the rest where hardly any degrees of
    freedom are left, and a sandwich has no width for what one participant alone determines.
    """
    import numpy as np

    if effects.adjusted is None:
        return
    model = np.einsum("ij,ij->i", effects.root, effects.root)
    found = np.einsum("ij,jk,ik->i", effects.root, effects.adjusted, effects.root)
    lacking = ~(found > _LEAST_VARIANCE * model)
    if not lacking.any():
        return
    named = [term for term, none in zip(terms, lacking, strict=True) if none]
    shown = ", ".join(named[:6]) + (f" and {len(named) - 6} more" if len(named) > 6 else "")
    raise design_error(
        [
            StatsError(
                f"no positive variance for: {shown}",
                where=f"df={effects.method.word!r}, vcov={vcov.word!r}",
                rule="A coefficient is reported with a standard error or not at all",
                remedy="Take terms out of the formula that rest on single participants, or "
                "pre-specify kenward-roger-firstorder or a covariance with fewer parameters",
            )
        ]
    )


def linear_combinations(
    effects: FixedEffects, L: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate, standard error and degrees of freedom of each row of L beta.

    Satterthwaite's degrees of freedom are 2 v² / (g'Wg), v = c'Phi c with the unadjusted Phi and
    g its gradient (Giesbrecht and Burns 1985; Fai and Cornelius 1996). For one row Kenward and
    Roger's are the same number. With a sandwich see `sandwich.satterthwaite_df`, with
    between-within see `between_within.smallest_df`.

    Returns
    -------
    estimate, se, df : (l,) arrays
    """
    import numpy as np

    estimate = L @ effects.estimate
    w = L @ effects.root  # rows: whitened contrasts
    model_variance = np.einsum("ip,ip->i", w, w)
    if effects.adjusted is None:
        variance = model_variance
    else:
        variance = np.einsum("ip,pq,iq->i", w, effects.adjusted, w)
    df = np.full(len(L), effects.residual_df)
    if effects.coefficient_df is not None:
        df = smallest_df(effects.coefficient_df, L)
    elif effects.method is DegreesOfFreedom.SATTERTHWAITE and effects.sandwich is not None:
        df = satterthwaite_df(effects.sandwich, w)
    elif effects.method is not DegreesOfFreedom.RESIDUAL:
        gradient = np.einsum("ip,kpq,iq->ik", w, effects.curvatures, w, optimize=True)
        spread = np.einsum("ik,kj,ij->i", gradient, effects.information_inverse, gradient)
        with np.errstate(divide="ignore", invalid="ignore"):
            df = 2.0 * model_variance**2 / spread
    with np.errstate(invalid="ignore"):
        return estimate, np.sqrt(variance), df


def joint_test(effects: FixedEffects, L: np.ndarray, labels: tuple[str, ...] = ()) -> TestResult:
    """F test of L beta = 0 for one or several independent rows.

    Satterthwaite: Fai and Cornelius (1996, J Stat Comput Simul 54:363–378). Kenward–Roger: F
    with the adjusted covariance, scaled by lambda, on m degrees of freedom (Kenward and Roger
    1997, Biometrics 53:983–997, section 3). Sandwich with Satterthwaite: approximate Hotelling T²
    (Pustejovsky and Tipton 2018). Residual, between-within (the smallest of the rows): Wald F.

    Raises
    ------
    ArgumentError
        If the rows of L are linearly dependent.
    """
    import numpy as np

    from .distributions import f_tail

    rows = len(L)
    w = L @ effects.root
    sizes = np.linalg.norm(w, axis=1)
    if rows == 0 or not np.all(sizes > 0.0):
        raise ArgumentError("a row of L is zero, or L has no row", where="L")
    singular = np.linalg.svd(w / sizes[:, None], compute_uv=False)
    if rows > L.shape[1] or singular[-1] < 1e-9 * singular[0]:
        raise ArgumentError(
            "the rows of L are linearly dependent",
            where="L",
            value=f"{rows} rows",
            remedy="Leave out the rows that follow from the others",
        )
    value = L @ effects.estimate
    middle = w @ w.T if effects.adjusted is None else w @ effects.adjusted @ w.T
    wald = float(value @ np.linalg.solve(middle, value)) / rows
    scale, df2 = 1.0, effects.residual_df
    if effects.method.adjusts_covariance:
        scale, df2 = _kenward_roger_scale(effects, w)
    elif effects.coefficient_df is not None:
        df2 = float(np.min(smallest_df(effects.coefficient_df, L)))
    elif effects.method is DegreesOfFreedom.SATTERTHWAITE and effects.sandwich is not None:
        scale, df2 = hotelling_scale(effects.sandwich, w)
    elif effects.method is DegreesOfFreedom.SATTERTHWAITE:
        df2 = _fai_cornelius(effects, L, w)
    statistic = scale * wald
    p = f_tail(statistic, rows, df2)
    return TestResult(statistic, rows, df2, p, scale, effects.method.word, labels)


def _fai_cornelius(effects: FixedEffects, L: np.ndarray, w: np.ndarray) -> float:
    import numpy as np

    rows = len(L)
    _, vectors = np.linalg.eigh(w @ w.T)
    _, _, df = linear_combinations(effects, vectors.T @ L)
    expectation = float(np.sum(df[df > 2.0] / (df[df > 2.0] - 2.0)))
    if rows == 1:
        return float(df[0])
    return 2.0 * expectation / (expectation - rows) if expectation > rows else math.nan


def _kenward_roger_scale(effects: FixedEffects, w: np.ndarray) -> tuple[float, float]:
    """lambda and m: moments of F matched to those of an F distribution."""
    import numpy as np

    rows = len(w)
    ortho, _ = np.linalg.qr(w.T)
    parts = np.einsum("pa,kpq,qb->kab", ortho, effects.curvatures, ortho, optimize=True)
    traces = np.einsum("kaa->k", parts)
    W = effects.information_inverse
    a1 = float(traces @ W @ traces)
    flat = parts.reshape(len(parts), -1)
    a2 = float(np.sum(W * (flat @ flat.T)))
    if rows == 1:
        return 1.0, 2.0 / a2
    b = (a1 + 6.0 * a2) / (2.0 * rows)
    g = ((rows + 1.0) * a1 - (rows + 4.0) * a2) / ((rows + 2.0) * a2)
    denominator = 3.0 * rows + 2.0 * (1.0 - g)
    c1 = g / denominator
    c2 = (rows - g) / denominator
    c3 = (rows + 2.0 - g) / denominator
    expectation = 1.0 / (1.0 - a2 / rows)
    variance = (2.0 / rows) * (1.0 + c1 * b) / ((1.0 - c2 * b) ** 2 * (1.0 - c3 * b))
    rho = variance / (2.0 * expectation**2)
    m = 4.0 + (rows + 2.0) / (rows * rho - 1.0)
    return m / (expectation * (m - 2.0)), m
