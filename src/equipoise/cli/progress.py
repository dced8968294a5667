"""How far a long run is, and about how long it still takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from equipoise.cli.guard import say

#: Seconds without a word, at most.
_SILENCE = 30.0


def show_progress(what: str = "trials") -> Callable[[int, int], None]:
    """Trials done and the time left: a line that is renewed at a terminal.

    What was there from the beginning takes no time. Of a ``search`` only an upper limit is known:
    it ends as soon as the answer is good enough.

    Elsewhere a line at the beginning, at every tenth, and after a while without one.
    """
    started = time.monotonic()
    terminal = sys.stderr.isatty()
    told: dict[str, float] = {"tenth": -1, "at": started, "there": -1}

    def show(done: int, total: int) -> None:
        spent = time.monotonic() - started
        if told["there"] < 0:
            # What the first call brings was kept by an earlier run, or is a first chunk.
            told["there"], told["at first"] = done, spent
        new = done - told["there"]
        took = spent - told["at first"]
        rest = f", about {took * (total - done) / new:.0f} s left" if new > 0 else ""
        if what == "search":
            text = f"search: {done} trials, at most {total}"
        else:
            text = f"simulated and analysed {done} of {total} trials{rest}"
        if terminal:
            print(f"\r{text}   ", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif 10 * done // total > told["tenth"] or time.monotonic() - told["at"] > _SILENCE:
            told["tenth"], told["at"] = 10 * done // total, time.monotonic()
            say(text)

    return show
