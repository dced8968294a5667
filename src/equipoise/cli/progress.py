"""How far a long run is, and about how long it still takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from equipoise.cli.guard import say

#: Seconds without a word, at most.
_SILENCE = 30.0


def show_progress() -> Callable[[int, int], None]:
    """Trials done and the time left: a line that is renewed at a terminal.

    Elsewhere a line at the beginning, at every tenth, and after a while without one.
    """
    started = time.monotonic()
    terminal = sys.stderr.isatty()
    told: dict[str, float] = {"tenth": -1, "at": started}

    def show(done: int, total: int) -> None:
        spent = time.monotonic() - started
        left = spent * (total - done) / done
        text = f"simulated and analysed {done} of {total} trials, about {left:.0f} s left"
        if terminal:
            print(f"\r{text}   ", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif 10 * done // total > told["tenth"] or time.monotonic() - told["at"] > _SILENCE:
            told["tenth"], told["at"] = 10 * done // total, time.monotonic()
            say(text)

    return show
