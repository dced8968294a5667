"""What the site needs beside the pages in docs/: the pages of the repository's top, the files
of code that pages link to, and the lists of methods and references.

A link that works in the repository works on the site: files outside docs/ are copied into
``source/``, and the link is turned to the copy.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]

#: Pages at the top of the repository → their place on the site.
TOP = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
}

_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the starred places of the navigation with the pages that no entry names."""
    named = set(_named(config.nav))
    rest = [p for p in _pages() if p not in named and p not in TOP.values()]
    config.nav = [_filled(entry, rest) for entry in config.nav or []]
    if rest:
        raise PluginError(f"these pages stand in no part of the navigation: {', '.join(rest)}")
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the repository's top, and the files that pages link to."""
    for source, target in TOP.items():
        if files.get_file_from_path(target) is None:
            files.append(_generated(config, target, ROOT / source))
    for page in [*_pages(), *TOP]:
        path = (ROOT / "docs" / page) if page not in TOP else ROOT / page
        base = path.parent.relative_to(ROOT).as_posix()
        for link in _LINK.findall(_FENCE.sub("", path.read_text(encoding="utf-8"))):
            outside = _outside(link[1], base)
            if outside is not None:
                name = f"source/{outside}"
                if files.get_file_from_path(name) is None:
                    files.append(_generated(config, name, ROOT / outside))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Turn links that leave docs/ to the copies on the site."""
    here = page.file.src_path
    origin = next((source for source, target in TOP.items() if target == here), None)
    base = "." if origin and not (ROOT / "docs" / here).is_file() else None
    base = posixpath.dirname(f"docs/{here}") if base is None else base
    start = posixpath.dirname(here) or "."

    def turned(match: re.Match[str]) -> str:
        target, _, anchor = match[2].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        path = posixpath.normpath(posixpath.join(base, target))
        if path in TOP:
            path = TOP[path]
        elif path.startswith("docs/"):
            path = path.removeprefix("docs/")
        else:
            path = f"source/{path}"
        relative = posixpath.relpath(path, start)
        return f"{match[1]}{relative}{'#' + anchor if anchor else ''}{match[3]}"

    parts, last = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_LINK.sub(turned, markdown[last : fence.start()]), fence[0]]
        last = fence.end()
    return "".join([*parts, _LINK.sub(turned, markdown[last:])])


def _pages() -> list[str]:
    docs = ROOT / "docs"
    return sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))


def _named(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    if isinstance(entry, dict):
        return [name for value in entry.values() for name in _named(value)]
    return [name for item in entry or [] for name in _named(item)]


def _filled(entry: Any, rest: list[str]) -> Any:
    """The entry with each star replaced by the pages of its folder; they are taken from rest."""
    if isinstance(entry, list):
        filled: list[Any] = []
        for item in entry:
            folder = "" if item == "*" else item.get("*") if isinstance(item, dict) else None
            if folder is None:
                filled.append(_filled(item, rest))
                continue
            mine = [p for p in rest if posixpath.dirname(p) == folder]
            filled += sorted(mine, key=_title)
            rest[:] = [p for p in rest if p not in mine]
        return filled
    if isinstance(entry, dict):
        return {title: _filled(value, rest) for title, value in entry.items()}
    return entry


def _title(page: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return text.split("\n", 1)[0].removeprefix("# ").casefold()


def _outside(link: str, base: str) -> str | None:
    """The path in the repository of a linked file that is no page of the site, else None."""
    target = link.split("#", maxsplit=1)[0]
    if not target or re.match(r"[a-z]+:", target):
        return None
    path = posixpath.normpath(posixpath.join(base, target))
    if path.startswith("docs/") or path in TOP or not (ROOT / path).is_file():
        return None
    return path


def _generated(config: MkDocsConfig, name: str, source: Path) -> File:
    return File.generated(config, name, content=source.read_text(encoding="utf-8"))
