"""Who is compared: the arms, or everybody while the trial is blinded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.results import Group

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.records import Records

EVERYBODY = "all"


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of an analysis and who belongs to them.

    Attributes
    ----------
    groups
        The control first; a single group while blinded.
    members
        Columns participant, _group: one row for everybody randomised, in the order of enrolment.
    masked
        True where the groups are arms under letters, as a monitoring committee sees them.
    """

    groups: tuple[Group, ...]
    members: pl.DataFrame
    blinded: bool
    masked: bool = False

    @property
    def closed(self) -> bool:
        """Whether what can give an arm away is left out."""
        return self.blinded or self.masked

    @property
    def keys(self) -> list[str]:
        """Keys of the groups in order."""
        return [group.key for group in self.groups]


def make_groups(protocol: Protocol, records: Records) -> Groups:
    """Arms in the protocol's order (control first), or everybody.

    In a single-arm trial everybody is in its arm and nothing is blinded.
    """
    people = records.participants.select("participant")
    if protocol.single_arm:
        arm = protocol.active_arms[0]
        members = people.with_columns(_group=pl.lit(arm))
        groups = (Group(key=arm, label=protocol.arms[arm].label, n=people.height),)
        return Groups(groups, members, False)
    if records.allocation is None:
        members = people.with_columns(_group=pl.lit(EVERYBODY))
        groups = (Group(key=EVERYBODY, label="All participants", n=people.height),)
        return Groups(groups, members, True)
    arms = records.allocation.select("participant", pl.col("arm").alias("_group"))
    members = people.join(arms, on="participant", how="left", maintain_order="left")
    groups = tuple(
        Group(
            key=key,
            label=protocol.arms[key].label,
            n=int((members["_group"] == key).sum()),
        )
        for key in protocol.arm_order
    )
    return Groups(groups, members, False)
