# Reference values for tests/stats/test_ls_means_reference.py and test_tests_of_terms.py from R's
# emmeans, car and nlme. Run from tests/reference with the data of ../shared beside the project:
#   Rscript ls_means.R > ls_means.json
# `one_visit` is simulated here and stored; of FEV only figures are stored; growth are Potthoff and
# Roy's data (nlme::Orthodont), public and stored.
suppressPackageStartupMessages({
  library(nlme); library(emmeans); library(car); library(jsonlite)
})
emm_options(opt.digits = FALSE)

set.seed(20261123)
n <- 160
d <- data.frame(
  id = sprintf("P%03d", 1:n), week = "W1",
  arm = factor(sample(c("control", "low", "mid", "high"), n, TRUE, c(.35, .25, .2, .2)),
               levels = c("control", "low", "mid", "high")),
  site = factor(sample(c("A", "B", "C"), n, TRUE, c(.5, .35, .15))),
  sex = factor(sample(c("f", "m"), n, TRUE, c(.7, .3))),
  age = round(rnorm(n, 45, 12), 1), base = round(rlnorm(n, 3, .3), 2))
d$y <- round(20 + 2 * as.integer(d$arm) + 1.5 * as.integer(d$site) - 2 * (d$sex == "m") +
  .05 * d$age + .3 * d$base + as.integer(d$arm) * (d$sex == "m") + rnorm(n, 0, 4), 3)
# a level combination without rows
d <- d[!(d$site == "C" & d$sex == "m" & d$arm == "high"), ]

rows <- function(x, by = NULL) {
  s <- as.data.frame(summary(x, infer = c(TRUE, TRUE)))
  lapply(seq_len(nrow(s)), function(i) {
    r <- as.list(s[i, , drop = FALSE])
    lapply(r, function(v) if (is.factor(v)) as.character(v) else v)
  })
}
weights <- c("equal", "proportional", "outer", "cells", "flat")

lm_formula <- y ~ age + log(base) + site * sex + arm * sex
fit <- lm(lm_formula, d)
means <- lapply(setNames(weights, weights), function(w) list(
  arm = rows(emmeans(fit, ~ arm, weights = w)),
  arm_by_sex = rows(emmeans(fit, ~ arm | sex, weights = w)),
  site = rows(emmeans(fit, ~ site, weights = w)),
  overall_pair = rows(emmeans(fit, ~ arm * site, weights = w))))
at <- list(
  ages = rows(emmeans(fit, ~ arm | age, at = list(age = c(30, 60)))),
  two_covariates = rows(emmeans(fit, ~ arm, at = list(age = 30, base = 15))),
  sites = rows(emmeans(fit, ~ arm, at = list(site = c("A", "C")))),
  sites_proportional = rows(emmeans(fit, ~ arm, at = list(site = c("A", "C")),
                                    weights = "proportional")),
  only_two_arms = rows(emmeans(fit, ~ arm, at = list(arm = c("low", "high")))))
methods <- c(reference = "trt.vs.ctrl", pairwise = "pairwise", "reverse-pairwise" = "revpairwise",
             consecutive = "consec", mean = "eff", others = "del.eff")
by_sex <- emmeans(fit, ~ arm | sex)
kinds <- lapply(methods, function(m) rows(contrast(by_sex, m, adjust = "none")))
custom <- rows(contrast(emmeans(fit, ~ arm), list(
  active = c(-1, 1/3, 1/3, 1/3), late = c(0, 0, .5, .5)), adjust = "none"))
interaction <- rows(contrast(emmeans(fit, ~ arm * sex),
  interaction = c("trt.vs.ctrl", "pairwise"), adjust = "none"))
joint <- list(
  arm_by_sex = rows(contrast(by_sex, "trt.vs.ctrl"))[0],
  each = lapply(c("f", "m"), function(s) {
    t <- test(contrast(emmeans(fit, ~ arm, at = list(sex = s)), "pairwise"), joint = TRUE)
    list(sex = s, F = t$F.ratio, df1 = t$df1, df2 = t$df2, p = t$p.value) }),
  all = {
    t <- test(contrast(by_sex, "trt.vs.ctrl"), joint = TRUE, by = NULL)
    list(F = t$F.ratio, df1 = t$df1, df2 = t$df2, p = t$p.value) })

type3 <- function(formula) {
  if (any(is.na(coef(lm(formula, d))))) stop("aliased: ", deparse(formula), " ", paste(names(which(is.na(coef(lm(formula, d))))), collapse = " "))
  factors <- c("arm", "site", "sex")
  contrasts <- setNames(rep(list("contr.sum"), 3), factors)[intersect(factors, all.vars(formula))]
  a <- as.data.frame(Anova(lm(formula, d, contrasts = contrasts), type = 3))
  keep <- !(rownames(a) %in% c("(Intercept)", "Residuals"))
  list(formula = paste(deparse(formula), collapse = ""),
       rows = lapply(which(keep), function(i) list(term = rownames(a)[i], F = a[i, "F value"],
         df1 = a[i, "Df"], df2 = a["Residuals", "Df"], p = a[i, "Pr(>F)"])))
}
terms <- lapply(list(
  y ~ arm + site + age, y ~ arm * sex + site * sex + age, y ~ arm * sex * age + site,
  y ~ age * arm + log(base) * sex, y ~ arm * age * base, y ~ (arm + site + sex)^2 + age,
  y ~ age + base + age:base:arm + arm), type3)

slopes <- as.data.frame(joint_tests(lm(y ~ age * arm + sex, d)))

# nlme: general correlation and a variance for each visit, REML
tight <- glsControl(tolerance = 1e-12, msTol = 1e-13, maxIter = 500, msMaxIter = 2000,
                    opt = "nlminb", msVerbose = FALSE)
growth <- as.data.frame(Orthodont)
growth$Subject <- as.character(growth$Subject)
growth$week <- as.integer((growth$age - 6) / 2)
growth$visit <- factor(growth$age)
growth_fit <- gls(distance ~ Sex * visit, growth, correlation = corSymm(form = ~ week | Subject),
                  weights = varIdent(form = ~ 1 | visit), control = tight)
fev <- read.csv("../../../shared/data/fev_data.csv", stringsAsFactors = FALSE, na.strings = "NA")
fev <- fev[!is.na(fev$FEV1), ]
for (v in c("RACE", "SEX", "ARMCD", "AVISIT")) fev[[v]] <- factor(fev[[v]])
fev$SEX <- factor(fev$SEX, levels = c("Male", "Female"))
fev$time <- as.integer(fev$AVISIT)
fev_formula <- FEV1 ~ RACE + SEX + ARMCD * AVISIT
fev_fit <- gls(fev_formula, fev, correlation = corSymm(form = ~ time | USUBJID),
               weights = varIdent(form = ~ 1 | AVISIT), control = tight)
sum_coded <- function(fit, data, names) {
  contrasts <- setNames(rep(list("contr.sum"), length(names)), names)
  for (v in names) contrasts(data[[v]]) <- "contr.sum"
  again <- update(fit, data = data)
  a <- anova(again, type = "marginal")
  lapply(rownames(a)[-1], function(t) list(term = t, F = a[t, "F-value"], df1 = a[t, "numDF"]))
}
# emmeans counts a gls row by its variance weight; a grid from coefficients counts rows
grid <- function(fit, formula, data) qdrg(formula[-2], data = data, coef = coef(fit),
                                          vcov = vcov(fit), df = 1000)
gls_means <- function(grid, spec_all, spec_by) lapply(setNames(weights[1:4], weights[1:4]),
  function(w) list(all = rows(emmeans(grid, spec_all, weights = w)),
                   by = rows(emmeans(grid, spec_by, weights = w))))
growth_grid <- grid(growth_fit, distance ~ Sex * visit, growth)
fev_grid <- grid(fev_fit, fev_formula, fev)

out <- list(
  program = "tests/reference/ls_means.R",
  versions = list(R = R.version.string, emmeans = as.character(packageVersion("emmeans")),
                  car = as.character(packageVersion("car")), nlme = as.character(packageVersion("nlme"))),
  one_visit = list(
    data = lapply(d, function(v) if (is.factor(v)) as.character(v) else v),
    levels = lapply(d[c("arm", "site", "sex")], levels),
    formula = "y ~ age + log(base) + site * sex + arm * sex",
    means = means, at = at, kinds = kinds, custom = custom, interaction = interaction,
    joint = joint[c("each", "all")], type3 = terms,
    joint_tests = list(formula = "y ~ age * arm + sex", rows = lapply(seq_len(nrow(slopes)),
      function(i) lapply(as.list(slopes[i, ]), function(v) if (is.factor(v)) as.character(v) else v)))),
  growth = list(
    data = list(Subject = growth$Subject, visit = as.character(growth$visit),
                Sex = as.character(growth$Sex), distance = growth$distance),
    levels = list(Sex = levels(growth$Sex), visit = levels(growth$visit)),
    formula = "distance ~ Sex * visit", logLik = as.numeric(logLik(growth_fit)),
    means = gls_means(growth_grid, ~ Sex, ~ Sex | visit),
    type3 = sum_coded(growth_fit, growth, c("Sex", "visit"))),
  fev = list(
    formula = "FEV1 ~ RACE + SEX + ARMCD * AVISIT", logLik = as.numeric(logLik(fev_fit)),
    means = gls_means(fev_grid, ~ ARMCD, ~ ARMCD | AVISIT),
    pairs = rows(contrast(emmeans(fev_grid, ~ RACE), "pairwise", adjust = "none")),
    type3 = sum_coded(fev_fit, fev, c("RACE", "SEX", "ARMCD", "AVISIT"))))
cat(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), "\n")
