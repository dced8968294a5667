"""A protocol with other values: checked in full, with what has to follow.

A field is named as ``equipoise fields`` names it: ``population.size``, ``arms.il2.ratio``,
``visits.day5.day`` (a list's element by its id, or by its place from 0). What comes out is a
protocol like one that was read from a file; its hash is its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.protocol.model import Protocol
from equipoise.protocol.plan import AllocationMethod
from equipoise.toml_faults import Sources, TomlFile, faults_of

#: What may be given to a field.
Value = bool | int | float | str

_PART = re.compile(r"[^.\[\]]+|\[\d+\]")


@dataclass(frozen=True, slots=True)
class ChangedProtocol:
    """A protocol with other values.

    Attributes
    ----------
    protocol
    followed
        What changed besides, so that the plan stays one: field and value in words.
    """

    protocol: Protocol
    followed: tuple[str, ...]


def change_protocol(protocol: Protocol, values: Mapping[str, Value]) -> ChangedProtocol:
    """A protocol with other values in some fields.

    Some things follow where they are not given themselves: the sizes of the strata keep their
    shares when `population.size` changes, in whole blocks as long as these fill it; blocks become
    the next multiples of the ratio's sum when a ratio changes; looks of stopping rules beyond a
    smaller trial fall away.

    Parameters
    ----------
    values
        Dotted field -> value.

    Raises
    ------
    EquipoiseError
        With every field that does not exist, and every rule that the changed protocol breaks.
    """
    if not values:
        return ChangedProtocol(protocol, ())
    data: dict[str, Any] = protocol.model_dump()
    faults: list[Fault] = []
    for field, value in values.items():
        fault = _put(data, protocol, field, value)
        if fault is not None:
            faults.append(fault)
    if faults:
        raise EquipoiseError("The protocol is not changed", faults)
    followed = _follow(data, protocol, values)
    try:
        made = Protocol.model_validate(data)
    except ValidationError as error:
        given = ", ".join(f"{field} = {value}" for field, value in values.items())
        sources = Sources(TomlFile(f"with {given}", "", "a protocol"))
        found = [fault for _, fault in faults_of(error, Protocol, sources)]
        raise EquipoiseError("The protocol is refused with these values", found) from None
    return ChangedProtocol(made, followed)


def value_at(protocol: Protocol, field: str) -> object:
    """The value of a dotted field.

    Raises
    ------
    EquipoiseError
        When there is no such field; with the nearest names.
    """
    here: Any = protocol
    for depth, part in enumerate(_parts(field)):
        found, there = _step(here, part)
        if not found:
            raise EquipoiseError("There is no such field", [_unknown(field, depth, here)])
        here = there
    return here


def _parts(field: str) -> list[str]:
    return _PART.findall(field)


def _step(here: Any, part: str) -> tuple[bool, Any]:
    """Whether a part of a path is there, and what it holds."""
    if isinstance(here, BaseModel):
        return (part in type(here).model_fields, getattr(here, part, None))
    if isinstance(here, Mapping):
        return part in here, here.get(part)
    if isinstance(here, tuple):
        place = _place(here, part)
        return place is not None, None if place is None else here[place]
    return False, None


def _place(here: tuple[Any, ...], part: str) -> int | None:
    """Place of a list's element, by its number or by its id."""
    digits = part.strip("[]")
    if digits.isdigit():
        return int(digits) if int(digits) < len(here) else None
    return next((i for i, one in enumerate(here) if getattr(one, "id", None) == part), None)


def _names(here: Any) -> list[str]:
    if isinstance(here, BaseModel):
        return list(type(here).model_fields)
    if isinstance(here, Mapping):
        return [str(key) for key in here]
    if isinstance(here, tuple):
        return [str(getattr(one, "id", place)) for place, one in enumerate(here)]
    return []


def _unknown(field: str, depth: int, here: Any) -> Fault:
    parts = _parts(field)
    above = ".".join(parts[:depth]) or "a protocol"
    names = _names(here)
    part = parts[depth] if parts else field
    prefix = ".".join(parts[:depth])
    remedy = (
        nearest(part, names) + (f" in `{prefix}`" if prefix else "")
        if names
        else "name the field that holds the value; `equipoise fields` lists them"
    )
    return Fault(
        "changed-field-unknown", "", field, "", f"`{part}` is a field of `{above}`", remedy
    )


def _put(data: dict[str, Any], protocol: Protocol, field: str, value: Value) -> Fault | None:
    """Write a value into the plain form of a protocol; a fault where it has no place."""
    parts = _parts(field)
    if not parts:
        return _unknown(field, 0, protocol)
    here: Any = protocol
    plain: Any = data
    for depth, part in enumerate(parts):
        found, there = _step(here, part)
        last = depth == len(parts) - 1
        # An entry may be new in a table of values by name: a parameter of a model, say.
        if not found and not (last and isinstance(here, Mapping) and _of_values(here)):
            return _unknown(field, depth, here)
        key: Any = _place(here, part) if isinstance(here, tuple) else part
        if last:
            if isinstance(there, (BaseModel, Mapping)) or (
                isinstance(there, tuple) and not isinstance(value, (tuple, list))
            ):
                return Fault(
                    "changed-field-table",
                    "",
                    field,
                    str(value),
                    f"`{field}` holds one value; here it is a table or a list",
                    "name a field within it: " + nearest("", _names(there)),
                )
            plain[key] = value
        elif isinstance(plain, tuple | list):
            rows = list(plain)
            rows[key] = dict(rows[key]) if isinstance(rows[key], Mapping) else rows[key]
            _hold(data, parts[:depth], protocol, rows)
            plain = rows[key]
        else:
            inner = plain[key]
            plain[key] = dict(inner) if isinstance(inner, Mapping) else inner
            plain = plain[key]
        here = there
    return None


def _hold(data: dict[str, Any], parts: list[str], protocol: Protocol, rows: list[Any]) -> None:
    """Put a list in the place of a tuple, so that an element can be changed."""
    here: Any = protocol
    plain: Any = data
    for part in parts[:-1]:
        key: Any = _place(here, part) if isinstance(here, tuple) else part
        plain, here = plain[key], _step(here, part)[1]
    plain[_place(here, parts[-1]) if isinstance(here, tuple) else parts[-1]] = rows


def _of_values(here: Mapping[str, Any]) -> bool:
    """Whether a table holds values, and not tables."""
    return not any(isinstance(one, (BaseModel, Mapping)) for one in here.values())


def _follow(
    data: dict[str, Any], protocol: Protocol, values: Mapping[str, Value]
) -> tuple[str, ...]:
    """What has to follow a change of ratio or size."""
    plan = dict(data["randomisation"])
    data["randomisation"] = plan
    said: list[str] = _method(data, plan, values)
    ratio = sum(_number(arm["ratio"]) for arm in data["arms"].values())
    before = sum(arm.ratio for arm in protocol.arms.values())
    blocks = tuple(plan["block_sizes"])
    if ratio != before and blocks and ratio > 0 and "randomisation.block_sizes" not in values:
        blocks = tuple(dict.fromkeys(max(1, round(b / ratio)) * ratio for b in blocks))
        plan["block_sizes"] = blocks
        said.append(f"randomisation.block_sizes = {list(blocks)}")
    sizes, total = dict(plan["stratum_sizes"]), data["population"]["size"]
    given = any(field.startswith("randomisation.stratum_sizes") for field in values)
    if sizes and not given and isinstance(total, int) and sum(sizes.values()) != total:
        unit = min(blocks, default=1)
        if total % unit or total < unit * len(sizes):
            unit = 1
        sizes = _shared(total, sizes, unit)
        plan["stratum_sizes"] = sizes
        shown = ", ".join(f"{key} {size}" for key, size in sizes.items())
        said.append(f"randomisation.stratum_sizes = {shown}")
    # Blocks that do not fill a stratum are cut at its end, and that is said.
    if sizes and blocks and not plan["incomplete_blocks"]:
        filled = all(_fillable(size, blocks) for size in sizes.values())
        if not filled and "randomisation.incomplete_blocks" not in values:
            plan["incomplete_blocks"] = True
            said.append("randomisation.incomplete_blocks = true")
    said += _looks(data, total)
    if "analysis.interim.information" not in values:
        said += _information(data, protocol)
    return tuple(said)


def _information(data: dict[str, Any], protocol: Protocol) -> list[str]:
    """The information that looks are planned by goes with the size and the shares of the arms."""
    plan = protocol.analysis.interim
    if plan is None:
        return []

    def amount(size: object, ratios: list[int]) -> float:
        whole = sum(ratios)
        products = ratios[0] * ratios[1] / whole**2 if whole > 0 and len(ratios) == 2 else 0.0
        return float(size) * products if isinstance(size, int) else 0.0

    before = amount(protocol.population.size, [arm.ratio for arm in protocol.arms.values()])
    now = amount(
        data["population"]["size"], [_number(arm["ratio"]) for arm in data["arms"].values()]
    )
    if now <= 0.0 or before <= 0.0 or now == before:
        return []
    found = plan.information * now / before
    interim = {**data["analysis"]["interim"], "information": found}
    data["analysis"] = {**data["analysis"], "interim": interim}
    return [f"analysis.interim.information = {found:.4g}"]


#: What a method is given that is asked for in another's place, where the values do not say it.
_OF_METHOD: dict[str, dict[str, object]] = {
    AllocationMethod.BIASED_COIN: {"coin_probability": 0.8},
    AllocationMethod.URN: {"urn_start": 0, "urn_added": 1},
    AllocationMethod.MINIMISATION: {"coin_probability": 0.8},
}

_EMPTY: dict[str, object] = {
    "block_sizes": (),
    "incomplete_blocks": False,
    "coin_probability": None,
    "urn_start": None,
    "urn_added": None,
    "imbalance": None,
    "factor_weights": {},
}


def _method(
    data: Mapping[str, Any], plan: dict[str, Any], values: Mapping[str, Value]
) -> list[str]:
    """What belongs to another method of allocation falls away, what the new one needs comes."""
    method = values.get("randomisation.method")
    if method is None:
        return []
    own = dict(_OF_METHOD.get(str(method), {}))
    if method == AllocationMethod.PERMUTED_BLOCKS:
        ratio = sum(_number(arm["ratio"]) for arm in data["arms"].values())
        own |= {"block_sizes": (2 * ratio,), "incomplete_blocks": False}
    said: list[str] = []
    for field, empty in _EMPTY.items():
        if f"randomisation.{field}" in values:
            continue
        if field not in own:
            plan[field] = empty
        elif plan[field] in (None, ()):
            plan[field] = own[field]
            said.append(f"randomisation.{field} = {own[field]}")
    return said


def _looks(data: dict[str, Any], total: object) -> list[str]:
    """Looks of stopping rules beyond a smaller trial fall away."""
    said: list[str] = []
    rules = dict(data["safety"]["stopping"])
    for key, rule in rules.items():
        kept = tuple(n for n in rule["looks"] if not isinstance(total, int) or n <= total)
        if kept and kept != tuple(rule["looks"]):
            rules[key] = {**rule, "looks": kept}
            said.append(f"safety.stopping.{key}.looks = {list(kept)}")
    if said:
        data["safety"] = {**data["safety"], "stopping": rules}
    return said


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _shared(total: int, sizes: Mapping[str, int], unit: int) -> dict[str, int]:
    """Sizes in the same shares that sum to the total, in whole units: largest remainders first."""
    whole = sum(sizes.values())
    units = total // unit
    exact = {key: units * size / whole for key, size in sizes.items()}
    found = {key: int(share) for key, share in exact.items()}
    order = sorted(exact, key=lambda key: found[key] - exact[key])
    for key in order[: units - sum(found.values())]:
        found[key] += 1
    return {key: count * unit for key, count in found.items()}


def _fillable(size: int, blocks: tuple[int, ...]) -> bool:
    reached = [True] + [False] * size
    for n in range(1, size + 1):
        reached[n] = any(block <= n and reached[n - block] for block in blocks)
    return reached[size]
