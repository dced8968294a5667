"""A study of the user's own: a commented protocol, and a page of next steps."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from equipoise.faults import single
from equipoise.staging import write_files
from equipoise.studies.catalogue import builtin_studies
from equipoise.toml_places import places

_MARK = "EQUIPOISE-NEW-STUDY"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}")
_HEADING = "The study is not made"


def write_new_study(
    folder: str | Path, *, text: str | None = None, beside: Mapping[str, bytes] | None = None
) -> Path:
    """Write a folder with ``protocol.toml`` and ``README.md``, all or nothing.

    Parameters
    ----------
    folder
        Where to write; its last part is the name of the study and its `trial.id`.
    text
        A protocol to begin with instead of the template; only its `trial.id` is changed.
    beside
        Files that this protocol reads: relative path → content.

    Returns
    -------
    Path of the protocol.

    Raises
    ------
    EquipoiseError
        When the name is no name, is that of a built-in study, or something stands there.
    """
    folder = Path(folder)
    name = folder.name
    _refuse_name(name)
    if folder.is_symlink() or folder.exists():
        raise single(
            _HEADING,
            code="study-exists",
            field="NAME",
            value=str(folder),
            rule="a new study is written where nothing stands yet",
            remedy="choose another name, or move what stands there away",
        )
    protocol = _template("trial.toml").replace(_MARK, name)
    if text is not None:
        protocol = _renamed(text, name)
    files = {
        **(beside or {}),
        "README.md": _template("README.md").replace(_MARK, name).encode(),
        "protocol.toml": protocol.encode(),
    }
    write_files(folder, {"study": files}, last="protocol.toml", unindexed=("study",))
    return folder / "protocol.toml"


def _refuse_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        suggested = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_0123456789")[:60]
        raise single(
            _HEADING,
            code="study-name-invalid",
            field="NAME",
            value=name[:80],
            rule="a name is a lower-case letter, then lower-case letters, digits, _ or -, at "
            "most 60 in all",
            remedy=f"for example `{suggested or 'my-trial'}`",
        )
    if name in builtin_studies():
        raise single(
            _HEADING,
            code="study-name-taken",
            field="NAME",
            value=name,
            rule="a built-in study has this name, and a name finds the built-in one first",
            remedy=f"choose another name; to begin with that study: --from {name}",
        )


def _template(file: str) -> str:
    folder = resources.files("equipoise.studies") / "template"
    return (folder / file).read_text(encoding="utf-8")


def _renamed(text: str, name: str) -> str:
    """The text of a valid protocol with another `trial.id`; nothing else is changed."""
    lines = text.split("\n")
    index = places(text)["trial", "id"] - 1
    old = str(tomllib.loads(text)["trial"]["id"])
    lines[index] = re.sub(
        rf"""(\bid["']?\s*=\s*)(["']){re.escape(old)}\2""",
        rf'\g<1>"{name}"',
        lines[index],
        count=1,
    )
    changed = "\n".join(lines)
    if tomllib.loads(changed)["trial"]["id"] != name:
        raise single(
            _HEADING,
            code="study-not-renamed",
            field="trial.id",
            value=old,
            rule='`trial.id` stands in one line as `id = "…"`',
            remedy="write it so, or copy the file by hand",
        )
    return changed
