"""Power and sample size by closed forms: what a simulated design is held against."""

from .assurance import assurance, assurance_of_normal_test
from .means import ancova_power, two_sample_t_power
from .proportions import two_proportions_power
from .repeated_measures import (
    estimate_variance,
    mmrm_power,
    variance_inflation,
)
from .size import SizeForPower, smallest_size

__all__ = [
    "SizeForPower",
    "ancova_power",
    "assurance",
    "assurance_of_normal_test",
    "estimate_variance",
    "mmrm_power",
    "smallest_size",
    "two_proportions_power",
    "two_sample_t_power",
    "variance_inflation",
]
