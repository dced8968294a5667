"""Immune profiles at baseline as the protocol plans them.

Method: docs/methods/immune-profiles.md.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from equipoise.analysis.small_cells import too_small
from equipoise.analysis.stratification.benefit_results import (
    InflammationCount,
    ProfileChoice,
    ProfileRelation,
    ProfileResults,
    ProfileRow,
)
from equipoise.stats.exact_intervals import clopper_pearson
from equipoise.stats.profiles import (
    Mixture,
    adjusted_rand,
    correlated_bic,
    fit_mixture,
    permute_relation,
    profile_means,
    relative_entropy,
)
from equipoise.streams import stream

if TYPE_CHECKING:
    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.protocol import Protocol
    from equipoise.protocol.profiles_plan import ProfilesPlan
    from equipoise.records import Records

#: People for each profile that is tried, at least.
_PEOPLE_EACH = 10
#: Members that a profile has, at least: of fewer it is an outlier.
_FEWEST = 5
_STARTS, _STARTS_AGAIN = 100, 5
#: Share of the people in each subsample. With replacement people would stand there twice, which a
#: mixture takes for a profile.
_SUBSAMPLE = 0.8


def analyse_profiles(
    protocol: Protocol,
    records: Records,
    table: MarkerTable | None,
    plan: ProfilesPlan,
    smallest: int,
) -> ProfileResults:
    """Inflammation by cut-offs, latent profiles, and what they go with."""
    people = records.participants.height
    found = ProfileResults(
        randomised=people, n=0, subsamples=plan.subsamples, permutations=plan.permutations
    )
    if plan.inflammation is not None:
        lab = protocol.labs[plan.inflammation]
        found = found.model_copy(
            update={
                "inflammation_label": lab.label,
                "inflammation_unit": str(lab.unit),
                "inflammation": _inflammation(protocol, records, plan, smallest),
            }
        )
    if not plan.markers or table is None:
        return found
    return _latent(protocol, table, plan, found, smallest)


def _inflammation(
    protocol: Protocol, records: Records, plan: ProfilesPlan, smallest: int
) -> tuple[InflammationCount, ...]:
    values = pl.Series("value", [], dtype=pl.Float64)
    if records.labs is not None:
        mine = records.labs.filter(
            (pl.col("analyte") == plan.inflammation)
            & (pl.col("visit").cast(pl.String) == protocol.baseline.id)
        )
        values = mine["value"].cast(pl.Float64).drop_nulls()
    n = len(values)
    found: list[InflammationCount] = []
    for cutoff in sorted(plan.cutoffs, key=lambda c: c.above):
        events = int((values > cutoff.above).sum())
        shown = n > 0 and not too_small((events, n - events), smallest)
        low, high = clopper_pearson(events, n, protocol.analysis.alpha) if shown else (None, None)
        found.append(
            InflammationCount(
                above=cutoff.above,
                n=n,
                events=events if shown else None,
                percent=100.0 * events / n if shown else None,
                lower=None if low is None else 100.0 * low,
                upper=None if high is None else 100.0 * high,
                published=cutoff.percent,
                published_lower=cutoff.lower,
                published_upper=cutoff.upper,
                source=cutoff.source,
            )
        )
    return tuple(found)


def _latent(
    protocol: Protocol,
    table: MarkerTable,
    plan: ProfilesPlan,
    found: ProfileResults,
    smallest: int,
) -> ProfileResults:
    places = [table.place(key) for key in plan.markers]
    raw = table.baseline[:, places]
    complete = np.logical_and.reduce(np.isfinite(raw), axis=1)
    values, n = raw[complete], int(complete.sum())
    labels = tuple(table.markers[p].label for p in places)
    found = found.model_copy(update={"n": n, "markers": labels})
    if n < 2 * _PEOPLE_EACH:
        why = f"{n} people have all markers at baseline; two profiles need {2 * _PEOPLE_EACH}"
        return found.model_copy(update={"failure": why})
    spread = values.std(axis=0, ddof=1)
    if not (spread > 1e-12 * np.maximum(np.abs(values).max(axis=0), 1e-300)).all():
        flat = [label for label, sd in zip(labels, spread, strict=True) if not sd > 0.0]
        why = f"{', '.join(flat) or 'a marker'} does not vary at baseline"
        return found.model_copy(update={"failure": why})
    z = (values - values.mean(axis=0)) / spread
    most = min(plan.most, n // _PEOPLE_EACH)
    remarks: list[str] = []
    if most < plan.most:
        remarks.append(
            f"{plan.most} profiles were planned to be tried; {n} people allow {most}, "
            f"{_PEOPLE_EACH} to each"
        )
    generator = stream(plan.seed, "profiles/fit")
    mixtures = [fit_mixture(z, k, generator, starts=_STARTS) for k in range(1, most + 1)]
    again = stream(plan.seed, "profiles/subsamples")
    order = again.random((plan.subsamples, n)).argsort(axis=1)
    counts = (order < round(_SUBSAMPLE * n)).astype(float)
    resampled = [
        fit_mixture(z, k, again, counts=counts, starts=_STARTS_AGAIN) for k in range(1, most + 1)
    ]
    preferred = np.argmin([m.bic for m in resampled], axis=0)
    choices = tuple(
        _choice(mixture, other, z, float((preferred == place).mean()))
        for place, (mixture, other) in enumerate(zip(mixtures, resampled, strict=True))
    )
    fair = [place for place, choice in enumerate(choices) if choice.smallest >= _FEWEST]
    chosen = min(fair, key=lambda place: choices[place].bic)
    profiles = _profiles(mixtures[chosen], resampled[chosen], z, labels, protocol.analysis.alpha)
    probabilities = mixtures[chosen].probabilities(z)[0]
    if too_small([int((probabilities.argmax(axis=1) == k).sum()) for k in range(chosen + 1)],
                 smallest):  # fmt: skip
        remarks.append("a profile has too few people for its values to be shown")
        profiles, relations = (), ()
    else:
        relations = _relations(table, plan, probabilities, complete) if chosen else ()
    return found.model_copy(
        update={
            "choices": choices,
            "chosen": chosen + 1,
            "correlated_bic": correlated_bic(z),
            "profiles": profiles,
            "relations": relations,
            "remarks": tuple(remarks),
        }
    )


def _choice(mixture: Mixture, again: Mixture, z: np.ndarray, share: float) -> ProfileChoice:
    profiles = mixture.share.shape[1]
    own = mixture.probabilities(z)[0]
    stability = None
    if profiles > 1:
        first = own.argmax(axis=1)
        others = again.probabilities(z).argmax(axis=-1)
        stability = float(np.mean([adjusted_rand(first, other) for other in others]))
    return ProfileChoice(
        smallest=int(np.bincount(own.argmax(axis=1), minlength=profiles).min()),
        profiles=profiles,
        parameters=mixture.parameters,
        log_likelihood=float(mixture.log_likelihood[0]),
        bic=float(mixture.bic[0]),
        chosen_share=share,
        stability=stability,
        entropy=relative_entropy(own) if profiles > 1 else None,
    )


def _profiles(
    mixture: Mixture, again: Mixture, z: np.ndarray, labels: tuple[str, ...], alpha: float
) -> tuple[ProfileRow, ...]:
    """Profiles of the chosen mixture; the subsamples' are matched to them person by person."""
    profiles = mixture.share.shape[1]
    own = mixture.probabilities(z)[0]
    orders = list(itertools.permutations(range(profiles)))
    matched = np.empty((len(again.share), profiles))
    for place, other in enumerate(again.probabilities(z)):
        agreement = own.T @ other
        best = max(orders, key=lambda order: sum(agreement[k, order[k]] for k in range(profiles)))
        matched[place] = again.share[place, list(best)]
    # A subsample of a part f of n varies by (1 - f)/f of what a new sample of n would.
    spread = np.sqrt(_SUBSAMPLE / (1.0 - _SUBSAMPLE)) * (matched - mixture.share[0])
    limits = np.quantile(spread, [alpha / 2.0, 1.0 - alpha / 2.0], axis=0)
    lower, upper = np.clip(mixture.share[0] + limits, 0.0, 1.0)
    first = own.argmax(axis=1)
    found: list[ProfileRow] = []
    for k in range(profiles):
        members = own[first == k, k]
        found.append(
            ProfileRow(
                number=k + 1,
                share=float(mixture.share[0, k]),
                lower=float(lower[k]) if profiles > 1 else None,
                upper=float(upper[k]) if profiles > 1 else None,
                membership=float(members.mean()) if members.size else None,
                means=tuple(zip(labels, map(float, mixture.mean[0, k]), strict=True)),
            )
        )
    return tuple(found)


def _relations(
    table: MarkerTable, plan: ProfilesPlan, probabilities: np.ndarray, complete: np.ndarray
) -> tuple[ProfileRelation, ...]:
    keys = [c.key for c in table.characteristics]
    found: list[ProfileRelation] = []
    for key in plan.related:
        one = table.characteristics[keys.index(key)]
        values = table.characteristic_values[complete, keys.index(key)]
        known = np.isfinite(values)
        if not known.any() or np.ptp(values[known]) == 0.0:
            continue
        columns = values[known, None]
        if one.levels:
            columns = (values[known, None] == np.arange(len(one.levels))).astype(float)
        own = probabilities[known]
        generator = stream(plan.seed, f"profiles/relation/{key}")
        p = permute_relation(own, columns, plan.permutations, generator)
        means = profile_means(own, columns)
        for place, column in enumerate(means.T):
            if one.levels and place == 0:
                continue
            found.append(
                ProfileRelation(
                    characteristic=key,
                    label=one.label,
                    level=one.levels[place] if one.levels else None,
                    values=tuple(map(float, column)),
                    p=p,
                )
            )
    return tuple(found)
