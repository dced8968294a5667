"""Virtual patients: statistical now, mechanistic later through the same door."""

from equipoise.patients.cohort import Cohort, Scenario
from equipoise.patients.exposures_and_imaging import draw_exposures, draw_images
from equipoise.patients.statistical import statistical_patients

__all__ = ["Cohort", "Scenario", "draw_exposures", "draw_images", "statistical_patients"]
