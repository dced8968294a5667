"""Tables of immune profiles and of differences in benefit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.benefit_words import (
    at_name,
    effect_text,
    modifier_name,
    published,
)
from equipoise.report.tables.html import SMALL, Cell, html_table
from equipoise.report.words import interval, number, p_value

if TYPE_CHECKING:
    from equipoise.analysis.stratification.benefit_results import (
        Heterogeneity,
        ProfileResults,
        Stratification,
    )


def inflammation_table(found: ProfileResults) -> str:
    """People above each cut-off."""
    rows: list[list[Cell]] = [
        [
            f"Above {row.above:g} {found.inflammation_unit}",
            str(row.n),
            SMALL if row.events is None else str(row.events),
            None
            if row.percent is None
            else f"{number(row.percent, 0)} ({interval(row.lower, row.upper, 0)})",
            published(row).strip(" []").removeprefix("published ") or None,
        ]
        for row in found.inflammation
    ]
    columns = [
        ("cutoff", str(found.inflammation_label)),
        ("n", "n"),
        ("events", "Above"),
        ("percent", "% (CI)"),
        ("published", "Published"),
    ]
    return html_table("inflammation", columns, rows)


def profile_choices_table(found: ProfileResults) -> str:
    """Numbers of profiles that were tried."""
    rows: list[list[Cell]] = [
        [
            str(c.profiles),
            str(c.parameters),
            number(c.bic, 1),
            str(c.smallest),
            f"{number(100 * c.chosen_share, 0)} %",
            None if c.stability is None else number(c.stability),
            None if c.entropy is None else number(c.entropy),
        ]
        for c in found.choices
    ]
    if found.correlated_bic is not None:
        rows.append(
            ["1, markers together", None, number(found.correlated_bic, 1), None, None, None, None]
        )
    columns = [
        ("profiles", "Profiles"),
        ("parameters", "Parameters"),
        ("bic", "BIC"),
        ("smallest", "Smallest profile"),
        ("share", "Preferred in subsamples"),
        ("stability", "Agreement"),
        ("entropy", "Certainty"),
    ]
    return html_table("profile-choices", columns, rows)


def profiles_table(found: ProfileResults) -> str:
    """Each profile: share, certainty, and where its markers lie."""
    rows: list[list[Cell]] = []
    for row in found.profiles:
        share = f"{number(100 * row.share, 0)} %"
        if row.lower is not None and row.upper is not None:
            share += f" ({interval(100 * row.lower, 100 * row.upper, 0)})"
        rows.append(
            [
                f"Profile {row.number}",
                share,
                None if row.membership is None else number(row.membership),
                *[number(mean) for _, mean in row.means],
            ]
        )
    keys = [f"m{place}" for place in range(len(found.markers))]
    columns = [("profile", ""), ("share", "Share (CI)"), ("membership", "Mean probability")]
    columns += list(zip(keys, found.markers, strict=True))
    return html_table(
        "profiles", columns, rows, spanners=[("Mean, in SD from the mean of all", keys)]
    )


def relations_table(found: ProfileResults) -> str | None:
    """What profiles go with; None where nothing is held against them."""
    if not found.relations:
        return None
    rows: list[list[Cell]] = []
    for row in found.relations:
        name = row.label if row.level is None else f"{row.label}: {row.level}"
        values = [
            number(v, 1) if row.level is None else f"{number(100 * v, 0)} %" for v in row.values
        ]
        rows.append([name, *values, p_value(row.p)])
    columns = [("name", "")]
    columns += [(f"p{k}", f"Profile {k}") for k in range(1, len(found.relations[0].values) + 1)]
    return html_table("profile-relations", [*columns, ("p", "p, permutation")], rows)


def interactions_table(found: Stratification, one: Heterogeneity) -> str:
    """Every interaction, alone and shrunken."""
    rows: list[list[Cell]] = [
        [
            modifier_name(row),
            effect_text(row.estimate, row.lower, row.upper),
            p_value(row.p),
            effect_text(row.shrunken, row.shrunken_lower, row.shrunken_upper),
        ]
        for row in one.modifiers
    ]
    columns = [
        ("modifier", "Effect differs by"),
        ("alone", f"{found.outcome_unit} (CI)"),
        ("p", "p"),
        ("shrunken", "Shrunken (interval)"),
    ]
    return html_table(f"interactions-{one.arm}", columns, rows)


def benefit_effects_table(found: Stratification, one: Heterogeneity) -> str:
    """Effects at values of each modifier."""
    rows: list[list[Cell]] = [
        [
            at_name(row),
            effect_text(row.own, row.own_lower, row.own_upper),
            effect_text(row.shrunken, row.shrunken_lower, row.shrunken_upper),
        ]
        for row in one.effects
    ]
    columns = [
        ("at", "Effect in"),
        ("own", f"This interaction alone, {found.outcome_unit} (CI)"),
        ("shrunken", "Shrunken (interval)"),
    ]
    return html_table(f"benefit-{one.arm}", columns, rows)
