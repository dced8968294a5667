"""Allocation by minimisation: people in their order of enrolment, one after the other.

The random numbers are drawn and sealed before the trial. With them everybody's arm follows from
who enrolled before, so that anybody can check the whole allocation afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.faults import EquipoiseError, Fault, single
from equipoise.protocol.plan import AllocationMethod, Imbalance
from equipoise.randomisation.allocation_list import coin_of, ratio_of
from equipoise.randomisation.minimisation import minimise

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol

_HEADING = "Nobody is allocated"


def minimised_arms(protocol: Protocol, levels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Arms of people in their order of enrolment, as the protocol minimises.

    Parameters
    ----------
    levels
        (N, factors) level of each in each of `randomisation.strata`, from 0.
    numbers
        (..., N, 2) random numbers.

    Returns
    -------
    (..., N) indices into `protocol.arms`.
    """
    import numpy as np

    plan = protocol.randomisation
    weights = np.array([plan.factor_weights.get(name, 1.0) for name in plan.strata])
    return minimise(
        levels,
        ratio_of(protocol),
        coin_of(protocol),
        numbers,
        weights=weights,
        variance=plan.imbalance is Imbalance.VARIANCE,
    )


def stratum_levels(protocol: Protocol) -> np.ndarray:
    """(strata, factors) level of each factor in each of `protocol.strata`."""
    import numpy as np

    covariates = protocol.population.covariates
    shape = tuple(len(covariates[name].levels) for name in protocol.randomisation.strata)
    return np.stack(np.unravel_index(np.arange(len(protocol.strata)), shape), axis=1)


def allocate_in_turn(
    protocol: Protocol, people: pl.DataFrame, numbers: pl.DataFrame
) -> pl.DataFrame:
    """Everybody's arm by minimisation, from the random numbers that `randomise` drew.

    A person's arm depends on those before alone: with a further row at the end nobody's changes.

    Parameters
    ----------
    people
        One row a participant in the order of enrolment: participant, and a column for each of
        `randomisation.strata`.
    numbers
        Columns sequence, tie, coin of `Allocation.frame`.

    Returns
    -------
    Columns participant, stratum, sequence, arm.

    Raises
    ------
    EquipoiseError
        With every fault of the people, or when the numbers do not suffice.
    """
    import polars as pl

    if protocol.randomisation.method is not AllocationMethod.MINIMISATION:
        raise single(
            _HEADING,
            code="not-minimisation",
            field="randomisation.method",
            value=protocol.randomisation.method.value,
            rule="people are allocated in turn under minimisation; every other method has a list",
            remedy="take the next place of the list",
        )
    factors = list(protocol.randomisation.strata)
    _check(protocol, people, numbers)
    label = pl.concat_str(factors, separator=" / ").alias("stratum")
    named = people.select(pl.col("participant").cast(pl.String), label)
    code = {stratum: i for i, stratum in enumerate(protocol.strata)}
    levels = stratum_levels(protocol)[[code[stratum] for stratum in named["stratum"]]]
    drawn = numbers.sort("sequence").select("tie", "coin").to_numpy()[: len(levels)]
    keys = list(protocol.arms)
    arms = minimised_arms(protocol, levels, drawn)
    return named.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("sequence"),
        pl.Series("arm", [keys[arm] for arm in arms], dtype=pl.String),
    )


def _check(protocol: Protocol, people: pl.DataFrame, numbers: pl.DataFrame) -> None:
    import polars as pl

    factors = list(protocol.randomisation.strata)
    absent = [name for name in ("participant", *factors) if name not in people.columns]
    if absent:
        raise single(
            _HEADING,
            code="enrolled-columns",
            where="enrolled",
            value=", ".join(absent),
            rule="the people have the columns participant, " + ", ".join(factors),
            remedy="add what is missing; further columns are left alone",
        )
    faults: list[Fault] = []
    rows = people.with_row_index("row", offset=1).select(
        "row", pl.col("participant", *factors).cast(pl.String)
    )
    for row in rows.filter(
        pl.col("participant").is_null() | ~pl.col("participant").is_first_distinct()
    ).iter_rows(named=True):
        faults.append(
            Fault(
                "enrolled-participant",
                f"row {row['row']}",
                "participant",
                str(row["participant"] or ""),
                "everybody has an identifier, and enrols once",
                "correct it, or take the row out",
            )
        )
    for name in factors:
        levels = protocol.population.covariates[name].levels
        wrong = rows.filter(~pl.col(name).is_in(levels).fill_null(value=False))
        for row in wrong.iter_rows(named=True):
            faults.append(
                Fault(
                    "enrolled-level",
                    f"row {row['row']}",
                    name,
                    str(row[name] or ""),
                    f"{name} is known before allocation: " + ", ".join(levels),
                    "correct it",
                )
            )
    if people.height > numbers.height:
        faults.append(
            Fault(
                "minimisation-numbers-short",
                "enrolled",
                "",
                f"{people.height} people",
                f"random numbers were drawn for the planned {numbers.height}",
                "amend population.size and run `equipoise randomise` with the secret's seed and "
                "another --out: the first numbers are the same",
            )
        )
    if faults:
        raise EquipoiseError(_HEADING, faults)
