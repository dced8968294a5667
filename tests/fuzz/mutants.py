"""Spoilt files: by bytes, by lines, and (TOML) by structure."""

from __future__ import annotations

import copy
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

VALIDATE = bool(os.environ.get("EQUIPOISE_VALIDATE"))


def profile(few: int, many: int):
    """`few` examples, always the same, in `make test`; `many` random ones in `make validate`."""
    return settings(
        max_examples=many if VALIDATE else few,
        derandomize=not VALIDATE,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


ODD = [b"", b"\x00", b"\xff", b"\r", b"\n", b'"', b"'", b"[", b"]]", b"{", b"=", b",", b"#", b"\\",
       b"-1", b"1e999", b"nan", b"inf", b"99999999999999999999", b"true", b"1979-05-27T07:32:00Z",
       "\u202e".encode(), "é".encode(), b"\xef\xbb\xbf", b'"""', b"[[visits]]\n", b"a.b.c = 1\n",
       b"=HYPERLINK(1)", b"NA", b";", b"\t", b"1,5"]  # fmt: skip

#: (what is done, where as a share of the file, how much, what is put there).
STEP = st.tuples(
    st.sampled_from(["cut", "put", "over", "line-out", "line-twice", "line-swap", "end"]),
    st.floats(0, 1),
    st.integers(0, 40),
    st.sampled_from(ODD) | st.binary(max_size=6),
)
STEPS = st.lists(STEP, min_size=1, max_size=4)


def spoilt(content: bytes, steps) -> bytes:
    """The content after all steps."""
    for what, where, size, new in steps:
        at = int(where * len(content))
        lines = content.split(b"\n")
        line = min(int(where * len(lines)), len(lines) - 1)
        if what == "cut":
            content = content[:at] + content[at + size :]
        elif what == "put":
            content = content[:at] + new + content[at:]
        elif what == "over":
            content = content[:at] + new + content[at + len(new) :]
        elif what == "end":
            content = content[: max(at, 1)]
        else:
            if what == "line-out":
                del lines[line]
            elif what == "line-twice":
                lines.insert(line, lines[line])
            else:
                other = (line + size) % len(lines)
                lines[line], lines[other] = lines[other], lines[line]
            content = b"\n".join(lines)
    return content


VALUES = st.recursive(
    st.sampled_from(
        [
            0,
            1,
            -1,
            2**70,
            0.5,
            -1e308,
            "",
            "x",
            "baseline",
            "week8",
            "arm",
            True,
            False,
            "../../etc",
            "a~b",
            "il2",
            "no",
            float("nan"),
            float("inf"),
        ]
    )
    | st.integers(-100, 100)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "id", "label", "", "x y", "day"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)
CHANGE = st.tuples(
    st.sampled_from(["set", "set", "out", "rename", "copy"]), st.integers(0, 10**6), VALUES
)
CHANGES = st.lists(CHANGE, min_size=1, max_size=5)


def paths(data, prefix=()):
    """All paths of a tree of dicts and lists."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield (*prefix, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*prefix, key))


def changed(data, changes):
    """The tree after all changes."""
    data = copy.deepcopy(data)
    for what, number, value in changes:
        known = list(paths(data))
        if not known:
            return data
        *above, last = known[number % len(known)]
        here = data
        for part in above:
            here = here[part]
        if what == "set":
            here[last] = value
        elif what == "out":
            del here[last]
        elif what == "rename" and isinstance(here, dict):
            here[f"{last}x"] = here.pop(last)
        elif what == "copy":
            source = known[(number * 7919) % len(known)]
            there = data
            for part in source:
                there = there[part]
            here[last] = copy.deepcopy(there)
    return data
