"""Results become what a person reads: one HTML file, figures, tables."""

from equipoise.report.writing import write_report

__all__ = ["write_report"]
