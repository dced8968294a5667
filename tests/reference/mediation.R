# Indirect effects with lm, and boot's intervals on the same samples. Writes mediation.json.
# Rscript tests/reference/mediation.R tests/reference/mediation.json
library(boot)
library(jsonlite)
RNGversion("4.0.0")

one <- function(name, seed, interaction, R = 799) {
  set.seed(seed)
  n <- 36
  t <- rep(c(0, 1, 1), n / 3)
  s <- rep(c(0, 1), each = n / 2)
  x <- rnorm(n)
  m <- 0.6 * t + 0.4 * x + rnorm(n)
  y <- -0.5 * t - (0.8 + 0.3 * interaction * t) * m + 0.5 * s + rnorm(n)
  block <- 2 * t + s
  data <- data.frame(y, m, t, s, x, block)
  effect <- function(d, i) {
    d <- d[i, ]
    a <- coef(lm(m ~ t + s + x, d))
    f <- if (interaction) y ~ t * m + s + x else y ~ t + m + s + x
    b <- coef(lm(f, d))
    extra <- if (interaction) b["t:m"] else 0
    at <- function(z) sum(a * c(1, z, mean(d$s), mean(d$x)))
    direct <- b["t"] + extra * (at(0) + at(1)) / 2
    c(a["t"] * (b["m"] + extra / 2), direct)
  }
  set.seed(seed + 1)
  b <- boot(data, effect, R = R, strata = factor(block))
  counts <- boot.array(b)
  # the jackknife of the acceleration: each person left out, as boot's empinf with stype "i" would
  # by strata; given here, since empinf renormalises weights instead of leaving rows out
  sizes <- table(block)[as.character(block)]
  without <- sapply(1:n, function(i) effect(data, setdiff(1:n, i))[1])
  L <- (sizes - 1) * (b$t0[1] - without)
  ci <- boot.ci(b, type = c("perc", "bca"), index = 1, L = as.numeric(L))
  list(name = name, interaction = as.logical(interaction), data = as.list(data),
       indirect = unname(b$t0[1]), direct = unname(b$t0[2]), draws = b$t[, 1],
       counts = counts, percentile = ci$percent[4:5], bca = ci$bca[4:5])
}

out <- list(
  made_by = "tests/reference/mediation.R",
  version = paste(R.version.string, "boot", packageVersion("boot")),
  cases = list(one("no interaction", 11, 0), one("interaction", 12, 1))
)
write(toJSON(out, digits = NA, auto_unbox = TRUE), commandArgs(TRUE)[1])
