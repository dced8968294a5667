"""Finding a study by its name or its path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from equipoise.faults import nearest, single


def _folder() -> Path:
    # A wheel is always unpacked on disk: numba could not cache its kernels otherwise.
    return Path(str(resources.files("equipoise.studies")))


def builtin_studies() -> tuple[str, ...]:
    """Names of the built-in studies, sorted."""
    return tuple(sorted(p.parent.name for p in _folder().glob("*/protocol.toml")))


def find_study(study: str | Path) -> Path:
    """The path of a study's ``protocol.toml``.

    Parameters
    ----------
    study
        Name of a built-in study, a folder, or the path of a TOML file.

    Raises
    ------
    EquipoiseError
        When there is no such study.
    """
    if str(study) in builtin_studies():
        return _folder() / str(study) / "protocol.toml"
    path = Path(study)
    if path.is_dir():
        path = path / "protocol.toml"
    if path.is_file():
        return path
    raise single(
        f"There is no study `{study}`",
        code="study-unknown",
        field="STUDY",
        value=str(study),
        rule="a study is the name of a built-in one, a folder with protocol.toml, or a TOML file",
        remedy=nearest(str(study), builtin_studies()),
    )
