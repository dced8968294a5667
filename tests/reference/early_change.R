# Reference values for tests/stats/test_landmark_association.py from R's lm, confint and cor.
# Run: Rscript early_change.R > early_change.json
library(jsonlite)

set.seed(20240219)
n <- 40
arm <- rep(c(0, 1, 1), length.out = n)
stratum <- rep(0:1, each = n / 2)
base_score <- round(rnorm(n, 22, 4))
base_cells <- rnorm(n, 1.8, 0.3)
early <- 0.2 * arm + rnorm(n, 0, 0.15) - 0.2 * (base_cells - 1.8)
early_score <- round(-2 - 4 * early + rnorm(n, 0, 2))
outcome <- round(-8 - 4 * arm - 9 * early - 0.3 * (base_score - 22) + rnorm(n, 0, 4))
outcome[c(3, 17)] <- NA
early[c(9, 17, 30)] <- NA
d <- data.frame(arm, stratum, base_score, base_cells, early, early_score, outcome)
whole <- d[complete.cases(d), ]

term <- function(formula, name, rows = whole) {
  fit <- lm(formula, data = rows)
  line <- summary(fit)$coefficients[name, ]
  limits <- confint(fit)[name, ]
  list(n = nobs(fit), df = fit$df.residual, estimate = line[[1]], se = line[[2]], p = line[[4]],
       lower = limits[[1]], upper = limits[[2]])
}
partial <- function(formula, rows = whole) {
  y <- residuals(lm(update(formula, outcome ~ .), data = rows))
  x <- residuals(lm(update(formula, early ~ .), data = rows))
  cor(y, x)
}
ranked <- as.data.frame(lapply(whole, rank))
ranked$arm <- whole$arm
ranked$stratum <- whole$stratum
one <- whole[whole$arm == 1, ]
none <- ~ base_score + base_cells + factor(stratum)
within <- ~ base_score + base_cells + factor(stratum) + factor(arm)

cat(toJSON(list(
  program = R.version.string, data = d,
  within_arms = c(term(outcome ~ early + base_score + base_cells + factor(stratum) + factor(arm), "early"),
                  correlation = partial(within), rank_correlation = partial(within, ranked),
                  sd = summary(lm(early ~ factor(arm), whole))$sigma),
  all_arms = c(term(outcome ~ early + base_score + base_cells + factor(stratum), "early"),
               correlation = partial(none), rank_correlation = partial(none, ranked),
               sd = sd(whole$early)),
  arm_1 = c(term(outcome ~ early + base_score + base_cells + factor(stratum), "early", one),
            correlation = partial(none, one), sd = sd(one$early)),
  early_score = term(outcome ~ early + early_score + base_score + base_cells + factor(stratum) + factor(arm), "early"),
  curvature = term(outcome ~ I(early^2) + early + base_score + base_cells + factor(stratum) + factor(arm), "I(early^2)"),
  slope_difference = term(outcome ~ early * arm + base_score + base_cells + factor(stratum), "early:arm")
), digits = NA, na = "null", auto_unbox = TRUE))
cat("\n")
