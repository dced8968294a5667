"""The course of each single person, where it may be shown.

Few inpatients can be recognised by their course. So results hold courses of simulated people
only, or where the protocol says `report.individual_data`, and never while blinded: the two arms
could show in the lines. They carry no identifier and are ordered by their values, so that
neither name nor place in the records is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.analysis.results import Course

if TYPE_CHECKING:
    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.records import Records

#: Beyond this a figure of lines shows nothing, and the results would grow by every person.
MOST_PEOPLE = 100


def may_show_people(protocol: Protocol, records: Records, groups: Groups) -> bool:
    """Whether results may hold values of single people."""
    if groups.blinded or records.participants.height > MOST_PEOPLE:
        return False
    return records.manifest.simulated or protocol.report.individual_data


def make_courses(protocol: Protocol, groups: Groups, data: Dataset) -> tuple[Course, ...]:
    """The course of everybody in the analysis of an endpoint, baseline first."""
    baseline = protocol.baseline.id
    found: list[Course] = []
    for rows in data.frame.partition_by("participant", maintain_order=True):
        after = zip(rows["visit"].to_list(), rows["value"].to_list(), strict=True)
        values = ((baseline, float(rows["baseline"][0])), *((v, float(x)) for v, x in after))
        found.append(Course(group=str(rows["arm"][0]), values=values))
    order = {group: place for place, group in enumerate(groups.keys)}
    return tuple(sorted(found, key=lambda c: (order[c.group], [x for _, x in c.values], c.values)))
