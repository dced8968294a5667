"""Where compiled kernels are kept, and how to know that they are there.

Numba does not notice that a function called by a cached kernel has changed. The cache folder is
therefore keyed by a hash of every kernel source, of the versions of Numba and Python and of the
processor: an edited kernel finds an empty folder. Nothing here imports Numba until a kernel is
asked for.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import threading
import warnings
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

KERNEL_FOLDER = Path(__file__).parent / "kernels"

#: Kernels of a single fit, in the order in which they hand one another on; each as module and
#: function, with one signature. Those with a declared signature compile when their module is
#: imported.
FIT_KERNELS: tuple[tuple[str, str], ...] = (
    ("likelihood", "evaluate"),
    ("unstructured", "evaluate_unstructured"),
    ("newton", "maximise_unstructured"),
    ("trial", "fit_compressed"),
    ("rows", "compress_rows"),
    ("rows", "solved_rows"),
    ("inference", "small_sample_parts"),
)
#: Kernels of a single fit with another covariance than ``us``.
STRUCTURED_KERNELS: tuple[tuple[str, str], ...] = (
    ("structures", "fill_blocks"),
    ("structured_newton", "maximise_structured"),
    ("structured_trial", "fit_structured"),
    ("structured_inference", "structured_parts"),
)
#: Kernels for many visits, or visits of each participant's own; they compile at their first call.
GENERAL_KERNELS: tuple[tuple[str, str], ...] = (
    ("structured_likelihood", "evaluate_structured"),
    ("structured_likelihood", "fill_second_order"),
)
#: Kernels that only a batch of trials needs.
BATCH_KERNELS: tuple[tuple[str, str], ...] = (
    ("batch", "fit_and_contrast"),
    ("batch", "fit_trials"),
    ("batch", "refit_allocations"),
)
#: And those of a batch with another covariance than ``us``.
STRUCTURED_BATCH_KERNELS: tuple[tuple[str, str], ...] = (
    ("structured_batch", "contrast_structured"),
    ("structured_batch", "fit_structured_trials"),
)
ENTRY_POINTS = (
    FIT_KERNELS + STRUCTURED_KERNELS + GENERAL_KERNELS + BATCH_KERNELS + STRUCTURED_BATCH_KERNELS
)

_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Kernels:
    """The compiled functions that a single fit calls.

    Attributes
    ----------
    evaluate : callable
        `equipoise.stats.kernels.likelihood.evaluate`.
    compress_rows : callable
        `equipoise.stats.kernels.rows.compress_rows`.
    solved_rows : callable
        `equipoise.stats.kernels.rows.solved_rows`.
    fit_compressed : callable
        `equipoise.stats.kernels.trial.fit_compressed` without its first two arguments.
    small_sample_parts : callable
        `equipoise.stats.kernels.inference.small_sample_parts`.
    pointers : tuple
        Of the kernels that hand one another on.
    """

    evaluate: Callable[..., Any]
    compress_rows: Callable[..., Any]
    solved_rows: Callable[..., Any]
    fit_compressed: Callable[..., Any]
    small_sample_parts: Callable[..., Any]
    pointers: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class StructuredKernels:
    """The compiled functions that a single fit with another covariance than ``us`` calls.

    Attributes
    ----------
    fill_blocks : callable
        `equipoise.stats.kernels.structures.fill_blocks`.
    fit_structured : callable
        `equipoise.stats.kernels.structured_trial.fit_structured` without its pointers.
    structured_parts : callable
        `equipoise.stats.kernels.structured_inference.structured_parts`.
    evaluate_structured, fill_second_order : callable
        Of `equipoise.stats.kernels.structured_likelihood`.
    pointers : tuple
        Of the kernels that hand one another on.
    """

    fill_blocks: Callable[..., Any]
    fit_structured: Callable[..., Any]
    structured_parts: Callable[..., Any]
    evaluate_structured: Callable[..., Any]
    fill_second_order: Callable[..., Any]
    pointers: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class BatchKernels:
    """The compiled functions that a batch of trials calls.

    Attributes
    ----------
    fit_trials, refit_allocations : callable
        Those of `equipoise.stats.kernels.batch` without their pointers.
    """

    fit_trials: Callable[..., Any]
    refit_allocations: Callable[..., Any]


def source_key(sources: Path = KERNEL_FOLDER) -> str:
    """Hash of all that a compiled kernel of the folder depends on (16 hexadecimal digits)."""
    digest = hashlib.sha256()
    for path in sorted(sources.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    digest.update(str(sources.resolve()).encode())
    digest.update(importlib.metadata.version("numba").encode())
    digest.update(importlib.metadata.version("numpy").encode())
    digest.update(f"{sys.implementation.cache_tag} {platform.machine()}".encode())
    digest.update(_processor().encode())
    return digest.hexdigest()[:16]


def cache_folder(sources: Path = KERNEL_FOLDER) -> Path:
    """Folder of the compiled kernels for the present sources; created, and writable.

    It lies under ``NUMBA_CACHE_DIR`` where the user set it, otherwise under ``XDG_CACHE_HOME`` or
    ``~/.cache``. Where that cannot be written to, a folder of this process alone is used.
    """
    folder = _wanted_folder(sources)
    return folder if _writable(folder) else _temporary_folder()


@lru_cache(maxsize=1)
def load_kernels() -> Kernels:
    """Import the kernels of a single fit with their cache folder in place."""
    found = _imported(FIT_KERNELS)
    pointers = _pointers(found, ("evaluate_unstructured", "maximise_unstructured"))
    return Kernels(
        evaluate=found["evaluate"],
        compress_rows=found["compress_rows"],
        solved_rows=found["solved_rows"],
        fit_compressed=partial(found["fit_compressed"], *pointers),
        small_sample_parts=found["small_sample_parts"],
        pointers=(*pointers, *_pointers(found, ("fit_compressed",))),
    )


@lru_cache(maxsize=1)
def load_structured_kernels() -> StructuredKernels:
    """Import the kernels of other covariances than ``us``; those of ``us`` come first."""
    evaluate = load_kernels().pointers[0]
    found = _imported(STRUCTURED_KERNELS + GENERAL_KERNELS)
    pointers = (evaluate, *_pointers(found, ("fill_blocks", "maximise_structured")))
    return StructuredKernels(
        fill_blocks=found["fill_blocks"],
        fit_structured=partial(found["fit_structured"], *pointers),
        structured_parts=found["structured_parts"],
        **{kernel: found[kernel] for _, kernel in GENERAL_KERNELS},
        pointers=(*pointers, *_pointers(found, ("fit_structured",))),
    )


@lru_cache(maxsize=1)
def load_batch_kernels() -> BatchKernels:
    """Import the kernels of a batch; those of a single fit come first."""
    pointers = load_kernels().pointers
    found = _imported(BATCH_KERNELS)
    pointers = (*pointers, *_pointers(found, ("fit_and_contrast",)))
    return BatchKernels(
        fit_trials=partial(found["fit_trials"], *pointers),
        refit_allocations=partial(found["refit_allocations"], *pointers),
    )


@lru_cache(maxsize=1)
def load_structured_batch_kernel() -> Callable[..., Any]:
    """`equipoise.stats.kernels.structured_batch.fit_structured_trials` without its pointers."""
    pointers = load_structured_kernels().pointers
    found = _imported(STRUCTURED_BATCH_KERNELS)
    pointers = (*pointers, *_pointers(found, ("contrast_structured",)))
    return partial(found["fit_structured_trials"], *pointers)


def imported_kernels(
    kernels: tuple[tuple[str, str], ...], package: str | None, sources: Path
) -> dict[str, Any]:
    """Import kernels of the folder ``kernels`` of a package with their cache in place.

    Parameters
    ----------
    kernels : tuple of (str, str)
        Module and function.
    package : str
        Name of the package.
    sources : Path
        Its folder of kernels, by which the cache is keyed.
    """
    with _lock, _numba_cache(cache_folder(sources)):
        return {
            kernel: getattr(importlib.import_module(f".kernels.{module}", package), kernel)
            for module, kernel in kernels
        }


def _imported(kernels: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return imported_kernels(kernels, __package__, KERNEL_FOLDER)


def _pointers(found: dict[str, Any], kernels: tuple[str, ...]) -> tuple[Any, ...]:
    from .kernels.signatures import Pointer

    return tuple(Pointer(found[kernel]) for kernel in kernels)


def kernels_compiled() -> bool:
    """Whether every kernel is compiled in the cache for the present sources (no Numba import)."""
    return are_compiled(ENTRY_POINTS, KERNEL_FOLDER)


def are_compiled(kernels: tuple[tuple[str, str], ...], sources: Path) -> bool:
    """Whether these kernels are compiled for the present sources (no Numba import)."""
    folder = _wanted_folder(sources)
    return all(
        any(folder.glob(f"*/{module}.{kernel}-*.nbc"))
        or any(folder.glob(f"{module}.{kernel}-*.nbc"))
        for module, kernel in kernels
    )


def compile_kernels(
    progress: Callable[[str], object] | None = None, only: Sequence[str] | None = None
) -> list[str]:
    """Compile every kernel with its one signature, or load it where it is cached.

    Parameters
    ----------
    progress : callable, optional
        Called with the name of each kernel before it is compiled.
    only : sequence of str, optional
        These alone, as ``module.function``, in this order.

    Returns
    -------
    list of str
        The kernels, as ``module.function``.
    """
    import numpy as np

    rows = np.array([[1.0, 0.5], [1.0, -1.0], [1.0, 0.25], [1.0, 1.5]])
    none, one = np.array([0], dtype=np.int64), np.array([2], dtype=np.int64)
    first, visits = np.array([0, 4], dtype=np.int64), np.array([[0, 1]], dtype=np.int64)
    patterns = (rows, first, visits, one, np.array([2.0]), none)
    blocks = (np.eye(2)[None], np.ones((1, 2, 2, 2)), np.zeros((1, 2, 2, 2, 2)))
    arguments: dict[str, tuple[object, ...]] = {
        "evaluate": (np.array([[[1.0, 0.0], [0.2, 1.0]]]), *patterns, True, True),
        "evaluate_structured": (*blocks, none, 2, *patterns, True, True),
        "fill_second_order": (
            *(*blocks, none, np.eye(2), 0.25, visits, one, none, np.zeros((1, 2, 2))),
        ),
    }
    done = []
    wanted = ENTRY_POINTS if only is None else [tuple(name.split(".")) for name in only]
    for module, kernel in wanted:
        name = f"{module}.{kernel}"
        if progress is not None:
            progress(name)
        found = _imported(((module, kernel),))
        if kernel in arguments:
            found[kernel](*arguments[kernel])
        done.append(name)
    return done


def _wanted_folder(sources: Path = KERNEL_FOLDER) -> Path:
    users_own = os.environ.get("NUMBA_CACHE_DIR")
    if users_own:
        return Path(users_own) / f"equipoise-{source_key(sources)}"
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        root = Path(base) if base else Path.home() / ".cache"
    except RuntimeError:  # no home folder at all
        root = Path(tempfile.gettempdir())
    return root / "equipoise" / "kernels" / source_key(sources)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@lru_cache(maxsize=1)
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="equipoise-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    warnings.warn(
        f"compiled kernels cannot be kept in {_wanted_folder()}; they are compiled again for this "
        f"process in {folder}. Set XDG_CACHE_HOME to a folder that can be written to.",
        RuntimeWarning,
        stacklevel=4,
    )
    return folder


@contextlib.contextmanager
def _numba_cache(folder: Path) -> Generator[None]:
    """Let Numba decide for `folder` while the kernels are decorated, and for nothing else."""
    from numba.core import config

    before = getattr(config, "CACHE_DIR", "")
    config.CACHE_DIR = str(folder)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        config.CACHE_DIR = before  # pyright: ignore[reportAttributeAccessIssue]


def _processor() -> str:
    """The processor's feature flags: a shared home folder may be seen by several machines."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(("flags", "Features")):
                    return line
    except OSError:
        pass
    return platform.processor()
