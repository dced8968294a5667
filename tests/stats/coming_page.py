"""The page "Coming from SAS or R": the calls, and the numbers that each program prints."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from stats_reference import STORED, find_case, fit_case, read_data, term_key, unit_rows
from test_imputation_reference import ANALYSES, imputed, printed

from equipoise.stats import CovarianceStructure, imputation, mmrm

if TYPE_CHECKING:
    from equipoise.stats import MMRMFit

FULL, ARM, AR1H = "fev_us_reml_full", "fev_us_reml_arm_kr", "fev_ar1h_reml_arm_kr"

HEAD = """# Coming from SAS or R

For those who fit mixed models for repeated measures with PROC MIXED or with R's `mmrm`, read least-squares means with `emmeans`, impute with `rbmi` — and want to know what to write here, and whether the same numbers come out. The numbers of SAS (9.4) and of R mmrm (0.3.18, tightly converged) are those of the [validation cases](reference/validation-mmrm.md), fitted to the FEV data of the R package mmrm; ours are printed by the test that writes this page (`tests/stats/test_coming_page.py`).

## The fit

```sas
proc mixed data=fev method=reml;
  class usubjid armcd avisit race sex;
  model fev1 = race sex armcd|avisit / ddfm=kr(firstorder) solution;
  repeated avisit / subject=usubjid type=un;
run;
```

```r
mmrm(FEV1 ~ RACE + SEX + ARMCD * AVISIT + us(AVISIT | USUBJID), data = fev,
     method = "Kenward-Roger", vcov = "Kenward-Roger-Linear")
```

    fit = eq.mmrm("FEV1 ~ RACE + SEX + ARMCD*AVISIT", fev, subject="USUBJID", visit="AVISIT",
                  covariance="us", df="kenward-roger")

"""

CALLS = """
## Call by call

| | SAS PROC MIXED | R | here |
|---|---|---|---|
| likelihood | `method=reml`, `ml` | `reml = TRUE`, `FALSE` | `method="reml"`, `"ml"` |
| groups with a covariance each | `repeated / group=arm` | `us(visit \\| arm / id)` | `group="arm"` |
| weights | `weight w;` | `weights = w` | `weights="w"` |
| Satterthwaite | `ddfm=satterth` | `method = "Satterthwaite"` | `df="satterthwaite"` |
| Kenward–Roger | `ddfm=kr` | not offered in this form under `us` but for the linear one | `df="kenward-roger"` |
| its first-order form | `ddfm=kr(firstorder)` | `vcov = "Kenward-Roger-Linear"` | `df="kenward-roger-firstorder"` |
| residual, between-within | `ddfm=residual`, `bw` | `method = "Residual"`, `"Between-Within"` | `df="residual"`, `"between-within"` (R mmrm's rule) |
| sandwich | `empirical` | `vcov = "Empirical"` | `vcov="cr0"` |
| bias-reduced sandwich | – | clubSandwich `CR2`; mmrm `"Empirical-Bias-Reduced"` | `vcov="cr2"`; `"cr2-root"` |
| jackknife sandwich | – | `"Empirical-Jackknife"` | `vcov="cr3"` |
| coefficients | `solution` | `summary(fit)` | `fit.coefficients`, `print(fit)` |
| type III tests | printed | `car::Anova(fit, type = 3)` | `fit.type3()` |
| LS means | `lsmeans arm*visit` | `emmeans(fit, ~ arm \\| visit)` | `fit.lsmeans("arm", by="visit")` |
| observed margins | `lsmeans / om` | `weights = "proportional"` | `weights="proportional"` and others |
| at a covariate's value | `at base=20` | `at = list(base = 20)` | `at={"base": 20.0}` |
| differences | `lsmeans / diff` | `contrast(e, "trt.vs.ctrl")` | `fit.contrasts("arm", by="visit")` |
| all pairs, adjusted | `adjust=tukey` | `pairs(e)` | `kind="pairwise", adjust="tukey"` |
| against a control, adjusted | `adjust=dunnett` | `adjust = "mvt"` | `adjust="dunnett"` |
| an estimate of one's own | `estimate 'x' arm 1 -1 …` | `contrast(e, list(x = …))` | `fit.combination({…})`, `fit.linear(L)` |
| a joint test | `contrast … , …` | `df_md(fit, L)` | `fit.test(L)`, `fit.test_contrasts(…)` |
| predictions | `outp=` | `predict(fit, conditional = TRUE)` | `fit.predict()` |
| scaled residuals | `vciry` | `residuals(fit, "normalized")` | `fit.residuals("scaled")` |
| influence | `influence(iter=n)` | – | `fit.influence()`, `refit=True` |
| new data from the fit | – | `simulate(fit)` | `fit.simulate(seed=1)` |
| multiple imputation | `proc mi`, `proc mianalyze` | `rbmi::draws`, `impute`, `analyse`, `pool` | `eq.stats.reference_based_imputation(…)`, or stage by stage in `equipoise.stats.imputation` |
| jump to reference | `mnar model(…)` | `strategy_JR` | `strategy="jump-to-reference"` (or `"JR"`) |
| tipping point | `mnar adjust(…)` | `delta_template` | `imputation.tipping_point(…)` |
| many trials | `by trial;` | a loop | `eq.mmrm_batch(…)` |

SAS drops rows with a missing *covariate*; here they are refused with their number. Rows with a missing response are dropped and counted (`fit.n_dropped`).

## Differences, by name

- **Reference levels.** SAS takes the last level in sorted order, R and we the first (or the order that an `Enum` or `Categorical` declares). Tests and means do not depend on it.
- **−2 log L** has SAS's constant, (n − p) log 2π, without log|X′X|, as R mmrm, nlme and lme4 have it. Under REML it depends on the coding of the design: a 0/1 coding with another reference level leaves it, sum-to-zero contrasts move it.
- **BIC and AIC.** `fit.bic` is R mmrm's (covariance parameters; participants with a response). `fit.information_criteria` gives SAS's beside it (under ML the coefficients count too; in BIC everybody in the data). nlme counts the coefficients also under REML, and takes n − p for N.
- **nlme.** `gls` tests with n − p degrees of freedom (`df="residual"` here) and multiplies the standard errors of ML fits by √(n/(n − p)); its parameters are on other scales, its likelihood the same.
- **How far the others iterate.** PROC MIXED stops at g′H⁻¹g < 10⁻⁸ |−2 log L| (CONVH), which on FEV leaves −2 log L up to 1.3e-5 too high, estimates 2.5e-3 of a standard error and df 4e-4 away; R mmrm's default optimiser leaves it up to 3e-5 too high. Here it ends below 1e-8. A difference of that size is the other program's rest.
- **Kenward–Roger in R mmrm** by default takes second derivatives in its own log-Cholesky parameters. Use `"Kenward-Roger-Linear"` to see our numbers.
- **The information** is the observed one, as in SAS and R mmrm; pbkrtest takes the expected one, which on these cases moves degrees of freedom by up to 17 %; with balanced complete data the two agree.
- **No fallback.** R mmrm tries other optimisers silently; here there is one, checked at the end, and a named refusal (`ConvergenceError.convergence.outcome`). Another covariance is fitted only where a protocol lists it.
- **Visits.** The column that `visit` names is a factor, also where it holds numbers, and in the formula too; for a straight line in time put a copy of it there ([example](growth-example.md)). In SAS it is one if CLASS says so; in R it has to be made one.
- **Between-within** follows R mmrm and nlme. SAS's `ddfm=bw` under `type=un` gives every effect the degrees of freedom between participants ([between-within](methods/between-within.md)).

## What is not here

Random effects (`random`), nested or crossed groupings, spatial structures other than the exponential, `ddfm=contain`, binary or count responses. `ad`, one variance with first-order ante-dependence, has no SAS counterpart.
"""


def coefficients(fit: MMRMFit, rows: list[dict[str, Any]]) -> list[dict[str, float]]:
    return fit.linear(unit_rows(fit, [row["term"] for row in rows])).to_dicts()


def fixed_effects_table() -> str:
    block = find_case(FULL)["expected"]["inference"]["kenward_roger_linear"]["fixed_effects"]
    fit = fit_case(FULL, "kenward-roger")
    lines = [
        "| coefficient | R mmrm: estimate | SE | df | here: estimate | SE | df |",
        "|---|---|---|---|---|---|---|",
    ]
    for row, ours in zip(block, coefficients(fit, block), strict=True):
        lines.append(
            f"| `{row['term']}` | {row['estimate']:.6f} | {row['se']:.6f} | {row['df']:.4f} "
            f"| {ours['estimate']:.6f} | {ours['se']:.6f} | {ours['df']:.4f} |"
        )
    return "\n".join(lines)


def forms_table() -> str:
    """The forms of Kenward–Roger for the arm's coefficient, as each program prints them."""
    lines = [
        "| covariance | what | SAS | R mmrm | here |",
        "|---|---|---|---|---|",
    ]
    for key in (ARM, AR1H):
        case = find_case(key)
        for label, block, word in (
            ("`ddfm=kr`, `kenward-roger`", "kenward_roger_sas", "kenward-roger"),
            (
                "`ddfm=kr(firstorder)`, `kenward-roger-firstorder`",
                "kenward_roger_linear",
                "kenward-roger-firstorder",
            ),
            ("R's default `Kenward-Roger`", "kenward_roger_mmrm", None),
        ):
            cells = []
            for source in (case["expected"], case["r_mmrm"]):
                rows = source["inference"].get(block, {}).get("fixed_effects", [])
                found = [r for r in rows if term_key(r["term"]) == frozenset({"ARMCDTRT"})]
                digits = 4 if source is case["expected"] else 6
                cells.append(f"{found[0]['se']:.{digits}f}" if found else "–")
            if word is None:
                ours = "not offered"
            else:
                fit = fit_case(key, word)
                row = next(r for r in fit.coefficients.to_dicts() if r["term"] == "ARMCD[T.TRT]")
                ours = f"{row['se']:.6f}"
            lines.append(
                f"| `{case['model']['covariance']}` | SE of the arm, {label} | {cells[0]} | {cells[1]} | {ours} |"
            )
    return "\n".join(lines)


def criteria_table() -> str:
    key = "fev_us_ml_full_sas"
    case = find_case(key)
    fit = fit_case(key, "satterthwaite")
    printed, other = case["expected"]["fit_statistics_printed"], case["r_mmrm"]
    criteria = fit.information_criteria
    return "\n".join(
        [
            "| FEV, `us`, ML | SAS | R mmrm | here, SAS's convention | here, R's |",
            "|---|---|---|---|---|",
            f"| −2 log L | {case['expected']['minus2loglik']:.8f} | {other['minus2loglik']:.8f} "
            f"| {fit.minus2_log_likelihood:.8f} | {fit.minus2_log_likelihood:.8f} |",
            f"| AIC | {printed['aic']:.1f} | {other['aic']:.4f} | {criteria['SAS'].aic:.4f} | {criteria['R'].aic:.4f} |",
            f"| AICC | {printed['aicc']:.1f} | – | {criteria['SAS'].aicc:.4f} | {criteria['R'].aicc:.4f} |",
            f"| BIC | {printed['bic']:.1f} | {other['bic']:.4f} | {criteria['SAS'].bic:.4f} | {criteria['R'].bic:.4f} |",
        ]
    )


def type3_table() -> str:
    key = "fev_us_ml_full_sas"
    rows = find_case(key)["expected"]["inference"]["satterthwaite"]["type3"]
    fit = fit_case(key, "satterthwaite")
    ours = {frozenset(row["term"].split(":")): row for row in fit.type3().to_dicts()}
    lines = [
        "| effect | SAS: num df | den df | F | here: num df | den df | F |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        one = ours[frozenset(row["effect"].split("*"))]
        lines.append(
            f"| {row['effect']} | {row['num_df']} | {row['den_df']:.0f} | {row['F']:.2f} "
            f"| {one['df1']:.0f} | {one['df2']:.1f} | {one['f'] if 'f' in one else one['F']:.3f} |"
        )
    return "\n".join(lines)


def means_table() -> str:
    """Least-squares means and differences at the last visit, as emmeans prints them for R mmrm."""
    block = find_case(FULL)["expected"]["inference"]["kenward_roger_linear"]
    fit = fit_case(FULL, "kenward-roger")
    lines = [
        "| at VIS4 | R: estimate | SE | df | limits | here: estimate | SE | df | limits |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    means = {row["ARMCD"]: row for row in block["lsmeans"] if row["AVISIT"] == "VIS4"}
    (difference,) = (row for row in block["contrasts"] if row["AVISIT"] == "VIS4")
    ours = {row["ARMCD"]: row for row in fit.lsmeans("ARMCD", at={"AVISIT": "VIS4"}).to_dicts()}
    (ours_difference,) = fit.contrasts("ARMCD", reference="PBO", at={"AVISIT": "VIS4"}).to_dicts()
    pairs = [(arm, means[arm], ours[arm]) for arm in ("PBO", "TRT")]
    for label, theirs, one in (*pairs, ("TRT - PBO", difference, ours_difference)):
        cells = [
            f"{row['estimate']:.5f} | {row['se']:.5f} | {row['df']:.3f} | {row['lower']:.4f} to {row['upper']:.4f}"
            for row in (theirs, one)
        ]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def imputation_table() -> str:
    """Jump to reference in the antidepressant data, as the vignette of rbmi prints it."""
    theirs = printed("jackknife")
    pooled = imputation.pool(imputation.analyse(imputed("conditional-mean-jackknife"), ANALYSES))
    lines = [
        "| jump to reference, PLACEBO − DRUG | rbmi: estimate | SE | limits | here: estimate | SE | limits |",
        "|---|---|---|---|---|---|---|",
    ]
    for visit in ("4", "5", "6", "7"):
        name = f"PLACEBO - DRUG at {visit}"
        row, one = theirs[name], pooled.row(name)
        lines.append(
            f"| visit {visit} | {row[0]:.3f} | {row[1]:.3f} | {row[2]:.3f} to {row[3]:.3f} "
            f"| {one['estimate']:.4f} | {one['se']:.4f} | {one['lower']:.4f} to {one['upper']:.4f} |"
        )
    return "\n".join(lines)


def sandwich_table() -> str:
    """SAS EMPIRICAL and R mmrm's empirical covariances, as standard errors of the arm."""
    stored = json.loads((STORED / "sas_empirical.json").read_text(encoding="utf-8"))
    sas, r = stored["cr0"]["unweighted"], stored["r_mmrm"]
    lines = ["| covariance | `vcov=` | SAS | R mmrm | here |", "|---|---|---|---|---|"]
    for word, kind in (
        ("us", "cr0"), ("cs", "cr0"), ("ar1", "cr0"), ("ar1", "cr2-root"), ("ar1", "cr3")
    ):  # fmt: skip
        fit = mmrm(
            "FEV1 ~ ARMCD", read_data("fev_data.csv"), subject="USUBJID", visit="AVISIT",
            covariance=word, vcov=kind,
        )  # fmt: skip
        cells = [
            f"{math.sqrt(sas[word][1]):.6f}" if kind == "cr0" else "–",
            f"{math.sqrt(r[kind][1]):.6f}" if word == "ar1" else "–",
        ]
        lines.append(
            f"| `{word}` | `{kind}` | {' | '.join(cells)} | {fit.coefficients['se'][1]:.6f} |"
        )
    return "\n".join(lines)


def structures_table() -> str:
    lines = [
        "| here | | SAS `type=` | R mmrm | nlme | parameters for T visits, e.g. 4 |",
        "|---|---|---|---|---|---|",
    ]
    for member in CovarianceStructure:
        nlme = f"`{member.nlme}`".replace("|", "\\|")
        lines.append(
            f"| `{member.word}` | {member.label} | `{member.sas}` | `{member.mmrm}` | {nlme} | {member.n_parameters(4)} |"
        )
    return "\n".join(lines)


def page() -> str:
    return (
        HEAD
        + fixed_effects_table()
        + "\n\n`kenward-roger` and `kenward-roger-firstorder` are the same under `us`, `cs` and `toep`, whose parameters in SAS are linear in the covariance. Under the others they differ, as in SAS:\n\n"
        + forms_table()
        + "\n\n## Information criteria\n\n"
        + criteria_table()
        + "\n\n## Type III tests\n\nThe same fit, Satterthwaite; `fit.type3()`:\n\n"
        + type3_table()
        + '\n\n## Least-squares means\n\n`emmeans(fit, ~ ARMCD | AVISIT)` and `fit.lsmeans("ARMCD", by="AVISIT")`, REML, Kenward–Roger:\n\n'
        + means_table()
        + '\n\n## Reference-based imputation\n\nConditional means with the jackknife, `rbmi::draws(method_condmean(type = "jackknife"))` to `pool`, on the antidepressant data; rbmi\'s numbers are those that its vignette prints (`tests/reference/rbmi_vignettes.json` says where):\n\n'
        + imputation_table()
        + "\n\n## Sandwich\n\nStandard error of the arm in `FEV1 ~ ARMCD`, REML (SAS's to four digits or so: its stopping rule):\n\n"
        + sandwich_table()
        + "\n\n## Covariance structures\n\n"
        + structures_table()
        + "\n\n`ar1` and `toep` go by the order of the visits, not by their times; for uneven times use `sp_exp` with `coordinates=`.\n"
        + CALLS
    )
