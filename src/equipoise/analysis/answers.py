"""The order of testing: one primary estimand, key secondaries gated behind it, families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.analysis.results import Answer, Contrast, EndpointResult, FamilyResult, Status
from equipoise.stats import holm

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.protocol.questions import Estimand


def answer_estimands(
    protocol: Protocol, endpoints: Mapping[str, EndpointResult], blinded: bool
) -> tuple[Answer, ...]:
    """Answers in the order of the protocol, the primary first.

    Fixed sequence: each estimand is tested at the full level as long as all before it were
    significant; after the first that was not, none is tested and no p is given. With several
    active arms an estimand is significant when all its Holm-adjusted contrasts are, over all
    arms of the protocol: an arm that cannot be compared closes the gate.
    """
    order = sorted(protocol.estimands.items(), key=lambda item: item[1].role != "primary")
    answers: list[Answer] = []
    open_gate = True
    for key, estimand in order:
        if blinded and protocol.reveals_arm(estimand.endpoint):
            continue
        result = endpoints[estimand.endpoint]
        if protocol.single_arm:
            answers.append(_uncontrolled(key, estimand, result))
            continue
        contrasts = tuple(c for c in result.contrasts if c.visit == estimand.visit)
        lost = [
            protocol.arms[arm].label
            for arm in protocol.active_arms
            if arm not in {c.arm for c in contrasts}
        ]
        contrasts = _adjusted(contrasts, len(protocol.active_arms))
        significant: bool | None = None
        why = None
        if blinded:
            status = Status.BLINDED
        elif lost:
            status, open_gate = Status.NOT_ESTIMABLE, False
            why = result.failure or (
                f"no comparison of {', '.join(lost)} at this visit (no data, or too few people)"
            )
        elif not open_gate:
            status = Status.GATE_CLOSED
        else:
            fixed = protocol.analysis.fixed_beforehand
            status = Status.CONFIRMATORY if fixed else Status.NOT_PLANNED
            significant = all(_decisive(c) < protocol.analysis.alpha for c in contrasts)
            open_gate = significant
        if significant is None:
            contrasts = tuple(
                c.model_copy(update={"p": None, "adjusted_p": None}) for c in contrasts
            )
        answers.append(
            Answer(
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
        )
    return tuple(answers)


def _uncontrolled(key: str, estimand: Estimand, result: EndpointResult) -> Answer:
    """The change in the one arm: described, never tested."""
    means = tuple(m for m in result.means if m.visit == estimand.visit)
    return Answer(
        estimand=key,
        role=estimand.role.value,
        question=estimand.question,
        endpoint=estimand.endpoint,
        visit=estimand.visit,
        status=Status.UNCONTROLLED if means else Status.NOT_ESTIMABLE,
        significant=None,
        contrasts=(),
        means=means,
        why=None if means else result.failure or "too few people at this visit",
    )


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


def adjust_families(
    protocol: Protocol, endpoints: Mapping[str, EndpointResult], blinded: bool
) -> tuple[FamilyResult, ...]:
    """Families with Holm-adjusted p-values over all planned contrasts (Holm 1979).

    A contrast that cannot be estimated counts as p = 1, so that the others are not tested
    more easily for it.
    """
    if blinded:
        return ()
    families = []
    for key, family in protocol.analysis.families.items():
        members = [
            (name, c)
            for name in family.endpoints
            for c in endpoints[name].contrasts
            if c.visit == family.visit
        ]
        planned = len(family.endpoints) * len(protocol.active_arms)
        contrasts: dict[str, list[Contrast]] = {name: [] for name in family.endpoints}
        ps = [1.0 if c.p is None else c.p for _, c in members]
        adjusted = holm([*ps, *[1.0] * (planned - len(ps))])
        for (name, contrast), p in zip(members, adjusted, strict=False):
            contrasts[name].append(contrast.model_copy(update={"adjusted_p": float(p)}))
        families.append(
            FamilyResult(
                key=key,
                label=family.label,
                visit=family.visit,
                method=family.method,
                contrasts={name: tuple(rows) for name, rows in contrasts.items()},
            )
        )
    return tuple(families)
