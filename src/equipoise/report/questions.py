"""What the trial was made to answer: each question with its answer in short, and its section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.analysis.results import EndpointResult, Status
from equipoise.report import benefit_words, forecast_words, mediation_words, multivariate_words
from equipoise.report import early_change_words as early
from equipoise.report.multiplicity_words import NAMES
from equipoise.report.words import (
    answer_sentence,
    contrast_text,
    endpoint_of,
    group_label,
    harm_sentence,
    level,
    p_clause,
    strategy_clauses,
    subgroup_sentence,
    visit_label,
    within,
)

if TYPE_CHECKING:
    from equipoise.analysis.results import Answer, FamilyResult, Results


#: A ratio is not broken over two lines.
_NARROW = "\u00a0:\u00a0"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its answer.

    Attributes
    ----------
    answers
        Sentences with estimates and intervals.
    anchor
        Id in the page where the whole of it stands.
    place
        What the link to it says.
    """

    question: str
    answers: tuple[str, ...]
    anchor: str
    place: str


def questions(results: Results) -> list[Question]:
    """The questions of this trial in the order of their telling; none while blinded."""
    if results.blinded:
        return []
    found = [_allocation(results)]
    found += [_estimand(results, answer) for answer in results.answers]
    found += [_prediction(results), _together(results), _mediation(results)]
    found += [*_benefit(results), _forecast(results), _harms(results)]
    return [question for question in found if question is not None]


def _allocation(results: Results) -> Question | None:
    found = results.allocation
    if found is None:
        return None
    # As it is usually said: the active arms first.
    order = [place for place, g in enumerate(results.groups) if g.key != results.control]
    order += [place for place, g in enumerate(results.groups) if g.key == results.control]
    ratio = _NARROW.join(str(found.ratio[place]) for place in order)
    arms = " : ".join(results.groups[place].label for place in order)
    inside = f" within {' and '.join(within(f) for f in found.factors)}" if found.factors else ""
    question = f"Were participants allocated {ratio} ({arms}){inside}?"
    if found.hidden:
        said = "The counts by stratum are small and are not shown."
    else:
        filled = [row for row in found.rows if sum(row.counts)]
        counts = "; ".join(
            ("" if row.stratum == "all" else f"{row.stratum} ")
            + _NARROW.join(str(row.counts[place]) for place in order)
            for row in filled
        )
        off = [row for row in filled if not row.as_planned]
        exact = all(n == m for row in filled for n, m in zip(row.counts, row.planned, strict=True))
        if off:
            verdict = "Not as planned: "
        else:
            verdict = "Yes: " if exact else "As nearly as whole people allow: "
        said = f"{verdict}{counts}."
    return Question(question, (said,), "allocation", "Allocation")


def _estimand(results: Results, answer: Answer) -> Question:
    endpoint = endpoint_of(results, answer.endpoint)
    tested = answer.status in (Status.CONFIRMATORY, Status.NOT_PLANNED)
    closed = answer.status is Status.GATE_CLOSED
    said: list[str]
    if (tested or closed) and isinstance(endpoint, EndpointResult):
        said = [_effects(results, endpoint, answer)]
        if closed:
            said.append("Not tested: an estimand before it was not significant.")
        elif answer.status is Status.NOT_PLANNED:
            said.append("Not confirmatory: planned after the data were known.")
        said += strategy_clauses(results, answer.estimand)
    else:
        said = [answer_sentence(results, answer)]
    by = subgroup_sentence(results, answer)
    if by is not None and (tested or closed):
        said.append(f"{by} Exploratory.")
    if isinstance(endpoint, EndpointResult):
        said += [
            _family(results, family)
            for family in results.families
            if family.visit == answer.visit and _kind(results, family) == endpoint.kind
        ]
    return Question(answer.question, tuple(said), f"endpoint-{answer.endpoint}", endpoint.label)


def _effects(results: Results, endpoint: EndpointResult, answer: Answer) -> str:
    log = endpoint.scale == "log_fold"
    parts: list[str] = []
    for c in answer.contrasts:
        reference = group_label(results, c.reference)
        if log:
            text = f"fold change {contrast_text(c, log)} times that on {reference}"
        else:
            text = f"change against {reference} {contrast_text(c, log)} {endpoint.unit}"
        p = c.p if c.adjusted_p is None else c.adjusted_p
        p = answer.adjusted_p if answer.adjusted_p is not None else p
        tested = "" if p is None else f", {p_clause(p)}"
        parts.append(f"{group_label(results, c.arm)}: {text}{tested}")
    when = visit_label(results, answer.visit)
    return f"{endpoint.label} at {when}, {level(results)} CI: {'; '.join(parts)}."


def _kind(results: Results, family: FamilyResult) -> object:
    first = endpoint_of(results, next(iter(family.contrasts)))
    return first.kind if isinstance(first, EndpointResult) else None


def _family(results: Results, family: FamilyResult) -> str:
    """Which members of a family remain after its adjustment."""
    if family.closed_by is not None:
        return f"{family.label}: not tested, since the estimand before them was not significant."
    alpha = round(1.0 - results.confidence, 9)
    rows = [
        (endpoint_of(results, key), contrast)
        for key, contrasts in family.contrasts.items()
        for contrast in contrasts
    ]
    several, unadjusted = len(results.groups) > 2, family.method == "none"
    below = [
        (f"{group_label(results, c.arm)}, " if several else "")
        + f"{e.label} {contrast_text(c, isinstance(e, EndpointResult) and e.scale == 'log_fold')}"
        for e, c in rows
        if (p := c.p if unadjusted else c.adjusted_p) is not None and p < alpha
    ]
    kind = "p" if unadjusted else "adjusted p"
    method = NAMES[family.method]
    if family.maximum is not None and family.maximum.failure is not None:
        return f"{family.label}: no adjusted p: {family.maximum.failure}."
    if not below:
        kind = f"a {kind}" if unadjusted else f"an {kind}"
        return (
            f"{family.label}: of {len(rows)} comparisons none has {kind} below "
            f"{alpha:.2g} ({method})."
        )
    return (
        f"{family.label}, {kind} below {alpha:.2g} ({method}) in {len(below)} of {len(rows)}: "
        f"{'; '.join(below)}."
    )


def _prediction(results: Results) -> Question | None:
    found = results.prediction
    if found is None:
        return None
    marker = found.markers[0]
    said = [early.in_short(results, found, marker), early.number_of_markers(found)]
    return Question(
        "Did the early change predict later improvement, in proportion?",
        tuple(said),
        "early-change",
        "Early change",
    )


def _together(results: Results) -> Question | None:
    found = None if results.prediction is None else results.prediction.multivariate
    if results.prediction is None or found is None:
        return None
    said = multivariate_words.answer(results, results.prediction, found)
    return Question(
        "Do all early changes together say more than chance?",
        (said, "Exploratory."),
        "early-change-together",
        "All early changes together",
    )


def _mediation(results: Results) -> Question | None:
    found = None if results.prediction is None else results.prediction.mediation
    if results.prediction is None or found is None:
        return None
    said = [mediation_words.answer(results, results.prediction, found)]
    if mediation_words.lead_set(found) is not None:
        said.append("Exploratory: randomisation does not identify this, whatever the interval.")
    return Question(
        "How much of the effect goes through the early change?",
        tuple(said),
        "early-change-mediation",
        "Mediation",
    )


def _benefit(results: Results) -> list[Question]:
    found = results.stratification
    if found is None:
        return []
    said = [benefit_words.benefit_answer(results, found, one) for one in found.heterogeneity]
    questions: list[Question] = []
    if said:
        questions.append(
            Question("Who benefits?", (*said, "Exploratory."), "benefit", "Who benefits?")
        )
    profiles = None if found.profiles is None else benefit_words.profiles_answer(found.profiles)
    if profiles is not None:
        questions.append(
            Question(
                "Are there immune profiles at baseline?",
                (profiles,),
                "benefit-profiles",
                "Immune profiles",
            )
        )
    return questions


def _forecast(results: Results) -> Question | None:
    found = results.forecast
    if found is None:
        return None
    said = (forecast_words.answer(results, found), forecast_words.RESEARCH_ONLY)
    return Question("Can improvement be foretold in one person?", said, "forecast", "Forecast")


def _harms(results: Results) -> Question | None:
    rows = [row for row in results.safety.summary if row.key in ("any", "serious")]
    said = [harm_sentence(results, row) for row in (*rows, *results.safety.watched)]
    said += [f"{text}." for text in results.safety.not_collected]
    if not said:
        return None
    return Question(
        "What harms were seen, and which rates are excluded?", tuple(said), "harms", "Harms"
    )
