"""Tables by great-tables, without its style sheet: the page's own colours apply."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import polars as pl
from great_tables import GT

from equipoise.report.words import (
    MISSING,
    contrast_text,
    difference,
    group_label,
    interval,
    number,
    p_value,
    percent,
    significant,
    visit_label,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from equipoise.analysis.results import (
        BaselineValue,
        Contrast,
        EndpointResult,
        FamilyResult,
        HarmRow,
        ObservedMean,
        Rate,
        Results,
    )

Cell = str | None

_SMALL = "small count, not shown"


def html_table(
    name: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Cell]],
    *,
    stub: bool = True,
    group: bool = False,
    left: Sequence[str] = (),
    spanners: Sequence[tuple[str, Sequence[str]]] = (),
) -> str:
    """One table as HTML.

    Parameters
    ----------
    name
        Unique in the page; the table's id is ``table-`` and this.
    columns
        (key, heading) of each column. With `group` the first column holds row groups, with
        `stub` the next one holds row headings.
    rows
        Cells, already text; None prints a dash.
    left
        Keys of columns of text, set flush left.
    spanners
        (heading, keys of columns) of headings over several columns.
    """
    keys = [key for key, _ in columns]
    frame = pl.DataFrame(
        {key: [row[i] for row in rows] for i, key in enumerate(keys)},
        schema=dict.fromkeys(keys, pl.String),
    )
    options: dict[str, Any] = {"id": f"table-{name}"}
    head = 0
    if group:
        options["groupname_col"] = keys[0]
        head = 1
    if stub:
        options["rowname_col"] = keys[head]
        head += 1
    table = GT(frame, **options).cols_label(cases=dict(columns[head:]))
    table = table.sub_missing(missing_text=MISSING).cols_align("right", columns=keys[head:])
    if left:
        table = table.cols_align("left", columns=list(left))
    if stub:
        table = table.tab_stubhead(label=columns[head - 1][1])
    for label, members in spanners:
        table = table.tab_spanner(label=label, columns=list(members))
    return _own_style(table.as_raw_html())


def _own_style(html: str) -> str:
    """Drop the library's style sheet and inline styles; keep ids free of spaces."""
    html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    html = re.sub(r'(<div id="[^"]*") style="[^"]*"', r'\1 class="table-scroll" tabindex="0"', html)
    return html.replace(' data-quarto-disable-processing="false"', "").replace(
        ' data-quarto-bootstrap="false"', ""
    )


def baseline_table(results: Results) -> str:
    """Baseline characteristics."""
    columns = [("variable", ""), ("label", "Characteristic")]
    columns += [(g.key, f"{g.label} (n = {g.n})") for g in results.groups]
    if not results.blinded:
        columns.append(("smd", "Standardised difference"))
    rows: list[list[Cell]] = []
    for row in results.baseline.rows:
        unit = f" ({row.unit})" if row.unit else ""
        if row.level is None:
            head, label = f"{row.label}{unit}", "Mean (SD)"
            cells: list[Cell] = [_SMALL if v.suppressed else _mean_sd(v) for v in row.values]
        else:
            head, label = row.label, row.level
            cells = [_count(v) for v in row.values]
        difference = [] if results.blinded else [number(row.standardised_difference)]
        if not results.blinded and row.level is not None and row.standardised_difference is None:
            difference = [""]
        rows.append([head, label, *cells, *difference])
        if row.level is None:
            quartiles: list[Cell] = [_SMALL if v.suppressed else _quartiles(v) for v in row.values]
            rows.append(
                [head, "Median [quartiles]", *quartiles, *([] if results.blinded else [""])]
            )
    return html_table("baseline", columns, rows, group=True)


def _quartiles(value: BaselineValue) -> str:
    if value.median is None:
        return MISSING
    low, high = significant(value.lower_quartile), significant(value.upper_quartile)
    missing = f"; {value.missing} missing" if value.missing else ""
    return f"{significant(value.median)} [{low}, {high}]{missing}"


def _mean_sd(value: BaselineValue) -> str:
    return f"{significant(value.mean)} ({significant(value.sd)})"


def _count(value: BaselineValue) -> str:
    if value.suppressed:
        return _SMALL
    share = MISSING if value.percent is None else f"{number(value.percent, 0)} %"
    return f"{value.count} ({share})"


def analysed_table(results: Results) -> str:
    """Who is in the analysis of each endpoint, and why others are not."""
    columns = [("endpoint", "Endpoint")]
    spanners = []
    for g in results.groups:
        keys = [f"{g.key}_baseline", f"{g.key}_follow", f"{g.key}_analysed"]
        headings = ["No baseline value", "No value afterwards", "Analysed"]
        columns += list(zip(keys, headings, strict=True))
        spanners.append((f"{g.label} (n = {g.n})", keys))
    found = {(row.endpoint, row.group): row for row in results.flow.analysed}
    rows: list[list[Cell]] = []
    for key, label in dict.fromkeys((row.endpoint, row.label) for row in results.flow.analysed):
        line: list[Cell] = [label]
        for g in results.groups:
            row = found[key, g.key]
            line += [str(row.no_baseline), str(row.no_follow_up), str(row.analysed)]
        rows.append(line)
    return html_table("analysed", columns, rows, spanners=spanners)


def seen_table(results: Results) -> str:
    """Participants seen at each visit."""
    visits = dict.fromkeys((row.visit, row.label) for row in results.flow.visits)
    seen = {(row.visit, row.group): row.seen for row in results.flow.visits}
    rows: list[list[Cell]] = [
        [label, *(str(seen[visit, g.key]) for g in results.groups)] for visit, label in visits
    ]
    columns = [("visit", "Visit"), *((g.key, f"{g.label} (n = {g.n})") for g in results.groups)]
    return html_table("seen", columns, rows)


def endpoint_table(results: Results, endpoint: EndpointResult) -> str:
    """Least-squares means by group and their contrasts, visit by visit."""
    log = endpoint.scale == "log_fold"
    observed = {(o.group, o.visit): o for o in endpoint.observed}
    means = {(m.group, m.visit): m for m in endpoint.means}
    columns = [("visit", "Visit")]
    spanners = []
    for g in results.groups:
        columns += [(f"{g.key}_n", "n"), (f"{g.key}_m", _mean_heading(log))]
        spanners.append((g.label, [f"{g.key}_n", f"{g.key}_m"]))
    for arm in dict.fromkeys(c.arm for c in endpoint.contrasts):
        keys = [f"{arm}_d", f"{arm}_se", f"{arm}_df", f"{arm}_p"]
        effect, se = ("Ratio (CI)", "SE of log") if log else ("Difference (CI)", "SE")
        columns += list(zip(keys, [effect, se, "df", "p"], strict=True))
        spanners.append(
            (f"{group_label(results, arm)} vs {group_label(results, results.control or '')}", keys)
        )
    rows: list[list[Cell]] = []
    for visit, label in results.visits:
        if not any(o.visit == visit for o in endpoint.observed):
            continue
        row: list[Cell] = [label]
        for g in results.groups:
            count = observed.get((g.key, visit))
            mean = means.get((g.key, visit))
            row.append(str(count.n) if count else None)
            if mean is None:
                row.append(_observed_mean(count, log) if results.blinded else None)
            elif log:
                row.append(f"{number(mean.ratio)} ({interval(mean.ratio_lower, mean.ratio_upper)})")
            else:
                row.append(f"{number(mean.estimate)} ({interval(mean.lower, mean.upper)})")
        for c in endpoint.contrasts:
            if c.visit == visit:
                row += [
                    contrast_text(c, log),
                    number(c.se, 3),
                    number(c.df, 1),
                    p_value(c.p),
                ]
        rows.append(row + [None] * (len(columns) - len(row)))
    return html_table(endpoint.endpoint, columns, rows, spanners=spanners)


def _observed_mean(observed: ObservedMean | None, log: bool) -> str | None:
    """The mean of what was observed, where the model has none of its own."""
    if observed is None or observed.mean is None:
        return None
    return f"{number(math.exp(observed.mean) if log else observed.mean)} (observed)"


def _mean_heading(log: bool) -> str:
    return "Geometric mean fold (CI)" if log else "LS mean change (CI)"


def subgroup_table(results: Results, endpoint: EndpointResult) -> str | None:
    """Effects by subgroup and their interaction; None without a subgroup model."""
    sub = endpoint.subgroup
    if sub is None or sub.fit is None:
        return None
    log = endpoint.scale == "log_fold"
    rows: list[list[Cell]] = []
    for visit, label in results.visits:
        for c in sub.effects:
            if c.visit == visit:
                rows.append(_effect_row(results, label, f"{sub.label} {c.subgroup}", c, log))
        for c in sub.interaction:
            if c.visit == visit:
                kind = "Ratio of effects" if log else "Difference of effects"
                rows.append(
                    _effect_row(results, label, f"{kind}, {difference(c)}", c, log, test=True)
                )
    columns = [
        ("visit", ""),
        ("part", "Effect in"),
        ("arm", "Comparison"),
        ("estimate", "Ratio (CI)" if log else "Difference (CI)"),
        ("df", "df"),
        ("p", "p of the interaction"),
    ]
    return html_table(f"{endpoint.endpoint}-subgroup", columns, rows, group=True, left=("arm",))


def _effect_row(
    results: Results, visit: str, part: str, c: Contrast, log: bool, *, test: bool = False
) -> list[Cell]:
    pair = f"{group_label(results, c.arm)} vs {group_label(results, c.reference)}"
    # No p by subgroup: two separate p-values would be read as "in both".
    return [visit, part, pair, contrast_text(c, log), number(c.df, 1), p_value(c.p) if test else ""]


def family_table(results: Results, family: FamilyResult) -> str:
    """A family of comparisons at one visit, p raw and adjusted."""
    rows: list[list[Cell]] = []
    for key, contrasts in family.contrasts.items():
        endpoint = results.endpoints[key]
        log = endpoint.scale == "log_fold"
        if not contrasts:
            rows.append([endpoint.label, "not estimable", None, None, None])
        for c in contrasts:
            rows.append(
                [
                    endpoint.label,
                    contrast_text(c, log),
                    number(c.df, 1),
                    p_value(c.p),
                    p_value(c.adjusted_p),
                ]
            )
    columns = [
        ("endpoint", f"At {visit_label(results, family.visit)}"),
        ("estimate", "Effect (CI)"),
        ("df", "df"),
        ("p", "p, unadjusted"),
        ("adjusted", f"p, {family.method.title()}"),
    ]
    return html_table(f"family-{family.key}", columns, rows)


def harm_table(
    name: str,
    results: Results,
    rows: Sequence[HarmRow],
    *,
    by_class: bool = False,
    of_n: bool = False,
) -> str:
    """Participants with harms by group, exact intervals, differences.

    `by_class` groups the rows by organ class, `of_n` names the denominator in each cell.
    """
    columns = [("class", "")] if by_class else []
    columns += [("event", "Participants with")]
    columns += [(g.key, f"{g.label} (n = {g.n})") for g in results.groups]
    others = [g for g in results.groups if g.key != results.control] if results.control else []
    columns += [(f"{g.key}_diff", f"Difference, {g.label}") for g in others]
    cells: list[list[Cell]] = []
    for row in rows:
        line: list[Cell] = [row.label, *(_rate(rate, of_n=of_n) for rate in row.rates)]
        if by_class:
            line.insert(0, row.organ_class or "Terms that the protocol does not name")
        by_arm = {d.arm: d for d in row.differences}
        for g in others:
            d = by_arm.get(g.key)
            line.append(
                None
                if d is None
                else f"{percent(d.estimate)} ({percent(d.lower)} to {percent(d.upper)})"
            )
        cells.append(line)
    if by_class:  # classes in the order of their most frequent term
        order = list(dict.fromkeys(line[0] for line in cells))
        cells.sort(key=lambda line: order.index(line[0]))
    return html_table(name, columns, cells, group=by_class)


def _rate(rate: Rate, *, of_n: bool = False) -> str:
    if not rate.n:
        return MISSING
    if of_n:
        return f"{rate.events} of {rate.n} ({percent(rate.lower)} to {percent(rate.upper)})"
    return f"{rate.events} ({percent(rate.lower)} to {percent(rate.upper)})"


def methods_table(results: Results) -> str:
    """How every model was fitted."""
    rows: list[list[Cell]] = []
    for endpoint in results.endpoints.values():
        fits = [("main model", endpoint.fit)]
        if endpoint.subgroup is not None:
            fits.append((f"with interaction by {endpoint.subgroup.factor}", endpoint.subgroup.fit))
        for name, fit in fits:
            if fit is None:
                continue
            rows.append(
                [
                    endpoint.label,
                    fit.key,
                    name,
                    fit.formula,
                    f"{fit.covariance}, {fit.likelihood.upper()}",
                    fit.df_method,
                    f"{fit.participants} / {fit.observations}",
                    number(fit.minus2_log_likelihood, 3),
                    f"{fit.iterations} steps, gradient {fit.gradient:.0e}",
                ]
            )
    columns = [
        ("endpoint", ""),
        ("key", "Method"),
        ("model", "Model"),
        ("formula", "Fixed effects"),
        ("covariance", "Covariance"),
        ("df", "Degrees of freedom"),
        ("n", "Participants / rows"),
        ("minus2", f"{chr(8722)}2 log L"),
        ("convergence", "Convergence"),
    ]
    left = ("model", "formula", "covariance", "df", "convergence")
    return html_table("methods", columns, rows, group=True, left=left)
