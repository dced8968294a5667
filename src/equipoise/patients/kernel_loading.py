"""The compiled kernels of virtual patients, with a cache of their own."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equipoise.stats.kernel_cache import are_compiled, imported_kernels

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = Path(__file__).parent / "kernels"
KERNELS = (("dynamics", "follow_blocks"),)


@lru_cache(maxsize=1)
def load_follow_blocks() -> Callable[..., Any]:
    """`equipoise.patients.kernels.dynamics.follow_blocks`; compiled at its first call."""
    return imported_kernels(KERNELS, "equipoise.patients", SOURCES)["follow_blocks"]


def patient_kernels_compiled() -> bool:
    """Whether they are compiled for the present sources (no Numba import)."""
    return are_compiled(KERNELS, SOURCES)


def compile_patient_kernels() -> list[str]:
    """Compile them, or load them where they are cached; their names."""
    import numpy as np

    from equipoise.mechanisms import find_model
    from equipoise.patients.courses import follow
    from equipoise.patients.population import typical_patients
    from equipoise.patients.schedules import Schedule

    schedule = Schedule(days=np.zeros(1), amounts=np.ones(1))
    follow(typical_patients(find_model("il2")), schedule, (0.0, 1.0))
    return [f"{module}.{kernel}" for module, kernel in KERNELS]
