"""Which sections a report has, in order; each is one template of ``templates/sections``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from equipoise.analysis.results import MeasureKind

if TYPE_CHECKING:
    from equipoise.analysis.results import EndpointResult, FamilyResult, OutcomeResult, Results


@dataclass(frozen=True, slots=True)
class Chapter:
    """Endpoints of like kind, told together.

    Attributes
    ----------
    lead
        What holds for all of them.
    endpoints, outcomes, families
        In the order of the protocol; outcomes are response, remission, times, categories.
    """

    key: str
    title: str
    lead: str
    endpoints: tuple[EndpointResult, ...]
    outcomes: tuple[OutcomeResult, ...]
    families: tuple[FamilyResult, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the page.

    Attributes
    ----------
    key
        Its id in the page.
    title
        Its heading, and its entry in the contents.
    template
        Name of its file in ``templates/sections``, without the ending.
    chapter
        The endpoints that it shows, if any.
    entries
        (id, title) of what stands under it in the contents.
    """

    key: str
    title: str
    template: str
    chapter: Chapter | None = None
    entries: tuple[tuple[str, str], ...] = field(default=())


def sections(results: Results) -> list[Section]:
    """The sections that these results fill. A new one is one line here and one template."""
    plan = results.plan
    found = [
        None
        if results.blinded
        else Section("questions", "What the trial was made to answer", "questions"),
        Section("answers", "Answers", "answers"),
        Section("looks", "Interim looks", "looks") if results.interim else None,
        Section("flow", "Participants", "flow"),
        Section("baseline", "Baseline", "baseline"),
        *(_of_chapter(chapter) for chapter in _chapters(results)),
        _of_early_change(results) if results.prediction else None,
        Section("benefit", "Who benefits?", "benefit") if results.stratification else None,
        Section("forecast", "Can improvement be foretold in one person?", "forecast")
        if results.forecast
        else None,
        Section("harms", "Harms", "harms"),
        Section("estimands", "Estimands", "estimands") if plan.estimands else None,
        Section("interventions", "Interventions", "interventions") if plan.arms else None,
        Section("methods", "Methods", "methods"),
        Section("about", "About the trial", "about"),
        Section("assumptions", "Facts and assumptions", "assumptions") if plan.sources else None,
        Section("patients", "Virtual patients", "patients") if results.simulated else None,
        None if plan.single_arm else Section("twins", "What a trial like this can show", "twins"),
        Section("limits", "Limits", "limits"),
        Section("consort", "CONSORT 2025 checklist", "consort"),
        Section("provenance", "Provenance", "provenance"),
    ]
    return [section for section in found if section is not None]


def _of_chapter(chapter: Chapter) -> Section:
    members = (*chapter.endpoints, *chapter.outcomes)
    entries = tuple((f"endpoint-{e.endpoint}", e.label) for e in members)
    return Section(chapter.key, chapter.title, "chapter", chapter, entries)


def _of_early_change(results: Results) -> Section:
    """Named in full on the page and in the contents, since the short word claims more."""
    return Section(
        "early-change", "Did the early change predict later improvement?", "early_change"
    )


def _chapters(results: Results) -> list[Chapter]:
    """Endpoints by kind of measurement, in the order of `_CHAPTERS`."""
    found: list[Chapter] = []
    for key, title, kinds, lead in _CHAPTERS:
        members = tuple(e for e in results.endpoints.values() if e.kind in kinds)
        ratings = MeasureKind.RATING_SCALE in kinds
        outcomes = tuple(results.outcomes.values()) if ratings else ()
        if not members and not outcomes:
            continue
        # A family stands in the chapter of its first endpoint.
        keys = {member.endpoint for member in (*members, *outcomes)}
        families = tuple(f for f in results.families if next(iter(f.contrasts)) in keys)
        said = [lead if members else "", _STATUS if results.compared else ""]
        text = " ".join(part for part in said if part)
        found.append(Chapter(key, title, text, members, outcomes, families))
    return found


_STATUS = (
    "What is confirmatory stands under Answers; every other estimate here is exploratory and "
    "unadjusted, but for families, which carry their adjustment."
)
_RATIOS = (
    "Where the scale is a ratio, fold changes from baseline were analysed as logarithms, "
    "adjusted for the logarithm of the baseline value, and are shown as geometric means."
)

#: (key, title, kinds of measurement, lead) of each chapter; every kind stands in one.
_CHAPTERS: tuple[tuple[str, str, tuple[MeasureKind, ...], str], ...] = (
    (
        "efficacy",
        "Clinical outcome",
        (MeasureKind.RATING_SCALE,),
        "Change from baseline by a mixed model for repeated measures.",
    ),
    (
        "cells",
        "Cells and laboratory values",
        (MeasureKind.CELLS, MeasureKind.LABORATORY),
        f"{_RATIOS} Percentages of one parent population depend on each other: what rises pushes "
        "the others down.",
    ),
    (
        "imaging",
        "Imaging",
        (MeasureKind.IMAGING,),
        f"Regions of one measure depend on each other. {_RATIOS}",
    ),
    (
        "exposures",
        "Exposures",
        (MeasureKind.EXPOSURE,),
        _RATIOS,
    ),
    (
        "vitals",
        "Vital signs",
        (MeasureKind.VITAL_SIGN,),
        _RATIOS,
    ),
)
