"""Built-in protocols, one folder each."""

from equipoise.studies.catalogue import builtin_studies, find_study

__all__ = ["builtin_studies", "find_study"]
