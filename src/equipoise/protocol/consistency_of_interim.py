"""The plan of interim looks: that they can be taken, and that one test waits for them."""

from __future__ import annotations

from collections.abc import Iterator

from equipoise.protocol.consistency import Inconsistency, Tables, needs
from equipoise.protocol.interim_plan import WITH_PARAMETER, InterimPlan
from equipoise.protocol.plan import Role
from equipoise.protocol.questions import EstimandRole, TestingOrder

_PATH = ("analysis", "interim")

#: Fewest participants of a look, for each arm.
FEWEST = 4


@needs("analysis", "arms", "population")
def _looks(tables: Tables) -> Iterator[Inconsistency]:
    plan: InterimPlan | None = tables["analysis"].interim
    if plan is None:
        return
    if list(plan.shares) != sorted(set(plan.shares)):
        yield Inconsistency(
            (*_PATH, "shares"),
            ", ".join(f"{share:g}" for share in plan.shares),
            "shares rise, each once",
            "put them in order",
        )
    least, size = FEWEST * len(tables["arms"]), tables["population"].size
    if min(plan.shares) * size < least:
        yield Inconsistency(
            (*_PATH, "shares"),
            f"{min(plan.shares):g}",
            f"a look has at least {least} of the {size} participants, {FEWEST} for each arm",
            "look later",
        )
    for name, function, parameter in (
        ("parameter", plan.spending, plan.parameter),
        ("futility_parameter", plan.futility, plan.futility_parameter),
    ):
        wants = function in WITH_PARAMETER
        if wants != (parameter is not None) or (
            function == "power" and parameter is not None and parameter <= 0
        ):
            yield Inconsistency(
                (*_PATH, name),
                "" if parameter is None else f"{parameter:g}",
                "power has a parameter above 0, hwang-shih-decani any number, the others none",
                "give for example -4 for hwang-shih-decani" if wants else "take it out",
            )
    active = [key for key, arm in tables["arms"].items() if arm.role is Role.ACTIVE]
    if len(active) != 1 or len(tables["arms"]) < 2:
        yield Inconsistency(
            _PATH, "", "looks compare one active arm with the control",
            "take the plan of looks out, or plan one active arm",
        )  # fmt: skip
    if tables["analysis"].testing is TestingOrder.GRAPHICAL:
        yield Inconsistency(
            (*_PATH,), "", "looks go with the fixed sequence: a graph shares the level otherwise",
            'write `testing = "fixed-sequence"`, or take the plan of looks out',
        )  # fmt: skip


@needs("analysis", "estimands", "endpoints")
def _primary(tables: Tables) -> Iterator[Inconsistency]:
    if tables["analysis"].interim is None:
        return
    for estimand in tables["estimands"].values():
        point = tables["endpoints"].get(estimand.endpoint)
        if estimand.role is EstimandRole.PRIMARY and point and not point.scale.continuous:
            yield Inconsistency(
                _PATH, estimand.endpoint, "looks are taken at a mean by a mixed model",
                "make such an estimand the primary one, or take the plan of looks out",
            )  # fmt: skip
