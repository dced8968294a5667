"""Faults of studies, protocols and their locks."""

from __future__ import annotations

from pathlib import Path

from tests.faults.catalogue import trigger

import equipoise as eq


@trigger
def study_unknown(box):
    """There is no study of this name, and no file at this path."""
    eq.load_protocol("antidepressant-exampel")


@trigger
def study_exists(box):
    """A new study is to be written where something stands already."""
    box.write("my-trial/notes.txt", "mine")
    box.command("new", "my-trial")


@trigger
def study_name_invalid(box):
    """The name of a new study is no identifier."""
    box.command("new", "My Trial")


@trigger
def study_name_taken(box):
    """A built-in study has this name: nobody could tell the two apart."""
    box.command("new", "il2-depression")


@trigger
def study_not_renamed(box):
    """The study to begin with has its id in a form that cannot be replaced by itself."""
    box.protocol(('id = "small-trial"', 'id = """\nsmall-trial"""'))
    box.command("new", "my-trial", "--from", "protocol.toml")


@trigger
def builtin_study(box):
    """A built-in study cannot be locked."""
    box.command("lock", "il2-depression")


@trigger
def protocol_unreadable(box):
    """The file of the protocol is there and cannot be read."""
    path = box.protocol()

    def broken(_):
        raise PermissionError(13, "Permission denied")

    box.monkeypatch.setattr(Path, "read_bytes", broken)
    eq.load_protocol(path)


@trigger
def protocol_too_large(box):
    """The file is far too large for a protocol."""
    eq.load_protocol(box.write("protocol.toml", b"#" * 4_000_001))


@trigger
def protocol_encoding(box):
    """The file is not UTF-8."""
    eq.load_protocol(box.write("protocol.toml", b'format = 1\ntitle = "D\xe9pression"\n'))


@trigger
def protocol_syntax(box):
    """A line is not TOML. The rest is read on, so that all such lines are named at once."""
    box.check(("size = 8", "size = = 8"))


@trigger
def protocol_path_unknown(box):
    """`equipoise fields` was asked for a field that no protocol has."""
    box.command("fields", "randomization")


@trigger
def field_unknown(box):
    """A field that the protocol does not have, most often a slip of the pen."""
    box.check(('blinding = "Double-blind"', 'blinding = "Double-blind"\nphaze = "II"'))


@trigger
def field_missing(box):
    """A required field is not there."""
    box.check(('role = "active"\nratio = 1', 'role = "active"'))


@trigger
def value_invalid(box):
    """A value of the wrong kind, outside its range, or no allowed word."""
    box.check(('role = "active"\nratio = 1', 'role = "active"\nratio = 1.5'))


@trigger
def protocol_inconsistent(box):
    """Fields that are right by themselves contradict each other."""
    box.check(("block_sizes = [2]", "block_sizes = [3]"))


@trigger
def formula_refused(box):
    """A model formula names what it may not: an unknown column, or a function off the whitelist."""
    box.check(("change ~ baseline*visit", "change ~ sqr(baseline)*visit"))


def _locked(box):
    protocol = box.check()
    protocol.lock(".")
    return protocol


@trigger
def amendment_without_reason(box):
    """The plan was locked, and its change is to be recorded without a reason."""
    _locked(box)
    box.check(("size = 8", "size = 10")).lock(".")


@trigger
def lock_damaged(box):
    """protocol.lock is not as it was written."""
    _locked(box)
    text = Path("protocol.lock").read_text(encoding="utf-8")
    box.write("protocol.lock", text.replace('"reason": ""', '"reason": "none"'))
    box.command("check", "protocol.toml")


@trigger
def lock_busy(box):
    """Another locking of the same study is under way, or was killed and left its file."""
    box.write("protocol.lock.new", "")
    _locked(box)


@trigger
def reason_invalid(box):
    """The reason of an amendment is no plain text, for example in another encoding than UTF-8."""
    box.check().lock(".", "Erg\udce4nzt")


@trigger
def plan_unlocked(box):
    """Unblinded observed data are to be analysed, and the plan was never locked."""
    records = box.read()
    eq.analyse(box.check(), records)


@trigger
def plan_changed(box):
    """Unblinded observed data are to be analysed by another plan than the locked one."""
    _locked(box)
    records = box.read(changes=(("size = 8", "size = 10"),))
    eq.analyse(eq.load_protocol("protocol.toml"), records)
