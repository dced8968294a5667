"""Reading a model's table from its TOML file."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from equipoise.faults import nearest, single
from equipoise.mechanisms.mechanistic_model import MechanisticModel
from equipoise.mechanisms.parameters import (
    Covariate,
    CovariateEffect,
    Distribution,
    Origin,
    Parameter,
    PublishedSource,
)

FOLDER = Path(__file__).parent / "models"


def builtin_models() -> list[str]:
    """Names of the models."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def model_path(name: str) -> Path:
    """The file of a model."""
    return FOLDER / f"{name}.toml"


@lru_cache(maxsize=8)
def find_model(name: str) -> MechanisticModel:
    """The model of this name.

    Raises
    ------
    EquipoiseError
        When there is none of this name.
    """
    names = builtin_models()
    if name not in names:
        raise single(
            "There is no such model",
            code="model-unknown",
            field="model",
            value=name,
            rule="models: " + ", ".join(names),
            remedy=nearest(name, names),
        )
    return read_model(model_path(name))


def read_model(path: Path) -> MechanisticModel:
    """The model of a file of this package; a slip in it is a fault of ours and raises as such."""
    with path.open("rb") as file:
        table = tomllib.load(file)
    sources = {key: PublishedSource(**entry) for key, entry in table["sources"].items()}
    model = MechanisticModel(
        name=table["name"],
        label=table["label"],
        drug=table["drug"],
        routes=tuple(table["routes"]),
        amount_unit=table["amount_unit"],
        concentration_unit=table["concentration_unit"],
        severity_scale=table["severity_scale"],
        parameters=MappingProxyType(
            {name: _parameter(name, row) for name, row in table["parameters"].items()}
        ),
        effects=MappingProxyType(
            {name: _effect(name, row) for name, row in table.get("effects", {}).items()}
        ),
        covariates=MappingProxyType(
            {name: _covariate(name, row) for name, row in table["covariates"].items()}
        ),
        sources=MappingProxyType(sources),
        correlations=MappingProxyType(
            {_pair(key): float(value) for key, value in table.get("correlations", {}).items()}
        ),
    )
    named = [*model.parameters.values(), *model.effects.values(), *model.covariates.values()]
    for row in named:
        assert row.source is None or row.source in sources, f"{path.name}: {row.name}: source"
        assert row.source is not None or row.origin is not Origin.FACT, f"{row.name}: no source"
    for row in (*model.parameters.values(), *model.effects.values()):
        assert row.lower <= row.value <= row.upper, f"{path.name}: {row.name}: bounds"
    for effect in model.effects.values():
        assert effect.on in model.parameters, f"{path.name}: {effect.name}: on"
    assert not list(model.faults_in({}, model.correlations)), f"{path.name}: correlations"
    assert not list(model.inconsistencies()), f"{path.name}: inconsistent"
    return model


def _pair(key: str) -> tuple[str, str]:
    first, second = key.split(",")
    return first, second


def _parameter(name: str, row: dict[str, Any]) -> Parameter:
    persons = row.get("persons")
    return Parameter(
        name=name,
        meaning=row["meaning"],
        group=row["group"],
        value=float(row["value"]),
        unit=row["unit"],
        distribution=Distribution(row["distribution"]),
        spread=float(row.get("spread", 0.0)),
        lower=float(row["lower"]),
        upper=float(row["upper"]),
        persons=(float(persons[0]), float(persons[1])) if persons else None,
        origin=Origin(row["origin"]),
        source=row.get("source"),
        note=row.get("note", ""),
    )


def _effect(name: str, row: dict[str, Any]) -> CovariateEffect:
    return CovariateEffect(
        name=name,
        meaning=row["meaning"],
        on=row["on"],
        covariate=row["covariate"],
        level=row.get("level"),
        power=row.get("power", False),
        per=float(row.get("per", 1.0)),
        centre=float(row.get("centre", 0.0)),
        value=float(row["value"]),
        lower=float(row["lower"]),
        upper=float(row["upper"]),
        origin=Origin(row["origin"]),
        source=row.get("source"),
    )


def _covariate(name: str, row: dict[str, Any]) -> Covariate:
    low, high = row.get("range", (0.0, 0.0))
    mean = row.get("mean")
    if isinstance(mean, dict):
        mean = MappingProxyType({key: float(value) for key, value in mean.items()})
    return Covariate(
        name=name,
        levels=MappingProxyType({key: float(p) for key, p in row.get("levels", {}).items()}),
        mean=float(mean) if isinstance(mean, int | float) else mean,
        sd=float(row.get("sd", 0.0)),
        range=(float(low), float(high)),
        unit=row.get("unit", ""),
        origin=Origin(row["origin"]),
        source=row.get("source"),
    )
