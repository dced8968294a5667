"""The page of the calibration, written from its results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from equipoise.mechanisms import MechanisticModel
from equipoise.patients.calibration.conflicts import CONFLICTS
from equipoise.patients.calibration.figures import OUTPUTS_IN_WORDS, SHOWN
from equipoise.patients.calibration.targets import CalibrationPlan, Role, Target

HEADINGS = {
    Role.FITTED: "Fitted",
    Role.CHECKED: "Published, and not fitted",
    Role.SHOWN: "Shown without weight",
}


_FITTED_COLUMNS = (
    "parameter",
    "meaning",
    "before",
    "after",
    "unit",
    "centre of the prior",
    "SD of the prior",
    "SD after",
)

_SIGNAL_COLUMNS = (
    "cells",
    "values",
    "rise of the percentage",
    "its correlation",
    "rise of the count",
    "its correlation",
)


def page(model: MechanisticModel, plan: CalibrationPlan, results: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    parts = [
        _head(model, plan, results),
        _parameters(model, plan, results),
        _targets(model, plan, results),
        _held_out(plan, results),
        _naive_signal(plan, results),
        _events(plan, results),
        _identification(results),
        _sensitivity(results),
        "## Conflicts that no choice of parameters resolves\n\n"
        + "\n".join(f"{i}. {text}" for i, text in enumerate(CONFLICTS, 1)),
        _provenance(results),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _head(model: MechanisticModel, plan: CalibrationPlan, results: Mapping[str, Any]) -> str:
    fitted = ", ".join(f"`{name}`" for name in results["parameters"])
    return f"""
# Calibration of the model {model.name}

**SIMULATED: everything on this page but the published targets is computed by the model.**
Written by `make calibrate`, which fits the parameters, writes them into the model's table, and
writes this page; a test holds the page to the parameters. How it is done stands in
[calibration](../methods/calibration.md), every parameter in
[numbers of the model](il2-parameters.md).

{len(plan.of_role(Role.FITTED))} published numbers are fitted, by the parameters
{fitted}. Each target is compared by the paper's own statistic: the maximum over noisy
visits, the sample before the dose. Recalled figures have no weight. All of DEPIL-2 is held out.
{plan.note}."""


def _parameters(model: MechanisticModel, plan: CalibrationPlan, results: Mapping[str, Any]) -> str:
    rows = [
        (
            f"`{name}`",
            model.parameters[name].meaning,
            f"{row['before']:g}",
            f"{row['after']:g}",
            model.parameters[name].unit,
            f"{row['prior_centre']:g}",
            f"{row['prior_sd']:g}",
            f"{row['sd']:.2f}",
        )
        for name, row in results["parameters"].items()
    ]
    others = ", ".join(f"`{n}`" for n in plan.priors if n not in results["parameters"])
    return f"""
## Parameters

{_table(_FITTED_COLUMNS, rows)}

SDs are those of the logarithm; the last is from the curvature of the objective. The priors are
weak, and they are assumptions. {others} have a prior too and are **not** fitted: the targets do
not identify them (see below), they stay at assumed values.

The centres of the priors, and the values that stay, are those of a feasibility study. That study
had seen the mean of DEPIL-2 and the recalled figures. DEPIL-2 is thus held out of the targets,
not of everything that was ever known to whoever chose the assumptions."""


def _targets(model: MechanisticModel, plan: CalibrationPlan, results: Mapping[str, Any]) -> str:
    parts = ["## Model against targets"]
    for role, heading in HEADINGS.items():
        rows = [_target_row(model, t, results["targets"][t.key]) for t in plan.of_role(role)]
        parts.append(f"### {heading}")
        parts.append(_table(("target", "published", "model", "verdict", "source", "assumed"), rows))
    parts.append(
        "*met*: within one uncertainty of the target; *inside*: in the published range, or in the "
        "published direction."
    )
    return "\n\n".join(parts)


def _target_row(model: MechanisticModel, target: Target, found: Mapping[str, Any]) -> list[str]:
    source = model.sources[target.source]
    return [
        target.what,
        _published(target),
        f"{_number(found['model'])} {target.unit}".strip(),
        found["verdict"],
        f"{target.source} ({source.certainty})",
        target.assumed or "—",
    ]


def _published(target: Target) -> str:
    if target.range is not None:
        low, high = target.range
        if high == float("inf"):
            return f"above {low:g} {target.unit}".strip()
        return f"{low:g} to {high:g} {target.unit}".strip()
    assert target.value is not None
    spread = f" ± {target.uncertainty:g}" if target.uncertainty is not None else ""
    return f"{target.value:g}{spread} {target.unit}".strip()


def _held_out(plan: CalibrationPlan, results: Mapping[str, Any]) -> str:
    rows = [
        (
            target.what,
            f"{target.value:g}",
            f"{results['targets'][target.key]['model']:.3f}",
        )
        for target in plan.of_role(Role.HELD_OUT)
    ]
    active, placebo = results["held_out"]["active"], results["held_out"]["placebo"]
    belief = results["belief"]

    def share(value: float) -> str:
        return f"{100 * value:.0f} %"

    return f"""
## Prediction of the trial that is held out

DEPIL-2: 10 people on 1 MIU a day, 4 on placebo; fold change of the Treg percentage from baseline
to the sample before the fifth dose, with error of measurement. 4,000 trials of that size were
drawn; shown are means over them.

{_table(("published quantity", "published", "predicted"), rows)}

- The mean of ten lies between {active["range_of_means"][0]:.2f} and
  {active["range_of_means"][1]:.2f} in 95 % of such trials; it is at least the published one in
  {share(active["mean_at_least_published"])}.
- The interval on active drug lies above 1 in {share(active["interval_excludes_1"])}, and is at
  least as wide as the published one in {share(active["interval_at_least_as_wide"])}.
- The mean of four on placebo lies between {placebo["range_of_means"][0]:.2f} and
  {placebo["range_of_means"][1]:.2f}; the interval is at least as wide as the published one in
  {share(placebo["interval_at_least_as_wide"])}.
- The arms differ (Welch's test, 5 %) in {share(results["held_out"]["difference_found"])}.

These spreads are those of small trials at one set of parameters. Over everything that the priors
and the fitted targets leave open ({belief["draws"]:,} draws of all parameters with a prior, worth
{belief["effective"]:.0f}), the mean fold on active drug has the median
{belief["active_mean"][1]:.2f} and lies between {belief["active_mean"][0]:.2f} and
{belief["active_mean"][2]:.2f} in 95 %. The published 1.17 is to be judged against that range."""


def _naive_signal(plan: CalibrationPlan, results: Mapping[str, Any]) -> str:
    names = {"treg": "Treg", "th2": "Th2", "naive_cd4": "naive CD4+", "naive_cd8": "naive CD8+"}
    signal = results["naive_signal"]
    rows = [
        (
            words,
            when,
            f"{row['percent_rise']:+.1f} %",
            f"{row['percent_correlation']:.2f}",
            f"{row['count_rise']:+.1f} %",
            f"{row['count_correlation']:.2f}",
        )
        for key, words in names.items()
        for when, row in (("before", signal["before"][key]), ("now", signal["now"][key]))
    ]
    before = ", ".join(f"`{name}` {value:g}" for name, value in plan.before_naive_signal.items())
    changed = ", ".join(f"`{name}`" for name in plan.before_naive_signal)
    return f"""
## The signal of the naive cells

IL2REG found that the percentages of naive CD4+ and CD8+ cells rose within five days and predicted
the later improvement. With the values of the feasibility study ({before}) the percentage of naive
CD4+ cells rose and predicted nothing: what Treg and Th2 gain they take from it. The model now has
other values of {changed}: the naive pools grow more, memory cells leave the blood less and
contract more where Treg grow, and `gN` is lower so that the naive pool moves the tone as before.
**All of them are assumed**; no target identifies them.

{_table(_SIGNAL_COLUMNS, rows)}

Rises are means before the fifth dose of 1 MIU a day. Correlations are those of the measured log
rise with the improvement in per cent at day 56, within the active arm of a large population, at
full link; at a link of 0 all of them are 0."""


def _events(plan: CalibrationPlan, results: Mapping[str, Any]) -> str:
    rows: list[Sequence[str]] = []
    for key, counts in plan.events.items():
        risk = results["events"][key]
        for dose, n, k, p in zip(
            counts.doses, counts.patients, counts.with_event, risk["fitted"], strict=True
        ):
            rows.append((counts.what, f"{dose:g}", f"{k} of {n}", f"{100 * p:.0f} %"))
    lines = [
        f"- {counts.what}: background {risk['background']:g}, rise {risk['rise']:g}, half "
        f"{risk['half']:g} MIU; in five doses of 1 MIU {100 * risk['at_1']:.0f} % (95 % profile "
        f"interval {100 * risk['lower']:.0f} to {100 * risk['upper']:.0f} %)."
        for counts, risk in ((plan.events[key], results["events"][key]) for key in plan.events)
    ]
    return f"""
## Adverse events by dose

One dose of d MIU brings an event with probability `background + rise d / (d + half)`, the form of
`[assumptions.mechanistic.events]` in a protocol; five daily doses bring at least one independently,
with `1 - (1 - p)^5`. Fitted by maximum likelihood to the counts of Hartemann 2013.

{_table(("event", "dose, MIU a day", "published", "model"), rows)}

{chr(10).join(lines)}

With six patients a dose the intervals are wide, and three parameters meet three or four counts
nearly exactly: this is a description, and no evidence for its form. Injection-site reactions at
3 MIU are not in the material at hand."""


def _identification(results: Mapping[str, Any]) -> str:
    rows = [
        (
            f"`{name}`",
            one["verdict"],
            "—" if one["lower"] is None else f"{one['lower']:g}",
            "—" if one["upper"] is None else f"{one['upper']:g}",
            f"{one['values'][0]:.3g} to {one['values'][-1]:.3g}",
            ", ".join(f"`{n}`" for n in one["again"]),
        )
        for name, one in results["profiles"].items()
    ]
    return f"""
## Which parameters the targets identify

Profile likelihoods: one parameter is held at each of seven values over a factor of 55 (an odds
ratio, for a share), others are fitted again without priors, and the misfit to the fitted targets
is noted. A limit is where it rises by 3.84; a dash says that it does not within the values tried.

{_table(("parameter", "verdict", "lower limit", "upper limit", "tried", "fitted again"), rows)}

More parameters fitted again could only lower the misfit: what is *not identified* here is not
identified. What is identified is so with the others at their assumed values.

![SIMULATED: profile likelihoods and Sobol indices](../images/il2-calibration.svg)"""


def _sensitivity(results: Mapping[str, Any]) -> str:
    found = results["sensitivity"]
    parts = [
        "## What the results depend on",
        "The typical patient on five daily, then four weekly doses of 1 MIU. Elasticity: per cent "
        "of the result for one per cent of the parameter (of its odds, for a share). Sobol "
        "indices (SALib; Saltelli 2010): share of the variance when every parameter varies "
        "independently within a factor of 1.5, alone and with all its interactions; these widths "
        "are the same for all and say nothing about how well each is known.",
    ]
    for output, words in OUTPUTS_IN_WORDS.items():
        total = found["total"][output]
        most = sorted(total, key=lambda name: -total[name])[:SHOWN]
        rows = [
            (
                f"`{name}`",
                f"{found['elasticities'][output][name]:+.2f}",
                f"{found['first'][output][name]:.2f}",
                f"{total[name]:.2f} ± {found['total_error'][output][name]:.2f}",
            )
            for name in most
        ]
        parts.append(f"### {words[0].upper()}{words[1:]}: {_number(found['typical'][output])}")
        parts.append(_table(("parameter", "elasticity", "first order", "total"), rows))
    return "\n\n".join(parts)


def _provenance(results: Mapping[str, Any]) -> str:
    about = results["about"]
    software = ", ".join(f"{name} {version}" for name, version in about["software"].items())
    return f"""
## Provenance

- Software: {software}.
- Population of {about["people"]:,} people behind every statistic of a population, seed
  {about["seed"]}; the same draws at every step of the fit.
- Targets: `src/equipoise/patients/calibration/targets/il2.toml`, SHA-256
  `{about["targets_sha256"][:16]}…`.
- Values of the model: SHA-256 `{about["values_sha256"][:16]}…`.
- All numbers: [il2-calibration.json](il2-calibration.json)."""


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)
