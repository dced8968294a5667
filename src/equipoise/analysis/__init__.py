"""Protocol and records become results: one file a section of the report."""

from equipoise.analysis.analyse import analyse
from equipoise.analysis.reestimation import reestimate
from equipoise.analysis.reestimation_results import Reestimation
from equipoise.analysis.results import Results
from equipoise.analysis.storage import read_results, result_tables, write_results

__all__ = [
    "Reestimation",
    "Results",
    "analyse",
    "read_results",
    "reestimate",
    "result_tables",
    "write_results",
]
