"""One simulated trial: people enrol, are allocated, are seen and are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise._version import __version__
from equipoise.faults import nearest, single
from equipoise.patients import Scenario, draw_exposures, draw_images, statistical_patients
from equipoise.randomisation import randomise
from equipoise.records import Manifest, Origin, Records
from equipoise.records.scoring import with_computed_scores
from equipoise.simulation.events import adverse_events, doses
from equipoise.simulation.exposures_and_imaging import exposure_table, imaging_table
from equipoise.simulation.medications import medications
from equipoise.simulation.observation import (
    cell_table,
    lab_table,
    observed_days,
    score_table,
    visit_table,
)
from equipoise.simulation.people import disposition, screening, stopping
from equipoise.simulation.vital_signs import vital_table
from equipoise.streams import check_seed, stream

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol


def simulate(
    protocol: Protocol, seed: int, *, scenario: str = Scenario.PLANNED, trial: int = 0
) -> Records:
    """Simulate a whole trial as its protocol plans it.

    Parameters
    ----------
    protocol
        With `assumptions.statistical`.
    seed
        0 ≤ seed < 2¹²⁸; recorded in the manifest.
    scenario
        ``planned``, ``null`` or ``link-off``.
    trial
        Index of the trial: with one seed, trial 17 is the same whoever draws it.

    Returns
    -------
    Records
        Complete records, marked simulated.

    Raises
    ------
    EquipoiseError
        When the protocol has no statistical assumptions, or seed or scenario are invalid.
    """
    import numpy as np

    _refuse_bad_input(protocol, seed, scenario)
    plan = protocol.assumptions.statistical
    assert plan is not None
    people, allocation = _enrol(protocol, seed, trial)
    arms = allocation["arm"].to_numpy()
    listed = None if protocol.single_arm else allocation
    cohort = statistical_patients(
        protocol, arms, stream(seed, "courses", trial), scenario=Scenario(scenario)
    )
    days, leaving, reasons = observed_days(
        protocol, cohort, arms, stream(seed, "observation", trial), scenario=Scenario(scenario)
    )
    ids = people["participant"].to_numpy()
    events = adverse_events(
        protocol, ids, arms, leaving, stream(seed, "events", trial),
        stream(seed, "stopping", trial), scenario=Scenario(scenario),
    )  # fmt: skip
    stopped, stop_reasons = stopping(
        protocol, ids, arms, leaving, events, stream(seed, "study drug", trial),
        scenario=Scenario(scenario),
    )  # fmt: skip
    dose_frame, kits = doses(
        protocol, ids, arms, np.minimum(leaving, stopped), stream(seed, "doses", trial)
    )
    exposures = draw_exposures(
        protocol, arms, stream(seed, "exposures", trial), scenario=Scenario(scenario)
    )
    images = draw_images(
        protocol, arms, stream(seed, "imaging", trial), scenario=Scenario(scenario)
    )
    scores = score_table(protocol, cohort, ids, days, stream(seed, "items", trial))
    if scores is not None:
        scores, _ = with_computed_scores(protocol, scores)
    records = Records(
        manifest=Manifest(
            origin=Origin.SIMULATED,
            protocol_hash=protocol.hash,
            scenario=str(scenario),
            seed=seed,
            source=None if trial == 0 else f"trial {trial} of this seed",
            software=f"equipoise {__version__}",
        ),
        participants=people,
        allocation=listed,
        kits=kits,
        visits=visit_table(protocol, ids, days),
        scores=scores,
        cells=cell_table(protocol, cohort, ids, days),
        labs=lab_table(protocol, cohort, ids, days),
        exposures=exposure_table(protocol, exposures, ids, days),
        imaging=imaging_table(protocol, images, ids, days),
        vitals=vital_table(
            protocol, ids, arms, days, stream(seed, "vitals", trial), scenario=Scenario(scenario)
        ),
        medications=medications(
            protocol,
            people,
            arms,
            leaving,
            stream(seed, "medications", trial),
            scenario=Scenario(scenario),
        ),
        doses=dose_frame,
        adverse_events=events,
        disposition=disposition(protocol, ids, leaving, reasons, stopped, stop_reasons),
        screening=screening(protocol, stream(seed, "screening", trial)),
    )
    assert np.isfinite(days[:, 0]).all()
    return records


def _refuse_bad_input(protocol: Protocol, seed: int, scenario: str) -> None:
    heading = "The trial cannot be simulated"
    if protocol.assumptions.statistical is None:
        raise single(
            heading,
            code="assumptions-missing",
            field="assumptions.statistical",
            rule="simulation needs the statistical assumptions of the protocol",
            remedy="add [assumptions.statistical]; `il2-depression` is an example",
        )
    check_seed(seed)
    if protocol.single_arm and scenario == Scenario.NULL:
        raise single(
            heading,
            code="scenario-without-control",
            field="scenario",
            value=str(scenario),
            rule="under `null` every arm follows the control's course; a single-arm trial has none",
            remedy="choose planned or link-off",
        )
    if scenario not in list(Scenario):
        raise single(
            heading,
            code="scenario-unknown",
            field="scenario",
            value=str(scenario),
            rule="scenarios: " + ", ".join(Scenario),
            remedy=nearest(str(scenario), list(Scenario)),
        )


def _enrol(protocol: Protocol, seed: int, trial: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Participants in order of enrolment, and their places in the list."""
    import numpy as np
    import polars as pl

    plan = protocol.assumptions.statistical
    assert plan is not None
    generator = stream(seed, "enrolment", trial)
    size = protocol.population.size
    values = _covariates(protocol, size, generator)
    strata = list(protocol.randomisation.strata)
    labels = np.array(
        [" / ".join(str(values[name][i]) for name in strata) or "all" for i in range(size)]
    )
    if protocol.single_arm:
        lists = dict.fromkeys(protocol.strata, list(protocol.active_arms) * size)
    else:
        listed = randomise(protocol, seed, trial=trial).frame
        lists = {key[0]: part["arm"].to_list() for key, part in listed.group_by("stratum")}
    sequence, arms, taken = [], [], dict.fromkeys(lists, 0)
    for label in labels:
        place = taken[label]
        taken[label] += 1
        sequence.append(place + 1)
        arms.append(lists[label][place])
    width = max(3, len(str(size)))
    ids = [f"P{i + 1:0{width}d}" for i in range(size)]
    sites = generator.integers(1, plan.sites + 1, size=size)
    people = pl.DataFrame({"participant": ids, "site": [f"{site:02d}" for site in sites], **values})
    allocation = pl.DataFrame(
        {
            "participant": ids,
            "stratum": labels.tolist(),
            "sequence": sequence,
            "arm": arms,
            "day": [0.0] * size,
        }
    )
    return people, allocation


def _covariates(
    protocol: Protocol, size: int, generator: np.random.Generator
) -> dict[str, list[str] | list[float]]:
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    values: dict[str, list[str] | list[float]] = {}
    strata = protocol.randomisation.strata
    planned = protocol.randomisation.stratum_sizes
    if planned and strata:
        labels = [label for label, n in planned.items() for _ in range(n)]
        order = generator.permutation(size)
        split = [labels[i].split(" / ") for i in order]
        for position, name in enumerate(strata):
            values[name] = [parts[position] for parts in split]
    for name, covariate in protocol.population.covariates.items():
        if name in values:
            continue
        assumed = plan.covariates[name]
        if covariate.type == "categorical":
            p = np.array([assumed.probabilities[level] for level in covariate.levels])
            drawn = generator.choice(len(p), size=size, p=p / p.sum())
            values[name] = [covariate.levels[i] for i in drawn]
        else:
            assert assumed.mean is not None
            assert assumed.sd is not None
            drawn = np.round(generator.normal(assumed.mean, assumed.sd, size=size), 1)
            values[name] = np.clip(drawn, covariate.minimum, covariate.maximum).tolist()
    return {name: values[name] for name in protocol.population.covariates}
