"""The commands. Each does one stage on disk, so that one can stop between any two and look."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from equipoise.cli.guard import handle_blinded_data, say

if TYPE_CHECKING:
    from equipoise.analysis import Results
    from equipoise.analysis.interim_results import InterimResult
    from equipoise.design import Characteristics
    from equipoise.patients.patients_shown import PatientsShown
    from equipoise.protocol import Protocol
    from equipoise.records import Records

app = typer.Typer(
    name="equipoise",
    help="Biomarker-guided clinical trials from protocol to evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Study = Annotated[
    str, typer.Argument(metavar="STUDY", help="A built-in study, a study's folder, or a TOML file.")
]
Out = Annotated[Path, typer.Option("--out", help="Folder to write into.")]
Data = Annotated[Path, typer.Option("--data", help="Folder with the records of the trial.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulation; recorded.")]
ScenarioOption = Annotated[
    str, typer.Option("--scenario", help="planned, null, link-off or cells-only.", metavar="NAME")
]
PatientsOption = Annotated[
    str | None,
    typer.Option(
        "--patients",
        help="mechanistic or statistical; left out: mechanistic where the protocol says how.",
        metavar="NAME",
    ),
]
ListOption = Annotated[
    Path | None,
    typer.Option("--list", help="The randomisation list that the allocation must follow."),
]
Pdf = Annotated[bool, typer.Option("--pdf", help="Also write report.pdf (needs the extra `pdf`).")]
Rtf = Annotated[
    bool, typer.Option("--rtf", help="Also write tables.rtf: the tables for a journal.")
]


def _version(wanted: bool) -> None:
    if wanted:
        from equipoise._version import __version__

        print(f"equipoise {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Biomarker-guided clinical trials from protocol to evidence."""


@app.command()
def studies() -> None:
    """List the built-in studies."""
    from equipoise.protocol import load_protocol
    from equipoise.studies import builtin_studies

    for name in builtin_studies():
        print(f"{name:24}{load_protocol(name).trial.short_title}")


@app.command()
def instruments(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A scale, or a TOML file of your own.")
    ] = None,
) -> None:
    """List the rating scales, or print one: items, ranges, scoring, rules, sources."""
    from equipoise.instruments import find_scale
    from equipoise.instruments.description import describe_scale, list_scales

    print(list_scales() if name is None else describe_scale(name, find_scale(name)))


@app.command()
def new(
    folder: Annotated[
        Path, typer.Argument(metavar="NAME", help="Name of the study, or a path that ends in it.")
    ],
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="STUDY", help="Begin with a copy of this study."),
    ] = None,
) -> None:
    """Write a new study: a commented protocol that passes the check, and the next steps."""
    from equipoise.protocol import load_protocol
    from equipoise.studies import find_study, write_new_study

    text, beside = None, {}
    if origin is not None:
        protocol = load_protocol(origin)  # a faulty one is refused before anything is written
        path = find_study(origin)
        text = path.read_text(encoding="utf-8-sig")
        scales = [f"instruments/{name}.toml" for name in protocol.scales]
        beside = {s: (path.parent / s).read_bytes() for s in scales if (path.parent / s).is_file()}
    print(write_new_study(folder, text=text, beside=beside))


@app.command()
def check(study: Study) -> None:
    """Check a protocol and say what it plans; every fault at once."""
    from equipoise.protocol import load_protocol

    protocol = load_protocol(study)
    state = _lock_state(protocol)  # a damaged one is refused before anything is called valid
    key, primary = protocol.primary
    arms = " : ".join(f"{protocol.arms[a].label} {protocol.arms[a].ratio}" for a in protocol.arms)
    assumed = sum(entry.assumed is not None for entry in protocol.provenance.values())
    print(f"{protocol.trial.id}: the protocol is valid")
    print(f"  hash        {protocol.hash}")
    print(f"  lock        {state}")
    print(f"  arms        {arms}")
    print(f"  size        {protocol.population.size}, strata {', '.join(protocol.strata)}")
    print(f"  visits      {', '.join(visit.id for visit in protocol.visits)}")
    print(f"  primary     {key}: {primary.endpoint} at {primary.visit}")
    print(f"  provenance  {len(protocol.provenance) - assumed} facts, {assumed} assumptions")


def _lock_state(protocol: Protocol) -> str:
    found = protocol.lock_in_force()
    if found is None:
        return "not locked"
    amended = len(found.entries) - 1
    when = f"locked {found.current.time}, {amended} amendment{'s' if amended != 1 else ''}"
    return when if found.holds(protocol) else f"CHANGED since it was {when}"


@app.command()
def lock(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", help="A study's folder, or its protocol.toml.")
    ],
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why the locked plan is amended.")
    ] = None,
) -> None:
    """Lock the plan of a study, or record its amendment."""
    from equipoise.faults import single
    from equipoise.protocol import load_protocol
    from equipoise.studies import builtin_studies, find_study

    if str(study) in builtin_studies():
        raise single(
            "Nothing is locked",
            code="builtin-study",
            field="STUDY",
            value=str(study),
            rule="a built-in study belongs to the package",
            remedy="copy it: equipoise new my-trial --from " + str(study),
        )
    protocol = load_protocol(study)
    before = protocol.lock_in_force()
    made = protocol.lock(find_study(study).parent, reason)
    entry = made.current
    if before is not None and before.current == entry:
        print(f"{protocol.trial.id}: this plan was locked already, {entry.time}")
    else:
        amended = len(made.entries) - 1
        said = f"amendment {amended} is recorded" if amended else "the plan is locked"
        print(f"{protocol.trial.id}: {said}")
        if entry.reason:
            print(f"  reason      {entry.reason}")
        if amended:
            print(f"  changes     {', '.join(entry.changes)}")
    print(f"  hash        {entry.hash}")
    print(f"  time        {entry.time}")
    print(f"  seal        {entry.seal}  (publish it: it proves this and all before)")


@app.command()
def fields(
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="A table or a field, for example randomisation.")
    ] = "",
) -> None:
    """Say what may stand in a protocol: every field, or those of one table."""
    from equipoise.protocol.field_reference import find_tables, plain_tables

    print(plain_tables(find_tables(path)))


@app.command()
def simulate(
    study: Study,
    out: Out = Path("out/data"),
    seed: Seed = 1,
    scenario: ScenarioOption = "planned",
    patients: PatientsOption = None,
    format: Annotated[
        str, typer.Option("--format", help="csv, csv.gz or parquet.", metavar="NAME")
    ] = "csv",
) -> None:
    """Simulate the trial of a protocol and write its records."""
    from equipoise.faults import single
    from equipoise.protocol import load_protocol
    from equipoise.records import write_records
    from equipoise.records.writing import FORMATS
    from equipoise.simulation import simulate as draw

    if format not in FORMATS:
        raise single(
            "The records are not written",
            code="format-unknown",
            field="--format",
            value=format,
            rule="formats: " + ", ".join(FORMATS),
            remedy="choose one of them",
        )
    records = draw(load_protocol(study), seed, scenario=scenario, patients=patients)
    write_records(records, out, format=format)  # type: ignore[arg-type]
    print(f"SIMULATED records of {records.participants.height} participants: {out}")


@app.command()
def analyse(
    study: Study,
    data: Data,
    out: Out = Path("out/results"),
    allocation_list: ListOption = None,
    interim: Annotated[
        bool,
        typer.Option(
            "--interim", help="An interim look that the protocol plans, not the whole trial."
        ),
    ] = False,
    after: Annotated[
        Path | None,
        typer.Option(
            "--after", help="Results of the last interim look before this one.", metavar="RESULTS"
        ),
    ] = None,
) -> None:
    """Analyse records as the protocol says; without the allocation the analysis is blinded."""
    from equipoise.analysis import read_results, write_results
    from equipoise.faults import single
    from equipoise.protocol import load_protocol

    protocol = load_protocol(study)
    records = read_data(protocol, data, allocation_list)
    command = f"equipoise analyse {shlex.quote(study)} --data DIR"
    command += " --list FILE" if allocation_list else ""
    command += " --interim" if interim else ""
    command += " --after RESULTS" if after is not None else ""
    before = None
    if after is not None:
        before = read_results(after).interim
        if before is None:
            raise single(
                "The looks cannot be analysed",
                code="looks-not-there",
                where=str(after),
                rule="--after names the results of an interim look",
                remedy="name the folder that `equipoise analyse --interim` wrote, or leave it out",
            )
    results = _analyse(protocol, records, command, interim=interim, after=before)
    write_results(results, out)
    print(out / "results.json")


@app.command()
def report(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder with results.json.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write into; default: RESULTS.")
    ] = None,
    pdf: Pdf = False,
    rtf: Rtf = False,
) -> None:
    """Write the report of results."""
    from equipoise.analysis import read_results
    from equipoise.report import write_report

    target = out or (results.parent if results.suffix == ".json" else results)
    read = read_results(results)
    found = None if read.blinded else kept_characteristics(read.provenance.protocol_hash)
    print(write_report(read, target, pdf=pdf, rtf=rtf, characteristics=found))


@app.command()
def spirit(
    study: Study,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write into; default: out/STUDY.")
    ] = None,
) -> None:
    """Write the SPIRIT 2025 page of a protocol: what it says, item by item, and what is missing."""
    from equipoise.analysis.planned import make_plan
    from equipoise.protocol import load_protocol
    from equipoise.report.spirit import write_spirit

    protocol = load_protocol(study)
    target = out or Path("out") / protocol.trial.id
    print(write_spirit(make_plan(protocol, False), target, protocol_hash=protocol.hash))


@app.command()
def run(
    study: Study,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Records to analyse. Left out: the trial is simulated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write into; default: out/STUDY.")
    ] = None,
    seed: Seed = 1,
    scenario: ScenarioOption = "planned",
    patients: PatientsOption = None,
    allocation_list: ListOption = None,
    pdf: Pdf = False,
    rtf: Rtf = False,
    characteristics: Annotated[
        int | None,
        typer.Option(
            "--characteristics",
            metavar="N",
            help="Also simulate and analyse N trials a scenario, and show how often they find it.",
        ),
    ] = None,
) -> None:
    """The main job: analyse records, or a simulated trial, and write the report."""
    from equipoise.analysis.storage import result_files
    from equipoise.protocol import load_protocol
    from equipoise.records.writing import existing_files, record_files, refuse_other_records
    from equipoise.report.paper import weasyprint_module
    from equipoise.report.writing import FILE, report_files
    from equipoise.simulation import simulate as draw
    from equipoise.staging import write_files

    started = time.monotonic()
    if pdf:
        weasyprint_module()  # before minutes of work, not after them
    protocol = load_protocol(study)
    target = out or Path("out") / protocol.trial.id
    command = f"equipoise run {shlex.quote(study)}"
    if data is None:
        records = draw(protocol, seed, scenario=scenario, patients=patients)
        command += f" --seed {seed}"
        command += f" --scenario {scenario}" if scenario != "planned" else ""
        command += f" --patients {patients}" if patients is not None else ""
        say(f"simulated {records.participants.height} participants (seed {seed}, {scenario})")
    else:
        records = read_data(protocol, data, allocation_list)
        command += " --data DIR" + (" --list FILE" if allocation_list else "")
    if characteristics is not None:
        command += f" --characteristics {characteristics}"
        found = _characteristics(protocol, characteristics, seed, patients)
    else:
        found = None
    results = _analyse(protocol, records, command)
    if found is None and not results.blinded:
        found = kept_characteristics(protocol.hash, patients if data is None else None)
    say("report")
    shown = _shown_patients(protocol, results)
    model = _forecast_model(protocol, records, results)
    page = report_files(
        results, pdf=pdf, rtf=rtf, characteristics=found, patients=shown, beside=model
    )
    sets = {"results": result_files(results), "report": page, "forecast": model}
    there = target / "data"
    replaces: tuple[str, ...] = ()
    removes: list[str] = []
    if data is None:
        refuse_other_records(records, there)
        sets["data"] = {f"data/{name}": text for name, text in record_files(records).items()}
        removes = [f"data/{name}" for name in existing_files(there, records.frames())]
    elif data.resolve() != there.resolve():
        replaces = ("data",)
    # Written as one: a report never stands beside the numbers, or the simulated data, of
    # another run.
    write_files(
        target,
        sets,
        last=FILE,
        replaces=replaces,
        removes=removes,
        named=("data",),
        clean=results.blinded,
    )
    _print_provenance(results, time.monotonic() - started)
    print(target / FILE)


@app.command()
def compile() -> None:
    """Compile the numeric kernels once; they are kept on disk."""
    from equipoise.cli.compiling import compile_all
    from equipoise.patients import patient_kernels_compiled
    from equipoise.stats import kernels_compiled

    started = time.monotonic()
    cached = kernels_compiled() and patient_kernels_compiled()
    progress = None if cached else lambda name: say(f"compiling {name}")
    names = compile_all(progress, patients=True)
    how = "were compiled already" if cached else f"compiled in {time.monotonic() - started:.0f} s"
    print(f"{len(names)} kernel{'s' if len(names) != 1 else ''} {how}")


def read_data(protocol: Protocol, data: Path, allocation_list: Path | None) -> Records:
    """The records of a folder; while they are blinded errors quote nothing."""
    from equipoise.records import read_records
    from equipoise.records.reading import is_blinded

    if is_blinded(data) and not protocol.single_arm:
        handle_blinded_data()
    say(f"reading {data}")
    return read_records(data, protocol, allocation_list=allocation_list)


def _characteristics(
    protocol: Protocol, trials: int, seed: int, patients: str | None
) -> Characteristics:
    """Those of so many trials: kept from an earlier run, or computed and kept."""
    from equipoise.cli.progress import show_progress
    from equipoise.design import operating_characteristics
    from equipoise.design.kept_characteristics import find_kept, first_trials

    if trials > 0:
        kept = find_kept(protocol.hash, patients=patients, seed=seed, least=trials)
        for text in kept.said:
            say(text)
        if kept.found is not None:
            say(f"operating characteristics: {trials} trials kept from an earlier run")
            return first_trials(kept.found, trials)
    found = operating_characteristics(
        protocol, trials, seed, patients=patients, progress=show_progress()
    )
    keep_characteristics(found, patients)
    return found


def keep_characteristics(found: Characteristics, patients: str | None) -> None:
    """Keep them for later reports of the same protocol; say it where that cannot be done."""
    from equipoise.design.kept_characteristics import cache_root, keep

    try:
        keep(found, patients)
    except OSError as error:
        say(
            f"operating characteristics cannot be kept in {cache_root()} ({error.strerror}); "
            "EQUIPOISE_CACHE names another folder"
        )


def kept_characteristics(protocol_hash: str, patients: str | None = None) -> Characteristics | None:
    """What an earlier run computed for this very protocol; None without."""
    from equipoise.design.kept_characteristics import find_kept

    kept = find_kept(protocol_hash, patients=patients)
    for text in kept.said:
        say(text)
    if kept.found is not None:
        say(f"operating characteristics: {kept.found.trials} trials kept from an earlier run")
    return kept.found


def _forecast_model(protocol: Protocol, records: Records, results: Results) -> dict[str, bytes]:
    """The trained forecast as a file, where the plan has one and the trial is open."""
    from equipoise.analysis.stratification.forecast_file import FILE, forecast_bytes
    from equipoise.analysis.stratification.forecast_summary import validation_summary
    from equipoise.analysis.stratification.model_training import train_forecast
    from equipoise.faults import EquipoiseError

    plan = protocol.analysis.stratification
    if plan is None or plan.forecast is None or results.blinded:
        return {}
    try:
        told = validation_summary(results.forecast)
        return {FILE: forecast_bytes(train_forecast(protocol, records, validation=told))}
    except EquipoiseError as error:
        # Too few people for a forecast are no reason to withhold the report.
        say(f"no {FILE}: {error.faults[0].rule}")
        return {}


def _shown_patients(protocol: Protocol, results: Results) -> PatientsShown | None:
    """The page's data where the participants come from a mechanism, and it may be seen."""
    from equipoise.patients.patients_shown import shown_of

    statistical = "statistical patients" in (results.provenance.source or "")
    if not results.simulated or results.blinded or statistical:
        return None
    return shown_of(protocol)


def _analyse(
    protocol: Protocol,
    records: Records,
    command: str,
    *,
    interim: bool = False,
    after: InterimResult | None = None,
) -> Results:
    from equipoise.analysis import analyse as run_analysis
    from equipoise.cli.compiling import compile_all
    from equipoise.stats import kernels_compiled

    if not kernels_compiled():
        say("compiling the numeric kernels, once (about a minute)")
        compile_all(lambda _: None, patients=False)
    return run_analysis(
        protocol, records, command=command, progress=say, interim=interim, after=after
    )


def _print_provenance(results: Results, seconds: float) -> None:
    p = results.provenance
    origin = results.origin_label + (f" (scenario {p.scenario})" if results.simulated else "")
    print(f"{p.protocol_id}: {results.short_title}")
    print(f"  data        {origin}{f': {p.source}' if p.source else ''}")
    print(f"  protocol    {p.protocol_hash}")
    print(f"  data hash   {p.data_hash}")
    if results.blinded:
        print("  blinded     no allocation among the records")
    print(f"  size        {results.flow.randomised} participants, {seconds:.1f} s")
