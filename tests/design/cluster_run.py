"""Trials on a cluster of two processes, one of them killed in the middle: prints what came out.

A program of its own: the cluster's processes import it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np

import equipoise as eq

TRIALS = 240


def main(store: Path) -> None:
    """Compare a run on the cluster with one in this process."""
    from distributed import Client, LocalCluster

    protocol = eq.load_protocol("antidepressant-example")
    arguments = {"scenarios": ("planned", "null"), "seed": 3, "trials": TRIALS}
    alone = eq.operating_characteristics(protocol, workers=1, **arguments)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        with Client(cluster) as client:
            pids = list(client.run(os.getpid).values())
        killed: list[int] = []

        def kill_one(done: int, total: int) -> None:
            if not killed and done >= 40:
                os.kill(pids[0], signal.SIGKILL)
                killed.append(done)

        shared = eq.operating_characteristics(
            protocol, progress=kill_one, cluster=cluster.scheduler_address, store=store, **arguments
        )
    for name in ("hits", "estimate", "se", "df", "fits", "serious"):
        assert np.array_equal(getattr(alone, name), getattr(shared, name), equal_nan=True), name
    print(f"killed after {killed[0]} trials; {2 * TRIALS} trials the same")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
