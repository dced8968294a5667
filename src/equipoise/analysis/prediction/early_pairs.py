"""Early change and outcome of each participant, brought together for one marker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from equipoise.analysis.prediction.prediction_results import ArmCentre, LandmarkCount, Pair
from equipoise.stats.early_change import LandmarkData, landmark_data

if TYPE_CHECKING:
    from equipoise.analysis.prediction.marker_table import MarkerTable


@dataclass(frozen=True, slots=True)
class EarlyPairs:
    """Everybody randomised, with early change and outcome where they are known.

    Attributes
    ----------
    frame
        group, stratum (a number), early, early_baseline, outcome, outcome_baseline,
        early_outcome, and `outcome VISIT` for each later visit: changes on the scales of their
        endpoints; None where it is missing.
    groups
        Keys of the groups, the control first.
    strata
        How many strata the plan has.
    visits
        Visits after the early one at which the outcome is measured.
    early_outcome
        Whether the outcome is measured at the early visit.
    """

    frame: pl.DataFrame
    groups: tuple[str, ...]
    strata: int
    visits: tuple[str, ...]
    early_outcome: bool

    def arrays(self, *, adjusted: bool = False) -> LandmarkData:
        """As the numerics take them; `adjusted` adds the outcome at the early visit."""
        covariates = ["outcome_baseline", "early_baseline", *(["early_outcome"] * adjusted)]
        return landmark_data(
            self.column("outcome"),
            self.column("early"),
            [self.column(name) for name in covariates],
            self.arm,
            self.stratum,
            arms=len(self.groups),
            strata=self.strata,
        )

    @property
    def arm(self) -> np.ndarray:
        """(n,) number of the arm."""
        codes = self.frame["group"].cast(pl.Enum(list(self.groups))).to_physical()
        return codes.to_numpy().astype(np.int64)

    @property
    def stratum(self) -> np.ndarray:
        """(n,) number of the stratum."""
        return self.frame["stratum"].to_numpy().astype(np.int64)

    def column(self, name: str) -> np.ndarray:
        """(n,) values, NaN where missing."""
        return self.frame[name].to_numpy()

    def counts(self) -> tuple[LandmarkCount, ...]:
        """Who is in, and why others are not, by group."""
        found: list[LandmarkCount] = []
        for group in self.groups:
            mine = self.frame.filter(pl.col("group") == group)
            early = mine.filter(pl.col("early").is_not_null())
            used = early.filter(pl.col("outcome").is_not_null())
            found.append(
                LandmarkCount(
                    group=group,
                    randomised=mine.height,
                    no_early=mine.height - early.height,
                    no_outcome=early.height - used.height,
                    used=used.height,
                )
            )
        return tuple(found)

    def centres(self, fewest: int) -> tuple[ArmCentre, ...]:
        """Means of groups with at least `fewest` people, and at least two."""
        found: list[ArmCentre] = []
        for group in self.groups:
            rows = self._known().filter(pl.col("group") == group)
            if rows.height >= max(2, fewest):
                early, outcome = rows["early"].to_numpy(), rows["outcome"].to_numpy()
                found.append(
                    ArmCentre(
                        group=group,
                        n=rows.height,
                        early_mean=float(early.mean()),
                        early_sd=float(early.std(ddof=1)),
                        outcome_mean=float(outcome.mean()),
                    )
                )
        return tuple(found)

    def pairs(self) -> tuple[Pair, ...]:
        """Everybody's pair, ordered by its values, so that no place in the records is told."""
        rows = self._known().select("group", "early", "outcome").iter_rows(named=True)
        order = {group: place for place, group in enumerate(self.groups)}
        pairs = [Pair.model_validate(row) for row in rows]
        return tuple(sorted(pairs, key=lambda pair: (order[pair.group], pair.early, pair.outcome)))

    def _known(self) -> pl.DataFrame:
        return self.frame.drop_nulls(["early", "outcome"])


def make_pairs(table: MarkerTable, key: str, *, early_outcome: bool) -> EarlyPairs:
    """The pairs of one marker of the table."""
    place = table.place(key)
    frame = pl.DataFrame(
        {
            "group": [table.groups[arm] for arm in table.arm],
            "stratum": table.stratum,
            "early": table.early[:, place],
            "early_baseline": table.baseline[:, place],
            "outcome": table.outcome,
            "outcome_baseline": table.outcome_baseline,
            "early_outcome": table.early_outcome,
            **{f"outcome {v}": table.outcomes[:, i] for i, v in enumerate(table.visits)},
        }
    )
    frame = frame.with_columns(pl.col(pl.Float64).fill_nan(None))
    # Ordered by values: no answer, and no permutation, depends on the order of the records.
    frame = frame.sort(
        "group", "stratum", "early", "outcome", "early_baseline", "outcome_baseline",
        *(f"outcome {visit}" for visit in table.visits), "early_outcome",
    )  # fmt: skip
    return EarlyPairs(frame, table.groups, table.strata + 1, table.visits, early_outcome)
