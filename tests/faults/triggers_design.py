"""Faults of the design stage: varied fields, searches, kept trials, clusters."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from tests.faults.catalogue import trigger

import equipoise as eq
from equipoise.design.assurance import assure
from equipoise.design.chunks import prepare
from equipoise.design.interim_results import compare_looks
from equipoise.design.randomisation_compared import compare_randomisation
from equipoise.design.sample_size import find_size
from equipoise.design.trial_store import TrialFile
from equipoise.protocol.changes import change_protocol


def small():
    return eq.load_protocol("antidepressant-example")


@trigger
def changed_field_unknown(box):
    """A field that is varied is none of the protocol's."""
    box.command("design", "antidepressant-example", "--vary", "population.siz=40,60")


@trigger
def changed_field_table(box):
    """What is varied is a table, and not a value."""
    change_protocol(small(), {"population": 40})


@trigger
def vary_invalid(box):
    """A field and its values cannot be read."""
    box.command("design", "antidepressant-example", "--vary", "population.size=60:40")


@trigger
def grid_empty(box):
    """A field is varied over no value, or over one twice."""
    box.command("design", "antidepressant-example", "--vary", "population.size=40,40")


@trigger
def scenario_changes_claims(box):
    """A scenario of the protocol changes what the analysis claims."""
    protocol = small()
    scenario = {
        "label": "Other visit",
        "meaning": "Another visit counts.",
    }
    key, estimand = next(iter(protocol.estimands.items()))
    other = next(v for v in protocol.endpoint_visits(estimand.endpoint) if v != estimand.visit)
    scenario["changes"] = {f"estimands.{key}.visit": other}
    data = protocol.model_dump()
    data["assumptions"]["scenarios"] = {"other": scenario}
    eq.operating_characteristics(
        eq.Protocol.model_validate(data), 1, scenarios=("planned", "other"), workers=1
    )


@trigger
def power_invalid(box):
    """A search for a power that no trial has."""
    box.command("design", "antidepressant-example", "--find", "population.size", "--power", "1.0")


@trigger
def field_not_numeric(box):
    """A search over a field that is no number."""
    box.command("design", "antidepressant-example", "--find", "trial.title")


@trigger
def search_range_missing(box):
    """A search over a field whose values nobody named."""
    box.command("design", "antidepressant-example", "--find", "analysis.alpha")


@trigger
def search_range_invalid(box):
    """A search over too few values, or over values that do not ascend."""
    find_size(small(), between=(60, 40, 20), workers=1)


@trigger
def claim_unknown(box):
    """A search for the power of a claim that the analysis does not make."""
    find_size(small(), claim="estimand:mood", workers=1)


@trigger
def trials_being_run(box):
    """Two runs write the trials of one setting at a time."""
    work = prepare(small(), 1)
    first = TrialFile(Path("one.trials"), work, "0")
    try:
        TrialFile(Path("one.trials"), work, "0")
    finally:
        first.close()


@trigger
def trials_of_another_run(box):
    """A file of trials is another setting's, or none."""
    box.write("one.trials", "something else\n")
    TrialFile(Path("one.trials"), prepare(small(), 1), "0")


@trigger
def trials_not_kept(box):
    """Trials cannot be written: the folder is a file, or the disk is full."""
    box.write("out", "a file\n")
    eq.operating_characteristics(small(), 1, scenarios="planned", workers=1, store="out/trials")


@trigger
def cluster_not_installed(box):
    """A cluster is asked for where Dask is not installed."""
    with mock.patch.dict("sys.modules", {"distributed": None}):
        eq.operating_characteristics(small(), 1, cluster="tcp://127.0.0.1:9")


@trigger
def cluster_silent(box):
    """No Dask scheduler answers at an address, or it has no worker."""
    with mock.patch("equipoise.design.cluster.ANSWER", 1):
        eq.operating_characteristics(small(), 1, cluster="tcp://127.0.0.1:9")


def _client(result):
    """A cluster that answers every chunk with `result`, or raises it."""

    class Future:
        key = "one"

        def result(self):
            if isinstance(result, Exception):
                raise result
            return result

        def release(self):
            pass

    client = mock.MagicMock()
    client.nthreads.return_value = {"worker": 1}
    client.submit.return_value = Future()

    class Ended(list):
        add = list.append

    return mock.patch.multiple(
        "distributed", Client=lambda *_, **__: client, as_completed=lambda **_: Ended()
    )


@trigger
def cluster_lost(box):
    """A cluster goes away before all trials are run."""
    with _client(OSError("gone")):
        eq.operating_characteristics(small(), 1, scenarios="planned", cluster="tcp://one:8786")


@trigger
def cluster_other_software(box):
    """A worker of a cluster has another version of the software."""
    with _client("0123456789abcdef"):
        eq.operating_characteristics(small(), 1, scenarios="planned", cluster="tcp://one:8786")


def with_priors(**priors):
    data = small().model_dump()
    data["assumptions"]["priors"] = priors
    return eq.Protocol.model_validate(data)


PRIOR = {"label": "x", "distribution": "uniform", "minimum": 1.0, "maximum": 2.0}
DOSE = "assumptions.statistical.missed_dose"


@trigger
def priors_missing(box):
    """Assurance of a protocol that is sure of everything."""
    box.command("design", "antidepressant-example", "--assurance", "10")


@trigger
def prior_field_twice(box):
    """Two priors on one field."""
    prior = {**PRIOR, "fields": [DOSE]}
    assure(with_priors(one=prior, two=prior), workers=1)


@trigger
def prior_field_not_numeric(box):
    """A factor on a field that holds no number."""
    assure(with_priors(one={**PRIOR, "fields": ["trial.title"], "multiplies": True}), workers=1)


@trigger
def prior_outside_limits(box):
    """Hardly a value of a prior lies within its limits."""
    law = {"distribution": "normal", "mean": 0.0, "sd": 1.0, "minimum": 50.0, "maximum": None}
    assure(with_priors(one={**PRIOR, **law, "fields": [DOSE]}), workers=1)


@trigger
def looks_invalid(box):
    """Looks are no ascending shares of the participants."""
    box.command("design", "antidepressant-example", "--look", "1.5")


@trigger
def looks_too_early(box):
    """A look at too few participants."""
    box.command("design", "antidepressant-example", "--look", "0.01")


@trigger
def look_estimand_unknown(box):
    """Looks at an estimand that the protocol does not have."""
    box.command("design", "antidepressant-example", "--look", "0.5", "--estimand", "mood")


@trigger
def look_by_records(box):
    """Looks at an estimand that is no mean by a mixed model of everybody."""
    protocol = eq.load_protocol("il2-depression")
    key, estimand = next(iter(protocol.estimands.items()))
    names = [k for k, p in protocol.endpoints.items() if not p.scale.continuous]
    changed = protocol.model_copy(
        update={"estimands": {**protocol.estimands, key: estimand.model_copy(update={
            "endpoint": names[0], "visit": protocol.endpoint_visits(names[0])[-1]})}}
    )  # fmt: skip
    compare_looks(changed, [0.5], 1, workers=1)


@trigger
def spending_unknown(box):
    """There is no spending function of this name."""
    box.command("design", "antidepressant-example", "--look", "0.5", "--spending", "pocok")


@trigger
def spending_parameter(box):
    """A spending function lacks its parameter, or has one that it does not take."""
    box.command("design", "antidepressant-example", "--look", "0.5", "--spending", "power")


@trigger
def spending_invalid(box):
    """The parameter of a spending function cannot be read."""
    box.command("design", "antidepressant-example", "--look", "0.5", "--spending", "power:two")


@trigger
def method_unknown(box):
    """A method of randomisation that there is not is to be compared."""
    compare_randomisation(small(), 1, methods=["blocks"], workers=1)


@trigger
def comparison_estimand(box):
    """Methods of randomisation are to be compared at what is no mean of everybody by a model."""
    compare_randomisation(small(), 1, estimand="mood", workers=1)


@trigger
def comparison_draws(box):
    """Too few lists are drawn again for a re-randomisation test."""
    compare_randomisation(small(), 1, draws=9, workers=1)


@trigger
def generator_not_found(box):
    """A data generator of one's own has no name by which other processes could find it."""
    eq.operating_characteristics(small(), 1, patients=lambda *_, **__: None, workers=2)
