"""The plan: a typed model of ``protocol.toml``, its checks and its hash."""

from equipoise.protocol.model import Protocol
from equipoise.protocol.reading import check_protocol, load_protocol

__all__ = ["Protocol", "check_protocol", "load_protocol"]
