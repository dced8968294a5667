"""Compiled kernels. Import them through `equipoise.stats.kernel_cache.load_kernels` only.

That function sets the cache folder, keyed by all the sources here, before Numba reads it.
"""
