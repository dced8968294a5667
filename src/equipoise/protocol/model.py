"""The protocol as one frozen value, and its hash."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, Field, PrivateAttr, model_validator

from equipoise.instruments import Instrument
from equipoise.protocol.assumptions import Assumptions
from equipoise.protocol.base import Key, Map, Part, Text
from equipoise.protocol.endpoint_sources import MEASUREMENT_TABLES, follow_up_visits, source_of
from equipoise.protocol.exposures_and_imaging import Exposure, Imaging
from equipoise.protocol.intercurrent import RecordedEvent
from equipoise.protocol.measurements import (
    CellPopulation,
    InstrumentUse,
    Lab,
    Safety,
    VitalSign,
)
from equipoise.protocol.plan import (
    Arm,
    Conduct,
    Design,
    Population,
    Provenance,
    Randomisation,
    ReportOptions,
    Role,
    Source,
    Trial,
    Visit,
)
from equipoise.protocol.questions import Analysis, Endpoint, Estimand, EstimandRole
from equipoise.protocol.reporting import Reporting
from equipoise.protocol.scales import parts_of, scale_of, with_all_items
from equipoise.toml_faults import refuse_inconsistencies

if TYPE_CHECKING:
    from equipoise.protocol.lock import Lock


class Protocol(Part):
    """The plan of a trial. Every stage reads from it and from nothing else.

    A protocol that exists is consistent: references resolve, formulas are whitelisted,
    block sizes fit the ratio. `hash` identifies the plan in results, report and lists.
    """

    format: Literal[1] = Field(description="Version of the protocol format")
    trial: Trial = Field(description="What the trial is")
    sources: Map[Key, Source] = Field({}, description="Published sources by key")
    provenance: Map[Text, Provenance] = Field({}, description="Dotted field → where it comes from")
    arms: Map[Key, Arm] = Field(min_length=1, description="Arms by key")
    randomisation: Randomisation = Field(description="How participants are allocated")
    population: Population = Field(description="Who takes part")
    visits: tuple[Visit, ...] = Field(min_length=2, description="Visits in the order of their days")
    instruments: Map[Key, InstrumentUse] = Field({}, description="Rating scales by key")
    scales: Map[Key, Instrument] = Field(
        {}, description="Rating scales of one's own, by the name that instruments use"
    )
    cells: Map[Key, CellPopulation] = Field({}, description="Cell populations by key")
    labs: Map[Key, Lab] = Field({}, description="Laboratory values by key")
    vitals: Map[Key, VitalSign] = Field({}, description="Vital signs by key")
    exposures: Map[Key, Exposure] = Field({}, description="Exposures by key")
    imaging: Map[Key, Imaging] = Field({}, description="Imaging values by key")
    endpoints: Map[Key, Endpoint] = Field(min_length=1, description="Endpoints by key")
    intercurrent_events: Map[Key, RecordedEvent] = Field(
        {}, description="Intercurrent events and where the records show them"
    )
    estimands: Map[Key, Estimand] = Field(
        min_length=1, description="Estimands by key, in the order of testing"
    )
    analysis: Analysis = Field(description="The analysis that is fixed beforehand")
    safety: Safety = Field(
        default_factory=Safety,  # type: ignore[arg-type]
        description="Harms that the report always answers for",
    )
    conduct: Conduct = Field(
        default_factory=Conduct,  # type: ignore[arg-type]
        description="Rules for the data of the trial",
    )
    assumptions: Assumptions = Field(
        default_factory=Assumptions,  # type: ignore[arg-type]
        description="What simulation needs",
    )
    report: ReportOptions = Field(
        default_factory=ReportOptions,  # type: ignore[arg-type]
        description="What the report may show",
    )
    reporting: Reporting = Field(
        default_factory=Reporting,  # type: ignore[arg-type]
        description="What CONSORT, SPIRIT and TIDieR ask for besides",
    )

    _home: Path | None = PrivateAttr(None)
    """Folder of the file it was read from: its lock stands there."""

    @model_validator(mode="before")
    @classmethod
    def _all_items(cls, data: Any) -> Any:
        return with_all_items(data)

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        from equipoise.protocol.consistency import inconsistencies

        found = inconsistencies({name: getattr(self, name) for name in type(self).model_fields})
        refuse_inconsistencies(found)
        return self

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the canonical form: what is planned, whatever the layout of the file."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values. They are **not** checked; the copy has a hash of its own.

        It keeps its place beside the lock, which holds for the copy only while its plan is the
        locked one. Locking checks a copy in full.
        """
        copy = super().model_copy(update=update, deep=deep)
        vars(copy).pop("hash", None)
        return copy

    def at(self, folder: Path) -> Protocol:
        """This protocol, known to stand in a study's folder."""
        self._home = folder
        return self

    def lock(self, folder: str | Path, reason: str | None = None) -> Lock:
        """Write ``protocol.lock`` into a study's folder: hash, time, amendments so far.

        Parameters
        ----------
        reason
            Why the plan was amended; required when another plan is locked there.

        Raises
        ------
        EquipoiseError
            When this is a copy that is not consistent, an amendment has no reason, the lock
            there is damaged, another locking is under way, or it cannot be written.
        """
        from equipoise.protocol.lock import write_lock

        lock = write_lock(self, folder, reason)
        self.at(Path(folder))
        return lock

    def lock_in_force(self) -> Lock | None:
        """The lock beside the file that this protocol was read from; None without one.

        Raises
        ------
        EquipoiseError
            When the lock is damaged.
        """
        from equipoise.protocol.lock import read_lock

        return None if self._home is None else read_lock(self._home)

    def canonical(self) -> str:
        """The canonical form: JSON, fields sorted by name, defaults left out.

        The order of mappings (arms, visits, endpoints) is part of the plan and is kept.
        """
        return json.dumps(_canonical(self), ensure_ascii=False, separators=(",", ":"))

    @property
    def single_arm(self) -> bool:
        """Whether there is one arm and nothing to compare it with."""
        return self.trial.design is Design.SINGLE_ARM

    @property
    def control(self) -> str:
        """Key of the control arm.

        Raises
        ------
        LookupError
            In a single-arm trial, which has none.
        """
        for key, arm in self.arms.items():
            if arm.role is Role.CONTROL:
                return key
        raise LookupError("a single-arm trial has no control arm")

    @property
    def active_arms(self) -> tuple[str, ...]:
        """Keys of the active arms, in the order of the protocol."""
        return tuple(key for key, arm in self.arms.items() if arm.role is Role.ACTIVE)

    @property
    def arm_order(self) -> tuple[str, ...]:
        """Keys of the arms, the control first: the order of factor levels."""
        return self.active_arms if self.single_arm else (self.control, *self.active_arms)

    @property
    def baseline(self) -> Visit:
        """The baseline visit."""
        return next(visit for visit in self.visits if visit.baseline)

    @property
    def follow_up(self) -> tuple[Visit, ...]:
        """The visits after baseline, in order."""
        return tuple(visit for visit in self.visits if not visit.baseline)

    def visit(self, key: str) -> Visit:
        """The visit with this id.

        Raises
        ------
        KeyError
            When no visit has the id.
        """
        for visit in self.visits:
            if visit.id == key:
                return visit
        raise KeyError(key)

    def scale(self, instrument: str) -> Instrument:
        """The rating scale of an instrument: the library's, or one of the protocol's own.

        Raises
        ------
        KeyError
            When the protocol has no such instrument.
        """
        scale = scale_of(self.scales, self.instruments[instrument].scale)
        assert scale is not None  # a protocol that exists is consistent
        return scale

    def parts(self, instrument: str) -> tuple[str, ...]:
        """What the records hold of an instrument: ``total``, numbers of items, subscales.

        Raises
        ------
        KeyError
            When the protocol has no such instrument.
        """
        return parts_of(self.instruments[instrument], self.scale(instrument))

    @property
    def primary(self) -> tuple[str, Estimand]:
        """Key and text of the one primary estimand."""
        return next((key, e) for key, e in self.estimands.items() if e.role is EstimandRole.PRIMARY)

    @property
    def strata(self) -> tuple[str, ...]:
        """Labels of all strata; ``("all",)`` without stratification."""
        labels: list[tuple[str, ...]] = [()]
        for name in self.randomisation.strata:
            levels = self.population.covariates[name].levels
            labels = [(*label, level) for label in labels for level in levels]
        return tuple(" / ".join(label) if label else "all" for label in labels)

    def endpoint_visits(self, endpoint: str) -> tuple[str, ...]:
        """Ids of the visits after baseline at which the endpoint's measurement is planned."""
        tables = {name: getattr(self, name) for name in ("visits", *MEASUREMENT_TABLES)}
        return follow_up_visits(tables, self.endpoints[endpoint])

    def measured(self, endpoint: str) -> Any:
        """The entry of `instruments`, `cells`, `labs`, … that an endpoint names."""
        point = self.endpoints[endpoint]
        source = source_of(point)
        return getattr(self, source.table)[getattr(point, source.field)]

    def unit_of(self, endpoint: str) -> str:
        """Unit of an endpoint's values."""
        point = self.endpoints[endpoint]
        return source_of(point).unit_of(point, self.measured(endpoint))

    def reveals_arm(self, endpoint: str) -> bool:
        """Whether the endpoint's measurement can give the arm away."""
        return bool(getattr(self.measured(endpoint), "unblinding", False))


def _canonical(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        outside = value.outside_the_hash if isinstance(value, Part) else frozenset()
        found = {
            name: _canonical(getattr(value, name))
            for name in sorted(fields)
            if name not in outside
            and getattr(value, name) != fields[name].get_default(call_default_factory=True)
        }
        # A table of nothing but what stands outside the hash is no part of the plan either.
        return {name: part for name, part in found.items() if part != {}}
    if isinstance(value, Mapping):
        return [[key, _canonical(item)] for key, item in value.items()]
    if isinstance(value, tuple):
        return [_canonical(item) for item in value]
    return value
