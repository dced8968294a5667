"""As many digits as the standard error can bear: two, or more on a small scale."""

from __future__ import annotations

import pytest

import equipoise as eq
from equipoise.analysis.model_results import Contrast, Mean
from equipoise.report.words import answer_sentence, contrast_text, decimals, mean_text


@pytest.mark.parametrize(
    ("se", "digits"),
    [(None, 2), (0.0, 2), (12.3, 2), (0.8, 2), (0.1, 2), (0.0999, 3), (0.01, 3), (0.0099, 4),
     (0.0012, 4), (1e-12, 6), (float("nan"), 2)],
)  # fmt: skip
def test_two_figures_of_the_standard_error_are_shown(se, digits):
    assert decimals(se) == digits


def contrast(**values):
    fields = {"arm": "a", "reference": "b", "visit": "v", "df": 9, "t": 1, "p": 0.1, **values}
    return Contrast(**fields)


def test_a_small_difference_keeps_its_figures_and_others_keep_two():
    small = contrast(estimate=-0.0123, se=0.0054, lower=-0.0229, upper=-0.0017)
    assert contrast_text(small, False) == "−0.0123 (−0.0229 to −0.0017)"
    ratio = contrast(estimate=0.05, se=0.02, lower=0.01, upper=0.09, ratio=1.0513,
                     ratio_lower=1.01, ratio_upper=1.0942)  # fmt: skip
    assert contrast_text(ratio, True) == "1.05 (1.01 to 1.09)"
    win = contrast(measure="win probability", estimate=0.6123, se=0.05, lower=0.5, upper=0.7)
    assert contrast_text(win, False) == "0.61 (0.50 to 0.70)"
    mean = Mean(group="a", visit="v", estimate=0.0049, se=0.012, df=20, lower=-0.02, upper=0.03)
    assert mean_text(mean, False) == "0.005 (−0.020 to 0.030)"


def test_the_answer_on_a_pet_signal_is_not_rounded_away():
    protocol = eq.load_protocol("minocycline-depression")
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    answer = next(a for a in results.answers if a.endpoint == "pet_prefrontal")
    (mean,) = answer.means
    digits = decimals(mean.se)
    assert digits >= 3
    assert f"had changed by {mean.estimate:.{digits}f} BPND".replace("-", "−") in answer_sentence(
        results, answer
    )
