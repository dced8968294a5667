"""How far a long run is, and about how long it still takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from equipoise.cli.guard import say


def show_progress() -> Callable[[int, int], None]:
    """Trials done and the time left: a line that is renewed at a terminal, else at every tenth."""
    started = time.monotonic()
    terminal = sys.stderr.isatty()
    told = [0]

    def show(done: int, total: int) -> None:
        spent = time.monotonic() - started
        left = spent * (total - done) / done
        text = f"simulated and analysed {done} of {total} trials, about {left:.0f} s left"
        if terminal:
            print(f"\r{text}   ", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif 10 * done // total > told[0]:
            told[0] = 10 * done // total
            say(text)

    return show
