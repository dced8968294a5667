# Reference values for tests/stats/test_sandwich.py and test_between_within.py: nlme::gls fits,
# clubSandwich's CR0, CR2, CR3, Satterthwaite and HTZ, nlme::lme's denominator df, and lme4's
# predictions of a random intercept (test_predictions.py).
# Run: Rscript sandwich.R ../../../shared/data > sandwich.json   (the folder that holds fev_data.csv)
suppressMessages({library(nlme); library(clubSandwich); library(jsonlite)})
folder <- commandArgs(trailingOnly = TRUE)[1]

tight <- glsControl(opt = "nlminb", tolerance = 1e-12, msTol = 1e-14, maxIter = 2000,
                    msMaxIter = 2000)

fev <- read.csv(file.path(folder, "fev_data.csv"), na.strings = "NA")
fev <- fev[!is.na(fev$FEV1), ]
fev$RACE <- factor(fev$RACE, c("Asian", "Black or African American", "White"))
fev$SEX <- factor(fev$SEX, c("Male", "Female"))
fev$ARMCD <- factor(fev$ARMCD, c("PBO", "TRT"))
fev$subject <- factor(fev$USUBJID)
fev$visit <- as.integer(factor(fev$AVISIT))
fev$AVISIT <- factor(fev$AVISIT)
fev$inverse_weight <- 1 / fev$WEIGHT
fev <- fev[order(fev$subject, fev$visit), ]

orthodont <- as.data.frame(nlme::Orthodont)
orthodont$subject <- factor(as.character(orthodont$Subject))
orthodont$visit <- as.integer(factor(orthodont$age))
orthodont$sex <- factor(as.character(orthodont$Sex), c("Female", "Male"))
orthodont$alone <- as.numeric(orthodont$subject == "M09")
orthodont$week <- factor(orthodont$age)
orthodont <- orthodont[order(orthodont$subject, orthodont$visit), ]

synth <- read.csv("synth1.csv", na.strings = "NA")
synth <- synth[!is.na(synth$y), ]
synth$subject <- factor(synth$subject)
synth$arm <- factor(synth$arm, c("CONTROL", "ACTIVE"))
synth$visit_f <- factor(synth$visit)
synth$inverse_weight <- 1 / (1 + abs(synth$base) / 30)  # any positive function of the data
synth$visit <- as.integer(synth$visit_f)
synth <- synth[order(synth$subject, synth$visit), ]

# Covariance matrix of a participant with every visit, at weight 1.
marginal <- function(fit, visits, weight) {
  size <- max(visits)
  complete <- names(which(table(getGroups(fit)) == size))[1]
  v <- getVarCov(fit, individual = complete)
  w <- sqrt(weight[getGroups(fit) == complete])
  matrix(as.numeric(v), size) * outer(w, w)
}

one <- function(id, data, formula, visits, correlation, weights, tests,
                types = c("CR0", "CR2", "CR3"), weight = rep(1, nrow(data))) {
  fit <- gls(formula, data, correlation = correlation, weights = weights, method = "REML",
             control = tight)
  out <- list(id = id, formula = paste(deparse(formula), collapse = ""),
              estimate = as.list(coef(fit)), covariance = marginal(fit, visits, weight),
              minus2 = -2 * as.numeric(logLik(fit)), model = unname(vcov(fit)),
              vcov = list())
  if (!startsWith(id, "fev")) {  # rows of FEV may not be stored
    out$normalized <- as.numeric(residuals(fit, type = "normalized"))
    out$pearson <- as.numeric(residuals(fit, type = "pearson"))
  }
  for (type in types) {
    v <- vcovCR(fit, cluster = data$subject, type = type)
    rows <- coef_test(fit, v, test = "Satterthwaite")
    joint <- lapply(tests, function(at) {
      L <- diag(length(coef(fit)))[at, , drop = FALSE]
      w <- Wald_test(fit, L, v, test = "HTZ")
      list(rows = at - 1, statistic = w$Fstat, delta = w$delta, df1 = w$df_num, df2 = w$df_denom,
           p = w$p_val)
    })
    out$vcov[[type]] <- list(matrix = unname(as.matrix(v))[, ], se = rows$SE,
                             df = rows$df_Satt, p = rows$p_Satt, joint = joint)
  }
  out
}

cases <- list(
  one("fev_us", fev, FEV1 ~ RACE + SEX + ARMCD * AVISIT, fev$visit,
      corSymm(form = ~ visit | subject), varIdent(form = ~ 1 | visit),
      list(2:3, 9:11, c(5, 9:11))),
  one("orthodont_us", orthodont, distance ~ sex * week, orthodont$visit,
      corSymm(form = ~ visit | subject), varIdent(form = ~ 1 | visit), list(2:2, 6:8, 3:8)),
  one("orthodont_slope_us", orthodont, distance ~ sex * age, orthodont$visit,
      corSymm(form = ~ visit | subject), varIdent(form = ~ 1 | visit), list(c(2, 4))),
  one("synth1_us", synth, y ~ base * visit_f + arm * visit_f, synth$visit,
      corSymm(form = ~ visit | subject), varIdent(form = ~ 1 | visit),
      list(c(7, 12:15), 12:15)),
  # one participant alone identifies a coefficient: CR2 by pseudo-inverse, no CR3
  one("orthodont_alone_us", orthodont, distance ~ sex * week + alone, orthodont$visit,
      corSymm(form = ~ visit | subject), varIdent(form = ~ 1 | visit), list(7:9),
      types = c("CR0", "CR2")),
  one("fev_cs", fev, FEV1 ~ RACE + SEX + ARMCD * AVISIT, fev$visit,
      corCompSymm(form = ~ 1 | subject), NULL, list(2:3, 9:11)),
  one("fev_ar1", fev, FEV1 ~ ARMCD, fev$visit, corAR1(form = ~ visit | subject), NULL, list(1:2)),
  one("fev_weighted_us", fev, FEV1 ~ RACE + SEX + ARMCD * AVISIT, fev$visit,
      corSymm(form = ~ visit | subject),
      varComb(varIdent(form = ~ 1 | visit), varFixed(~ inverse_weight)),
      list(2:3, 9:11), weight = fev$WEIGHT),
  one("synth1_weighted_us", synth, y ~ base * visit_f + arm * visit_f, synth$visit,
      corSymm(form = ~ visit | subject),
      varComb(varIdent(form = ~ 1 | visit), varFixed(~ inverse_weight)),
      list(c(7, 12:15)), weight = 1 / synth$inverse_weight))

levels_of <- function(formula, data) {
  fit <- lme(formula, data, random = ~ 1 | subject, control = lmeControl(opt = "optim"))
  as.list(fit$fixDF$X)
}
between_within <- list(
  orthodont_slope_us = levels_of(distance ~ sex * age, orthodont),
  orthodont_us = levels_of(distance ~ sex * week, orthodont),
  fev_us = levels_of(FEV1 ~ RACE + SEX + ARMCD * AVISIT, fev),
  synth1_us = levels_of(y ~ base * visit_f + arm * visit_f, synth))

# Random intercept: best linear unbiased predictions of responses that were taken out.
out <- orthodont
out$distance[c(3, 4, 10, 22, 57, 58, 59, 104)] <- NA
blup <- lme4::lmer(distance ~ sex * age + (1 | subject), out, REML = TRUE,
                   control = lme4::lmerControl(optCtrl = list(ftol_abs = 1e-14, xtol_abs = 1e-12)))
random_intercept <- list(
  taken_out = which(is.na(out$distance)) - 1,
  predicted = as.numeric(predict(blup, out[is.na(out$distance), ])),
  variances = as.data.frame(lme4::VarCorr(blup))$vcov)

cat(toJSON(list(
  program = "tests/reference/sandwich.R",
  versions = list(R = R.version.string, nlme = as.character(packageVersion("nlme")),
                  clubSandwich = as.character(packageVersion("clubSandwich")),
                  lme4 = as.character(packageVersion("lme4"))),
  orthodont = list(subject = as.character(orthodont$subject), sex = as.character(orthodont$sex),
                   age = orthodont$age, distance = orthodont$distance),
  cases = cases, between_within = between_within, random_intercept = random_intercept),
  digits = NA, auto_unbox = TRUE, pretty = FALSE), "\n")
