"""How p-values of several questions are adjusted for their number: what a protocol may say."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from equipoise.protocol.base import Fraction, Int, Key, Map, Part


class Graph(Part):
    """A graphical procedure over what is tested (Bretz et al. 2009)."""

    weights: Map[Key, Fraction] = Field(description="Member → share of the level; sum at most 1")
    transitions: Map[Key, Map[Key, Fraction]] = Field(
        {}, description="Member → member → share of the level handed on; each sums to at most 1"
    )


class Adjustment(StrEnum):
    """How the p-values of a family are adjusted."""

    HOLM = "holm"
    HOCHBERG = "hochberg"
    FIXED_SEQUENCE = "fixed-sequence"
    GRAPHICAL = "graphical"
    BH = "bh"
    MAX_T = "max-t"
    NONE = "none"


#: Method → (fields that it needs, fields that it may have); no other field goes with it.
ADJUSTMENT_FIELDS: dict[Adjustment, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Adjustment.GRAPHICAL: (("graph",), ()),
    Adjustment.MAX_T: (("draws",), ("seed",)),
}

#: What each method is, for the descriptions of the fields.
_METHODS = (
    "holm (any dependence), hochberg (assumes positive dependence), fixed-sequence (in the order "
    "of the list), graphical (needs `graph`), bh (false discovery rate, not the chance of any "
    "false claim), max-t ({drawn}; needs `draws`), or none"
)


def method_field(drawn: str) -> str:
    """The description of a field of methods; `drawn` says what max-t draws."""
    return _METHODS.replace("{drawn}", drawn)


class MarkerMultiplicity(Part):
    """Adjustment of the associations within arms for the number of markers.

    Every marker of the plan is a member: predictors, labs, composites, in this order.
    """

    method: Adjustment = Field(
        description=method_field("the largest statistic under joint permutation of residuals")
    )
    draws: Int | None = Field(
        None, ge=19, le=100_000, description="max-t: permutations, the same for all markers"
    )
    seed: Int | None = Field(
        None, ge=0, description="max-t: seed of the permutations; 1 when left out"
    )
    graph: Graph | None = Field(None, description="graphical: the procedure over the markers")
