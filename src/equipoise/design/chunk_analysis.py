"""The effects of some trials at once: every model to every trial, from arrays.

The numbers are those of `analyse`: the same compiled core, the same ladder of covariances, the
same least-squares means (tests/design hold them to 1e-8). A trial whose arrays lack a level of a
factor, which `analyse` would drop, goes by its records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from equipoise.design.recorded_analysis import record_effects, record_fit
from equipoise.protocol.questions import Scale

if TYPE_CHECKING:
    import numpy as np

    from equipoise.design.model_columns import ModelColumns
    from equipoise.design.planned_analysis import Effect, PlannedAnalysis, PlannedFit
    from equipoise.design.trial_values import TrialValues
    from equipoise.records import Records

#: What is kept of an effect.
PARTS = ("estimate", "se", "df", "p", "lower", "upper")

#: Number of a fit that went by records and has no valid end; the others are those of `Outcome`.
OTHER_FAILURE = "not fitted"


@dataclass(slots=True)
class ChunkEffects:
    """Effects of B trials.

    Attributes
    ----------
    trials
        B.
    parts
        Effect → part of `PARTS` → float64 (B,), NaN where there is none.
    fits
        Model → int8 (B,) how the fit ended, index into `fit_words()`.
    """

    trials: int
    parts: dict[Effect, dict[str, np.ndarray]] = field(default_factory=dict)
    fits: dict[str, np.ndarray] = field(default_factory=dict)

    def put(self, effect: Effect, where: int | np.ndarray, values: Mapping[str, object]) -> None:
        """Write values of an effect for one trial, or for those of a mask."""
        import numpy as np

        found = self.parts.setdefault(
            effect, {part: np.full(self.trials, np.nan) for part in PARTS}
        )
        for part in PARTS:
            value = values.get(part)
            found[part][where] = np.nan if value is None else value

    def get(self, effect: Effect) -> dict[str, np.ndarray]:
        """The parts of an effect; NaN throughout where no trial has it."""
        import numpy as np

        return self.parts.get(effect) or {p: np.full(self.trials, np.nan) for p in PARTS}


def fit_words() -> tuple[str, ...]:
    """How a fit can end; the first is a valid fit."""
    from equipoise.stats.convergence import Outcome

    return (*(outcome.word for outcome in Outcome), OTHER_FAILURE)


def analyse_chunk(
    plan: PlannedAnalysis,
    values: TrialValues,
    records_of: Callable[[int], Records] | None,
) -> ChunkEffects:
    """All effects of a protocol's analysis in some trials.

    Parameters
    ----------
    values
        Arrays of B trials.
    records_of
        Index of a trial among them → its records, made when they are needed. None: what needs
        them has no effect.
    """
    found = ChunkEffects(values.trials)
    for fit in plan.fits:
        if fit.columns is None:
            if records_of is not None:
                _by_records(plan, fit, range(values.trials), records_of, found)
        else:
            _by_arrays(plan, fit, fit.columns, values, records_of, found)
    if records_of is not None and (plan.by_records or plan.outcomes):
        for trial in range(values.trials):
            for effect, parts in record_effects(plan, records_of(trial)).items():
                found.put(effect, trial, parts)
    return found


def _by_arrays(
    plan: PlannedAnalysis,
    fit: PlannedFit,
    columns: ModelColumns,
    values: TrialValues,
    records_of: Callable[[int], Records] | None,
    found: ChunkEffects,
) -> None:
    import numpy as np

    from equipoise.stats import mmrm_batch

    protocol = plan.protocol
    response, baseline, seen = responses(plan, fit.endpoint, values)
    codes = {name: values.arm if name == "arm" else values.factors[name] for name in columns.levels}
    lacking = _lacking(columns, codes, seen)
    numbers = {
        name: _centred(baseline if name in ("baseline", "log_baseline") else values.numbers[name],
                       seen)
        for name in columns.numbers
    }  # fmt: skip
    unknown = [(codes[name] < 0) for name in codes] + [~np.isfinite(x) for x in numbers.values()]
    lacking |= np.any([(u & seen.any(axis=2)).any(axis=1) for u in unknown], axis=0)
    ends = np.zeros(values.trials, dtype=np.int8)
    found.fits[fit.label] = ends
    matrix = columns.columns(codes, {k: np.nan_to_num(x) for k, x in numbers.items()})
    words = fit_words()
    open_ = ~lacking
    first = np.full(values.trials, -1)
    for structure in fit.model.covariance:
        left = np.flatnonzero(open_)
        if not len(left):
            break
        fits = mmrm_batch(
            response[left],
            matrix[left],
            columns.contrasts,
            crossed=columns.crossed,
            covariance=structure,
            method=fit.model.method,
            df=fit.model.df,
            group=values.arm[left] if fit.model.group == "arm" else None,
            threads=1,
        )
        good = fits.converged & np.all(fits.se > 0, axis=1)
        low, high = fits.limits(protocol.analysis.alpha)
        parts = {"estimate": fits.estimate, "se": fits.se, "df": fits.df, "p": fits.p,
                 "lower": low, "upper": high}  # fmt: skip
        for column, (arm, visit, level) in enumerate(columns.names):
            kind = "subgroup" if fit.subgroup is not None else "endpoint"
            effect = (kind, fit.endpoint, arm, visit, level)
            found.put(effect, left[good], {k: v[good, column] for k, v in parts.items()})
        ended = np.array([words.index(outcome.word) for outcome in fits.outcomes])[fits.outcome]
        ended[fits.converged & ~good] = words.index(OTHER_FAILURE)
        first[left] = ended
        open_[left[good]] = False
    ends[:] = np.where(open_ & ~lacking, first, 0)
    if lacking.any() and records_of is None:
        ends[lacking] = len(words) - 1
    elif lacking.any():
        assert records_of is not None
        _by_records(plan, fit, np.flatnonzero(lacking), records_of, found)


def responses(
    plan: PlannedAnalysis, endpoint: str, values: TrialValues
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Response (B, N, T), baseline (B, N) on the scale of the model, and who was seen when.

    As in `make_dataset`: rows have a baseline and a value; a ratio needs positive ones.
    """
    import numpy as np

    given = values.endpoints[endpoint]
    if plan.protocol.endpoints[endpoint].scale is Scale.LOG_FOLD:
        given = np.where(given > 0, given, np.nan)
        # The log of the ratio, as `make_dataset` takes it: not the difference of the logs.
        response = np.log(given[:, :, 1:] / given[:, :, :1])
        baseline = np.log(given[:, :, 0])
    else:
        response = given[:, :, 1:] - given[:, :, :1]
        baseline = given[:, :, 0]
    return response, baseline, np.isfinite(response)


def _centred(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Minus the mean over the rows used, trial by trial."""
    import numpy as np

    rows = seen.sum(axis=2)
    total = np.maximum(rows.sum(axis=1), 1)
    mean = np.where(rows > 0, values * rows, 0.0).sum(axis=1) / total
    return np.where(rows > 0, values - mean[:, None], 0.0)


def _lacking(
    columns: ModelColumns, codes: Mapping[str, np.ndarray], seen: np.ndarray
) -> np.ndarray:
    """(B,) whether a level of a factor, or a visit, has no row."""
    import numpy as np

    used = seen.any(axis=2)
    lacking: np.ndarray = np.any(~seen.any(axis=1), axis=1)
    for name, levels in columns.levels.items():
        for code in range(len(levels)):
            lacking = lacking | ~np.any((codes[name] == code) & used, axis=1)
    return lacking


def _by_records(
    plan: PlannedAnalysis,
    fit: PlannedFit,
    trials: np.ndarray | range,
    records_of: Callable[[int], Records],
    found: ChunkEffects,
) -> None:
    import numpy as np

    ends = found.fits.setdefault(fit.label, np.zeros(found.trials, dtype=np.int8))
    bad = len(fit_words()) - 1
    for trial in trials:
        fitted, effects = record_fit(plan, fit, records_of(int(trial)))
        ends[trial] = 0 if fitted else bad
        for effect, parts in effects.items():
            found.put(effect, int(trial), parts)
