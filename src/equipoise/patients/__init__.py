"""Virtual patients: statistical, and mechanistic, through the same door."""

from equipoise.patients.blood import Blood, blood_values
from equipoise.patients.cohort import Cohort, PatientKind, Scenario, followed_arms
from equipoise.patients.courses import Courses, follow
from equipoise.patients.exposures_and_imaging import (
    ExposureCourse,
    ImageCourse,
    cumulative_probabilities,
    draw_exposures,
    draw_images,
    drawn_levels,
    exposures_of,
    images_of,
    plan_exposures,
    plan_images,
)
from equipoise.patients.kernel_loading import compile_patient_kernels, patient_kernels_compiled
from equipoise.patients.pharmacokinetics import area_under_curve, concentration
from equipoise.patients.population import (
    VirtualPatients,
    draw_patients,
    implausible,
    typical_patients,
)
from equipoise.patients.statistical import (
    StatisticalPlan,
    draw_statistical,
    plan_statistical,
    statistical_patients,
)

__all__ = [
    "Blood",
    "Cohort",
    "Courses",
    "ExposureCourse",
    "ImageCourse",
    "PatientKind",
    "Scenario",
    "StatisticalPlan",
    "VirtualPatients",
    "area_under_curve",
    "blood_values",
    "compile_patient_kernels",
    "concentration",
    "cumulative_probabilities",
    "draw_exposures",
    "draw_images",
    "draw_patients",
    "draw_statistical",
    "drawn_levels",
    "exposures_of",
    "follow",
    "followed_arms",
    "images_of",
    "implausible",
    "patient_kernels_compiled",
    "plan_exposures",
    "plan_images",
    "plan_statistical",
    "statistical_patients",
    "typical_patients",
]
