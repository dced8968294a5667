"""Turn the public antidepressant data into Equipoise's tables.

    python examples/convert_antidepressant.py SOURCE.csv out/antidepressant-data

The example of `docs/bring-your-data.md`: read a foreign file, give its columns the names of
the tables, hand the tables over. Checking them against the protocol is not our business here;
`records_from_tables` does it and names every fault.
"""

from __future__ import annotations

import sys

import polars as pl

import equipoise as eq

VISITS = {"4": "week1", "5": "week2", "6": "week4", "7": "week6"}
ARMS = {"DRUG": "drug", "PLACEBO": "placebo"}


def convert(source: str, target: str) -> eq.Records:
    """Read the public file and write participants, allocation, visits and scores."""
    protocol = eq.load_protocol("antidepressant-example")
    raw = pl.read_csv(
        source,
        null_values="NA",
        schema_overrides={"PATIENT": pl.String, "POOLINV": pl.String, "VISIT": pl.String},
    )

    people = raw.unique("PATIENT", maintain_order=True)
    participants = people.select(participant="PATIENT", site="POOLINV", sex="GENDER")
    allocation = people.select(
        participant="PATIENT",
        stratum=pl.lit("all"),
        arm=pl.col("THERAPY").replace_strict(ARMS),
    )

    # The file has the baseline as a column of every row; here it is a visit of its own.
    baseline = people.select(
        participant="PATIENT", visit=pl.lit("baseline"), day=pl.lit(0.0), score="BASVAL"
    )
    followed = raw.select(
        participant="PATIENT",
        visit=pl.col("VISIT").replace_strict(VISITS),
        day=pl.col("RELDAYS").cast(pl.Float64),
        score="HAMDTL17",
    )
    seen = pl.concat([baseline, followed])
    scores = seen.with_columns(instrument=pl.lit("hdrs"), item=pl.lit("total"))

    records = eq.records_from_tables(
        protocol,
        {
            "participants": participants,
            "allocation": allocation,
            "visits": seen.drop("score"),
            "scores": scores,
        },
        origin="observed",
        source="DIA working group's public antidepressant data, masked (R package rbmi)",
    )
    eq.write_records(records, target)
    return records


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/convert_antidepressant.py SOURCE.csv TARGET-FOLDER")
    try:
        done = convert(sys.argv[1], sys.argv[2])
    except (eq.EquipoiseError, OSError, pl.exceptions.PolarsError) as error:
        sys.exit(str(error))
    print(f"{done.participants.height} participants: {sys.argv[2]}")
