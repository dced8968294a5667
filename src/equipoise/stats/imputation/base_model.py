"""The imputation model fitted by REML to all participants, and again to any sample of them.

The design is read and orthonormalised once; a refit is arrays only, and starts from the fit to
all participants (the optimum does not depend on the start).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..covariance_layout import covariance_layout
from ..covariance_start import covariance_model
from ..design_checks import orthonormal_design, require_variation
from ..patterns import group_by_pattern
from ..restricted_likelihood import Labels, maximise
from ..structured_covariance import StructuredCovariance
from ..unstructured_covariance import UnstructuredCovariance
from ..visit_checks import require_visits
from ..vocabulary import CovarianceStructure

if TYPE_CHECKING:
    import numpy as np

    from ..covariance_layout import CovarianceLayout
    from .incomplete_data import IncompleteData


@dataclass(frozen=True, slots=True, eq=False)
class BaseModel:
    """What a refit needs.

    Attributes
    ----------
    rows : float64 (n, p + 1)
        Orthonormal design and, last, the residual of ordinary least squares in units of `size`.
    back : (p, p)
        Turns coefficients of the orthonormal design into those of the user's.
    offset : (p,)
        Ordinary least-squares coefficients.
    size : float
        Response units of one unit of the residuals.
    first, length : int64 (N,)
        Where the rows of each participant begin, and how many there are.
    visit : int64 (n,)
    block : int64 (N,)
        Covariance matrix of each participant: 0, or their arm.
    n_visits : int
    structure : CovarianceStructure
    layout : CovarianceLayout
    point : array
        Optimum of the fit to all in the coordinates of its covariance model, in units of `size`.
    labels : Labels
    beta : (p,)
    covariances : (C, T, T)
        Of the fit to all, squared units of the response.
    """

    rows: np.ndarray
    back: np.ndarray
    offset: np.ndarray
    size: float
    first: np.ndarray
    length: np.ndarray
    visit: np.ndarray
    block: np.ndarray
    n_visits: int
    structure: CovarianceStructure
    layout: CovarianceLayout
    point: np.ndarray
    labels: Labels
    beta: np.ndarray
    covariances: np.ndarray

    def refit(self, sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (p,) and covariance matrices (C, T, T) for a sample of participants.

        Parameters
        ----------
        sample : int64 (n',)
            Indices of participants; one who stands twice counts as two.

        Raises
        ------
        ConvergenceError
            If that sample has no valid optimum.
        """
        import numpy as np

        sample = sample[self.length[sample] > 0]
        lengths = self.length[sample]
        subject = np.repeat(np.arange(len(sample)), lengths)
        within = np.arange(len(subject)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        at = self.first[sample][subject] + within
        patterns = group_by_pattern(
            subject, self.visit[at], self.rows[at], self.n_visits, self.block[sample]
        )
        if self.structure is CovarianceStructure.UNSTRUCTURED:
            model = UnstructuredCovariance(patterns)
        else:
            model = StructuredCovariance(self.structure, self.layout, patterns, True)
        state = maximise(model, self.point, self.labels).at
        beta = np.linalg.solve(state.root[:-1, :-1], state.root[:-1, -1])
        factors = self.size * model.factors(state.point)
        return self.offset + self.size * (self.back @ beta), _products(factors)


def fit_base_model(
    data: IncompleteData, structure: CovarianceStructure, *, same_covariance: bool
) -> BaseModel:
    """Fit the imputation model to everybody's modelled values.

    Raises
    ------
    DesignError, ConvergenceError
    """
    import numpy as np

    read = data.model
    place = {person: i for i, person in enumerate(data.participants)}
    of = np.array([place[label] for label in read.participants], dtype=np.int64)
    if not same_covariance:
        read = replace(read, group=data.arm[of], group_levels=data.arm_levels)
    ortho, triangle, _ = orthonormal_design(read, read.design)
    ols = np.linalg.solve(triangle, ortho.T @ read.response)
    residuals = read.response - read.design @ ols
    residuals -= ortho @ (ortho.T @ residuals)
    size = float(np.linalg.norm(residuals))
    require_variation(read, read.response, residuals, by_visit=structure.heterogeneous)
    require_visits(read, structure)
    scaled = residuals / size
    values = np.column_stack([ortho, scaled])
    layout = covariance_layout(read, structure)
    patterns = group_by_pattern(read.subject, read.visit, values, layout.size, layout.block)
    model, start = covariance_model(read, structure, layout, patterns, scaled, ortho, reml=True)
    labels = Labels(read.visits, read.group_levels, structure.word)
    state = maximise(model, start, labels).at
    beta = np.linalg.solve(state.root[:-1, :-1], state.root[:-1, -1])
    back = np.linalg.inv(triangle)
    person = of[read.subject]
    order = np.lexsort((read.visit, person))
    length = np.bincount(person, minlength=len(data.participants))
    return BaseModel(
        rows=np.ascontiguousarray(values[order]),
        back=back,
        offset=ols,
        size=size,
        first=np.cumsum(length) - length,
        length=length,
        visit=read.visit[order],
        block=np.zeros_like(data.arm) if same_covariance else data.arm,
        n_visits=len(read.visits),
        structure=structure,
        layout=layout,
        point=state.point,
        labels=labels,
        beta=ols + size * (back @ beta),
        covariances=_products(size * model.factors(state.point)),
    )


def _products(factors: np.ndarray) -> np.ndarray:
    import numpy as np

    return factors @ np.swapaxes(factors, -1, -2)
