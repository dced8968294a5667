"""The generators of several trials, asked as if they were one.

What is drawn of a trial is drawn of its own stream, in the order in which it is drawn of that
trial alone; the arithmetic that follows is done for all trials at once. So a trial is the same,
bit for bit, whatever the company in which it is simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    #: What participants are drawn from: the generator of one trial, or of several.
    Draws: TypeAlias = "np.random.Generator | TrialGenerators"


class TrialGenerators:
    """Generators of B trials of N participants each, whose rows lie one trial after the other.

    Has those methods of `numpy.random.Generator` that the simulation uses; a size begins with
    the B * N rows. `in_columns` and `random_where` are for the two shapes that do not.
    """

    __slots__ = ("generators", "rows")

    def __init__(self, generators: Sequence[np.random.Generator], rows: int) -> None:
        self.generators = tuple(generators)
        self.rows = rows

    def random(self, size: int | tuple[int, ...]) -> np.ndarray:
        """Uniform on [0, 1)."""
        out = self._empty(size)
        for generator, part in zip(self.generators, out, strict=True):
            generator.random(out=part)
        return out.reshape(size)

    def standard_normal(self, size: int | tuple[int, ...]) -> np.ndarray:
        """Standard normal."""
        out = self._empty(size)
        for generator, part in zip(self.generators, out, strict=True):
            generator.standard_normal(out=part)
        return out.reshape(size)

    def normal(self, loc: float, scale: float, size: int | tuple[int, ...]) -> np.ndarray:
        """Normal with this mean and SD."""
        out = self._empty(size)
        for generator, part in zip(self.generators, out, strict=True):
            part[...] = generator.normal(loc, scale, size=part.shape)
        return out.reshape(size)

    def integers(self, low: int, high: int, size: int) -> np.ndarray:
        """Whole numbers from `low` to `high` - 1."""
        import numpy as np

        self._empty(size)
        return np.concatenate([g.integers(low, high, size=self.rows) for g in self.generators])

    def permutation(self, rows: int) -> np.ndarray:
        """(B * N,) indices of rows, those of each trial permuted among themselves."""
        import numpy as np

        self._empty(rows)
        each = [g.permutation(self.rows) for g in self.generators]
        return np.concatenate([one + k * self.rows for k, one in enumerate(each)])

    def in_columns(self, method: str, shape: tuple[int, ...]) -> np.ndarray:
        """(k, B * N, …): k draws of one shape after the other, of every trial."""
        import numpy as np

        k, rows, *rest = shape
        self._empty(rows)
        out = np.empty((k, len(self.generators), self.rows, *rest))
        part = np.empty((k, self.rows, *rest))
        for place, generator in enumerate(self.generators):
            getattr(generator, method)(out=part)
            out[:, place] = part
        return out.reshape(shape)

    def random_where(self, mask: np.ndarray) -> np.ndarray:
        """Uniform numbers for the True cells of a (B * N, …) mask, row by row."""
        import numpy as np

        each = mask.reshape(len(self.generators), -1).sum(axis=1).tolist()
        return np.concatenate(
            [
                generator.random(count)
                for generator, count in zip(self.generators, each, strict=True)
            ]
        )

    def _empty(self, size: int | tuple[int, ...]) -> np.ndarray:
        import numpy as np

        rows, *rest = (size,) if isinstance(size, int) else size
        if rows != len(self.generators) * self.rows:
            message = f"{rows} rows asked of {len(self.generators)} trials of {self.rows}"
            raise ValueError(message)
        return np.empty((len(self.generators), self.rows, *rest))


def in_columns(generator: Draws, method: str, shape: tuple[int, ...]) -> np.ndarray:
    """(k, rows, …) of one trial's generator, or of several."""
    if isinstance(generator, TrialGenerators):
        return generator.in_columns(method, shape)
    return getattr(generator, method)(shape)


def random_where(generator: Draws, mask: np.ndarray) -> np.ndarray:
    """Uniform numbers for the True cells of a mask, of one trial's generator or of several."""
    if isinstance(generator, TrialGenerators):
        return generator.random_where(mask)
    return generator.random(int(mask.sum()))
