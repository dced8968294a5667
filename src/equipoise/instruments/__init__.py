"""Rating scales as data: items, ranges, response and remission."""

from equipoise.instruments.library import Instrument, get_scale, scale_names

__all__ = ["Instrument", "get_scale", "scale_names"]
