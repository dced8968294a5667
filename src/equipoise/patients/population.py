"""Virtual patients: parameters drawn with their correlations, shifted by covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.mechanisms import Distribution, MechanisticModel
from equipoise.patients.statistical import rooted
from equipoise.trial_generators import in_columns

if TYPE_CHECKING:
    import numpy as np

    from equipoise.trial_generators import Draws

#: Parameters that act on mood alone; all others act on cells and tone as well.
MOOD = ("S0", "phi", "Bmax", "kB", "kS")


@dataclass(frozen=True, slots=True)
class VirtualPatients:
    """n people of a model.

    Attributes
    ----------
    model
        Whose parameters they have.
    values
        Name → (n,) parameter of each patient, in its unit: what acts on cells, tone and labs.
    mood
        Name → (n,) parameters behind the severity; `values` itself where the link is 1.
    covariates
        Name → (n,) levels or numbers.
    link
        Correlation of the random effects behind the severity with those behind the cells.
    """

    model: MechanisticModel
    values: Mapping[str, np.ndarray]
    mood: Mapping[str, np.ndarray]
    covariates: Mapping[str, np.ndarray]
    link: float

    @property
    def size(self) -> int:
        """Number of patients."""
        return len(next(iter(self.values.values())))


def typical_patients(model: MechanisticModel, n: int = 1) -> VirtualPatients:
    """n times the typical patient, whose covariates have no effect.

    Returns
    -------
    VirtualPatients
        Without covariates.
    """
    import numpy as np

    values = {name: np.full(n, row.value) for name, row in model.parameters.items()}
    return VirtualPatients(model, values, values, {}, 1.0)


def draw_patients(
    model: MechanisticModel,
    n: int,
    generator: Draws,
    *,
    covariates: Mapping[str, Sequence[object] | np.ndarray] | None = None,
    link: float = 1.0,
) -> VirtualPatients:
    """Draw n patients.

    Assumptions: random effects are normal on the scale of each parameter's distribution, with
    `MechanisticModel.correlation_matrix`; a covariate adds its effect on that scale.

    Parameters
    ----------
    model
        With the overrides of the protocol.
    n
        Number of patients.
    generator
        The stream to draw from. The same number of draws is taken whatever the covariates and
        the link.
    covariates
        Name → (n,) of those that are known; the others are drawn as the model says.
    link
        0 to 1. The severity follows random effects of which each has this correlation with the
        one behind the cells: at 1 they are the same, at 0 the cells say nothing about the mood,
        while each, taken alone, is distributed as before. Covariates that act on cells would
        link the two as well: with this probability the severity follows the patient's own,
        otherwise those of another of the n. Covariates that act on mood alone stay the patient's
        own: one that a model lets act on both links them at 0 too (in the tables here none does).

    Raises
    ------
    EquipoiseError
        For covariates or levels that the model does not know, and a link outside 0 to 1.
    """
    import numpy as np

    given = {name: np.asarray(column) for name, column in (covariates or {}).items()}
    faults = list(_faults(model, n, given, link))
    if faults:
        raise EquipoiseError("No patients are drawn", faults)
    own = _with_surface(model, {**_draw_covariates(model, n, generator), **given})
    names = model.random_effects
    root = _root(model)
    first, second = (
        rooted(root, in_columns(generator, "standard_normal", (len(names), n))) for _ in range(2)
    )
    linked, others = generator.random(n) < link, generator.permutation(n)
    shift = _shifts(model, own, n)
    values = _values(model, dict(zip(names, first, strict=True)), shift, n)
    mood: Mapping[str, np.ndarray] = values
    if link < 1:
        mixed = link * first + np.sqrt(1 - link * link) * second
        # What acts on mood alone keeps the patient's own covariates.
        shifts = {
            name: value if name in MOOD else np.where(linked, value, value[others])
            for name, value in shift.items()
        }
        mood = _values(model, dict(zip(names, mixed, strict=True)), shifts, n)
    return VirtualPatients(model, values, mood, own, link)


def implausible(patients: VirtualPatients) -> Mapping[str, np.ndarray]:
    """Which patients could not be: rule → (n,) True where it is broken.

    The distributions keep most rules by themselves; an override or a correlation may not.
    """
    import numpy as np

    v = patients.values
    rules: dict[str, np.ndarray] = {
        "all parameters are finite": np.any(~np.isfinite(np.stack(list(v.values()))), axis=0),
        "no rate or share is negative": np.any(np.stack(_positive(patients)) < 0, axis=0),
        "severity at baseline lies on the scale": (v["S0"] < 0) | (v["S0"] > 52),
        "a whole dose is no more than absorbed": v["F"] > 1,
        "CD4+ count lies between 50 and 5,000 cells/uL": (v["CD4"] < 50) | (v["CD4"] > 5000),
        "CRP lies below 500 mg/L": v["CRP0"] >= 500,
    }
    if {"fT", "fH", "fN"} <= set(v):
        memory = 1 - v["fT"] - v["fH"] - v["fN"]
        rules["memory cells are left among the CD4+ cells"] = memory <= 0
    return rules


def _positive(patients: VirtualPatients) -> list[np.ndarray]:
    signed = {"rho"}
    return [v for name, v in patients.values.items() if name not in signed]


def _faults(
    model: MechanisticModel, n: int, given: Mapping[str, np.ndarray], link: float
) -> list[Fault]:
    where, found = f"model {model.name}", []
    known = [*model.covariates, "bsa"]
    for name, column in given.items():
        if name not in known:
            found.append(
                Fault(
                    code="covariate-unknown",
                    where=where,
                    field=name,
                    value="",
                    rule="covariates: " + ", ".join(known),
                    remedy=nearest(name, known),
                )
            )
            continue
        levels = model.covariates[name].levels if name in model.covariates else {}
        unknown = sorted({str(x) for x in set(column.tolist())} - set(levels)) if levels else []
        for level in unknown:
            found.append(
                Fault(
                    code="covariate-level-unknown",
                    where=where,
                    field=name,
                    value=level,
                    rule=f"levels of {name}: " + ", ".join(levels),
                    remedy=nearest(level, list(levels)),
                )
            )
        if column.shape != (n,):
            found.append(
                Fault(
                    code="covariate-length",
                    where=where,
                    field=name,
                    value=str(column.shape),
                    rule=f"one value for each of the {n} patients",
                    remedy="give a column of that length",
                )
            )
    if not 0 <= link <= 1:
        found.append(
            Fault(
                code="link-outside-bounds",
                where=where,
                field="link",
                value=f"{link:g}",
                rule="the link lies between 0 (none) and 1 (the full mechanism)",
                remedy="choose a value between them",
            )
        )
    return found


#: The models whose roots were asked for last: a model is frozen, but cannot be hashed.
_roots: dict[int, tuple[MechanisticModel, np.ndarray]] = {}


def _root(model: MechanisticModel) -> np.ndarray:
    """Cholesky root of the correlations of the random effects; computed once a model."""
    import numpy as np

    found = _roots.get(id(model))
    if found is not None and found[0] is model:
        return found[1]
    root = np.linalg.cholesky(np.array(model.correlation_matrix()))
    while len(_roots) >= 8:
        _roots.pop(next(iter(_roots)), None)
    _roots[id(model)] = (model, root)
    return root


def _draw_covariates(model: MechanisticModel, n: int, generator: Draws) -> dict[str, np.ndarray]:
    import numpy as np

    drawn: dict[str, np.ndarray] = {}
    for name, row in model.covariates.items():
        if row.levels:
            edges = np.cumsum(list(row.levels.values()))
            place = np.searchsorted(edges[:-1], generator.random(n), side="right")
            drawn[name] = np.array(list(row.levels))[place]
            continue
        mean: np.ndarray | float
        if isinstance(row.mean, Mapping):
            sexes, which = np.unique(drawn["sex"], return_inverse=True)
            mean = np.array([row.mean[str(sex)] for sex in sexes])[which]
        else:
            assert row.mean is not None
            mean = row.mean
        drawn[name] = np.clip(mean + row.sd * generator.standard_normal(n), *row.range)
    return drawn


def _with_surface(
    model: MechanisticModel, covariates: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Body surface in m2 from height and body-mass index (Mosteller 1987), if not given."""
    import numpy as np

    if "bsa" in covariates or "height" not in model.covariates:
        return covariates
    height = np.asarray(covariates["height"], dtype=float)
    weight = np.asarray(covariates["bmi"], dtype=float) * (height / 100) ** 2
    return {**covariates, "bsa": np.sqrt(height * weight / 3600)}


def _shifts(
    model: MechanisticModel, covariates: Mapping[str, np.ndarray], n: int
) -> dict[str, np.ndarray]:
    """Parameter → (n,) what covariates add on the scale of its distribution."""
    import numpy as np

    shift = {name: np.zeros(n) for name in model.parameters}
    for effect in model.effects.values():
        column = covariates[effect.covariate]
        if effect.level is not None:
            shift[effect.on] += effect.value * (column == effect.level)
        elif effect.power:
            shift[effect.on] += effect.value * np.log(column.astype(float) / effect.centre)
        else:
            shift[effect.on] += effect.value * (column.astype(float) - effect.centre) / effect.per
    return shift


def _values(
    model: MechanisticModel,
    effects: Mapping[str, np.ndarray],
    shifts: Mapping[str, np.ndarray],
    n: int,
) -> dict[str, np.ndarray]:
    """Parameters from random effects (standard normal) and shifts."""
    import numpy as np
    from scipy.special import expit, logit, ndtr, ndtri

    values: dict[str, np.ndarray] = {}
    ratios: dict[str, np.ndarray] = {}
    fractions = [
        name for name, row in model.parameters.items() if row.distribution is Distribution.LOG_RATIO
    ]
    remainder = 1 - sum(model.value(name) for name in fractions)
    for name, row in model.parameters.items():
        z, shift = effects.get(name), shifts[name]
        if row.distribution is Distribution.NORMAL and row.persons and row.spread > 0:
            # Cut, not clipped: those outside the range do not enter.
            low, high = ((end - row.value - shift) / row.spread for end in row.persons)
            below, above = ndtr(low), ndtr(high)
            inside = ndtri(below + ndtr(z) * (above - below))
            values[name] = row.value + shift + row.spread * inside
        elif row.distribution is Distribution.NORMAL:
            assert z is not None
            values[name] = row.value + shift + row.spread * z
        elif row.distribution is Distribution.LOGIT_NORMAL and 0 < row.value < 1:
            assert z is not None
            values[name] = expit(logit(row.value) + shift + row.spread * z)
        elif row.distribution is Distribution.LOG_RATIO:
            assert z is not None
            ratios[name] = np.exp(np.log(row.value / remainder) + shift + row.spread * z)
            values[name] = ratios[name]  # keeps the order of the table
        elif row.distribution is Distribution.LOG_NORMAL:
            assert z is not None
            values[name] = row.value * np.exp(shift + row.spread * z)
        else:
            values[name] = row.value * np.exp(shift)
    if ratios:
        whole = 1 + sum(ratios.values())
        for name, ratio in ratios.items():
            values[name] = ratio / whole
    return values
