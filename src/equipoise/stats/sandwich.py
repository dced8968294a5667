"""Empirical (sandwich) covariance of the fixed effects, clustered by participant.

CR0 (Liang and Zeger 1986, Biometrika 73:13–22), CR2 (Bell and McCaffrey 2002, Survey Methodology
28:169–181, with the adjustment matrices of Pustejovsky and Tipton 2018, JBES 36:672–683, target
the fitted covariance), its form with (I − H)^(−1/2) (Kauermann and Carroll 2001, JASA
96:1387–1396) and CR3, the jackknife at fixed covariance. Degrees of freedom: Satterthwaite and
Hotelling's T² under the fitted covariance (Pustejovsky and Tipton 2018, sections 2.2 and 3.2).
Derivation: docs/methods/sandwich.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .errors import ArgumentError
from .vocabulary import CoefficientCovariance
from .whitening import whitened_rows

if TYPE_CHECKING:
    import numpy as np

    from .mmrm_fit import MMRMFit

#: I − H of a participant has eigenvalues in [0, 1]; one below this is zero: without the
#: participant some coefficient would not be estimable.
_SINGULAR = 1e-9
_SHOWN = 10


@dataclass(frozen=True, slots=True, eq=False)
class Sandwich:
    """What the degrees of freedom of a sandwich estimate need.

    Attributes
    ----------
    kind : CoefficientCovariance
    hat : tuple of (N_b, m, p) arrays
        Z_i of the participants, block by block; Z_i Z_k' are the blocks of the hat matrix in
        whitened units.
    adjusted : tuple of (N_b, m, p) arrays
        K_i'Z_i, with K_i the participant's adjustment in whitened units: a row c = L B of a
        whitened contrast weighs the whitened residuals of participant i with K_i'Z_i c.
    singular : tuple
        Labels of participants without whom a coefficient would not be estimable; their
        adjustment is a pseudo-inverse.
    """

    kind: CoefficientCovariance
    hat: tuple[np.ndarray, ...]
    adjusted: tuple[np.ndarray, ...]
    singular: tuple[Any, ...]


def with_sandwich(fit: MMRMFit, kind: CoefficientCovariance) -> MMRMFit:
    """The same fit with an empirical covariance of its coefficients.

    Raises
    ------
    ArgumentError
        Under CR3, if a coefficient would not be estimable without one of the participants.
    """
    import numpy as np

    p = len(fit.terms)
    middle = np.zeros((p, p))
    hats: list[np.ndarray] = []
    moved: list[np.ndarray] = []
    singular: list[int] = []
    for block, roots, z, residual in whitened_rows(fit):
        adjusted, without = _adjusted(z, roots, kind)
        scores = np.einsum("imp,im->ip", adjusted, residual, optimize=True)
        middle += scores.T @ scores
        hats.append(z)
        moved.append(adjusted)
        singular += block.participants[without].tolist()
    named = tuple(fit.data.participants[i] for i in sorted(singular))
    if named and kind is CoefficientCovariance.CR3:
        raise ArgumentError(
            "without a participant a coefficient cannot be estimated: " + name_some(named),
            where="vcov='cr3'",
            rule="The jackknife leaves out every participant in turn",
            remedy="Take the term that rests on one participant out of the formula, or "
            "pre-specify vcov='cr2', which uses a pseudo-inverse for them",
        )
    parts = Sandwich(kind, tuple(hats), tuple(moved), named)
    effects = replace(fit.effects, adjusted=middle, sandwich=parts)
    return replace(fit, effects=effects, vcov=kind)


def name_some(labels: tuple[Any, ...]) -> str:
    """Labels for a message, ten at most."""
    shown = ", ".join(str(label) for label in labels[:_SHOWN])
    return shown + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")


def _adjusted(
    z: np.ndarray, roots: np.ndarray, kind: CoefficientCovariance
) -> tuple[np.ndarray, np.ndarray]:
    """K_i'Z_i, and which participants have a singular I − H_i.

    With R = I − H_i: CR3 has K = R⁻¹ and the root form R^(−1/2). CR2's symmetric adjustment A of
    A (V − X Phi X') A = V is, whitened, the orthogonal polar factor of C'C R^(1/2) times
    R^(−1/2); nothing is squared, so that a nearly singular V costs no digits.
    """
    import numpy as np

    if kind is CoefficientCovariance.CR0:
        return z, np.zeros(len(z), dtype=bool)
    values, vectors = np.linalg.eigh(np.eye(z.shape[1]) - z @ z.transpose(0, 2, 1))
    positive = values > _SINGULAR
    singular = np.min(values, axis=1) <= _SINGULAR
    safe = np.where(positive, values, 1.0)
    power = -1.0 if kind is CoefficientCovariance.CR3 else -0.5
    scale = np.where(positive, safe**power, 0.0)
    if kind is not CoefficientCovariance.CR2:
        adjustment = (vectors * scale[:, None, :]) @ vectors.transpose(0, 2, 1)
        return adjustment @ z, singular
    product = roots.transpose(0, 2, 1) @ roots
    transposed = vectors.transpose(0, 2, 1)
    sizes = np.sqrt(np.where(positive, values, 0.0))
    left, _, right = np.linalg.svd(product @ (vectors * sizes[:, None, :]) @ transposed)
    kept = np.arange(z.shape[1]) < positive.sum(axis=1)[:, None]  # singular values: largest first
    polar = (left * kept[:, None, :]) @ right
    inverse_root = (vectors * scale[:, None, :]) @ transposed
    return inverse_root @ (polar.transpose(0, 2, 1) @ z), singular


def satterthwaite_df(parts: Sandwich, w: np.ndarray) -> np.ndarray:
    """Degrees of freedom of whitened contrasts w = L B, one a row.

    The estimated variance is a quadratic form e'Pe of standard normal e under the fitted
    covariance; df = tr(P)² / tr(P²).
    """
    import numpy as np

    df = np.full(len(w), math.nan)
    for i, row in enumerate(w):
        trace = square = 0.0
        gram = np.zeros((w.shape[1], w.shape[1]))
        for z, adjusted in zip(parts.hat, parts.adjusted, strict=True):
            a = adjusted @ row
            h = np.einsum("jmp,jm->jp", z, a, optimize=True)
            s = np.einsum("jm,jm->j", a, a)
            shared = np.einsum("jp,jp->j", h, h)
            trace += float(np.sum(s - shared))
            square += float(s @ s - 2.0 * (s @ shared))
            gram += h.T @ h
        square += float(np.sum(gram * gram))
        if trace > 0.0 and square > 0.0:
            df[i] = trace * trace / square
    return df


def hotelling_scale(parts: Sandwich, w: np.ndarray) -> tuple[float, float]:
    """Scale of the Wald F and its denominator degrees of freedom, by approximate Hotelling T².

    Pustejovsky and Tipton 2018, section 3.2 (clubSandwich's HTZ). NaN where the moments leave no
    degrees of freedom.
    """
    import numpy as np

    q, p = w.shape
    expected = _expected_covariance(parts, w)
    values, vectors = np.linalg.eigh(expected)
    normed = ((vectors / np.sqrt(values)) @ vectors.T) @ w
    total = 0.0
    gram = np.zeros((q * p, q * p))
    for z, adjusted in zip(parts.hat, parts.adjusted, strict=True):
        a = normed @ adjusted.transpose(0, 2, 1)
        h = a @ z
        aa = a @ a.transpose(0, 2, 1)
        hh = h @ h.transpose(0, 2, 1)
        own, shared = (np.einsum("jss->js", m) for m in (aa, hh))
        total += float(np.sum(aa * aa - 2.0 * aa * hh))
        total += float(np.sum(own.sum(axis=1) ** 2 - 2.0 * own.sum(axis=1) * shared.sum(axis=1)))
        flat = h.reshape(len(h), q * p)
        gram += flat.T @ flat
    crossed = gram.reshape(q, p, q, p)
    total += float(np.einsum("satb,sbta->", crossed, crossed))
    total += float(np.sum(gram * gram))
    nu = q * (q + 1.0) / total
    df2 = nu - q + 1.0
    return (df2 / nu, df2) if df2 > 0.0 else (math.nan, math.nan)


def _expected_covariance(parts: Sandwich, w: np.ndarray) -> np.ndarray:
    """(q, q) expectation of the sandwich covariance of L beta under the fitted covariance."""
    import numpy as np

    expected = np.zeros((len(w), len(w)))
    for z, adjusted in zip(parts.hat, parts.adjusted, strict=True):
        a = w @ adjusted.transpose(0, 2, 1)
        h = a @ z
        expected += np.sum(a @ a.transpose(0, 2, 1) - h @ h.transpose(0, 2, 1), axis=0)
    return expected
