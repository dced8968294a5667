"""What every kind of virtual patient hands to the simulation: arrays, one row a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class Scenario(StrEnum):
    """Which world is simulated."""

    PLANNED = "planned"
    """As the protocol assumes."""
    NULL = "null"
    """Every arm follows the control arm's course; the link stays."""
    LINK_OFF = "link-off"
    """Arms differ as planned; the early cell change says nothing about later scores."""
    CELLS_ONLY = "cells-only"
    """Cells and laboratory values differ as planned; every arm's scores follow the control's."""


class PatientKind(StrEnum):
    """Which virtual patients are simulated."""

    MECHANISTIC = "mechanistic"
    """Cells, tone and mood follow from the doses by a model."""
    STATISTICAL = "statistical"
    """Scores and cells lie around assumed means."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Complete courses of n participants, before anything is missed or lost.

    Attributes
    ----------
    scores
        Instrument → (n, visits of the instrument) totals in points, before rounding.
    cells
        (population, unit) → (n, visits) values in that unit, assay noise included.
    labs
        Analyte → (n, visits) values in the analyte's unit.
    """

    scores: Mapping[str, np.ndarray]
    cells: Mapping[tuple[str, str], np.ndarray]
    labs: Mapping[str, np.ndarray]


def followed_arms(arms: np.ndarray, control: int, scenario: Scenario) -> np.ndarray:
    """(n,) indices of the arms whose courses people follow: the control's under ``null``."""
    import numpy as np

    return np.full_like(arms, control) if scenario is Scenario.NULL else arms
