"""Outside readers of SBML: libSBML checks a document, libRoadRunner simulates it."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest


def outside(name):
    """A module that is there for tests only; absent it skips, but fails in CI."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return __import__(name)
    except ImportError:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is absent, and CI=true: the exported file must be read")
        pytest.skip(f"{name} is not installed: pip install -e '.[dev]'")


def complaints(text: str) -> list[str]:
    """Everything that libSBML says of a document: errors and warnings, units and practice too."""
    libsbml = outside("libsbml")
    document = libsbml.readSBMLFromString(text)
    for category in (
        libsbml.LIBSBML_CAT_UNITS_CONSISTENCY,
        libsbml.LIBSBML_CAT_MODELING_PRACTICE,
        libsbml.LIBSBML_CAT_MATHML_CONSISTENCY,
    ):
        document.setConsistencyChecks(category, True)
    document.checkConsistency()
    return [document.getError(i).getMessage() for i in range(document.getNumErrors())]


@contextmanager
def silent() -> Iterator[None]:
    """CVODE prints thousands of lines around events, past Python: both streams go nowhere."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for handle in (*kept, nowhere):
            os.close(handle)


def simulated(
    text: str,
    days: Sequence[float],
    names: Sequence[str],
    *,
    changed: dict[str, float] | None = None,
    relative: float = 1e-11,
    absolute: float = 1e-13,
) -> dict[str, np.ndarray]:
    """Name → values on `days` (the first is 0), by libRoadRunner's CVODE."""
    roadrunner = outside("roadrunner")
    with silent():
        roadrunner.Logger.disableLogging()
        runner = roadrunner.RoadRunner(text)
        for name, value in (changed or {}).items():
            runner[name] = value
        runner.integrator.relative_tolerance = relative
        runner.integrator.absolute_tolerance = absolute
        runner.integrator.maximum_num_steps = 1_000_000
        runner.timeCourseSelections = ["time", *names]
        found = np.array(runner.simulate(times=list(days)))
    np.testing.assert_allclose(found[:, 0], days, rtol=1e-12)
    return {name: found[:, k + 1] for k, name in enumerate(names)}
