"""What journals, registers and committees ask of a trial and no other table holds.

All of it is text that people wrote, and all of it is optional: the checklists say which
field is missing. The headings are those of CONSORT 2025, SPIRIT 2025 and TIDieR.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from equipoise.protocol.base import Part, Text

Given = Text | None
Several = tuple[Text, ...]
IsoDate = Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]
"""A date in quotes: ``2024``, ``2024-05`` or ``2024-05-31``."""


class Openness(Part):
    """What anybody may look up, and who paid."""

    protocol_version: Given = Field(None, description="Identifier and date of this protocol")
    registration_date: IsoDate | None = Field(None, description="Date of registration, in quotes")
    protocol_access: Given = Field(None, description="Where the protocol can be had")
    analysis_plan_access: Given = Field(
        None, description="Where the statistical analysis plan can be had"
    )
    data_sharing: Given = Field(
        None, description="Where and how participants' data, dictionary and code can be had"
    )
    funding: Given = Field(None, description="Sources of funding and of supplies")
    funder_role: Given = Field(
        None, description="Role of sponsor and funders in design, conduct, analysis and report"
    )
    conflicts_of_interest: Given = Field(None, description="Conflicts of interest, or none")
    dissemination: Given = Field(None, description="How the results are made known, and to whom")


class Oversight(Part):
    """Who answers for the trial, and who watches it."""

    contributors: Several = Field((), description="Names, affiliations and roles of the authors")
    sponsor: Given = Field(None, description="Sponsor, with name and contact")
    committees: Given = Field(
        None, description="Coordination, steering, adjudication, data management: who and what for"
    )
    data_monitoring: Given = Field(
        None, description="The data monitoring committee and its independence, or why none"
    )
    trial_monitoring: Given = Field(
        None, description="How often and how conduct is monitored, or why it is not"
    )
    ethics_approval: Given = Field(
        None, description="Ethics committee and its approval, planned or given"
    )
    amendments: Given = Field(None, description="How important changes are made known")
    consent: Given = Field(None, description="Who obtains informed consent, and how")
    consent_further_use: Given = Field(
        None, description="Consent for further studies with data or samples, or none"
    )
    confidentiality: Given = Field(None, description="How personal data are protected")
    care_after_trial: Given = Field(
        None, description="Care beside and after the trial, and compensation for harm"
    )


class Rationale(Part):
    """Why this trial."""

    background: Given = Field(None, description="Background and what earlier studies showed")
    comparator: Given = Field(None, description="Why this comparator")
    harms_objective: Given = Field(None, description="The objective about harms")
    framework: Given = Field(
        None, description="Superiority, non-inferiority, equivalence or exploratory"
    )
    public_involvement: Given = Field(
        None, description="How patients and the public took part in design, conduct and report"
    )
    summary: Given = Field(None, description="Structured summary of design and methods")


class Setting(Part):
    """Where, and who takes part."""

    locations: Given = Field(None, description="Countries and sites")
    site_eligibility: Given = Field(
        None, description="What a site, or who gives the treatment, must be; or that it is open"
    )
    recruitment: Given = Field(None, description="How enough participants are found")
    retention: Given = Field(
        None, description="How follow-up is kept complete, and what is still collected after a stop"
    )


class Treatment(Part):
    """Rules of treatment that all arms share."""

    stopping: Given = Field(
        None, description="When the treatment of a participant is stopped or changed"
    )
    adherence: Given = Field(None, description="How adherence is helped and checked")
    concomitant_care: Given = Field(None, description="Other care: permitted and prohibited")


class Assignment(Part):
    """How the arm is assigned and kept hidden."""

    sequence_generation: Given = Field(
        None, description="Who draws the list and how (never block sizes: sites read this)"
    )
    concealment: Given = Field(None, description="What hides the next arm until it is assigned")
    implementation: Given = Field(
        None, description="Who enrols, who assigns, and whether they can see the list"
    )
    blinded: Several | None = Field(
        None, description="Who does not know the arm; an empty list where everybody does"
    )
    blinding_method: Given = Field(None, description="How blinding is achieved")
    similarity: Given = Field(None, description="How alike the interventions are")
    unblinding: Given = Field(None, description="When and how an arm may be revealed")


class Measuring(Part):
    """How data and harms come about."""

    data_collection: Given = Field(
        None, description="Who rates and samples, training, repeated measurements, forms"
    )
    data_management: Given = Field(None, description="Entry, coding, checks, security, storage")
    harms_definition: Given = Field(None, description="What counts as a harm, and its grading")
    harms_collection: Given = Field(
        None, description="How harms are found: asked for, volunteered, how often, until when"
    )
    harms_attribution: Given = Field(
        None, description="Who judges whether a harm is due to the treatment, and is that blinded"
    )


class Size(Part):
    """How many, and when to look."""

    rationale: Given = Field(
        None, description="How the number was determined, with all its assumptions"
    )
    interim_analyses: Given = Field(
        None, description="Interim analyses, stopping rules, who sees and decides; or none"
    )


class Course(Part):
    """What is only known once the trial runs. No part of the plan, and not in its hash."""

    recruitment_start: IsoDate | None = Field(None, description="First enrolment, in quotes")
    recruitment_end: IsoDate | None = Field(None, description="Last enrolment, in quotes")
    follow_up_end: IsoDate | None = Field(None, description="Last visit, in quotes")
    ended: Given = Field(None, description="Why the trial ended: as planned, or stopped and why")
    changes_after_start: Given = Field(
        None, description="Important changes after the start with reasons, or none"
    )
    outcomes_not_reported: Given = Field(
        None, description="Outcomes left out of the report and why, or none"
    )


class Discussion(Part):
    """What authors conclude. No part of the plan, and not in its hash."""

    abstract: Given = Field(None, description="Structured summary with results and conclusion")
    interpretation: Given = Field(
        None, description="Benefits against harms, with other evidence at hand"
    )
    limitations: Given = Field(
        None, description="Bias, imprecision, generalisability, multiplicity"
    )


class Reporting(Part):
    """What the checklists ask for and no other table holds; every field is optional."""

    outside_the_hash: ClassVar[frozenset[str]] = frozenset({"course", "discussion"})

    openness: Openness = Field(default_factory=Openness, description="Access, funding")  # type: ignore[arg-type]
    oversight: Oversight = Field(default_factory=Oversight, description="Who answers for it")  # type: ignore[arg-type]
    rationale: Rationale = Field(default_factory=Rationale, description="Why this trial")  # type: ignore[arg-type]
    setting: Setting = Field(default_factory=Setting, description="Where and who")  # type: ignore[arg-type]
    treatment: Treatment = Field(default_factory=Treatment, description="Rules of treatment")  # type: ignore[arg-type]
    assignment: Assignment = Field(
        default_factory=Assignment,  # type: ignore[arg-type]
        description="Allocation and blinding",
    )
    measuring: Measuring = Field(default_factory=Measuring, description="Data and harms")  # type: ignore[arg-type]
    size: Size = Field(default_factory=Size, description="Sample size, interim analyses")  # type: ignore[arg-type]
    course: Course = Field(default_factory=Course, description="Dates, end, changes")  # type: ignore[arg-type]
    discussion: Discussion = Field(default_factory=Discussion, description="Conclusions")  # type: ignore[arg-type]

    def given(self) -> dict[str, str]:
        """Dotted path in the protocol → text, for all that was filled in."""
        return dict(_given("reporting", self))


class Description(Part):
    """One arm's intervention as TIDieR asks for it (Hoffmann et al., BMJ 2014;348:g1687).

    Its name is the arm's label, how much and when are the arm's doses.
    """

    outside_the_hash: ClassVar[frozenset[str]] = frozenset({"modifications", "adherence_actual"})

    why: Given = Field(None, description="Rationale or goal of what is essential in it")
    materials: Given = Field(None, description="Products and materials, and where they are had")
    procedures: Given = Field(None, description="What is done, step by step")
    provider: Given = Field(None, description="Who gives it, with which training")
    mode: Given = Field(None, description="How it is given: face to face, singly or in groups")
    where: Given = Field(None, description="Where it is given")
    schedule: Given = Field(None, description="When and how much, beyond the doses")
    tailoring: Given = Field(None, description="Planned adaptation to the person, or none")
    modifications: Given = Field(None, description="What was changed during the trial, or nothing")
    adherence_planned: Given = Field(None, description="How adherence or fidelity is assessed")
    adherence_actual: Given = Field(None, description="How far it was given as planned")


def _given(path: str, part: Part) -> Iterator[tuple[str, str]]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        here = f"{path}.{name}"
        if isinstance(value, Part):
            yield from _given(here, value)
        elif isinstance(value, tuple):
            if value or (here == "reporting.assignment.blinded"):
                yield here, "; ".join(str(item) for item in value) or "nobody"
        elif value is not None:
            yield here, str(value)
