"""How missing values are imputed in a sensitivity analysis."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from equipoise.protocol.base import Flag, Int, Key, Map, Number, Part


class AfterDropout(StrEnum):
    """What is assumed of values from a participant's last run of missing values on."""

    MAR = "mar"
    """As others of the own arm: missing at random."""
    JUMP_TO_REFERENCE = "jump-to-reference"
    """The mean of the reference arm from then on."""
    COPY_REFERENCE = "copy-reference"
    """As if in the reference arm from the start."""
    COPY_INCREMENTS = "copy-increments"
    """From then on parallel to the reference arm."""
    LAST_MEAN = "last-mean"
    """The own arm's mean stays where it was."""


class ImputationPlan(Part):
    """Imputation of missing values from a mixed model, and the analysis of what is completed.

    The imputation model is the endpoint's own; the analysis is the analysis of covariance at the
    estimand's visit with the same terms.
    """

    strategy: AfterDropout = Field(
        AfterDropout.MAR,
        description="From the first visit of a participant's last run of missing values on; "
        "missing values before are imputed as missing at random",
    )
    reference: Key | None = Field(
        None, description="Arm that the strategy refers to; the control when left out"
    )
    draws: Literal[
        "bayes",
        "approximate-bayes",
        "conditional-mean-jackknife",
        "conditional-mean-bootstrap",
    ] = Field(
        "bayes",
        description="bayes and approximate-bayes: random imputations, pooled by Rubin's rules; "
        "conditional-mean-…: conditional means, with the variance of the jackknife or bootstrap",
    )
    imputations: Int = Field(
        100, ge=2, le=10_000, description="Imputations, or bootstrap samples; not of the jackknife"
    )
    seed: Int = Field(1, ge=0, description="Of the draws; open, and not that of the list")
    same_covariance: Flag = Field(
        True, description="One covariance matrix for all arms; false: one for each"
    )
    deltas: Map[Key, tuple[Number, ...]] = Field(
        {},
        description="tipping-point: arm → shifts of its imputed values, in units of the change or "
        "of the log fold; every combination of the arms is analysed",
    )
