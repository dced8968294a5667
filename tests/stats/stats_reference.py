"""Outside results for `equipoise.stats`: found by parsing the stored files, never retyped."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from equipoise.stats import MMRMFit, mmrm

PROJECT = Path(__file__).resolve().parents[2]
STORED = PROJECT / "tests" / "reference"
SHARED = PROJECT.parent / "shared" / "data"

Case = dict[str, Any]


def shared_file(name: str) -> Path:
    """A file of ../shared/data; without it the test is skipped, or fails under CI=true."""
    path = SHARED / name
    if not path.exists():
        reason = f"{path} is not here (outside data that may not be committed)"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@cache
def read_cases(path: Path) -> dict[str, Case]:
    with path.open(encoding="utf-8") as file:
        return {case["id"]: case for case in json.load(file)["cases"]}


def case_ids() -> list[str]:
    """Every case, stored or shared; a stand-in where ../shared is absent."""
    stored = list(read_cases(STORED / "mmrm_synthetic.json"))
    path = SHARED / "mmrm_reference.json"
    if not path.exists():
        return [*stored, "cases of ../shared/data/mmrm_reference.json"]
    return sorted({*stored, *read_cases(path)})


def find_case(key: str) -> Case:
    stored = read_cases(STORED / "mmrm_synthetic.json")
    return stored[key] if key in stored else read_cases(shared_file("mmrm_reference.json"))[key]


@cache
def read_data(name: str) -> pl.DataFrame:
    path = STORED / name if (STORED / name).exists() else shared_file(name)
    return pl.read_csv(path, null_values="NA", infer_schema_length=None)


def model_frame(case: Case) -> pl.DataFrame:
    """The data with the case's factors as Enums, so that levels stand in the case's order."""
    model = case["model"]
    factors = {**model["factors"], model["visit"]: model["visit_levels"]}
    return read_data(case["data"]).with_columns(
        pl.col(name).cast(pl.String).cast(pl.Enum(levels)) for name, levels in factors.items()
    )


@cache
def fit_case(key: str, df: str) -> MMRMFit:
    case = find_case(key)
    model = case["model"]
    return mmrm(
        f"{model['response']} ~ {model['fixed_effects']}",
        model_frame(case),
        subject=model["subject"],
        visit=model["visit"],
        method=model["method"].lower(),
        covariance=model["covariance"],
        df=df,
    )


def term_key(name: str) -> frozenset[str]:
    """The same for R's ``armACTIVE:visitV2`` and formulaic's ``arm[T.ACTIVE]:visit[T.V2]``."""
    plain = name.replace("[T.", "").replace("]", "").replace("(Intercept)", "Intercept")
    return frozenset(plain.split(":"))


def term_position(fit: MMRMFit) -> dict[frozenset[str], int]:
    return {term_key(term): i for i, term in enumerate(fit.terms)}


def unit_rows(fit: MMRMFit, terms: list[str]) -> np.ndarray:
    position = term_position(fit)
    return np.eye(len(fit.terms))[[position[term_key(term)] for term in terms]]


def rows_of_levels(fit: MMRMFit, wanted: list[dict[str, str]]) -> np.ndarray:
    """LS-mean rows for given combinations of levels, in the order given."""
    factors = [name for name in wanted[0] if name in fit.data.levels]
    frame, L = fit.lsmeans_matrix(factors[0], by=factors[1:])
    place = {tuple(str(row[name]) for name in factors): i for i, row in enumerate(frame.to_dicts())}
    return np.stack([L[place[tuple(row[name] for name in factors)]] for row in wanted])
