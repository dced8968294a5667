"""How long until something happens: import, --help, the main job.

Each line is a fresh process; the peer in the same run is what a user would otherwise start.
Prints medians, the target, and the ratio to the peer.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

PYTHON = sys.executable


def median_seconds(command: list[str], times: int) -> float:
    """Median wall time of a command in a fresh process."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    bare = median_seconds([PYTHON, "-c", "pass"], 15)
    imported = median_seconds([PYTHON, "-c", "import equipoise"], 15) - bare
    peer = median_seconds([PYTHON, "-c", "import statsmodels.api"], 5) - bare
    shown = median_seconds([PYTHON, "-m", "equipoise", "--help"], 9)
    subprocess.run([PYTHON, "-m", "equipoise", "compile"], check=True, capture_output=True)
    with tempfile.TemporaryDirectory() as folder:
        job = [PYTHON, "-m", "equipoise", "run", "il2-depression", "--out", folder]
        whole = median_seconds(job, 3)
    print(f"{'what':46}{'seconds':>9}{'target':>9}")
    print(f"{'python -c pass':46}{bare:9.3f}")
    print(f"{'import equipoise (beyond that)':46}{imported:9.3f}{0.3:9.1f}")
    print(f"{'import statsmodels.api (beyond that)':46}{peer:9.3f}")
    print(f"{'equipoise --help':46}{shown:9.3f}{0.5:9.1f}")
    print(f"{'equipoise run il2-depression':46}{whole:9.3f}{15:9.0f}")
    print(f"import, statsmodels : equipoise = {peer / max(imported, 1e-4):.0f} : 1")


if __name__ == "__main__":
    main()
