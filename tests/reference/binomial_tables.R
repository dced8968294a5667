# Reference values for the tests of stratified and exact comparisons, from R's package stats.
# Run: Rscript binomial_tables.R > binomial_tables.json
library(jsonlite)

cmh <- function(e1, n1, e0, n0) {
  tables <- array(rbind(e1, e0, n1 - e1, n0 - e0), dim = c(2, 2, length(e1)))
  test <- mantelhaen.test(tables, correct = FALSE)
  list(e1 = I(e1), n1 = I(n1), e0 = I(e0), n0 = I(n0),
       statistic = unname(test$statistic), p = test$p.value)
}
fisher <- function(e1, n1, e0, n0)
  list(e1 = e1, n1 = n1, e0 = e0, n0 = n0,
       p = fisher.test(matrix(c(e1, n1 - e1, e0, n0 - e0), 2))$p.value)
rate <- function(x, t, alpha) {
  test <- poisson.test(x, t, conf.level = 1 - alpha)
  list(events = x, exposure = t, alpha = alpha, estimate = unname(test$estimate),
       lower = test$conf.int[1], upper = test$conf.int[2])
}
ratio <- function(x1, t1, x0, t0, alpha) {
  test <- poisson.test(c(x1, x0), c(t1, t0), conf.level = 1 - alpha)
  list(events = c(x1, x0), exposure = c(t1, t0), alpha = alpha, estimate = unname(test$estimate),
       lower = test$conf.int[1], upper = test$conf.int[2], p = test$p.value)
}

set.seed(7)
drawn <- lapply(1:6, function(i) {
  h <- sample(2:6, 1)
  n1 <- sample(3:40, h, replace = TRUE); n0 <- sample(3:40, h, replace = TRUE)
  cmh(rbinom(h, n1, 0.5), n1, rbinom(h, n0, 0.3), n0)
})
out <- list(
  program = "tests/reference/binomial_tables.R", versions = list(R = R.version.string),
  cmh = c(list(cmh(c(25, 34, 28, 52), c(33, 50, 50, 67), c(4, 17, 15, 22), c(17, 25, 25, 33))),
          drawn),
  fisher = list(fisher(7, 24, 1, 12), fisher(0, 24, 2, 12), fisher(3, 10, 9, 11),
                fisher(12, 12, 0, 6), fisher(30, 150, 41, 160), fisher(0, 5, 0, 4)),
  rates = list(rate(0, 12.5, 0.05), rate(1, 3.2, 0.05), rate(17, 88.25, 0.05), rate(17, 88.25, 0.1),
               rate(250, 1000, 0.05)),
  ratios = list(ratio(11, 800, 23, 3010, 0.05), ratio(0, 24.5, 3, 12.25, 0.05),
                ratio(4, 24.5, 0, 12.25, 0.05), ratio(15, 19017, 41, 28010, 0.1)))
cat(toJSON(out, digits = NA, auto_unbox = TRUE, na = "string"), "\n")
