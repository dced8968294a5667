"""The report of the monitoring committee: harms by arm, under letters until it asks for names.

The committee sees small counts, which other reports of observed people hide: to watch over
rare harms is what it is for. It sees no outcome and no participant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.analyse import make_provenance
from equipoise.analysis.baseline import make_baseline
from equipoise.analysis.flow import make_flow
from equipoise.analysis.groups import Groups, make_groups
from equipoise.analysis.masking import without_unblinding
from equipoise.analysis.monitor_results import (
    Completeness,
    MonitorPlan,
    MonitorResults,
    SiteCount,
)
from equipoise.analysis.results import Group
from equipoise.analysis.safety import make_safety
from equipoise.faults import single
from equipoise.protocol.endpoint_sources import SOURCES, MeasureKind, planned_visits
from equipoise.protocol.lock import require_lock

if TYPE_CHECKING:
    from equipoise.analysis.harm_results import Safety
    from equipoise.analysis.monitor_key import MonitorKey
    from equipoise.protocol import Protocol
    from equipoise.records import Records


def monitor(
    protocol: Protocol,
    records: Records,
    key: MonitorKey | None = None,
    *,
    command: str | None = None,
) -> MonitorResults:
    """Harms, flow, completeness and baseline by arm.

    Parameters
    ----------
    protocol, records
        The records with their allocation.
    key
        The letters of the arms. Left out, the arms are named and nothing is withheld.
    command
        How the program was called, for the provenance.

    Raises
    ------
    EquipoiseError
        When the records have no allocation, nobody was randomised, or the data are observed and
        the plan is not locked, or not the one that was locked.
    """
    if records.blinded and not protocol.single_arm:
        raise single(
            "There is nothing to show the committee",
            code="allocation-missing",
            where="allocation",
            rule="harms by arm need the allocation",
            remedy="run this where the unblinded statistician keeps the allocation",
        )
    if records.participants.is_empty():
        raise single(
            "There is nothing to show the committee",
            code="table-empty",
            where="participants",
            rule="at least one participant was randomised",
            remedy="add the participants",
        )
    if not records.manifest.simulated:
        require_lock(protocol)
    named = make_groups(protocol, records)
    plan = protocol
    if protocol.report.committee_sees_small_counts:
        sees_all = protocol.report.model_copy(update={"smallest_cell": 1})
        plan = protocol.model_copy(update={"report": sees_all})
    left_out: list[str] = []
    groups, shown = named, records
    if key is not None:
        groups = _lettered(named, key)
        shown, left_out = without_unblinding(protocol, records)
    safety = make_safety(plan, shown, groups, for_rules=records.adverse_events)
    if any("adverse event" in text for text in left_out):
        safety = _of_the_shown(safety)
    # A hash of the allocation could be guessed against.
    hashed = records if key is None else shown.without_allocation()
    return MonitorResults(
        title=protocol.trial.title,
        short_title=protocol.trial.short_title,
        unblinded=key is None,
        unequal=key is not None and len({arm.ratio for arm in protocol.arms.values()}) > 1,
        confidence=1 - protocol.analysis.alpha,
        groups=groups.groups,
        reference=groups.keys[0] if len(groups.groups) > 1 else None,
        visits=tuple((visit.id, visit.label) for visit in protocol.follow_up),
        plan=MonitorPlan(size=protocol.population.size, single_arm=protocol.single_arm),
        sites=tuple(_sites(records)),
        flow=make_flow(plan, shown, groups, {}),
        completeness=tuple(_completeness(protocol, shown, groups)),
        baseline=make_baseline(plan, shown, groups),
        safety=safety,
        left_out=tuple(left_out),
        notes=records.notes,
        provenance=make_provenance(protocol, hashed, command, key is not None),
    )


def _lettered(named: Groups, key: MonitorKey) -> Groups:
    """The arms under their letters, in the order of the letters."""
    letters = key.letters
    sizes = {group.key: group.n for group in named.groups}
    groups = tuple(
        Group(key=letter.lower(), label=f"Arm {letter}", n=sizes[arm])
        for arm, letter in letters.items()
    )
    codes = {arm: letter.lower() for arm, letter in letters.items()}
    members = named.members.with_columns(pl.col("_group").replace_strict(codes))
    return Groups(groups, members, False, masked=True)


def _of_the_shown(safety: Safety) -> Safety:
    """The same with a summary that says that it counts a part, and that the rules count all."""
    summary = tuple(
        row if row.key == "death" else row.model_copy(update={"label": f"{row.label}, as shown"})
        for row in safety.summary
    )
    sentence = (
        "Rows marked “as shown” leave out the terms that can give an arm away; stopping rules "
        "count all events, and say only whether a boundary was crossed: the numbers would give "
        "back what is left out"
    )
    stopping = tuple(
        rule.model_copy(
            update={
                "events": None,
                "looks": tuple(look.model_copy(update={"events": None}) for look in rule.looks),
            }
        )
        for rule in safety.stopping
    )
    return safety.model_copy(
        update={
            "summary": summary,
            "stopping": stopping,
            "withheld": (*safety.withheld, sentence),
        }
    )


def _sites(records: Records) -> list[SiteCount]:
    table = records.participants.group_by("site").len().sort("site", nulls_last=True)
    return [SiteCount(site=site, n=n) for site, n in table.iter_rows()]


def _completeness(protocol: Protocol, records: Records, groups: Groups) -> list[Completeness]:
    """Visits with a value of each measurement, of all planned ones, by group."""
    rows: list[Completeness] = []
    for source in SOURCES:
        frame = getattr(records, source.records)
        for name, entry in getattr(protocol, source.table).items():
            if groups.masked and source.can_unblind and entry.unblinding:
                continue
            found = pl.DataFrame(schema={"participant": pl.String, "visit": pl.String})
            if frame is not None:
                rule = (pl.col(source.column) == name) & pl.col(source.value).is_not_null()
                found = frame.filter(rule)
            seen = found.select("participant", "visit").unique()
            rated = source.kind is MeasureKind.RATING_SCALE
            label = protocol.scale(name).label if rated else entry.label
            for group in groups.groups:
                people = groups.members.filter(pl.col("_group") == group.key)["participant"]
                rows.append(
                    Completeness(
                        group=group.key,
                        kind=source.kind,
                        label=label,
                        planned=group.n * len(planned_visits(entry, protocol.visits)),
                        recorded=seen.filter(pl.col("participant").is_in(people.implode())).height,
                    )
                )
    return rows
