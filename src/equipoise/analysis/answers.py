"""The order of testing: one primary estimand, key secondaries behind it, families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.analysis.family_adjustment import adjusted_members
from equipoise.analysis.results import (
    Answer,
    Contrast,
    EndpointResult,
    EstimandResult,
    FamilyResult,
    OutcomeResult,
    Status,
)
from equipoise.protocol.questions import TestingOrder
from equipoise.stats import holm

if TYPE_CHECKING:
    from equipoise.analysis.family_results import FamilyMaximum
    from equipoise.protocol import Protocol
    from equipoise.protocol.questions import Estimand


def answer_estimands(
    protocol: Protocol,
    estimates: Mapping[str, EstimandResult],
    blinded: bool,
    *,
    level: float | None = None,
    shown: bool = False,
) -> tuple[Answer, ...]:
    """Answers in the order of the protocol, the primary first.

    Fixed sequence: each estimand is tested at the full level as long as all before it were
    significant; after the first that was not, none is tested and no p is given. With several
    active arms an estimand is significant when all its Holm-adjusted contrasts are, over all
    arms of the protocol: an arm that cannot be compared closes the gate. Graphical: the level is
    shared and handed on as the protocol's graph says; the adjusted p of an estimand is given.

    Parameters
    ----------
    level
        Nominal level of this look, for every estimand of a fixed sequence; the protocol's when
        left out.
    shown
        Whether an earlier look has shown the primary estimand.
    """
    order = sorted(protocol.estimands.items(), key=lambda item: item[1].role != "primary")
    graphical = protocol.analysis.testing is TestingOrder.GRAPHICAL
    shared = _graphical(protocol, estimates) if graphical and not blinded else {}
    answers: list[Answer] = []
    open_gate = True
    for key, estimand in order:
        if blinded:
            if not protocol.reveals_arm(estimand.endpoint):
                answers.append(_answer(key, estimand, Status.BLINDED))
            continue
        result = estimates[key]
        if protocol.single_arm:
            answers.append(_uncontrolled(key, estimand, result))
            continue
        contrasts = _adjusted(result.contrasts, len(protocol.active_arms))
        significant: bool | None = None
        adjusted_p: float | None = None
        rejected: tuple[str, ...] = ()
        lost = _lost(protocol, contrasts)
        why = None
        if lost:
            status, open_gate = Status.NOT_ESTIMABLE, False
            why = result.failure or (
                f"no comparison of {', '.join(lost)} at this visit (no data, or too few people)"
            )
        elif not open_gate and not graphical:
            status = Status.GATE_CLOSED
        else:
            fixed = protocol.analysis.fixed_beforehand
            status = Status.CONFIRMATORY if fixed else Status.NOT_PLANNED
            alpha = protocol.analysis.alpha if level is None else level
            if graphical:
                adjusted_p = shared[key]
                significant = adjusted_p < alpha
            else:
                rejected = tuple(c.arm for c in contrasts if _decisive(c) < alpha)
                significant = len(rejected) == len(contrasts)
                if shown and estimand.role == "primary":
                    significant, rejected = True, tuple(c.arm for c in contrasts)
            open_gate = significant
        if significant is None:
            contrasts = tuple(
                c.model_copy(update={"p": None, "adjusted_p": None}) for c in contrasts
            )
        answer = _answer(key, estimand, status, significant, contrasts, why)
        answers.append(answer.model_copy(update={"adjusted_p": adjusted_p, "rejected": rejected}))
    return tuple(answers)


def _answer(
    key: str,
    estimand: Estimand,
    status: Status,
    significant: bool | None = None,
    contrasts: tuple[Contrast, ...] = (),
    why: str | None = None,
) -> Answer:
    return Answer(
        estimand=key,
        role=estimand.role.value,
        question=estimand.question,
        endpoint=estimand.endpoint,
        visit=estimand.visit,
        status=status,
        significant=significant,
        contrasts=contrasts,
        why=why,
    )


def _uncontrolled(key: str, estimand: Estimand, result: EstimandResult) -> Answer:
    """The change, or the rate, in the one arm: described, never tested."""
    outcome = tuple(row for row in result.outcome if row.estimate is not None)
    found = bool(result.means or outcome)
    status = Status.UNCONTROLLED if found else Status.NOT_ESTIMABLE
    answer = _answer(key, estimand, status, why=None if found else result.failure)
    return answer.model_copy(update={"means": result.means, "outcome": outcome})


def close_untested(
    estimates: Mapping[str, EstimandResult], answers: tuple[Answer, ...]
) -> dict[str, EstimandResult]:
    """The estimands without any p where the order of testing gives none.

    What is not tested is not tested by another name: a sensitivity analysis has no p either.
    """
    tested = {a.estimand for a in answers if a.significant is not None}

    def closed(contrasts: tuple[Contrast, ...]) -> tuple[Contrast, ...]:
        return tuple(c.model_copy(update={"p": None, "adjusted_p": None}) for c in contrasts)

    return {
        key: result
        if key in tested
        else result.model_copy(
            update={
                "contrasts": closed(result.contrasts),
                "sensitivity": tuple(
                    s.model_copy(
                        update={
                            "contrasts": closed(s.contrasts),
                            "rerandomised": tuple(row.untested() for row in s.rerandomised),
                            "tipping": tuple(row.untested() for row in s.tipping),
                        }
                    )
                    for s in result.sensitivity
                ),
            }
        )
        for key, result in estimates.items()
    }


def _lost(protocol: Protocol, contrasts: tuple[Contrast, ...]) -> list[str]:
    """Labels of the active arms that could not be compared."""
    there = {c.arm for c in contrasts}
    return [protocol.arms[arm].label for arm in protocol.active_arms if arm not in there]


def _graphical(protocol: Protocol, estimates: Mapping[str, EstimandResult]) -> dict[str, float]:
    """Adjusted p of every estimand; one that cannot be estimated counts as p = 1."""
    from equipoise.stats import graphical_procedure_p

    graph = protocol.analysis.graph
    assert graph is not None
    keys = list(protocol.estimands)
    ps: list[float] = []
    for key in keys:
        contrasts = _adjusted(estimates[key].contrasts, len(protocol.active_arms))
        lost = _lost(protocol, contrasts)
        ps.append(1.0 if lost else max(_decisive(c) for c in contrasts))
    weights = [graph.weights[key] for key in keys]
    transitions = [[graph.transitions.get(a, {}).get(b, 0.0) for b in keys] for a in keys]
    adjusted = graphical_procedure_p(ps, weights, transitions)
    return {key: float(p) for key, p in zip(keys, adjusted, strict=True)}


def _adjusted(contrasts: tuple[Contrast, ...], planned: int) -> tuple[Contrast, ...]:
    """Holm over all planned contrasts; one that is missing counts as p = 1."""
    if planned == 1:
        return contrasts
    ps = [1.0 if c.p is None else c.p for c in contrasts]
    adjusted = holm([*ps, *[1.0] * (planned - len(ps))])
    return tuple(
        c.model_copy(update={"adjusted_p": float(p)})
        for c, p in zip(contrasts, adjusted, strict=False)
    )


def _decisive(contrast: Contrast) -> float:
    p = contrast.p if contrast.adjusted_p is None else contrast.adjusted_p
    return 1.0 if p is None else p


def contrasts_of(
    endpoints: Mapping[str, EndpointResult], outcomes: Mapping[str, OutcomeResult]
) -> dict[str, tuple[Contrast, ...]]:
    """All contrasts by endpoint, whatever its scale."""
    found = {key: result.contrasts for key, result in endpoints.items()}
    return found | {key: result.contrasts for key, result in outcomes.items()}


def adjust_families(
    protocol: Protocol,
    effects: Mapping[str, tuple[Contrast, ...]],
    answers: tuple[Answer, ...],
    blinded: bool,
    maxima: Mapping[str, FamilyMaximum] | None = None,
) -> tuple[FamilyResult, ...]:
    """Families with adjusted p-values over all planned contrasts, by the method of each.

    A family behind an estimand is tested only when that estimand was significant.

    A contrast that cannot be estimated counts as p = 1, so that the others are not tested
    more easily for it.

    Parameters
    ----------
    maxima
        Family → its test by lists drawn again, of those that ask for max-T. None where nothing
        is drawn again (simulated trials in their thousands): max-T is then judged by Holm.
    """
    if blinded:
        return ()
    families: list[FamilyResult] = []
    met = {answer.estimand for answer in answers if answer.significant}
    for key, family in protocol.analysis.families.items():
        members = [
            (name, c) for name in family.endpoints for c in effects[name] if c.visit == family.visit
        ]
        closed = family.after is not None and family.after not in met
        maximum = None if maxima is None or closed else maxima.get(key)
        if maximum is not None:
            adjusted = {(row.endpoint, row.arm): row.adjusted_p for row in maximum.rows}
        else:
            adjusted = adjusted_members(
                family.method,
                family.endpoints,
                protocol.active_arms,
                {(name, c.arm): c.p for name, c in members},
                family.graph,
            )
        contrasts: dict[str, list[Contrast]] = {name: [] for name in family.endpoints}
        for name, contrast in members:
            p = adjusted.get((name, contrast.arm))
            update = {"p": None, "adjusted_p": None} if closed else {"adjusted_p": p}
            contrasts[name].append(contrast.model_copy(update=update))
        families.append(
            FamilyResult(
                key=key,
                label=family.label,
                visit=family.visit,
                method=family.method.value,
                contrasts={name: tuple(rows) for name, rows in contrasts.items()},
                closed_by=family.after if closed else None,
                maximum=maximum,
            )
        )
    return tuple(families)
