"""Model formulas: whitelisted, with known columns, with every stratum in them."""

from __future__ import annotations

from collections.abc import Iterator

from equipoise.protocol.consistency import (
    Inconsistency,
    Tables,
    endpoint_visits,
    needs,
    unknown,
)
from equipoise.protocol.endpoint_sources import MEASUREMENT_TABLES
from equipoise.protocol.plan import Design
from equipoise.protocol.questions import Scale


def formula_columns(tables: Tables, scale: str) -> list[str]:
    """Columns that a model formula may name."""
    baseline = "log_baseline" if scale == Scale.LOG_FOLD else "baseline"
    exposures = [name for name, e in tables["exposures"].items() if e.covariate]
    arm = [] if tables["trial"].design is Design.SINGLE_ARM else ["arm"]
    return [scale, baseline, "visit", *arm, "site", *tables["population"].covariates, *exposures]


@needs("trial", "analysis")
def _comparisons(tables: Tables) -> Iterator[Inconsistency]:
    """A single-arm trial compares nothing: no families, no effects by subgroup."""
    if tables["trial"].design is not Design.SINGLE_ARM:
        return
    if tables["analysis"].families:
        yield Inconsistency(
            ("analysis", "families"),
            ", ".join(tables["analysis"].families),
            "a family holds comparisons between arms; a single-arm trial has none",
            "take the families out",
        )
    for key, model in tables["analysis"].models.items():
        if model.subgroup is not None:
            yield Inconsistency(
                ("analysis", "models", key, "subgroup"),
                model.subgroup,
                "effects by subgroup compare arms; a single-arm trial has one",
                "take `subgroup` and `subgroup_formula` out",
            )


@needs(
    "trial", "population", "randomisation", "analysis", "endpoints", "visits", *MEASUREMENT_TABLES
)
def _formulas(tables: Tables) -> Iterator[Inconsistency]:
    from equipoise.stats import FormulaError, check_formula

    strata = tables["randomisation"].strata
    for key, model in tables["analysis"].models.items():
        path = ("analysis", "models", key)
        scales = {str(e.scale) for e in tables["endpoints"].values() if e.model == key}
        if len(scales) > 1:
            yield Inconsistency(
                path, ", ".join(sorted(scales)), "one model serves one scale", "split the model"
            )
            continue
        scale = next(iter(scales), str(Scale.CHANGE))
        follow_up = {
            len(endpoint_visits(tables, name)) > 1
            for name, endpoint in tables["endpoints"].items()
            if endpoint.model == key
        }
        if len(follow_up) > 1:
            yield Inconsistency(
                path,
                "",
                "a model serves endpoints with one visit after baseline, or with several, not both",
                "split the model: with one visit, `visit` is not in the formula",
            )
            continue
        several = follow_up != {False}
        if (model.subgroup is None) != (model.subgroup_formula is None):
            yield Inconsistency(
                path,
                "",
                "`subgroup` and `subgroup_formula` come together",
                "give both or neither",
            )
        covariates = tables["population"].covariates
        if model.subgroup is not None and model.subgroup not in covariates:
            yield unknown(
                (*path, "subgroup"), model.subgroup, "covariate", covariates, "population"
            )
        for field in ("formula", "subgroup_formula"):
            text = getattr(model, field)
            if text is None:
                continue
            place = (*path, field)
            try:
                parsed = check_formula(text, formula_columns(tables, scale))
            except FormulaError as error:
                yield Inconsistency(
                    place, text, f"{error.what}. {error.rule}", str(error.remedy), "formula-refused"
                )
                continue
            if parsed.response != scale:
                yield Inconsistency(
                    place,
                    parsed.response,
                    f"the response is the endpoint's scale, `{scale}`",
                    f"write `{scale} ~ …`",
                )
            if not several and "visit" in parsed.columns:
                yield Inconsistency(
                    place,
                    text,
                    "the endpoint is measured at one visit after baseline: it has no visit effect",
                    "leave `visit` out, for example `change ~ baseline + arm`",
                )
            single_arm = tables["trial"].design is Design.SINGLE_ARM
            wanted = [*([] if single_arm else ["arm"]), *(["visit"] if several else []), *strata]
            if field == "subgroup_formula" and model.subgroup:
                wanted.append(model.subgroup)
            for name in wanted:
                if name not in parsed.columns:
                    yield Inconsistency(
                        place,
                        text,
                        f"`{name}` stands in the model"
                        + (" (randomisation was stratified by it)" if name in strata else ""),
                        f"add `{name}`, for example `{'arm' if name == 'visit' else name}*visit`",
                    )


@needs("trial", "analysis")
def _models(tables: Tables) -> Iterator[Inconsistency]:
    """The ladder of covariances, groups and standard errors of each model go together."""
    for key, model in tables["analysis"].models.items():
        path = ("analysis", "models", key)
        twice = sorted({word for word in model.covariance if model.covariance.count(word) > 1})
        if twice:
            yield Inconsistency(
                (*path, "covariance"),
                ", ".join(twice),
                "each covariance structure is tried once",
                "take the second one out",
            )
        if model.vcov != "model" and model.df.startswith("kenward-roger"):
            yield Inconsistency(
                (*path, "vcov"),
                model.vcov,
                f"`{model.df}` corrects the model-based covariance, and does not go with an "
                "empirical one",
                'write df = "satterthwaite"',
            )
        if model.method == "ml" and model.df.startswith("kenward-roger"):
            yield Inconsistency(
                (*path, "method"),
                model.method,
                f"`{model.df}` corrects the covariance of restricted-likelihood estimates",
                'write method = "reml", or df = "satterthwaite"',
            )
        if model.group is not None and tables["trial"].design is Design.SINGLE_ARM:
            yield Inconsistency(
                (*path, "group"),
                model.group,
                "a covariance for each arm needs two arms; a single-arm trial has one",
                "take `group` out",
            )
