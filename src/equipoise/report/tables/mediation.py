"""Tables of the mediation analysis: effects by three intervals, and every mediator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.early_change_words import outcome_unit
from equipoise.report.mediation_words import EFFECTS, effect_text, limits_text
from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import group_label, number, p_value

if TYPE_CHECKING:
    from equipoise.analysis.prediction.mediation_results import Mediation, MediationSet
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.analysis.results import Results


def mediation_effects_table(prediction: Prediction, lead: MediationSet) -> str:
    """The leading set by effect; with interaction both halves of each."""
    rows: list[list[Cell]] = []
    for effect in lead.effects:
        if not lead.interaction and effect.effect.endswith(("_control", "_treated")):
            continue
        share = effect.effect == "proportion"
        if effect.withheld is not None:
            rows.append([EFFECTS[effect.effect], "withheld", None, None, None])
            continue
        value = effect.estimate
        rows.append(
            [
                EFFECTS[effect.effect],
                limits_text(value, effect.bca_lower, effect.bca_upper, share=share),
                limits_text(value, effect.percentile_lower, effect.percentile_upper, share=share),
                limits_text(value, effect.quasi_lower, effect.quasi_upper, share=share),
                None if effect.p is None else p_value(effect.p),
            ]
        )
    columns = [
        ("effect", f"Effect, {outcome_unit(prediction)}"),
        ("bca", "BCa bootstrap (CI)"),
        ("percentile", "Percentile bootstrap (CI)"),
        ("quasi", "Quasi-Bayesian (CI)"),
        ("p", "p"),
    ]
    return html_table("mediation-effects", columns, rows)


def mediators_table(results: Results, prediction: Prediction, found: Mediation) -> str:
    """Every set: joint first, then single ones."""
    rows: list[list[Cell]] = []
    for row in found.sets:
        if row.failure is not None:
            continue
        path = None if row.joint else row.paths[0]
        rows.append(
            [
                _set_name(results, found, row),
                str(row.n),
                path and limits_text(path.a, path.a_lower, path.a_upper),
                path and limits_text(path.b, path.b_lower, path.b_upper),
                effect_text(row.effect("indirect")),
                effect_text(row.effect("direct")),
            ]
        )
    unit = outcome_unit(prediction)
    columns = [
        ("mediator", "Early change of"),
        ("n", "n"),
        ("a", "a: arm on it, SD (CI)"),
        ("b", f"b: {unit} per SD (CI)"),
        ("indirect", f"Indirect, {unit} (CI)"),
        ("direct", f"Direct, {unit} (CI)"),
    ]
    return html_table("mediation-mediators", columns, rows)


def mediators_otherwise_table(results: Results, found: Mediation) -> str:
    """The indirect effect of every set in other ways: imputed, without interaction, confounded."""
    rows: list[list[Cell]] = []
    for row in found.sets:
        if row.failure is not None:
            continue
        plain, imputed = row.plain, row.imputed
        rows.append(
            [
                _set_name(results, found, row),
                imputed and limits_text(imputed.indirect, imputed.lower, imputed.upper),
                None if plain is None else f"{number(plain.indirect)} ({number(plain.se)})",
                plain
                and limits_text(plain.vanishing, plain.vanishing_lower, plain.vanishing_upper),
            ]
        )
    columns = [
        ("mediator", "Early change of"),
        ("imputed", "Indirect, imputed (CI)"),
        ("product", "a·b without interaction (delta SE)"),
        ("rho", "Gone at rho (CI)"),
    ]
    return html_table("mediation-mediators-otherwise", columns, rows)


def _set_name(results: Results, found: Mediation, row: MediationSet) -> str:
    """The mediators of a set, with the arm where there are several."""
    name = f"Together: {row.label}" if row.joint else row.label
    several = len({one.arm for one in found.sets}) > 1
    return f"{name} ({group_label(results, row.arm)})" if several else name
