"""Whether the visits of the data, in each group, can carry a covariance structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .convergence import Outcome
from .errors import ArgumentError, StatsError, design_error
from .patterns import observed_visits
from .vocabulary import Spacing

if TYPE_CHECKING:
    import numpy as np

    from .model_data import ModelData
    from .vocabulary import CovarianceStructure


def require_visits(read: ModelData, structure: CovarianceStructure) -> None:
    """Refuse visits, pairs or lags without data, and groups too small, all at once."""
    if structure.spacing is Spacing.COORDINATES and read.coordinates is None:
        raise ArgumentError(
            "no coordinates are given",
            where=f"covariance={structure.word!r}",
            rule="A spatial covariance is a function of the distance between responses",
            remedy="Name one column or several, for instance coordinates='week'",
        )
    if structure.word != "us" and len(read.visits) < 2:
        raise design_error(
            [
                StatsError(
                    "there is one visit only",
                    where=f"covariance={structure.word!r}",
                    value=", ".join(read.visits),
                    rule="A structure relates two visits or more",
                    remedy="Use covariance='us', which is one variance then",
                )
            ]
        )
    observed = observed_visits(read.subject, read.visit, len(read.visits))
    faults: list[StatsError] = []
    if read.group is None:
        faults += _faults(observed, read.visits, structure, "")
    else:
        for g, level in enumerate(read.group_levels):
            faults += _faults(
                observed[read.group == g], read.visits, structure, f" in group {level!r}"
            )
    if faults:
        error = design_error(faults)
        if any(fault.where.startswith("covariance") for fault in faults):
            error.outcome = Outcome.SEPARATED_VISITS
        raise error


def _faults(
    observed: np.ndarray, visits: tuple[str, ...], structure: CovarianceStructure, where: str
) -> list[StatsError]:
    import numpy as np

    faults: list[StatsError] = []
    word = structure.word
    argument = f"covariance={word!r}"
    size = len(visits)
    if where:
        least = size if word == "us" else 2
        rule = "A covariance of its own needs at least as many participants as visits under 'us'"
        rule += ", two otherwise"
        remedy = "Pre-specify one covariance for all, fewer groups, or a covariance with fewer "
        remedy += "parameters"
    else:
        least = min(size, 2) + 1
        rule = "How visits covary cannot be learnt from two participants"
        remedy = "Describe these data instead of modelling them"
    if len(observed) < least:
        what = f"{len(observed)} participant(s){where} for {size} visit(s)"
        argument = "group" if where else "subject"
        return [StatsError(what, where=argument, rule=rule, remedy=remedy)]
    together = observed.T.astype(np.int64) @ observed.astype(np.int64)
    absent = [visits[j] for j in range(size) if together[j, j] == 0]
    if absent and structure.heterogeneous:
        faults.append(
            StatsError(
                f"nobody{where} was observed at a visit: {', '.join(absent)}",
                where=argument,
                rule="Every visit has its own variance under this covariance",
                remedy="Leave the visit out, or pre-specify a covariance with one variance",
            )
        )
        return faults
    if word == "us":
        pairs = [
            f"{visits[i]} with {visits[j]}"
            for i in range(size)
            for j in range(i)
            if together[i, j] == 0
        ]
        if pairs:
            faults.append(
                StatsError(
                    f"no participant{where} was observed at both visits: {'; '.join(pairs)}",
                    where=argument,
                    rule="An unstructured covariance needs every pair of visits together",
                    remedy=Outcome.SEPARATED_VISITS.remedy,
                )
            )
    if word in ("toep", "toeph"):
        lags = [str(lag) for lag in range(1, size) if not np.trace(together, offset=lag)]
        if lags:
            faults.append(
                StatsError(
                    f"no participant{where} was observed at two visits that lie so many visits "
                    f"apart: {', '.join(lags)}",
                    where=argument,
                    rule="A Toeplitz covariance has a parameter for each distance",
                    remedy=Outcome.SEPARATED_VISITS.remedy,
                )
            )
    return faults
