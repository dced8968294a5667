"""The table of the mixed model against SAS and R, case by case, as a page."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from stats_reference import find_case, fit_case, rows_of_levels, shared_file, unit_rows

if TYPE_CHECKING:
    from equipoise.stats import MMRMFit

BLOCKS = {
    "satterthwaite": "satterthwaite",
    "kenward_roger_linear": "kenward-roger-firstorder",
    "kenward_roger_sas": "kenward-roger",
}
#: What rounding on another machine may change is not shown.
FLOOR = 1e-9

HEAD = """# The mixed model against SAS and R

Written by `tests/stats/test_validation_page.py` from the cases of SAS PROC MIXED 9.4 and R mmrm 0.3.18 that the project has (`data/mmrm_reference.json` of the shared folder; the synthetic ones lie in `tests/reference`). Each number is the next power of ten above the largest deviation that was seen; what is below 1e-9 is not told apart. Deviations from SAS are those beyond half a unit of its last printed digit (four decimals as a rule), *rounding* where there are none: SAS's own stopping rule, not rounding, limits them (R, tightly converged, differs from SAS by as much).

- **−2 log L**: absolute. **Covariance**: largest element, as a share of √(σᵢᵢσⱼⱼ).
- **Estimate**: in standard errors; **SE** and **df**: relative; over all coefficients, least-squares means and contrasts of the case.

| case | covariance | method | against | inference | −2 log L | covariance | estimate | SE | df |
|---|---|---|---|---|---|---|---|---|---|
"""

TAIL = """
## Known differences, asserted as differences

- R mmrm's default `"Kenward-Roger"` takes second derivatives in log-Cholesky parameters: its standard errors differ from SAS's and ours (up to 1.5 % on FEV, more in small trials), the degrees of freedom do not. Its `"Kenward-Roger-Linear"` is our `kenward-roger-firstorder`.
- Degrees of freedom from the *expected* information (as in R's pbkrtest) are another method: up to 17 % apart on these cases.
- BIC: R mmrm counts participants with a response, SAS all of them; AIC under ML: SAS counts the fixed effects too. `information_criteria` gives both. nlme counts the fixed effects under REML too, and n − p in BIC.

## Other outside results that the tests hold

| what | against | where |
|---|---|---|
| least-squares means, weights, contrasts, Tukey, Dunnett, multivariate t | R emmeans, multcomp, mvtnorm | `tests/stats/test_ls_means_reference.py`, `test_multiple_comparisons.py` |
| type III tests | SAS; R car, nlme | `test_tests_of_terms.py` |
| structures, groups, weights, ML and REML | R nlme::gls; cs against lme4 with pbkrtest | `test_structures_nlme.py` |
| `toep`, `toeph`; Kenward–Roger type III tests and least-squares means under `cs` | R nlme::gls; lmerTest, pbkrtest and emmeans on lme4 | `test_growth_peers.py` |
| Cook's distance at fixed covariance | SAS's manual (seven printed rows) | `test_growth_peers.py` |
| residuals | R nlme | `test_after_the_fit.py` |
| re-randomisation test and its interval: every allocation of an 8 : 3 trial; nine refits with dropout | R lm; nlme::gls | `test_inference_by_design.py` |
| empirical covariance, its df and joint tests | R clubSandwich, SAS EMPIRICAL, R mmrm | `test_sandwich.py` |
| between-within degrees of freedom | R nlme, R mmrm | `test_between_within.py` |
| nearly singular trial | 320-bit arithmetic | `test_mmrm_reference.py` |
| predictions | R lme4 | `test_predictions.py` |
| jump to reference: jackknife and Bayesian | the vignettes of R rbmi | `test_imputation_reference.py` |

## Not compared with outside software

- Kenward–Roger with weights or with `group=`: a plain twin from the definitions only (no case at hand).
- Joint Kenward–Roger tests of several rows: R mmrm and the twin, no SAS listing.
- Multiple imputation beyond jump to reference with the jackknife and with Bayesian draws (there: what the vignettes of rbmi print): copy reference, copy increments, last mean and the bootstrap have a plain twin and closed forms only.
- The full Kenward–Roger form for `csh`, `ar1`, `toeph`, `adh`, `ad` and `sp_exp`: the twin only.
- Conditional predictions with their limits against R mmrm; MDFFITS, COVRATIO, COVTRACE and refitted influence against SAS: definitions, refits and statsmodels (one visit) only.
- The re-randomisation test of repeated measures as a whole (its refits are compared one by one): a plain twin only.
- SAS's LSMEANS with OM, BYLEVEL and ADJUST=, and its own ddfm=bw, from its documentation only.
"""


def power(deviation: float, source: str) -> str:
    if not deviation > FLOOR:
        return "rounding" if source == "SAS" else "< 1e-9"
    return f"1e{math.ceil(math.log10(deviation)):d}"


def bound(cell: str) -> float | None:
    """What a cell of the table allows."""
    if cell == "–":
        return None
    return FLOOR if cell == "rounding" or cell.startswith("<") else float(cell)


def matrix_of(fit: MMRMFit, kind: str, rows: list[dict[str, Any]]) -> np.ndarray | None:
    if kind == "fixed_effects":
        return unit_rows(fit, [row["term"] for row in rows])
    if kind == "lsmeans":
        return rows_of_levels(fit, rows)
    return None


def deviations(fit: MMRMFit, block: dict[str, Any]) -> dict[str, float]:
    worst = {"est": 0.0, "se": 0.0, "df": 0.0}
    for kind in ("fixed_effects", "lsmeans"):
        rows = block.get(kind)
        if not rows:
            continue
        matrix = matrix_of(fit, kind, rows)
        for ours, row in zip(fit.linear(matrix).to_dicts(), rows, strict=True):
            se = row.get("se", ours["se"])
            for name, key, scale in (
                ("est", "estimate", se),
                ("se", "se", se),
                ("df", "df", row.get("df")),
            ):
                if key in row and scale:
                    beyond = abs(ours[key] - row[key]) - row.get(f"{key}_hw", 0.0)
                    worst[name] = max(worst[name], beyond / scale)
    return worst


def case_rows() -> list[list[str]]:
    """Cells of the table, numbers as text."""
    with shared_file("mmrm_reference.json").open(encoding="utf-8") as file:
        cases = [case["id"] for case in json.load(file)["cases"]]
    rows = []
    for key in cases:
        case = find_case(key)
        sources = [("SAS" if case["source"].startswith("SAS") else "R mmrm", case["expected"])]
        if case.get("r_mmrm"):
            sources.append(("R mmrm", case["r_mmrm"]))
        for source, expected in sources:
            for block, word in BLOCKS.items():
                if block not in expected["inference"]:
                    continue
                fit = fit_case(key, word)
                m2ll = abs(fit.minus2_log_likelihood - expected["minus2loglik"])
                m2ll -= expected.get("minus2loglik_hw", 0.0)
                cov = "–"
                if "cov_matrix" in expected and isinstance(fit.covariance, np.ndarray):
                    scale = np.sqrt(np.diag(fit.covariance))
                    beyond = np.abs(fit.covariance - np.array(expected["cov_matrix"]))
                    beyond -= np.array(expected.get("cov_matrix_hw", np.zeros_like(beyond)))
                    cov = power(float(np.max(beyond / np.outer(scale, scale))), source)
                found = deviations(fit, expected["inference"][block])
                rows.append(
                    [
                        f"`{key}`", f"`{fit.structure.word}`", fit.likelihood.word.upper(), source,
                        f"`{word}`", power(m2ll, source), cov,
                        *(power(found[name], source) for name in ("est", "se", "df")),
                    ]
                )  # fmt: skip
    return rows


def page(rows: list[list[str]]) -> str:
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows) + TAIL
