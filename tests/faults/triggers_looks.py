"""Faults of interim looks: taken where none is planned, or after others than the trial's own."""

from __future__ import annotations

from tests.faults.catalogue import trigger

import equipoise as eq
from equipoise.analysis.interim_results import InterimResult, LookResult

EVENTS = "[safety.events.Headache]"
LOOKS = (
    ("size = 8", "size = 20"),
    (EVENTS, f"[analysis.interim]\nshares = [0.5]\ninformation = 1.0\n\n{EVENTS}"),
)


def _look(protocol_hash: str, *, estimand: str = "week4", final: bool = False) -> InterimResult:
    """The result of an earlier look."""
    look = LookResult(
        number=1, final=final, participants=4, estimate=-1.0, se=2.0, df=5.0, p=0.6,
        information=0.25, share=0.25, nominal=0.001, crossed=False, futility=None, futile=None,
        protocol_hash=protocol_hash, data_hash="0" * 64,
    )  # fmt: skip
    return InterimResult(
        estimand=estimand, arm="active", reference="placebo", planned=2,
        spending="obrien-fleming", looks=(look,), adjusted=None,
    )  # fmt: skip


def _final(box, **looked) -> None:
    """The final look after an earlier one."""
    protocol = box.check(*LOOKS)
    before = _look(looked.pop("protocol_hash", protocol.hash), **looked)
    eq.analyse(protocol, box.read(changes=LOOKS), after=before)


@trigger
def looks_not_planned(box):
    """An interim look is asked for that the protocol does not plan."""
    eq.analyse(box.check(), box.read(), interim=True)


@trigger
def look_blinded(box):
    """An interim look is asked for without the allocation."""
    eq.analyse(
        box.check(*LOOKS), box.read(changes=LOOKS, without=("allocation", "kits")), interim=True
    )


@trigger
def looks_used_up(box):
    """More interim looks are asked for than the protocol plans."""
    protocol = box.check(*LOOKS)
    eq.analyse(protocol, box.read(changes=LOOKS), interim=True, after=_look(protocol.hash))


@trigger
def looks_of_another(box):
    """The earlier looks were taken at another estimand."""
    _final(box, estimand="mood")


@trigger
def looks_of_another_plan(box):
    """The earlier looks were taken under a protocol that is not in the lock."""
    _final(box, protocol_hash="f" * 64)


@trigger
def look_after_the_last(box):
    """A look is to come after the final one."""
    _final(box, final=True)


@trigger
def looks_not_there(box):
    """The results that `--after` names are of no interim look."""
    box.read(without=("allocation", "kits"))
    box.command("analyse", "protocol.toml", "--data", "data", "--out", "one")
    box.command("analyse", "protocol.toml", "--data", "data", "--after", "one", "--out", "two")
