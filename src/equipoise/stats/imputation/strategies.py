"""What is assumed of the values after an intercurrent event: one strategy, one distribution.

Carpenter JR, Roger JH, Kenward MG (2013) J Biopharm Stat 23:1352–1371, sections 4 and 5.
"""

from __future__ import annotations

import difflib
from enum import Enum
from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np


class Strategy(Enum):
    """Distribution of a participant's values from the first visit that the event affects.

    Each member holds its word, the short word of rbmi and of the "five macros", and its label.
    """

    MAR = ("mar", "MAR", "missing at random: as others of the own arm")
    JUMP_TO_REFERENCE = (
        "jump-to-reference",
        "JR",
        "jump to reference: the mean of the reference arm from the event on",
    )
    COPY_REFERENCE = (
        "copy-reference",
        "CR",
        "copy reference: as if in the reference arm from the start",
    )
    COPY_INCREMENTS = (
        "copy-increments",
        "CIR",
        "copy increments in reference: from the event on parallel to the reference arm",
    )
    LAST_MEAN_CARRIED_FORWARD = (
        "last-mean",
        "LMCF",
        "last mean carried forward: the own arm's mean stays where it was before the event",
    )

    def __init__(self, word: str, short: str, label: str) -> None:
        self.word = word
        self.short = short
        self.label = label

    @property
    def uses_reference(self) -> bool:
        """Whether the reference arm enters."""
        return self not in (Strategy.MAR, Strategy.LAST_MEAN_CARRIED_FORWARD)


def parse_strategy(word: object, where: str = "strategy") -> Strategy:
    """The strategy that `word` names: its word or its short word, in any case.

    Raises
    ------
    ArgumentError
        With the list of valid words and the nearest one.
    """
    if isinstance(word, Strategy):
        return word
    wanted = str(word).lower()
    for member in Strategy:
        if wanted in (member.word, member.short.lower()):
            return member
    words = [member.word for member in Strategy]
    close = difflib.get_close_matches(wanted, words, n=1)
    raise ArgumentError(
        "unknown word",
        where=where,
        value=word,
        rule="Valid: " + ", ".join(f"{m.word} ({m.short})" for m in Strategy),
        remedy=f"Did you mean {close[0]!r}?" if close else "Use one of these words",
    )


def marginal_means(
    strategy: Strategy, own: np.ndarray, reference: np.ndarray, event: int
) -> np.ndarray:
    """Means of the distribution that is assumed.

    Parameters
    ----------
    strategy : Strategy
    own, reference : (…, T)
        Means at the participant's covariates in the own and in the reference arm.
    event : int
        First affected visit, 0 to T; T where there is none.

    Returns
    -------
    (…, T) array
    """
    size = own.shape[-1]
    if event >= size or strategy is Strategy.MAR:
        return own
    if strategy is Strategy.COPY_REFERENCE:
        return reference
    means = own.copy()
    if strategy is Strategy.LAST_MEAN_CARRIED_FORWARD:
        means[..., event:] = own[..., event - 1, None]
        return means
    means[..., event:] = reference[..., event:]
    if strategy is Strategy.COPY_INCREMENTS and event > 0:
        means[..., event:] += (own[..., event - 1] - reference[..., event - 1])[..., None]
    return means


def marginal_covariance(
    strategy: Strategy, own: np.ndarray, reference: np.ndarray, event: int
) -> np.ndarray:
    """Covariance of the distribution that is assumed.

    Before the event it is the own arm's; the regression of what follows on what went before, and
    the spread about it, are the reference arm's (Carpenter, Roger and Kenward 2013, section 4.2).

    Parameters
    ----------
    own, reference : (…, T, T)
    event : int

    Returns
    -------
    (…, T, T) array
    """
    import numpy as np

    size = own.shape[-1]
    if event >= size or not strategy.uses_reference:
        return own
    if strategy is Strategy.COPY_REFERENCE or event == 0 or own is reference:
        return reference
    before, after = slice(0, event), slice(event, size)
    slopes = np.swapaxes(
        np.linalg.solve(reference[..., before, before], reference[..., before, after]), -1, -2
    )
    difference = own[..., before, before] - reference[..., before, before]
    patched = reference.copy()
    patched[..., before, before] = own[..., before, before]
    patched[..., after, before] = slopes @ own[..., before, before]
    patched[..., before, after] = np.swapaxes(patched[..., after, before], -1, -2)
    patched[..., after, after] += slopes @ difference @ np.swapaxes(slopes, -1, -2)
    return patched
