"""Results on disk: ``results.json`` and one CSV a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from equipoise.analysis.harm_storage import harm_tables
from equipoise.analysis.prediction.prediction_storage import prediction_tables
from equipoise.analysis.result_row import Row
from equipoise.analysis.results import Results
from equipoise.analysis.stratification.benefit_storage import benefit_tables
from equipoise.analysis.stratification.enrichment_storage import enrichment_tables
from equipoise.analysis.stratification.forecast_storage import forecast_tables
from equipoise.faults import single
from equipoise.staging import write_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

FILE = "results.json"


def write_results(results: Results, folder: str | Path) -> None:
    """Write ``results.json`` and ``tables/*.csv``, all or none.

    Tables of an earlier run in the same folder that these results lack are removed, and so is
    a report or a forecast model of other results: they must not stand beside these numbers.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; it is then as it was before.
    """
    folder = Path(folder)
    files = result_files(results)
    same = (folder / FILE).is_file() and (folder / FILE).read_bytes() == files[FILE]
    replaced = () if same else ("report", "forecast")
    write_files(folder, {"results": files}, last=FILE, replaces=replaced, clean=results.blinded)


def result_files(results: Results) -> dict[str, bytes]:
    """The files of these results: name → content."""
    files = {
        f"tables/{name}.csv": frame.write_csv().encode()
        for name, frame in result_tables(results).items()
    }
    return {**files, FILE: results.model_dump_json(indent=1).encode() + b"\n"}


def read_results(folder: str | Path) -> Results:
    """Read back what `write_results` wrote.

    Parameters
    ----------
    folder
        The folder, or the path of ``results.json``.

    Raises
    ------
    EquipoiseError
        When the file is missing, or is not what this version writes.
    """
    path = Path(folder)
    if path.is_dir():
        path = path / FILE
    heading = f"The results in `{folder}` cannot be read"
    try:
        return Results.model_validate_json(path.read_bytes())
    except OSError as error:
        raise single(
            heading,
            code="results-missing",
            where=str(path),
            rule=str(error.strerror or error),
            remedy="name a folder that `equipoise analyse` or `equipoise run` wrote",
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise single(
            heading,
            code="results-invalid",
            where=path.name,
            field=".".join(str(part) for part in first["loc"]),
            rule=first["msg"],
            remedy="analyse the records again with this version",
        ) from error


def result_tables(results: Results) -> dict[str, pl.DataFrame]:
    """All tables of the results as frames, by file name; each row carries its origin."""
    tables: dict[str, list[dict[str, object]]] = {
        "flow": _dump(results.flow.counts),
        "flow_reasons": _dump(results.flow.reasons),
        "screening": _screening(results),
        "concomitant": [
            {"group": group.key, "class": row.label, "participants": n}
            for row in (results.concomitant.rows if results.concomitant else ())
            for group, n in zip(results.groups, row.counts, strict=True)
        ],
        "flow_visits": _dump(results.flow.visits),
        "analysis_sets": _dump(results.flow.analysed),
        "baseline": [
            {
                "variable": row.variable,
                "label": row.label,
                "level": row.level,
                "unit": row.unit,
                **value.model_dump(),
                "standardised_difference": row.standardised_difference,
            }
            for row in results.baseline.rows
            for value in row.values
        ],
        "answers": [
            {
                "estimand": answer.estimand,
                "role": answer.role,
                "status": str(answer.status),
                "endpoint": answer.endpoint,
                "significant": answer.significant,
                "estimand_adjusted_p": answer.adjusted_p,
                **contrast.model_dump(),
            }
            for answer in results.answers
            for contrast in answer.contrasts
        ],
        **harm_tables(results.safety),
        **prediction_tables(results.prediction),
        **benefit_tables(results.stratification),
        **forecast_tables(results.forecast),
        **enrichment_tables(results.enrichment),
        "allocation": _allocation(results),
        "interim_looks": [] if results.interim is None else _dump(results.interim.looks),
    }
    tables["intercurrent_events"] = [
        {**row.model_dump(exclude={"by_visit"}), **{f"to_{v}": n for v, n in row.by_visit or ()}}
        for row in results.events
    ]
    tables["sets"] = [
        {**row.model_dump(exclude={"reasons"}), "reason": reason, "left_out": left}
        for row in results.sets
        for reason, left in row.reasons or ((None, None),)
    ]
    tables["lock"] = [
        {**row.model_dump(exclude={"changes"}), "changes": ", ".join(row.changes)}
        for row in results.lock.entries
    ]
    for key, endpoint in results.endpoints.items():
        tables[f"{key}_observed"] = _dump(endpoint.observed)
        tables[f"{key}_lsmeans"] = _dump(endpoint.means)
        tables[f"{key}_contrasts"] = _dump(endpoint.contrasts)
        if endpoint.subgroup is not None:
            tables[f"{key}_by_{endpoint.subgroup.factor}"] = _dump(endpoint.subgroup.effects)
            tables[f"{key}_interaction"] = _dump(endpoint.subgroup.interaction)
    for key, outcome in results.outcomes.items():
        tables[f"{key}_groups"] = [
            {**row.model_dump(exclude={"categories"}), **{f"n_{c}": n for c, n in row.categories}}
            for row in outcome.groups
        ]
        tables[f"{key}_contrasts"] = _dump(outcome.contrasts)
        tables[f"{key}_curve"] = _dump(outcome.curve)
        tables[f"{key}_sensitivity"] = [
            {"rule": item.label, "failure": item.failure, **contrast.model_dump()}
            for item in outcome.sensitivity
            for contrast in item.contrasts
        ]
    for key, estimand in results.estimands.items():
        tables[f"estimand_{key}_touched"] = _dump(estimand.touched or ())
        tables[f"estimand_{key}_sensitivity"] = [
            {"sensitivity": item.key, "label": item.label, **row.model_dump()}
            for item in estimand.sensitivity
            for row in item.contrasts or item.means
        ]
        tables[f"estimand_{key}_rerandomisation"] = [
            {
                "sensitivity": item.key,
                "label": item.label,
                **row.model_dump(exclude={"edges", "counts", "steps"}),
                **{f"fitted_{word}": count for word, count in row.steps},
            }
            for item in estimand.sensitivity
            for row in item.rerandomised
        ]
        tables[f"estimand_{key}_imputed"] = [
            {
                "sensitivity": item.key,
                **item.imputed.model_dump(exclude={"missing", "warnings"}),
                **{f"missing_{row.group}": row.missing for row in item.imputed.missing or ()},
                "warnings": "; ".join(item.imputed.warnings),
            }
            for item in estimand.sensitivity
            if item.imputed is not None
        ]
        tables[f"estimand_{key}_tipping"] = [
            {
                "sensitivity": item.key,
                "arm": tipping.arm,
                "reference": tipping.reference,
                **{f"delta_{a}": d for a, d in zip(tipping.shifted, row.deltas, strict=True)},
                **row.model_dump(exclude={"deltas"}),
            }
            for item in estimand.sensitivity
            for tipping in item.tipping
            for row in tipping.rows
        ]
    for family in results.families:
        tables[f"family_{family.key}"] = [
            {"endpoint": name, "method": family.method, **contrast.model_dump()}
            for name, contrasts in family.contrasts.items()
            for contrast in contrasts
        ]
    return {name: _frame(rows, results) for name, rows in tables.items() if rows}


def _allocation(results: Results) -> list[dict[str, object]]:
    """One row a stratum and an arm."""
    rows = results.allocation.rows if results.allocation else ()
    return [
        {"stratum": row.stratum, "group": group.key, "n": n, "planned": planned}
        for row in rows
        for group, n, planned in zip(results.groups, row.counts, row.planned, strict=True)
    ]


def _screening(results: Results) -> list[dict[str, object]]:
    """One row a reason, and one an outcome without."""
    screening = results.flow.screening
    if screening is None:
        return []
    rows: list[dict[str, object]] = [{"outcome": "assessed", "n": screening.assessed}]
    rows.append({"outcome": "entered", "n": screening.entered})
    for exclusion in screening.exclusions:
        rows.append({"outcome": exclusion.outcome, "n": exclusion.n})
        for reason, n in exclusion.reasons:
            rows.append({"outcome": exclusion.outcome, "reason": reason, "n": n})
    return rows


def _dump(rows: Iterable[Row]) -> list[dict[str, object]]:
    return [row.model_dump() for row in rows]


def _frame(rows: list[dict[str, object]], results: Results) -> pl.DataFrame:
    import polars as pl

    frame = pl.DataFrame(rows, infer_schema_length=None)
    empty = [name for name in frame.columns if frame[name].dtype == pl.Null]
    return frame.drop(empty).with_columns(pl.lit(results.origin_label).alias("origin"))
