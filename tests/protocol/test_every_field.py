"""Every field of the models: a wrong value, a missing one and a misspelt one are said in words.

The cases are generated from the models, so that a new field is covered on the day it is made.
"""

from __future__ import annotations

import copy
import itertools
import re
import tomllib
import typing
from enum import Enum

import pytest
from tests.conftest import protocol_text
from tests.protocol.toml_writer import line_of_mark, toml

from equipoise.protocol import check_protocol
from equipoise.protocol.field_reference import (
    INDEX,
    NAME,
    FieldEntry,
    field_page,
    find_tables,
    plain_tables,
    protocol_tables,
    split,
)

TABLES = protocol_tables()
FIELDS = {field.dotted: field for table in TABLES for field in table.fields}
BASE = tomllib.loads(protocol_text("il2-depression"))
# What is said more than once is left out: the tests read this protocol hundreds of times.
BASE["instruments"]["hdrs"]["items"] = [3]  # a list, of which a field can be wrong
BASE["provenance"] = dict(list(BASE["provenance"].items())[:2])

#: Words of the library under the models, that say nothing to a reader of a TOML file.
JARGON = re.compile(r"\b(Input|input|tuple|dict\w*|instance|str|string|integer|bool\w*|None)\b")


def concrete(path):
    """A path with names and numbers of the base protocol in the place of the templates."""
    here, found = BASE, []
    for part in path:
        if part == NAME:
            part = next(iter(here)) if isinstance(here, dict) and here else "example"  # noqa: PLW2901
        elif part == INDEX:
            part = 0  # noqa: PLW2901
        found.append(part)
        if isinstance(here, dict):
            here = here.get(part, {})
        else:
            here = here[part] if isinstance(part, int) and part < len(here) else {}
    return tuple(found)


def placed(path, value, base=BASE):
    """The base protocol with a value at a path; tables on the way are made."""
    data = copy.deepcopy(base)
    here = data
    for part, following in itertools.pairwise(path):
        if isinstance(here, list):
            if part >= len(here):
                here.append([] if isinstance(following, int) else {})
        elif part not in here:
            here[part] = [] if isinstance(following, int) else {}
        here = here[part]
    if isinstance(here, list) and path[-1] >= len(here):
        here.append(value)
    else:
        here[path[-1]] = value
    return data


def without(path):
    """The base protocol without a field, or None where it does not have it."""
    data = copy.deepcopy(BASE)
    here = data
    for part in path[:-1]:
        if not (part in here if isinstance(here, dict) else part < len(here)):
            return None
        here = here[part]
    if path[-1] not in here:
        return None
    del here[path[-1]]
    return data


def _key(annotation):
    """A key that may stand in a table whose keys are of this type."""
    kind, _ = split(annotation)
    if typing.get_origin(kind) is typing.Literal:
        return str(typing.get_args(kind)[0])
    return str(next(iter(kind))) if issubclass(kind, Enum) else "example"


def wrong_values(annotation):
    """(path below the field, value that may not stand there), by its type."""
    kind, constraints = split(annotation)
    origin = typing.get_origin(kind)
    if kind is str:
        yield (), 12345
        yield (), ""
    elif kind is int:
        yield (), "zz"
        yield (), 1.5
    elif kind is float:
        yield (), "zz"
        yield (), float("nan")
    elif kind is bool:
        yield (), "yes"
    elif origin is tuple:
        yield (), 12345
        first = typing.get_args(kind)[0]
        for below, value in list(wrong_values(first))[:1]:
            yield (0, *below), value
    elif origin is dict:
        yield (), 12345
        key, inner = typing.get_args(kind)
        for below, value in list(wrong_values(inner))[:1]:
            yield (_key(key), *below), value
    elif isinstance(kind, type) and hasattr(kind, "model_fields"):
        yield (), 12345
    elif origin in (typing.Union, getattr(__import__("types"), "UnionType", None)):
        yield (), [[1]]
    else:
        yield (), "zz-no-such-word"
    if kind in (int, float):
        step = {int: 1, float: 0.5}[kind]
        for item in constraints:
            for name, shift in (("ge", -step), ("le", step), ("gt", 0), ("lt", 0)):
                if (bound := getattr(item, name, None)) is not None:
                    yield (), bound + shift


def batches():
    """(field, path, value) of every wrong value, in files of which no path holds another."""
    files: list[list[tuple[FieldEntry, tuple, object]]] = []
    taken: list[set[tuple]] = []
    for field in FIELDS.values():
        for below, value in wrong_values(field.annotation):
            path = (*concrete(field.path), *below)
            prefixes = {path[:end] for end in range(1, len(path) + 1)}
            for file, used in zip(files, taken, strict=True):
                mine = {p for _, p, _ in file}
                if not (mine & prefixes) and path not in used and len(file) < 40:
                    file.append((field, path, value))
                    used.update(prefixes)
                    break
            else:
                files.append([(field, path, value)])
                taken.append(set(prefixes))
    return files


def checked(tmp_path, text):
    path = tmp_path / "protocol.toml"
    path.write_text(text, encoding="utf-8")
    protocol, faults = check_protocol(path)
    assert protocol is None
    return faults


BATCHES = batches()


@pytest.mark.parametrize("batch", BATCHES, ids=lambda b: f"{b[0][0].dotted}+{len(b) - 1}")
def test_a_wrong_value_names_its_field_line_rule_and_remedy(batch, tmp_path):
    data = BASE
    for _, path, value in batch:
        data = placed(path, value, data)
    text = toml(data, *(path for _, path, _ in batch))
    faults = checked(tmp_path, text)
    for number, (field, path, value) in enumerate(batch):
        dotted = ".".join(map(str, path))
        mine = [f for f in faults if f.field == dotted]
        assert len(mine) == 1, (dotted, [str(f) for f in faults])
        (fault,) = mine
        assert fault.where == f"protocol.toml, line {line_of_mark(text, number)}"
        assert fault.code == "value-invalid"
        assert not JARGON.search(fault.rule), fault.rule
        assert field.description.rstrip(".") in fault.remedy
        if field.words and isinstance(value, str):
            assert all(word in fault.rule for word in field.words)
    # Nothing else is called wrong, but what a table needs that was made for one of these.
    wrong = {".".join(map(str, path)) for _, path, _ in batch}
    assert {f.field for f in faults if f.code != "field-missing"} == wrong


def test_every_field_is_in_a_batch():
    assert {field.dotted for batch in BATCHES for field, _, _ in batch} == set(FIELDS)


def test_every_misspelt_field_is_named_with_the_right_one(tmp_path):
    """All in one file: every fault comes at once."""
    data, paths = BASE, {}
    for number, field in enumerate(FIELDS.values(), 1_000_000):
        *table, name = concrete(field.path)
        paths[number] = (*table, f"{name}x")
        data = placed(paths[number], number, data)
    text = toml(data)
    faults = {f.value: f for f in checked(tmp_path, text) if f.code == "field-unknown"}
    assert len(faults) == len(FIELDS)
    lines = text.splitlines()
    for number, path in paths.items():
        fault = faults[str(number)]
        assert fault.field == ".".join(map(str, path))
        line = next(n for n, found in enumerate(lines, 1) if found.endswith(f" = {number}"))
        assert fault.where == f"protocol.toml, line {line}"
        assert f"`{path[-1]}` is not a field of" in fault.rule
        assert f"`{path[-1][:-1]}`" in fault.remedy


REQUIRED = [
    # One field a model is enough: the message is made of the model's own description.
    pytest.param(field, id=field.dotted)
    for table in TABLES
    for field in [f for f in table.fields if f.required][:: 1 if len(table.path) < 2 else 3]
]


@pytest.mark.parametrize("field", REQUIRED)
def test_a_missing_field_is_named_with_its_meaning(field, tmp_path):
    path = concrete(field.path)
    data = without(path)
    if data is None:  # the table is not in this protocol: an empty one lacks the field
        data = placed((*path[:-1], "zz"), 1)
    text = toml(data, path[:-1])
    found = [f for f in checked(tmp_path, text) if f.field == ".".join(map(str, path))]
    (fault,) = [f for f in found if f.code == "field-missing"]
    assert field.description in fault.rule
    assert f"add `{path[-1]} = …`" in fault.remedy
    if len(path) > 1 and text.count("# HERE 0") == 1:
        assert fault.where == f"protocol.toml, line {line_of_mark(text)}"


def test_a_key_that_is_no_identifier_is_named(tmp_path):
    paths = [
        (*concrete(field.path), "No Key")
        for field in FIELDS.values()
        if "identifier →" in field.kind
    ]
    data = BASE
    for path in paths:
        data = placed(path, 1, data)
    text = toml(data, *paths)
    faults = checked(tmp_path, text)
    assert len(paths) > 20
    for number, path in enumerate(paths):
        found = [f for f in faults if f.field == ".".join(map(str, path))]
        assert any("an identifier is a lower-case letter" in f.rule for f in found)
        assert {f.where for f in found} == {f"protocol.toml, line {line_of_mark(text, number)}"}


def test_every_field_and_every_table_has_a_description():
    bare = [dotted for dotted, field in FIELDS.items() if not field.description.strip()]
    assert not bare, f"give these a Field(description=…): {bare}"
    assert not [f.dotted for f in FIELDS.values() if "\n" in f.description]
    assert not [t.title for t in TABLES if not t.description], "a model without a docstring"
    odd = [f.dotted for f in FIELDS.values() if not f.kind or re.search(r"typing|<class", f.kind)]
    assert not odd, "field_reference._kind does not know these types"


def test_the_base_of_these_tests_is_valid(tmp_path):
    path = tmp_path / "protocol.toml"
    path.write_text(toml(BASE), encoding="utf-8")
    protocol, faults = check_protocol(path)
    assert not faults
    assert protocol is not None


def test_the_page_has_every_field_of_the_models():
    page = field_page()
    for dotted, field in FIELDS.items():
        assert f"| `{field.path[-1]}` |" in page, dotted


def test_a_part_of_the_reference_can_be_asked_for():
    text = plain_tables(find_tables("arms.il2.doses.0"))
    assert text.startswith("[arms.<name>.doses.<n>]")
    assert "volume_ml: number, above 0; default nothing" in text
    (one,) = find_tables("randomisation.block_sizes")
    assert [f.dotted for f in one.fields] == ["randomisation.block_sizes"]
    assert find_tables("") == TABLES
