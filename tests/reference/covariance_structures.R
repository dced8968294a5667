# Reference values for tests/stats/test_structures_nlme.py: nlme::gls with structured covariances,
# groups of variances and weights, and lme4 with pbkrtest's Kenward-Roger.
# Run: Rscript covariance_structures.R ../../../shared/data > covariance_structures.json
#      (the folder that holds fev_data.csv)
suppressMessages({library(nlme); library(lme4); library(pbkrtest); library(jsonlite)})
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
fev$inverse <- 1 / fev$WEIGHT
fev <- fev[order(fev$subject, fev$visit), ]

orthodont <- as.data.frame(nlme::Orthodont)
orthodont$subject <- factor(as.character(orthodont$Subject))
orthodont$sex <- factor(as.character(orthodont$Sex), c("Female", "Male"))
orthodont$visit <- as.integer(factor(orthodont$age))
orthodont$week <- factor(orthodont$age)
orthodont$inverse <- 1 / orthodont$age
orthodont <- orthodont[order(orthodont$subject, orthodont$visit), ]

full <- FEV1 ~ RACE + SEX + ARMCD * AVISIT
growth <- distance ~ sex * age
structures <- list(
  cs = list(correlation = corCompSymm(form = ~ visit | subject)),
  csh = list(correlation = corCompSymm(form = ~ visit | subject),
             weights = varIdent(form = ~ 1 | visit)),
  ar1 = list(correlation = corAR1(form = ~ visit | subject)),
  ar1h = list(correlation = corAR1(form = ~ visit | subject),
              weights = varIdent(form = ~ 1 | visit)),
  us = list(correlation = corSymm(form = ~ visit | subject),
            weights = varIdent(form = ~ 1 | visit))
)
spatial <- list(
  fev = list(correlation = corExp(form = ~ VISITN | subject)),
  orthodont = list(correlation = corExp(form = ~ age | subject)),
  fev_two = list(correlation = corExp(form = ~ VISITN + VISITN2 | subject))
)

describe <- function(fit) {
  list(
    estimate = as.list(coef(fit)),
    se = as.list(sqrt(diag(vcov(fit)))),
    minus2loglik = -2 * as.numeric(logLik(fit)),
    sigma = fit$sigma
  )
}

one <- function(data_name, word, formula, data, parts, method, weights = NULL, group = NULL) {
  call <- c(list(model = formula, data = data, method = method, control = tight), parts)
  fit <- do.call(gls, call)
  out <- describe(fit)
  out$data <- data_name; out$covariance <- word; out$method <- method
  out$formula <- paste(deparse(formula), collapse = "")
  out$weights <- weights; out$group <- group
  out
}

cases <- list()
for (method in c("REML", "ML")) {
  for (word in names(structures)) {
    parts <- structures[[word]]
    cases[[paste("fev", word, method, sep = "_")]] <-
      one("fev", word, full, fev, parts, method)
    cases[[paste("orthodont", word, method, sep = "_")]] <-
      one("orthodont", word, growth, orthodont, parts, method)
  }
  cases[[paste("fev_sp_exp", method, sep = "_")]] <-
    one("fev", "sp_exp", full, fev, spatial$fev, method)
  cases[[paste("orthodont_sp_exp", method, sep = "_")]] <-
    one("orthodont", "sp_exp", growth, orthodont, spatial$orthodont, method)
  cases[[paste("fev_sp_exp_two", method, sep = "_")]] <-
    one("fev", "sp_exp", full, fev, spatial$fev_two, method)
  # variance proportional to 1 / weight
  for (word in c("cs", "ar1")) {
    parts <- c(structures[[word]], list(weights = varFixed(~ inverse)))
    cases[[paste("fev", word, "weights", method, sep = "_")]] <-
      one("fev", word, full, fev, parts, method, weights = "WEIGHT")
    cases[[paste("orthodont", word, "weights", method, sep = "_")]] <-
      one("orthodont", word, growth, orthodont, parts, method, weights = "age")
  }
  parts <- list(correlation = corSymm(form = ~ visit | subject),
                weights = varComb(varIdent(form = ~ 1 | visit), varFixed(~ inverse)))
  cases[[paste("fev_us_weights", method, sep = "_")]] <-
    one("fev", "us", full, fev, parts, method, weights = "WEIGHT")
}

# Groups: nlme shares correlations between groups, so a whole covariance a group is fitted where
# the design is crossed with the group: the fit of each group alone.
alone <- list()
for (word in names(structures)) for (sex in c("Female", "Male")) {
  part <- orthodont[orthodont$sex == sex, ]
  alone[[paste(word, sex, sep = "_")]] <- tryCatch(
    one("orthodont", word, distance ~ age, part, structures[[word]], "REML", group = sex),
    error = function(e) NULL)
}

# Random intercept = compound symmetry with a positive covariance.
kenward_roger <- function(data_name, formula, random, data) {
  fit <- lmer(update(formula, random), data, REML = TRUE,
              control = lmerControl(optimizer = "bobyqa",
                                    optCtrl = list(rhoend = 1e-12, maxfun = 1e5)))
  adjusted <- as.matrix(vcovAdj(fit))
  terms <- names(fixef(fit))
  df <- sapply(seq_along(terms), function(i) {
    L <- rep(0, length(terms)); L[i] <- 1
    get_Lb_ddf(fit, L)
  })
  list(
    data = data_name, formula = paste(deparse(formula), collapse = ""),
    estimate = as.list(fixef(fit)),
    se_model = as.list(setNames(sqrt(diag(as.matrix(vcov(fit)))), terms)),
    se_kr = as.list(setNames(sqrt(diag(adjusted)), terms)),
    df = as.list(setNames(df, terms)),
    variances = as.data.frame(VarCorr(fit))$vcov,
    minus2loglik = as.numeric(REMLcrit(fit))
  )
}
pbkr <- list(
  fev = kenward_roger("fev", full, . ~ . + (1 | subject), fev),
  orthodont = kenward_roger("orthodont", growth, . ~ . + (1 | subject), orthodont)
)

versions <- lapply(c("nlme", "lme4", "pbkrtest"), function(p) as.character(packageVersion(p)))
cat(toJSON(list(
  versions = c(list(R = as.character(getRversion())),
               setNames(versions, c("nlme", "lme4", "pbkrtest"))),
  gls = cases, alone = alone, pbkrtest = pbkr
), auto_unbox = TRUE, digits = NA, pretty = FALSE, null = "null"))
