"""Estimands: events that the records can show, strategies that the endpoint allows, sets, order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from equipoise.instruments import TOTAL, Instrument
from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.consistency_of_multiplicity import graph_faults
from equipoise.protocol.intercurrent import Strategy
from equipoise.protocol.questions import (
    MODEL_METHODS,
    SENSITIVITY_FIELDS,
    Endpoint,
    Scale,
    Sensitivity,
    SensitivityMethod,
    TestingOrder,
)
from equipoise.protocol.scales import scale_of

EVERYBODY = "randomised"

#: Strategies that can be carried out, by the scale of the endpoint. `hypothetical` needs a model
#: for what would have happened: continuous endpoints have one.
ALLOWED: Mapping[bool, tuple[Strategy, ...]] = {
    True: tuple(Strategy),
    False: (Strategy.TREATMENT_POLICY, Strategy.COMPOSITE, Strategy.WHILE_ON_TREATMENT),
}


def allowed_strategies(scale: Scale) -> tuple[Strategy, ...]:
    """Strategies that can be carried out for an endpoint of this scale."""
    if scale is Scale.TIME_TO_RESPONSE:  # the last value before an event is no time
        return (Strategy.TREATMENT_POLICY, Strategy.COMPOSITE)
    return ALLOWED[scale.continuous]


@needs("instruments", "arms", "intercurrent_events")
def _events(tables: Tables) -> Iterator[Inconsistency]:
    for key, event in tables["intercurrent_events"].items():
        path = ("intercurrent_events", key)
        named = [
            name
            for name in ("medications", "disposition", "score", "missed_doses")
            if getattr(event, name)
        ]
        if len(named) != 1:
            yield Inconsistency(
                path,
                ", ".join(named) or "none",
                "an event names exactly one of `medications`, `disposition`, `score`, "
                "`missed_doses`",
                "keep the one place in the records that shows it",
            )
            continue
        if event.score is not None:
            use = tables["instruments"].get(event.score.instrument)
            if use is None:
                yield unknown(
                    (*path, "score", "instrument"),
                    event.score.instrument,
                    "instrument",
                    tables["instruments"],
                    "instruments",
                )
            elif event.score.item is not None and event.score.item not in use.items:
                yield Inconsistency(
                    (*path, "score", "item"),
                    str(event.score.item),
                    f"items of `{event.score.instrument}` that are recorded: {list(use.items)}",
                    f"add it to instruments.{event.score.instrument}.items",
                )
        planned = [sum(len(dose.days) for dose in arm.doses) for arm in tables["arms"].values()]
        if event.missed_doses is not None and event.missed_doses > min(planned):
            yield Inconsistency(
                (*path, "missed_doses"),
                str(event.missed_doses),
                f"at most as many doses are missed as an arm plans: {min(planned)}",
                "correct the number, or plan the doses under `arms`",
            )


@needs("instruments", "endpoints")
def _outcomes(tables: Tables) -> Iterator[Inconsistency]:
    for key, endpoint in tables["endpoints"].items():
        yield from _outcome(tables, ("endpoints", key), endpoint)


def _outcome(tables: Tables, path: tuple[str, ...], endpoint: Endpoint) -> Iterator[Inconsistency]:
    scale = endpoint.scale
    fields = {
        "model": scale.continuous,
        "reduction": scale in (Scale.RESPONSE, Scale.TIME_TO_RESPONSE),
        "below": scale is Scale.REMISSION,
    }
    for name, belongs in fields.items():
        value = getattr(endpoint, name)
        if value is not None and not belongs:
            yield Inconsistency(
                (*path, name),
                str(value),
                f"`{name}` has no meaning for an endpoint of scale `{scale}`",
                "take it out",
            )
    if endpoint.missing != "failure" and scale not in (Scale.RESPONSE, Scale.REMISSION):
        yield Inconsistency(
            (*path, "missing"),
            endpoint.missing,
            "`missing` belongs to response and remission",
            "take it out",
        )
    if scale.continuous:
        return
    if endpoint.instrument is None:
        yield Inconsistency(
            path,
            scale.value,
            f"an endpoint of scale `{scale}` rates an instrument",
            "name `instrument`, or choose change or log_fold",
        )
        return
    rating = _rating(tables, endpoint.instrument)
    if rating is None:
        return
    if endpoint.better != rating.better:
        yield Inconsistency(
            (*path, "better"),
            endpoint.better,
            f"on {rating.label} {rating.better} is better, and an endpoint of scale `{scale}` "
            "takes the scale's own direction",
            f'write `better = "{rating.better}"`',
        )
    # The scale's rules are rules of its total.
    whole = endpoint.part in (None, TOTAL)
    rated = rating.label if whole else f"the part `{endpoint.part}` of {rating.label}"
    response = rating.response_reduction if rating.baseline else rating.response_at_most
    remission = (
        rating.remission_at_least if rating.remission_below is None else rating.remission_below
    )
    if fields["reduction"] and endpoint.reduction is not None and not rating.baseline:
        yield Inconsistency(
            (*path, "reduction"),
            f"{endpoint.reduction:g}",
            f"{rating.label} rates a change and has no baseline to be reduced from",
            "take it out",
        )
    elif fields["reduction"] and endpoint.reduction is None and (response is None or not whole):
        yield Inconsistency(
            path, "", f"{rated} has no rule for response", "add `reduction`, for example 0.5"
        )
    if fields["below"] and endpoint.below is None and (remission is None or not whole):
        yield Inconsistency(
            path, "", f"{rated} has no rule for remission", "add `below` with its source"
        )


def _rating(tables: Tables, instrument: str) -> Instrument | None:
    """The rating scale of an instrument; None where either is unknown (and said elsewhere)."""
    use = tables["instruments"].get(instrument)
    return None if use is None else scale_of(tables.get("scales"), use.scale)


@needs("endpoints", "estimands", "intercurrent_events", "analysis")
def _strategies(tables: Tables) -> Iterator[Inconsistency]:
    events = tables["intercurrent_events"]
    sets = [EVERYBODY, *tables["analysis"].sets]
    for key, estimand in tables["estimands"].items():
        path = ("estimands", key)
        if estimand.analysis_set not in sets:
            yield unknown(
                (*path, "analysis_set"), estimand.analysis_set, "analysis set", sets, "the analysis"
            )
        seen: set[str] = set()
        endpoint = tables["endpoints"].get(estimand.endpoint)
        for index, item in enumerate(estimand.intercurrent_events):
            place = (*path, "intercurrent_events", index)
            if item.event not in events:
                yield unknown((*place, "event"), item.event, "event", events, "intercurrent_events")
            if item.event in seen:
                yield Inconsistency(
                    (*place, "event"), item.event, "each event has one strategy", "drop one"
                )
            seen.add(item.event)
            if endpoint is not None:
                yield from _strategy(place, item, endpoint.scale)


def _strategy(place: tuple[str | int, ...], item: Any, scale: Scale) -> Iterator[Inconsistency]:
    allowed = allowed_strategies(scale)
    if item.strategy not in allowed:
        yield Inconsistency(
            (*place, "strategy"),
            item.strategy.value,
            f"strategies that are carried out for the scale `{scale}`: {', '.join(allowed)}",
            "choose one of them: another is never put in its place",
        )
    composite = item.strategy is Strategy.COMPOSITE and scale.continuous
    if composite and item.composite_change is None:
        yield Inconsistency(
            place,
            "",
            "composite of a continuous endpoint states the change that stands for the event",
            "add `composite_change`, for example 0 for no improvement",
        )
    if item.composite_change is not None and not composite:
        yield Inconsistency(
            (*place, "composite_change"),
            f"{item.composite_change:g}",
            "`composite_change` belongs to the composite strategy of a continuous endpoint",
            "take it out",
        )


@needs("endpoints", "estimands", "analysis", "intercurrent_events", "arms")
def _sets_and_sensitivity(tables: Tables) -> Iterator[Inconsistency]:
    analysis, estimands = tables["analysis"], tables["estimands"]
    planned = min(sum(len(d.days) for d in arm.doses) for arm in tables["arms"].values())
    for key, group in analysis.sets.items():
        path = ("analysis", "sets", key)
        if key == EVERYBODY:
            yield Inconsistency(
                path, key, "`randomised` is everybody and needs no rule", "rename it"
            )
        if group.minimum_doses > planned:
            yield Inconsistency(
                (*path, "minimum_doses"),
                str(group.minimum_doses),
                f"at most as many doses as every arm plans: {planned}",
                "correct the number, or plan the doses under `arms`",
            )
        if not group.minimum_doses and not group.without:
            yield Inconsistency(
                path, "", "a set has a rule", "add `minimum_doses` or `without`, or use randomised"
            )
        for index, event in enumerate(group.without):
            if event not in tables["intercurrent_events"]:
                yield unknown(
                    (*path, "without", index),
                    event,
                    "event",
                    tables["intercurrent_events"],
                    "intercurrent_events",
                )
    for key, item in analysis.sensitivity.items():
        path = ("analysis", "sensitivity", key)
        if item.estimand not in estimands:
            yield unknown((*path, "estimand"), item.estimand, "estimand", estimands, "estimands")
            continue
        yield from _fields_of_method(path, item)
        yield from _model_methods(path, item, tables)
        if item.analysis_set is not None and item.analysis_set not in (EVERYBODY, *analysis.sets):
            yield unknown(
                (*path, "analysis_set"), item.analysis_set, "analysis set", analysis.sets, "sets"
            )
        endpoint = tables["endpoints"].get(estimands[item.estimand].endpoint)
        if item.strategy is None or endpoint is None:
            continue
        allowed = [
            s
            for s in allowed_strategies(endpoint.scale)
            if not (s is Strategy.COMPOSITE and endpoint.scale.continuous)
        ]
        if item.strategy not in allowed:
            yield Inconsistency(
                (*path, "strategy"),
                item.strategy.value,
                f"strategies for all events of this endpoint: {', '.join(allowed)}",
                "choose one of them",
            )
        if not estimands[item.estimand].intercurrent_events:
            yield Inconsistency(
                (*path, "estimand"),
                item.estimand,
                "another strategy needs intercurrent events, and this estimand names none",
                "name them, or take the sensitivity analysis out",
            )


def _fields_of_method(path: tuple[str, ...], item: Sensitivity) -> Iterator[Inconsistency]:
    """A method has the fields that it needs, those that it may have, and no other."""
    needed, optional = SENSITIVITY_FIELDS[item.method]
    every = dict.fromkeys(
        name for row in SENSITIVITY_FIELDS.values() for part in row for name in part
    )
    named = " and ".join(f"`{name}`" for name in needed)
    may = f"; it may have {' and '.join(f'`{name}`' for name in optional)}" if optional else ""
    rule = f"`{item.method}` goes with {named}{may} and nothing else"
    if not needed:
        rule = f"`{item.method}` needs nothing further{may}"
    for name in every:
        given = getattr(item, name) is not None
        if given and name not in (*needed, *optional):
            value = "" if name == "imputation" else str(getattr(item, name))
            yield Inconsistency((*path, name), value, rule, f"take `{name}` out")
        elif not given and name in needed:
            yield Inconsistency((*path, name), "", rule, f"add `{name}`")


def _model_methods(
    path: tuple[str, ...], item: Sensitivity, tables: Tables
) -> Iterator[Inconsistency]:
    """Methods that fit the model of the endpoint again need a model, and arms to compare."""
    if item.method not in MODEL_METHODS:
        return
    endpoint = tables["endpoints"].get(tables["estimands"][item.estimand].endpoint)
    if endpoint is not None and not endpoint.scale.continuous:
        yield Inconsistency(
            (*path, "method"),
            item.method.value,
            f"`{item.method}` is for endpoints that a mixed model answers (change, log_fold)",
            "choose another method, or take the sensitivity analysis out",
        )
    if len(tables["arms"]) < 2 and item.method is not SensitivityMethod.EMPIRICAL:
        yield Inconsistency(
            (*path, "method"),
            item.method.value,
            f"`{item.method}` compares arms; a single-arm trial has one",
            "take the sensitivity analysis out",
        )


@needs("estimands", "analysis")
def _order(tables: Tables) -> Iterator[Inconsistency]:
    analysis, estimands = tables["analysis"], tables["estimands"]
    path: tuple[str, ...] = ("analysis", "graph")
    if (analysis.testing is TestingOrder.GRAPHICAL) != (analysis.graph is not None):
        yield Inconsistency(
            ("analysis", "testing"),
            analysis.testing.value,
            "`graph` belongs to `graphical` testing, and graphical testing needs it",
            "add [analysis.graph], or take it out",
        )
        return
    for key, family in analysis.families.items():
        if family.after is not None and family.after not in estimands:
            yield unknown(
                ("analysis", "families", key, "after"),
                family.after,
                "estimand",
                estimands,
                "estimands",
            )
    if analysis.graph is None:
        return
    yield from graph_faults(path, analysis.graph, estimands, "estimand", "estimands")
