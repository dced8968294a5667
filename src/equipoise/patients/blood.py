"""What a laboratory would find in the blood, before its own error.

Of each pool a share is outside the blood while it is marginated. Percentages are of the parent
population in blood: what rises pushes the others down. Counts are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from equipoise.patients.courses import Courses
    from equipoise.patients.population import VirtualPatients


@dataclass(frozen=True, slots=True)
class Blood:
    """Blood of n patients on d days, without error of measurement.

    Attributes
    ----------
    percent
        Population → (n, d) percentage of its parent.
    count
        Population, and the parents ``CD4`` and ``CD8`` → (n, d) cells per microlitre.
    labs
        ``crp`` in mg/L, ``eosinophils`` in 10^9/L → (n, d).
    """

    percent: Mapping[str, np.ndarray]
    count: Mapping[str, np.ndarray]
    labs: Mapping[str, np.ndarray]


def blood_values(patients: VirtualPatients, courses: Courses) -> Blood:
    """Percentages, counts and laboratory values of virtual patients.

    Parameters
    ----------
    patients, courses
        The same n patients.

    Returns
    -------
    Blood
        At the days of the courses.
    """
    import numpy as np

    v = {name: value[:, None] for name, value in patients.values.items()}
    away = courses["margination"]
    memory = 1 - v["fT"] - v["fH"] - v["fN"]
    cd4 = {
        "treg": v["fT"] * courses["treg"] * (1 - v["mT"] * away),
        "th2": v["fH"] * courses["th2"] * (1 - v["mC"] * away),
        "naive_cd4": v["fN"] * courses["naive_cd4"] * (1 - v["mC"] * away),
        "other_cd4": memory * courses["other_cd4"] * (1 - v["mE"] * away),
    }
    naive8 = v["fN8"] * courses["naive_cd8"] * (1 - v["mC"] * away)
    memory8 = (1 - v["fN8"]) * (1 - v["mE"] * away)
    all4, all8 = sum(cd4.values()), naive8 + memory8
    percent = {name: 100 * part / all4 for name, part in cd4.items()}
    percent["naive_cd8"] = 100 * naive8 / all8
    count = {name: v["CD4"] * part for name, part in cd4.items()}
    count["naive_cd8"] = v["CD8"] * naive8
    count["nk"] = v["NK0"] * courses["nk"] * (1 - v["mK"] * away)
    count["CD4"] = v["CD4"] * all4
    count["CD8"] = v["CD8"] * all8
    labs = {
        "crp": v["CRP0"] * np.exp(v["cL"] * courses["tone"]),
        "eosinophils": v["EOS0"] * courses["eosinophils"] * (1 - v["mG"] * away),
    }
    return Blood(percent, count, labs)
