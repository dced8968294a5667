"""The allocation method: that it has what it needs, and nothing that belongs to another."""

from __future__ import annotations

import math
from collections.abc import Iterator

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.plan import AllocationMethod, Randomisation

_COIN = (AllocationMethod.BIASED_COIN, AllocationMethod.MINIMISATION)
_URN = (AllocationMethod.URN,)
_MINIMISATION = (AllocationMethod.MINIMISATION,)

#: Field → methods that have it, and what to write where one needs it; None: it may be left out.
_FIELDS: dict[str, tuple[tuple[AllocationMethod, ...], str | None]] = {
    "coin_probability": (_COIN, "for example 0.8"),
    "urn_start": (_URN, "for example 0"),
    "urn_added": (_URN, "for example 1"),
    "imbalance": (_MINIMISATION, None),
    "factor_weights": (_MINIMISATION, None),
}


@needs("arms", "randomisation")
def _method(tables: Tables) -> Iterator[Inconsistency]:
    plan: Randomisation = tables["randomisation"]
    for field, (methods, example) in _FIELDS.items():
        value = getattr(plan, field)
        given = bool(value) if isinstance(value, dict) else value is not None
        names = " and ".join(f'"{method}"' for method in methods)
        if given and plan.method not in methods:
            yield Inconsistency(
                ("randomisation", field),
                str(value),
                f"`{field}` belongs to the method {names}",
                f"take `{field}` out, or change `method`",
            )
        elif not given and example is not None and plan.method in methods:
            yield Inconsistency(
                ("randomisation", field),
                "",
                f"the method {names} has `{field}`",
                f"add it, {example}",
            )
    if plan.coin_probability is not None and plan.method in _COIN:
        yield from _coin(tables, plan.coin_probability)


def _coin(tables: Tables, coin: float) -> Iterator[Inconsistency]:
    ratio = [arm.ratio for arm in tables["arms"].values()]
    parts = sum(ratio) // math.gcd(*ratio)
    if len(ratio) > 1 and coin <= 1 / parts:
        yield Inconsistency(
            ("randomisation", "coin_probability"),
            f"{coin:g}",
            f"the arm that is behind is favoured: with the ratio {' : '.join(map(str, ratio))} its "
            f"{parts} equal parts have probability {1 / parts:.3g} without favour",
            "give a probability above that, 0.8 for example",
        )


@needs("randomisation")
def _minimisation(tables: Tables) -> Iterator[Inconsistency]:
    plan: Randomisation = tables["randomisation"]
    if plan.method is not AllocationMethod.MINIMISATION:
        return
    if not plan.strata:
        yield Inconsistency(
            ("randomisation", "strata"),
            "",
            "minimisation balances at least one categorical covariate",
            'name them in `strata`, or choose "biased-coin"',
        )
    for name in plan.factor_weights:
        if name not in plan.strata:
            yield unknown(
                ("randomisation", "factor_weights", name), name, "factor", plan.strata, "strata"
            )
