"""Virtual patients: statistical now, mechanistic later through the same door."""

from equipoise.patients.cohort import Cohort, Scenario
from equipoise.patients.statistical import statistical_patients

__all__ = ["Cohort", "Scenario", "statistical_patients"]
