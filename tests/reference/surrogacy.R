# Reference values for tests/stats/test_surrogacy.py and tests/stats/test_restricted_spline.py from
# R's lm, splines::ns and the formulas of Fieller (1954), Buyse and Molenberghs (1998) and Freedman
# et al. (1992), written out. Run: Rscript surrogacy.R > surrogacy.json
library(jsonlite)
library(splines)

set.seed(20240311)
n <- 60
arm <- rep(c(0, 1, 1), length.out = n)
stratum <- rep(0:1, each = n / 2)
base_score <- round(rnorm(n, 22, 4))
base_cells <- rnorm(n, 1.8, 0.3)
early <- 0.3 * arm + rnorm(n, 0, 0.2)
outcome <- round(-6 - 4 * arm - 12 * early^2 - 5 * early - 0.3 * (base_score - 22) + rnorm(n, 0, 3), 1)
outcome[c(3, 17)] <- NA
early[9] <- NA
d <- data.frame(arm, stratum, base_score, base_cells, early, outcome)
w <- d[complete.cases(d), ]

# Bivariate model with the same regressors: two least-squares fits and their cross products.
fy <- lm(outcome ~ arm + base_score + base_cells + stratum, w)
fx <- lm(early ~ arm + base_score + base_cells + stratum, w)
fd <- lm(outcome ~ arm + early + base_score + base_cells + stratum, w)
df <- fy$df.residual
v <- summary(fy)$cov.unscaled["arm", "arm"]
syy <- sum(residuals(fy)^2) / df
sxx <- sum(residuals(fx)^2) / df
sxy <- sum(residuals(fy) * residuals(fx)) / df
fieller <- function(a, b, va, vb, c, df, level = 0.95) {
  t2 <- qt((1 + level) / 2, df)^2
  roots <- polyroot(c(a^2 - t2 * va, -2 * (a * b - t2 * c), b^2 - t2 * vb))
  if (max(abs(Im(roots))) > 1e-8) return(list(shape = "whole line"))
  r <- sort(Re(roots))
  list(shape = if (b^2 > t2 * vb) "interval" else "two rays", lower = r[1], upper = r[2])
}
b_y <- coef(fy)[["arm"]]; b_x <- coef(fx)[["arm"]]; b_d <- coef(fd)[["arm"]]
r <- cor(residuals(fy), residuals(fx))
z <- atanh(r) + c(-1, 1) * qnorm(0.975) / sqrt(nrow(w) - 4 - 3)
s2 <- summary(fd)$sigma^2
limits <- function(fit, name) as.numeric(confint(fit)[name, ])

ends <- quantile(w$early, c(0.1, 0.9), names = FALSE)
inner <- function(p) quantile(w$early, p, names = FALSE)
spline <- function(boundary, knots) {
  basis <- ns(w$early, knots = knots, Boundary.knots = boundary)
  fit <- lm(outcome ~ basis + factor(arm) + base_score + base_cells + factor(stratum), w)
  plain <- lm(outcome ~ early + factor(arm) + base_score + base_cells + factor(stratum), w)
  a <- anova(plain, fit)
  at <- seq(min(w$early), max(w$early), length.out = 5)
  # Prediction at the mean of every other column.
  X <- model.matrix(fit)
  new <- matrix(colMeans(X), length(at), ncol(X), byrow = TRUE)
  new[, 1 + seq_len(ncol(basis))] <- predict(basis, at)
  centre <- as.numeric(new %*% coef(fit))
  reach <- qt(0.975, fit$df.residual) * sqrt(rowSums((new %*% vcov(fit)) * new))
  Xp <- model.matrix(plain)
  line <- matrix(colMeans(Xp), length(at), ncol(Xp), byrow = TRUE)
  line[, 2] <- at
  list(statistic = a$F[2], df1 = a$Df[2], df2 = fit$df.residual, p = a$`Pr(>F)`[2], at = at,
       curve = centre, lower = centre - reach, upper = centre + reach,
       line = as.numeric(line %*% coef(plain)))
}

cases <- list(c(2, 3, 0.5, 0.4, 0.1), c(2, 0.5, 0.5, 0.4, 0.1), c(0.5, 0.3, 0.5, 0.4, 0.1),
              c(-4, -3, 1, 0.5, -0.2))
cat(toJSON(list(
  program = R.version.string, data = d,
  surrogacy = list(
    n = nrow(w), df = df,
    outcome_effect = c(b_y, limits(fy, "arm")), marker_effect = c(b_x, limits(fx, "arm")),
    direct_effect = c(b_d, limits(fd, "arm")), association = c(r, tanh(z)),
    relative_effect = b_y / b_x, relative_limits = fieller(b_y, b_x, syy * v, sxx * v, sxy * v, df),
    proportion = 1 - b_d / b_y,
    kept_limits = fieller(b_d, b_y, vcov(fd)["arm", "arm"], syy * v, s2 * v, df - 1)),
  fieller = lapply(cases, function(k) c(list(case = k), fieller(k[1], k[2], k[3], k[4], k[5], 20))),
  spline_3 = spline(ends, inner(0.5)),
  spline_4 = spline(inner(c(0.05, 0.95)), inner(c(0.35, 0.65)))
), digits = NA, na = "null", auto_unbox = TRUE))
cat("\n")
