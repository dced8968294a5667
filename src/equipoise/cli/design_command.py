"""``equipoise design``: how often simulated trials would show what is claimed."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from equipoise.cli.commands import PatientsOption, Seed, Study, app, keep_characteristics
from equipoise.cli.guard import say
from equipoise.cli.progress import show_progress

if TYPE_CHECKING:
    from equipoise.design.design_map import DesignMap
    from equipoise.design.interim_results import LooksCompared
    from equipoise.design.sample_size import FoundSize
    from equipoise.protocol import Protocol
    from equipoise.protocol.changes import Value
    from equipoise.protocol.interim_plan import InterimPlan

Workers = Annotated[
    int | None,
    typer.Option("--workers", help="Processes; all processors when left out.", metavar="N"),
]

#: Folder of the trials inside the folder of a design.
TRIALS = "trials"


@dataclass(frozen=True, slots=True)
class _Shared:
    """What every run of one command has in common."""

    patients: str | None
    workers: int | None
    cluster: str | None
    store: Path


@dataclass(frozen=True, slots=True)
class _Looks:
    """Interim looks as they are asked for."""

    shares: tuple[float, ...]
    spending: str
    futility: str | None
    estimand: str | None
    power: float


@app.command()
def design(
    study: Study,
    trials: Annotated[
        int, typer.Option("--trials", help="Simulated trials of each scenario.", metavar="N")
    ] = 1000,
    seed: Seed = 1,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            help="planned, link-off, null, cells-only, mnar-dropout, weaker-assay, "
            "slower-recruitment, or one of the protocol's; may be given again.",
            metavar="NAME",
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            help="Map a field: population.size=24:96:12 or arms.il2.ratio=1,2; may be given again.",
            metavar="FIELD=VALUES",
        ),
    ] = None,
    find: Annotated[
        str | None,
        typer.Option("--find", help="Search the smallest value of a field.", metavar="FIELD"),
    ] = None,
    power: Annotated[
        float, typer.Option("--power", help="Power that is searched for.", metavar="P")
    ] = 0.9,
    claim: Annotated[
        str | None,
        typer.Option(
            "--claim",
            help="Claim whose power it is, or headline; left out: the first estimand.",
            metavar="KEY",
        ),
    ] = None,
    between: Annotated[
        str | None,
        typer.Option("--between", help="Values that a search may take.", metavar="LOW:HIGH:STEP"),
    ] = None,
    search_trials: Annotated[
        int,
        typer.Option("--search-trials", help="Trials that a search may spend.", metavar="N"),
    ] = 20_000,
    look: Annotated[
        list[float] | None,
        typer.Option(
            "--look",
            help="Show what an interim look at this share of the participants would do; may be "
            "given again.",
            metavar="SHARE",
        ),
    ] = None,
    spending: Annotated[
        str,
        typer.Option(
            "--spending",
            help="Of the looks: obrien-fleming, pocock, power:RHO or hwang-shih-decani:GAMMA.",
            metavar="FUNCTION",
        ),
    ] = "obrien-fleming",
    futility: Annotated[
        str | None,
        typer.Option(
            "--futility",
            help="Non-binding, like --spending; none when left out.",
            metavar="FUNCTION",
        ),
    ] = None,
    estimand: Annotated[
        str | None,
        typer.Option(
            "--estimand",
            help="That looks are taken at, and methods of randomisation compared; the first when "
            "left out.",
        ),
    ] = None,
    assurance: Annotated[
        int | None,
        typer.Option(
            "--assurance",
            help="Average power over this many draws of the protocol's priors.",
            metavar="DRAWS",
        ),
    ] = None,
    randomisation: Annotated[
        list[str] | None,
        typer.Option(
            "--randomisation",
            help="Compare methods: simple, urn, biased-coin, minimisation, permuted-blocks, or "
            "all; may be given again.",
            metavar="METHOD",
        ),
    ] = None,
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Write the answer sheet for an ethics committee.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write into; default: out/STUDY-design.")
    ] = None,
    workers: Workers = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster", help="Dask scheduler whose workers run the trials.", metavar="ADDRESS"
        ),
    ] = None,
    patients: PatientsOption = None,
) -> None:
    """Simulate the trial many times, analyse each, and write how often it shows what is claimed.

    Trials are kept as they come: the same command goes on where an interrupted one ended.
    """
    from equipoise.design.storage import refuse_other_characteristics
    from equipoise.protocol import load_protocol

    protocol = load_protocol(study)
    target = out or Path("out") / f"{protocol.trial.id}-design"
    refuse_other_characteristics(target, protocol.hash)
    asked = {
        "--trials": trials, "--seed": seed, "--scenario": scenario, "--vary": vary,
        "--find": find, "--power": power if find else None, "--claim": claim,
        "--between": between, "--search-trials": search_trials if find else None,
        "--look": look, "--spending": spending if look else None,
        "--futility": futility, "--estimand": estimand, "--assurance": assurance,
        "--randomisation": randomisation, "--patients": patients,
    }  # fmt: skip
    command = _command(study, asked, sheet=sheet)
    shared = _Shared(patients, workers, cluster, target / TRIALS)
    say(f"every trial is kept in {target / TRIALS}: the same command goes on from there")
    if sheet or vary or find or look or randomisation or assurance is not None:
        looks = _Looks(tuple(look or ()), spending, futility, estimand, power)
        if not look and protocol.analysis.interim is not None:
            looks = _own_looks(protocol.primary[0], protocol.analysis.interim)
        _sheet(
            protocol, target, command, trials, seed, scenario, vary, find, power, claim, between,
            search_trials, looks, assurance, randomisation, estimand, shared,
        )  # fmt: skip
    else:
        _characteristics(protocol, target, command, trials, seed, scenario, shared)


def _characteristics(
    protocol: Protocol,
    target: Path,
    command: str,
    trials: int,
    seed: int,
    scenario: list[str] | None,
    shared: _Shared,
) -> None:
    from equipoise.design.operating import SCENARIOS, operating_characteristics
    from equipoise.report.twins_page import write_characteristics

    started = time.monotonic()
    found = operating_characteristics(
        protocol, trials, seed, scenarios=scenario or SCENARIOS, progress=show_progress(),
        patients=shared.patients, workers=shared.workers,
        cluster=shared.cluster, store=shared.store,
    )  # fmt: skip
    if found.scenarios == tuple(map(str, SCENARIOS)):  # what a report shows beside its claims
        keep_characteristics(found, shared.patients)
    page = write_characteristics(found, target, command=command)
    seconds = time.monotonic() - started
    done = trials * len(found.scenarios)
    print(f"SIMULATED: {done} trials in {seconds:.1f} s, a consequence of assumptions")
    for name in found.scenarios:
        tally = found.joint(name)
        print(f"  {name:12}all headline claims in {100 * tally.proportion:.1f} % of trials")
    print(page)


def _sheet(
    protocol: Protocol,
    target: Path,
    command: str,
    trials: int,
    seed: int,
    scenario: list[str] | None,
    vary: list[str] | None,
    find: str | None,
    power: float,
    claim: str | None,
    between: str | None,
    search_trials: int,
    looks: _Looks,
    assurance: int | None,
    methods: list[str] | None,
    compared_at: str | None,
    shared: _Shared,
) -> None:
    from equipoise.cli.grid_options import numbers_of, parse_grid, parse_spending
    from equipoise.design.assurance import assure, check_priors
    from equipoise.design.design_map import map_characteristics
    from equipoise.design.interim_results import check_looking
    from equipoise.design.sample_size import find_size
    from equipoise.design.scenarios import named_scenarios
    from equipoise.report.design_page import write_design

    grid = parse_grid(vary or [])
    if assurance is not None:
        check_priors(protocol, assurance)
    if looks.shares:
        check_looking(protocol, looks.shares, looks.estimand, parse_spending(looks.spending),
                      None if looks.futility is None else parse_spending(looks.futility),
                      looks.power)  # fmt: skip
    if methods:
        from equipoise.design.randomisation_compared import DRAWS, METHODS, check_comparison

        methods = list(METHODS) if methods == ["all"] else methods
        check_comparison(protocol, methods, compared_at, DRAWS)
    found: FoundSize | None = None
    curves: DesignMap | None = None
    if find is not None:
        values: list[float] | None = None
        if between is not None:
            values = numbers_of(find, between)
        found = find_size(
            protocol, find, power, claim,
            between=values, seed=seed, most_trials=search_trials, progress=show_progress("search"),
            patients=shared.patients, workers=shared.workers,
            cluster=shared.cluster, store=shared.store,
        )  # fmt: skip
        _tell(found)
    if grid:
        say("map: every combination of the values in every scenario")
        curves = map_characteristics(
            protocol, grid, trials, seed,
            scenarios=scenario or ("planned", "null"), progress=show_progress(),
            patients=shared.patients, workers=shared.workers,
            cluster=shared.cluster, store=shared.store,
        )  # fmt: skip
    names = scenario or list(named_scenarios(protocol, shared.patients))
    at: dict[str, list[Value]] = {}
    if found is not None and found.found.size is not None:
        size = found.found.size
        at = {found.field: [int(size) if size == int(size) else size]}
    say("scenarios: what happens if an assumption fails")
    worlds = map_characteristics(
        protocol, at, trials, seed, scenarios=names, progress=show_progress(),
        patients=shared.patients, workers=shared.workers,
        cluster=shared.cluster, store=shared.store,
    )  # fmt: skip
    interim = _interim(protocol, looks, trials, seed, names, shared) if looks.shares else None
    averaged = None
    if assurance is not None:
        say("assurance: power averaged over the priors")
        averaged = assure(
            protocol, assurance, seed=seed, patients=shared.patients, workers=shared.workers,
            cluster=shared.cluster, progress=show_progress(),
        )  # fmt: skip
    allocated = None
    if methods:
        from equipoise.design.randomisation_compared import compare_randomisation

        say("randomisation: the methods side by side")
        allocated = compare_randomisation(
            protocol, trials, seed, methods=methods, estimand=compared_at,
            scenarios=scenario or ("planned", "null"), progress=show_progress(),
            patients=shared.patients, workers=shared.workers, cluster=shared.cluster,
            store=shared.store,
        )  # fmt: skip
    page = write_design(
        worlds, target, curves=curves, found=found, interim=interim, averaged=averaged,
        allocated=allocated, command=command,
    )  # fmt: skip
    print(page)


def _own_looks(estimand: str, plan: InterimPlan) -> _Looks:
    """The looks that the protocol plans."""
    futility = None
    if plan.futility is not None:
        futility = _function(plan.futility, plan.futility_parameter)
    spending = _function(plan.spending, plan.parameter)
    return _Looks(plan.shares, spending, futility, estimand, plan.power)


def _function(name: str, parameter: float | None) -> str:
    """A spending function as an option writes it."""
    return name if parameter is None else f"{name}:{parameter:g}"


def _interim(
    protocol: Protocol,
    looks: _Looks,
    trials: int,
    seed: int,
    names: list[str],
    shared: _Shared,
) -> LooksCompared:
    from equipoise.cli.grid_options import parse_spending
    from equipoise.design.interim_results import compare_looks

    say("interim looks: when the protocol's own size would end")
    return compare_looks(
        protocol, looks.shares, trials, seed,
        estimand=looks.estimand, efficacy=parse_spending(looks.spending),
        futility=None if looks.futility is None else parse_spending(looks.futility),
        power=looks.power, scenarios=names, progress=show_progress(),
        patients=shared.patients, workers=shared.workers, cluster=shared.cluster,
        store=shared.store,
    )  # fmt: skip


def _tell(found: FoundSize) -> None:
    """The answer of a search, for who waits at the terminal."""
    answer = found.found
    wanted = f"{100 * answer.wanted:.3g} %"
    if answer.size is None:
        print(f"SIMULATED: no answer for power {wanted}: {answer.said}")
        return
    ends = [f"{end:.0f}" if end is not None else "?" for end in (answer.lower, answer.upper)]
    print(
        f"SIMULATED: {found.field} = {answer.size:g} for power {wanted} of “{found.claim_label}” "
        f"(reached between {ends[0]} and {ends[1]}, 95 % interval of {answer.trials} trials)"
    )


def _command(study: str, asked: Mapping[str, object], *, sheet: bool) -> str:
    words = ["equipoise", "design", study]
    for name, value in asked.items():
        for one in value if isinstance(value, list) else [value]:  # type: ignore[union-attr]
            words += [] if one is None else [name, str(one)]
    return shlex.join(words + (["--sheet"] if sheet else []))
