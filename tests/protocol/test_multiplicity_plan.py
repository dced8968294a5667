"""Adjustment for the number of questions: what a protocol may say, and what is refused."""

from __future__ import annotations

import pytest

import equipoise as eq
from equipoise.protocol import check_protocol

HOLM = 'visit = "day5"\nmethod = "holm"'
MARKERS = 'method = "max-t"\ndraws = 1999\nseed = 2024\n'


def family(text):
    return (HOLM, f'visit = "day5"\n{text}')


def markers(text):
    return (MARKERS, text + "\n")


def test_the_twin_counts_its_markers_and_says_so(il2):
    plan = il2.analysis.prediction.multiplicity
    assert (plan.method.value, plan.draws, plan.seed) == ("max-t", 1999, 2024)
    assert il2.analysis.families["cells"].method.value == "holm"


def test_a_default_leaves_the_hash_as_it_was(il2, write_protocol):
    path = write_protocol((HOLM, 'visit = "day5"'))
    assert eq.load_protocol(path).hash == il2.hash


@pytest.mark.parametrize("method", ["hochberg", "fixed-sequence", "bh", "none", "holm"])
def test_methods_that_need_nothing_are_taken(write_protocol, method):
    found = eq.load_protocol(write_protocol(family(f'method = "{method}"')))
    assert found.analysis.families["cells"].method.value == method


#: change → field, part of the rule, part of the remedy
CASES = {
    "a method that there is not": (
        family('method = "bonferroni"'), "cells.method", "", "",
    ),
    "max-T without draws": (
        family('method = "max-t"'), "cells.draws", "`max-t` needs `draws`", "add `draws`",
    ),
    "draws without max-T": (
        family('method = "holm"\ndraws = 99'),
        "cells.draws", "`holm` needs nothing further", "take `draws` out",
    ),
    "a seed without draws": (
        markers('method = "bh"\nseed = 4'),
        "multiplicity.seed", "`bh` needs nothing further", "take `seed` out",
    ),
    "too few draws for the level": (
        markers('method = "max-t"\ndraws = 19'),
        "multiplicity.draws", "1/20, which is not below the level 0.05", "draw at least 20",
    ),
    "too few draws for the level of a family": (
        family('method = "max-t"\ndraws = 19'), "cells.draws", "nothing could ever be found", "20",
    ),
    "a graph that is not there": (
        markers('method = "graphical"'),
        "multiplicity.graph", "`graphical` needs `graph`", "add `graph`",
    ),
    "a graph of another method": (
        markers('method = "holm"\ngraph = { weights = { treg_percent = 1 } }'),
        "multiplicity.graph", "`holm` needs nothing further", "take `graph` out",
    ),
    "a graph that names no member": (
        markers('method = "graphical"\ngraph = { weights = { treg_percnt = 1 } }'),
        "weights.treg_percnt", "`treg_percnt` is no marker", "treg_percent",
    ),
    "weights above 1 in all": (
        markers(
            'method = "graphical"\ngraph = { weights = { treg_percent = 0.6, th2_percent = 0.6 } }'
        ),
        "graph.weights", "shares sum to at most 1", "correct one",
    ),
    "a weight above 1": (
        family('method = "graphical"\ngraph = { weights = { treg_count = 1.5 } }'),
        "weights.treg_count", "", "",
    ),
    "members without a weight": (
        family('method = "graphical"\ngraph = { weights = { treg_count = 1 } }'),
        "graph.weights", "every member has a weight; th2_percent", "add it, 0",
    ),
    "a member that hands on to itself": (
        family(
            'method = "graphical"\ngraph = { weights = { treg_count = 1 }, '
            "transitions = { treg_count = { treg_count = 1 } } }"
        ),
        "transitions.treg_count", "a member hands nothing on to itself", "take it out",
    ),
    "a rate in a max-T": (
        ('endpoints = [\n  "treg_count", "th2_percent"', 'method = "max-t"\ndraws = 99\n'
         'endpoints = [\n  "hdrs_response", "th2_percent"'),
        "endpoints", "`max-t` fits the mixed model of every member again", "another method",
    ),
    "a member twice": (
        ('endpoints = [\n  "treg_count", "th2_percent"',
         'endpoints = [\n  "th2_percent", "treg_count", "th2_percent"'),
        "endpoints", "each member stands once", "take the second one out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_makes_no_sense_is_refused_with_reason_and_remedy(write_protocol, name):
    change, field, rule, remedy = CASES[name]
    changes = [change]
    if 'method = "max-t"\ndraws = 99\nendpoints' in change[1]:
        changes.append((HOLM, 'visit = "day5"'))
    _, faults = check_protocol(write_protocol(*changes))
    hits = [f for f in faults if field in f.field and rule in f.rule and remedy in f.remedy]
    assert hits, faults


def test_all_faults_come_at_once(write_protocol):
    _, faults = check_protocol(
        write_protocol(
            family('method = "max-t"'),
            markers('method = "max-t"\ndraws = 19\ngraph = { weights = { x = 1 } }'),
        )
    )
    assert len(faults) >= 4
    assert {"draws", "graph"} <= {f.field.rpartition(".")[2] for f in faults}
