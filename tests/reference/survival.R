# Reference values for tests/stats/test_survival.py from R's package survival.
# Run: Rscript survival.R > survival.json
library(survival)
library(jsonlite)

set.seed(20240517)
n <- 90
arm <- rep(0:1, length.out = n)
stratum <- sample(c("BD", "MDD", "other"), n, replace = TRUE)
time <- ceiling(rexp(n, 0.02 * ifelse(arm == 1, 1.6, 1)) * 2) / 2
end <- sample(c(28, 42, 56, 60.5), n, replace = TRUE)
event <- as.integer(time <= end)
time <- pmin(time, end)
trial <- data.frame(time, event, arm, stratum)

curve <- function(d) {
  fit <- survfit(Surv(time, event) ~ 1, data = d, conf.type = "log-log", error = "greenwood")
  middle <- quantile(fit, 0.5)
  list(time = fit$time, at_risk = fit$n.risk, events = fit$n.event, censored = fit$n.censor,
       survival = fit$surv, se = summary(fit, times = fit$time)$std.err,
       lower = fit$lower, upper = fit$upper,
       median = unname(middle$quantile), median_lower = unname(middle$lower),
       median_upper = unname(middle$upper))
}

restricted <- function(d, tau) {
  table <- summary(survfit(Surv(time, event) ~ 1, data = d), rmean = tau)$table
  list(tau = tau, estimate = unname(table[grep("^r?mean", sub("\\*", "", names(table)))][1]),
       se = unname(table[grep("^se", names(table))][1]))
}

test <- function(d, stratified) {
  fit <- if (stratified) survdiff(Surv(time, event) ~ arm + strata(stratum), data = d)
         else survdiff(Surv(time, event) ~ arm, data = d)
  total <- function(m) if (is.matrix(m)) rowSums(m) else m
  list(chisq = fit$chisq, observed = unname(total(fit$obs)), expected = unname(total(fit$exp)),
       variance = fit$var[2, 2])
}

even <- data.frame(time = c(1, 2, 3, 4), event = 1, arm = 0, stratum = "one")
tied <- data.frame(time = c(2, 2, 2, 3, 3, 5, 5, 8), event = c(1, 1, 0, 1, 0, 0, 1, 1),
                   arm = 0, stratum = "one")
few <- data.frame(time = c(3, 7, 9, 12, 14), event = c(0, 1, 0, 0, 0), arm = 0, stratum = "one")
sets <- list(trial = trial, treated = trial[trial$arm == 1, ], control = trial[trial$arm == 0, ],
             even = even, tied = tied, few = few)
out <- list(
  program = "tests/reference/survival.R",
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  data = lapply(sets, as.list),
  curves = lapply(sets, curve),
  restricted = list(
    trial = lapply(c(10, 28, 42.25, 56), function(tau) restricted(trial, tau)),
    treated = lapply(c(10, 28, 42.25, 56), function(tau) restricted(sets$treated, tau)),
    control = lapply(c(10, 28, 42.25, 56), function(tau) restricted(sets$control, tau)),
    tied = lapply(c(4, 8), function(tau) restricted(tied, tau)),
    few = lapply(c(5, 14), function(tau) restricted(few, tau))),
  strata = lapply(split(trial, trial$stratum), function(d) list(
    n = nrow(d), treated = restricted(d[d$arm == 1, ], 28), control = restricted(d[d$arm == 0, ], 28))),
  log_rank = list(unstratified = test(trial, FALSE), stratified = test(trial, TRUE)))
cat(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), "\n")
