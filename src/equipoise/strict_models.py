"""What every part of a protocol or of a rating scale shares: frozen, strict, and refusing
unknown fields."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(dict[K, V]):
    """A dict that cannot be changed once made; it pickles and serialises like a dict."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a plan cannot be changed; load another one")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse  # type: ignore[assignment]
    __ior__ = _refuse  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


def _freeze(value: dict[K, V]) -> dict[K, V]:
    return FrozenDict(value)


Map = Annotated[dict[K, V], AfterValidator(_freeze)]
"""A mapping whose order is part of the plan."""

Int = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
Fraction = Annotated[float, Strict(), Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
"""An identifier: a lower-case letter, then lower-case letters, digits, ``_`` and ``-``."""


class Certainty(StrEnum):
    """How a fact is known."""

    FULL_TEXT = "full text"
    ABSTRACT = "abstract"
    REGISTRY = "registry"
    LABEL = "label"
    PUBLIC_DATA = "public data"
    PUBLIC_PAGE = "public page"
    PRESS = "press"
    RECALLED = "recalled"


class Part(BaseModel):
    """A table of a protocol or of a rating scale."""

    outside_the_hash: ClassVar[frozenset[str]] = frozenset()
    """Fields that are only known once the trial runs: no part of the plan that is hashed."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        allow_inf_nan=False,
        defer_build=True,
    )
