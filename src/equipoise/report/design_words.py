"""Sentences of the answer sheet: numbers as they are, with what they rest on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equipoise.design.design_map import HEADLINE
from equipoise.design.sequential_trials import ENDS_WITH
from equipoise.report.design_figures import claims_shown, share_text
from equipoise.report.twins_words import percent
from equipoise.report.words import number, p_clause, significant

if TYPE_CHECKING:
    from equipoise.design.design_map import DesignMap, MapPoint
    from equipoise.design.interim_results import LooksCompared, SpendingRule
    from equipoise.design.randomisation_compared import RandomisationCompared
    from equipoise.design.sample_size import FoundSize


def size_answer(found: FoundSize) -> list[str]:
    """How many, with which interval, and what was seen there."""
    answer = found.found
    wanted = percent(answer.wanted, 0)
    what = f"“{found.claim_label}” in the scenario “{found.scenario_label}”"
    if answer.size is None:
        return [f"No recommended size: for a power of {wanted} of {what}, {answer.said}."]
    ends = _ends(answer.lower, answer.upper)
    said = [
        f"{field_value(found.field, answer.size)} give a power of at least {wanted} of {what}, by "
        f"a line fitted to {answer.trials} simulated trials of {len(answer.tried)} sizes{ends}."
    ]
    if answer.said:
        said.append(f"Read it with caution: {answer.said}.")
    if answer.line is not None and answer.line.scale > 1.0:
        said.append(
            f"The line does not fit well (likelihood-ratio {p_clause(answer.line.misfit_p)}); its "
            "interval is widened for that."
        )
    for point in found.points:
        tally = point.tally(found.claim)
        if tally is not None:
            said.append(
                f"Seen at {field_value(found.field, point.values[found.field])}: "
                f"{share_text(tally)} of {tally.trials} trials."
            )
    said.append(f"The protocol plans {field_value(found.field, found.planned)}.")
    return said


def field_value(field: str, value: object) -> str:
    """``60 participants``, or ``field = value``."""
    shown = f"{value:g}" if isinstance(value, int | float) else str(value)
    return f"{shown} participants" if field == "population.size" else f"{field} = {shown}"


def _ends(lower: float | None, upper: float | None) -> str:
    if lower is None and upper is None:
        return "; too few trials for an interval"
    ends = ["below all sizes" if lower is None else f"{lower:.0f}",
            "beyond all sizes" if upper is None else f"{upper:.0f}"]  # fmt: skip
    return f"; the power is reached between {ends[0]} and {ends[1]} (95 % Monte-Carlo interval)"


def worlds_answers(found: DesignMap) -> list[str]:
    """One sentence a scenario: how often each shown claim is made in it."""
    said: list[str] = []
    for point in found.points:
        shares = [
            f"“{label}” {share_text(tally)}"
            for key, label in claims_shown(found.points)
            if (tally := point.tally(key)) is not None
        ]
        n = f", {point.participants} participants" if point.participants != _first(found) else ""
        said.append(f"{point.scenario_label}{n}: {'; '.join(shares)}.")
    return said


def _first(found: DesignMap) -> int:
    return found.points[0].participants


def failing(found: DesignMap) -> list[str]:
    """What an assumption that fails costs, against the first scenario."""
    first = found.points[0]
    key = claims_shown(found.points)[-1][0]
    base = first.tally(key)
    if base is None:
        return []
    said: list[str] = []
    for point in found.points[1:]:
        tally = point.tally(key)
        if tally is None:
            continue
        points = 100 * (tally.proportion - base.proportion)
        word = "as often" if abs(points) < 0.05 else f"{abs(points):.1f} points "
        word += "" if abs(points) < 0.05 else ("more often" if points > 0 else "less often")
        said.append(f"{point.scenario_label}: {word}. {point.meaning}")
    return said


def lead_label(found: DesignMap) -> str:
    """The claim that the figures lead with."""
    return claims_shown(found.points)[-1][1]


def sample_size_text(worlds: DesignMap, found: FoundSize | None) -> list[str]:
    """A draft for SPIRIT 2025 item 19, of what was simulated."""
    point = worlds.points[0]
    sizes = " : ".join(f"{n} {label}" for label, n in point.sizes)
    claims = [
        f"“{label}” in {share_text(tally)}"
        for key, label in claims_shown(worlds.points)
        if key != HEADLINE and (tally := point.tally(key)) is not None
    ]
    text = [
        f"{point.participants} participants ({sizes}) were chosen by simulation of the protocol's "
        f"own analysis: {worlds.trials} trials of virtual patients, {worlds.patients}, each "
        f"analysed as planned at a two-sided level of {percent(worlds.alpha, 0)}, showed "
        f"{'; '.join(claims)} (95 % Monte-Carlo limits). Dropout and missing samples are part of "
        "the simulation; nothing is added for them."
    ]
    if worlds.plan.ending:
        text.append(worlds.plan.ending)
    if found is not None and found.found.size is not None:
        text.append(
            f"The size was searched for a power of {percent(found.found.wanted, 0)} of "
            f"“{found.claim_label}”."
        )
    text.append(
        f"Seed {worlds.seed}, {worlds.software}, protocol {worlds.protocol_hash[:16]}. Assumptions "
        "that are not published are listed as assumed."
    )
    return text


def randomisation_text(worlds: DesignMap) -> list[str]:
    """A draft for SPIRIT 2025 items 21a and 21b."""
    plan = worlds.plan
    drawn = "list is" if plan.listed else "random numbers of the minimisation are"
    return [
        f"21a: the {drawn} drawn by a program from a secret seed of 128 bits; a salted commitment "
        "is published before the first patient.",
        f"21b: {plan.allocation}. What would let an allocation be foretold (block sizes, "
        "probabilities) is not told to those who enrol.",
    ]


def method_label(method: str) -> str:
    """A method of randomisation as a table names it."""
    names = {"simple": "Complete (each draw alone)"}
    return names.get(method, method.replace("-", " ").capitalize())


def methods_answers(found: RandomisationCompared) -> list[str]:
    """What the methods of randomisation differ in."""
    most = max(found.methods, key=lambda one: one.guessed)
    least = min(found.methods, key=lambda one: one.guessed)
    said = [
        f"Somebody who knows the scheme and every arm before foretells {percent(most.guessed)} of "
        f"allocations under “{method_label(most.method).lower()}” and {percent(least.guessed)} "
        f"under “{method_label(least.method).lower()}”; the ratio alone gives "
        f"{percent(found.chance)}."
    ]
    certain = [one for one in found.methods if one.certain > 0]
    said += [
        f"Under “{method_label(one.method).lower()}” {percent(one.certain)} of allocations are "
        "certain beforehand."
        for one in certain
    ]
    for place, first in enumerate(found.methods[0].power):
        shares = [one.power[place].redrawn for one in found.methods]
        low, high = min(t.proportion for t in shares), max(t.proportion for t in shares)
        said.append(
            f"{first.label}: the re-randomisation test finds an effect in {percent(low)} to "
            f"{percent(high)} of {found.trials} trials, by method."
        )
    return said


def technique_rows(worlds: DesignMap) -> list[tuple[str, str]]:
    """(element, text) of an assessment table for the model, in the order of ICH M15."""
    model = worlds.plan.model
    held = (
        "parameters with value, unit, spread, bounds, origin and source "
        f"(equipoise model {model} --parameters); published figures beside the model's, one "
        f"trial held out (equipoise model {model} --targets)"
        if model is not None
        else "normal and log-normal courses around assumed means"
    )
    return [
        ("Question of interest", worlds.plan.question),
        (
            "Context of use",
            "To choose the size and the analysis of this trial and to show what it can and cannot "
            "find. No claim about the drug rests on the model, and no patient is replaced by it.",
        ),
        ("Model influence", "To be judged by the team: which other evidence the choice rests on."),
        (
            "Consequence of a wrong decision",
            "To be judged by the team. A trial that is too small exposes people without an answer; "
            "one that is too large exposes more than needed.",
        ),
        ("Model risk", "To be judged by the team, from the two above."),
        ("Model", f"{worlds.patients}: {held}"),
        (
            "Assumptions",
            f"{len(worlds.assumptions)} stand in the table above; what is not published is called "
            "assumed.",
        ),
        (
            "Technical criteria",
            "Closed form where there is one; Monte-Carlo error stands beside every number; the "
            "same numbers for any number of workers, and after an interruption.",
        ),
        (
            "Evaluation",
            "Scenarios in which an assumption fails, above; published findings that were not "
            "fitted, in the model's own pages.",
        ),
    ]


def harms_text(point: MapPoint) -> str:
    """How many serious events are expected, where the assumptions contain any."""
    possible = all(c.simulated for c in point.claims if c.key == "harms:no-serious")
    if not possible:
        return "Serious adverse events are not simulated: the assumptions contain none."
    summary = point.summary
    return (
        f"Participants with a serious adverse event: {summary.serious:.2f} expected in a trial "
        f"(Monte-Carlo standard error {summary.serious_error:.3f})."
    )


def formula_answers(point: MapPoint) -> list[str]:
    """Power by formula beside the simulated one, estimand by estimand."""
    said: list[str] = []
    for quantity, one in zip(point.quantities, point.summary.performances, strict=True):
        power = point.formulas.get(quantity.key)
        if power is not None:
            said.append(
                f"{quantity.label}: its test alone finds an effect in {percent(one.excludes_zero)} "
                f"of the simulated trials and with probability {percent(power)} by formula (Lu, "
                f"Luo and Chen: covariance known, dropout unrelated to scores)."
            )
    return said


def ends_text(point: MapPoint) -> str:
    """With how many the trials end, where more than the planned number decides; else empty."""
    for quantity, one in zip(point.quantities, point.summary.performances, strict=True):
        if quantity.key == ENDS_WITH:
            return (
                f"{point.participants} participants are planned; a trial ends with "
                f"{number(one.mean, 1)} on average (SD {number(one.sd, 1)})."
            )
    return ""


def looks_answers(found: LooksCompared) -> list[str]:
    """What interim looks would do, scenario by scenario."""
    said: list[str] = []
    for one in found.scenarios:
        last = one.looks[-1].participants
        text = (
            f"{one.label}: an effect in either direction is shown in {share_text(one.shown)} of "
            f"trials with the looks and in {share_text(one.without)} without; a trial ends with "
            f"{one.expected:.1f} of {last} participants on average"
        )
        if one.followed is not None:
            text += (
                f". Where futility is followed too: {share_text(one.followed)}, with "
                f"{one.expected_followed:.1f} participants"
            )
        bias = one.naive - one.final
        text += (
            f". Mean estimate when it ends {number(one.naive, 2)}, of whole trials "
            f"{number(one.final, 2)} (stopping alone moves it by {number(bias, 2)})"
        )
        if not math.isnan(one.truth):
            text += f", truth {number(one.truth, 2)}"
        said.append(text + ".")
    return said


def information_text(found: LooksCompared) -> str:
    """The planned information, in digits that can be written into a protocol."""
    where = "the protocol\u2019s" if found.planned else "the mean of the first scenario"
    return f"{significant(found.information, 4)} (1/SE² at the end, {where})"


def rule_text(rule: SpendingRule) -> str:
    """A spending function in words."""
    names = {
        "obrien-fleming": "like O\u2019Brien and Fleming (Lan and DeMets)",
        "pocock": "like Pocock (Lan and DeMets)",
        "power": "a power of the information (Kim and DeMets)",
        "hwang-shih-decani": "Hwang, Shih and DeCani",
    }
    parameter = "" if rule.parameter is None else f", parameter {number(rule.parameter, 2)}"
    return names[rule.function] + parameter


def followed(found: DesignMap) -> list[str]:
    """What else changed at the points of a map, each once."""
    said: dict[str, None] = {}
    for point in found.points:
        if point.followed:
            at = ", ".join(f"{field} = {value}" for field, value in point.values.items())
            said[f"at {at}: {', '.join(point.followed)}"] = None
    return list(said)
