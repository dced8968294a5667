"""Equipoise takes a biomarker-guided trial from protocol to evidence.

Importing the package loads the standard library only; each public name brings what it
needs when it is first used (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from equipoise._version import __version__

if TYPE_CHECKING:
    from equipoise.analysis import (
        Reestimation,
        Results,
        analyse,
        read_results,
        reestimate,
        write_results,
    )
    from equipoise.analysis.stratification import (
        EnrichmentRule,
        ForecastMeasure,
        ForecastModel,
        MarkerMeasure,
        forecast,
        read_forecast,
        train_forecast,
        write_forecast,
    )
    from equipoise.design import (
        Characteristics,
        DesignMap,
        EnrichmentComparison,
        FoundSize,
        compare_enrichment,
        enrich,
        find_size,
        map_characteristics,
        operating_characteristics,
    )
    from equipoise.faults import EquipoiseError, Fault
    from equipoise.protocol import Protocol, load_protocol
    from equipoise.randomisation import Allocation, randomise
    from equipoise.records import Records, read_records, records_from_tables, write_records
    from equipoise.report import write_characteristics, write_design, write_report
    from equipoise.simulation import simulate
    from equipoise.stats import BatchFits, MMRMFit, mmrm, mmrm_batch
    from equipoise.studies import builtin_studies

_HOME = {
    "Allocation": "equipoise.randomisation",
    "BatchFits": "equipoise.stats",
    "Characteristics": "equipoise.design",
    "DesignMap": "equipoise.design",
    "EnrichmentComparison": "equipoise.design",
    "EnrichmentRule": "equipoise.analysis.stratification",
    "EquipoiseError": "equipoise.faults",
    "Fault": "equipoise.faults",
    "ForecastMeasure": "equipoise.analysis.stratification",
    "ForecastModel": "equipoise.analysis.stratification",
    "FoundSize": "equipoise.design",
    "MMRMFit": "equipoise.stats",
    "MarkerMeasure": "equipoise.analysis.stratification",
    "Protocol": "equipoise.protocol",
    "Records": "equipoise.records",
    "Reestimation": "equipoise.analysis",
    "Results": "equipoise.analysis",
    "analyse": "equipoise.analysis",
    "builtin_studies": "equipoise.studies",
    "compare_enrichment": "equipoise.design",
    "enrich": "equipoise.design",
    "find_size": "equipoise.design",
    "forecast": "equipoise.analysis.stratification",
    "load_protocol": "equipoise.protocol",
    "map_characteristics": "equipoise.design",
    "mmrm": "equipoise.stats",
    "mmrm_batch": "equipoise.stats",
    "operating_characteristics": "equipoise.design",
    "randomise": "equipoise.randomisation",
    "read_forecast": "equipoise.analysis.stratification",
    "read_records": "equipoise.records",
    "read_results": "equipoise.analysis",
    "reestimate": "equipoise.analysis",
    "records_from_tables": "equipoise.records",
    "simulate": "equipoise.simulation",
    "train_forecast": "equipoise.analysis.stratification",
    "write_characteristics": "equipoise.report",
    "write_design": "equipoise.report",
    "write_forecast": "equipoise.analysis.stratification",
    "write_records": "equipoise.records",
    "write_report": "equipoise.report",
    "write_results": "equipoise.analysis",
}

__all__ = [
    "Allocation",
    "BatchFits",
    "Characteristics",
    "DesignMap",
    "EnrichmentComparison",
    "EnrichmentRule",
    "EquipoiseError",
    "Fault",
    "ForecastMeasure",
    "ForecastModel",
    "FoundSize",
    "MMRMFit",
    "MarkerMeasure",
    "Protocol",
    "Records",
    "Reestimation",
    "Results",
    "__version__",
    "analyse",
    "builtin_studies",
    "compare_enrichment",
    "enrich",
    "find_size",
    "forecast",
    "load_protocol",
    "map_characteristics",
    "mmrm",
    "mmrm_batch",
    "operating_characteristics",
    "randomise",
    "read_forecast",
    "read_records",
    "read_results",
    "records_from_tables",
    "reestimate",
    "simulate",
    "train_forecast",
    "write_characteristics",
    "write_design",
    "write_forecast",
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
