"""The literature behind the methods; the report cites what it used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.analysis.results import Results

REFERENCES = {
    "consort": "Hopewell S, et al. CONSORT 2025 statement: updated guideline for reporting "
    "randomised trials. BMJ 2025;388:e081123.",
    "e9r1": "ICH E9(R1). Addendum on estimands and sensitivity analysis in clinical trials. 2019.",
    "mmrm": "Mallinckrodt CH, Clark WS, David SR. Accounting for dropout bias using mixed-effects "
    "models. J Biopharm Stat 2001;11:9\u201321.",
    "reml": "Patterson HD, Thompson R. Recovery of inter-block information when block sizes are "
    "unequal. Biometrika 1971;58:545\u201354.",
    "kenward-roger": "Kenward MG, Roger JH. Small sample inference for fixed effects from "
    "restricted maximum likelihood. Biometrics 1997;53:983\u201397.",
    "satterthwaite": "Satterthwaite FE. An approximate distribution of estimates of variance "
    "components. Biometrics Bull 1946;2:110\u20134.",
    "holm": "Holm S. A simple sequentially rejective multiple test procedure. "
    "Scand J Stat 1979;6:65\u201370.",
    "exact": "Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the "
    "case of the binomial. Biometrika 1934;26:404\u201313.",
    "score": "Miettinen O, Nurminen M. Comparative analysis of two rates. "
    "Stat Med 1985;4:213\u201326.",
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
    fits = [e.fit for e in results.endpoints.values() if e.fit is not None]
    if fits:
        keys += ["mmrm", "reml"]
        keys += [
            m for m in ("kenward-roger", "satterthwaite") if any(f.df_method == m for f in fits)
        ]
    if results.families or any(
        c.adjusted_p is not None for a in results.answers for c in a.contrasts
    ):
        keys.append("holm")
    rows = (*results.safety.summary, *results.safety.terms, *results.safety.watched)
    if rows:
        keys.append("exact")
    if any(row.differences for row in rows):
        keys.append("score")
    return [REFERENCES[key] for key in keys]
