# Power of the t-test and of Fisher's test by R, for tests/stats/test_power.py.
# Rscript tests/reference/power_tables.R > tests/reference/power_tables.json
t_rows <- c()
for (n in c(3, 12, 20, 64)) for (d in c(0, 0.4, 1)) for (a in c(0.01, 0.05)) {
  p <- power.t.test(n = n, delta = d, sd = 1.3, sig.level = a, strict = TRUE)$power
  t_rows <- c(t_rows, sprintf('{"n": %d, "delta": %g, "sd": 1.3, "alpha": %g, "power": %.15g}', n, d, a, p))
}
f_rows <- c()
for (s in list(c(12, 12), c(24, 12), c(9, 17))) for (pr in list(c(.3, .3), c(.7, .2), c(0, .5))) {
  power <- 0
  for (x in 0:s[1]) for (y in 0:s[2])
    if (fisher.test(matrix(c(x, s[1] - x, y, s[2] - y), 2))$p.value <= 0.05)
      power <- power + dbinom(x, s[1], pr[1]) * dbinom(y, s[2], pr[2])
  f_rows <- c(f_rows, sprintf('{"sizes": [%d, %d], "first": %g, "second": %g, "power": %.15g}', s[1], s[2], pr[1], pr[2], power))
}
n90 <- power.t.test(power = .90, delta = 1)$n
cat(sprintf('{"R": "%s", "n90": %.6f, "t": [\n%s\n], "fisher": [\n%s\n]}\n', R.version.string, n90,
            paste(t_rows, collapse = ",\n"), paste(f_rows, collapse = ",\n")))
