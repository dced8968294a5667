"""Exchange with other programs: a mechanistic model as SBML. Written, never read."""

from equipoise.exchange.sbml_document import export_sbml, parameter_hash

__all__ = ["export_sbml", "parameter_hash"]
