"""Faults of exploring other doses and schedules."""

from __future__ import annotations

from tests.faults.catalogue import trigger

from equipoise.mechanisms import find_model
from equipoise.patients.exploration import days_of_table, explore, parse_settings


def _explored(doses=(1.0,), **others):
    explore(find_model("il2"), ["5 daily"], doses, **others)


@trigger
def setting_unclear(box):
    """A setting of a parameter is no NAME=NUMBER, or stands there twice."""
    parse_settings(["pT:0.8"])


@trigger
def days_unclear(box):
    """The days of the table are not understood, or lie outside the time that is looked at."""
    days_of_table("4,100", last_day=84)


@trigger
def exploration_length(box):
    """Patients would be followed for no time, or for too long."""
    _explored(last_day=0)


@trigger
def exploration_size(box):
    """Too few patients for a band, or more than are followed."""
    _explored(patients=3)


@trigger
def exploration_regimens(box):
    """There is nothing to explore, or more than can stand side by side."""
    _explored(doses=())
