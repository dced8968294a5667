"""Built-in protocols, one folder each, and the template of a new one."""

from equipoise.studies.catalogue import builtin_studies, find_study
from equipoise.studies.new_study import write_new_study

__all__ = ["builtin_studies", "find_study", "write_new_study"]
