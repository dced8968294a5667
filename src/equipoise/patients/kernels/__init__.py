"""Compiled kernels of virtual patients, reached through `equipoise.patients.kernel_loading`."""
