"""Everything that the calibration found, as one table of plain values: the content of its JSON."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from equipoise.mechanisms import MechanisticModel
from equipoise.patients.calibration.adverse_events import fit_event_risk
from equipoise.patients.calibration.fitting import Fit
from equipoise.patients.calibration.prediction_of_belief import BeliefPrediction
from equipoise.patients.calibration.profile_likelihood import Profile
from equipoise.patients.calibration.published_statistics import Experiments
from equipoise.patients.calibration.sensitivity import Sensitivity
from equipoise.patients.calibration.targets import CalibrationPlan, Role

#: Digits that are kept: more than are printed, fewer than differ between machines.
DIGITS = 6

#: Populations whose early signal is shown.
SIGNALS = ("treg", "th2", "naive_cd4", "naive_cd8")


def values_hash(model: MechanisticModel) -> str:
    """SHA-256 of all values and spreads of a model and its effects: not of words about them."""
    rows = {name: [row.value, row.spread] for name, row in model.parameters.items()}
    effects = {name: effect.value for name, effect in model.effects.items()}
    return hashlib.sha256(json.dumps([rows, effects], sort_keys=True).encode()).hexdigest()


def comparison(model: MechanisticModel, plan: CalibrationPlan) -> dict[str, Any]:
    """The model against every target, the held-out trial, the naive signal: what is quick.

    Returns
    -------
    dict
        ``targets``, ``held_out``, ``naive_signal``, ``events``; a pure function of the model's
        values and of the plan.
    """
    experiments = Experiments.of_plan(model, plan)
    targets: dict[str, Any] = {}
    for target in plan.targets:
        found = experiments.value(target)
        targets[target.key] = {
            "model": _digits(found),
            "verdict": target.verdict(_digits(found)),
        }
    return {
        "targets": targets,
        "held_out": _held_out(experiments, plan),
        "naive_signal": {
            "now": _signals(experiments),
            "before": _signals(
                Experiments.of_plan(model.with_values(plan.before_naive_signal), plan)
            ),
        },
        "events": {key: asdict(fit_event_risk(counts)) for key, counts in plan.events.items()},
    }


def all_results(
    model: MechanisticModel,
    plan: CalibrationPlan,
    fitted: Fit,
    found: Mapping[str, Profile],
    sensitive: Sensitivity,
    believed: BeliefPrediction,
) -> dict[str, Any]:
    """What is written as JSON; everything in it is simulated or assumed but the targets."""
    import numpy as np
    import scipy

    from equipoise._version import __version__

    return {
        "about": {
            "simulated": True,
            "model": model.name,
            "values_sha256": values_hash(model),
            "targets_sha256": plan.sha256,
            "people": plan.people,
            "seed": plan.seed,
            "software": {
                "equipoise": __version__,
                "python": platform.python_version(),
                "numpy": np.__version__,
                "scipy": scipy.__version__,
            },
        },
        "parameters": {
            name: {
                "before": fitted.before[name],
                "after": fitted.after[name],
                "prior_centre": plan.priors[name].centre,
                "prior_sd": plan.priors[name].sd,
                "sd": _digits(fitted.sd[name], 3),
            }
            for name in fitted.names
        },
        "fit": {"cost": _digits(fitted.cost, 4), "evaluations": fitted.evaluations},
        **comparison(model, plan),
        "belief": _rounded(asdict(believed), 4),
        "profiles": {name: asdict(one) for name, one in found.items()},
        "sensitivity": _rounded(
            {
                "typical": dict(sensitive.typical),
                "elasticities": _plain(sensitive.elasticities),
                "first": _plain(sensitive.first),
                "total": _plain(sensitive.total),
                "total_error": _plain(sensitive.total_error),
            },
            3,
        ),
    }


def _held_out(experiments: Experiments, plan: CalibrationPlan) -> dict[str, Any]:
    """How trials of the size of DEPIL-2 fall, and how the published one lies among them."""
    import numpy as np

    trials = experiments.small_trials
    published = {t.argument: t.value for t in plan.of_role(Role.HELD_OUT)}
    found: dict[str, Any] = {}
    for arm in ("active", "placebo"):
        mean = trials[f"{arm} mean"]
        lower, upper = trials[f"{arm} lower"], trials[f"{arm} upper"]
        width = published[f"{arm} upper"] - published[f"{arm} lower"]  # type: ignore[operator]
        found[arm] = {
            "mean": _digits(mean.mean()),
            "range_of_means": [_digits(x) for x in np.quantile(mean, [0.025, 0.975])],
            "mean_interval": [_digits(lower.mean()), _digits(upper.mean())],
            "interval_excludes_1": _digits((lower > 1).mean()),
            "mean_at_least_published": _digits((mean >= published[f"{arm} mean"]).mean()),
            "interval_at_least_as_wide": _digits((upper - lower >= width).mean()),
        }
    found["difference_found"] = _digits((trials["p"] < 0.05).mean())
    return found


def _signals(experiments: Experiments) -> dict[str, Any]:
    return {
        name: {
            "percent_rise": _digits(experiments.day_5_rise(name)),
            "percent_correlation": _digits(experiments.prediction(name)),
            "count_rise": _digits(experiments.day_5_count_rise(name)),
            "count_correlation": _digits(experiments.prediction_by_count(name)),
        }
        for name in SIGNALS
    }


def _digits(value: float, digits: int = DIGITS) -> float:
    return float(f"{float(value):.{digits}g}")


def _plain(table: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {key: dict(row) for key, row in table.items()}


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, float):
        return _digits(value, digits)
    if isinstance(value, dict):
        return {key: _rounded(entry, digits) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(entry, digits) for entry in value]
    return value
