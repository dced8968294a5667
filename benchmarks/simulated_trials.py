"""Whole simulated trials: arrays against records, both kinds of patients, growth with size.

Processor time of this process on one thread, the best of several repeats; a busy machine shows
more, never less. The same code draws both: records are made from the arrays.
"""

from __future__ import annotations

import tempfile
import time
from importlib import resources
from pathlib import Path

import equipoise as eq
from equipoise.simulation import records_of, simulate_arrays

SIZES = (36, 180, 900, 4500)


def twin(size: int, folder: Path) -> eq.Protocol:
    """The twin with another number of participants."""
    text = (resources.files("equipoise.studies") / "il2-depression" / "protocol.toml").read_text(
        encoding="utf-8"
    )
    text = text.replace("size = 36", f"size = {size}", 1)
    text = text.replace("MDD = 18, BD = 18", f"MDD = {size // 2}, BD = {size // 2}", 1)
    path = folder / f"{size}.toml"
    path.write_text(text, encoding="utf-8")
    return eq.load_protocol(path)


def seconds(work, repeats: int = 5, trials: int = 20) -> float:
    """Processor time of one call."""
    best = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        for trial in range(trials):
            work(trial)
        best = min(best, (time.process_time() - started) / trials)
    return best


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        protocol = twin(36, Path(folder))
        print(f"{'patients':14}{'arrays ms':>12}{'records ms':>12}{'trials/s':>12}")
        for kind in ("statistical", "mechanistic"):
            simulate_arrays(protocol, 1, patients=kind)  # plan, kernels

            def arrays(trial: int, kind: str = kind) -> object:
                return simulate_arrays(protocol, 1, trial=trial, patients=kind)

            drawn = seconds(arrays)
            made = seconds(lambda trial: records_of(arrays(trial)), trials=5)
            print(f"{kind:14}{1e3 * drawn:12.2f}{1e3 * made:12.2f}{1 / drawn:12.0f}")
        print(f"\n{'participants':14}{'arrays ms':>12}{'us each':>12}")
        for size in SIZES:
            large = twin(size, Path(folder))
            simulate_arrays(large, 1)
            took = seconds(lambda trial, at=large: simulate_arrays(at, 1, trial=trial), trials=3)
            print(f"{size:14}{1e3 * took:12.2f}{1e6 * took / size:12.1f}")


if __name__ == "__main__":
    main()
