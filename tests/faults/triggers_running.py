"""Faults of drawing, simulating, analysing and reporting."""

from __future__ import annotations

from tests.faults.catalogue import trigger
from tests.faults.triggers_people import single_arm

import equipoise as eq


@trigger
def seed_invalid(box):
    """A seed is no whole number from 0 to 2**128 - 1. It is not quoted: it may be a secret."""
    eq.randomise(box.check(), seed=-1)


@trigger
def trial_invalid(box):
    """Python only: the index of a simulated trial is no whole number from 0 to 2**64 - 1."""
    eq.randomise(box.check(), seed=1, trial=-1)


@trigger
def assumptions_missing(box):
    """The protocol assumes nothing from which a trial could be simulated."""
    eq.simulate(box.check(), seed=1)


@trigger
def patients_unknown(box):
    """There is no such kind of simulated participants."""
    eq.simulate(eq.load_protocol("il2-depression"), seed=1, patients="mechanic")


@trigger
def mechanism_missing(box):
    """Mechanistic participants of a protocol without mechanistic assumptions."""
    eq.simulate(eq.load_protocol("antidepressant-example"), seed=1, patients="mechanistic")


@trigger
def scenario_unknown(box):
    """There is no scenario of this name."""
    eq.simulate(eq.load_protocol("il2-depression"), seed=1, scenario="nul")


@trigger
def scenario_without_control(box):
    """The null scenario is defined by the control arm, and a trial with one arm has none."""
    assumptions = eq.load_protocol("il2-depression").assumptions
    protocol = single_arm(box).model_copy(update={"assumptions": assumptions})
    eq.simulate(protocol, seed=1, scenario="null")


@trigger
def format_unknown(box):
    """Records are written in no format of this name."""
    box.command("simulate", "il2-depression", "--format", "xlsx", "--out", "data")


@trigger
def results_missing(box):
    """There are no results to report."""
    box.command("report", "out/results")


@trigger
def results_invalid(box):
    """results.json is not what this version writes."""
    box.write("out/results.json", "{}")
    box.command("report", "out")


@trigger
def list_exists(box):
    """A list was drawn here already. It is drawn once and never overwritten."""
    box.protocol()
    box.command("randomise", "protocol.toml", "--seed", "1", "--out", "list")
    box.command("randomise", "protocol.toml", "--seed", "2", "--out", "list")


@trigger
def commitment_differs(box):
    """The list is not the one to which the published commitment belongs."""
    box.protocol()
    box.command("randomise", "protocol.toml", "--seed", "1", "--out", "list")
    box.command("randomise", "protocol.toml", "--out", "list", "--verify", "0" * 64)


@trigger
def count_invalid(box):
    """A number of simulated trials, of workers or of trials in a chunk is no whole number from 1."""
    box.command("design", "il2-depression", "--trials", "0", "--workers", "0")


@trigger
def scenarios_invalid(box):
    """Python only: no scenario is asked for, or one twice."""
    eq.operating_characteristics(eq.load_protocol("il2-depression"), 10, scenarios=("null", "null"))


@trigger
def design_without_control(box):
    """Operating characteristics are of comparisons, and a trial with one arm compares nothing."""
    eq.operating_characteristics(single_arm(box), 10)


@trigger
def trial_failed(box):
    """One of many trials could not be simulated or analysed; the fault names it."""
    protocol = eq.load_protocol("il2-depression")
    statistical = protocol.assumptions.statistical
    hdrs = statistical.scores["hdrs"].model_copy(update={"correlation": 1.5})
    statistical = statistical.model_copy(update={"scores": {**statistical.scores, "hdrs": hdrs}})
    assumptions = protocol.assumptions.model_copy(update={"statistical": statistical})
    eq.operating_characteristics(
        protocol.model_copy(update={"assumptions": assumptions}), 1, workers=1
    )


@trigger
def workers_lost(box):
    """The processes that share the work ended before it was done."""
    from concurrent.futures import process
    from unittest import mock

    def broken(*_, **__):
        raise process.BrokenProcessPool

    protocol = eq.load_protocol("il2-depression")
    with (
        mock.patch("concurrent.futures.ProcessPoolExecutor.submit", broken),
        mock.patch("equipoise.design.workers.WORTH_PROCESSES", -1.0),
    ):
        eq.operating_characteristics(protocol, 100, workers=2)
