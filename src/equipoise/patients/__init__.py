"""Virtual patients: statistical, and mechanistic, through the same door."""

from equipoise.patients.blood import Blood, blood_values
from equipoise.patients.cohort import Cohort, Scenario
from equipoise.patients.courses import Courses, follow
from equipoise.patients.exposures_and_imaging import draw_exposures, draw_images
from equipoise.patients.kernel_loading import compile_patient_kernels, patient_kernels_compiled
from equipoise.patients.pharmacokinetics import area_under_curve, concentration
from equipoise.patients.population import (
    VirtualPatients,
    draw_patients,
    implausible,
    typical_patients,
)
from equipoise.patients.statistical import statistical_patients

__all__ = [
    "Blood",
    "Cohort",
    "Courses",
    "Scenario",
    "VirtualPatients",
    "area_under_curve",
    "blood_values",
    "compile_patient_kernels",
    "concentration",
    "draw_exposures",
    "draw_images",
    "draw_patients",
    "follow",
    "implausible",
    "patient_kernels_compiled",
    "statistical_patients",
    "typical_patients",
]
