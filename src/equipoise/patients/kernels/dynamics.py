# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""One patient's states over a grid that all patients share, sixteen patients at a time.

Method, step by step (``docs/methods/mechanistic-patients.md``):

- concentration: four exponentials, exact;
- receptor availability R and margination M, linear with coefficients that follow the
  concentration: Gauss collocation with three stages (order 6);
- activation Q, the pools of cells and the log tone L, linear with constant coefficients: exact
  exponentials of the step, Gauss quadrature of what drives them at the same three nodes;
- contraction E and severity V, driven by smooth functions of those: exact exponentials,
  two-point Hermite quadrature with two derivatives (order 6).

Source of the quadratures: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I,
section II.7; Davis, Rabinowitz, Methods of Numerical Integration, section 2.9.

Rows are of `LANES` patients; loops over lanes have a body without branches, so that they become
vector instructions.
"""

from __future__ import annotations

import numba
import numpy as np

LANES = 16

#: Rows of a block of parameters, in the order of `equipoise.patients.courses.ROWS`.
(
    RATE, COEFFICIENT, ECT, EM, KR, KD, KIN, KOUT, KQ,
    PX, KX, W_, KE, GT, GH, GN, GD, FL, KI, BMAX, KB, KS, PARAMETERS,
) = (
    0, 4, 8, 9, 10, 11, 12, 13, 14, 15, 21, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
)  # fmt: skip

#: Rows of the working memory. Pools and E are deviations from 1: T, H, N4, N8, NK, eosinophils.
AMPLITUDE, R, M, Q, X, L, E, V, B = 0, 4, 5, 6, 7, 13, 14, 15, 16
#: Value and two derivatives of what drives E and V at the end of the step before.
DRIVE = 17
#: exp(-rate c h) for the three nodes and the whole step, four rates each.
DECAY = 23
#: exp(-k h) for kE, kS, kB.
SLOW = 39
#: The exponential of the linear block at the three nodes and the step: QQ, XX (6), LL, XQ (6),
#: LX (3), LQ.
BLOCK, BLOCK_ROWS = 42, 18
QQ, XX, LL, XQ, LX, LQ = 0, 1, 7, 8, 14, 17
#: Rows of scratch, as many as a block has.
SCRATCH = BLOCK + 4 * BLOCK_ROWS
MEMORY = SCRATCH + BLOCK_ROWS

#: States that are written for a day: concentration, R, M, Q, six pools, E, L, V.
STATES = 13

_FLAGS = {"contract", "nsz", "arcp", "reassoc", "nnan", "ninf"}
_jit = numba.njit(fastmath=_FLAGS, error_model="numpy", cache=True, nogil=True)
_inline = numba.njit(fastmath=_FLAGS, error_model="numpy", cache=True, nogil=True)
#: Rows are handed in as constants: only what is written into the caller sees them as such.
_written_in = numba.njit(
    fastmath=_FLAGS, error_model="numpy", cache=True, nogil=True, inline="always"
)

_R15 = 3.872983346207417
C1, C2, C3 = 0.5 - _R15 / 10, 0.5, 0.5 + _R15 / 10
B1, B2, B3 = 5 / 18, 4 / 9, 5 / 18
A11, A12, A13 = 5 / 36, 2 / 9 - _R15 / 15, 5 / 36 - _R15 / 30
A21, A22, A23 = 5 / 36 + _R15 / 24, 2 / 9, 5 / 36 - _R15 / 24
A31, A32, A33 = 5 / 36 + _R15 / 30, 2 / 9 + _R15 / 15, 5 / 36
_TINY = 1e-200
_THIRD, _FIFTH, _SIXTH, _SEVENTH = 1 / 3, 1 / 5, 1 / 6, 1 / 7


@_written_in
def _exponential(w, row, p, rate, tau, halvings):
    """w[row] = exp(-p[rate] * tau); p[rate] * tau / 2**halvings is small."""
    scale = -tau / 2.0**halvings
    for i in range(LANES):
        x = p[rate * LANES + i] * scale
        y = 1 + x * _SEVENTH
        y = 1 + x * y * _SIXTH
        y = 1 + x * y * _FIFTH
        y = 1 + x * y * 0.25
        y = 1 + x * y * _THIRD
        y = 1 + x * y * 0.5
        w[row * LANES + i] = 1 + x * y
    for _ in range(halvings):
        for i in range(LANES):
            w[row * LANES + i] *= w[row * LANES + i]


@_written_in
def _times_sum(w, row, one, two):
    """w[row] *= w[one] + w[two]; with rows known beforehand it becomes vector instructions."""
    for i in range(LANES):
        w[row * LANES + i] *= w[one * LANES + i] + w[two * LANES + i]


@_written_in
def _square_block(w, s):
    """The exponential of twice the time."""
    for i in range(LANES):
        w[(s + LQ) * LANES + i] = (
            w[(s + LQ) * LANES + i] * (w[(s + QQ) * LANES + i] + w[(s + LL) * LANES + i])
            + w[(s + LX) * LANES + i] * w[(s + XQ) * LANES + i]
            + w[(s + LX + 1) * LANES + i] * w[(s + XQ + 1) * LANES + i]
            + w[(s + LX + 2) * LANES + i] * w[(s + XQ + 2) * LANES + i]
        )
    _times_sum(w, s + LX, s + XX, s + LL)
    _times_sum(w, s + LX + 1, s + XX + 1, s + LL)
    _times_sum(w, s + LX + 2, s + XX + 2, s + LL)
    _times_sum(w, s + XQ, s + XX, s + QQ)
    _times_sum(w, s + XQ + 1, s + XX + 1, s + QQ)
    _times_sum(w, s + XQ + 2, s + XX + 2, s + QQ)
    _times_sum(w, s + XQ + 3, s + XX + 3, s + QQ)
    _times_sum(w, s + XQ + 4, s + XX + 4, s + QQ)
    _times_sum(w, s + XQ + 5, s + XX + 5, s + QQ)
    for i in range(8 * LANES):
        w[s * LANES + i] *= w[s * LANES + i]


@_inline
def _begin_block(w, p, s, tau, halvings):
    """The exponential of the linear block for the time tau: a Taylor series, then squares.

    The terms of the series stand in the scratch rows, in the order of the block. T, H and N4 act
    on the tone; N8, NK and eosinophils do not.
    """
    t = tau / 2.0**halvings
    f = SCRATCH
    for i in range(BLOCK_ROWS * LANES):
        w[f * LANES + i] = 0.0
    for i in range((1 + 6 + 1) * LANES):
        w[f * LANES + i] = 1.0
    for i in range(BLOCK_ROWS * LANES):
        w[s * LANES + i] = w[f * LANES + i]
    for n in range(1, 8):
        h = t / n
        for i in range(LANES):
            ki = p[KI * LANES + i]
            w[(f + LQ) * LANES + i] = (-h * ki) * (
                p[GT * LANES + i] * w[(f + XQ) * LANES + i]
                + p[GH * LANES + i] * w[(f + XQ + 1) * LANES + i]
                + p[GN * LANES + i] * w[(f + XQ + 2) * LANES + i]
                + w[(f + LQ) * LANES + i]
            )
            w[(f + LL) * LANES + i] *= -h * ki
        for x in range(3):
            for i in range(LANES):
                w[(f + LX + x) * LANES + i] = (-h * p[KI * LANES + i]) * (
                    p[(GT + x) * LANES + i] * w[(f + XX + x) * LANES + i]
                    + w[(f + LX + x) * LANES + i]
                )
        for x in range(6):
            for i in range(LANES):
                k = p[(KX + x) * LANES + i]
                w[(f + XQ + x) * LANES + i] = h * (
                    p[(PX + x) * LANES + i] * w[(f + QQ) * LANES + i]
                    - k * w[(f + XQ + x) * LANES + i]
                )
                w[(f + XX + x) * LANES + i] *= -h * k
        for i in range(LANES):
            w[(f + QQ) * LANES + i] *= -h * p[KQ * LANES + i]
        for i in range(BLOCK_ROWS * LANES):
            w[s * LANES + i] += w[f * LANES + i]
    for _ in range(halvings):
        _square_block(w, s)


@_inline
def _begin_stretch(w, p, unit, fast_halvings, slow_halvings):
    """Exponentials of the first step of a stretch."""
    for node in range(4):
        c = (C1, C2, C3, 1.0)[node]
        for rate in range(4):
            _exponential(w, DECAY + 4 * node + rate, p, RATE + rate, c * unit, fast_halvings)
        _begin_block(w, p, BLOCK + BLOCK_ROWS * node, c * unit, slow_halvings)
    _exponential(w, SLOW, p, KE, unit, slow_halvings)
    _exponential(w, SLOW + 1, p, KS, unit, slow_halvings)
    _exponential(w, SLOW + 2, p, KB, unit, slow_halvings)


@_inline
def _double_step(w):
    """All exponentials for a step twice as long."""
    for i in range(19 * LANES):
        w[DECAY * LANES + i] *= w[DECAY * LANES + i]
    _square_block(w, BLOCK)
    _square_block(w, BLOCK + BLOCK_ROWS)
    _square_block(w, BLOCK + 2 * BLOCK_ROWS)
    _square_block(w, BLOCK + 3 * BLOCK_ROWS)


@_inline
def _expm1(x):
    """exp(x) - 1 for the log tone: -12 < x < 4; vectorises, unlike the library's."""
    z = x * 0.0078125
    y = 1 + z * _SEVENTH
    y = 1 + z * y * _SIXTH
    y = 1 + z * y * _FIFTH
    y = 1 + z * y * 0.25
    y = 1 + z * y * _THIRD
    y = z * (1 + z * y * 0.5)
    y = y * (2 + y)
    y = y * (2 + y)
    y = y * (2 + y)
    y = y * (2 + y)
    y = y * (2 + y)
    y = y * (2 + y)
    return y * (2 + y)


@_inline
def _set_drive(w, p):
    """What drives E and V, with two derivatives, from the states as they are now."""
    for i in range(LANES):
        a0 = w[(AMPLITUDE + 0) * LANES + i]
        a1 = w[(AMPLITUDE + 1) * LANES + i]
        a2 = w[(AMPLITUDE + 2) * LANES + i]
        a3 = w[(AMPLITUDE + 3) * LANES + i]
        c = max(a0 + a1 + a2 + a3, 0.0)
        dc = -(
            a0 * p[(RATE + 0) * LANES + i]
            + a1 * p[(RATE + 1) * LANES + i]
            + a2 * p[(RATE + 2) * LANES + i]
            + a3 * p[(RATE + 3) * LANES + i]
        )
        ect, em = p[ECT * LANES + i], p[EM * LANES + i]
        both = 1 / ((c + ect) * (c + em))
        st = c * (c + em) * both
        slope = (c + ect) * both
        sm = c * slope
        dsm = dc * em * slope * slope
        r, m, q = w[R * LANES + i], w[M * LANES + i], w[Q * LANES + i]
        t, h, n = w[X * LANES + i], w[(X + 1) * LANES + i], w[(X + 2) * LANES + i]
        tone = w[L * LANES + i]
        dm = p[KIN * LANES + i] * sm * (1 - m) - p[KOUT * LANES + i] * m
        dq = p[KQ * LANES + i] * (st * r - q)
        pt, kt = p[PX * LANES + i], p[KX * LANES + i]
        dt = pt * q - kt * t
        ddt = pt * dq - kt * dt
        dh = p[(PX + 1) * LANES + i] * q - p[(KX + 1) * LANES + i] * h
        dn = p[(PX + 2) * LANES + i] * q - p[(KX + 2) * LANES + i] * n
        gt, gh, gn = p[GT * LANES + i], p[GH * LANES + i], p[GN * LANES + i]
        gd, fl, ki = p[GD * LANES + i], p[FL * LANES + i], p[KI * LANES + i]
        dl = ki * (fl * m - gt * t - gh * h - gn * n - gd * sm - tone)
        ddl = ki * (fl * dm - gt * dt - gh * dh - gn * dn - gd * dsm - dl)
        contraction = p[W_ * LANES + i]
        f = 1 / (1 + contraction * t)
        df = -contraction * dt * f * f
        w[(DRIVE + 0) * LANES + i] = -contraction * t * f
        w[(DRIVE + 1) * LANES + i] = df
        w[(DRIVE + 2) * LANES + i] = -contraction * ddt * f * f - 2 * contraction * dt * df * f
        lost = -_expm1(tone)
        now = 1 - lost
        kb = p[KB * LANES + i]
        decay = p[BMAX * LANES + i] * w[B * LANES + i]
        rest = 1 - p[BMAX * LANES + i] + decay
        d_rest = -kb * decay
        w[(DRIVE + 3) * LANES + i] = rest * lost
        w[(DRIVE + 4) * LANES + i] = d_rest * lost - rest * now * dl
        w[(DRIVE + 5) * LANES + i] = (
            -kb * d_rest * lost - 2 * d_rest * now * dl - rest * now * (dl * dl + ddl)
        )


@_inline
def _step(w, p, h):
    """All states one step on; what drives E and V is left to `_finish_step`."""
    for i in range(LANES):
        a0 = w[(AMPLITUDE + 0) * LANES + i]
        a1 = w[(AMPLITUDE + 1) * LANES + i]
        a2 = w[(AMPLITUDE + 2) * LANES + i]
        a3 = w[(AMPLITUDE + 3) * LANES + i]
        ect, em = p[ECT * LANES + i], p[EM * LANES + i]
        d = DECAY * LANES + i
        c1 = a0 * w[d] + a1 * w[d + LANES] + a2 * w[d + 2 * LANES] + a3 * w[d + 3 * LANES]
        d += 4 * LANES
        c2 = a0 * w[d] + a1 * w[d + LANES] + a2 * w[d + 2 * LANES] + a3 * w[d + 3 * LANES]
        d += 4 * LANES
        c3 = a0 * w[d] + a1 * w[d + LANES] + a2 * w[d + 2 * LANES] + a3 * w[d + 3 * LANES]
        d += 4 * LANES
        a0 *= w[d]
        a1 *= w[d + LANES]
        a2 *= w[d + 2 * LANES]
        a3 *= w[d + 3 * LANES]
        # An amplitude that has vanished is 0: numbers below the normal range are slow.
        w[(AMPLITUDE + 0) * LANES + i] = a0 if abs(a0) > _TINY else 0.0
        w[(AMPLITUDE + 1) * LANES + i] = a1 if abs(a1) > _TINY else 0.0
        w[(AMPLITUDE + 2) * LANES + i] = a2 if abs(a2) > _TINY else 0.0
        w[(AMPLITUDE + 3) * LANES + i] = a3 if abs(a3) > _TINY else 0.0
        c1 = max(c1, 0.0)
        c2 = max(c2, 0.0)
        c3 = max(c3, 0.0)
        v1 = 1 / ((c1 + ect) * (c1 + em))
        v2 = 1 / ((c2 + ect) * (c2 + em))
        v3 = 1 / ((c3 + ect) * (c3 + em))
        t1, t2, t3 = c1 * (c1 + em) * v1, c2 * (c2 + em) * v2, c3 * (c3 + em) * v3
        m1, m2, m3 = c1 * (c1 + ect) * v1, c2 * (c2 + ect) * v2, c3 * (c3 + ect) * v3

        # R: stage values from (I + h A diag(a)) y = y0 + h A b.
        kr, kd = p[KR * LANES + i], p[KD * LANES + i]
        y0 = w[R * LANES + i]
        z1, z2, z3 = h * (kr + kd * t1), h * (kr + kd * t2), h * (kr + kd * t3)
        f11, f12, f13 = 1 + A11 * z1, A12 * z2, A13 * z3
        f21, f22, f23 = A21 * z1, 1 + A22 * z2, A23 * z3
        f31, f32, f33 = A31 * z1, A32 * z2, 1 + A33 * z3
        b1, b2, b3 = y0 + C1 * h * kr, y0 + C2 * h * kr, y0 + C3 * h * kr
        g11, g12, g13 = f22 * f33 - f23 * f32, f23 * f31 - f21 * f33, f21 * f32 - f22 * f31
        g21, g22, g23 = f13 * f32 - f12 * f33, f11 * f33 - f13 * f31, f12 * f31 - f11 * f32
        g31, g32, g33 = f12 * f23 - f13 * f22, f13 * f21 - f11 * f23, f11 * f22 - f12 * f21
        det = 1 / (f11 * g11 + f12 * g12 + f13 * g13)
        r1 = (g11 * b1 + g21 * b2 + g31 * b3) * det
        r2 = (g12 * b1 + g22 * b2 + g32 * b3) * det
        r3 = (g13 * b1 + g23 * b2 + g33 * b3) * det
        w[R * LANES + i] = y0 + h * kr - (B1 * z1 * r1 + B2 * z2 * r2 + B3 * z3 * r3)

        # M in the same way.
        kin, kout = h * p[KIN * LANES + i], h * p[KOUT * LANES + i]
        y0 = w[M * LANES + i]
        x1, x2, x3 = kin * m1, kin * m2, kin * m3
        z1, z2, z3 = x1 + kout, x2 + kout, x3 + kout
        f11, f12, f13 = 1 + A11 * z1, A12 * z2, A13 * z3
        f21, f22, f23 = A21 * z1, 1 + A22 * z2, A23 * z3
        f31, f32, f33 = A31 * z1, A32 * z2, 1 + A33 * z3
        b1 = y0 + A11 * x1 + A12 * x2 + A13 * x3
        b2 = y0 + A21 * x1 + A22 * x2 + A23 * x3
        b3 = y0 + A31 * x1 + A32 * x2 + A33 * x3
        g11, g12, g13 = f22 * f33 - f23 * f32, f23 * f31 - f21 * f33, f21 * f32 - f22 * f31
        g21, g22, g23 = f13 * f32 - f12 * f33, f11 * f33 - f13 * f31, f12 * f31 - f11 * f32
        g31, g32, g33 = f12 * f23 - f13 * f22, f13 * f21 - f11 * f23, f11 * f22 - f12 * f21
        det = 1 / (f11 * g11 + f12 * g12 + f13 * g13)
        y1 = (g11 * b1 + g21 * b2 + g31 * b3) * det
        y2 = (g12 * b1 + g22 * b2 + g32 * b3) * det
        y3 = (g13 * b1 + g23 * b2 + g33 * b3) * det
        w[M * LANES + i] = y0 + B1 * (x1 - z1 * y1) + B2 * (x2 - z2 * y2) + B3 * (x3 - z3 * y3)

        # What drives Q and L at the nodes, with the weights of the quadrature.
        hq = h * p[KQ * LANES + i]
        hi = h * p[KI * LANES + i]
        fl, gd = p[FL * LANES + i], p[GD * LANES + i]
        w[(SCRATCH + 0) * LANES + i] = B1 * hq * t1 * r1
        w[(SCRATCH + 1) * LANES + i] = B2 * hq * t2 * r2
        w[(SCRATCH + 2) * LANES + i] = B3 * hq * t3 * r3
        # The exponential to the end of the step is that of the mirrored node.
        w[(SCRATCH + 3) * LANES + i] = hi * (
            B1 * w[(BLOCK + 2 * BLOCK_ROWS + LL) * LANES + i] * (fl * y1 - gd * m1)
            + B2 * w[(BLOCK + 1 * BLOCK_ROWS + LL) * LANES + i] * (fl * y2 - gd * m2)
            + B3 * w[(BLOCK + 0 * BLOCK_ROWS + LL) * LANES + i] * (fl * y3 - gd * m3)
        )


@_inline
def _linear_step(w):
    """Activation, pools and tone one step on."""
    n1, n2, n3 = BLOCK + 2 * BLOCK_ROWS, BLOCK + BLOCK_ROWS, BLOCK
    full = BLOCK + 3 * BLOCK_ROWS
    for i in range(LANES):
        w[L * LANES + i] = (
            w[(SCRATCH + 3) * LANES + i]
            + w[(full + LL) * LANES + i] * w[L * LANES + i]
            + w[(full + LX + 0) * LANES + i] * w[(X + 0) * LANES + i]
            + w[(full + LX + 1) * LANES + i] * w[(X + 1) * LANES + i]
            + w[(full + LX + 2) * LANES + i] * w[(X + 2) * LANES + i]
            + w[(full + LQ) * LANES + i] * w[Q * LANES + i]
            + w[(n1 + LQ) * LANES + i] * w[(SCRATCH + 0) * LANES + i]
            + w[(n2 + LQ) * LANES + i] * w[(SCRATCH + 1) * LANES + i]
            + w[(n3 + LQ) * LANES + i] * w[(SCRATCH + 2) * LANES + i]
        )
        w[B * LANES + i] *= w[(SLOW + 2) * LANES + i]
    for x in range(6):
        for i in range(LANES):
            w[(X + x) * LANES + i] = (
                w[(full + XX + x) * LANES + i] * w[(X + x) * LANES + i]
                + w[(full + XQ + x) * LANES + i] * w[Q * LANES + i]
                + w[(n1 + XQ + x) * LANES + i] * w[(SCRATCH + 0) * LANES + i]
                + w[(n2 + XQ + x) * LANES + i] * w[(SCRATCH + 1) * LANES + i]
                + w[(n3 + XQ + x) * LANES + i] * w[(SCRATCH + 2) * LANES + i]
            )
    for i in range(LANES):
        w[Q * LANES + i] = (
            w[(full + QQ) * LANES + i] * w[Q * LANES + i]
            + w[(n1 + QQ) * LANES + i] * w[(SCRATCH + 0) * LANES + i]
            + w[(n2 + QQ) * LANES + i] * w[(SCRATCH + 1) * LANES + i]
            + w[(n3 + QQ) * LANES + i] * w[(SCRATCH + 2) * LANES + i]
        )


@_inline
def _hold_drive(w, p, h, state, rates, slow, drive):
    """The part of the Hermite quadrature at the beginning of the step, before it is forgotten."""
    c1, c2, c3 = h / 2, h * h / 10, h * h * h / 120
    for i in range(LANES):
        rate = p[rates * LANES + i]
        f = w[drive * LANES + i]
        df = w[(drive + 1) * LANES + i]
        ddf = w[(drive + 2) * LANES + i]
        part = c1 * f + c2 * (df + rate * f) + c3 * (ddf + rate * (2 * df + rate * f))
        w[state * LANES + i] = w[slow * LANES + i] * (w[state * LANES + i] + rate * part)


@_inline
def _finish_step(w, p, h, state, rates, drive):
    """The part of the Hermite quadrature at the end of the step."""
    c1, c2, c3 = h / 2, h * h / 10, h * h * h / 120
    for i in range(LANES):
        rate = p[rates * LANES + i]
        f = w[drive * LANES + i]
        df = w[(drive + 1) * LANES + i]
        ddf = w[(drive + 2) * LANES + i]
        part = c1 * f - c2 * (df + rate * f) + c3 * (ddf + rate * (2 * df + rate * f))
        w[state * LANES + i] += rate * part


@_jit
def follow_blocks(
    parameters, amounts, units, first, levels, dose, output, fast, slow, states, begin, end
):
    """Follow blocks of patients from `begin` up to `end`.

    Parameters
    ----------
    parameters : float (blocks, PARAMETERS * LANES)
    amounts : float (blocks, doses * LANES)
        What each patient got of each dose, in the model's unit.
    units, first, levels, dose, output : arrays
        Of a `TimeGrid`.
    fast, slow : int (different,)
        How often each first step is halved before a series gives its exponentials: those of the
        concentration and the others.
    states : float (blocks, days, STATES * LANES)
        Written.
    """
    w = np.zeros(MEMORY * LANES)
    # Exponentials of each first step: many stretches begin with the same.
    kept = np.empty((units.shape[0], (SCRATCH - DECAY) * LANES))
    known = np.zeros(units.shape[0], dtype=np.bool_)
    for block in range(begin, end):
        p = parameters[block]
        w[:] = 0.0
        known[:] = False
        for i in range(LANES):
            w[R * LANES + i] = 1.0
            w[B * LANES + i] = 1.0
        for stretch in range(first.shape[0]):
            given = dose[stretch]
            if given >= 0:
                for i in range(LANES):
                    amount = amounts[block, given * LANES + i]
                    for k in range(4):
                        w[(AMPLITUDE + k) * LANES + i] += amount * p[(COEFFICIENT + k) * LANES + i]
            u = first[stretch]
            h = units[u]
            if known[u]:
                for i in range((SCRATCH - DECAY) * LANES):
                    w[DECAY * LANES + i] = kept[u, i]
            else:
                _begin_stretch(w, p, h, fast[u], slow[u])
                for i in range((SCRATCH - DECAY) * LANES):
                    kept[u, i] = w[DECAY * LANES + i]
                known[u] = True
            _set_drive(w, p)
            for level in range(levels.shape[1]):
                count = levels[stretch, level]
                if count == 0:
                    break
                if level > 0:
                    _double_step(w)
                    h *= 2
                for _ in range(count):
                    _hold_drive(w, p, h, E, KE, SLOW, DRIVE)
                    _hold_drive(w, p, h, V, KS, SLOW + 1, DRIVE + 3)
                    _step(w, p, h)
                    _linear_step(w)
                    _set_drive(w, p)
                    _finish_step(w, p, h, E, KE, DRIVE)
                    _finish_step(w, p, h, V, KS, DRIVE + 3)
            day = output[stretch]
            if day >= 0:
                out = states[block, day]
                for i in range(LANES):
                    c = 0.0
                    for k in range(4):
                        c += w[(AMPLITUDE + k) * LANES + i]
                    out[i] = max(c, 0.0)
                    out[LANES + i] = w[R * LANES + i]
                    out[2 * LANES + i] = w[M * LANES + i]
                    out[3 * LANES + i] = w[Q * LANES + i]
                    for x in range(6):
                        out[(4 + x) * LANES + i] = 1 + w[(X + x) * LANES + i]
                    out[10 * LANES + i] = 1 + w[E * LANES + i]
                    out[11 * LANES + i] = w[L * LANES + i]
                    out[12 * LANES + i] = w[V * LANES + i]
