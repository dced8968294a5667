"""Power and sample size by closed forms: what a simulated design is held against."""

from .assurance import assurance, assurance_of_normal_test
from .blinded import (
    BlindedVariance,
    SizeBySpread,
    blinded_variance,
    size_by_spread,
    variance_excess,
)
from .means import ancova_power, two_sample_t_power
from .proportions import two_proportions_power
from .repeated_measures import (
    estimate_variance,
    mmrm_power,
    variance_inflation,
)
from .size import SizeForPower, smallest_size

__all__ = [
    "BlindedVariance",
    "SizeBySpread",
    "SizeForPower",
    "ancova_power",
    "assurance",
    "assurance_of_normal_test",
    "blinded_variance",
    "estimate_variance",
    "mmrm_power",
    "size_by_spread",
    "smallest_size",
    "two_proportions_power",
    "two_sample_t_power",
    "variance_excess",
    "variance_inflation",
]
