"""The re-randomisation test of an estimand: the scheme of the protocol drawn again.

The numbers are those of `equipoise.stats.rerandomisation_test`; here the allocations are drawn,
in the recorded order of enrolment within stratum. Derivation: docs/methods/re-randomisation.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.estimand_results import Rerandomised
from equipoise.protocol.plan import AllocationMethod
from equipoise.protocol.questions import Scale
from equipoise.randomisation import redraw
from equipoise.stats import StatsError, arm_contrast, rerandomisation_test

if TYPE_CHECKING:
    import numpy as np

    from equipoise.analysis.dataset import Dataset
    from equipoise.protocol import Protocol
    from equipoise.protocol.questions import Estimand, Sensitivity
    from equipoise.records import Records
    from equipoise.stats.inference_by_design import RerandomisationTest
    from equipoise.stats.refitting import ArmContrast

DEFAULT_SEED = 1
_BINS = 40


def rerandomise(
    protocol: Protocol,
    records: Records,
    data: Dataset,
    estimand: Estimand,
    item: Sensitivity,
    arms: tuple[str, ...],
) -> tuple[tuple[Rerandomised, ...], str | None]:
    """One test for each of `arms` against the control, or the reason why there is none.

    Parameters
    ----------
    data
        Of the estimand: its strategies are carried out, its set is chosen.
    arms
        Active arms of which the estimand has a comparison.

    Returns
    -------
    rows, failure
    """
    point = protocol.endpoints[estimand.endpoint]
    model = protocol.analysis.models[str(point.model)]
    why = cannot_redraw(protocol, records)
    if why is not None or not arms:
        return (), why or "the estimand has no comparison to test"
    draws, seed = int(item.draws or 0), DEFAULT_SEED if item.seed is None else item.seed
    drawn = draw_allocations(protocol, records, draws, seed)
    rows: list[Rerandomised] = []
    for arm in arms:
        try:
            contrast = planned_contrast(protocol, data, estimand, arm)
            columns = [drawn.participants[person] for person in contrast.participants]
            found = rerandomisation_test(
                contrast,
                drawn.arms[:, columns],
                interval=len(contrast.arms) == 2,
                alpha=protocol.analysis.alpha,
            )
        except StatsError as error:
            return (), str(error)
        log = point.scale is Scale.LOG_FOLD
        rows.append(_row(found, arm, protocol.control, estimand.visit, model.covariance, seed, log))
    return tuple(rows), None


def planned_contrast(
    protocol: Protocol, data: Dataset, estimand: Estimand, arm: str
) -> ArmContrast:
    """An arm against the control by the estimand's model, ready to be fitted to other arms.

    Raises
    ------
    StatsError
        When the model cannot be fitted.
    """
    model = protocol.analysis.models[str(protocol.endpoints[estimand.endpoint].model)]
    visits = protocol.endpoint_visits(estimand.endpoint)
    return arm_contrast(
        model.formula,
        data.frame,
        subject="participant",
        visit="visit",
        arm="arm",
        level=arm,
        reference=protocol.control,
        at={"visit": estimand.visit} if len(visits) > 1 else None,
        covariance=model.covariance,
        method=model.method,
        df=model.df,
        vcov=model.vcov,
        group=model.group,
    )


def rerandomised_p(
    protocol: Protocol,
    records: Records,
    data: Dataset,
    estimand: Estimand,
    arm: str,
    draws: int,
    seed: int,
) -> float:
    """The p-value of the test of one arm, without its interval; NaN where there is none."""
    if cannot_redraw(protocol, records) is not None:
        return math.nan
    drawn = draw_allocations(protocol, records, draws, seed)
    try:
        contrast = planned_contrast(protocol, data, estimand, arm)
        columns = [drawn.participants[person] for person in contrast.participants]
        return rerandomisation_test(
            contrast, drawn.arms[:, columns], interval=False, alpha=protocol.analysis.alpha
        ).p
    except StatsError:
        return math.nan


class Drawn:
    """Allocations of everybody randomised.

    Attributes
    ----------
    participants
        Participant → column.
    arms
        (B, N) keys of arms.
    """

    def __init__(self, participants: dict[str, int], arms: np.ndarray) -> None:
        self.participants = participants
        self.arms = arms


def draw_allocations(protocol: Protocol, records: Records, draws: int, seed: int) -> Drawn:
    """Draw the protocol's list again and read it at everybody's place."""
    import numpy as np

    table = _places(records)
    places = {
        str(stratum): frame["sequence"].to_list()
        for (stratum,), frame in table.group_by("stratum", maintain_order=True)
    }
    found = redraw(protocol, places, draws, seed)
    codes = np.hstack([found[stratum] for stratum in places])
    people = [
        str(person)
        for _, frame in table.group_by("stratum", maintain_order=True)
        for person in frame["participant"]
    ]
    keys = np.array(list(protocol.arms))
    return Drawn({person: i for i, person in enumerate(people)}, keys[codes])


def _places(records: Records) -> pl.DataFrame:
    """participant, stratum, sequence, arm; where no order is recorded, that of the table."""
    assert records.allocation is not None
    frame = records.allocation
    if frame["sequence"].null_count() == len(frame):
        order = pl.int_range(1, pl.len() + 1).over("stratum")
        frame = frame.with_columns(order.alias("sequence"))
    return frame.select("participant", "stratum", "sequence", "arm").sort("stratum", "sequence")


def cannot_redraw(protocol: Protocol, records: Records) -> str | None:
    """Why the allocation cannot be drawn again; None where it can."""
    if protocol.single_arm or records.allocation is None:
        return "the records have no allocation to arms"
    frame = records.allocation
    plan = protocol.randomisation
    missing = frame["stratum"].null_count()
    if missing:
        return f"{missing} allocations have no stratum, within which they were drawn"
    if plan.method is AllocationMethod.SIMPLE:
        return None  # each draw stands alone: the order of enrolment does not matter
    missing = frame["sequence"].null_count()
    if missing:
        in_turn = plan.method is AllocationMethod.MINIMISATION
        place = "trial" if in_turn else "list of the stratum"
        what = {AllocationMethod.PERMUTED_BLOCKS: "blocks are"}.get(plan.method, "each arm is")
        return (
            f"{missing} of {len(frame)} allocations have no sequence (the place in the {place}), "
            f"and {what} drawn in the order of enrolment"
        )
    if int(frame["sequence"].cast(pl.Int64).min() or 0) < 1:  # type: ignore[arg-type]
        return "places in a list are counted from 1"
    if plan.method is AllocationMethod.MINIMISATION:
        places = frame["sequence"].cast(pl.Int64).sort().to_list()
        if places != list(range(1, len(frame) + 1)):
            return (
                f"the places in the order of enrolment are not 1 to {len(frame)}, each once: "
                "under minimisation an arm depends on everybody who came before"
            )
        return None
    return _not_of_the_scheme(protocol, frame)


def _not_of_the_scheme(protocol: Protocol, frame: pl.DataFrame) -> str | None:
    """Where the recorded arms cannot have come from blocks of the one size there is."""
    sizes = set(protocol.randomisation.block_sizes)
    if len(sizes) != 1:
        return None
    (size,) = sizes
    total = sum(arm.ratio for arm in protocol.arms.values())
    blocks = frame.group_by(
        "stratum", ((pl.col("sequence") - 1) // size).alias("block"), "arm"
    ).len()
    for row in blocks.sort("stratum", "block", "arm").iter_rows(named=True):
        share = protocol.arms[str(row["arm"])].ratio * size // total
        if row["len"] > share:
            first = int(row["block"]) * size + 1
            return (
                f"stratum {row['stratum']}, places {first} to {first + size - 1} of the list: more "
                f"people on {protocol.arms[str(row['arm'])].label} than a block of {size} holds, "
                "so that the recorded allocation did not come from the protocol’s scheme"
            )
    return None


def _row(
    found: RerandomisationTest,
    arm: str,
    control: str,
    visit: str,
    ladder: tuple[str, ...],
    seed: int,
    log: bool,
) -> Rerandomised:
    import numpy as np

    known = found.statistics[np.isfinite(found.statistics)]
    reach = max(4.0, 1.05 * max(abs(found.t), float(np.max(np.abs(known), initial=0.0))))
    counts, edges = np.histogram(known, bins=_BINS, range=(-reach, reach))
    lower, upper = _finite(found.lower), _finite(found.upper)
    ratio: dict[str, float] = {}
    if log:
        ratio = {"ratio": math.exp(found.estimate)}
        if lower is not None and upper is not None:
            ratio |= {"ratio_lower": math.exp(lower), "ratio_upper": math.exp(upper)}
    bounded = lower is not None and upper is not None
    return Rerandomised(
        arm=arm,
        reference=control,
        visit=visit,
        estimate=found.estimate,
        se=found.se,
        df=found.df,
        t=found.t,
        p=found.p,
        p_error=found.p_error,
        p_lower=found.p_lower,
        p_upper=found.p_upper,
        lower=lower,
        upper=upper,
        lower_error=_finite(found.lower_error),
        upper_error=_finite(found.upper_error),
        interval="none" if found.lower is None else "bounded" if bounded else "unbounded",
        monotone=found.monotone,
        draws=found.n_allocations,
        distinct=found.n_distinct,
        extreme=found.n_extreme,
        failed=found.n_failed,
        steps=tuple(zip(ladder, found.steps, strict=True)),
        seed=seed,
        edges=tuple(float(x) for x in edges),
        counts=tuple(int(x) for x in counts),
        **ratio,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
