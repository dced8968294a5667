"""Compiling the kernels in two processes: the chain of those that need one another, and the rest.

Numba compiles on one core. Whatever the second process leaves undone, the first one does.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, NoReturn

from equipoise.cli.guard import INTERRUPTED, INTERRUPTED_WORDS, say

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

#: Kernels that import none of the long chain (unstructured → newton → trial → batch), each after
#: what it imports itself.
_APART = (
    "rows.compress_rows",
    "rows.solved_rows",
    "inference.small_sample_parts",
    "structures.fill_blocks",
    "structured_likelihood.evaluate_structured",
    "structured_likelihood.fill_second_order",
    "structured_inference.structured_parts",
)


def compile_all(progress: Callable[[str], object] | None, *, patients: bool) -> list[str]:
    """Compile every kernel, or load it where it is cached; with `patients` theirs too.

    Parameters
    ----------
    progress
        Called with what is compiled next; None where all is compiled already.

    Returns
    -------
    list of str
        The kernels, as ``module.function``.
    """
    from equipoise.patients import compile_patient_kernels
    from equipoise.stats import compile_kernels

    with _another_process(patients) if progress is not None else contextlib.nullcontext():
        names = compile_kernels(progress)
    if patients:
        if progress is not None:
            progress("the virtual patients")
        names += compile_patient_kernels()
    return names


@contextlib.contextmanager
def _another_process(patients: bool) -> Generator[None]:
    """A second process at work on what waits for nothing, where there is a core for it."""
    from equipoise.stats.threads import available_threads

    if available_threads() < 2:
        yield
        return
    import multiprocessing

    # Spawned, as everywhere; a daemon, so that it ends with this process.
    process = multiprocessing.get_context("spawn").Process(
        target=_compile_apart, args=(patients,), daemon=True
    )
    with _interrupt_held_back():
        process.start()
    with _interrupt_ends(process):
        yield
        process.join()


@contextlib.contextmanager
def _interrupt_ends(process: BaseProcess) -> Generator[None]:
    """Ctrl-C ends both processes at once.

    An exception would be lost where it falls into a callback of the compiler. A kernel is cached
    in one piece or not at all, so that nothing is left half.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def end(*_: object) -> NoReturn:
        process.kill()
        say(INTERRUPTED_WORDS)
        os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _compile_apart(patients: bool) -> None:
    """In the second process: it ignores Ctrl-C, which is the first one's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from equipoise.patients import compile_patient_kernels
    from equipoise.stats import compile_kernels

    compile_kernels(only=_APART)
    if patients:
        compile_patient_kernels()


@contextlib.contextmanager
def _interrupt_held_back() -> Generator[None]:
    """Hold Ctrl-C back while the process starts: it inherits that until it ignores it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
