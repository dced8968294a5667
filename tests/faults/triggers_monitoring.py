"""Faults of the report for a monitoring committee."""

from __future__ import annotations

from tests.faults.catalogue import trigger

from equipoise.analysis.monitor_key import draw_key, read_key
from equipoise.analysis.monitoring import monitor
from equipoise.report.monitor_page import write_monitor


@trigger
def allocation_missing(box):
    """A committee is to see harms by arm, and the records hold no allocation."""
    monitor(box.check(), box.read(without=("allocation", "kits")))


@trigger
def monitor_key_missing(box):
    """The key of the letters is not there."""
    read_key("monitor-key.json", box.check())


@trigger
def monitor_key_invalid(box):
    """The key of the letters is damaged."""
    read_key(box.write("monitor-key.json", "{}"), box.check())


@trigger
def monitor_key_differs(box):
    """The key of the letters belongs to another trial."""
    path = box.write("monitor-key.json", draw_key(box.check(), 1).content())
    read_key(path, box.check(('id = "small-trial"', 'id = "other-trial"')))


@trigger
def monitor_folder_lettered(box):
    """A report with named arms would stand where one under letters is kept."""
    protocol, records = box.check(), box.read()
    protocol.lock(".")
    key = draw_key(protocol, 1)
    write_monitor(monitor(protocol, records, key), "monitor", key)
    write_monitor(monitor(protocol, records), "monitor")
