"""Compiled kernels of virtual patients; reached only through `equipoise.patients.kernel_loading`."""
