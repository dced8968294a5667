"""What trials are simulated under: a protocol with some values, in a scenario."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from equipoise.design.data_generators import kind_asked, own_generator
from equipoise.design.scenarios import NamedScenario, choose_scenarios
from equipoise.faults import EquipoiseError, Fault
from equipoise.protocol.changes import ChangedProtocol, change_protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from equipoise.design.allocation_measures import AllocationAsked
    from equipoise.design.data_generators import Patients
    from equipoise.design.interim_looks import InterimLooks
    from equipoise.protocol import Protocol
    from equipoise.protocol.changes import Value

#: The field that a scenario's share of enrolled participants changes.
SIZE = "population.size"

#: The field that the looks of a plan are held to.
INFORMATION = "analysis.interim.information"


@dataclass(frozen=True, slots=True)
class Setting:
    """One cell of a map: trials are drawn and analysed under it.

    Attributes
    ----------
    values
        Varied field → value.
    scenario
    protocol
        With those values and the scenario's changes: what is simulated and analysed.
    followed
        What changed besides, in words.
    looks
        Interim looks at which effects are kept besides; None without any.
    allocation
        What is kept of the allocation besides; None: nothing.
    """

    values: Mapping[str, Value]
    scenario: NamedScenario
    protocol: Protocol
    followed: tuple[str, ...] = field(default=())
    looks: InterimLooks | None = None
    allocation: AllocationAsked | None = None

    @property
    def name(self) -> str:
        """Values and scenario in words."""
        said = [f"{key} = {value}" for key, value in self.values.items()]
        return ", ".join([*said, f"scenario {self.scenario.key}"])

    def key(self, seed: int, patients: Patients, software: str) -> str:
        """Hash of everything that the numbers of its trials depend on."""
        own = own_generator(patients)
        whole: dict[str, object] = {
            "protocol": self.protocol.hash,
            "base": str(self.scenario.base),
            "patients": patients if own is None else own.key,
            "seed": seed,
            "software": software,
        }
        if self.looks is not None:
            whole["looks"] = [self.looks.estimand, *self.looks.shares]
        if self.allocation is not None:
            whole["allocation"] = [self.allocation.estimand, self.allocation.draws]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def make_settings(
    protocol: Protocol,
    scenarios: Sequence[str],
    vary: Mapping[str, Sequence[Value]] | None = None,
    patients: Patients = None,
) -> tuple[Setting, ...]:
    """Every combination of the values, in every scenario.

    Raises
    ------
    EquipoiseError
        With every field that does not exist, empty list, combination that the protocol's rules
        refuse, and unknown scenario.
    """
    grid = dict(vary or {})
    _check_grid(grid)
    points = [dict(zip(grid, point, strict=True)) for point in itertools.product(*grid.values())]
    return settings_at(protocol, scenarios, points, patients)


def settings_at(
    protocol: Protocol,
    scenarios: Sequence[str],
    points: Sequence[Mapping[str, Value]],
    patients: Patients = None,
) -> tuple[Setting, ...]:
    """These points, in every scenario.

    Raises
    ------
    EquipoiseError
        With every fault of the scenarios and of the points.
    """
    chosen = choose_scenarios(protocol, scenarios, kind_asked(patients))
    faults: list[Fault] = []
    found: list[Setting] = []

    def changed(make: Callable[[], ChangedProtocol]) -> ChangedProtocol | None:
        try:
            return make()
        except EquipoiseError as error:
            faults.extend(fault for fault in error.faults if fault not in faults)
            return None

    for point in points:
        base = changed(lambda point=point: change_protocol(protocol, point))
        if base is None:
            continue
        for scenario in chosen:
            extra = dict(scenario.changes)
            if scenario.enrolled < 1.0 and SIZE not in extra:
                least = len(base.protocol.arms)
                size = round(scenario.enrolled * base.protocol.population.size)
                extra[SIZE] = max(least, size)
                interim = base.protocol.analysis.interim
                again = base.protocol.analysis.reestimation
                if again is not None:  # fewer can be had at the most, too
                    most = max(least, round(scenario.enrolled * again.maximum))
                    extra.setdefault("analysis.reestimation.maximum", most)
                if interim is not None:  # what was planned stays planned
                    extra.setdefault(INFORMATION, interim.information)
            made = changed(lambda base=base, extra=extra: change_protocol(base.protocol, extra))
            if made is not None:
                followed = (*base.followed, *made.followed)
                found.append(Setting(point, scenario, made.protocol, followed))
    if faults:
        raise EquipoiseError("The trials are not run", faults)
    return tuple(found)


def _check_grid(grid: Mapping[str, Sequence[Value]]) -> None:
    faults = [
        Fault(
            "grid-empty",
            "",
            key,
            "",
            "at least one value, each once",
            "give values like 24,36,48 or a range like 24:96:12",
        )
        for key, values in grid.items()
        if not len(values) or len(set(map(repr, values))) < len(values)
    ]
    if faults:
        raise EquipoiseError("The trials are not run", faults)
