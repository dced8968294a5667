"""The tables of a trial: schema, validation, reading and writing."""

from equipoise.records.manifest import Manifest, Origin
from equipoise.records.model import Records, records_from_tables
from equipoise.records.reading import read_records
from equipoise.records.writing import write_records

__all__ = [
    "Manifest",
    "Origin",
    "Records",
    "read_records",
    "records_from_tables",
    "write_records",
]
