"""Faults of minimisation: people who are allocated in turn."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from tests.faults.catalogue import trigger

import equipoise as eq
from equipoise.randomisation import (
    allocate_in_turn,
    draw_lists,
    write_allocated,
    write_allocation,
)

BLOCKS = 'method = "permuted-blocks"\nstrata = ["sex"]\nblock_sizes = [2]\n'
MINIMISED = 'method = "minimisation"\nstrata = ["sex"]\ncoin_probability = 0.8\n'


def minimised(box) -> eq.Protocol:
    return box.check((BLOCKS, MINIMISED))


def allocate(box, people: dict[str, list[str | None]]) -> None:
    protocol = minimised(box)
    allocate_in_turn(protocol, pl.DataFrame(people), eq.randomise(protocol, 1).frame)


def from_files(box, people: str) -> None:
    """Numbers are drawn where there are none; the people of a file are allocated."""
    protocol = minimised(box)
    folder = Path("list")
    if not (folder / "secret.json").exists():
        write_allocation(eq.randomise(protocol, 1), folder, rehearsal=True)
    write_allocated(protocol, box.write("enrolled.csv", people), folder)


@trigger
def minimisation_without_list(box):
    """A list is asked for where arms depend on who enrols."""
    draw_lists(minimised(box), 1)


@trigger
def not_minimisation(box):
    """People are to be allocated in turn under a method that has a list."""
    numbers = eq.randomise(minimised(box), 1).frame
    allocate_in_turn(box.check(), pl.DataFrame({"participant": ["P1"], "sex": ["male"]}), numbers)


@trigger
def enrolled_columns(box):
    """The people who enrolled lack a column that minimisation needs."""
    allocate(box, {"participant": ["P1"]})


@trigger
def enrolled_participant(box):
    """A person who enrolled has no identifier, or enrols twice."""
    allocate(box, {"participant": ["P1", "P1"], "sex": ["male", "male"]})


@trigger
def enrolled_level(box):
    """A factor of minimisation is not known, or not one of its levels."""
    allocate(box, {"participant": ["P1"], "sex": ["m"]})


@trigger
def minimisation_numbers_short(box):
    """More people enrolled than random numbers were drawn for."""
    allocate(box, {"participant": [f"P{i}" for i in range(9)], "sex": ["male"] * 9})


@trigger
def list_not_numbers(box):
    """The folder holds a list of arms and not the numbers of a minimisation."""
    write_allocation(eq.randomise(box.check(), 1), "list", rehearsal=True)
    from_files(box, "participant,sex\nP1,male\n")


@trigger
def enrolled_unreadable(box):
    """The file of the people who enrolled is missing or no table."""
    protocol = minimised(box)
    folder = Path("list")
    write_allocation(eq.randomise(protocol, 1), folder, rehearsal=True)
    write_allocated(protocol, folder / "enrolled.csv", folder)


@trigger
def allocation_changed(box):
    """Somebody who was allocated is to have another arm, another place, or to go."""
    from_files(box, "participant,sex\nP1,male\nP2,female\n")
    from_files(box, "participant,sex\nP2,female\nP1,male\n")


@trigger
def allocated_unreadable(box):
    """The arms that were given so far cannot be read."""
    from_files(box, "participant,sex\nP1,male\n")
    box.write("list/allocation.csv", "person\nP1\n")
    from_files(box, "participant,sex\nP1,male\n")
