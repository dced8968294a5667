"""Allocation methods, the list, and the seal that proves it was fixed beforehand."""

from equipoise.randomisation.allocation_list import Allocation, draw_lists, randomise
from equipoise.randomisation.redrawn_lists import redraw
from equipoise.randomisation.seal import (
    Seal,
    read_seal,
    seal,
    verify_commitment,
    write_allocation,
)

__all__ = [
    "Allocation",
    "Seal",
    "draw_lists",
    "randomise",
    "read_seal",
    "redraw",
    "seal",
    "verify_commitment",
    "write_allocation",
]
