"""The landmark association as a protocol plans it: slopes, proportion, who was lost.

Method: docs/methods/early-change.md. Nothing is analysed while blinded: that a marker goes with
the outcome over everybody can give the arms away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.analysis.individual_courses import may_show_people
from equipoise.analysis.prediction.dose_and_surrogacy import bend, effects_on_both
from equipoise.analysis.prediction.early_pairs import EarlyPairs, make_pairs
from equipoise.analysis.prediction.imputed_slopes import impute_slopes
from equipoise.analysis.prediction.marker_multiplicity import adjust_markers
from equipoise.analysis.prediction.marker_table import make_marker_table
from equipoise.analysis.prediction.mediation import analyse_mediation
from equipoise.analysis.prediction.multivariate import analyse_multivariate
from equipoise.analysis.prediction.prediction_results import (
    AddedTerm,
    EarlyChange,
    Prediction,
    Slope,
)
from equipoise.analysis.prediction.repeated_slopes import repeat_slopes
from equipoise.analysis.small_cells import fewest_modelled
from equipoise.stats.early_change import (
    associate,
    associate_ranks,
    curvature,
    permute_residuals,
    slope_difference,
)
from equipoise.streams import stream

if TYPE_CHECKING:
    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.groups import Groups
    from equipoise.analysis.prediction.marker_table import Marker
    from equipoise.protocol import Protocol
    from equipoise.protocol.prediction_plan import PredictionPlan
    from equipoise.records import Records
    from equipoise.stats.early_change import AddedTerm as Term
    from equipoise.stats.early_change import Among, Association

_HIDDEN = "too few people for an estimate that may be shown"
_NO_VARIATION = "the early change does not vary beyond its baseline and the strata"


def analyse_prediction(
    protocol: Protocol,
    records: Records,
    groups: Groups,
    datasets: Mapping[str, Dataset],
    smallest: int,
) -> Prediction | None:
    """The planned association; None where none is planned, or while blinded.

    Parameters
    ----------
    datasets
        The data of every continuous endpoint, by key.
    smallest
        The smallest count that is shown.
    """
    plan = protocol.analysis.prediction
    if plan is None or groups.closed:
        return None
    outcome = protocol.endpoints[plan.outcome]
    people = may_show_people(protocol, records, groups)
    fewest = fewest_modelled(smallest)
    remarks: list[str] = []
    early_outcome = plan.early_visit in protocol.endpoint_visits(plan.outcome)
    if not early_outcome:
        visit = protocol.visit(plan.early_visit).label
        remarks.append(
            f"{outcome.label} is not measured at {visit}: whether people had already improved "
            "by then cannot be adjusted for"
        )
    table = make_marker_table(protocol, records, groups, datasets, plan)
    markers: list[EarlyChange] = []
    for marker in table.markers:
        pairs = make_pairs(table, marker.key, early_outcome=early_outcome)
        markers.append(_marker(protocol, plan, marker, pairs, fewest, people=people))
    adjusted = None
    if plan.multiplicity is not None:
        known = {m.endpoint: m.headline.permutation_p for m in markers}
        adjusted = adjust_markers(plan, table, known)
    mediated = analyse_mediation(table, plan, protocol.analysis.alpha, outcome.label, fewest)
    return Prediction(
        early_visit=plan.early_visit,
        landmark=plan.landmark,
        outcome=plan.outcome,
        outcome_label=outcome.label,
        outcome_scale=outcome.scale.value,  # type: ignore[arg-type]
        outcome_unit=protocol.unit_of(plan.outcome),
        better=outcome.better,
        strata=tuple(protocol.randomisation.strata),
        permutations=plan.permutations,
        seed=plan.seed,
        markers=tuple(markers),
        remarks=tuple(remarks),
        multiplicity=adjusted,
        mediation=mediated,
        multivariate=analyse_multivariate(table, plan, people=people),
    )


def _marker(
    protocol: Protocol,
    plan: PredictionPlan,
    marker: Marker,
    pairs: EarlyPairs,
    fewest: int,
    *,
    people: bool,
) -> EarlyChange:
    key, log = marker.key, marker.log
    alpha = protocol.analysis.alpha
    slopes = [_slope(protocol, plan, key, pairs, "within-arms", log)]
    if pairs.early_outcome:
        slopes.append(_slope(protocol, plan, key, pairs, "within-arms", log, adjusted=True))
    counts = pairs.counts()
    small = [count.group for count in counts if 0 < count.used < fewest]
    if len(pairs.groups) > 1:
        slopes += [
            Slope(among=arm, n=counts[place].used, failure=_HIDDEN)
            if arm in small
            else _slope(protocol, plan, key, pairs, place, log)
            for place, arm in enumerate(pairs.groups)
        ]
        slopes.append(_slope(protocol, plan, key, pairs, "all-arms", log))
    drawn = marker.kind == "composite" or key == plan.predictors[0]
    model = protocol.analysis.models[str(protocol.endpoints[plan.outcome].model)]
    return EarlyChange(
        endpoint=key,
        label=marker.label,
        kind=marker.kind,
        scale="log_fold" if log else "change",
        unit=marker.unit,
        counts=counts,
        slopes=tuple(slopes),
        # With the slope within arms they would give a small arm's own slope back.
        added=() if small else _added(protocol, pairs, slopes[0].sd),
        centres=pairs.centres(fewest),
        pairs=pairs.pairs() if people else (),
        imputed=impute_slopes(plan, key, pairs, slopes, alpha),
        repeated=repeat_slopes(pairs, model, slopes[0].sd, alpha),
        # Neither where an arm has very few observed people: an effect would tell their mean.
        dose=None if small else bend(pairs, alpha, drawn=drawn, people=people),
        surrogacy=() if small else effects_on_both(pairs, slopes[0].sd, alpha),
    )


def _slope(
    protocol: Protocol,
    plan: PredictionPlan,
    key: str,
    pairs: EarlyPairs,
    among: Among,
    log: bool,
    *,
    adjusted: bool = False,
) -> Slope:
    data = pairs.arrays(adjusted=adjusted)
    alpha = protocol.analysis.alpha
    found, ranks = associate(data, among, alpha=alpha), associate_ranks(data, among, alpha=alpha)
    name = pairs.groups[among] if isinstance(among, int) else str(among)
    if not math.isfinite(found.slope):
        return Slope(
            among=name,
            adjusted_for_early_outcome=adjusted,
            n=int(found.n),
            failure=_why(found),
        )
    tested: dict[str, float | int | None] = {}
    if among != "all-arms":
        purpose = f"prediction/{key}/{name}{'/adjusted' if adjusted else ''}"
        test = permute_residuals(data, plan.permutations, stream(plan.seed, purpose), among)
        tested = {
            "permutation_p": _number(test.p),
            "as_extreme": test.as_extreme,
            "movable": test.movable,
        }
    sd, doubling = float(found.sd), math.log(2)
    return Slope.model_validate(
        {
            "among": name,
            "adjusted_for_early_outcome": adjusted,
            "n": int(found.n),
            "df": _number(found.df),
            "estimate": _number(found.slope),
            "se": _number(found.se),
            "lower": _number(found.lower),
            "upper": _number(found.upper),
            "p": _number(found.p),
            "sd": _number(sd),
            "per_sd": _number(found.slope * sd),
            "per_sd_lower": _number(found.lower * sd),
            "per_sd_upper": _number(found.upper * sd),
            "per_doubling": _number(found.slope * doubling) if log else None,
            "per_doubling_lower": _number(found.lower * doubling) if log else None,
            "per_doubling_upper": _number(found.upper * doubling) if log else None,
            "correlation": _number(found.correlation),
            "correlation_lower": _number(found.correlation_lower),
            "correlation_upper": _number(found.correlation_upper),
            "rank_correlation": _number(ranks.correlation),
            "rank_correlation_lower": _number(ranks.correlation_lower),
            "rank_correlation_upper": _number(ranks.correlation_upper),
            **tested,
        }
    )


def _added(protocol: Protocol, pairs: EarlyPairs, sd: float | None) -> tuple[AddedTerm, ...]:
    """Curvature, and the slope of each active arm against the control's, per SD within arms."""
    data, alpha = pairs.arrays(), protocol.analysis.alpha
    terms = [_term("curvature", None, curvature(data, alpha=alpha), sd, squared=True)]
    terms += [
        _term("slope-difference", arm, slope_difference(data, place, alpha=alpha), sd)
        for place, arm in enumerate(pairs.groups)
        if place
    ]
    return tuple(terms)


def _term(
    name: str, arm: str | None, found: Term, sd: float | None, *, squared: bool = False
) -> AddedTerm:
    if sd is None or not math.isfinite(found.estimate):
        failure = "too few people, or an early change that does not vary enough"
        return AddedTerm.model_validate(
            {"term": name, "arm": arm, "n": int(found.n), "failure": failure}
        )
    factor = sd * sd if squared else sd
    return AddedTerm.model_validate(
        {
            "term": name,
            "arm": arm,
            "n": int(found.n),
            "df": _number(found.df),
            "estimate": _number(found.estimate * factor),
            "se": _number(found.se * factor),
            "lower": _number(found.lower * factor),
            "upper": _number(found.upper * factor),
            "p": _number(found.p),
        }
    )


def _why(found: Association) -> str:
    """Why there is no slope."""
    if math.isnan(found.df):
        return f"too few people have all values ({int(found.n)}) for a slope and its covariates"
    return _NO_VARIATION


def _number(value: object) -> float | None:
    """A finite number, or None."""
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None
