"""Faults of rating scales of one's own."""

from __future__ import annotations

from pathlib import Path

from tests.faults.catalogue import trigger

SCALE = """
label = "My scale"
"""


def _own(box, content):
    """The small trial with a scale of its own beside it."""
    box.write("instruments/mine.toml", content)
    return box.check(('scale = "hdrs-17"', 'scale = "mine"'))


@trigger
def scale_unreadable(box):
    """The file of a scale of one's own cannot be read."""
    real = Path.read_bytes

    def broken(path):
        if path.name == "mine.toml":
            raise PermissionError(13, "Permission denied")
        return real(path)

    box.monkeypatch.setattr(Path, "read_bytes", broken)
    _own(box, SCALE)


@trigger
def scale_too_large(box):
    """The file of a scale is far too large for one."""
    _own(box, b"#" * 4_000_001)


@trigger
def scale_encoding(box):
    """The file of a scale is not UTF-8."""
    _own(box, b'label = "\xc9chelle"\n')


@trigger
def scale_syntax(box):
    """A line in the file of a scale is not TOML."""
    _own(box, "label = = 1\n")


@trigger
def scale_twice(box):
    """A scale stands in the protocol and in a file of its own."""
    box.write("instruments/mine.toml", SCALE)
    box.check(
        ('scale = "hdrs-17"', 'scale = "mine"'),
        ("[cells.treg]", '[scales.mine]\nlabel = "My scale"\n\n[cells.treg]'),
    )


GOOD = """\
label = "My scale"
title = "A scale of my own"
source = "Made for this page"
certainty = "full text"
rater = "clinician"
better = "lower"
scoring = "sum"
total = [0, 6]
items = [{ label = "one", range = [0, 3] }, { label = "two", range = [0, 3] }]
"""


@trigger
def scale_inconsistent(box):
    """What a scale says of itself contradicts itself: here a total that its items do not give."""
    _own(box, GOOD.replace("total = [0, 6]", "total = [0, 9]"))


@trigger
def scale_shadows_library(box):
    """A scale of one's own has the name of one in the library."""
    box.check(("[cells.treg]", f'[scales."hdrs-17"]\n{GOOD}\n[cells.treg]'))


@trigger
def scale_unknown(box):
    """The library has no scale of this name, and there is no such file."""
    from equipoise.instruments import find_scale

    find_scale("hdrs-18")
