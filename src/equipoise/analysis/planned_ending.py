"""What else than the planned number of participants may end a trial, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equipoise.protocol.reestimation_plan import Subtraction

if TYPE_CHECKING:
    from equipoise.protocol import Protocol


def ending_in_words(protocol: Protocol) -> str:
    """Interim looks or a size estimated again, as a sentence; empty where neither is planned."""
    looks, again = protocol.analysis.interim, protocol.analysis.reestimation
    if looks is not None:
        shares = _listed([f"{100 * share:.0f} %" for share in looks.shares])
        return (
            f"The primary estimand is looked at when {shares} of the participants have been "
            "followed; the trial ends at a look that crosses its boundary."
        )
    if again is not None:
        estimand = protocol.estimands[again.estimand]
        label = protocol.endpoints[estimand.endpoint].label
        visit = protocol.visit(estimand.visit).label
        effect = f"{again.effect:g}".replace("-", "\u2212")
        looked = math.ceil(again.share * protocol.population.size)
        taken = (
            ", less what the planned effect adds to it,"
            if again.subtract is Subtraction.PLANNED_EFFECT
            else ""
        )
        return (
            f"The size is estimated again, without looking at arms, when {visit} of the first "
            f"{looked} participants is over: for {100 * again.power:.0f} % power to find "
            f"{effect} in {label}, from the variance about one mean for all arms{taken} "
            f"and the share with an outcome; never fewer than {protocol.population.size}, at most "
            f"{again.maximum} participants."
        )
    return ""


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
