"""Random streams: one a seed, a purpose and a trial.

Philox is counter-based: the stream of trial 17 is found without drawing those of trials
0-16, so that a result does not depend on how the work was divided.
Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3. SC11 (2011).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from equipoise.faults import single

if TYPE_CHECKING:
    import numpy as np

#: Seeds are non-negative and below this.
SEED_LIMIT = 2**128


def check_seed(seed: object) -> None:
    """Refuse what is no seed.

    Raises
    ------
    EquipoiseError
        Unless the seed is a whole number, 0 ≤ seed < 2¹²⁸. The value is not quoted: it may be
        a secret with a slip of the pen.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEED_LIMIT:
        raise single(
            "Nothing is drawn",
            code="seed-invalid",
            field="seed",
            rule="a seed is a whole number from 0 to 2**128 - 1",
            remedy="give for example 1",
        )


def check_trial(trial: int) -> None:
    """Refuse what is no index of a trial.

    Raises
    ------
    EquipoiseError
        Unless 0 ≤ trial < 2⁶⁴.
    """
    if not 0 <= trial < 2**64:
        raise single(
            "Nothing is drawn",
            code="trial-invalid",
            field="trial",
            value=str(trial),
            rule="a trial's index is a whole number from 0 to 2**64 - 1",
            remedy="give for example 0",
        )


def stream(seed: int, purpose: str, trial: int = 0) -> np.random.Generator:
    """The generator of one purpose in one trial.

    Parameters
    ----------
    seed
        0 ≤ seed < 2¹²⁸.
    purpose
        What is drawn: ``"allocation"``, ``"scores"``, … Streams of two purposes share nothing.
    trial
        Index of the simulated trial, 0 ≤ trial < 2⁶⁴.

    Raises
    ------
    EquipoiseError
        When the seed or the trial is outside its range.
    """
    import numpy as np

    check_seed(seed)
    check_trial(trial)
    counter = np.array([0, 0, trial, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=_key(seed, purpose), counter=counter))


class TrialStreams:
    """The streams of one trial after another, for who draws thousands of them.

    `stream` makes a generator each time; here each purpose keeps one, set to the beginning of
    its stream when asked for: the same numbers, sooner. What was given for the trial before is
    then no longer valid, and one object serves one thread.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[
            tuple[str, int], tuple[np.random.Philox, np.random.Generator, dict[str, Any]]
        ] = {}

    def streams(self, seed: int, purpose: str, trials: Sequence[int]) -> list[np.random.Generator]:
        """Those of one purpose in several trials, all of them valid together."""
        return [self.stream(seed, purpose, trial, place) for place, trial in enumerate(trials)]

    def stream(self, seed: int, purpose: str, trial: int, place: int = 0) -> np.random.Generator:
        """As the function `stream`, of a seed and a trial that are valid.

        The generators of one purpose at different places are valid side by side.
        """
        import numpy as np

        kept = self._kept.get((purpose, place))
        if kept is None:
            generator = stream(seed, purpose, trial)
            source = generator.bit_generator
            assert isinstance(source, np.random.Philox)
            self._kept[purpose, place] = (source, generator, dict(source.state))
            return generator
        source, generator, state = kept
        counter = np.array([0, 0, trial, 0], dtype=np.uint64)
        state["state"] = {"counter": counter, "key": _key(seed, purpose)}
        source.state = state  # type: ignore[assignment]
        return generator


@lru_cache(maxsize=256)
def _key(seed: int, purpose: str) -> np.ndarray:
    """(2,) the key of a stream: the same for all trials of a seed."""
    import numpy as np

    digest = hashlib.sha256(f"equipoise/{purpose}/{seed}".encode()).digest()
    key = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
    key.flags.writeable = False
    return key
