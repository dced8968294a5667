"""The command line: thin commands over the stages."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

__all__ = ["main"]

#: Modules whose commands are registered when they are imported, in the order of `--help`.
_COMMANDS = (
    "commands",
    "randomise_command",
    "reestimate_command",
    "monitor_command",
    "model_command",
    "explore_command",
    "design_command",
    "forecast_command",
)


def main() -> None:
    """Entry point of the command `equipoise`."""
    from equipoise.cli.guard import guarded

    guarded(_run)()


def application() -> typer.Typer:
    """The program with all of its commands."""
    for module in _COMMANDS:
        importlib.import_module(f"equipoise.cli.{module}")
    from equipoise.cli.commands import app

    return app


def _run() -> None:
    application()()
