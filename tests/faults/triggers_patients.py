"""Faults of mechanistic models and their virtual patients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.faults.catalogue import trigger

from equipoise.mechanisms import find_model
from equipoise.patients import draw_patients, follow, typical_patients
from equipoise.patients.calibration import fit, read_plan
from equipoise.patients.schedules import Schedule


def _changed(values, correlations=None):
    find_model("il2").with_values(values, correlations)


def _draw(**given):
    draw_patients(find_model("il2"), 3, np.random.default_rng(1), **given)


def _follow(days=(0.0, 7.0), **schedule):
    follow(typical_patients(find_model("il2")), Schedule([0.0], [1.0], **schedule), days)


@trigger
def model_unknown(box):
    """There is no mechanistic model of this name."""
    find_model("il3")


@trigger
def parameter_unknown(box):
    """A mechanistic model has no parameter of this name."""
    _changed({"pt": 0.5})


@trigger
def parameter_outside_bounds(box):
    """A value is outside the bounds of its parameter."""
    _changed({"kT": 9.0})


@trigger
def parameter_fixed(box):
    """A spread is given to a parameter that is the same for everybody."""
    _changed({"kS.spread": 0.2})


@trigger
def fractions_exceed_whole(box):
    """Fractions of the CD4+ cells sum to 1 or more."""
    _changed({"fN": 0.85, "fH": 0.4})


@trigger
def correlation_unknown(box):
    """A correlation names a parameter that does not differ between people."""
    _changed({}, {("kS", "pT"): 0.2})


@trigger
def correlation_outside_bounds(box):
    """A correlation of two parameters is not between -1 and 1."""
    _changed({}, {("kI", "pT"): 1.2})


@trigger
def correlations_impossible(box):
    """No positive definite matrix has these correlations."""
    _changed({}, {("pT", "phi"): -0.9})


@trigger
def covariate_unknown(box):
    """Python only: a covariate is given that the model does not know."""
    _draw(covariates={"height_cm": [170.0] * 3})


@trigger
def covariate_level_unknown(box):
    """A level of a covariate is not one that the model knows."""
    _draw(covariates={"cmv": ["yes"] * 3})


@trigger
def covariate_length(box):
    """Python only: a covariate has not one value for each patient."""
    _draw(covariates={"age": [40.0]})


@trigger
def link_outside_bounds(box):
    """The link between cells and mood is not between 0 and 1."""
    _draw(link=1.5)


@trigger
def days_not_ascending(box):
    """Python only: the days to look at do not ascend from 0."""
    _follow(days=(0.0, 14.0, 7.0))


@trigger
def infusion_not_followed(box):
    """Python only: cells and mood are asked for under an infusion."""
    _follow(route="intravenous", hours=6.0)


@trigger
def targets_unknown(box):
    """A model that has no published targets is to be calibrated."""
    read_plan("il3")


@trigger
def calibration_failed(box):
    """The search for parameters does not end."""
    fit(find_model("il2"), replace(read_plan("il2"), people=20), ("pT",), evaluations=1)
