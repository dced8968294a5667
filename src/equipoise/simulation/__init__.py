"""Protocol, patients and allocation become records."""

from equipoise.simulation.trial import simulate

__all__ = ["simulate"]
