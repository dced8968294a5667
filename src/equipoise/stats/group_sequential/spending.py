"""How much of an error probability is spent by a share of the information."""

from __future__ import annotations

import math
from enum import StrEnum

from ..errors import ArgumentError


class Spending(StrEnum):
    """A spending function."""

    OBRIEN_FLEMING = "obrien-fleming"
    """2 - 2 Φ(z / √t), close to the boundary of O'Brien and Fleming (Lan and DeMets 1983)."""
    POCOCK = "pocock"
    """α log(1 + (e - 1) t), close to the boundary of Pocock (Lan and DeMets 1983)."""
    POWER = "power"
    """α t^ρ (Kim and DeMets 1987)."""
    HWANG_SHIH_DECANI = "hwang-shih-decani"
    """α (1 - e^(-γt)) / (1 - e^(-γ)) (Hwang, Shih and DeCani 1990)."""


def spent(function: str, error: float, share: float, *, parameter: float | None = None) -> float:
    """The error that is spent when a share of the information is there.

    Parameters
    ----------
    function
        One of `Spending`.
    error
        In all, one-sided, above 0 and below 1.
    share
        Of the information, at least 0; 1 and more spend all.
    parameter
        ρ above 0 of ``power``, γ of ``hwang-shih-decani``.

    Raises
    ------
    ArgumentError
        For an unknown function, or values outside their ranges.

    References
    ----------
    Lan KKG, DeMets DL (1983) Discrete sequential boundaries for clinical trials. Biometrika
    70:659–663.
    Kim K, DeMets DL (1987) Design and analysis of group sequential tests based on the type I error
    spending rate function. Biometrika 74:149–154.
    Hwang IK, Shih WJ, DeCani JS (1990) Group sequential designs using a family of type I error
    probability spending functions. Statistics in Medicine 9:1439–1445.
    """
    from scipy.special import ndtr, ndtri

    if not 0.0 < error < 1.0:
        raise ArgumentError("above 0 and below 1", where="error", value=error)
    if not share >= 0.0:
        raise ArgumentError("at least 0", where="share", value=share)
    if function not in list(Spending):
        raise ArgumentError("one of " + ", ".join(Spending), where="function", value=function)
    needs = function in (Spending.POWER, Spending.HWANG_SHIH_DECANI)
    if needs and (parameter is None or not math.isfinite(parameter)):
        raise ArgumentError(
            f"{function} has a finite parameter", where="parameter", value=parameter
        )
    if function == Spending.POWER and parameter is not None and parameter <= 0.0:
        raise ArgumentError("above 0", where="parameter", value=parameter)
    if share == 0.0:
        return 0.0
    if share >= 1.0:
        return error
    if function == Spending.OBRIEN_FLEMING:
        z = -float(ndtri(error / 2.0))
        return 2.0 * float(ndtr(-z / math.sqrt(share)))
    if function == Spending.POCOCK:
        return error * math.log1p((math.e - 1.0) * share)
    assert parameter is not None
    if function == Spending.POWER:
        return error * share**parameter
    if abs(parameter) < 1e-12:
        return error * share
    return error * math.expm1(-parameter * share) / math.expm1(-parameter)
