"""A map of a protocol: fields varied over a grid, in every scenario, with how often each claim is
made and how well each number is estimated.

A consequence of assumptions, never evidence.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise._version import __version__
from equipoise.design.characteristics import Claim, Quantity, Tally
from equipoise.design.closed_forms import formula_powers
from equipoise.design.operating import (
    SCENARIOS,
    assumed_parts,
    check_arguments,
    kind_of_patients,
    planned_sizes,
    true_values,
)
from equipoise.design.runner import CHUNK, HowToRun, Progress, TrialRun
from equipoise.design.settings import make_settings
from equipoise.design.summaries import Summary, summarise
from equipoise.protocol.changes import Value
from equipoise.protocol.plan import AllocationMethod

if TYPE_CHECKING:
    import polars as pl

    from equipoise.design.data_generators import Patients
    from equipoise.design.judgement import TrialRows
    from equipoise.design.settings import Setting
    from equipoise.design.trial_store import TrialHolder
    from equipoise.design.workers import Bench
    from equipoise.protocol import Protocol


@dataclass(frozen=True, slots=True)
class MapPoint:
    """One setting of a map and what its trials came to.

    Attributes
    ----------
    values
        Varied field → value.
    scenario, scenario_label, meaning
        Name, name as printed, and what holds in it.
    followed
        What changed besides, in words.
    protocol_hash
        Of the protocol with these values.
    sizes
        (arm, participants), the control first.
    claims, quantities
        In the order of the summary's tallies and performances.
    summary
    formulas
        Quantity → power by formula of the test of an estimand alone, where there is one.
    """

    values: Mapping[str, Value]
    scenario: str
    scenario_label: str
    meaning: str
    followed: tuple[str, ...]
    protocol_hash: str
    sizes: tuple[tuple[str, int], ...]
    claims: tuple[Claim, ...]
    quantities: tuple[Quantity, ...]
    summary: Summary
    formulas: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def participants(self) -> int:
        """Planned in all arms."""
        return sum(n for _, n in self.sizes)

    def tally(self, claim: str) -> Tally | None:
        """How often a claim is made, ``headline`` all headline claims; None without it."""
        if claim == HEADLINE:
            return self.summary.joint
        for one, tally in zip(self.claims, self.summary.tallies, strict=True):
            if one.key == claim:
                return tally
        return None


#: Name of the joint event of all headline claims.
HEADLINE = "headline"


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """What a protocol plans, as far as a sheet writes it down.

    Attributes
    ----------
    question
        The full title.
    arms
        (label, share in the ratio), in the order of the protocol.
    allocation
        How participants are allocated, in words.
    listed
        Whether there is a list before the first patient; under minimisation there is none.
    model
        Mechanistic model of the virtual patients; None for statistical ones.
    ending
        What else may end the trial, as a sentence; empty where nothing is planned.
    """

    question: str
    arms: tuple[tuple[str, int], ...]
    allocation: str
    listed: bool
    model: str | None
    ending: str


@dataclass(frozen=True, slots=True)
class DesignMap:
    """How often simulated trials show what is claimed, over a grid of protocols and scenarios.

    Attributes
    ----------
    study, title, protocol_hash
        Of the protocol that was varied.
    seed, trials
        Trial k of every setting is drawn from the streams of (seed, k), k = 0, …, trials - 1.
    software, patients
        Version, and the kind of virtual patients.
    alpha
        Two-sided level.
    varied
        Field → its values.
    assumptions
        (path, text) of what the protocol assumes.
    plan
        Of the protocol that was varied.
    points : tuple of MapPoint
        Values in the order of the grid, scenarios within.
    """

    study: str
    title: str
    protocol_hash: str
    seed: int
    trials: int
    software: str
    patients: str
    alpha: float
    varied: Mapping[str, tuple[Value, ...]]
    assumptions: tuple[tuple[str, str], ...]
    plan: PlannedTrial
    points: tuple[MapPoint, ...]

    @property
    def simulated(self) -> bool:
        """Always: every trial was drawn by a program."""
        return True

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(dict.fromkeys(point.scenario for point in self.points))

    @property
    def table(self) -> pl.DataFrame:
        """One row a setting and claim, the joint event of all headline claims last."""
        import polars as pl

        rows: list[dict[str, object]] = []
        for point in self.points:
            head = _head(point)
            for claim, tally in zip(point.claims, point.summary.tallies, strict=True):
                rows.append(
                    head | {"claim": claim.key, "label": claim.label} | dataclasses.asdict(tally)
                )
            if point.summary.joint is not None:
                named = {"claim": HEADLINE, "label": "All headline claims"}
                rows.append(head | named | dataclasses.asdict(point.summary.joint))
        return pl.DataFrame(rows, infer_schema_length=None).with_columns(origin=pl.lit("SIMULATED"))

    @property
    def estimates(self) -> pl.DataFrame:
        """One row a setting and quantity: mean, SD, bias, coverage; null where not known."""
        import polars as pl

        rows: list[dict[str, object]] = []
        for point in self.points:
            for one, found in zip(point.quantities, point.summary.performances, strict=True):
                rows.append(_head(point) | dataclasses.asdict(one) | dataclasses.asdict(found))
        frame = pl.DataFrame(rows, infer_schema_length=None)
        numbers = [n for n in frame.columns if frame[n].dtype == pl.Float64]
        return frame.with_columns(pl.col(numbers).fill_nan(None), origin=pl.lit("SIMULATED"))

    @property
    def harms(self) -> pl.DataFrame:
        """One row a setting: participants expected to have a serious adverse event."""
        import polars as pl

        return pl.DataFrame(
            [
                _head(point)
                | {"serious": point.summary.serious, "error": point.summary.serious_error}
                for point in self.points
            ],
            infer_schema_length=None,
        ).with_columns(origin=pl.lit("SIMULATED"))

    def point(self, scenario: str, **values: Value) -> MapPoint:
        """The point of a scenario with these values; dots in fields are written as ``__``.

        Raises
        ------
        KeyError
            When there is none, or there are several.
        """
        wanted = {key.replace("__", "."): value for key, value in values.items()}
        found = [
            point
            for point in self.points
            if point.scenario == scenario
            and all(point.values.get(key) == value for key, value in wanted.items())
        ]
        if len(found) != 1:
            raise KeyError((scenario, wanted))
        return found[0]


def _head(point: MapPoint) -> dict[str, object]:
    return {**point.values, "scenario": point.scenario, "participants": point.participants}


def map_characteristics(
    protocol: Protocol,
    vary: Mapping[str, Sequence[Value]],
    trials: int = 1000,
    seed: int = 1,
    *,
    scenarios: Sequence[str] = SCENARIOS,
    patients: Patients = None,
    workers: int | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
    store: str | Path | None = None,
    cluster: str | None = None,
) -> DesignMap:
    """Operating characteristics over a grid of protocols.

    Every combination of the values is a protocol of its own, checked in full; the sizes of strata
    and blocks follow size and ratio (`change_protocol`). Common random numbers: trial k has the
    same streams in every setting.

    Parameters
    ----------
    protocol
        With `assumptions.statistical`, and a control arm.
    vary
        Dotted field → values; a single point, the protocol itself, when empty.
    trials, seed, scenarios, patients, workers, progress, chunk, store, cluster
        As for `operating_characteristics`.

    Raises
    ------
    EquipoiseError
        With every field that does not exist and every combination that the protocol's rules
        refuse; or naming the trial that cannot be simulated or analysed.
    """
    names = tuple([scenarios] if isinstance(scenarios, str) else map(str, scenarios))
    check_arguments(protocol, trials, seed, names, workers, chunk, patients)
    settings = make_settings(protocol, names, vary, patients)
    how = HowToRun(workers, chunk, progress, None if store is None else Path(store), cluster)
    with TrialRun(settings, seed, patients, how) as run:
        holders = run.trials(dict.fromkeys(range(len(settings)), trials))
        points = tuple(
            map_point(run.bench, place, holder, trials) for place, holder in holders.items()
        )
    return DesignMap(
        study=protocol.trial.id,
        title=protocol.trial.short_title,
        protocol_hash=protocol.hash,
        seed=seed,
        trials=trials,
        software=f"equipoise {__version__}",
        patients=kind_of_patients(protocol, points[0].summary.patients),
        alpha=protocol.analysis.alpha,
        varied={field: tuple(values) for field, values in vary.items()},
        assumptions=assumed_parts(protocol),
        plan=_planned(protocol, points[0].summary.patients),
        points=points,
    )


def _planned(protocol: Protocol, patients: str) -> PlannedTrial:
    from equipoise.analysis.planned import allocation_in_words
    from equipoise.analysis.planned_ending import ending_in_words

    mechanism = protocol.assumptions.mechanistic
    return PlannedTrial(
        question=protocol.trial.title,
        arms=tuple((arm.label, arm.ratio) for arm in protocol.arms.values()),
        allocation=allocation_in_words(protocol),
        listed=protocol.randomisation.method is not AllocationMethod.MINIMISATION,
        model=mechanism.model if mechanism is not None and patients == "mechanistic" else None,
        ending=ending_in_words(protocol),
    )


def map_point(bench: Bench, place: int, holder: TrialHolder, trials: int) -> MapPoint:
    """What the trials of a setting came to."""
    from equipoise.design.chunk_analysis import fit_words

    work = bench.work(place)
    setting: Setting = bench.settings[place]
    blocks = holder.blocks(trials)
    first = next(blocks)  # it tells the kind of patients, on which the truth depends

    def rest() -> Iterator[
        TrialRows
    ]:  # the first block tells the kind of patients, on which the truth depends
        yield first
        yield from blocks

    claims = tuple(made.claim for made in work.claims)
    quantities = tuple(made.quantity for made in work.quantities)
    summary = summarise(
        rest(),
        claims,
        quantities,
        tuple(fit.label for fit in work.plan.fits),
        fit_words(),
        true_values(work, statistical=first.patients == "statistical"),
        work.plan.protocol.analysis.alpha,
    )
    return MapPoint(
        values=setting.values,
        scenario=setting.scenario.key,
        scenario_label=setting.scenario.label,
        meaning=setting.scenario.meaning,
        followed=setting.followed,
        protocol_hash=setting.protocol.hash,
        sizes=planned_sizes(setting.protocol),
        claims=claims,
        quantities=quantities,
        summary=summary,
        formulas=formula_powers(work, statistical=first.patients == "statistical"),
    )
