"""Types of the kernels that are handed to one another as pointers.

Numba optimises a function once more in every compiled function that calls it, so that a chain of
large kernels costs its length times over. A kernel that is passed as a pointer is compiled once.
"""

from __future__ import annotations

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
from numba import boolean, float64, int64, types
from numba.core.types.function_type import CompileResultWAP
from numba.core.typing.typeof import typeof_impl

V = float64[::1]
M = float64[:, ::1]
A3 = float64[:, :, ::1]
A4 = float64[:, :, :, ::1]
A5 = float64[:, :, :, :, ::1]
IV = int64[::1]
IM = int64[:, ::1]

#: rows, sums, first, visits, n_visits, counts, block, reml
_DATA = (M, A3, IV, IM, IV, V, IV, boolean)
#: root, gradient, hessian, squares, moments, projections, whitened
_STATE = (M, A3, M, A3, M, A3, M)

EVALUATE = types.Tuple((boolean, float64))(A3, *_DATA, IM, *_STATE)
EVALUATE_POINTER = types.FunctionType(EVALUATE)
MAXIMISE = types.Tuple((int64, int64, int64, float64))(EVALUATE_POINTER, A3, *_DATA, *_STATE)
MAXIMISE_POINTER = types.FunctionType(MAXIMISE)
FIT_COMPRESSED = types.Tuple((int64, int64, int64, float64, float64, int64))(
    EVALUATE_POINTER, MAXIMISE_POINTER, *_DATA, M, A3, *_STATE
)
FIT_COMPRESSED_POINTER = types.FunctionType(FIT_COMPRESSED)
#: rows, sums, first, visits, n_visits, counts, block; n_blocks, reml, adjust; contrasts;
#: estimate, se, df, covariance
FIT_AND_CONTRAST = types.Tuple((int64, float64))(
    EVALUATE_POINTER, MAXIMISE_POINTER, FIT_COMPRESSED_POINTER,
    M, A3, IV, IM, IV, V, IV, int64, boolean, boolean, M, V, V, V, A3,
)  # fmt: skip
FIT_AND_CONTRAST_POINTER = types.FunctionType(FIT_AND_CONTRAST)
#: code, natural, parameters, block_group, distances, sigmas, firsts, seconds
FILL_BLOCKS = types.void(int64, boolean, M, IV, A3, A3, A4, A5)
FILL_POINTER = types.FunctionType(FILL_BLOCKS)
#: code, points, distances, factors
MAXIMISE_STRUCTURED = types.Tuple((int64, int64, int64, float64))(
    EVALUATE_POINTER, FILL_POINTER, int64, M, A3, A3, *_DATA, *_STATE
)
MAXIMISE_STRUCTURED_POINTER = types.FunctionType(MAXIMISE_STRUCTURED)
#: code, distances; triangle, points, factors; root, projections, whitened; slope, curvature,
#: natural, seconds, jacobian, natural_hessian, natural_moments. (From 31 arguments on Python packs
#: them into a tuple, which Numba warns of where the first is a function.)
FIT_STRUCTURED = types.Tuple((int64, int64, int64, float64, float64, int64))(
    EVALUATE_POINTER, FILL_POINTER, MAXIMISE_STRUCTURED_POINTER, int64, A3, *_DATA,
    M, M, A3, M, A3, M, V, M, M, A5, A3, M, M,
)  # fmt: skip
FIT_STRUCTURED_POINTER = types.FunctionType(FIT_STRUCTURED)
#: The same as FIT_AND_CONTRAST, with code, distances and curved before rows.
CONTRAST_STRUCTURED = types.Tuple((int64, float64))(
    EVALUATE_POINTER, FILL_POINTER, MAXIMISE_STRUCTURED_POINTER, FIT_STRUCTURED_POINTER,
    int64, A3, float64,
    M, A3, IV, IM, IV, V, IV, int64, boolean, boolean, M, V, V, V, A3,
)  # fmt: skip
CONTRAST_STRUCTURED_POINTER = types.FunctionType(CONTRAST_STRUCTURED)
STRUCTURED_POINTERS = (
    EVALUATE_POINTER,
    FILL_POINTER,
    MAXIMISE_STRUCTURED_POINTER,
    FIT_STRUCTURED_POINTER,
    CONTRAST_STRUCTURED_POINTER,
)
POINTERS = (
    EVALUATE_POINTER,
    MAXIMISE_POINTER,
    FIT_COMPRESSED_POINTER,
    FIT_AND_CONTRAST_POINTER,
)


class Pointer(CompileResultWAP):
    """A kernel of one declared signature, as it is passed to another."""

    def __init__(self, kernel):
        compiled = next(iter(kernel.overloads.values()))
        super().__init__(compiled)
        self.declared = compiled.signature
        self.function_type = types.FunctionType(self.declared)

    def signature(self):
        """The declared signature."""
        return self.declared


@typeof_impl.register(Pointer)
def _typeof_pointer(value, _context):
    """The type, made once: making it anew would cost more than a fit."""
    return value.function_type
