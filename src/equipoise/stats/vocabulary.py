"""The words of the mixed model: covariance structures, likelihoods, inference.

One table each, from which validation, error text and documentation come.
"""

from __future__ import annotations

import difflib
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from .errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable


def _pairs(visits: int) -> int:
    return visits * (visits + 1) // 2


def _one_and_one(visits: int) -> int:
    return 2


def _variances_and_one(visits: int) -> int:
    return visits + 1


def _visits(visits: int) -> int:
    return visits


def _variances_and_lags(visits: int) -> int:
    return 2 * visits - 1


class Spacing(Enum):
    """What a covariance structure assumes about the visits."""

    NONE = "nothing: visits may stand in any order"
    ORDER = "their order; neighbours may lie at any distance"
    EQUAL = "their order and equal distances: their actual times are not used"
    COORDINATES = "their coordinates, which `coordinates` names"


class CovarianceStructure(Enum):
    """Structures of the within-participant covariance matrix.

    Each member holds its word, its label, its number of parameters for T visits, its names in
    SAS PROC MIXED (``TYPE=``), in R's mmrm and in R's nlme, what it assumes about the visits,
    whether it is linear in SAS's parameters (then both forms of Kenward–Roger are one), and its
    code in the kernels. Definitions: docs/methods/covariance-structures.md.
    """

    UNSTRUCTURED = (
        "us", "unstructured", _pairs,
        "UN", "us", "corSymm + varIdent(~1 | visit)", Spacing.NONE, True, -1,
    )  # fmt: skip
    COMPOUND_SYMMETRY = (
        "cs", "compound symmetry", _one_and_one,
        "CS", "cs", "corCompSymm", Spacing.NONE, True, 0,
    )  # fmt: skip
    HETEROGENEOUS_COMPOUND_SYMMETRY = (
        "csh", "heterogeneous compound symmetry", _variances_and_one,
        "CSH", "csh", "corCompSymm + varIdent(~1 | visit)", Spacing.NONE, False, 1,
    )  # fmt: skip
    AUTOREGRESSIVE = (
        "ar1", "first-order autoregressive", _one_and_one,
        "AR(1)", "ar1", "corAR1", Spacing.EQUAL, False, 2,
    )  # fmt: skip
    HETEROGENEOUS_AUTOREGRESSIVE = (
        "ar1h", "heterogeneous first-order autoregressive", _variances_and_one,
        "ARH(1)", "ar1h", "corAR1 + varIdent(~1 | visit)", Spacing.EQUAL, False, 3,
    )  # fmt: skip
    TOEPLITZ = (
        "toep", "Toeplitz", _visits,
        "TOEP", "toep", "corARMA(p = T - 1)", Spacing.EQUAL, True, 4,
    )  # fmt: skip
    HETEROGENEOUS_TOEPLITZ = (
        "toeph", "heterogeneous Toeplitz", _variances_and_lags,
        "TOEPH", "toeph", "corARMA(p = T - 1) + varIdent(~1 | visit)", Spacing.EQUAL, False, 5,
    )  # fmt: skip
    ANTE_DEPENDENCE = (
        "ad", "ante-dependence with one variance", _visits,
        "(none)", "ad", "(none)", Spacing.ORDER, False, 6,
    )  # fmt: skip
    HETEROGENEOUS_ANTE_DEPENDENCE = (
        "adh", "first-order ante-dependence", _variances_and_lags,
        "ANTE(1)", "adh", "(none)", Spacing.ORDER, False, 7,
    )  # fmt: skip
    SPATIAL_EXPONENTIAL = (
        "sp_exp", "spatial exponential", _one_and_one,
        "SP(EXP)(coordinates)", "sp_exp", "corExp", Spacing.COORDINATES, False, 8,
    )  # fmt: skip

    def __init__(
        self,
        word: str,
        label: str,
        count: Callable[[int], int],
        sas: str,
        mmrm: str,
        nlme: str,
        spacing: Spacing,
        linear: bool,
        code: int,
    ) -> None:
        self.word = word
        self.label = label
        self._count = count
        self.sas = sas
        self.mmrm = mmrm
        self.nlme = nlme
        self.spacing = spacing
        self.linear = linear
        self.code = code

    def n_parameters(self, visits: int) -> int:
        """Number of covariance parameters for `visits` visits."""
        return self._count(visits)

    @property
    def heterogeneous(self) -> bool:
        """Whether every visit has its own variance."""
        return self.word in ("us", "csh", "ar1h", "toeph", "adh")

    def parameter_names(self, visits: int) -> tuple[str, ...]:
        """SAS's parameters as PROC MIXED prints them, in its order; visits counted from 1."""
        lags = range(1, visits)
        variances = [f"Var({t})" for t in range(1, visits + 1)]
        names = {
            "us": [f"UN({i},{j})" for i in range(1, visits + 1) for j in range(1, i + 1)],
            "cs": ["CS", "Residual"],
            "csh": [*variances, "CSH"],
            "ar1": ["AR(1)", "Residual"],
            "ar1h": [*variances, "ARH(1)"],
            "toep": [*(f"TOEP({lag + 1})" for lag in lags), "Residual"],
            "toeph": [*variances, *(f"TOEPH({lag})" for lag in lags)],
            "ad": [*(f"Rho({lag})" for lag in lags), "Residual"],
            "adh": [*variances, *(f"Rho({lag})" for lag in lags)],
            "sp_exp": ["SP(EXP)", "Residual"],
        }
        return tuple(names[self.word])


class Likelihood(Enum):
    """Likelihoods that can be maximised."""

    REML = ("reml", "restricted maximum likelihood (REML)")
    ML = ("ml", "maximum likelihood (ML)")

    def __init__(self, word: str, label: str) -> None:
        self.word = word
        self.label = label


class DegreesOfFreedom(Enum):
    """Methods for standard errors and degrees of freedom of the fixed effects."""

    KENWARD_ROGER = ("kenward-roger", "Kenward–Roger (observed information; SAS ddfm=kr)", True)
    KENWARD_ROGER_FIRST_ORDER = (
        "kenward-roger-firstorder",
        "first-order Kenward–Roger (observed information; SAS ddfm=kr(firstorder))",
        True,
    )
    SATTERTHWAITE = ("satterthwaite", "Satterthwaite (observed information)", False)
    BETWEEN_WITHIN = ("between-within", "between-within (R mmrm's and nlme's rule)", False)
    RESIDUAL = ("residual", "residual (n − p)", False)

    def __init__(self, word: str, label: str, adjusts_covariance: bool) -> None:
        self.word = word
        self.label = label
        self.adjusts_covariance = adjusts_covariance


class CoefficientCovariance(Enum):
    """Covariance matrices of the fixed effects: model-based, or empirical (sandwich)."""

    MODEL = ("model", "model-based")
    CR0 = ("cr0", "empirical, unadjusted (CR0; SAS EMPIRICAL; R mmrm Empirical)")
    CR2 = ("cr2", "empirical, bias-reduced (CR2; R clubSandwich)")
    CR2_ROOT = (
        "cr2-root",
        "empirical, bias-reduced by (I − H)^(−1/2) (R mmrm Empirical-Bias-Reduced)",
    )
    CR3 = ("cr3", "empirical, jackknife (CR3; R mmrm Empirical-Jackknife)")

    def __init__(self, word: str, label: str) -> None:
        self.word = word
        self.label = label


class MeanWeights(Enum):
    """Weights of the factor levels over which a least-squares mean is averaged.

    Frequencies are those of the levels that the reference grid holds. "Rows" are the rows used
    in the fit, so that a participant with four visits counts four times.
    """

    EQUAL = ("equal", "equal weights (SAS LSMEANS; emmeans equal)")
    PROPORTIONAL = (
        "proportional",
        "joint frequencies of the averaged factors over the rows (SAS OM; emmeans proportional)",
    )
    PARTICIPANTS = (
        "participants",
        "joint frequencies of the averaged factors, every participant counted once",
    )
    OUTER = ("outer", "products of the averaged factors' marginal frequencies (emmeans outer)")
    CELLS = ("cells", "frequencies over the rows within each mean's own cell (emmeans cells)")
    FLAT = ("flat", "equal weights over the combinations that have rows (emmeans flat)")

    def __init__(self, word: str, label: str) -> None:
        self.word = word
        self.label = label


class Comparison(Enum):
    """Which contrasts of the levels of a factor are formed."""

    REFERENCE = ("reference", "each level minus the reference")
    PAIRWISE = ("pairwise", "each level minus each later one")
    REVERSE_PAIRWISE = ("reverse-pairwise", "each level minus each earlier one")
    CONSECUTIVE = ("consecutive", "each level minus the one before")
    MEAN = ("mean", "each level minus the mean of all levels")
    OTHERS = ("others", "each level minus the mean of the other levels")

    def __init__(self, word: str, label: str) -> None:
        self.word = word
        self.label = label


class Adjustment(Enum):
    """Adjustments for several comparisons; the last field says whether limits exist."""

    NONE = ("none", "no adjustment", True)
    BONFERRONI = ("bonferroni", "Bonferroni", True)
    SIDAK = ("sidak", "Šidák", True)
    HOLM = ("holm", "Holm", False)
    HOCHBERG = ("hochberg", "Hochberg", False)
    SCHEFFE = ("scheffe", "Scheffé", True)
    TUKEY = ("tukey", "Tukey–Kramer", True)
    DUNNETT = ("dunnett", "Dunnett", True)
    MVT = ("mvt", "multivariate t", True)

    def __init__(self, word: str, label: str, has_limits: bool) -> None:
        self.word = word
        self.label = label
        self.has_limits = has_limits


class Family(Enum):
    """Which comparisons are adjusted for one another."""

    BY = ("by", "the comparisons within each level of `by`")
    ALL = ("all", "all the comparisons")

    def __init__(self, word: str, label: str) -> None:
        self.word = word
        self.label = label


class ResidualKind(Enum):
    """Residuals of a fit."""

    RAW = ("raw", "response minus fitted mean")
    PEARSON = ("pearson", "raw, divided by the fitted SD of the response")
    STUDENT = ("student", "raw, divided by its own SD (SAS StudentResid)")
    SCALED = ("scaled", "whitened within participants (R mmrm normalized; SAS VCIRY)")

    def __init__(self, word: str, label: str) -> None:
        self.word = word
        self.label = label


class PredictionInterval(Enum):
    """Intervals around a prediction."""

    NONE = ("none", "no limits; the standard error is that of the estimated mean")
    CONFIDENCE = ("confidence", "for the (conditional) mean")
    PREDICTION = ("prediction", "for a new response")

    def __init__(self, word: str, label: str) -> None:
        self.word = word
        self.label = label


_Word = TypeVar(
    "_Word",
    CovarianceStructure,
    Likelihood,
    DegreesOfFreedom,
    CoefficientCovariance,
    MeanWeights,
    Comparison,
    Adjustment,
    Family,
    ResidualKind,
    PredictionInterval,
)


#: Words of SAS and R for what has another word here.
_ELSEWHERE = {
    "un": "us", "unr": "us", "unstructured": "us", "corsymm": "us",
    "corcompsymm": "cs", "ar(1)": "ar1", "corar1": "ar1", "arh(1)": "ar1h",
    "ante(1)": "adh", "sp(exp)": "sp_exp", "corexp": "sp_exp",
    "kr": "kenward-roger", "kenwardroger": "kenward-roger", "kr2": "kenward-roger",
    "kr(firstorder)": "kenward-roger-firstorder", "kr(linear)": "kenward-roger-firstorder",
    "kenward-roger-linear": "kenward-roger-firstorder",
    "satterth": "satterthwaite", "sat": "satterthwaite",
    "bw": "between-within", "betwithin": "between-within", "betweenwithin": "between-within",
    "resid": "residual", "empirical": "cr0", "hc0": "cr0",
    "empirical-bias-reduced": "cr2-root", "empirical-jackknife": "cr3", "asymptotic": "model",
    "true": "reml", "false": "ml", "trt.vs.ctrl": "reference", "om": "proportional",
}  # fmt: skip


def parse_word(vocabulary: type[_Word], word: object, where: str) -> _Word:
    """The member of `vocabulary` that `word` names.

    Raises
    ------
    ArgumentError
        With the list of valid words and the nearest one.
    """
    if isinstance(word, vocabulary):
        return word
    words = [member.word for member in vocabulary]
    for member in vocabulary:
        if isinstance(word, str) and word == member.word:
            return member
    foreign = _ELSEWHERE.get(str(word).strip().lower().replace(" ", ""))
    close = difflib.get_close_matches(str(word).lower(), words, n=1)
    remedy = f"Did you mean {close[0]!r}?" if close else "Use one of these words"
    if foreign in words:
        remedy = f"What SAS or R call {word!r} is {foreign!r} here"
    raise ArgumentError(
        "unknown word",
        where=where,
        value=word,
        rule=f"Valid: {', '.join(words)}",
        remedy=remedy,
    )


def parse_df(
    word: str | DegreesOfFreedom | None,
    vcov: CoefficientCovariance,
    likelihood: Likelihood = Likelihood.REML,
) -> DegreesOfFreedom:
    """The degrees of freedom that go with a covariance of the coefficients.

    Raises
    ------
    ArgumentError
        For Kenward–Roger with an empirical covariance, or under maximum likelihood.
    """
    empirical = vcov is not CoefficientCovariance.MODEL
    if word is None:
        other = empirical or likelihood is Likelihood.ML
        word = DegreesOfFreedom.SATTERTHWAITE if other else DegreesOfFreedom.KENWARD_ROGER
    method = parse_word(DegreesOfFreedom, word, "df")
    if empirical and method.adjusts_covariance:
        allowed = [member.word for member in DegreesOfFreedom if not member.adjusts_covariance]
        raise ArgumentError(
            "Kenward–Roger does not go with an empirical covariance",
            where=f"df={method.word!r}, vcov={vcov.word!r}",
            rule="It corrects the model-based covariance, whose form a sandwich does not take",
            remedy=f"With vcov={vcov.word!r} use df in {', '.join(allowed)}",
        )
    if likelihood is Likelihood.ML and method.adjusts_covariance:
        raise ArgumentError(
            "Kenward–Roger does not go with maximum likelihood",
            where=f"df={method.word!r}, method='ml'",
            rule="It corrects the covariance of restricted-likelihood estimates",
            remedy="Use method='reml', or with method='ml' df='satterthwaite'",
        )
    return method
