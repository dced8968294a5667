"""Response and remission by the rules of each scale, judged by hand."""

from __future__ import annotations

import polars as pl
import pytest

import equipoise as eq
from equipoise.analysis.ordinal import _named
from equipoise.analysis.outcomes import OutcomeData, definition_of, reached

VISITS = "[cells.treg]\n"
ASSUMED = "[assumptions.statistical.cells.treg]\n"
ENDPOINT = "[estimands.treg_response]"

HIGHER = """
[scales.wellbeing]
label = "Well-being"
title = "A scale that rises"
source = "Nobody"
certainty = "recalled"
rater = "participant"
better = "higher"
scoring = "single-rating"
total = [30, 90]
remission_at_least = 80

"""


@pytest.fixture
def rated(write_protocol):
    """An endpoint on a scale with some scores: {(participant, visit): score} → `reached`."""

    def read(scale, scores, endpoint, *, visits='"baseline", "week8"', items="", own=""):
        after = "{ week8 = 0 }"
        spread = ", ".join(f"{v.strip()} = 1" for v in visits.replace('"', "").split(","))
        protocol = eq.load_protocol(
            write_protocol(
                (VISITS, f'[instruments.x]\nscale = "{scale}"\nvisits = [{visits}]\n{items}\n{VISITS}'),
                (ASSUMED, "[assumptions.statistical.scores.x]\nbaseline_mean = 4\n"
                 f"correlation = 0.5\nsd = {{ {spread} }}\n"
                 f"change = {{ placebo = {after}, il2 = {after} }}\n\n{ASSUMED}"),
                (ENDPOINT, f'{own}[endpoints.x]\nlabel = "X"\ninstrument = "x"\n{endpoint}\n\n{ENDPOINT}'),
            )
        )  # fmt: skip
        rows = [(p, v, 0.0, float(s)) for (p, v), s in scores.items()]
        frame = pl.DataFrame(rows, schema=["participant", "visit", "day", "value"], orient="row")
        data = OutcomeData(
            protocol, None, "x", frame.clear(), frame, frozenset(), ("week8",), 1  # type: ignore[arg-type]
        )  # fmt: skip
        return data, {person: met for (person, _), met in reached(data).items()}

    return read


def pairs(*scores):
    """Baseline and week 8 of each participant, by letter."""
    found = {}
    for letter, (before, after) in zip("ABCDEF", scores, strict=False):
        found[letter, "baseline"], found[letter, "week8"] = before, after
    return found


def test_response_is_half_of_the_baseline(rated):
    data, met = rated(
        "madrs", pairs((21, 10), (21, 11), (0, 0)), 'scale = "response"\nbetter = "lower"'
    )
    assert met == {"A": True, "B": False}  # C has nothing to lose
    assert definition_of(data) == "reduction of MADRS by at least 50 % from baseline"


def test_remission_of_madrs_is_below_ten(rated):
    data, met = rated("madrs", pairs((30, 9), (30, 10)), 'scale = "remission"\nbetter = "lower"')
    assert met == {"A": True, "B": False}
    assert definition_of(data) == "MADRS below 10"


def test_a_rating_of_change_is_a_response_by_itself(rated):
    scores = {("A", "week8"): 2, ("B", "week8"): 3}
    data, met = rated("cgi-i", scores, 'scale = "response"\nbetter = "lower"', visits='"week8"')
    assert met == {"A": True, "B": False}
    assert definition_of(data) == "CGI-I of at most 2"


def test_a_share_is_one_of_the_points_above_the_lowest_score(rated):
    """CTQ emotional abuse, 5 to 25: half of 15 is 10, since 5 is the floor."""
    endpoint = 'part = "emotional-abuse"\nscale = "response"\nbetter = "lower"\nreduction = 0.5'
    data, met = rated("ctq", pairs((15, 10), (15, 11), (5, 5)), endpoint, items='items = "all"')
    assert met == {"A": True, "B": False}
    assert definition_of(data) == (
        "reduction of CTQ Emotional abuse by at least 50 % from baseline (points above 5)"
    )


def test_where_higher_is_better_response_is_a_rise_and_remission_a_floor(rated):
    endpoint = 'scale = "response"\nbetter = "higher"\nreduction = 0.5'
    data, met = rated("wellbeing", pairs((50, 60), (50, 59)), endpoint, own=HIGHER)
    assert met == {"A": True, "B": False}
    assert definition_of(data).startswith("rise of Well-being by at least 50 %")
    endpoint = 'scale = "remission"\nbetter = "higher"'
    data, met = rated("wellbeing", pairs((50, 80), (50, 79)), endpoint, own=HIGHER)
    assert met == {"A": True, "B": False}
    assert definition_of(data) == "Well-being of at least 80"


def test_categories_carry_the_names_of_their_levels(rated):
    scores = {("A", "week8"): 2}
    data, _ = rated("cgi-i", scores, 'scale = "response"\nbetter = "lower"', visits='"week8"')
    assert _named(data, 2.0) == "2 (clear improvement)"
    data, _ = rated("madrs", pairs((20, 9)), 'scale = "remission"\nbetter = "lower"')
    assert _named(data, 9.0) == "9"


@pytest.mark.parametrize(
    ("scale", "endpoint", "options", "rule"),
    [
        ("gaf", 'scale = "response"\nbetter = "higher"', {}, "GAF has no rule for response"),
        ("gaf", 'scale = "remission"\nbetter = "higher"', {}, "GAF has no rule for remission"),
        (
            "cgi-i", 'scale = "response"\nbetter = "lower"\nreduction = 0.5',
            {"visits": '"week8"'}, "CGI-I rates a change and has no baseline to be reduced from",
        ),
        (
            "hdrs-21", 'part = "hdrs-17"\nscale = "response"\nbetter = "lower"',
            {"items": 'items = "all"'}, "the part `hdrs-17` of HDRS-21 has no rule for response",
        ),
    ],
)  # fmt: skip
def test_what_a_scale_has_no_rule_for_is_asked_for(rated, scale, endpoint, options, rule):
    with pytest.raises(eq.EquipoiseError, match="is refused") as info:
        rated(scale, {}, endpoint, **options)
    (fault,) = info.value.faults
    assert fault.code == "protocol-inconsistent"
    assert fault.rule == rule
    assert fault.remedy
