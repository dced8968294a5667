"""1,000,000 score rows, read and validated against the protocol.

The peer in the same run is pandas.read_csv alone, which checks nothing. Each runs in a process
of its own; prints seconds, the peak of memory, and the ratio.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 1_000_000


def write(folder: Path, *, quoted: bool) -> None:
    """Records of the antidepressant example with a million score rows.

    `quoted` puts every text in quotes, as R's write.csv does.
    """
    import numpy as np
    import polars as pl

    import equipoise as eq

    protocol = eq.load_protocol("antidepressant-example")
    visits = protocol.visits
    people = ROWS // len(visits)
    ids = np.array([f"P{i:07d}" for i in range(people)])
    generator = np.random.default_rng(1)
    at = np.tile(np.arange(len(visits)), people)
    scores = pl.DataFrame(
        {
            "participant": np.repeat(ids, len(visits)),
            "visit": np.array([v.id for v in visits])[at],
            "day": np.array([v.day for v in visits], dtype=float)[at],
            "instrument": np.full(ROWS, "hdrs"),
            "item": np.full(ROWS, "total"),
            "score": generator.integers(0, 53, ROWS).astype(float),
        }
    )
    participants = pl.DataFrame(
        {"participant": ids, "site": np.full(people, "01"), "sex": np.full(people, "F")}
    )
    (folder / "manifest.json").write_text('{"origin": "observed", "source": "benchmark"}')
    style = "non_numeric" if quoted else "necessary"
    scores.write_csv(folder / "scores.csv", quote_style=style)
    participants.write_csv(folder / "participants.csv")


def ours(folder: str) -> None:
    """Read and validate."""
    import equipoise as eq

    protocol = eq.load_protocol("antidepressant-example")
    started = time.perf_counter()
    records = eq.read_records(folder, protocol)
    seconds = time.perf_counter() - started
    assert records.scores is not None
    assert records.scores.height == ROWS
    report(seconds)


def peer(folder: str) -> None:
    """Read only."""
    import pandas as pd

    started = time.perf_counter()
    frame = pd.read_csv(f"{folder}/scores.csv")
    seconds = time.perf_counter() - started
    assert len(frame) == ROWS
    report(seconds)


def report(seconds: float) -> None:
    """One line: seconds and the peak of memory of this process in GB."""
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def measure(which: str, folder: Path) -> tuple[float, float]:
    """Best of three processes."""
    found = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, __file__, which, str(folder)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        seconds, memory = map(float, done.stdout.split())
        found.append((seconds, memory))
    return min(found)


def main() -> None:
    """Measure both and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, quoted=True)
        in_quotes = measure("ours", folder)
        write(folder, quoted=False)
        size = (folder / "scores.csv").stat().st_size / 1e6
        mine, other = measure("ours", folder), measure("peer", folder)
    print(f"{ROWS:,} score rows, {size:.0f} MB of CSV")
    print(f"{'what':44}{'seconds':>9}{'GB peak':>9}")
    print(f"{'equipoise: read and validated':44}{mine[0]:9.2f}{mine[1]:9.2f}   target 5 s, 1.5 GB")
    print(f"{'the same, every text in quotes':44}{in_quotes[0]:9.2f}{in_quotes[1]:9.2f}")
    print(f"{'pandas.read_csv: read only':44}{other[0]:9.2f}{other[1]:9.2f}")
    print(f"time, equipoise : pandas.read_csv = {mine[0] / other[0]:.2f} : 1")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        {"ours": ours, "peer": peer}[sys.argv[1]](sys.argv[2])
    else:
        main()
