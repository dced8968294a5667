"""Faults of saved forecasts, of the people that they are asked about, and of enrichment."""

from __future__ import annotations

import json

import polars as pl
from tests.faults.catalogue import trigger
from tests.forecasts import patient_toml, person, planned, simulated, trained, with_plan

import equipoise as eq
from equipoise.analysis.stratification.forecast_file import forecast_bytes


def _asked(box, text, *options):
    box.write("model.json", forecast_bytes(trained()))
    box.write("patient.toml", text)
    box.command("forecast", "model.json", "patient.toml", "--demonstration", *options)


def _read(box, change):
    whole = json.loads(forecast_bytes(trained()))
    change(whole)
    box.write("model.json", json.dumps(whole))
    eq.read_forecast("model.json")


@trigger
def forecast_not_planned(box):
    """The protocol plans no forecast."""
    eq.train_forecast(with_plan(planned(), None), simulated())


@trigger
def forecast_blinded(box):
    """A forecast is to be trained on blinded records."""
    eq.train_forecast(planned(), simulated().without_allocation())


@trigger
def forecast_of_composite(box):
    """The plan forecasts from a composite, for which nobody can be asked."""
    from equipoise.protocol.prediction_plan import Composite

    both = Composite(label="Both", members={"treg_percent": 1.0, "th2_percent": -1.0})
    plan = planned().analysis.prediction.model_copy(update={"composites": {"both": both}})
    forecast = planned().analysis.stratification.forecast
    protocol = with_plan(planned(), forecast.model_copy(update={"predictors": ("both",)}))
    analysis = protocol.analysis.model_copy(update={"prediction": plan})
    eq.train_forecast(protocol.model_copy(update={"analysis": analysis}), simulated())


@trigger
def forecast_too_few(box):
    """Too few people have the outcome."""
    import dataclasses

    few = simulated().participants["participant"].head(6).implode()
    scores = simulated().scores.filter(pl.col("participant").is_in(few))
    eq.train_forecast(planned(), dataclasses.replace(simulated(), scores=scores))


@trigger
def forecast_model_missing(box):
    """The forecast model is not there, or cannot be read."""
    eq.read_forecast("forecast-model.json")


@trigger
def forecast_model_damaged(box):
    """The forecast model is no JSON."""
    box.write("model.json", forecast_bytes(trained())[:1000])
    eq.read_forecast("model.json")


@trigger
def forecast_model_foreign(box):
    """The file is no forecast model."""
    box.write("model.json", '{"format": "a calendar"}')
    eq.read_forecast("model.json")


@trigger
def forecast_model_version(box):
    """The forecast model was written by a newer version of Equipoise."""
    _read(box, lambda whole: whole.update(version=9))


@trigger
def forecast_model_changed(box):
    """The forecast model was changed after it was written."""
    _read(box, lambda whole: whole["model"].update(study="another"))


@trigger
def forecast_model_invalid(box):
    """What stands in the forecast model does not fit itself."""
    _read(box, lambda whole: whole["model"]["forecasts"][0]["ridge"].update(df=-1))


@trigger
def forecast_simulated(box):
    """A model of simulated people is asked about a person, and no demonstration is wanted."""
    eq.forecast(trained(), pl.DataFrame([person()]))


@trigger
def forecast_no_table(box):
    """What is given for a table is none."""
    eq.forecast(trained(), [person()], demonstration=True)


@trigger
def patient_unreadable(box):
    """The person's file is not there, or cannot be read."""
    box.write("model.json", forecast_bytes(trained()))
    box.command("forecast", "model.json", "patient.toml", "--demonstration")


@trigger
def patient_too_large(box):
    """The person's file is far too large for one person."""
    _asked(box, "#" * 4_000_001)


@trigger
def patient_encoding(box):
    """The person's file is not UTF-8."""
    _asked(box, b"# \xff\n")


@trigger
def patient_syntax(box):
    """The person's file is no TOML."""
    _asked(box, "age = \n")


@trigger
def predictor_unknown(box):
    """A name is not among what the model asks for."""
    _asked(box, patient_toml() + "treg_precent_day5 = 7\n")


@trigger
def predictor_invalid(box):
    """A value is no number, no level, or has no logarithm."""
    _asked(box, patient_toml(treg_percent_baseline=0))


@trigger
def predictor_unit(box):
    """A value is given in another unit than that of the training set."""
    _asked(box, patient_toml(age=None) + 'age = { value = 480, unit = "months" }\n')


@trigger
def predictor_missing(box):
    """A value is missing without which there is no forecast."""
    _asked(box, patient_toml(hdrs_baseline=None))


@trigger
def predictors_too_many_missing(box):
    """More than half of what may be missing is missing."""
    _asked(box, patient_toml(age=None, treg_percent_baseline=None))


@trigger
def outside_training_range(box):
    """A value, or a change, lies outside the range of the training set."""
    _asked(box, patient_toml(age=93))


@trigger
def outside_training_range_jointly(box):
    """Each value is usual, and all of them together are like nobody in the training set."""
    # The furthest corner of the range, of which nobody was near.
    ridge = trained().forecasts["baseline"].ridge
    columns = [c.key for c in trained().forecasts["baseline"].design.columns]
    import math

    high, low = (
        dict(zip(columns, ridge.upper, strict=True)),
        dict(zip(columns, ridge.lower, strict=True)),
    )
    _asked(
        box,
        patient_toml(
            age=low["age"],
            hdrs_baseline=high["hdrs_change"],
            treg_percent_baseline=math.exp(low["treg_percent"]) * 1.0001,
            th2_percent_baseline=math.exp(high["th2_percent"]) * 0.9999,
        ),
    )


@trigger
def forecast_arm_unknown(box):
    """The trial of the model has no such arm."""
    _asked(box, patient_toml(arm="il-2"))


@trigger
def forecast_arm_missing(box):
    """Values of the early visit are given, and the assigned arm is not."""
    _asked(box, patient_toml(treg_percent_day5=7))


@trigger
def forecast_other_arm(box):
    """After the early visit another arm than the assigned one is asked for."""
    _asked(box, patient_toml(treg_percent_day5=7, arm="il2"), "--arm", "placebo")


@trigger
def forecast_early_without_baseline(box):
    """A value of the early visit is given without the one at baseline."""
    _asked(box, patient_toml(arm="il2", treg_percent_day5=7, treg_percent_baseline=None))


@trigger
def forecast_early_untrained(box):
    """The model has no forecast from the early visit."""
    import dataclasses

    forecasts = {"baseline": trained().forecasts["baseline"]}
    untrained = {"early": "too few people have the outcome and what is not shrunk"}
    box.write(
        "model.json",
        forecast_bytes(dataclasses.replace(trained(), forecasts=forecasts, untrained=untrained)),
    )
    box.write("patient.toml", patient_toml(arm="il2", hdrs_day5=20))
    box.command("forecast", "model.json", "patient.toml", "--demonstration")


def _compared(rules, protocol=None, **options):
    eq.compare_enrichment(protocol or planned(), rules, **{"trials": 2, **options})


TREG = eq.MarkerMeasure("treg_percent", "early")


@trigger
def enrichment_not_planned(box):
    """The protocol has no early visit, marker or control that a rule could use."""
    _compared([eq.EnrichmentRule(TREG, 1.1)], eq.load_protocol("minocycline-depression"))


@trigger
def enrichment_no_rules(box):
    """No rule is given."""
    _compared([])


@trigger
def enrichment_trials(box):
    """Too few trials for a Monte-Carlo error."""
    _compared([eq.EnrichmentRule(TREG, 1.1)], trials=1)


@trigger
def enrichment_needs_doses(box):
    """A rule stops study drug in patients whose course does not follow the doses."""
    _compared([eq.EnrichmentRule(TREG, 1.1)], patients="statistical")


@trigger
def enrichment_marker_unknown(box):
    """A rule is on a marker that the protocol does not follow."""
    _compared([eq.EnrichmentRule(eq.MarkerMeasure("treg", "early"), 1.1)])


@trigger
def enrichment_threshold_not_finite(box):
    """A threshold is no number."""
    _compared([eq.EnrichmentRule(TREG, float("nan"))])


@trigger
def enrichment_forecast_unfit(box):
    """A rule's forecast has no such arm or stage, or asks for what the trial does not measure."""
    _compared([eq.EnrichmentRule(eq.ForecastMeasure(trained(), "placebo"), 0.5)])
