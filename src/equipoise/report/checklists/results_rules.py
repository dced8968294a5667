"""Rules for items of a report: they look at the results, never at whether a heading exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from equipoise.report.checklists.evaluation import field_anchor
from equipoise.report.checklists.items import Finding, State
from equipoise.report.checklists.tidier import tidier_rows, wanting
from equipoise.report.what_ran import imputed_estimands

if TYPE_CHECKING:
    from equipoise.analysis.results import Results

_A, _P, _M = State.ANSWERED, State.PARTLY, State.MISSING
FRAMEWORK = "reporting.rationale.framework"
ABSTRACT = "reporting.discussion.abstract"
CHANGES = "reporting.course.changes_after_start"
LIMITATIONS = "reporting.discussion.limitations"
_BLINDED = Finding(State.WITHHELD, note="Answered once the allocation is opened")


def _title(r: Results) -> Finding:
    if "randomi" in r.title.lower():
        return Finding(_A, anchors=("title",))
    return Finding(_M, fields=("trial.title",), note="The title does not say randomised")


def _abstract(r: Results) -> Finding:
    if ABSTRACT in r.plan.given:
        return Finding(_A, anchors=(field_anchor(ABSTRACT), "answers"))
    if ABSTRACT in r.plan.given_withheld:
        return _BLINDED
    note = "The answers stand in sentences; a structured summary is for the authors"
    state = _P if r.answers and not r.blinded else _M
    return Finding(
        state, anchors=("answers",) if state is _P else (), fields=(ABSTRACT,), note=note
    )


def _design(r: Results) -> Finding:
    if FRAMEWORK in r.plan.given:
        return Finding(_A, anchors=("methods", field_anchor(FRAMEWORK)))
    return Finding(_P, anchors=("methods",), fields=(FRAMEWORK,), note="The framework is missing")


def _changes(r: Results) -> Finding:
    amended = max(len(r.lock.entries) - 1, 0)
    if CHANGES in r.plan.given:
        return Finding(_A, anchors=(field_anchor(CHANGES),))
    if CHANGES in r.plan.given_withheld:
        return _BLINDED
    if amended:
        note = f"The plan was amended {amended} times after its first lock"
        return Finding(_P, anchors=("lock",), fields=(CHANGES,), note=note)
    return Finding(_M, fields=(CHANGES,), note="Write “none” where nothing was changed")


def _interventions(r: Results) -> Finding:
    if r.blinded:
        return _BLINDED
    present, missing = wanting(r.plan)
    if not missing:
        return Finding(_A, anchors=("tidier",))
    state = _P if present else _M
    return Finding(state, anchors=("tidier",) if r.plan.arms else (), fields=tuple(missing))


def _outcomes(r: Results) -> Finding:
    if r.blinded:
        return _BLINDED
    if not r.plan.estimands:
        return Finding(_M, fields=("estimands",))
    return Finding(_A, anchors=("estimands", "methods"))


def _restriction(r: Results) -> Finding:
    if r.blinded:
        return Finding(
            State.WITHHELD, anchors=("methods",), note="Block sizes are withheld while blinded"
        )
    if not r.plan.randomisation:
        return Finding(_M, fields=("randomisation.method",))
    return Finding(_A, anchors=("methods",))


def _methods(r: Results) -> Finding:
    failures = [e.failure for e in (*r.endpoints.values(), *r.outcomes.values())]
    if all(failures):
        return Finding(_M, fields=("analysis.models",), note="No model could be fitted")
    if any(failures):
        return Finding(_P, anchors=("methods",), note="Some models could not be fitted")
    return Finding(_A, anchors=("methods",))


def _analysis_sets(r: Results) -> Finding:
    if not any(a.analysed for a in r.flow.analysed):
        return Finding(_M, tables=("scores",))
    return Finding(_A, anchors=("flow-analysed",))


def _missing_data(r: Results) -> Finding:
    if not r.plan.missing_data:
        return Finding(_M, fields=("analysis.missing_data",))
    imputed = tuple(f"imputed-{key}" for key in imputed_estimands(r))
    return Finding(_A, anchors=("methods", "flow-analysed", *imputed))


def _further_methods(r: Results) -> Finding:
    if r.blinded:
        return _BLINDED
    if not r.plan.further_analyses:
        return Finding(State.NOT_APPLICABLE, note="The protocol plans no further analysis")
    return Finding(_A, anchors=("methods",))


def _flow(r: Results) -> Finding:
    primary = r.answers[0].endpoint if r.answers else None
    analysed = [a for a in r.flow.analysed if primary is None or a.endpoint == primary]
    tables = []
    if r.flow.screening is None:
        tables.append("screening")
    if any(c.received_dose is None for c in r.flow.counts):
        tables.append("doses")
    if not any(a.analysed for a in analysed):
        return Finding(_M, tables=(*tables, "scores"), note="Nobody could be analysed")
    if tables:
        note = "Assessed for eligibility, or treated, is not recorded"
        return Finding(_P, anchors=("flow",), tables=tuple(tables), note=note)
    return Finding(_A, anchors=("flow",))


def _losses(r: Results) -> Finding:
    if any(c.completed is None for c in r.flow.counts):
        return Finding(_M, tables=("disposition",))
    if r.blinded:
        note = "Counts stand in the flow; reasons are withheld while blinded"
        return Finding(State.WITHHELD, anchors=("flow",), note=note)
    if any(c.status_unknown for c in r.flow.counts):
        note = "What became of some participants is not recorded"
        return Finding(_P, anchors=("flow",), tables=("disposition",), note=note)
    if any(reason.n is None for reason in r.flow.reasons):
        note = "Reasons with small counts are not shown"
        return Finding(_P, anchors=("flow",), note=note, fields=("report.smallest_cell",))
    if any("not recorded" in reason.reason for reason in r.flow.reasons):
        note = "Some reasons are not recorded"
        return Finding(_P, anchors=("flow",), tables=("disposition",), note=note)
    return Finding(_A, anchors=("flow",))


def _delivery(r: Results) -> Finding:
    if r.blinded:
        return _BLINDED
    if not r.plan.arms:
        return Finding(_M, fields=("arms",), tables=("doses",))
    row = next(row for row in tidier_rows(r.plan, r.flow) if row.item.number == "12")
    missing = [f for f, text in zip(row.fields, row.texts, strict=True) if text is None]
    if not missing:
        return Finding(_A, anchors=("tidier",))
    tables = ("doses",) if any(c.doses_given is None for c in r.flow.counts) else ()
    state = _P if len(missing) < len(row.texts) else _M
    anchors = ("tidier",) if state is _P else ()
    return Finding(state, anchors=anchors, fields=tuple(missing), tables=tables)


def _concomitant(r: Results) -> Finding:
    if r.blinded:
        return _BLINDED
    if r.concomitant is None:
        return Finding(_M, tables=("medications",))
    if r.concomitant.hidden:
        note = "Classes with small counts are not shown"
        return Finding(_P, anchors=("concomitant",), fields=("report.smallest_cell",), note=note)
    return Finding(_A, anchors=("concomitant",))


def _baseline(r: Results) -> Finding:
    if not r.baseline.rows:
        return Finding(_M, fields=("population.covariates",), tables=("participants",))
    if any(value.suppressed for row in r.baseline.rows for value in row.values):
        note = "Small counts are not shown"
        return Finding(_P, anchors=("baseline",), fields=("report.smallest_cell",), note=note)
    if r.blinded:
        note = "Shown for all together while blinded"
        return Finding(State.WITHHELD, anchors=("baseline",), note=note)
    return Finding(_A, anchors=("baseline",))


def _estimates(r: Results) -> Finding:
    if r.blinded:
        return _BLINDED
    estimated = [a for a in r.answers if a.contrasts or a.means]
    lost = tuple(a.estimand for a in r.answers if a not in estimated)
    if not estimated:
        return Finding(_M, tables=("scores",), note="No outcome could be estimated")
    if lost:
        note = f"Not estimated: {', '.join(lost)}"
        return Finding(_P, anchors=("answers",), tables=("scores",), note=note)
    return Finding(_A, anchors=("answers",))


def _harms(r: Results) -> Finding:
    if r.safety.summary:
        if r.safety.hidden_terms:
            note = "Terms with small counts are not shown; the totals are"
            return Finding(_P, anchors=("harms",), fields=("report.smallest_cell",), note=note)
        return Finding(_A, anchors=("harms",))
    if r.blinded and r.safety.withheld:
        return Finding(State.WITHHELD, anchors=("harms",), note="Most harms are withheld")
    return Finding(_M, tables=("adverse_events",))


def _further_results(r: Results) -> Finding:
    if r.blinded:
        return _BLINDED
    if not r.plan.further_analyses:
        return Finding(State.NOT_APPLICABLE, note="The protocol plans no further analysis")
    subgroups = [e.subgroup for e in r.endpoints.values() if e.subgroup is not None]
    done = [bool(s.effects) for s in subgroups]
    done += [any(f.contrasts.values()) for f in r.families]
    done += [
        bool(s.contrasts or s.rerandomised) for e in r.estimands.values() for s in e.sensitivity
    ]
    if not any(done):
        return Finding(_M, tables=("scores",), note="None of those planned could be done")
    chapters = tuple(
        f"endpoint-{e.endpoint}"
        for e in r.endpoints.values()
        if e.subgroup is not None and e.subgroup.effects
    )
    anchors = (*chapters[:3], "estimands")
    if not all(done):
        return Finding(_P, anchors=anchors, note="Some of those planned could not be done")
    return Finding(_A, anchors=anchors)


def _limitations(r: Results) -> Finding:
    if LIMITATIONS in r.plan.given:
        return Finding(_A, anchors=(field_anchor(LIMITATIONS), "limits"))
    if LIMITATIONS in r.plan.given_withheld:
        return _BLINDED
    note = "Only what the program knows of itself is said"
    return Finding(_P, anchors=("limits",), fields=(LIMITATIONS,), note=note)


def _expected_harms(r: Results) -> Finding:
    if not r.safety.summary and not r.safety.terms:
        return _BLINDED if r.blinded and r.safety.withheld else Finding(
            _M, tables=("adverse_events",)
        )  # fmt: skip
    if not r.plan.expected_harms:
        return Finding(_P, anchors=("harms",), fields=("safety.events",),
                       note="The protocol names no harm beforehand")  # fmt: skip
    return Finding(_A, anchors=("harms",))


def _harm_methods(r: Results) -> Finding:
    if not r.safety.summary:
        return _harms(r)
    return Finding(_A, anchors=("harms",))


def _harm_stops(r: Results) -> Finding:
    if any("stop" in row.key for row in r.safety.summary):
        return Finding(_A, anchors=("harms",))
    if r.blinded:
        return _BLINDED
    reasons = [x for x in r.flow.reasons if x.event in ("stopped-study-drug", "discontinued")]
    if any(c.stopped_drug is None for c in r.flow.counts):
        return Finding(_M, tables=("adverse_events", "disposition"))
    if any(x.n is None for x in reasons):
        note = "Reasons with small counts are not shown"
        return Finding(_P, anchors=("flow",), fields=("report.smallest_cell",), note=note)
    return Finding(_A, anchors=("flow",))


def _harm_denominators(r: Results) -> Finding:
    if not r.safety.summary:
        return _harms(r)
    return Finding(_A, anchors=("harms",))


def _harm_zeros(r: Results) -> Finding:
    """Zeros stand where events were collected; two scores are watched beside them."""
    if not r.safety.summary:
        return _harms(r)
    watched = {row.key for row in r.safety.watched}
    fields = tuple(f"safety.{name}" for name in ("suicidality", "mania") if name not in watched)
    if fields:
        note = "Suicidality or mania was not assessed, or the protocol names no score"
        return Finding(_P, anchors=("harms",), fields=fields, tables=("scores",), note=note)
    return Finding(_A, anchors=("harms",))


RULES: dict[str, Callable[[Results], Finding]] = {
    "title": _title,
    "abstract": _abstract,
    "design": _design,
    "changes": _changes,
    "interventions": _interventions,
    "outcomes": _outcomes,
    "restriction": _restriction,
    "methods": _methods,
    "analysis_sets": _analysis_sets,
    "missing_data": _missing_data,
    "further_methods": _further_methods,
    "flow": _flow,
    "losses": _losses,
    "delivery": _delivery,
    "concomitant": _concomitant,
    "baseline": _baseline,
    "estimates": _estimates,
    "harms": _harms,
    "further_results": _further_results,
    "limitations": _limitations,
    "expected_harms": _expected_harms,
    "harm_methods": _harm_methods,
    "harm_stops": _harm_stops,
    "harm_denominators": _harm_denominators,
    "harm_zeros": _harm_zeros,
}
