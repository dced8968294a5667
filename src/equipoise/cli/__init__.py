"""The command line: thin commands over the stages."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Entry point of the command `equipoise`."""
    from equipoise.cli.guard import guarded

    guarded(_run)()


def _run() -> None:
    from equipoise.cli.monitor_command import app

    app()
