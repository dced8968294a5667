# Reference values for tests/stats/test_growth_peers.py: Potthoff and
# Roy's growth data by nlme::gls, and the random intercept by lme4 with pbkrtest and emmeans.
# Run: Rscript growth_peers.R ../../examples/growth.csv > growth_peers.json
suppressMessages({library(nlme); library(lme4); library(lmerTest); library(pbkrtest)
                  library(emmeans); library(jsonlite)})
path <- commandArgs(trailingOnly = TRUE)[1]
tight <- glsControl(opt = "nlminb", tolerance = 1e-12, msTol = 1e-14, maxIter = 2000,
                    msMaxIter = 2000)

growth <- read.csv(path)
growth$sex <- factor(growth$sex, c("Female", "Male"))
growth$visit <- as.integer(factor(growth$age))
# nlme's own copy of the data is the same
own <- as.data.frame(nlme::Orthodont)
own <- own[order(as.character(own$Subject), own$age), ]
sorted <- growth[order(growth$child, growth$age), ]
stopifnot(all(own$distance == sorted$distance), all(own$age == sorted$age),
          all(as.character(own$Subject) == sorted$child), all(own$Sex == sorted$sex))

by_visit <- varIdent(form = ~ 1 | visit)
structures <- list(
  us = list(correlation = corSymm(form = ~ visit | child), weights = by_visit),
  cs = list(correlation = corCompSymm(form = ~ visit | child)),
  csh = list(correlation = corCompSymm(form = ~ visit | child), weights = by_visit),
  ar1 = list(correlation = corAR1(form = ~ visit | child)),
  ar1h = list(correlation = corAR1(form = ~ visit | child), weights = by_visit),
  # all stationary correlations of four visits that an autoregression of order three has
  toep = list(correlation = corARMA(form = ~ visit | child, p = 3)),
  toeph = list(correlation = corARMA(form = ~ visit | child, p = 3), weights = by_visit),
  sp_exp = list(correlation = corExp(form = ~ age | child))
)
describe <- function(fit) {
  list(minus2loglik = -2 * as.numeric(logLik(fit)), aic = AIC(fit), bic = BIC(fit),
       estimate = as.list(coef(fit)), se = as.list(sqrt(diag(vcov(fit)))))
}
fits <- lapply(structures, function(parts) {
  do.call(gls, c(list(model = distance ~ sex * age, data = growth, method = "REML",
                      control = tight), parts))
})

# Type III tests: sum-to-zero contrasts, F with n - p denominator degrees of freedom
summed <- growth
contrasts(summed$sex) <- contr.sum(2)
type3 <- anova(do.call(gls, c(list(model = distance ~ sex * age, data = summed, method = "REML",
                                   control = tight), structures$us)), type = "marginal")
alone <- lapply(c(Female = "Female", Male = "Male"), function(one) {
  describe(do.call(gls, c(list(model = distance ~ age, data = growth[growth$sex == one, ],
                               method = "REML", control = tight), structures$us)))
})

# The random intercept: compound symmetry with a positive covariance
mixed <- lmer(distance ~ sex * age + (1 | child), growth,
              control = lmerControl(optimizer = "bobyqa",
                                    optCtrl = list(rhoend = 1e-12, maxfun = 1e5)))
mixed_tests <- as.data.frame(anova(mixed, type = 3, ddf = "Kenward-Roger"))
grid <- emmeans(mixed, ~ sex, at = list(age = 14), lmer.df = "kenward-roger")
rows <- function(frame) {
  frame <- as.data.frame(frame)
  names(frame)[names(frame) %in% c("emmean")] <- "estimate"
  names(frame) <- tolower(sub("\\.CL$", "", names(frame)))
  frame
}

versions <- lapply(c("nlme", "lme4", "lmerTest", "pbkrtest", "emmeans"),
                   function(p) as.character(packageVersion(p)))
names(versions) <- c("nlme", "lme4", "lmerTest", "pbkrtest", "emmeans")
cat(toJSON(list(
  program = "tests/reference/growth_peers.R",
  versions = c(list(R = as.character(getRversion())), versions),
  gls = lapply(fits, describe), alone = alone,
  type3 = list(term = rownames(type3), F = type3$`F-value`, p = type3$`p-value`),
  random_intercept = list(
    tests = list(term = rownames(mixed_tests), df1 = mixed_tests$NumDF,
                 df2 = mixed_tests$DenDF, F = mixed_tests$`F value`,
                 p = mixed_tests$`Pr(>F)`),
    means = rows(summary(grid, infer = c(TRUE, FALSE))),
    difference = rows(summary(contrast(grid, "trt.vs.ctrl"), infer = c(TRUE, TRUE))))
), auto_unbox = TRUE, digits = NA, null = "null"))
