"""The models of tests/reference/ls_means.json, fitted; rows found by their labels."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import polars as pl
from stats_reference import STORED, read_data

from equipoise.stats import MMRMFit, mmrm

REFERENCE: dict[str, Any] = json.loads((STORED / "ls_means.json").read_text(encoding="utf-8"))


def frame(block: dict[str, Any]) -> pl.DataFrame:
    """The stored data of a block, with its factors as Enums."""
    return pl.DataFrame(block["data"], strict=False).with_columns(
        pl.col(name).cast(pl.Enum(levels)) for name, levels in block["levels"].items()
    )


@cache
def one_visit(formula: str | None = None, **options: Any) -> MMRMFit:
    """A linear model: the mixed model with a single visit is one, exactly."""
    block = REFERENCE["one_visit"]
    return mmrm(formula or block["formula"], frame(block), subject="id", visit="week", **options)


@cache
def growth() -> MMRMFit:
    """Potthoff and Roy's children; model-based standard errors, as gls has them."""
    block = REFERENCE["growth"]
    return mmrm(
        block["formula"], frame(block), subject="Subject", visit="visit", df="satterthwaite"
    )


@cache
def fev() -> MMRMFit:
    data = read_data("fev_data.csv").with_columns(
        pl.col("SEX").cast(pl.Enum(["Male", "Female"])),
    )
    return mmrm(
        REFERENCE["fev"]["formula"], data, subject="USUBJID", visit="AVISIT", df="satterthwaite"
    )


def matched(ours: pl.DataFrame, rows: list[dict[str, Any]], names: list[str]) -> list[Any]:
    """Pairs of our row and theirs with the same labels."""
    assert ours.height == len(rows)

    def key(row: dict[str, Any]) -> tuple[str, ...]:
        return tuple(
            f"{float(v):g}" if isinstance(v, float) else str(v)
            for v in (float(row[n]) if isinstance(row[n], int) else row[n] for n in names)
        )

    place = {key(row): row for row in ours.iter_rows(named=True)}
    assert len(place) == len(rows)
    return [(place[key(row)], row) for row in rows]
