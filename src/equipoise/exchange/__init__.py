"""Exchange with other programs: a mechanistic model as SBML. Imported nowhere, only written."""

from equipoise.exchange.sbml_document import export_sbml, parameter_hash

__all__ = ["export_sbml", "parameter_hash"]
