"""Permutation of the whole procedure and bootstrap against loops over scikit-learn's PLSRegression.

36 people, 10 markers, at most 4 components, 5 folds in 5 repeats. The loop fits the covariates and
PLSRegression in every
training set; it is timed on fewer draws and scaled.
Run: python benchmarks/multivariate.py
"""

from __future__ import annotations

import time

import numpy as np
from sklearn.cross_decomposition import PLSRegression

from equipoise.stats.multivariate import make_folds, permute_whole, resample_importance

N, P, DRAWS, LOOPED, COMPONENTS = 36, 10, 999, 5, 4


def _looped(x: np.ndarray, common: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Errors by number of components; the predictors come adjusted, which spares the loop time."""
    errors = np.zeros(COMPONENTS)
    for out in held > 0.0:
        b = np.linalg.lstsq(common[~out], y[~out], rcond=None)[0]
        left = y - common @ b
        for a in range(1, COMPONENTS + 1):
            fit = PLSRegression(a).fit(x[~out], left[~out])
            errors[a - 1] += ((left[out] - fit.predict(x[out]).ravel()) ** 2).sum()
    return errors


def main() -> None:
    rng = np.random.default_rng(1)
    arm, stratum = np.tile([1, 1, 0], N // 3), np.repeat([0, 1], N // 2)
    x, own, start = rng.normal(size=(N, P)), rng.normal(size=(N, P)), rng.normal(size=N)
    y = -0.5 * start + 0.5 * x[:, 0] + rng.normal(size=N)
    common = np.column_stack([np.ones(N), stratum, arm, start])
    blocks = 2 * arm + stratum
    begin = time.perf_counter()
    folds = make_folds(x, own, common, blocks, 5, 5, np.random.default_rng(1))
    permute_whole(folds, y, blocks, DRAWS, np.random.default_rng(2), components=COMPONENTS)
    permuted = time.perf_counter() - begin
    begin = time.perf_counter()
    resample_importance(
        x, own, common, y, blocks, DRAWS, np.random.default_rng(3), components=COMPONENTS, folds=5
    )
    drawn = time.perf_counter() - begin
    begin = time.perf_counter()
    for _ in range(LOOPED):
        _looped(x, common, rng.permutation(y), folds.held)
    loop = (time.perf_counter() - begin) / LOOPED * DRAWS
    print(f"{DRAWS} permutations of the whole procedure: {permuted:.2f} s")
    print(f"{DRAWS} bootstrap samples, components chosen anew: {drawn:.2f} s")
    print(f"the permutations as a loop over PLSRegression: {loop:.0f} s ({LOOPED} timed, scaled)")
    print(f"ratio {loop / permuted:.0f}")


if __name__ == "__main__":
    main()
