"""Stage two: missing values from their conditional normal distribution under each strategy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .intercurrent_events import require_possible, with_strategy
from .random_streams import stream
from .strategies import Strategy, marginal_covariance, marginal_means

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import polars as pl

    from .intercurrent_events import Events
    from .parameter_draws import Draws


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Imputations:
    """D imputations of M missing values.

    Attributes
    ----------
    draws : Draws
    events : Events
        With the strategies that were used.
    references : dict of str to str
        Reference arm of each arm.
    participant, visit : int64 (M,)
        Whose and when each missing value is, participants then visits in order.
    values : float64 (D, M)
        Units of the response.
    """

    draws: Draws
    events: Events
    references: dict[str, str]
    participant: np.ndarray
    visit: np.ndarray
    values: np.ndarray

    def __repr__(self) -> str:
        used = ", ".join(sorted({strategy.word for strategy in self.events.strategies}))
        return (
            f"Imputations: {len(self)} of {len(self.participant)} missing values; "
            f"strategies {used}; drawn by {self.draws.method.word}"
        )

    def __len__(self) -> int:
        return len(self.values)

    def completed(self, imputation: int) -> np.ndarray:
        """(N, T) array of the observed and imputed values of one imputation."""
        response = self.draws.data.response.copy()
        response[self.participant, self.visit] = self.values[imputation]
        return response

    def at_visit(self, visit: int) -> np.ndarray:
        """(D, N) array of the values at one visit in all imputations."""
        import numpy as np

        column = np.tile(self.draws.data.response[:, visit], (len(self), 1))
        here = self.visit == visit
        column[:, self.participant[here]] = self.values[:, here]
        return column

    def frame(self, imputation: int) -> pl.DataFrame:
        """The data with the missing values of one imputation filled, a row a participant and visit.

        Under resampling only the participants of that sample; one who stands twice in a bootstrap
        sample is there twice, with a number after the name.
        """
        import numpy as np
        import polars as pl

        data = self.draws.data
        whole = data.frame.with_columns(
            pl.Series(data.response_column, self.completed(imputation).ravel())
        )
        if self.draws.samples is None:
            return whole
        sample = self.draws.samples[imputation]
        sample = np.sort(sample[sample >= 0])
        size = len(data.visits)
        picked = whole[(sample[:, None] * size + np.arange(size)).ravel().tolist()]
        if len(np.unique(sample)) == len(sample):
            return picked
        turn = np.arange(len(sample)) - np.searchsorted(sample, sample)
        names = [f"{data.participants[i]}#{t}" for i, t in zip(sample, turn, strict=True)]
        return picked.with_columns(pl.Series(data.subject_column, np.repeat(names, size)))


def impute(
    draws: Draws,
    *,
    reference: str | Mapping[str, str] | None = None,
    strategy: str | Strategy | Mapping[str, str | Strategy] | None = None,
) -> Imputations:
    """Impute every missing value under each of the drawn models.

    A value that was observed stays as it is, also after an event; what is missing is drawn given
    all that was observed of the participant. Derivation:
    docs/methods/reference-based-imputation.md.

    Parameters
    ----------
    draws : Draws
    reference : str or mapping of arm to arm
        The reference arm of all arms, or of each; needed where a strategy uses it. The reference
        arm is its own reference.
    strategy : str or mapping of arm to str, optional
        Another strategy for everybody with an event: the parameters need not be drawn again.

    Returns
    -------
    Imputations

    Raises
    ------
    ArgumentError
        If the reference is no arm, if nothing is missing, or if the other strategy would have
        needed another imputation model (values were observed after an event).
    """
    import numpy as np

    data = draws.data
    if not data.missing.any():
        raise ArgumentError(
            "nothing is missing",
            where="data",
            rule="Imputation is for missing values",
            remedy="Analyse the data as they are",
        )
    events = data.events
    if strategy is not None:
        events = with_strategy(events, strategy, data.arm_levels, data.arm, len(data.visits))
        _require_same_model(draws, events)
        require_possible(events, data.participants, data.visits)
    references = _references(reference, events, draws)
    participant, visit = np.nonzero(data.missing)
    values = np.empty((len(draws), len(participant)))
    noise = None
    if draws.method.random:
        noise = np.stack(
            [
                stream(draws.seed or 0, "values", d).standard_normal(len(participant))
                for d in range(len(draws))
            ]
        )
    arms = {name: code for code, name in enumerate(data.arm_levels)}
    to = np.array([arms[references[name]] for name in data.arm_levels])
    for members in _cells(draws, events):
        _fill(draws, events, members, int(to[data.arm[members[0]]]), participant, noise, values)
    return Imputations(draws, events, references, participant, visit, values)


def _fill(
    draws: Draws,
    events: Events,
    members: np.ndarray,
    reference: int,
    participant: np.ndarray,
    noise: np.ndarray | None,
    values: np.ndarray,
) -> None:
    """Impute participants who share arm, strategy, event and missing visits, in all draws."""
    import numpy as np

    data = draws.data
    one = int(members[0])
    arm, first, strategy = int(data.arm[one]), int(events.first[one]), events.strategies[one]
    absent = np.flatnonzero(data.missing[one])
    seen = np.flatnonzero(~data.missing[one])
    own = np.einsum("ntp,dp->dnt", data.designs[arm, members], draws.beta)
    other = np.einsum("ntp,dp->dnt", data.designs[reference, members], draws.beta)
    means = marginal_means(strategy, own, other, first)
    matrices = draws.covariances
    if draws.same_covariance:
        matrix = matrices[:, 0]
    else:
        matrix = marginal_covariance(strategy, matrices[:, arm], matrices[:, reference], first)
    imputed = means[:, :, absent]
    spread = matrix[:, absent[:, None], absent]
    if len(seen):
        across = matrix[:, seen[:, None], absent]
        slopes = np.linalg.solve(matrix[:, seen[:, None], seen], across)
        imputed = imputed + (data.response[members][:, seen] - means[:, :, seen]) @ slopes
        spread = spread - np.swapaxes(across, -1, -2) @ slopes
    at = np.searchsorted(participant, members)[:, None] + np.arange(len(absent))
    if noise is not None:
        root = np.linalg.cholesky(spread)
        imputed = imputed + noise[:, at] @ np.swapaxes(root, -1, -2)
    values[:, at] = imputed


def _cells(draws: Draws, events: Events) -> list[np.ndarray]:
    import numpy as np

    data = draws.data
    cells: dict[tuple[int, int, Strategy, bytes], list[int]] = {}
    for i in np.flatnonzero(data.missing.any(axis=1)):
        key = (
            int(data.arm[i]), int(events.first[i]), events.strategies[i], data.missing[i].tobytes()
        )  # fmt: skip
        cells.setdefault(key, []).append(int(i))
    return [np.array(members) for members in cells.values()]


def _require_same_model(draws: Draws, events: Events) -> None:
    import numpy as np

    data = draws.data
    after = np.arange(len(data.visits))[None, :] >= events.first[:, None]
    wanted = ~data.missing & ~(after & events.changes_the_model[:, None])
    changed = int((wanted != data.modelled).any(axis=1).sum())
    if changed:
        raise ArgumentError(
            f"{changed} participant(s) have values after their event",
            where="strategy",
            rule="Such values inform the imputation model under MAR only, and the parameters were "
            "drawn under another strategy",
            remedy="Give the strategy to draw(…)",
        )


def _references(
    reference: str | Mapping[str, str] | None, events: Events, draws: Draws
) -> dict[str, str]:
    arms = draws.data.arm_levels
    if reference is None:
        if any(strategy.uses_reference for strategy in events.strategies):
            raise ArgumentError(
                "no reference arm",
                where="reference",
                rule="A strategy refers to it: "
                + ", ".join(sorted({s.word for s in events.strategies if s.uses_reference})),
                remedy=f"Name one of the arms: {', '.join(arms)}",
            )
        return {name: name for name in arms}
    if isinstance(reference, str):
        given = dict.fromkeys(arms, reference)
    else:
        given = {**{name: name for name in arms}, **{str(k): str(v) for k, v in reference.items()}}
    unknown = [name for pair in given.items() for name in pair if name not in arms]
    if unknown:
        raise ArgumentError(
            "not an arm",
            where="reference",
            value=", ".join(dict.fromkeys(unknown)),
            rule=f"Arms: {', '.join(arms)}",
        )
    return given


def at_mar(imputations: Imputations) -> Imputations:
    """The same draws imputed as missing at random, by the same random numbers.

    The imputation model stays the one that was fitted, also where values after an event were left
    out of it.
    """
    draws = imputations.draws
    data = replace(
        draws.data,
        events=replace(
            imputations.events, strategies=tuple(Strategy.MAR for _ in imputations.events.first)
        ),
    )
    return impute(replace(draws, data=data))
