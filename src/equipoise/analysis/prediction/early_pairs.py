"""Early change and outcome of each participant, brought together for one marker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from equipoise.analysis.prediction.marker_table import changes_of, strata_of
from equipoise.analysis.prediction.prediction_results import ArmCentre, LandmarkCount, Pair
from equipoise.stats.early_change import LandmarkData, landmark_data

if TYPE_CHECKING:
    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.protocol.prediction_plan import PredictionPlan
    from equipoise.records import Records


@dataclass(frozen=True, slots=True)
class EarlyPairs:
    """Everybody randomised, with early change and outcome where they are known.

    Attributes
    ----------
    frame
        group, stratum (a number), early, early_baseline, outcome, outcome_baseline,
        early_outcome: changes on the scales of their endpoints; None where it is missing.
    groups
        Keys of the groups, the control first.
    strata
        How many strata the plan has.
    early_outcome
        Whether the outcome is measured at the early visit.
    """

    frame: pl.DataFrame
    groups: tuple[str, ...]
    strata: int
    early_outcome: bool

    def arrays(self, *, adjusted: bool = False) -> LandmarkData:
        """As the numerics take them; `adjusted` adds the outcome at the early visit."""
        covariates = ["outcome_baseline", "early_baseline", *(["early_outcome"] * adjusted)]
        codes = self.frame["group"].cast(pl.Enum(list(self.groups))).to_physical()
        return landmark_data(
            self._column("outcome"),
            self._column("early"),
            [self._column(name) for name in covariates],
            codes.to_numpy().astype(np.int64),
            self.frame["stratum"].to_numpy().astype(np.int64),
            arms=len(self.groups),
            strata=self.strata,
        )

    def _column(self, name: str) -> np.ndarray:
        return self.frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()

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


def make_pairs(
    protocol: Protocol,
    records: Records,
    groups: Groups,
    datasets: Mapping[str, Dataset],
    plan: PredictionPlan,
    predictor: str,
) -> EarlyPairs:
    """The pairs of one marker."""
    early_outcome = plan.early_visit in protocol.endpoint_visits(plan.outcome)
    early = changes_of(protocol, datasets, predictor, plan.early_visit, "early")
    outcome = changes_of(protocol, datasets, plan.outcome, plan.landmark, "outcome")
    before = changes_of(protocol, datasets, plan.outcome, plan.early_visit, "early_outcome")
    frame = groups.members.rename({"_group": "group"}).join(
        strata_of(protocol, records), on="participant", how="left", maintain_order="left"
    )
    for part in (early, outcome, before.select("participant", "early_outcome")):
        frame = frame.join(part, on="participant", how="left", maintain_order="left")
    # Ordered by values: no answer, and no permutation, depends on the order of the records.
    frame = frame.drop("participant").sort(
        "group", "stratum", "early", "outcome", "early_baseline", "outcome_baseline"
    )
    return EarlyPairs(frame, tuple(groups.keys), len(protocol.strata) + 1, early_outcome)
