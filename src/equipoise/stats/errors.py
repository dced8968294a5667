"""The errors of the numerical methods: what, where, which value, the rule, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .convergence import Convergence, Outcome


class StatsError(ValueError):
    """A fault in what was given to a statistical method.

    Parameters
    ----------
    what : str
        What is wrong, in one clause.
    where : str, optional
        The argument, column or piece of the formula that it concerns.
    value : object, optional
        The offending value; quoted with ``repr`` unless it is a string that is already prose.
    rule : str, optional
        The rule that it breaks.
    remedy : str, optional
        What to do about it.
    """

    def __init__(
        self, what: str, *, where: str = "", value: object = None, rule: str = "", remedy: str = ""
    ) -> None:
        self.what = what
        self.where = where
        self.value = value
        self.rule = rule
        self.remedy = remedy
        super().__init__(self._message())

    def _message(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        if self.value is not None:
            head += f" (got {self.value!r})"
        parts = [head, self.rule, self.remedy]
        return " ".join(part if part.endswith((".", "?")) else part + "." for part in parts if part)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), dict(self.__dict__), self.args))


class ArgumentError(StatsError):
    """An argument outside its vocabulary or its range."""


class FormulaError(StatsError):
    """A model formula that breaks the whitelist; nothing of it was evaluated."""


class DesignError(StatsError):
    """Data or a design on which the model cannot be fitted.

    Attributes
    ----------
    faults : tuple of StatsError
        Every fault that was found; the message lists them all.
    outcome : Outcome or None
        ``Outcome.SEPARATED_VISITS`` where the visits cannot carry the covariance.
    """

    faults: tuple[StatsError, ...] = ()
    outcome: Outcome | None = None


class ConvergenceError(StatsError):
    """A fit without a valid optimum: it is never reported as a result.

    Attributes
    ----------
    convergence : Convergence or None
        The state in which the optimiser stopped.
    """

    convergence: Convergence | None = None


def design_error(faults: Sequence[StatsError]) -> DesignError:
    """One error that lists all `faults`; a single fault keeps its own fields."""
    if len(faults) == 1:
        only = faults[0]
        error = DesignError(
            only.what, where=only.where, value=only.value, rule=only.rule, remedy=only.remedy
        )
    else:
        listing = "\n".join(f"  {i}. {fault}" for i, fault in enumerate(faults, 1))
        error = DesignError(f"the model cannot be fitted to these data: {len(faults)} faults")
        error.args = (f"{error.what}:\n{listing}",)
    error.faults = tuple(faults)
    return error


def _rebuild(cls: type[StatsError], state: dict[str, object], args: tuple[object, ...]) -> object:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    error.args = args
    return error
