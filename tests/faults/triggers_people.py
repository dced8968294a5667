"""Faults of who came, who was allocated what, who left; and of the blind."""

from __future__ import annotations

from tests.faults.catalogue import trigger

LIST = "stratum,sequence,arm\nfemale,1,active\nfemale,2,placebo\nmale,1,placebo\nmale,2,active\n"


@trigger
def event_unknown(box):
    """An event in `disposition` that it does not know."""
    box.read("disposition", "discontinued", "dropout")


@trigger
def disposition_contradicts(box):
    """A participant ends the trial twice."""
    box.read("disposition", "P1,completed,28,\n", "P1,completed,28,\nP1,discontinued,20,\n")


@trigger
def event_after_end(box):
    """Something happens after death, or a drug is stopped after the end."""
    box.read("disposition", "P1,completed,28,\n", "P1,completed,28,\nP1,stopped-study-drug,30,\n")


@trigger
def event_before_allocation(box):
    """Somebody left before the day of allocation."""
    box.read("disposition", "discontinued,14", "discontinued,-1")


@trigger
def outcome_unknown(box):
    """An outcome of `screening` that it does not know."""
    box.read("screening", "declined", "refused")


@trigger
def screening_differs(box):
    """Other people were screened and entered than there are participants."""
    box.read("screening", "S2,randomised,\n", "")


@trigger
def participant_not_allocated(box):
    """A participant has no row in `allocation`."""
    box.read("allocation", "P2,male,1,placebo,0\n", "")


@trigger
def arm_unknown(box):
    """An arm that the protocol does not have."""
    box.read("allocation", "placebo", "plazebo")


@trigger
def stratum_unknown(box):
    """A stratum that the protocol does not have."""
    box.read("allocation", "P1,female", "P1,woman")


@trigger
def stratum_differs(box):
    """The stratum is not the one that the participant's covariates give."""
    box.read("allocation", "P1,female", "P1,male")


@trigger
def sequence_twice(box):
    """One place in the list of a stratum was given to two people."""
    box.files["participants.csv"] += b"P3,1,female,30\n"
    box.files["screening.csv"] += b"S4,randomised,\n"
    box.read("allocation", "P1,female,1,active,0\n", "P1,female,1,active,0\nP3,female,1,active,0\n")


@trigger
def not_in_list(box):
    """An allocation has no place in the randomisation list."""
    box.write("list.csv", LIST)
    box.read("allocation", "P1,female,1", "P1,female,9", listed="list.csv")


@trigger
def not_as_listed(box):
    """A participant did not get the arm that stands at their place in the list."""
    box.write("list.csv", LIST)
    box.read("allocation", "P1,female,1,active", "P1,female,1,placebo", listed="list.csv")


@trigger
def list_without_allocation(box):
    """A list is named for records without an allocation: there is nothing to compare."""
    box.write("list.csv", LIST)
    box.read(without=("allocation", "kits"), listed="list.csv")


@trigger
def kit_unknown(box):
    """A kit that has no row in `kits`."""
    box.read("doses", "K1", "K2")


@trigger
def blind_broken(box):
    """Something that gives arms away stands where the blinded read it."""
    box.read("doses", "study drug", "sertraline")


@trigger
def nothing_to_randomise(box):
    """A trial with one arm has no list and no allocation."""
    import equipoise as eq

    eq.randomise(single_arm(box), seed=1)


def single_arm(box):
    """The small trial with one arm."""
    arm = '[arms.placebo]\nlabel = "Placebo"\nrole = "control"\nratio = 1\n\n'
    return box.check(
        (arm, ""),
        ('blinding = "Double-blind"', 'blinding = "Open"\ndesign = "single-arm"'),
        ('method = "permuted-blocks"\nstrata = ["sex"]\nblock_sizes = [2]', 'method = "none"'),
        ("change ~ baseline*visit + sex*visit + arm*visit", "change ~ baseline*visit"),
    )
