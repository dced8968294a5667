"""What people wrote for the checklists, and the parts of the plan that only checklists show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from equipoise.analysis.open_words import names_an_arm
from equipoise.protocol.plan import AllocationMethod

if TYPE_CHECKING:
    from equipoise.protocol import Protocol


def reporting_fields(protocol: Protocol, blinded: bool) -> dict[str, Any]:
    """Fields of `Plan` that the checklists read, as keyword arguments."""
    given = _given(protocol)
    withheld = tuple(
        path
        for path, text in given.items()
        # What stands under [trial] is public: every report begins with it.
        if blinded and not path.startswith("trial.") and _tells(protocol, text)
    )
    return {
        "title": protocol.trial.title,
        "allocation": "" if blinded else _allocation(protocol),
        "models": () if blinded else _models(protocol),
        "further_analyses": _further(protocol, blinded),
        "expected_harms": sum(
            not (blinded and event.unblinding) for event in protocol.safety.events.values()
        ),
        "given": {path: text for path, text in given.items() if path not in withheld},
        "given_withheld": withheld,
    }


def description_of(protocol: Protocol, arm: str) -> dict[str, str]:
    """TIDieR's texts of an arm by field; empty where the protocol has none."""
    found = protocol.arms[arm].description
    if found is None:
        return {}
    texts = {name: getattr(found, name) for name in type(found).model_fields}
    return {name: text for name, text in texts.items() if text is not None}


def _given(protocol: Protocol) -> dict[str, str]:
    """Text by dotted path: [reporting], and the few of other tables that items name."""
    trial, population = protocol.trial, protocol.population
    found = {
        "trial.objective": trial.objective,
        "trial.registration": trial.registration,
        "trial.setting": trial.setting,
        "population.inclusion": "; ".join(population.inclusion) or None,
        "population.exclusion": "; ".join(population.exclusion) or None,
    }
    own = {path: text for path, text in found.items() if text}
    return own | protocol.reporting.given()


def _tells(protocol: Protocol, text: str) -> bool:
    """Whether a text names an arm, a drug, or a measurement that gives an arm away."""
    hidden = [
        row.label
        for table in (protocol.cells, protocol.labs)
        for row in table.values()
        if row.unblinding
    ]
    hidden += [term for term, event in protocol.safety.events.items() if event.unblinding]
    return names_an_arm(protocol, text) or any(name.lower() in text.lower() for name in hidden)


def _allocation(protocol: Protocol) -> str:
    plan = protocol.randomisation
    if plan.method is AllocationMethod.NONE:
        return "Nobody is randomised: all participants are in one arm"
    strata = [protocol.population.covariates[name].label.lower() for name in plan.strata]
    within = f", stratified by {' and '.join(strata)}" if strata else ", not stratified"
    ratio = " : ".join(str(protocol.arms[key].ratio) for key in protocol.arm_order)
    labels = " : ".join(protocol.arms[key].label for key in protocol.arm_order)
    kind = "simple randomisation"
    if plan.method is AllocationMethod.MINIMISATION:
        within = f", balanced over {' and '.join(strata)}"
        kind = "minimisation with a random element; its probability is kept from those who enrol"
    elif plan.method is not AllocationMethod.SIMPLE:
        kind = "restricted randomisation; the restriction is kept from those who enrol"
    return f"Allocation {ratio} ({labels}){within}, {kind}"


def _models(protocol: Protocol) -> tuple[str, ...]:
    """How each endpoint is analysed: the formula of its model, or the kind of its outcome."""
    found: dict[str, list[str]] = {}
    for endpoint in protocol.endpoints.values():
        model = protocol.analysis.models.get(endpoint.model or "")
        how = f"{endpoint.scale.value} without a model" if model is None else model.formula
        found.setdefault(how.replace("-", " ") if model is None else how, []).append(endpoint.label)
    return tuple(f"{how}: {', '.join(labels)}" for how, labels in found.items())


def _further(protocol: Protocol, blinded: bool) -> tuple[str, ...]:
    """Planned analyses beside those of the estimands."""
    if blinded:
        return ()
    covariates = protocol.population.covariates
    found: list[str] = []
    for key, model in protocol.analysis.models.items():
        if model.subgroup is not None:
            found.append(f"effects by {covariates[model.subgroup].label.lower()} (model {key})")
    found += [f"{family.label} ({family.method})" for family in protocol.analysis.families.values()]
    plan = protocol.analysis.prediction
    if plan is not None:
        outcome = protocol.endpoints[plan.outcome].label
        early, late = protocol.visit(plan.early_visit).label, protocol.visit(plan.landmark).label
        found.append(f"{outcome} at {late} on early changes at {early} (exploratory)")
    stratification = protocol.analysis.stratification
    if stratification is not None and stratification.forecast is not None:
        found.append("forecast of each person's outcome, tested on people left out (exploratory)")
    found += [f"sensitivity: {row.label}" for row in protocol.analysis.sensitivity.values()]
    return tuple(found)
