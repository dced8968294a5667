"""The literature behind the methods; the report cites what it used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.what_ran import fits_of, rerandomised

if TYPE_CHECKING:
    from equipoise.analysis.harm_results import Safety
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.analysis.results import Results

REFERENCES = {
    "consort": "Hopewell S, et al. CONSORT 2025 statement: updated guideline for reporting "
    "randomised trials. BMJ 2025:e081123, doi 10.1136/bmj-2024-081123.",
    "e9r1": "ICH E9(R1). Addendum on estimands and sensitivity analysis in clinical trials. 2019.",
    "mmrm": "Mallinckrodt CH, Clark WS, David SR. Accounting for dropout bias using mixed-effects "
    "models. J Biopharm Stat 2001;11:9\u201321.",
    "reml": "Patterson HD, Thompson R. Recovery of inter-block information when block sizes are "
    "unequal. Biometrika 1971;58:545\u201354.",
    "kenward-roger": "Kenward MG, Roger JH. Small sample inference for fixed effects from "
    "restricted maximum likelihood. Biometrics 1997;53:983\u201397.",
    "satterthwaite": "Satterthwaite FE. An approximate distribution of estimates of variance "
    "components. Biometrics Bull 1946;2:110\u20134.",
    "between-within": "Schluchter MD, Elashoff JT. Small-sample adjustments to tests with "
    "unbalanced repeated measures assuming several covariance structures. J Stat Comput Simul "
    "1990;37:69\u201387.",
    "sandwich": "Pustejovsky JE, Tipton E. Small-sample methods for cluster-robust variance "
    "estimation and hypothesis testing in fixed effects models. J Bus Econ Stat "
    "2018;36:672\u201383.",
    "rerandomisation": "Rosenberger WF, Lachin JM. Randomization in Clinical Trials, 2nd ed. Wiley "
    "2016, chapter 6.",
    "pls": "Wold S, Sj\u00f6str\u00f6m M, Eriksson L. PLS-regression: a basic tool of "
    "chemometrics. Chemom Intell Lab Syst 2001;58:109\u201330.",
    "vip": "Mehmood T, Liland KH, Snipen L, S\u00e6b\u00f8 S. A review of variable selection "
    "methods in partial least squares regression. Chemom Intell Lab Syst 2012;118:62\u20139.",
    "elastic-net": "Zou H, Hastie T. Regularization and variable selection via the elastic net. "
    "J R Stat Soc B 2005;67:301\u201320.",
    "add-one": "Phipson B, Smyth GK. Permutation p-values should never be zero. Stat Appl Genet "
    "Mol Biol 2010;9:39.",
    "inversion": "Garthwaite PH. Confidence intervals from randomization tests. Biometrics "
    "1996;52:1387\u201393.",
    "reference-based": "Carpenter JR, Roger JH, Kenward MG. Analysis of longitudinal trials with "
    "protocol deviation. J Biopharm Stat 2013;23:1352\u201371.",
    "rubin": "Barnard J, Rubin DB. Small-sample degrees of freedom with multiple imputation. "
    "Biometrika 1999;86:948\u201355.",
    "conditional-mean": "Wolbers M, Noci A, Delmar P, Gower-Page C, Yiu S, Bartlett JW. Standard "
    "and reference-based conditional mean imputation. Pharm Stat 2022;21:1246\u201357.",
    "anchored": "Cro S, Carpenter JR, Kenward MG. Information-anchored sensitivity analysis: "
    "theory and application. J R Stat Soc A 2019;182:623\u201345.",
    "tipping": "Yan X, Lee S, Li N. Missing data handling methods in medical device clinical "
    "trials. J Biopharm Stat 2009;19:1085\u201398.",
    "holm": "Holm S. A simple sequentially rejective multiple test procedure. "
    "Scand J Stat 1979;6:65\u201370.",
    "hochberg": "Hochberg Y. A sharper Bonferroni procedure for multiple tests of significance. "
    "Biometrika 1988;75:800\u20132.",
    "fixed-sequence": "Maurer W, Hothorn LA, Lehmacher W. Multiple comparisons in drug clinical "
    "trials and preclinical assays: a-priori ordered hypotheses. Biometrie in der "
    "chemisch-pharmazeutischen Industrie 1995;6:3\u201318.",
    "bh": "Benjamini Y, Hochberg Y. Controlling the false discovery rate: a practical and powerful "
    "approach to multiple testing. J R Stat Soc B 1995;57:289\u2013300.",
    "max-t": "Westfall PH, Young SS. Resampling-Based Multiple Testing. Wiley 1993.",
    "exact": "Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the "
    "case of the binomial. Biometrika 1934;26:404\u201313.",
    "score": "Miettinen O, Nurminen M. Comparative analysis of two rates. "
    "Stat Med 1985;4:213\u201326.",
    "garwood": "Garwood F. Fiducial limits for the Poisson distribution. "
    "Biometrika 1936;28:437\u201342.",
    "rate-ratio": "Przyborowski J, Wilenski H. Homogeneity of results in testing samples from "
    "Poisson series. Biometrika 1940;31:313\u201323.",
    "liver": "Food and Drug Administration. Guidance for industry. Drug-induced liver injury: "
    "premarketing clinical evaluation. 2009.",
    "stopping": "Schultz JR, Nichol FR, Elfring GL, Weed SD. Multiple-stage procedures for drug "
    "screening. Biometrics 1973;29:293\u2013300.",
    "unconditional": "Chan ISF, Zhang Z. Test-based exact confidence intervals for the difference "
    "of two binomial proportions. Biometrics 1999;55:1202\u20139.",
    "kaplan-meier": "Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. "
    "J Am Stat Assoc 1958;53:457\u201381.",
    "restricted-mean": "Royston P, Parmar MKB. Restricted mean survival time: an alternative to "
    "the hazard ratio. BMC Med Res Methodol 2013;13:152.",
    "log-rank": "Mantel N. Evaluation of survival data and two new rank order statistics arising "
    "in its consideration. Cancer Chemother Rep 1966;50:163\u201370.",
    "win": "Brunner E, Munzel U. The nonparametric Behrens-Fisher problem: asymptotic theory and a "
    "small-sample approximation. Biom J 2000;42:17\u201325.",
    "graphical": "Bretz F, Maurer W, Brannath W, Posch M. A graphical approach to sequentially "
    "rejective multiple test procedures. Stat Med 2009;28:586\u2013604.",
    "landmark": "Anderson JR, Cain KC, Gelber RD. Analysis of survival by tumor response. "
    "J Clin Oncol 1983;1:710\u20139.",
    "partial-correlation": "Fisher RA. The distribution of the partial correlation coefficient. "
    "Metron 1924;3:329\u201332.",
    "ranks": "Fieller EC, Hartley HO, Pearson ES. Tests for rank correlation coefficients. I. "
    "Biometrika 1957;44:470\u201381.",
    "mediation": "Imai K, Keele L, Tingley D. A general approach to causal mediation analysis. "
    "Psychol Methods 2010;15:309\u201334.",
    "mediation-sensitivity": "Imai K, Keele L, Yamamoto T. Identification, inference and "
    "sensitivity analysis for causal mediation effects. Stat Sci 2010;25:51\u201371.",
    "several-mediators": "VanderWeele TJ, Vansteelandt S. Mediation analysis with multiple "
    "mediators. Epidemiol Methods 2014;2:95\u2013115.",
    "bca": "Efron B. Better bootstrap confidence intervals. J Am Stat Assoc 1987;82:171\u201385.",
    "ridge": "Hoerl AE, Kennard RW. Ridge regression: biased estimation for nonorthogonal "
    "problems. Technometrics 1970;12:55\u201367.",
    "nested": "Varma S, Simon R. Bias in error estimation when using cross-validation for model "
    "selection. BMC Bioinformatics 2006;7:91.",
    "resampled-t": "Nadeau C, Bengio Y. Inference for the generalization error. Mach Learn "
    "2003;52:239\u201381.",
    "optimism": "Harrell FE, Lee KL, Mark DB. Multivariable prognostic models: issues in "
    "developing models, evaluating assumptions and adequacy, and measuring and reducing errors. "
    "Stat Med 1996;15:361\u201387.",
    "pair-out": "Airola A, Pahikkala T, Waegeman W, De Baets B, Salakoski T. An experimental "
    "comparison of cross-validation techniques for estimating the area under the ROC curve. Comput "
    "Stat Data Anal 2011;55:1828\u201344.",
    "permuted-classifier": "Ojala M, Garriga GC. Permutation tests for studying classifier "
    "performance. J Mach Learn Res 2010;11:1833\u201363.",
    "riley-continuous": "Riley RD, Snell KIE, Ensor J, et al. Minimum sample size for developing a "
    "multivariable prediction model: Part I \u2013 continuous outcomes. Stat Med "
    "2019;38:1262\u201375.",
    "riley-binary": "Riley RD, Snell KIE, Ensor J, et al. Minimum sample size for developing a "
    "multivariable prediction model: Part II \u2013 binary and time-to-event outcomes. Stat Med "
    "2019;38:1276\u201396.",
    "tripod": "Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement: updated guidance for "
    "reporting clinical prediction models that use regression or machine learning methods. BMJ "
    "2024;385:e078378.",
    "freedman-lane": "Freedman D, Lane D. A nonstochastic interpretation of reported significance "
    "levels. J Bus Econ Stat 1983;1:292\u20138.",
    "subset-analysis": "Dixon DO, Simon R. Bayesian subset analysis. Biometrics "
    "1991;47:871\u201381.",
    "shrunken-subgroups": "Jones HE, Ohlssen DI, Neuenschwander B, Racine A, Branson M. Bayesian "
    "models for subgroup analysis in clinical trials. Clin Trials 2011;8:129\u201343.",
    "mixture-prior": "Fraley C, Raftery AE. Bayesian regularization for normal mixture estimation "
    "and model-based clustering. J Classif 2007;24:155\u201381.",
    "adjusted-rand": "Hubert L, Arabie P. Comparing partitions. J Classif 1985;2:193\u2013218.",
    "balance": "Austin PC. Balance diagnostics for comparing the distribution of baseline "
    "covariates. Stat Med 2009;28:3083\u2013107.",
}


def used(results: Results) -> list[str]:
    """The references of the methods that these results used, in the order of their use."""
    keys = ["consort"]
    if results.plan.estimands:
        keys.append("e9r1")
    if not results.blinded and any(
        row.standardised_difference is not None for row in results.baseline.rows
    ):
        keys.append("balance")
    fits = fits_of(results)
    if fits:
        keys.append("mmrm")
        if any(fit.likelihood.lower() == "reml" for fit in fits):
            keys.append("reml")
        methods = {fit.df_method.removesuffix("-firstorder") for fit in fits}
        keys += [m for m in ("kenward-roger", "satterthwaite", "between-within") if m in methods]
        if any(fit.vcov != "model" for fit in fits):
            keys.append("sandwich")
    tests = rerandomised(results)
    if tests:
        keys += ["rerandomisation", "add-one"]
        keys += ["inversion"] if any(row.interval != "none" for row in tests) else []
    keys += imputation_keys(results)
    keys += adjustment_keys(results)
    keys += outcome_keys(results)
    if results.prediction is not None:
        keys += ["landmark", "partial-correlation", "ranks", "freedman-lane"]
        keys += [] if "add-one" in keys else ["add-one"]
        joint = results.prediction.multivariate
        keys += ["pls", "vip", "elastic-net"] if joint is not None and joint.tests else []
        keys += mediation_keys(results.prediction)
    keys += benefit_keys(results)
    keys += [key for key in forecast_keys(results) if key not in keys]
    keys += [key for key in harm_keys(results.safety) if key not in keys]
    return [REFERENCES[key] for key in keys]


def mediation_keys(prediction: Prediction) -> list[str]:
    """Keys of the references behind mediated effects."""
    found = prediction.mediation
    if found is None or not any(row.effects for row in found.sets):
        return []
    keys = ["mediation", "mediation-sensitivity", "bca"]
    return [*keys, "several-mediators"] if found.joint is not None else keys


def benefit_keys(results: Results) -> list[str]:
    """Keys of the references behind profiles and differences in benefit."""
    found = results.stratification
    if found is None:
        return []
    keys: list[str] = []
    if any(one.modifiers for one in found.heterogeneity):
        keys += ["subset-analysis", "shrunken-subgroups"]
    if found.profiles is not None and found.profiles.choices:
        keys += ["mixture-prior", "adjusted-rand"]
    return keys


def forecast_keys(results: Results) -> list[str]:
    """Keys of the references behind the forecasts."""
    found = results.forecast
    if found is None:
        return []
    if not found.stages:
        return ["tripod"]
    keys = ["ridge", "nested", "resampled-t", "optimism", "permuted-classifier", "add-one"]
    needed = {row.outcome for stage in found.stages for row in stage.needed}
    keys += ["pair-out"] if any(stage.pairs for stage in found.stages) else []
    keys += ["riley-continuous"] if "score" in needed else []
    keys += ["riley-binary"] if "response" in needed else []
    return [*keys, "tripod"]


def adjustment_keys(results: Results) -> list[str]:
    """Keys of the references behind adjusted p-values."""
    methods = {family.method for family in results.families}
    if results.prediction is not None and results.prediction.multiplicity is not None:
        methods.add(results.prediction.multiplicity.method)
    over_arms = any(c.adjusted_p is not None for a in results.answers for c in a.contrasts)
    graph = results.plan.testing == "graphical" and results.compared
    found = {
        "holm": "holm" in methods or over_arms,
        "hochberg": "hochberg" in methods,
        "fixed-sequence": "fixed-sequence" in methods,
        "graphical": "graphical" in methods or graph,
        "bh": "bh" in methods,
        "max-t": "max-t" in methods,
    }
    return [key for key, used_here in found.items() if used_here]


def imputation_keys(results: Results) -> list[str]:
    """Keys of the references behind imputed values."""
    items = [item for e in results.estimands.values() for item in e.sensitivity]
    plans = [item.imputed for item in items if item.imputed is not None]
    random = any(not plan.draws.startswith("conditional") for plan in plans)
    found = {
        "reference-based": any(plan.strategy != "mar" for plan in plans),
        "rubin": random,
        "anchored": any(plan.strategy not in ("mar", "last-mean") for plan in plans),
        "conditional-mean": any(plan.draws.startswith("conditional") for plan in plans),
        "tipping": any(item.tipping for item in items),
    }
    return [key for key, used_here in found.items() if used_here]


def outcome_keys(results: Results) -> list[str]:
    """Keys of the references behind response, remission, times and categories."""
    scales = {o.scale for o in results.outcomes.values()}
    rates = bool(scales & {"response", "remission"})
    compared = results.compared
    found = {
        "exact": rates,
        "score": rates and compared,
        "unconditional": rates and compared,
        "kaplan-meier": "time-to-response" in scales,
        "restricted-mean": "time-to-response" in scales,
        "log-rank": "time-to-response" in scales and compared,
        "win": "ordinal" in scales and compared,
    }
    return [key for key, used_here in found.items() if used_here]


def harm_keys(safety: Safety) -> list[str]:
    """Keys of the references of the methods behind the harms."""
    events = (*safety.summary, *safety.terms)
    rows = (*events, *safety.watched, *safety.liver)
    found = {
        "exact": bool(rows),
        "score": any(row.differences for row in rows),
        "garwood": any(rate.per_year is not None for row in events for rate in row.event_rates),
        "rate-ratio": any(row.ratios for row in events),
        "liver": bool(safety.liver),
        "stopping": any(rule.characteristics for rule in safety.stopping),
    }
    return [key for key, used_here in found.items() if used_here]
