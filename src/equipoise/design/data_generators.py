"""Trials from a user's own function in the place of the virtual patients.

The function is called as `equipoise.simulate` is and gives the records of that trial:
``generate(protocol, seed, scenario=…, trial=…)``. Everything after that is the protocol's own
analysis.
"""

from __future__ import annotations

import hashlib
import inspect
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from equipoise.faults import Fault

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.records import Records

    #: Who the participants of simulated trials are: a kind of virtual patients, a function that
    #: gives their records, or None for the protocol's own kind.
    Patients: TypeAlias = str | Callable[..., Records] | None


@dataclass(frozen=True, slots=True)
class DataGenerator:
    """A user's function.

    Attributes
    ----------
    function
        ``function(protocol, seed, scenario=…, trial=…)`` → records: the same for the same
        arguments, with an allocation, participants in the order of enrolment.
    """

    function: Callable[..., Records]

    @property
    def name(self) -> str:
        """Module and name."""
        module = getattr(self.function, "__module__", "")
        return f"{module}.{getattr(self.function, '__qualname__', repr(self.function))}"

    @property
    def label(self) -> str:
        """As a kind of patients is printed."""
        return f"own generator ({self.name})"

    @property
    def key(self) -> str:
        """Its name and a hash of its source, by which kept trials are known again.

        What the function calls is not in it: who changes that keeps trials elsewhere.
        """
        try:
            source = inspect.getsource(self.function)
        except (OSError, TypeError):
            code = getattr(self.function, "__code__", None)
            source = repr(self.function) if code is None else code.co_code.hex()
        return f"{self.name} {hashlib.sha256(source.encode()).hexdigest()}"

    def records(self, protocol: Protocol, seed: int, scenario: str, trial: int) -> Records:
        """The records of one trial.

        Raises
        ------
        ValueError
            When the function gives something else, or records that no comparison can be made of.
        """
        from equipoise.records import Records

        found = self.function(protocol, seed, scenario=scenario, trial=trial)
        if not isinstance(found, Records):
            raise ValueError(f"{self.name} gave {type(found).__name__}, not Records")
        if not found.manifest.simulated:
            raise ValueError(f"{self.name} gave records whose manifest calls them observed")
        if found.allocation is None:
            raise ValueError(f"{self.name} gave records without an allocation")
        people = set(found.participants["participant"].to_list())
        if people - set(found.allocation["participant"].to_list()):
            raise ValueError(f"{self.name} gave participants without an arm")
        unknown = sorted(set(found.allocation["arm"].to_list()) - set(protocol.arms))
        if unknown:
            raise ValueError(f"{self.name} gave the arm `{unknown[0]}`, which the protocol has not")
        return found


def own_generator(patients: Patients) -> DataGenerator | None:
    """The user's function among what `patients` may be."""
    return DataGenerator(patients) if callable(patients) else None


def kind_asked(patients: Patients) -> str | None:
    """The kind of virtual patients that is asked for; None where none is, or a function is."""
    return None if patients is None or callable(patients) else patients


def generator_faults(patients: Patients, workers: int | None) -> list[Fault]:
    """A function that other processes cannot find."""
    made = own_generator(patients)
    if made is None or workers == 1:
        return []
    try:
        pickle.dumps(made.function)
    except (pickle.PicklingError, AttributeError, TypeError):
        return [
            Fault(
                "generator-not-found",
                "",
                "patients",
                made.name,
                "other processes find a generator by its name: it stands at the top of a module",
                "move it there, or run with workers=1",
            )
        ]
    return []
