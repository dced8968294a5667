"""Results become what a person reads: one HTML file, figures, tables."""

from equipoise.report.design_page import write_design
from equipoise.report.twins_page import write_characteristics
from equipoise.report.writing import write_report

__all__ = ["write_characteristics", "write_design", "write_report"]
