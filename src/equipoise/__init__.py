"""Equipoise takes a biomarker-guided trial from protocol to evidence.

Importing the package loads the standard library only; each public name brings what it
needs when it is first used (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from equipoise._version import __version__

if TYPE_CHECKING:
    from equipoise.analysis import Results, analyse, read_results, write_results
    from equipoise.design import Characteristics, operating_characteristics
    from equipoise.faults import EquipoiseError, Fault
    from equipoise.protocol import Protocol, load_protocol
    from equipoise.randomisation import Allocation, randomise
    from equipoise.records import Records, read_records, records_from_tables, write_records
    from equipoise.report import write_characteristics, write_report
    from equipoise.simulation import simulate
    from equipoise.stats import BatchFits, MMRMFit, mmrm, mmrm_batch
    from equipoise.studies import builtin_studies

_HOME = {
    "Allocation": "equipoise.randomisation",
    "BatchFits": "equipoise.stats",
    "Characteristics": "equipoise.design",
    "EquipoiseError": "equipoise.faults",
    "Fault": "equipoise.faults",
    "MMRMFit": "equipoise.stats",
    "Protocol": "equipoise.protocol",
    "Records": "equipoise.records",
    "Results": "equipoise.analysis",
    "analyse": "equipoise.analysis",
    "builtin_studies": "equipoise.studies",
    "load_protocol": "equipoise.protocol",
    "mmrm": "equipoise.stats",
    "mmrm_batch": "equipoise.stats",
    "operating_characteristics": "equipoise.design",
    "randomise": "equipoise.randomisation",
    "read_records": "equipoise.records",
    "read_results": "equipoise.analysis",
    "records_from_tables": "equipoise.records",
    "simulate": "equipoise.simulation",
    "write_characteristics": "equipoise.report",
    "write_records": "equipoise.records",
    "write_report": "equipoise.report",
    "write_results": "equipoise.analysis",
}

__all__ = [
    "Allocation",
    "BatchFits",
    "Characteristics",
    "EquipoiseError",
    "Fault",
    "MMRMFit",
    "Protocol",
    "Records",
    "Results",
    "__version__",
    "analyse",
    "builtin_studies",
    "load_protocol",
    "mmrm",
    "mmrm_batch",
    "operating_characteristics",
    "randomise",
    "read_records",
    "read_results",
    "records_from_tables",
    "simulate",
    "write_characteristics",
    "write_records",
    "write_report",
    "write_results",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'equipoise' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
