"""Who had an intercurrent event, from which visit on, and what is assumed after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, StatsError, design_error
from .strategies import Strategy, parse_strategy

if TYPE_CHECKING:
    import numpy as np

_SHOWN = 10


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """One entry a participant.

    Attributes
    ----------
    first : int64 (N,)
        First visit that the event affects; T where there is none.
    strategies : tuple of Strategy
        MAR where there is no event.
    """

    first: np.ndarray
    strategies: tuple[Strategy, ...]

    @property
    def changes_the_model(self) -> np.ndarray:
        """(N,) mask of those whose values after the event do not inform the imputation model."""
        import numpy as np

        return np.array([strategy is not Strategy.MAR for strategy in self.strategies])


def read_events(
    events: Any,
    strategy: str | Strategy | Mapping[str, str | Strategy],
    subject: str,
    visit: str,
    participants: tuple[Any, ...],
    visits: tuple[str, ...],
    arms: tuple[str, ...],
    arm: np.ndarray,
    response: np.ndarray,
) -> Events:
    """Events as given, and for everybody else the start of the last run of missing values.

    Parameters
    ----------
    events : data frame, optional
        Columns `subject`, `visit` (first affected visit) and ``strategy``; at most one row a
        participant.
    strategy : str or mapping of arm to str
        Of the participants who have no row in `events` and whose values are missing to the end.

    Raises
    ------
    DesignError, ArgumentError
    """
    import numpy as np

    size = len(visits)
    by_arm = _strategy_by_arm(strategy, arms)
    seen = ~np.isnan(response)
    last = np.where(seen.any(axis=1), size - np.argmax(seen[:, ::-1], axis=1), 0)
    first = last.astype(np.int64)
    chosen = [
        by_arm[code] if f < size else Strategy.MAR for code, f in zip(arm, first, strict=True)
    ]
    faults: list[StatsError] = []
    if events is not None:
        place = {person: i for i, person in enumerate(participants)}
        named: set[int] = set()
        for person, label, word in _rows(events, subject, visit):
            if person not in place:
                faults.append(
                    StatsError("no such participant", where=f"events, {subject!r}", value=person)
                )
                continue
            if label not in visits:
                faults.append(
                    StatsError(
                        "no such visit",
                        where=f"events, participant {person}",
                        value=label,
                        rule=f"Visits: {', '.join(visits)}",
                    )
                )
                continue
            i = place[person]
            if i in named:
                faults.append(
                    StatsError(
                        "a participant stands twice",
                        where="events",
                        value=person,
                        rule="At most one event a participant",
                    )
                )
            named.add(i)
            first[i] = visits.index(label)
            try:
                chosen[i] = parse_strategy(word, f"events, participant {person}")
            except ArgumentError as error:
                faults.append(error)
    if faults:
        raise design_error(faults)
    result = Events(first, tuple(chosen))
    require_possible(result, participants, visits)
    return result


def with_strategy(
    events: Events,
    strategy: str | Strategy | Mapping[str, str | Strategy],
    arms: tuple[str, ...],
    arm: np.ndarray,
    n_visits: int,
) -> Events:
    """The same events under another strategy."""
    by_arm = _strategy_by_arm(strategy, arms)
    chosen = tuple(
        by_arm[code] if first < n_visits else Strategy.MAR
        for code, first in zip(arm, events.first, strict=True)
    )
    return replace(events, strategies=chosen)


def require_possible(
    events: Events, participants: tuple[Any, ...], visits: tuple[str, ...]
) -> None:
    """Refuse a last mean where no visit lies before the event."""
    stranded = [
        str(person)
        for person, first, strategy in zip(
            participants, events.first, events.strategies, strict=True
        )
        if strategy is Strategy.LAST_MEAN_CARRIED_FORWARD and first == 0
    ]
    if stranded:
        raise design_error(
            [
                StatsError(
                    f"no visit lies before the event: {', '.join(stranded[:_SHOWN])}"
                    + (f" and {len(stranded) - _SHOWN} more" if len(stranded) > _SHOWN else ""),
                    where=f"strategy {Strategy.LAST_MEAN_CARRIED_FORWARD.word!r}",
                    rule=f"There must be a mean to carry forward: an event after {visits[0]!r}",
                    remedy="Give these participants another strategy in events",
                )
            ]
        )


def _strategy_by_arm(
    strategy: str | Strategy | Mapping[str, str | Strategy], arms: tuple[str, ...]
) -> list[Strategy]:
    if isinstance(strategy, Mapping):
        unknown = [str(name) for name in strategy if str(name) not in arms]
        if unknown:
            raise ArgumentError(
                "not an arm",
                where="strategy",
                value=", ".join(unknown),
                rule=f"Arms: {', '.join(arms)}",
            )
        given = {str(name): word for name, word in strategy.items()}
        return [parse_strategy(given.get(name, Strategy.MAR)) for name in arms]
    return [parse_strategy(strategy)] * len(arms)


def _rows(events: Any, subject: str, visit: str) -> list[tuple[Any, str, Any]]:
    import narwhals as nw

    try:
        frame = nw.from_native(events, eager_only=True)
    except TypeError:
        raise ArgumentError(
            "not a data frame", where="events", value=type(events).__name__
        ) from None
    lacking = [name for name in (subject, visit, "strategy") if name not in frame.columns]
    if lacking:
        raise ArgumentError(
            f"no column {', '.join(map(repr, lacking))}",
            where="events",
            rule=f"Columns: {subject!r}, {visit!r} (the first affected visit) and 'strategy'",
        )
    people, labels, words = (frame[name].to_list() for name in (subject, visit, "strategy"))
    texts = [
        str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)
        for label in labels
    ]
    return list(zip(people, texts, words, strict=True))
