"""Which measurements of a protocol a mechanistic model gives, and which covariates it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from equipoise.mechanisms import LABS, POPULATIONS, MechanisticModel, severity_scales

if TYPE_CHECKING:
    from equipoise.protocol.assumptions_of_mechanism import Mechanistic

#: What stays with the statistical assumptions, and a covariate that the model does not take.
STATISTICAL, UNUSED = "statistical", "none"


def mapped_cells(cells: Mapping[str, Any], plan: Mechanistic) -> dict[str, str]:
    """Cell population of the protocol → population of the model."""
    return _mapped(cells, plan.cells, POPULATIONS)


def mapped_labs(labs: Mapping[str, Any], plan: Mechanistic) -> dict[str, str]:
    """Laboratory value of the protocol → value of the model."""
    return _mapped(labs, plan.labs, LABS)


def mapped_instruments(instruments: Mapping[str, Any], plan: Mechanistic) -> tuple[str, ...]:
    """Instruments on which severity shows."""
    known, given = severity_scales(), plan.instruments
    return tuple(
        key
        for key, use in instruments.items()
        if (not given[key].statistical if key in given else use.scale in known)
    )


def mapped_covariates(
    protocol: Mapping[str, Any], plan: Mechanistic, model: MechanisticModel
) -> dict[str, str]:
    """Covariate or exposure of the protocol → covariate of the model."""
    known = {**model.covariates, "bsa": None}
    found = {key: plan.covariates.get(key, key) for key in protocol}
    return {
        key: name
        for key, name in found.items()
        if name in known and name not in plan.everybody
    }  # fmt: skip


def _mapped(
    entries: Mapping[str, Any], given: Mapping[str, str], outputs: Mapping[str, Any]
) -> dict[str, str]:
    found = {key: given.get(key, key) for key in entries}
    return {key: output for key, output in found.items() if output in outputs}
