"""The smallest protocol of its kind with a wanted power: one field is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from equipoise._version import __version__
from equipoise.design.characteristics import MADE
from equipoise.design.data_generators import kind_asked
from equipoise.design.design_map import HEADLINE, MapPoint, map_point
from equipoise.design.operating import assumed_parts, check_arguments, kind_of_patients
from equipoise.design.runner import CHUNK, HowToRun, Progress, TrialRun
from equipoise.design.scenarios import choose_scenarios
from equipoise.design.settings import SIZE, settings_at
from equipoise.design.size_search import SizeFound, search_size
from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.patients import Scenario
from equipoise.protocol.changes import value_at

if TYPE_CHECKING:
    from equipoise.design.data_generators import Patients
    from equipoise.design.trial_store import TrialHolder
    from equipoise.protocol import Protocol

#: How far a search goes by itself: so many times what the protocol plans.
FURTHEST = 10
#: The most values that are admitted.
_MOST = 2000


@dataclass(frozen=True, slots=True)
class FoundSize:
    """The answer to “how many?”, with what it rests on.

    Attributes
    ----------
    study, title, protocol_hash, seed, software, patients, assumptions
        As of `DesignMap`.
    field, planned
        What was searched, and its value in the protocol.
    claim, claim_label, rule
        Whose power was wanted.
    scenario, scenario_label, meaning
        In which world.
    found
        Answer, interval, every size with its trials.
    points
        The trials of the answer, and of the admissible size below it; empty without an answer.
    """

    study: str
    title: str
    protocol_hash: str
    seed: int
    software: str
    patients: str
    assumptions: tuple[tuple[str, str], ...]
    field: str
    planned: object
    claim: str
    claim_label: str
    rule: str
    scenario: str
    scenario_label: str
    meaning: str
    found: SizeFound
    points: tuple[MapPoint, ...]

    @property
    def simulated(self) -> bool:
        """Always: every trial was drawn by a program."""
        return True


def find_size(
    protocol: Protocol,
    field: str = SIZE,
    power: float = 0.9,
    claim: str | None = None,
    *,
    between: Sequence[float] | None = None,
    scenario: str = Scenario.PLANNED,
    seed: int = 1,
    most_trials: int = 20_000,
    patients: Patients = None,
    workers: int | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
    store: str | Path | None = None,
    cluster: str | None = None,
) -> FoundSize:
    """The smallest value of a field at which a claim is made often enough.

    Parameters
    ----------
    field
        Numeric and dotted; power has to rise with it.
    power
        Wanted, above 0 and below 1.
    claim
        Key of `Characteristics.claims`, or ``headline`` for all headline claims in one trial;
        left out, the first estimand in the order of testing.
    between
        Values to choose from, ascending. Left out for `population.size`: whole blocks in every
        stratum, up to ten times the planned size.
    scenario
        In which power is wanted.
    most_trials
        That may be spent in all.
    seed, patients, workers, progress, chunk, store, cluster
        As for `operating_characteristics`.

    Raises
    ------
    EquipoiseError
        With every fault of the arguments.
    """
    check_arguments(protocol, 1, seed, (scenario,), workers, chunk, patients)
    _check(protocol, field, power, most_trials, between)
    values = list(between) if between is not None else admissible_sizes(protocol)
    chosen = choose_scenarios(protocol, (scenario,), kind_asked(patients))[0]
    points = [{field: value} for value in values]
    settings = settings_at(protocol, (scenario,), points, patients)
    with TemporaryDirectory(prefix="equipoise-") as own:
        kept = Path(own) if store is None else Path(store)
        how = HowToRun(workers, chunk, None, kept, cluster)
        with TrialRun(settings, seed, patients, how) as run:
            work = run.bench.work(0)
            known = {made.claim.key: made.claim for made in work.claims}
            key = claim or next(iter(known))
            if key != HEADLINE and key not in known:
                raise EquipoiseError("Nothing is searched", [_unknown_claim(key, list(known))])
            headline = tuple(c.claim.key for c in work.claims if c.claim.headline)
            wanted = headline if key == HEADLINE else (key,)
            holders: dict[int, TrialHolder] = {}

            def count(value: float, trials: int) -> int:
                place = values.index(value)
                holders.update(run.trials({place: trials}))
                if progress is not None:
                    spent = sum(asked.values()) - asked.get(place, 0) + trials
                    progress(min(spent, most_trials), most_trials)
                asked[place] = trials
                columns = [
                    i for i, made in enumerate(run.bench.work(place).claims)
                    if made.claim.key in wanted
                ]  # fmt: skip
                blocks = holders[place].blocks(trials)
                return sum(int((b.hits[:, columns] == MADE).all(axis=1).sum()) for b in blocks)

            asked: dict[int, int] = {}
            found = search_size(
                count,
                values,
                power,
                start=_start(protocol, field, values),
                root=field == SIZE,
                most_trials=most_trials,
            )
            shown: list[MapPoint] = []
            if found.size is not None:
                at = values.index(found.size)
                for place in (at - 1, at):
                    if place in asked:
                        shown.append(map_point(run.bench, place, holders[place], asked[place]))
            kind = next(iter(holders.values())).patients
            first = known.get(key)
            return FoundSize(
                study=protocol.trial.id,
                title=protocol.trial.short_title,
                protocol_hash=protocol.hash,
                seed=seed,
                software=f"equipoise {__version__}",
                patients=kind_of_patients(protocol, kind),
                assumptions=assumed_parts(protocol),
                field=field,
                planned=value_at(protocol, field),
                claim=key,
                claim_label="All headline claims in one trial" if first is None else first.label,
                rule="; ".join(known[one].rule for one in wanted),
                scenario=chosen.key,
                scenario_label=chosen.label,
                meaning=chosen.meaning,
                found=found,
                points=tuple(shown),
            )


def admissible_sizes(protocol: Protocol) -> list[float]:
    """Sizes of a trial that fill whole blocks in every stratum alike, or else the ratio."""
    ratio = sum(arm.ratio for arm in protocol.arms.values())
    plan = protocol.randomisation
    step = min(plan.block_sizes, default=ratio)
    if plan.stratum_sizes:
        step *= len(plan.stratum_sizes)
    largest = max(FURTHEST * protocol.population.size, 2 * step)
    return list(range(step, largest + 1, step))


def _start(protocol: Protocol, field: str, values: Sequence[float]) -> list[float]:
    """Where a search looks first: at what is planned, half of it, and twice as much."""
    if field != SIZE:
        return [values[0], values[len(values) // 2], values[-1]]
    planned = protocol.population.size
    return [min(values, key=lambda v: abs(v - share * planned)) for share in (0.5, 1.0, 2.0)]


def _unknown_claim(key: str, known: list[str]) -> Fault:
    return Fault(
        "claim-unknown",
        "",
        "claim",
        key,
        f"a claim of the protocol's analysis, or `{HEADLINE}`",
        nearest(key, [*known, HEADLINE]),
    )


def _check(
    protocol: Protocol,
    field: str,
    power: float,
    most_trials: int,
    between: Sequence[float] | None,
) -> None:
    faults: list[Fault] = []
    try:
        there = value_at(protocol, field)
    except EquipoiseError as error:
        faults += error.faults
    else:
        if isinstance(there, bool) or not (there is None or isinstance(there, int | float)):
            faults.append(
                Fault(
                    "field-not-numeric", "", field, str(there)[:60],
                    "what is searched is a number", "search for example population.size",
                )
            )  # fmt: skip
    if not isinstance(power, int | float) or not 0.0 < power < 1.0:
        faults.append(
            Fault(
                "power-invalid", "", "power", str(power),
                "a power lies above 0 and below 1: no trial is certain",
                "ask for example for 0.9",
            )
        )  # fmt: skip
    if most_trials < 1000:
        faults.append(
            Fault(
                "count-invalid", "", "most_trials", str(most_trials),
                "a search may spend at least 1000 trials", "leave it out for 20000",
            )
        )  # fmt: skip
    if between is None and field != SIZE:
        faults.append(
            Fault(
                "search-range-missing", "", field, "",
                "a search needs values to choose from",
                f"give them: between a lowest and a highest, as for --vary {field}=LOW:HIGH:STEP",
            )
        )  # fmt: skip
    if between is not None and (
        len(between) < 3 or len(between) > _MOST or list(between) != sorted(set(between))
    ):
        faults.append(
            Fault(
                "search-range-invalid", "", field, f"{len(between)} values",
                f"3 to {_MOST} values, each once, in ascending order",
                "give a range like 24:120:12",
            )
        )  # fmt: skip
    if faults:
        raise EquipoiseError("Nothing is searched", faults)
