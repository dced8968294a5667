"""Rating scales of a user's own: ``instruments/NAME.toml`` beside the protocol.

Only files that the protocol names are read; what they say becomes the protocol's `scales`, so
that it is part of the plan and of its hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from equipoise.faults import Fault
from equipoise.toml_faults import TomlFile
from equipoise.toml_syntax import parse_toml, read_toml_text

FOLDER = "instruments"


def with_scale_files(
    data: dict[str, Any], folder: Path
) -> tuple[dict[str, Any], dict[tuple[str | int, ...], TomlFile], list[Fault]]:
    """The raw tables of a protocol with the scales that stand in files beside it.

    Parameters
    ----------
    data
        The tables as parsed.
    folder
        Folder of the protocol.

    Returns
    -------
    data, files, faults
        The tables; path of each table that came from a file → the file; faults of syntax, and
        names that are taken twice.

    Raises
    ------
    EquipoiseError
        When a file cannot be read.
    """
    inline = data.get("scales", {})
    files: dict[tuple[str | int, ...], TomlFile] = {}
    faults: list[Fault] = []
    if not isinstance(inline, Mapping):
        return data, files, faults
    scales: dict[str, Any] = dict(inline)  # type: ignore[arg-type]
    for path in _named(data, folder):
        name = f"{FOLDER}/{path.name}"
        if path.stem in inline:
            faults.append(
                Fault(
                    "scale-twice",
                    name,
                    f"scales.{path.stem}",
                    path.stem,
                    "a scale stands in the protocol or in a file of its own, not in both",
                    "take one of the two out",
                )
            )
            continue
        text = read_toml_text(path, f"The scale in `{name}` is refused", "scale")
        scales[path.stem], syntax = parse_toml(text, name, "scale")
        faults += syntax
        files["scales", path.stem] = TomlFile(name, text, "a scale")
    return ({**data, "scales": scales} if files else data), files, faults


def _named(data: Mapping[str, Any], folder: Path) -> list[Path]:
    """The files that instruments of the protocol name, by their stems."""
    instruments = data.get("instruments", {})
    uses: list[Any] = list(instruments.values()) if isinstance(instruments, Mapping) else []
    given = [use.get("scale") for use in uses if isinstance(use, Mapping)]
    # What is no text is a fault, and is said when the fields are read.
    names = {name for name in given if isinstance(name, str)}
    there = folder / FOLDER
    if not there.is_dir():
        return []
    return [path for path in sorted(there.glob("*.toml")) if path.stem in names]
