# Reference values for tests/stats/test_multivariate_t.py and test_multiple_comparisons.py from R's
# mvtnorm, stats (ptukey, qtukey), emmeans and multcomp. Takes its data from ls_means.json.
# Run from tests/reference:  Rscript multiplicity.R > multiplicity.json
suppressPackageStartupMessages({
  library(mvtnorm); library(emmeans); library(multcomp); library(jsonlite)
})
emm_options(opt.digits = FALSE)
set.seed(20261123)

random <- function(k, rank) {
  a <- matrix(rnorm(k * rank), k)
  cov2cor(a %*% t(a) + 1e-16 * diag(k))
}
same <- function(k, r) matrix(r, k, k) + diag(1 - r, k)
product <- function(b) { r <- outer(b, b); diag(r) <- 1; r }
pairs <- function(k) { m <- t(combn(k, 2, function(p) { v <- rep(0, k); v[p] <- c(1, -1); v }));
                       tcrossprod(m) / 2 }
ar <- function(k, r) r^abs(outer(1:k, 1:k, "-"))
matrices <- list(two = same(2, .3), two_negative = same(2, -.8), three_equal = same(3, .5),
  product = product(c(.9, .6, .4, .7)), ar4 = ar(4, .7), ar6 = ar(6, .8), ar3_negative = ar(3, -.6),
  random3 = random(3, 5), random5 = random(5, 7), random8 = random(8, 10),
  singular4 = random(4, 2), singular6 = random(6, 3), pairs3 = pairs(3), pairs4 = pairs(4),
  independent = diag(5))
precise <- GenzBretz(maxpts = 5e5, abseps = 1e-5, releps = 0)
# mvtnorm takes whole degrees of freedom only, 0 for infinite
tails <- lapply(matrices, function(m) list(correlation = m, points = do.call(c, lapply(c(3, 12, 60, 0),
  function(df) lapply(c(.8, 2, 2.7, 4), function(q) {
    p <- pmvt(rep(-q, nrow(m)), rep(q, nrow(m)), df = df, corr = m, algorithm = precise)
    list(df = df, q = q, tail = 1 - as.numeric(p), error = attr(p, "error")) })))))
ranges <- do.call(c, lapply(c(2, 3, 5, 12), function(k) do.call(c, lapply(c(2.5, 7, 24.6, 400),
  function(df) lapply(c(1, 3, 4.5, 8), function(q) list(k = k, df = df, q = q,
    tail = ptukey(q, k, df, lower.tail = FALSE)))))))
range_quantiles <- do.call(c, lapply(c(2, 3, 5, 12), function(k) do.call(c, lapply(c(4, 24.6, 400),
  function(df) lapply(c(.01, .05, .2), function(alpha) list(k = k, df = df, alpha = alpha,
    q = qtukey(alpha, k, df, lower.tail = FALSE)))))))

stored <- fromJSON("ls_means.json")$one_visit
d <- as.data.frame(stored$data, stringsAsFactors = FALSE)
for (v in names(stored$levels)) d[[v]] <- factor(d[[v]], levels = stored$levels[[v]])
fit <- lm(y ~ age + sex + arm, d)
rows <- function(x) {
  s <- as.data.frame(x)
  lapply(seq_len(nrow(s)), function(i)
    lapply(as.list(s[i, , drop = FALSE]), function(v) if (is.factor(v)) as.character(v) else v))
}
both <- function(x, adjust) lapply(setNames(adjust, adjust), function(a)
  rows(summary(x, infer = c(TRUE, TRUE), adjust = a)))
emm <- emmeans(fit, ~ arm)
tight <- function(x) {
  set.seed(1)
  s <- summary(x, test = adjusted("single-step", maxpts = 2e5, abseps = 1e-5, releps = 0))
  i <- confint(x, calpha = adjusted_calpha(maxpts = 2e5, abseps = 1e-5, releps = 0))
  list(contrast = rownames(i$confint), estimate = unname(i$confint[, "Estimate"]),
       lower = unname(i$confint[, "lwr"]), upper = unname(i$confint[, "upr"]),
       p = as.numeric(s$test$pvalues), critical = as.numeric(attr(i$confint, "calpha")))
}
glht_of <- function(type, model = fit) tight(glht(model, linfct = mcp(arm = type)))
interaction_fit <- lm(y ~ age + sex * arm, d)
by_sex <- contrast(emmeans(interaction_fit, ~ arm | sex), "trt.vs.ctrl")

out <- list(
  program = "tests/reference/multiplicity.R",
  versions = list(R = R.version.string, mvtnorm = as.character(packageVersion("mvtnorm")),
                  emmeans = as.character(packageVersion("emmeans")),
                  multcomp = as.character(packageVersion("multcomp"))),
  tails = tails, ranges = ranges, range_quantiles = range_quantiles,
  formula = "y ~ age + sex + arm",
  emmeans = list(
    pairwise = both(contrast(emm, "pairwise"), c("none", "tukey", "bonferroni", "sidak", "scheffe", "holm", "hochberg")),
    reference = both(contrast(emm, "trt.vs.ctrl"), c("bonferroni", "holm", "scheffe")),
    by_formula = "y ~ age + sex * arm",
    by = both(by_sex, c("bonferroni", "sidak", "holm", "scheffe")),
    by_together = both(rbind(by_sex), c("bonferroni", "holm"))),
  multcomp = list(dunnett = glht_of("Dunnett"), pairwise = glht_of("Tukey"),
                  consecutive = glht_of("Sequen"), mean = glht_of("GrandMean")))
cat(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), "\n")
