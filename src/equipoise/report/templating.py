"""The templates of the pages, and their style."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


def environment() -> jinja2.Environment:
    """Templates of ``report/templates``; a name that is not given is an error."""
    import jinja2

    return jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(_text),
    )


def style() -> str:
    """The style sheet of all pages."""
    return _text("style.css")


def _text(name: str) -> str:
    folder = resources.files("equipoise.report") / "templates"
    return (folder / name).read_text(encoding="utf-8")
