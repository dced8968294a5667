# Permutation tests by full enumeration, for test_inference_by_design.py.
# Run in tests/reference: Rscript rerandomisation.R > rerandomisation.json
suppressPackageStartupMessages(library(nlme))
num <- function(x) formatC(x, digits = 15, format = "g")
arr <- function(x) paste0("[", paste(num(x), collapse = ", "), "]")

synth <- read.csv("synth1.csv", na.strings = c("", "NA"))
last <- synth[synth$visit == "V5" & !is.na(synth$y), ]
last <- last[order(last$subject), ]
last <- last[seq_len(11), ]
treated <- as.integer(last$arm == "ACTIVE")

statistic <- function(y, z, base) {
  fit <- if (is.null(base)) lm(y ~ z) else lm(y ~ base + z)
  coef(summary(fit))["z", "t value"]
}
p_of <- function(y, base, sets, shift = 0) {
  y0 <- y - shift * treated
  own <- abs(statistic(y0, treated, base))
  others <- apply(sets, 2, function(s) {
    z <- integer(length(y0)); z[s] <- 1L
    abs(statistic(y0, z, base))
  })
  mean(others >= own * (1 - 1e-9))
}
limit <- function(y, base, sets, alpha, inner, outer) {
  while (abs(inner - outer) > 1e-6) {
    middle <- (inner + outer) / 2
    if (p_of(y, base, sets, middle) > alpha) inner <- middle else outer <- middle
  }
  c(inner + outer) / 2
}
one_visit <- function(base) {
  sets <- combn(length(treated), sum(treated))
  fit <- if (is.null(base)) lm(last$y ~ treated) else lm(last$y ~ base + treated)
  row <- coef(summary(fit))["treated", ]
  est <- row[["Estimate"]]; se <- row[["Std. Error"]]
  paste0('{"allocations": ', ncol(sets), ', "estimate": ', num(est), ', "se": ', num(se),
         ', "p": ', num(p_of(last$y, base, sets)),
         ', "alpha": 0.1, "lower": ', num(limit(last$y, base, sets, 0.1, est, est - 6 * se)),
         ', "upper": ', num(limit(last$y, base, sets, 0.1, est, est + 6 * se)), "}")
}

# Two visits, missing values, unstructured covariance: t of the contrast at the second visit.
third <- read.csv("synth3.csv", na.strings = c("", "NA"))
two <- third[third$visit %in% c("V3", "V5") & !is.na(third$y), ]
people <- sort(unique(two$subject))[seq_len(24)]
two <- two[two$subject %in% people, ]
two <- two[order(two$subject, two$visit), ]
two$time <- as.integer(factor(two$visit))
arm <- sapply(people, function(s) as.integer(two$arm[match(s, two$subject)] == "ACTIVE"))
set.seed(20261123)
draws <- t(replicate(8, sample(arm)))
gls_t <- function(z) {
  two$z <- z[match(two$subject, people)]
  fit <- gls(y ~ visit + z:visit, data = two, correlation = corSymm(form = ~ time | subject),
             weights = varIdent(form = ~ 1 | visit), method = "REML",
             control = glsControl(tolerance = 1e-12, msTol = 1e-14, msMaxIter = 500, maxIter = 500,
                                  opt = "optim", optimMethod = "BFGS"))
  row <- summary(fit)$tTable["visitV5:z", ]
  c(row[["Value"]], row[["Std.Error"]])
}
found <- t(apply(rbind(arm, draws), 1, gls_t))

cat("{\n")
cat('  "made_by": "rerandomisation.R, ', R.version.string, ", nlme ",
    as.character(packageVersion("nlme")), '",\n', sep = "")
cat('  "participants": [', paste0('"', last$subject, '"', collapse = ", "), "],\n", sep = "")
cat('  "t_test": ', one_visit(NULL), ",\n", sep = "")
cat('  "covariance_analysis": ', one_visit(last$base), ",\n", sep = "")
cat('  "repeated": {"participants": [', paste0('"', people, '"', collapse = ", "), "],\n", sep = "")
rows <- apply(rbind(arm, draws), 1, function(z) paste0("[", paste(z, collapse = ", "), "]"))
cat('    "allocations": [', paste(rows, collapse = ",\n      "), "],\n", sep = "")
cat('    "estimate": ', arr(found[, 1]), ",\n", sep = "")
cat('    "se": ', arr(found[, 2]), "}\n}\n", sep = "")
