"""The numbers of an answer sheet as files: JSON of all of it, tidy tables as CSV."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from equipoise.design.assurance import Assurance
    from equipoise.design.design_map import DesignMap, MapPoint
    from equipoise.design.interim_results import LooksCompared
    from equipoise.design.randomisation_compared import RandomisationCompared
    from equipoise.design.sample_size import FoundSize

FILE = "design.json"


def design_files(
    worlds: DesignMap,
    curves: DesignMap | None,
    found: FoundSize | None,
    interim: LooksCompared | None = None,
    averaged: Assurance | None = None,
    allocated: RandomisationCompared | None = None,
) -> dict[str, bytes]:
    """Name → content; the same numbers give the same bytes.

    ``design.json`` holds all of it; ``design/scenarios-*.csv`` and ``design/map-*.csv`` one row a
    setting and claim, or quantity; ``design/search.csv`` one row a size that was tried,
    ``design/looks.csv`` one row a scenario and interim look, ``design/assurance*.csv`` one row a
    claim, and a draw of the priors, ``design/randomisation.csv`` one row a method and scenario.
    """
    import polars as pl

    whole = {
        "format": 1,
        "origin": "SIMULATED",
        "meaning": "a consequence of the protocol's assumptions, not evidence",
        "study": worlds.study,
        "title": worlds.title,
        "protocol_hash": worlds.protocol_hash,
        "seed": worlds.seed,
        "software": worlds.software,
        "patients": worlds.patients,
        "alpha": worlds.alpha,
        "assumptions": [{"path": path, "text": text} for path, text in worlds.assumptions],
        "scenarios": _map(worlds),
        "map": None if curves is None else _map(curves),
        "search": None if found is None else _search(found),
        "looks": None if interim is None else _looks(interim),
        "assurance": None if averaged is None else _assurance(averaged),
        "randomisation": None if allocated is None else _allocated(allocated),
    }
    files = {
        FILE: json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    }
    for name, one in (("scenarios", worlds), ("map", curves)):
        if one is not None:
            files[f"design/{name}-claims.csv"] = one.table.write_csv().encode()
            files[f"design/{name}-estimates.csv"] = one.estimates.write_csv().encode()
            files[f"design/{name}-harms.csv"] = one.harms.write_csv().encode()
    if found is not None:
        rows = [dataclasses.asdict(one) | {"power": one.power} for one in found.found.tried]
        frame = pl.DataFrame(rows).with_columns(origin=pl.lit("SIMULATED"))
        files["design/search.csv"] = frame.write_csv().encode()
    if interim is not None:
        files["design/looks.csv"] = _looks_table(interim).write_csv().encode()
    if averaged is not None:
        files["design/assurance.csv"] = averaged.table.write_csv().encode()
        files["design/assurance-draws.csv"] = averaged.each_draw.write_csv().encode()
    if allocated is not None:
        frame = allocated.table.with_columns(origin=pl.lit("SIMULATED"))
        files["design/randomisation.csv"] = frame.write_csv().encode()
    return files


def _allocated(found: RandomisationCompared) -> dict[str, Any]:
    return {
        "estimand": found.estimand,
        "trials": found.trials,
        "draws": found.draws,
        "chance": found.chance,
        "methods": [
            _plain(dataclasses.asdict(one))
            | {
                "imbalance": [dataclasses.asdict(part) for part in one.imbalance],
                "power": [_plain(dataclasses.asdict(part)) for part in one.power],
            }
            for one in found.methods
        ],
    }


def _assurance(found: Assurance) -> dict[str, Any]:
    return {
        "draws": found.draws,
        "trials": found.trials,
        "priors": [{"label": label, "drawn": text} for label, text in found.priors],
        "claims": found.table.to_dicts(),
    }


def _looks(found: LooksCompared) -> dict[str, Any]:
    return {
        "estimand": found.estimand,
        "efficacy": dataclasses.asdict(found.efficacy),
        "futility": None if found.futility is None else dataclasses.asdict(found.futility),
        "inflation": found.inflation,
        "information": found.information,
        "planned": found.planned,
        "trials": found.trials,
        "scenarios": [
            _plain(dataclasses.asdict(one))
            | {"looks": [_plain(dataclasses.asdict(look)) for look in one.looks]}
            for one in found.scenarios
        ],
    }


def _looks_table(found: LooksCompared) -> pl.DataFrame:
    import polars as pl

    rows: list[dict[str, object]] = []
    for one in found.scenarios:
        for look in one.looks:
            rows.append(
                {
                    "scenario": one.scenario,
                    "share": look.share,
                    "participants": look.participants,
                    "nominal_p": look.boundary,
                    "futility_z": look.futility,
                    "information": look.information,
                    "information_sd": look.information_error,
                    "efficacy": look.efficacy.proportion,
                    "efficacy_error": look.efficacy.error,
                    "futile": None if look.futile is None else look.futile.proportion,
                    "not_estimated": look.not_estimated,
                }
            )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.with_columns(
        pl.col("information", "information_sd").fill_nan(None), origin=pl.lit("SIMULATED")
    )


def _map(found: DesignMap) -> dict[str, Any]:
    return {
        "trials": found.trials,
        "varied": {field: list(values) for field, values in found.varied.items()},
        "points": [_point(point) for point in found.points],
    }


def _point(point: MapPoint) -> dict[str, Any]:
    summary = point.summary
    return {
        "values": dict(point.values),
        "scenario": point.scenario,
        "followed": list(point.followed),
        "protocol_hash": point.protocol_hash,
        "sizes": dict(point.sizes),
        "claims": {
            claim.key: dataclasses.asdict(tally)
            for claim, tally in zip(point.claims, summary.tallies, strict=True)
        },
        "headline": None if summary.joint is None else dataclasses.asdict(summary.joint),
        "quantities": {
            quantity.key: _plain(dataclasses.asdict(one))
            for quantity, one in zip(point.quantities, summary.performances, strict=True)
        },
        "formulas": dict(point.formulas),
        "failed_fits": summary.fits,
        "serious": _plain({"mean": summary.serious, "error": summary.serious_error}),
    }


def _search(found: FoundSize) -> dict[str, Any]:
    answer = found.found
    line = answer.line
    return {
        "field": found.field,
        "claim": found.claim,
        "scenario": found.scenario,
        "power": answer.wanted,
        "size": answer.size,
        "lower": answer.lower,
        "upper": answer.upper,
        "trials": answer.trials,
        "said": answer.said,
        "tried": [dataclasses.asdict(one) for one in answer.tried],
        "line": None
        if line is None
        else _plain(
            {
                "intercept": line.intercept,
                "slope": line.slope,
                "scale": line.scale,
                "misfit_p": line.misfit_p,
            }
        ),
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """None for what cannot be said."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
