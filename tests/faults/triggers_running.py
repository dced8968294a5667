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
