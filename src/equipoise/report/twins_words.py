"""What many simulated trials say, in sentences: computed, never typed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equipoise.report.words import MISSING, number

if TYPE_CHECKING:
    from equipoise.design.characteristics import Characteristics, Claim, Tally

#: Scenario → its name as printed, and what holds in it.
SCENARIOS = {
    "planned": ("Planned", "Everything as the protocol assumes: effects and link."),
    "link-off": (
        "Link off",
        "Arms differ as planned, but the early change of a cell says nothing about later mood.",
    ),
    "null": (
        "Null",
        "Treatment does nothing: every arm follows the control’s course. The link stays.",
    ),
}


def scenario_words(found: Characteristics, name: str) -> tuple[str, str]:
    """A scenario as printed, and what holds in it."""
    if name in SCENARIOS:
        return SCENARIOS[name]
    return found.scenario_words[found.scenarios.index(name)]


def percent(share: float, digits: int = 1) -> str:
    """A share in percent."""
    return f"{number(100 * share, digits)}\u00a0%" if math.isfinite(share) else MISSING


def interval(tally: Tally) -> str:
    """Exact limits in percent."""
    return f"{number(100 * tally.lower, 1)} to {number(100 * tally.upper, 1)}"


def often(tally: Tally) -> str:
    """A proportion with its limits, inside a sentence."""
    return f"{percent(tally.proportion)} of trials ({interval(tally)})"


def sentences(found: Characteristics) -> list[str]:
    """What a reader may take from the numbers, scenario by scenario."""
    return [
        *_headline(found),
        *_subgroups(found),
        *_prediction(found),
        *_harms(found),
        _failures(found),
    ]


def _of(found: Characteristics, start: str) -> list[Claim]:
    return [claim for claim in found.claims if claim.key.startswith(start)]


def _headline(found: Characteristics) -> list[str]:
    said: list[str] = []
    for claim in _of(found, "estimand:"):
        parts = [
            f"{often(found.tally(name, claim.key))} {words}"
            for name, words in (
                ("planned", "as planned"),
                ("null", "where treatment does nothing"),
            )
            if name in found.scenarios
        ]
        if parts:
            said.append(f"“{claim.label}” is answered yes in {', and in '.join(parts)}.")
    if "planned" in found.scenarios and len(found.headline) > 1:
        together = found.joint("planned")
        said.append(
            f"All {len(found.headline)} headline claims come together in {often(together)}: even "
            "if every assumption holds, "
            + (
                "most trials would miss at least one of them."
                if together.upper < 0.5
                else "one trial cannot be counted on to show them all."
                if together.upper < 0.9
                else "nearly every trial would show them all."
                if together.lower > 0.9
                else "some trials would miss one of them."
            )
        )
    return said


def _subgroups(found: Characteristics) -> list[str]:
    said: list[str] = []
    for claim in _of(found, "subgroup:"):
        if not claim.key.endswith(":all") or "planned" not in found.scenarios:
            continue
        estimand = claim.key.split(":")[1]
        differs = _of(found, f"interaction:{estimand}:")
        if not differs:
            continue
        false = max((found.tally("planned", d.key) for d in differs), key=lambda t: t.proportion)
        truths = [
            found.performance("planned", q.key).truth
            for q in found.quantities
            if q.key.startswith(f"interaction:{estimand}:")
        ]
        text = (
            f"{claim.label}: {_in_groups(found, estimand)}, yet one trial shows it in each by an "
            f"interval of its own in {often(found.tally('planned', claim.key))}. "
            "A group without a significant effect is no group without an effect."
        )
        if all(truth == 0.0 for truth in truths):
            text += f" A difference between groups that is not there is found in {often(false)}."
        said.append(text)
    return said


def _in_groups(found: Characteristics, estimand: str) -> str:
    """The effects of the groups, as assumed where that is known, else as estimated on average."""
    groups = [q for q in found.quantities if q.key.startswith(f"subgroup:{estimand}:")]
    numbers = [found.performance("planned", q.key) for q in groups]
    known = all(p.truth == p.truth for p in numbers)
    told = ", ".join(
        f"{number(p.truth if known else p.mean, 2)} in {q.key.split(':')[2]}"
        for q, p in zip(groups, numbers, strict=True)
    )
    unit = groups[0].unit
    return f"the {'true effects' if known else 'mean estimates'} ({unit}) are {told}"


def _prediction(found: Characteristics) -> list[str]:
    said: list[str] = []
    for claim in _of(found, "prediction:all:"):
        marker = claim.key.rpartition(":")[2]
        within = f"prediction:within:{marker}"
        if "link-off" in found.scenarios:
            free = found.performance("link-off", f"slope:within:{marker}").excludes_zero
            over = found.performance("link-off", f"slope:all:{marker}").excludes_zero
            error = math.sqrt(found.alpha * (1 - found.alpha) / found.trials)
            near = abs(free - found.alpha) <= 2.5 * error
            said.append(
                f"Without any link the slope within arms differs from 0, in either direction, in "
                f"{percent(free)} of trials: "
                + ("near" if near else "not near")
                + f" the {percent(found.alpha, 0)} that the test allows. Over all arms together it "
                f"does so in {percent(over)}"
                + (
                    ": a correlation of the early change with improvement then “reappears” "
                    "although the one says nothing about the other, since treatment moves both. "
                    "Only the estimate within arms speaks about prediction."
                    if over > found.alpha + 2.5 * error
                    else "."
                )
            )
        if "planned" in found.scenarios:
            said.append(
                f"With the link as assumed the prediction within arms appears in "
                f"{often(found.tally('planned', within))}, over all arms in "
                f"{often(found.tally('planned', claim.key))}."
            )
        if "null" in found.scenarios:
            still = found.tally("null", within)
            said.append(
                f"Where treatment does nothing, the early change predicts within arms in "
                f"{often(still)}: "
                + (
                    "the link stays, and prediction is no proof that treatment works."
                    if still.lower > found.alpha
                    else "no more often than chance, since without treatment these cells do not "
                    "move in a way that goes with mood."
                )
            )
    for claim in _of(found, "prediction:within:any"):
        if "link-off" in found.scenarios:
            said.append(
                f"Of several measures at least one predicts, without any link, in "
                f"{often(found.tally('link-off', claim.key))}: what is picked after the fact "
                "appears more often than what was named before."
            )
    return said


def _harms(found: Characteristics) -> list[str]:
    return [f"“{claim.label}”: {claim.caution}" for claim in _of(found, "harms:") if claim.caution]


def _failures(found: Characteristics) -> str:
    fits = found.fits.size
    bad = int((found.fits != 0).sum())
    if not bad:
        return f"All {fits:,} model fits were valid.".replace(",", "\u202f")
    return (
        f"{bad:,} of {fits:,} model fits had no valid optimum; their trials count as not showing "
        "the claim, and are listed below."
    ).replace(",", "\u202f")
