"""Information criteria of a fit, in SAS's convention and in R's.

The two programs agree about −2 log L and differ in what they count. SAS PROC MIXED counts the
fixed effects as parameters under ML, and participants without a single response as participants;
R mmrm counts covariance parameters only, and participants with a response.

References: Akaike H (1974) IEEE Trans Autom Control 19:716–723; Hurvich CM, Tsai C-L (1989)
Biometrika 76:297–307; Schwarz G (1978) Ann Stat 6:461–464; SAS/STAT 14.3 User's Guide, The MIXED
Procedure, "Model and Akaike's information criteria".
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InformationCriteria:
    """Smaller is better; only fits of the same rows are comparable, under REML of one design.

    Attributes
    ----------
    convention : str
        ``"SAS"`` or ``"R"``.
    aic, aicc, bic : float
        AICC takes d + 2 observations where there are fewer, as SAS does.
    n_parameters : int
        Parameters counted.
    n_observations : int
        Observations counted by AICC: n under ML, n − p under REML.
    n_subjects : int
        Participants counted by BIC.
    """

    convention: str
    aic: float
    aicc: float
    bic: float
    n_parameters: int
    n_observations: int
    n_subjects: int


def information_criteria(
    convention: str,
    minus2_log_likelihood: float,
    *,
    n_parameters: int,
    n_observations: int,
    n_subjects: int,
) -> InformationCriteria:
    """AIC, AICC and BIC from what a convention counts."""
    # SAS: n* is raised to d + 2 where it is smaller, so that the criterion exists
    counted = max(n_observations, n_parameters + 2)
    aicc = minus2_log_likelihood + 2.0 * n_parameters * counted / (counted - n_parameters - 1)
    return InformationCriteria(
        convention=convention,
        aic=minus2_log_likelihood + 2.0 * n_parameters,
        aicc=aicc,
        bic=minus2_log_likelihood + n_parameters * math.log(n_subjects),
        n_parameters=n_parameters,
        n_observations=n_observations,
        n_subjects=n_subjects,
    )
