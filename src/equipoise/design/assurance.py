"""Assurance: power averaged over what the planner is not sure of.

Each draw of the priors is a protocol of its own, with trials of its own numbers; what is averaged
is how often they make a claim. Between draws a claim's share differs by the priors and by chance;
the standard error of the mean holds both.

References
----------
O'Hagan A, Stevens JW, Campbell MJ (2005) Assurance in clinical trial design. Pharmaceutical
Statistics 4:187–201.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise._version import __version__
from equipoise.design.characteristics import MADE, Claim
from equipoise.design.chunks import Chunk
from equipoise.design.operating import check_arguments, kind_of_patients
from equipoise.design.runner import HowToRun, Progress, TrialRun
from equipoise.design.settings import settings_at
from equipoise.faults import EquipoiseError, Fault
from equipoise.patients import Scenario
from equipoise.protocol.changes import Value, value_at
from equipoise.streams import stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import polars as pl

    from equipoise.design.data_generators import Patients
    from equipoise.protocol import Protocol
    from equipoise.protocol.prior_plan import PriorAssumption

#: How often a value outside its limits is drawn again.
_TRIES = 1000


@dataclass(frozen=True, slots=True)
class AveragedClaim:
    """A claim's power averaged over the priors.

    Attributes
    ----------
    claim
        None: all headline claims in one trial.
    share, error
        Mean over draws and its standard error.
    """

    claim: Claim | None
    share: float
    error: float

    @property
    def lower(self) -> float:
        """Of the 95 % interval of the Monte-Carlo error, at least 0."""
        return max(0.0, self.share - 1.959964 * self.error)

    @property
    def upper(self) -> float:
        """Of the 95 % interval of the Monte-Carlo error, at most 1."""
        return min(1.0, self.share + 1.959964 * self.error)


@dataclass(frozen=True, slots=True, eq=False)
class Assurance:
    """Power of every claim averaged over a protocol's priors.

    Attributes
    ----------
    study, title, protocol_hash, seed, software, patients
        As of `DesignMap`.
    draws, trials
        Draws of the priors, and trials of each.
    priors
        (label, what is drawn) of each.
    claims : tuple of AveragedClaim
        The joint event of all headline claims last, where there is one.
    drawn : float64 (draws, priors)
    made : int64 (draws, claims)
        Trials of each draw that make each of `claims`.
    """

    study: str
    title: str
    protocol_hash: str
    seed: int
    software: str
    patients: str
    draws: int
    trials: int
    priors: tuple[tuple[str, str], ...]
    claims: tuple[AveragedClaim, ...]
    drawn: np.ndarray
    made: np.ndarray

    @property
    def simulated(self) -> bool:
        """Always: every trial was drawn by a program."""
        return True

    @property
    def table(self) -> pl.DataFrame:
        """One row a claim."""
        import polars as pl

        rows = [
            {
                "claim": "headline" if one.claim is None else one.claim.key,
                "label": "All headline claims" if one.claim is None else one.claim.label,
                "assurance": one.share,
                "error": one.error,
                "lower": one.lower,
                "upper": one.upper,
            }
            for one in self.claims
        ]
        return pl.DataFrame(rows).with_columns(origin=pl.lit("SIMULATED"))

    @property
    def each_draw(self) -> pl.DataFrame:
        """One row a draw: what was drawn, and how many of its trials make each claim."""
        import polars as pl

        columns: dict[str, object] = {"draw": list(range(self.draws))}
        columns |= {label: self.drawn[:, i] for i, (label, _) in enumerate(self.priors)}
        for i, one in enumerate(self.claims):
            columns["headline" if one.claim is None else one.claim.key] = self.made[:, i]
        return pl.DataFrame(columns).with_columns(origin=pl.lit("SIMULATED"))


def assure(
    protocol: Protocol,
    draws: int = 200,
    trials: int = 5,
    seed: int = 1,
    *,
    scenario: str = Scenario.PLANNED,
    patients: Patients = None,
    workers: int | None = None,
    progress: Progress | None = None,
    cluster: str | None = None,
) -> Assurance:
    """Average the power of every claim over the protocol's priors.

    Parameters
    ----------
    protocol
        With `assumptions.priors`.
    draws
        Of the priors, at least 2.
    trials
        Simulated for each draw.
    seed, scenario, patients, workers, progress, cluster
        As for `operating_characteristics`.

    Raises
    ------
    EquipoiseError
        When there is no prior, a prior names a field that takes no number, or a drawn value is
        one that the protocol's rules refuse.
    """
    import numpy as np

    check_arguments(protocol, trials, seed, (scenario,), workers, 1, patients)
    check_priors(protocol, draws)
    priors = protocol.assumptions.priors
    drawn = np.array(
        [[draw_prior(one, seed, key, k) for key, one in priors.items()] for k in range(draws)]
    )
    points = [_values(protocol, row) for row in drawn]
    settings = settings_at(protocol, (scenario,), points, patients)
    how = HowToRun(workers, trials, progress, None, cluster)
    kind = ""
    with TrialRun(settings, seed, patients, how) as run:
        work = run.bench.work(0)
        headline = [i for i, one in enumerate(work.claims) if one.claim.headline]
        made = np.zeros((draws, len(work.claims) + bool(headline)), dtype=np.int64)
        # Every draw has trials of its own numbers: what differs is not the priors alone.
        chunks = [Chunk(k, k * trials, (k + 1) * trials) for k in range(draws)]
        for done, (chunk, rows) in enumerate(run.chunks(chunks), 1):
            hit = rows.hits == MADE
            made[chunk.setting, : hit.shape[1]] = hit.sum(axis=0)
            if headline:
                made[chunk.setting, -1] = int(hit[:, headline].all(axis=1).sum())
            kind = rows.patients
            if progress is not None:
                progress(done * trials, draws * trials)
        claims: list[Claim | None] = [one.claim for one in work.claims]
    claims += [None] if headline else []
    share = made / trials
    return Assurance(
        study=protocol.trial.id,
        title=protocol.trial.short_title,
        protocol_hash=protocol.hash,
        seed=seed,
        software=f"equipoise {__version__}",
        patients=kind_of_patients(protocol, kind),
        draws=draws,
        trials=trials,
        priors=tuple((one.label, prior_text(one)) for one in priors.values()),
        claims=tuple(
            AveragedClaim(claim, float(mean), float(sd) / math.sqrt(draws))
            for claim, mean, sd in zip(
                claims, share.mean(axis=0), share.std(axis=0, ddof=1), strict=True
            )
        ),
        drawn=drawn,
        made=made,
    )


def draw_prior(prior: PriorAssumption, seed: int, key: str, draw: int) -> float:
    """One value of a prior; within its limits, by drawing again.

    Raises
    ------
    EquipoiseError
        When hardly a value lies within the limits.
    """
    generator = stream(seed, f"prior/{key}", draw)
    low = -math.inf if prior.minimum is None else prior.minimum
    high = math.inf if prior.maximum is None else prior.maximum
    if prior.distribution == "uniform":
        return float(generator.uniform(low, high))
    for _ in range(_TRIES):
        if prior.distribution == "beta":
            value = float(generator.beta(prior.a, prior.b))  # type: ignore[arg-type]
        elif prior.distribution == "normal":
            value = float(generator.normal(prior.mean, prior.sd))  # type: ignore[arg-type]
        else:
            assert prior.median is not None
            value = prior.median * math.exp(float(generator.normal(0.0, prior.sd_log)))  # type: ignore[arg-type]
        if low <= value <= high:
            return value
    raise EquipoiseError(
        "The priors are not drawn",
        [
            Fault(
                "prior-outside-limits",
                "",
                f"assumptions.priors.{key}",
                f"{low:g} to {high:g}",
                f"a value of the prior lies within its limits; of {_TRIES} draws none did",
                "widen the limits, or move the distribution",
            )
        ],
    )


def prior_text(prior: PriorAssumption) -> str:
    """A prior in words."""
    law = {
        "normal": f"normal, mean {prior.mean}, SD {prior.sd}",
        "log-normal": f"log-normal, median {prior.median}, SD of the logarithm {prior.sd_log}",
        "uniform": f"uniform from {prior.minimum} to {prior.maximum}",
        "beta": f"beta with {prior.a} and {prior.b}",
    }[prior.distribution]
    if prior.distribution != "uniform" and (prior.minimum is not None or prior.maximum is not None):
        law += f", cut to {prior.minimum if prior.minimum is not None else '−∞'} to "
        law += f"{prior.maximum if prior.maximum is not None else '∞'}"
    how = "factor on" if prior.multiplies else "value of"
    return f"{how} {', '.join(prior.fields)}: {law}"


def _values(protocol: Protocol, row: np.ndarray) -> dict[str, Value]:
    """Field → value of one draw."""
    found: dict[str, Value] = {}
    for prior, value in zip(protocol.assumptions.priors.values(), row, strict=True):
        for name in prior.fields:
            there = value_at(protocol, name) if prior.multiplies else 1.0
            assert isinstance(there, int | float)
            found[name] = float(value) * float(there)
    return found


def check_priors(protocol: Protocol, draws: int) -> None:
    """Refuse priors that cannot be averaged over.

    Raises
    ------
    EquipoiseError
        With every fault of them.
    """
    faults: list[Fault] = []
    priors: Mapping[str, PriorAssumption] = protocol.assumptions.priors
    if not priors:
        faults.append(
            Fault(
                "priors-missing",
                "",
                "assumptions.priors",
                "",
                "assurance averages power over priors, and the protocol has none",
                "add [assumptions.priors.NAME] with label, fields and distribution",
            )
        )
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 2:
        faults.append(
            Fault(
                "count-invalid", "", "draws", str(draws),
                "draws is a whole number of at least 2", "ask for example for 200",
            )
        )  # fmt: skip
    seen: dict[str, str] = {}
    for key, prior in priors.items():
        for name in prior.fields:
            path = f"assumptions.priors.{key}.fields"
            if name in seen:
                faults.append(
                    Fault(
                        "prior-field-twice", "", path, name,
                        f"a field has one prior; `{seen[name]}` has it too", "take one out",
                    )
                )  # fmt: skip
            seen[name] = key
            if not prior.multiplies:
                continue
            try:
                there = value_at(protocol, name)
            except EquipoiseError as error:
                faults += error.faults
                continue
            if isinstance(there, bool) or not isinstance(there, int | float):
                faults.append(
                    Fault(
                        "prior-field-not-numeric", "", path, name,
                        "a factor multiplies a number that the protocol has",
                        "name a field with a number",
                    )
                )  # fmt: skip
    if faults:
        raise EquipoiseError("The priors are not drawn", faults)
