"""Sentences on methods and limits that hold only where something ran: nothing else is claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.words import visit_label, within

if TYPE_CHECKING:
    from equipoise.analysis.estimand_results import Rerandomised
    from equipoise.analysis.results import ModelFit, OutcomeResult, Results

_RATES = frozenset({"response", "remission"})


def fits_of(results: Results) -> list[ModelFit]:
    """Every model that was fitted, those of estimands and sensitivity analyses among them."""
    found = [e.fit for e in results.endpoints.values()]
    found += [e.fit for e in results.estimands.values() if e.own]
    found += [s.fit for e in results.estimands.values() for s in e.sensitivity]
    return [fit for fit in found if fit is not None]


def mixed_models(results: Results) -> str | None:
    """How means were analysed; None where no model was fitted."""
    fits = fits_of(results)
    if not fits:
        return None
    covariances = {fit.covariance for fit in fits}
    covariance = (
        "with an unstructured covariance (us) of a participant’s values"
        if covariances == {"us"}
        else "with the covariance of a participant’s values that the table names"
    )
    likelihoods = {
        "reml": "restricted maximum likelihood (REML)",
        "ml": "maximum likelihood (ML)",
    }
    by = " or ".join(dict.fromkeys(likelihoods[fit.likelihood.lower()] for fit in fits))
    subject = "Each endpoint that is a mean" if results.outcomes else "Each endpoint"
    parts = [
        f"{subject} was analysed by a mixed model for repeated measures: a linear model for all "
        f"visits after baseline {covariance}, fitted by {by}; with a single visit after baseline "
        "this is an analysis of covariance."
    ]
    methods = {fit.df_method for fit in fits}
    if "kenward-roger" in methods:
        parts.append(
            "Standard errors and degrees of freedom are those of Kenward and Roger in the "
            "form that SAS PROC MIXED computes under ddfm=kr, with the observed information of the "
            "covariance parameters."
        )
    if "kenward-roger-firstorder" in methods:
        parts.append(
            f"{'Elsewhere standard' if 'kenward-roger' in methods else 'Standard'} errors and "
            "degrees of freedom are those of Kenward and Roger with first-order terms (SAS "
            "ddfm=kr(firstorder))."
        )
    if "satterthwaite" in methods:
        where = " where the table says so" if len(methods) > 1 else ""
        parts.append(
            f"Degrees of freedom{where} are Satterthwaite’s with the observed information."
        )
    if "between-within" in methods:
        parts.append("Degrees of freedom are counted between and within participants.")
    if "residual" in methods:
        parts.append("Degrees of freedom are the residual ones.")
    if any(fit.vcov != "model" for fit in fits):
        words = ", ".join(dict.fromkeys(f.vcov.upper() for f in fits if f.vcov != "model"))
        parts.append(
            f"Where the table says {words}, standard errors are empirical (sandwich), which do not "
            "rest on the covariance of the model, with Satterthwaite’s degrees of freedom of their "
            "own."
        )
    if any(fit.group for fit in fits):
        parts.append(
            "Where the table says so, each arm has a covariance matrix of its own, so that "
            "unequal variances are allowed for."
        )
    parts.append(
        "Least-squares means weight the levels of other factors equally and set covariates to "
        "their mean over the rows used."
    )
    return " ".join(parts)


def rerandomised(results: Results) -> list[Rerandomised]:
    """Every re-randomisation test that was made."""
    return [
        row
        for estimand in results.estimands.values()
        for item in estimand.sensitivity
        for row in item.rerandomised
    ]


def rerandomisation(results: Results) -> str | None:
    """How comparisons were judged by the design; None where none was."""
    rows = rerandomised(results)
    if not rows:
        return None
    drawn = " or ".join(f"{n:,}" for n in dict.fromkeys(row.draws for row in rows))
    return (
        f"Re-randomisation: {drawn} allocations were drawn by the protocol’s own scheme, "
        "within stratum and in the recorded order of enrolment where blocks make it matter, block "
        "sizes and the last block included; values and missing values stayed where they were, and "
        "the model was fitted to each. The statistic is the estimate divided by its standard "
        "error, p = (b + 1)/(B + 1) two-sided, and an allocation without a fit counts as extreme, "
        "after every covariance that the protocol names was tried. Intervals invert the test for a "
        "shift that is the same at every visit."
    )


def _beside(results: Results) -> str:
    """What stands beside approximate tests, and what does not."""
    said: list[str] = []
    done = [
        e.key
        for e in results.plan.estimands
        if e.key in results.estimands
        and any(s.rerandomised for s in results.estimands[e.key].sensitivity)
    ]
    questions = {e.key: e.question for e in results.plan.estimands}
    if done:
        listed = "; ".join(f"\u201c{questions[key]}\u201d" for key in done)
        said.append(
            f"A re-randomisation test, which needs no such approximation, stands beside {listed}."
        )
    others = [s for e in results.estimands.values() for s in e.sensitivity]
    if any(s.method == "unequal-variances" and s.contrasts for s in others):
        said.append(
            "A model with a covariance for each arm stands beside the estimand it belongs to."
        )
    if any(s.method == "empirical" and s.contrasts for s in others):
        said.append("Empirical standard errors stand beside the estimand they belong to.")
    if not done:
        planned = any(s.method == "re-randomisation" for s in others)
        said.append(
            "The planned re-randomisation test could not be made."
            if planned
            else "The protocol plans no re-randomisation test beside them."
        )
    return " ".join(said)


#: What stands above every table of imputed values.
IMPUTED = (
    "What is assumed of values that nobody saw cannot be checked by any data: these analyses show "
    "how the answer depends on it."
)


def imputed_estimands(results: Results) -> list[str]:
    """Estimands of which missing values were imputed as sensitivity, with a result."""
    return [
        key
        for key, estimand in results.estimands.items()
        if any(item.imputed is not None for item in estimand.sensitivity)
    ]


def imputation_methods(results: Results) -> str | None:
    """How missing values were imputed; None where none were."""
    items = [
        item.imputed
        for estimand in results.estimands.values()
        for item in estimand.sensitivity
        if item.imputed is not None
    ]
    if not items:
        return None
    parts = [
        "As sensitivity, missing values were imputed from the endpoint’s mixed model for "
        "everybody with a baseline, and the completed data analysed by an analysis of covariance "
        "at the visit with the same terms. The strategy holds from the first visit of a "
        "participant’s last run of missing values on; missing values before are imputed as "
        "missing at random."
    ]
    methods = {item.draws for item in items}
    if methods & {"bayes", "approximate-bayes"}:
        parts.append(
            "Random imputations are pooled by Rubin’s rules with the degrees of freedom of "
            "Barnard and Rubin. Under a strategy that refers to another arm their standard errors "
            "keep the share of information that missing values cost under missing at random; they "
            "exceed the long-run variation of the estimate."
        )
    if methods & {"conditional-mean-jackknife", "conditional-mean-bootstrap"}:
        parts.append(
            "Standard errors of conditional means, by leaving out or resampling participants, "
            "estimate the long-run variation of the estimate."
        )
    if any(item.tipping for e in results.estimands.values() for item in e.sensitivity):
        parts.append(
            "The tipping point adds a shift to every imputed value of an arm, missing values "
            "before dropout among them."
        )
    return " ".join(parts)


def early_change_model(results: Results) -> str | None:
    """How an early change was set against the later outcome; None where it was not."""
    found = results.prediction
    if found is None:
        return None
    strata = f", {' and '.join(found.strata)}" if found.strata else ""
    arm = " and, unless all arms are thrown together, the arm" if results.compared else ""
    return (
        f"Analysis of covariance of {found.outcome_label} at {visit_label(results, found.landmark)}"
        f" on the early change at {visit_label(results, found.early_visit)}, with the baseline of "
        f"both{strata}{arm}; fold changes as logarithms. Only people with all values are in it, "
        "which assumes that others are missing at random given these. A standard deviation is that "
        "within arms, in the arm, or over all, as the estimate. p comes from "
        f"{found.permutations:,} permutations of residuals within arm and stratum (Freedman and "
        "Lane), which assumes that residuals are exchangeable there."
    )


def outcome_methods(results: Results) -> str | None:
    """How response, remission, times and categories were analysed; None where there are none."""
    outcomes = results.outcomes.values()
    scales = {outcome.scale for outcome in outcomes}
    compared = results.compared
    parts: list[str] = []
    if scales & _RATES:
        between = ", their differences with the Miettinen–Nurminen score interval"
        parts.append(f"rates with exact intervals{between if compared else ''}")
    if "time-to-response" in scales:
        tested = ", tested by the log-rank test" if compared else ""
        parts.append(f"times to response by Kaplan–Meier curves and restricted mean times{tested}")
    if "ordinal" in scales:
        parts.append(f"categories by {'the Mann–Whitney probability' if compared else 'counts'}")
    if not parts:
        return None
    stratified = compared and any(outcome.stratified_by for outcome in outcomes)
    strata = (
        " Comparisons are stratified by the factors of the randomisation." if stratified else ""
    )
    return f"Endpoints that are not means, each as its table says: {'; '.join(parts)}.{strata}"


def outcome_note(results: Results, outcome: OutcomeResult) -> str:
    """The rule of an outcome, and how it was compared where it was."""
    said = outcome.definition
    if results.compared:
        strata = ", ".join(within(name) for name in outcome.stratified_by)
        said += f". {outcome.method}" + (f" (strata: {strata})" if strata else "")
    else:
        rule = outcome.method.rpartition("; ")[2]
        said += f"; {rule}" if rule.startswith("whoever") else ""
    return f"{said[:1].upper()}{said[1:]}."


def p_note(results: Results, endpoint: str) -> str | None:
    """What the p-values of an endpoint's table are not; None where there are none.

    An estimand or a family that the order of testing closed is named with its visit: p there is
    no test of the plan by another name.
    """
    if not results.compared:
        return None
    closed = [
        (a.visit, f"\u201c{a.question}\u201d")
        for a in results.answers
        if a.endpoint == endpoint and a.significant is None
    ]
    closed += [
        (f.visit, f"\u201c{f.label}\u201d")
        for f in results.families
        if f.closed_by is not None and endpoint in f.contrasts
    ]
    said = "p-values are unadjusted and, outside the estimands, exploratory."
    for visit, what in closed:
        said += (
            f" p at {visit_label(results, visit)} is not a test of the plan: {what} was not tested."
        )
    return said


def limits(results: Results) -> list[str]:
    """What this version does not offer for what ran here."""
    found: list[str] = []
    scales = {outcome.scale for outcome in results.outcomes.values()}
    if results.endpoints:
        found.append(
            "Missing values of endpoints that are means are taken as missing at random given what "
            f"is in the model; {_other_assumptions(results)}."
        )
    checked = [o for o in results.outcomes.values() if o.scale in _RATES and o.sensitivity]
    if checked:
        found.append(
            f"{', '.join(o.label for o in checked)}: another rule for missing values and the case "
            "against the active arm stand beside the rule of the protocol."
        )
    if scales - _RATES:
        found.append(
            "For times to response and categories this version offers no sensitivity analysis of "
            "missing values."
        )
    if fits_of(results) and not results.blinded:
        found.append(
            "Degrees of freedom of mixed models are approximate: with few participants, and more "
            "so with arms of unequal size and unequal variances, the error of tests and intervals "
            "can differ from what is stated." + (f" {_beside(results)}" if results.compared else "")
        )
    return found


def _other_assumptions(results: Results) -> str:
    """What was done about values that are missing for reasons that were not observed."""
    if results.blinded:
        return (
            "other assumptions are compared between arms, and are not analysed while the trial "
            "is blinded"
        )
    imputed = imputed_estimands(results)
    if not imputed:
        return (
            "no sensitivity analysis was planned, or could be done, for values that are missing "
            "for reasons that were not observed"
        )
    asked = {e.key: e.question for e in results.plan.estimands}
    listed = "; ".join(f"“{asked[key]}”" for key in imputed)
    return (
        f"other assumptions stand under Estimands for {listed}, and for no other endpoint that is "
        "a mean"
    )
