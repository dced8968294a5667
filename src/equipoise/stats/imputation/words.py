"""A word of a vocabulary, as its member."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar

from ..errors import ArgumentError

if TYPE_CHECKING:
    from enum import Enum

_Member = TypeVar("_Member", bound="Enum")


def parse_member(vocabulary: type[_Member], word: object, where: str) -> _Member:
    """The member of `vocabulary` whose first value is `word`.

    Raises
    ------
    ArgumentError
        With the list of valid words and the nearest one.
    """
    if isinstance(word, vocabulary):
        return word
    words = [str(member.value[0]) for member in vocabulary]
    for member in vocabulary:
        if word == member.value[0]:
            return member
    close = difflib.get_close_matches(str(word).lower(), words, n=1)
    raise ArgumentError(
        "unknown word",
        where=where,
        value=word,
        rule=f"Valid: {', '.join(words)}",
        remedy=f"Did you mean {close[0]!r}?" if close else "Use one of these words",
    )
