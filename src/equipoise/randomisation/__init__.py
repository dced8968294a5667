"""Allocation methods, the list, and the seal that proves it was fixed beforehand."""

from equipoise.randomisation.allocation_in_turn import (
    allocate_in_turn,
    minimised_arms,
    stratum_levels,
)
from equipoise.randomisation.allocation_list import (
    Allocation,
    draw_lists,
    draw_lists_of,
    draw_many,
    minimisation_numbers,
    randomise,
    stratum_sizes,
)
from equipoise.randomisation.enrolled_file import write_allocated
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
    "allocate_in_turn",
    "draw_lists",
    "draw_lists_of",
    "draw_many",
    "minimisation_numbers",
    "minimised_arms",
    "randomise",
    "read_seal",
    "redraw",
    "seal",
    "stratum_levels",
    "stratum_sizes",
    "verify_commitment",
    "write_allocated",
    "write_allocation",
]
