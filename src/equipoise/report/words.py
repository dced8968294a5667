"""Numbers as they are printed, and the answers in plain sentences."""

from __future__ import annotations

import math
import re

from equipoise.analysis.harm_results import HarmRow
from equipoise.analysis.results import (
    Answer,
    Contrast,
    EndpointResult,
    GroupOutcome,
    Mean,
    OutcomeResult,
    Results,
    Status,
)

MINUS = "\u2212"
_REMAINS = "; the interval shows what remains compatible with the data"
PLUS_MINUS = "\u00b1"
MISSING = "\u2013"


def number(value: float | None, digits: int = 2) -> str:
    """A number with a real minus sign; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def day(value: float) -> str:
    """A day as short as it can be written."""
    return f"{value:g}".replace("-", MINUS)


def significant(value: float | None, digits: int = 3) -> str:
    """A number to significant digits, without an exponent in the ordinary range."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return number(value, min(places, 6))


def p_value(p: float | None) -> str:
    """A p-value as journals print it."""
    if p is None:
        return MISSING
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def p_clause(p: float) -> str:
    """``p = 0.012`` or ``p < 0.001``."""
    text = p_value(p)
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"


def percent(fraction: float | None, digits: int = 0) -> str:
    """A fraction as a percentage."""
    return MISSING if fraction is None else f"{number(100 * fraction, digits)} %"


def interval(lower: float | None, upper: float | None, digits: int = 2) -> str:
    """``1.05 to 1.32``."""
    return f"{number(lower, digits)} to {number(upper, digits)}"


def decimals(se: float | None) -> int:
    """Digits after the point: two, and more where the standard error is small, so that two of
    its own figures are shown."""
    if se is None or not 0 < se < 0.1:
        return 2
    return min(1 - math.floor(math.log10(se)), 6)


def mean_text(mean: Mean, log: bool) -> str:
    """A least-squares mean and its interval; a ratio on the log scale."""
    if log:
        return f"{number(mean.ratio)} ({interval(mean.ratio_lower, mean.ratio_upper)})"
    digits = decimals(mean.se)
    return f"{number(mean.estimate, digits)} ({interval(mean.lower, mean.upper, digits)})"


def contrast_text(contrast: Contrast, log: bool) -> str:
    """Estimate and interval: a ratio on the log scale, percentage points for rates."""
    digits = decimals(contrast.se) if contrast.measure == "mean difference" and not log else 2
    if contrast.measure == "rate difference":
        low, high = percent(contrast.lower), percent(contrast.upper)
        return f"{percent(contrast.estimate)} ({low} to {high})"
    if contrast.measure == "restricted mean difference":
        digits = 1
    if log:
        return (
            f"{number(contrast.ratio, digits)} "
            f"({interval(contrast.ratio_lower, contrast.ratio_upper, digits)})"
        )
    return (
        f"{number(contrast.estimate, digits)} ({interval(contrast.lower, contrast.upper, digits)})"
    )


def sentence(text: str) -> str:
    """The text with its first letter large and the others as they are."""
    return text[:1].upper() + text[1:]


def within(text: str) -> str:
    """The text as it stands inside a sentence; abbreviations (ECT, MDD) keep their capitals."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


#: What tells a programmer what to do: the page says only what was not possible.
_REMEDY = re.compile(
    r"(?<=[.?]) (?:Check|Choose|Complete|Did you|Give|Hold|Keep|Leave|Look|Merge|Name|Retype"
    r"|Take|Use)\b[^|]*?[.?](?=\s|;|\||$)"
)
_ARGUMENT = re.compile(r" \(got (?:'([^']*)'|[^()]*)\)")
_NOBODY = "one value a participant, at least one"


def clause(text: str | None) -> str:
    """Why something could not be estimated, without its full stop and without a remedy.

    What the numerical methods advise is for who calls them, not for who reads a report.
    """
    if text is None:
        return "no comparison at this visit (no data, or too few people)"
    said = _ARGUMENT.sub(_value, _REMEDY.sub("", text)).replace(_NOBODY, "nobody has a value")
    return re.sub(r"\.+(?=; | \| |\s*$)", "", said).rstrip()


def _value(found: re.Match[str]) -> str:
    """The value of a fault where it is in words: the visits, the levels."""
    named = found.group(1)
    return "" if named is None or named.startswith("shape ") else f" ({named})"


def difference(contrast: Contrast) -> str:
    """``BD − MDD``: the levels whose effects are compared."""
    return (contrast.subgroup or "").replace(" - ", f" {MINUS} ")


def level(results: Results) -> str:
    """``95 %``."""
    return f"{100 * results.confidence:g} %"


def visit_label(results: Results, visit: str) -> str:
    """The visit's name as printed."""
    return dict(results.visits)[visit]


def group_label(results: Results, key: str) -> str:
    """The group's name as printed."""
    return next((group.label for group in results.groups if group.key == key), key)


def answer_sentence(results: Results, answer: Answer) -> str:
    """What the data say on one estimand, without more than they say."""
    endpoint = endpoint_of(results, answer.endpoint)
    when = visit_label(results, answer.visit)
    if answer.status is Status.BLINDED:
        return "The arms are compared when the allocation is opened; these data are blinded."
    if answer.status is Status.NOT_ESTIMABLE:
        return f"This cannot be estimated from these data: {clause(answer.why)}."
    if answer.status is Status.UNCONTROLLED:
        return _uncontrolled_sentence(results, endpoint, answer, when)
    parts = [_estimate(results, endpoint, c, when) for c in answer.contrasts]
    text = " ".join([*parts, *strategy_clauses(results, answer.estimand)])
    if answer.status is Status.GATE_CLOSED:
        return (
            f"{text} It is not tested: an estimand before it in the fixed order was not "
            "significant. The interval describes the data and confirms nothing."
        )
    late = ""
    if answer.status is Status.NOT_PLANNED:
        late = " The analysis was not fixed before the data were known, so this confirms nothing."
    if answer.adjusted_p is not None:
        verdict = "rejects" if answer.significant else "does not reject"
        return (
            f"{text} The graphical procedure {verdict} \u201cno difference\u201d (adjusted "
            f"{p_clause(answer.adjusted_p)}){_REMAINS if not answer.significant else ''}.{late}"
        )
    if len(answer.contrasts) > 1:
        verdicts = "; ".join(
            f"{group_label(results, c.arm)}: adjusted {p_clause(c.adjusted_p or 0.0)}, "
            f"\u201cno difference\u201d {'is' if c.arm in answer.rejected else 'is not'} rejected"
            for c in answer.contrasts
        )
        met = "is met" if answer.significant else "is not met"
        return f"{text} {verdicts}. The estimand needs all arms and {met}.{late}"
    tested = "; ".join(p_clause(c.p) for c in answer.contrasts if c.p is not None)
    at, rest = look_clauses(results, answer)
    tested += at
    if not answer.significant:
        remains = rest or f"{_REMAINS}."
        return (
            f"{text} The test does not reject \u201cno difference\u201d ({tested}){remains}{late}"
        )
    return f"{text} The test rejects \u201cno difference\u201d ({tested}){rest or '.'}{late}"


def look_clauses(results: Results, answer: Answer) -> tuple[str, str]:
    """What a trial with interim looks adds to a test: its nominal level, and what follows."""
    found = results.interim
    if found is None:
        return "", ""
    now, crossed = found.looks[-1], found.crossed
    at = f", nominal level of this look {significant(found.level)}"
    if answer.estimand != found.estimand:
        return at, ""
    if crossed is not None and crossed.number < now.number:
        return at, f"; its boundary was crossed at look {crossed.number}."
    if not now.final:
        return at, "; the boundary is crossed." if now.crossed else ": the trial goes on."
    return at, ""


def _uncontrolled_outcome(
    results: Results, outcome: OutcomeResult, row: GroupOutcome, when: str
) -> str:
    arm = group_label(results, row.group)
    if outcome.scale == "time-to-response":
        return (
            f"Up to {when}, participants on {arm} spent {number(row.estimate, 1)} days without "
            f"response on average ({level(results)} CI {interval(row.lower, row.upper, 1)})."
        )
    if outcome.scale == "ordinal":
        return (
            f"At {when}, the mean category of {outcome.label} on {arm} was {number(row.estimate)}."
        )
    return (
        f"At {when}, {row.events} of {row.n} participants on {arm} were in {outcome.scale} "
        f"({outcome.definition}): {percent(row.estimate)} ({level(results)} CI "
        f"{percent(row.lower)} to {percent(row.upper)})."
    )


def _uncontrolled_sentence(
    results: Results, endpoint: EndpointResult | OutcomeResult, answer: Answer, when: str
) -> str:
    """What was seen in the one arm, and what it cannot show."""
    parts: list[str] = []
    if isinstance(endpoint, OutcomeResult):
        parts = [_uncontrolled_outcome(results, endpoint, row, when) for row in answer.outcome]
        what = "outcome"
    else:
        what = "change"
    for m in answer.means:
        assert isinstance(endpoint, EndpointResult)
        arm = group_label(results, m.group)
        if endpoint.scale == "log_fold":
            change = f"{number(m.ratio)} times the baseline (geometric mean, "
            bounds = interval(m.ratio_lower, m.ratio_upper)
        else:
            digits = decimals(m.se)
            change = f"{number(m.estimate, digits)} {endpoint.unit} from baseline ("
            bounds = interval(m.lower, m.upper, digits)
        verb = "was" if endpoint.scale == "log_fold" else "had changed by"
        parts.append(
            f"At {when}, {endpoint.label} on {arm} {verb} {change}{level(results)} CI {bounds})."
        )
    return (
        " ".join([*parts, *strategy_clauses(results, answer.estimand)])
        + " Nobody was randomised and there is no control group: natural course, "
        f"regression to the mean and expectation are in this {what}, and it cannot be attributed "
        "to the treatment."
    )


#: What a strategy did with the values after an event; outcomes that are not means fail by it.
_STRATEGIES = {
    "hypothetical": "were left out",
    "while-on-treatment": "were replaced by the last value up to it",
    "composite": "were replaced by the change that the protocol states",
}
_FAILS = {
    "response": "count as failure",
    "remission": "count as failure",
    "time-to-response": "count as never responding",
    "ordinal": "count as the worst category",
}


def strategy_clauses(results: Results, key: str) -> list[str]:
    """On which values and which people an estimand rests, where not on all of them."""
    found = results.estimands.get(key)
    if found is None or not found.own:
        return []
    endpoint = endpoint_of(results, found.endpoint)
    said: list[str] = []
    for strategy, done in _STRATEGIES.items():
        events = [within(event) for event, how in found.strategies if how == strategy]
        if not events:
            continue
        if strategy == "composite" and isinstance(endpoint, OutcomeResult):
            said.append(f"Visits after {_listed(events)} {_FAILS[endpoint.scale]} (composite).")
            continue
        said.append(f"Values after {_listed(events)} {done} ({strategy.replace('-', ' ')}).")
    randomised = sum(group.n for group in results.groups)
    if found.analysis_set not in ("All randomised", "All enrolled"):
        said.append(
            f"Analysed were {found.participants} of {randomised}: {within(found.analysis_set)}."
        )
    return said


def _listed(texts: list[str]) -> str:
    return " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def endpoint_of(results: Results, key: str) -> EndpointResult | OutcomeResult:
    """The endpoint's result, whatever its scale."""
    found = results.endpoints.get(key)
    return results.outcomes[key] if found is None else found


def _outcome_estimate(results: Results, outcome: OutcomeResult, c: Contrast, when: str) -> str:
    arm, reference = group_label(results, c.arm), group_label(results, c.reference)
    if c.measure == "win probability":
        return (
            f"At {when}, somebody on {arm} does better on {outcome.label} than somebody on "
            f"{reference} with probability {number(c.estimate)} ({level(results)} CI "
            f"{interval(c.lower, c.upper)}; ties count half, 0.5 is no difference)."
        )
    if c.measure == "restricted mean difference":
        return (
            f"Up to {when}, participants on {arm} spent {number(abs(c.estimate), 1)} days "
            f"{'more' if c.estimate > 0 else 'less'} without response than on {reference} "
            f"(difference {number(c.estimate, 1)}, {level(results)} CI "
            f"{interval(c.lower, c.upper, 1)})."
        )
    return (
        f"At {when}, the rate of {outcome.scale} ({outcome.definition}) was "
        f"{number(100 * abs(c.estimate), 0)} percentage points "
        f"{'higher' if c.estimate >= 0 else 'lower'} on {arm} than on {reference} "
        f"({level(results)} CI {interval(100 * c.lower, 100 * c.upper, 0)})."
    )


def _estimate(
    results: Results, endpoint: EndpointResult | OutcomeResult, c: Contrast, when: str
) -> str:
    if isinstance(endpoint, OutcomeResult):
        return _outcome_estimate(results, endpoint, c, when)
    arm, reference = group_label(results, c.arm), group_label(results, c.reference)
    if endpoint.scale == "log_fold":
        return (
            f"At {when}, the fold change of {endpoint.label} from baseline on {arm} was "
            f"{number(c.ratio)} times that on {reference} "
            f"({level(results)} CI {interval(c.ratio_lower, c.ratio_upper)})."
        )
    way = ""
    if endpoint.better != "neither" and c.estimate != 0:
        good = (c.estimate < 0) == (endpoint.better == "lower")
        way = f", in favour of {arm if good else reference}"
    digits = decimals(c.se)
    return (
        f"At {when}, the mean change of {endpoint.label} from baseline differed by "
        f"{number(c.estimate, digits)} {endpoint.unit} between {arm} and {reference} "
        f"({level(results)} CI {interval(c.lower, c.upper, digits)}){way}."
    )


def subgroup_sentence(results: Results, answer: Answer) -> str | None:
    """Effects by subgroup with the interaction; None where the model has none.

    The effects are those of the endpoint's main model, in which all values count: an estimand with
    a model of its own says nothing by subgroup.
    """
    endpoint = results.endpoints.get(answer.endpoint)
    sub = None if endpoint is None else endpoint.subgroup
    estimate = results.estimands.get(answer.estimand)
    if endpoint is None or sub is None or (estimate is not None and estimate.own):
        return None
    if sub.fit is None:
        return f"Effects by {within(sub.label)} cannot be estimated: {clause(sub.failure)}."
    log = endpoint.scale == "log_fold"
    effects = [c for c in sub.effects if c.visit == answer.visit]
    several = len(results.groups) > 2

    def named(c: Contrast, text: str) -> str:
        return f"{group_label(results, c.arm)}, {text}" if several else text

    found = "; ".join(named(c, f"{c.subgroup} {contrast_text(c, log)}") for c in effects)
    inter = [c for c in sub.interaction if c.visit == answer.visit]
    kind = "ratio of the effects" if log else "difference of the effects"
    tests = "; ".join(
        named(c, f"{kind} ({difference(c)}) {contrast_text(c, log)}{_p(c)}") for c in inter
    )
    if not effects:
        return f"Effects by {within(sub.label)} are not given: too few people."
    return f"By {within(sub.label)}, from one model with the interaction: {found}; {tests}."


def _p(contrast: Contrast) -> str:
    return "" if contrast.p is None else f", {p_clause(contrast.p)}"


def harm_sentence(results: Results, row: HarmRow) -> str:
    """Counts of one kind of harm, and which rates they exclude."""
    parts = []
    for rate in row.rates:
        name = group_label(results, rate.group)
        if rate.n == 0:
            parts.append(f"{name}: nobody assessed")
        elif rate.events == 0:
            parts.append(
                f"{name}: 0 of {rate.n}, which excludes true rates above "
                f"{percent(rate.upper)} ({level(results)} CI)"
            )
        else:
            parts.append(
                f"{name}: {rate.events} of {rate.n} "
                f"({level(results)} CI {percent(rate.lower)} to {percent(rate.upper)})"
            )
    return f"{row.label}: " + "; ".join(parts) + "."
