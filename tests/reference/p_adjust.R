# Adjusted p-values by R's p.adjust. Run: Rscript tests/reference/p_adjust.R > tests/reference/p_adjust.json
set.seed(20261123)
cases <- c(list(c(0.01, 0.02, 0.02, 0.04, 0.5), c(1, 1, 0.9), 0.03, c(0.049, 0.048, 0.05)),
           lapply(c(2, 7, 20), function(m) round(runif(m)^3, 6)))
row <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
one <- function(p) paste0('  {"p": ', row(p), ',\n   "holm": ', row(p.adjust(p, "holm")),
                          ',\n   "hochberg": ', row(p.adjust(p, "hochberg")),
                          ',\n   "BH": ', row(p.adjust(p, "BH")), "}")
cat('{"program": "tests/reference/p_adjust.R", "version": "', R.version.string, '",\n "cases": [\n', sep = "")
cat(paste(sapply(cases, one), collapse = ",\n"))
cat("\n]}\n")
