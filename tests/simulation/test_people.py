"""Screening and stopped study drug have streams of their own and leave the rest as it was."""

from __future__ import annotations

import polars as pl
import pytest

import equipoise as eq

SCREENING = "[assumptions.statistical.screening]\nassessed_per_participant = 1.8\n"


def without(text, start, end):
    return text[: text.index(start)] + text[text.index(end) :]


def test_neither_changes_anything_else(write_protocol, il2, il2_records, tmp_path):
    path = write_protocol()
    text = path.read_text(encoding="utf-8")
    cut = without(text, "[assumptions.statistical.stopping]", "[assumptions.statistical.events")
    path.write_text(cut, encoding="utf-8")
    plain = eq.simulate(eq.load_protocol(path), seed=1)
    assert plain.screening is None
    for name in ("participants", "allocation", "visits", "scores", "cells", "labs"):
        assert plain.frames()[name].equals(il2_records.frames()[name]), name
    ends = pl.col("event") != "stopped-study-drug"
    assert plain.disposition.filter(ends).equals(il2_records.disposition.filter(ends))


@pytest.mark.parametrize("seed", range(4))
def test_who_stopped_study_drug_got_no_dose_afterwards(write_protocol, seed):
    path = write_protocol(("placebo = 0.03, il2 = 0.06", "placebo = 0.5, il2 = 0.5"))
    records = eq.simulate(eq.load_protocol(path), seed=seed)
    stopped = records.disposition.filter(pl.col("event") == "stopped-study-drug")
    assert stopped.height > 5
    assert stopped["reason"].null_count() == 0
    doses = records.doses.join(
        stopped.select("participant", pl.col("day").alias("stopped")), on="participant"
    )
    assert (doses["day"] < doses["stopped"]).all()
    flagged = records.adverse_events.filter("led_to_stopping")["participant"]
    by_event = stopped.filter(pl.col("reason") == "Adverse event")["participant"]
    assert set(by_event) <= set(flagged)


def test_the_number_assessed_follows_the_assumption(il2):
    """36 enter; the excluded are negative binomial with mean 36 · 0.8 and variance 36 · 0.8 · 1.8:
    over 60 trials the mean is within four standard errors of 28.8."""
    excluded = [
        int((eq.simulate(il2, seed=3, trial=t).screening["outcome"] != "randomised").sum())
        for t in range(60)
    ]
    error = (28.8 * 1.8 / 60) ** 0.5
    assert abs(sum(excluded) / 60 - 28.8) < 4 * error
    first = eq.simulate(il2, seed=3).screening
    assert first.equals(eq.simulate(il2, seed=3).screening)
    assert first["outcome"][-1] == "randomised"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("other = { \"Not asked in time\" = 0.1 }", "", "the probabilities sum to 1"),
        ("not-eligible = {", "unfit = {", "not-eligible"),
        ("assessed_per_participant = 1.8", "assessed_per_participant = 0.8", "Mean number assessed"),
        ("{ placebo = 0.03, il2 = 0.06 }", "{ placebo = 0.03 }", "il2 has none"),
    ],
)  # fmt: skip
def test_assumptions_that_cannot_be_drawn_are_refused(write_protocol, old, new, said):
    with pytest.raises(eq.EquipoiseError) as info:
        eq.load_protocol(write_protocol((old, new)))
    assert said in str(info.value)


def test_nobody_stops_a_drug_that_is_not_given(write_protocol):
    path = write_protocol(
        (
            "[assumptions.statistical.dropout]",
            "[assumptions.statistical.stopping]\nprobability = { placebo = 0, drug = 0.1 }\n"
            'reasons = { "Other" = 1.0 }\n\n[assumptions.statistical.dropout]',
        ),
        study="antidepressant-example",
    )
    with pytest.raises(eq.EquipoiseError, match="has doses to stop") as info:
        eq.load_protocol(path)
    (fault,) = info.value.faults
    assert fault.field == "assumptions.statistical.stopping.probability.drug"


def test_a_single_arm_trial_enrols_instead(tmp_path):
    from tests.analysis.test_single_arm import SINGLE
    from tests.conftest import protocol_text

    text = protocol_text("antidepressant-example")
    for old, new in SINGLE:
        assert old in text
        text = text.replace(old, new, 1)
    extra = (
        "\n[assumptions.statistical.screening]\nassessed_per_participant = 2\n"
        'excluded = { declined = { "No" = 1.0 } }\n'
    )
    (tmp_path / "protocol.toml").write_text(text + extra, encoding="utf-8")
    protocol = eq.load_protocol(tmp_path / "protocol.toml")
    records = eq.simulate(protocol, seed=1)
    assert set(records.screening["outcome"]) == {"enrolled", "declined"}
    eq.write_records(records, tmp_path / "data")
    flow = eq.analyse(protocol, eq.read_records(tmp_path / "data", protocol)).flow
    assert flow.screening.entered == 172
