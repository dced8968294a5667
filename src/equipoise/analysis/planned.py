"""What the report says of the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from equipoise.analysis.planned_ending import ending_in_words
from equipoise.analysis.planned_reporting import description_of, reporting_fields
from equipoise.analysis.results import (
    Plan,
    PlannedArm,
    PlannedDoses,
    PlannedEstimand,
    PlannedMeasure,
    PlannedSource,
    PlannedVisit,
)
from equipoise.protocol.endpoint_sources import SOURCES, MeasureKind, planned_visits
from equipoise.protocol.plan import AllocationMethod, Imbalance
from equipoise.protocol.scales import scale_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from equipoise.protocol import Protocol
    from equipoise.protocol.exposures_and_imaging import Exposure, Imaging
    from equipoise.protocol.measurements import CellPopulation, InstrumentUse, Lab, VitalSign
    from equipoise.protocol.plan import Arm


def make_plan(protocol: Protocol, blinded: bool) -> Plan:
    """The plan in words; while blinded nothing that describes an arm."""
    trial = protocol.trial
    return Plan(
        about=trial.about,
        objective=trial.objective,
        single_arm=protocol.single_arm,
        design=("single arm" if protocol.single_arm else f"{trial.design} groups")
        + (f", phase {trial.phase}" if trial.phase else ""),
        blinding=trial.blinding,
        setting=trial.setting,
        registration=trial.registration,
        hypothetical=trial.hypothetical,
        size=protocol.population.size,
        population=protocol.population.description,
        inclusion=protocol.population.inclusion,
        exclusion=protocol.population.exclusion,
        visits=tuple(
            PlannedVisit(label=v.label, day=v.day, window=v.window, timing=v.timing)
            for v in protocol.visits
        ),
        measures=tuple(_measures(protocol, blinded)),
        randomisation=allocation_in_words(protocol, blinded=blinded),
        missing_data=protocol.analysis.missing_data,
        ending=ending_in_words(protocol),
        testing=protocol.analysis.testing.value,
        arms=() if blinded else tuple(_arms(protocol)),
        estimands=() if blinded else tuple(_estimands(protocol)),
        sources=() if blinded else tuple(_sources(protocol)),
        **reporting_fields(protocol, blinded),
    )


def allocation_in_words(protocol: Protocol, *, blinded: bool = False) -> str:
    """How participants are allocated; while blinded without what would let a site guess."""
    plan = protocol.randomisation
    if plan.method is AllocationMethod.NONE:
        return "Nobody was randomised: all participants are in one arm"
    strata = [protocol.population.covariates[name].label.lower() for name in plan.strata]
    within = f" within {' and '.join(strata)}" if strata else ""
    if blinded:  # block sizes would let a site guess
        balanced = plan.method is AllocationMethod.MINIMISATION
        return (
            f"Randomised, balanced over {' and '.join(strata)}"
            if balanced
            else f"Randomised{within}"
        )
    ratio = " : ".join(str(protocol.arms[key].ratio) for key in protocol.arm_order)
    labels = " : ".join(protocol.arms[key].label for key in protocol.arm_order)
    if plan.method is AllocationMethod.MINIMISATION:
        weighed = [
            f"{protocol.population.covariates[name].label.lower()} with weight {weight:g}"
            for name, weight in plan.factor_weights.items()
        ]
        measure = (plan.imbalance or Imbalance.RANGE).value
        return (
            f"Minimisation over {' and '.join(strata)}, {ratio} ({labels}), {measure} of the counts"
            f"{', ' + ', '.join(weighed) if weighed else ''}, with probability "
            f"{plan.coin_probability:g} the arm that balances best"
        )
    method = {
        AllocationMethod.SIMPLE: "Simple randomisation",
        AllocationMethod.PERMUTED_BLOCKS: "Permuted blocks",
        AllocationMethod.BIASED_COIN: "Biased coin",
        AllocationMethod.URN: "Urn",
    }[plan.method]
    more = ""
    if plan.block_sizes:
        drawn = " drawn at random" if len(plan.block_sizes) > 1 else ""
        more = f", block size {' or '.join(map(str, plan.block_sizes))}{drawn}"
    elif plan.coin_probability is not None:
        more = f", with probability {plan.coin_probability:g} the arm that is behind"
    elif plan.urn_added is not None:
        more = (
            f", {plan.urn_start} balls of each arm at the start and {plan.urn_added} of the others "
            "added by an allocation"
        )
    return f"{method}{within}, {ratio} ({labels}){more}"


def _measures(protocol: Protocol, blinded: bool) -> list[PlannedMeasure]:
    """What is measured when; while blinded without what can give the arm away."""
    rows: list[PlannedMeasure] = []
    for source in SOURCES:
        for entry in getattr(protocol, source.table).values():
            if blinded and source.can_unblind and entry.unblinding:
                continue
            label, definition = _DEFINITIONS[source.kind](protocol, entry)
            planned = planned_visits(entry, protocol.visits)
            rows.append(
                PlannedMeasure(
                    kind=source.kind,
                    label=label,
                    definition=definition,
                    visits=tuple(visit.label for visit in protocol.visits if visit.id in planned),
                )
            )
    return rows


def _scale(protocol: Protocol, use: InstrumentUse) -> tuple[str, str]:
    scale = scale_of(protocol.scales, use.scale)
    assert scale is not None  # a protocol that exists is consistent
    items = f"; items {', '.join(map(str, use.items))}" if use.items else ""
    if use.items and len(use.items) == len(scale.items):
        items = "; all items"
    low, high = scale.total
    return scale.label, f"total from {low} to {high} points{items} ({scale.source})"


def _cells(_: Protocol, cell: CellPopulation) -> tuple[str, str]:
    return cell.label, f"{cell.marker}; {', '.join(cell.units)}; parent {cell.parent}"


def _lab(_: Protocol, lab: Lab) -> tuple[str, str]:
    return lab.label, lab.unit


def _vital(_: Protocol, sign: VitalSign) -> tuple[str, str]:
    return sign.label, sign.unit


def _exposure(_: Protocol, exposure: Exposure) -> tuple[str, str]:
    values = ", ".join(exposure.level_labels.get(level, level) for level in exposure.levels)
    return exposure.label, f"{exposure.kind}; {values or exposure.unit}"


def _image(_: Protocol, image: Imaging) -> tuple[str, str]:
    by = image.tracer or image.sequence
    parts = [f"{image.modality}, {by}" if by else image.modality, f"{image.measure} ({image.unit})"]
    return image.label, "; ".join([*parts, ", ".join(image.regions)])


#: Kind of measurement → (label, definition) of an entry of its table.
_DEFINITIONS: dict[MeasureKind, Callable[[Protocol, Any], tuple[str, str]]] = {
    MeasureKind.RATING_SCALE: _scale,
    MeasureKind.CELLS: _cells,
    MeasureKind.LABORATORY: _lab,
    MeasureKind.VITAL_SIGN: _vital,
    MeasureKind.EXPOSURE: _exposure,
    MeasureKind.IMAGING: _image,
}


def _arms(protocol: Protocol) -> list[PlannedArm]:
    return [
        PlannedArm(
            key=key,
            label=protocol.arms[key].label,
            ratio=protocol.arms[key].ratio,
            treatment=_treatment(protocol.arms[key]),
            doses=tuple(
                PlannedDoses(drug=dose.drug, days=dose.days) for dose in protocol.arms[key].doses
            ),
            description=description_of(protocol, key),
        )
        for key in protocol.arm_order
    ]


def _treatment(arm: Arm) -> str:
    if not arm.doses:
        return "not stated in the protocol"
    return "; ".join(
        f"{dose.drug}{f' {dose.amount:g} {dose.unit}' if dose.amount else ''} {dose.route} on days "
        + ", ".join(f"{day:g}" for day in dose.days)
        + " (day 0 = first dose)"
        for dose in arm.doses
    )


def _estimands(protocol: Protocol) -> list[PlannedEstimand]:
    return [
        PlannedEstimand(
            key=key,
            role=estimand.role.value,
            question=estimand.question,
            variable=f"{protocol.endpoints[estimand.endpoint].label} at "
            f"{protocol.visit(estimand.visit).label}",
            population=estimand.population,
            treatment=estimand.treatment,
            events=tuple(
                (protocol.intercurrent_events[e.event].label, e.strategy.value)
                for e in estimand.intercurrent_events
            ),
            summary=estimand.summary,
        )
        for key, estimand in protocol.estimands.items()
    ]


def _sources(protocol: Protocol) -> list[PlannedSource]:
    rows = []
    for path, entry in protocol.provenance.items():
        source = protocol.sources[entry.source] if entry.source else None
        rows.append(
            PlannedSource(
                path=path,
                source=None
                if source is None
                else source.citation
                + (f". doi {source.doi}" if source.doi else "")
                + (f". {source.register_id}" if source.register_id else ""),
                certainty=None if source is None else source.certainty.value,
                assumed=entry.assumed,
                note=entry.note,
            )
        )
    return rows
