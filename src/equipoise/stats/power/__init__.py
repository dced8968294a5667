"""Power and sample size by closed forms: what a simulated design is held against."""

from equipoise.stats.power.assurance import assurance, assurance_of_normal_test
from equipoise.stats.power.means import ancova_power, two_sample_t_power
from equipoise.stats.power.proportions import two_proportions_power
from equipoise.stats.power.repeated_measures import (
    estimate_variance,
    mmrm_power,
    variance_inflation,
)
from equipoise.stats.power.size import SizeForPower, smallest_size

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
