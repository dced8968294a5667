"""Covariates and measurements: levels, ranges, visits that exist."""

from __future__ import annotations

from collections.abc import Iterator

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.endpoint_sources import MEASUREMENT_TABLES

#: Names of columns of the tables and of the results, which no covariate can have.
RESERVED = frozenset(
    {"participant", "site", "visit", "day", "arm", "stratum", "baseline", "change", "log_fold",
     "log_baseline", "value", "estimate", "se", "df", "t", "p", "lower", "upper", "contrast",
     "level", "reference"}
)  # fmt: skip


@needs("population")
def _covariates(tables: Tables) -> Iterator[Inconsistency]:
    for name, covariate in tables["population"].covariates.items():
        path = ("population", "covariates", name)
        if covariate.type == "categorical":
            if len(set(covariate.levels)) < 2 or len(set(covariate.levels)) < len(covariate.levels):
                yield Inconsistency(
                    (*path, "levels"),
                    str(list(covariate.levels)),
                    "a categorical covariate has at least two levels, each once",
                    "list its levels, the reference first",
                )
            for level in covariate.level_labels:
                if level not in covariate.levels:
                    yield unknown(
                        (*path, "level_labels", level), level, "level", covariate.levels, name
                    )
        elif covariate.levels:
            yield Inconsistency(
                (*path, "levels"), "", "a numeric covariate has no levels", "take them out"
            )
        if (
            covariate.minimum is not None
            and covariate.maximum is not None
            and covariate.minimum >= covariate.maximum
        ):
            yield Inconsistency(
                (*path, "maximum"), str(covariate.maximum), "maximum > minimum", "correct one"
            )
        if name in RESERVED:
            yield Inconsistency(
                path, name, f"`{name}` is a column of its own in the tables", "rename it"
            )


#: Tables of measurements that are always taken at the baseline visit too; whether a rating scale
#: is depends on the scale.
_WITH_BASELINE = ("cells", "labs", "vitals")


@needs("visits", *MEASUREMENT_TABLES)
def _measurements(tables: Tables) -> Iterator[Inconsistency]:
    ids = [visit.id for visit in tables["visits"]]
    baseline = next((visit.id for visit in tables["visits"] if visit.baseline), None)
    for table in MEASUREMENT_TABLES:
        for name, part in tables[table].items():
            for index, visit in enumerate(part.visits):
                if visit not in ids:
                    yield unknown((table, name, "visits", index), visit, "visit", ids, "visits")
            if baseline is not None and baseline not in part.visits and table in _WITH_BASELINE:
                yield Inconsistency(
                    (table, name, "visits"),
                    str(list(part.visits)),
                    f"a measurement is taken at the baseline visit `{baseline}` too",
                    f'add "{baseline}"',
                )
            if len(set(part.visits)) < len(part.visits):
                yield Inconsistency(
                    (table, name, "visits"), str(list(part.visits)), "each visit once", "drop one"
                )
