"""Stage one: parameters of the imputation model, by one of five methods."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, ConvergenceError
from ..vocabulary import CovarianceStructure, parse_word
from .base_model import fit_base_model
from .chain_diagnostics import diagnose
from .gibbs_sampler import Prior, sample_posterior
from .incomplete_data import read_incomplete_data
from .random_streams import require_seed, stream
from .words import parse_member

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from .base_model import BaseModel
    from .chain_diagnostics import ChainDiagnostics
    from .incomplete_data import IncompleteData
    from .strategies import Strategy

_FAILED_SHARE = 0.01


class DrawMethod(Enum):
    """How the parameters are drawn, and with that how the results are pooled.

    Each member holds its word, its label, whether values are imputed at random, and whether each
    draw has participants of its own.
    """

    BAYES = ("bayes", "Bayesian multiple imputation (posterior draws), Rubin's rules", True, False)
    APPROXIMATE_BAYES = (
        "approximate-bayes",
        "approximate Bayesian multiple imputation (REML on bootstrap samples), Rubin's rules",
        True,
        False,
    )
    JACKKNIFE = (
        "conditional-mean-jackknife",
        "conditional mean imputation (REML) with the jackknife",
        False,
        True,
    )
    BOOTSTRAP = (
        "conditional-mean-bootstrap",
        "conditional mean imputation (REML) with the bootstrap",
        False,
        True,
    )

    def __init__(self, word: str, label: str, random: bool, resamples: bool) -> None:
        self.word = word
        self.label = label
        self.random = random
        self.resamples = resamples


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Draws:
    """Parameters of D imputation models.

    Attributes
    ----------
    data : IncompleteData
    method : DrawMethod
    beta : (D, p)
    covariances : (D, C, T, T)
        C = 1, or the number of arms.
    samples : int64 (D, n') or None
        Participants of each draw; None where everybody is in every draw. With conditional-mean
        imputation the first draw is everybody's; −1 fills a jackknife sample to length N.
    same_covariance : bool
    seed : int or None
    n_failed : int
        Bootstrap samples without a valid fit, which were drawn again.
    diagnostics : ChainDiagnostics or None
        Of the posterior draws.
    """

    data: IncompleteData
    method: DrawMethod
    beta: np.ndarray
    covariances: np.ndarray
    samples: np.ndarray | None
    same_covariance: bool
    seed: int | None
    n_failed: int
    diagnostics: ChainDiagnostics | None

    def __repr__(self) -> str:
        data = self.data
        return (
            f"Draws: {len(self)} imputation models by {self.method.word}, "
            f"{len(data.participants)} participants, {len(data.visits)} visits, "
            f"{int(data.missing.sum())} missing values, seed {self.seed}, "
            f"{self.n_failed} samples without a fit drawn again"
        )

    def __len__(self) -> int:
        return len(self.beta)


def draw(
    formula: str,
    data: Any,
    *,
    subject: str,
    visit: str,
    arm: str,
    events: Any = None,
    strategy: str | Strategy | Mapping[str, str | Strategy] = "mar",
    method: str | DrawMethod = "bayes",
    imputations: int = 100,
    seed: int | None = None,
    covariance: str | CovarianceStructure = "us",
    same_covariance: bool = True,
    prior: str | Prior = "jeffreys",
    burn_in: int = 200,
    thin: int = 10,
    visit_levels: Sequence[object] | None = None,
) -> Draws:
    """Draw parameters of the imputation model, a mixed model for repeated measures.

    Assumptions: as for `mmrm`. The imputation model is fitted to the observed values, except
    those from an event on whose strategy is another than MAR.

    Parameters
    ----------
    formula : str
        Of the imputation model, for instance ``"change ~ baseline*visit + arm*visit"``.
    data : data frame
        One row a participant and visit; rows of missing values may be there or not.
    subject, visit, arm : str
        Columns.
    events : data frame, optional
        Columns `subject`, `visit` (first affected visit) and ``strategy``, at most one row a
        participant.
    strategy : str or mapping of arm to str
        Strategy for participants without a row in `events` whose values are missing to the end,
        from the first visit of that last run on. Missing values before an event are imputed as
        missing at random.
    method : str
        A word of `DrawMethod`.
    imputations : int
        Number of imputations, or of bootstrap samples; not used by the jackknife.
    seed : int
        Not needed by the jackknife, in which nothing is drawn.
    covariance : str
        A word of `CovarianceStructure` other than ``sp_exp``; ``bayes`` draws under ``us`` only.
    same_covariance : bool
        One covariance matrix for all arms, or one for each.
    prior : str
        A word of `Prior`; ``bayes`` only.
    burn_in, thin : int
        Sweeps before the first kept draw, and from one to the next; ``bayes`` only.
    visit_levels : sequence, optional
        Order of the visits, where the column does not declare one.

    Returns
    -------
    Draws

    Raises
    ------
    FormulaError, DesignError, ArgumentError
        With all the faults of what was given.
    ConvergenceError
        If the imputation model has no valid fit, or more than 1 % of the bootstrap samples.
    """
    import numpy as np

    chosen = parse_draw_method(method)
    structure = _structure(covariance, chosen)
    wanted_prior = _parse_prior(prior)
    if chosen is not DrawMethod.JACKKNIFE:
        _require_count(imputations, 2, "imputations")
        seed = require_seed(seed)
    _require_count(burn_in, 0, "burn_in")
    _require_count(thin, 1, "thin")
    read = read_incomplete_data(
        formula,
        data,
        subject=subject,
        visit=visit,
        arm=arm,
        events=events,
        strategy=strategy,
        visit_levels=visit_levels,
    )
    model = fit_base_model(read, structure, same_covariance=same_covariance)
    diagnostics = None
    failed = 0
    samples = None
    if chosen is DrawMethod.BAYES:
        beta, covariances = sample_posterior(
            model,
            stream(seed or 0, "posterior"),
            sweeps=imputations * thin,
            burn_in=burn_in,
            prior=wanted_prior,
        )
        diagnostics = diagnose(*_monitored(beta, covariances, read), burn_in, thin)
        beta, covariances = beta[thin - 1 :: thin], covariances[thin - 1 :: thin]
    elif chosen is DrawMethod.JACKKNIFE:
        samples = _leave_one_out(len(read.participants))
        beta, covariances = _stacked(model, _jackknife(model, read, samples))
    else:
        beta, covariances, samples, failed = _bootstrap(model, read, imputations, seed or 0)
        if chosen is DrawMethod.APPROXIMATE_BAYES:
            beta, covariances, samples = beta[1:], covariances[1:], None
    return Draws(
        data=read,
        method=chosen,
        beta=beta,
        covariances=np.ascontiguousarray(covariances),
        samples=samples,
        same_covariance=same_covariance,
        seed=None if chosen is DrawMethod.JACKKNIFE else seed,
        n_failed=failed,
        diagnostics=diagnostics,
    )


def parse_draw_method(word: object) -> DrawMethod:
    """The method that `word` names."""
    return parse_member(DrawMethod, word, "method")


def _parse_prior(word: object) -> Prior:
    return parse_member(Prior, word, "prior")


def _structure(covariance: object, method: DrawMethod) -> CovarianceStructure:
    structure = parse_word(CovarianceStructure, covariance, "covariance")
    if structure is CovarianceStructure.SPATIAL_EXPONENTIAL or (
        method is DrawMethod.BAYES and structure is not CovarianceStructure.UNSTRUCTURED
    ):
        raise ArgumentError(
            f"not offered with method={method.word!r}",
            where="covariance",
            value=structure.word,
            rule="Posterior draws are those of an unstructured matrix, and a spatial one needs "
            "coordinates of the visits that were missed",
            remedy="Use covariance='us', or a structure over the visits with another method",
        )
    return structure


def _require_count(value: object, least: int, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ArgumentError(f"a whole number of at least {least}", where=where, value=value)


def _leave_one_out(n: int) -> np.ndarray:
    import numpy as np

    samples = np.tile(np.arange(n), (n + 1, 1))
    samples[np.arange(1, n + 1), np.arange(n)] = -1
    return samples


def _jackknife(
    model: BaseModel, data: IncompleteData, samples: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    fits = []
    for person, sample in zip(data.participants, samples[1:], strict=True):
        try:
            fits.append(model.refit(sample[sample >= 0]))
        except ConvergenceError as error:
            raise ConvergenceError(
                f"no valid fit without participant {person}: {error.what}",
                where="method",
                value=DrawMethod.JACKKNIFE.word,
                rule="The jackknife needs the fit without each participant",
                remedy="Use method='bayes', or a simpler imputation model",
            ) from error
    return fits


def _stacked(
    model: BaseModel, fits: list[tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    beta = np.stack([model.beta, *(fit[0] for fit in fits)])
    return beta, np.stack([model.covariances, *(fit[1] for fit in fits)])


def _bootstrap(
    model: BaseModel, data: IncompleteData, imputations: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Participants drawn with replacement within their arm, and the fit to each sample."""
    import numpy as np

    n = len(data.participants)
    members = [np.flatnonzero(data.arm == code) for code in range(len(data.arm_levels))]
    fits: list[tuple[np.ndarray, np.ndarray]] = []
    samples = [np.arange(n)]
    failed = replicate = 0
    while len(fits) < imputations:
        generator = stream(seed, "bootstrap", replicate)
        replicate += 1
        sample = np.concatenate([generator.choice(group, len(group)) for group in members])
        try:
            fits.append(model.refit(sample))
        except ConvergenceError as error:
            failed += 1
            if failed > max(1, _FAILED_SHARE * imputations):
                raise ConvergenceError(
                    f"{failed} of {replicate} bootstrap samples have no valid fit",
                    where="method",
                    value="bootstrap",
                    rule=f"At most {_FAILED_SHARE:.0%} are drawn again. The last: {error.what}",
                    remedy="Use method='bayes', or a simpler imputation model",
                ) from error
            continue
        samples.append(sample)
    beta, covariances = _stacked(model, fits)
    return beta, covariances, np.stack(samples), failed


def _monitored(
    beta: np.ndarray, covariances: np.ndarray, data: IncompleteData
) -> tuple[np.ndarray, list[str]]:
    import numpy as np

    rows, columns = np.triu_indices(len(data.visits))
    names = [f"coefficient {term}" for term in data.model.terms]
    parts = [beta]
    for c in range(covariances.shape[1]):
        of = f" ({data.arm_levels[c]})" if covariances.shape[1] > 1 else ""
        names += [
            f"covariance {data.visits[i]}, {data.visits[j]}{of}"
            for i, j in zip(rows, columns, strict=True)
        ]
        parts.append(covariances[:, c, rows, columns])
    return np.concatenate(parts, axis=1), names
