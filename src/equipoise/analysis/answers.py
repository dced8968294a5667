"""The order of testing: one primary estimand, key secondaries gated behind it, families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.analysis.results import Answer, Contrast, EndpointResult, FamilyResult, Status
from equipoise.stats import holm

if TYPE_CHECKING:
    from equipoise.protocol import Protocol


def answer_estimands(
    protocol: Protocol, endpoints: Mapping[str, EndpointResult], blinded: bool
) -> tuple[Answer, ...]:
    """Answers in the order of the protocol, the primary first.

    Fixed sequence: each estimand is tested at the full level as long as all before it were
    significant; after the first that was not, none is tested. With several active arms an
    estimand counts as significant when all its Holm-adjusted contrasts are.
    """
    order = sorted(protocol.estimands.items(), key=lambda item: item[1].role != "primary")
    answers: list[Answer] = []
    open_gate = True
    for key, estimand in order:
        if blinded and protocol.reveals_arm(estimand.endpoint):
            continue
        result = endpoints[estimand.endpoint]
        contrasts = tuple(c for c in result.contrasts if c.visit == estimand.visit)
        if len(contrasts) > 1:
            adjusted = holm([c.p for c in contrasts])
            contrasts = tuple(
                c.model_copy(update={"adjusted_p": float(p)})
                for c, p in zip(contrasts, adjusted, strict=True)
            )
        significant: bool | None = None
        why = None
        if blinded:
            status = Status.BLINDED
        elif not contrasts:
            status, open_gate = Status.NOT_ESTIMABLE, False
            why = result.failure or "no data at this visit"
        elif not open_gate:
            status = Status.GATE_CLOSED
        else:
            status = Status.CONFIRMATORY
            significant = all(_decisive(c) < protocol.analysis.alpha for c in contrasts)
            open_gate = significant
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


def _decisive(contrast: Contrast) -> float:
    return contrast.p if contrast.adjusted_p is None else contrast.adjusted_p


def adjust_families(
    protocol: Protocol, endpoints: Mapping[str, EndpointResult], blinded: bool
) -> tuple[FamilyResult, ...]:
    """Families with Holm-adjusted p-values over all their contrasts (Holm 1979)."""
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
        adjusted = holm([c.p for _, c in members]) if members else []
        contrasts: dict[str, list[Contrast]] = {name: [] for name in family.endpoints}
        for (name, contrast), p in zip(members, adjusted, strict=True):
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
