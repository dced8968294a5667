"""How often a trial like this makes a claim, beside the claim: with and without what it claims.

From the operating characteristics where they were computed; without them it says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.twins_words import interval, percent

if TYPE_CHECKING:
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.design.characteristics import Characteristics, Tally

NOT_COMPUTED = (
    "How often trials like this make this claim, with and without what it claims: not computed."
)

#: Parts of the chapter whose claims the design stage does not simulate: a trial takes too long.
_SLOW = {
    "multivariate": "All markers together (multivariate)",
    "mediation": "An indirect effect through the early change (mediation)",
}

#: First part of a claim's key → the scenario in which it is false, in words, and as assumed.
_WITHOUT: dict[str, tuple[str, str, str]] = {
    "prediction": ("link-off", "With the link off", "with it on, as assumed,"),
    "estimand": ("null", "Where treatment does nothing", "where it works as assumed"),
    "family": ("null", "Where treatment does nothing", "where it works as assumed"),
}


def often(found: Characteristics | None, key: str) -> str:
    """How often the claim of this key is made where it is false and where it holds."""
    text = _often(found, key)
    return NOT_COMPUTED if text is None else text


def _often(found: Characteristics | None, key: str) -> str | None:
    scenario, false, true = _WITHOUT[key.partition(":")[0]]
    without, holding = tallied(found, scenario, key), tallied(found, "planned", key)
    if found is None or without is None or holding is None:
        return None
    return (
        f"SIMULATED: {false[0].lower()}{false[1:]} this claim is made in {_share(without)} of "
        f"{found.trials:,} trials like this, {true} in {_share(holding)}. Both follow from the "
        "assumptions of the protocol; neither is evidence."
    )


def tallied(found: Characteristics | None, scenario: str, key: str) -> Tally | None:
    """The count of a claim in a scenario; None where it was not computed."""
    if found is None or scenario not in found.scenarios:
        return None
    if key not in {claim.key for claim in found.claims}:
        return None
    return found.tally(scenario, key)


def _share(tally: Tally) -> str:
    return f"{percent(tally.proportion)} (95 % limits {interval(tally)})"


def reading(found: Characteristics | None) -> str:
    """How the table of claims is read; without characteristics how to have them computed."""
    if found is None:
        return (
            "Not computed. A p-value says how surprising these data are without a link; it says "
            "neither how often a trial of this size finds a link that is there, nor how often it "
            "finds one that is not."
        )
    level = percent(found.alpha / 2)
    return (
        f"SIMULATED: of {found.trials:,} trials of this protocol in each scenario (seed "
        f"{found.seed}), the share that makes each claim. A claim has a direction: by chance alone "
        f"one marker by itself is claimed in about {level}. The shares follow from the assumptions "
        "of the protocol and are no evidence; the limits hold the error of simulating alone."
    )


def association_claims(prediction: Prediction) -> list[tuple[str, str, str | None]]:
    """(what, key of its claim by itself, key adjusted or None) of the chapter, in its order."""
    found = prediction.multiplicity
    counted = found is not None and found.method != "none"

    def adjusted(key: str) -> str | None:
        return f"prediction:adjusted:{key}" if counted else None

    labels = {m.endpoint: m.label for m in prediction.markers}
    labels |= {row.marker: row.label for row in found.rows} if found is not None else {}
    claims = [(text, f"prediction:within:{key}", adjusted(key)) for key, text in labels.items()]
    if len(labels) > 1:
        claims.append(("At least one of them", "prediction:within:any", adjusted("any")))
    for part, label in _SLOW.items():
        if getattr(prediction, part, None) is not None:
            claims.append((label, f"prediction:{part}", None))
    return claims


def shares(found: Characteristics | None, key: str | None) -> tuple[str | None, str | None]:
    """How often a claim is made with the link off and on, as printed; what was not computed says
    so, and without a key there is nothing to say."""
    if key is None:
        return None, None
    tallies = [tallied(found, scenario, key) for scenario in ("link-off", "planned")]
    off, on = (
        "not computed" if t is None else f"{percent(t.proportion)} ({interval(t)})" for t in tallies
    )
    return off, on
