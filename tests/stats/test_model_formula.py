"""The formula whitelist: what it means, and that nothing else ever runs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import formulaic
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_mmrm_twin import random_trial

from equipoise.stats import FUNCTIONS, FormulaError, check_formula, mmrm

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ["y", "a", "b", "c", "d", "x"]


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ a*b*c", "y ~ a/b", "y ~ (a+b+c)**2", "y~a-1", "y ~ 0 + a", "y ~ a:b + b",
        "y ~ b*a + a", "y ~ a*b - a", "y ~ (a+b)/c", "y ~ a + b^2", "y ~ a/(b+c)",
        "y ~ log( a ) * b", "y ~ poly(a,2)+bs(b,df=4)", "y ~ (a+b):(c+d)", "y ~ a*b - a:b",
        "y ~ -1+a+1", "y ~ a:a", "y ~ a**3", "y ~ a*b/c", "log(y) ~ C(a)+log(b+1):c",
        "y ~ bs(a, knots=[1,2], degree=2)", "y ~ 1", "y ~ a:b:c+d+a*d", "y ~ a*(b-c)",
    ],
)  # fmt: skip
def test_terms_are_formulaic_s_terms(formula: str) -> None:
    parsed = check_formula(formula, COLUMNS)
    assert list(parsed.terms) == [str(term) for term in formulaic.Formula(formula).rhs]
    again = formulaic.Formula(parsed.canonical).rhs
    assert list(parsed.terms) == [str(term) for term in again]


def test_what_a_parsed_formula_carries() -> None:
    parsed = check_formula("log(y) ~ a*C(b) + scale(x)", COLUMNS)
    assert parsed.response == "log(y)"
    assert parsed.terms == ("1", "a", "C(b)", "scale(x)", "a:C(b)")
    assert parsed.columns == {"y", "a", "b", "x"}
    assert parsed.response_columns == {"y"}
    assert parsed.categorical == {"b"}
    assert parsed.numeric == {"y", "x"}
    assert parsed.canonical == "log(y) ~ 1 + a + C(b) + scale(x) + a:C(b)"


#: Doors through which a formula might run code; TOUCH is replaced by a call that leaves a file.
DOORS = [
    "y ~ I(TOUCH)", "y ~ TOUCH", "I(TOUCH) ~ a", "TOUCH ~ a", "y ~ {TOUCH}", "{TOUCH} ~ a",
    "y ~ a + {TOUCH}", "y ~ log(TOUCH)", "y ~ log(a + TOUCH)", "y ~ log(log(TOUCH))",
    "log(TOUCH) ~ a", "y ~ C(a, TOUCH)", "y ~ C(a, contr.treatment(base=TOUCH))",
    "y ~ C(a, levels=[TOUCH])", "y ~ bs(a, knots=[TOUCH])", "y ~ bs(a, df=TOUCH)",
    "y ~ poly(a, degree=TOUCH)", "y ~ scale(a, center=TOUCH)", "y ~ log(f'{TOUCH}')",
    "y ~ log([TOUCH for i in (1,)][0])", "y ~ log((lambda: TOUCH)())", "y ~ log(a if TOUCH else a)",
    "y ~ log(z := TOUCH)", "y ~ log(*TOUCH)", "y ~ log(**TOUCH)", "y ~ log(a)[TOUCH]",
    "y ~ log(a, out=TOUCH)", "y ~ Q('a') + Q(TOUCH)", "y ~ np.log(TOUCH)", "y ~ `TOUCH`",
    "`TOUCH` ~ a", "y ~ a | TOUCH", "y ~ a ~ TOUCH", "y ~ a.__class__", "y ~ log(a.__class__)",
    "y ~ log(a.__init__.__globals__)", "y ~ log(a).__class__", "y ~ x.__class__.__mro__",
    "y ~ log(a @ TOUCH)", "y ~ log(not TOUCH)", "y ~ log(a or TOUCH)", "y ~ log({TOUCH: 1})",
    "y ~ log({TOUCH})", "y ~ log((TOUCH, 1))", "y ~ log(a < TOUCH)", "y ~ hashed(TOUCH)",
    "y ~ lag(a, TOUCH)", "y ~ eval('TOUCH')", "y ~ exec('TOUCH')", "y ~ a;TOUCH", "y ~ a\nTOUCH",
    "y ~ log(a\n) + TOUCH", "y ~ log(a) if TOUCH else a", "y ~ log(a)(TOUCH)", "y ~ a(TOUCH)",
    "y ~ a + (TOUCH)", "y ~ (a + TOUCH)**2", "y ~ a^TOUCH", "y ~ a**TOUCH", "y ~ 1 + TOUCH:a",
    "y ~ a %in% TOUCH", "y ~ .", "y ~ ...", "y ~ log(await TOUCH)", "y ~ log(yield)",
    "y ~ cr(a, df=TOUCH)", "y ~ contr.sum(TOUCH)", "y ~ Treatment(TOUCH)", "y ~ C(a)(TOUCH)",
    "[y ~ TOUCH]", "y ~ log(a)#TOUCH", "y ~ log(\u200ba + TOUCH)", "ｙ ~ TOUCH", "y ~ ｅval(TOUCH)",
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_no_door_lets_code_run(door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by checking a formula nor by fitting it, and also where the names are columns."""
    monkeypatch.chdir(tmp_path)
    formula = door.replace("TOUCH", "__import__('os').system('touch X')")
    data = random_trial(1).rename({"age": "a"}).with_columns(pl.lit(1.0).alias("x"))
    with pytest.raises(FormulaError, match=r"not allowed|reads as other"):
        check_formula(formula, COLUMNS)
    with pytest.raises(FormulaError, match=r"not allowed|reads as other"):
        check_formula(formula, [*COLUMNS, "__import__", "os", "system", "np", "eval", "TOUCH"])
    with pytest.raises(FormulaError, match=r"not allowed|reads as other"):
        mmrm(formula, data, subject="id", visit="week")
    assert not list(tmp_path.iterdir()), "something ran"


def test_the_doors_are_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Handed to formulaic itself, the same text does run code; so the tests above can fail."""
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    formula = "y ~ I(a * __import__('os').system('touch X'))"
    formulaic.model_matrix(formula, pd.DataFrame({"y": [1.0, 2.0], "a": [1.0, 3.0]}))
    assert (tmp_path / "X").exists()


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ agge", "'agge' is not allowed.*Did you mean the column 'age'"),
        ("y ~ Log(age)", r"'Log\(…\)' is not allowed.*Allowed functions: log, log2"),
        ("y ~ poly(age, 11)", "degree=11.*whole number from 1 to 10"),
        ("y ~ poly(age, deg=2)", "deg=2.*Options of poly: degree, raw"),
        ("y ~ bs(age, df=1000000000)", "df=1000000000.*from 1 to 50"),
        ("y ~ bs(age, knots=age)", "knots is a list"),
        ("y ~ scale(age, center=1)", "center is True or False"),
        ("y ~ log(9**99)", "not allowed.*numbers"),
        ("y ~ log(age + 1e300)", "plain number up to 1e12"),
        ("y ~ log(age + True)", "plain number"),
        ("y ~ log(1)", "log needs a column inside"),
        ("y ~ log()", "log needs a column as its first argument"),
        ("y ~ C(log(age))", "C takes one column"),
        ("y ~ log(C(arm))", "C cannot stand inside another function"),
        ("scale(y) ~ age", "scale cannot"),
        ("y + age ~ arm", "The response is one column"),
        ("y ~ y", "cannot also explain itself"),
        ("y ~ log(y)", "cannot also explain itself"),
        ("y", "with one '~'"),
        ("~ age", "Before '~' stands the response"),
        ("y ~ ", "a column or a function must stand"),
        ("y ~ 0", "At least one term"),
        ("y ~ 2*age", "The only numbers outside a function"),
        ("y ~ age arm", "an operator or the end must stand"),
        ("y ~ (age + 1)", "stand outside parentheses"),
        ("y ~ (age", "not closed"),
        ("y ~ log(age", "not closed"),
        ("y ~ age**7", "whole number from 1 to 6"),
        ("y ~ " + "(" * 99 + "age" + ")" * 99, "at most 30 deep"),
        ("y ~ log(" + "-" * 900 + "age)", "not allowed"),
        ("y ~ log(" + "age+" * 900 + "age)", "at most 200"),
        ("y ~ " + "age+" * 2000 + "age", "At most 5000"),
        ("y ~ (a1*a2*a3*a4*a5*a6*a7*a8*a9*a10)", "more than 500 terms"),
    ],
)
def test_refusals_say_the_piece_the_rule_and_the_remedy(formula: str, message: str) -> None:
    columns = ["y", "age", "arm", "visit", *(f"a{i}" for i in range(1, 11))]
    with pytest.raises(FormulaError, match=message):
        check_formula(formula, columns)


def test_a_column_that_hides_a_function_is_refused() -> None:
    with pytest.raises(FormulaError, match="hides the function"):
        check_formula("y ~ log(log)", ["y", "log"])
    assert check_formula("y ~ log", ["y", "log"]).terms == ("1", "log")


def test_something_else_than_text_is_refused() -> None:
    with pytest.raises(FormulaError, match="a formula is text"):
        check_formula(3, ["y"])  # pyright: ignore[reportArgumentType]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="yab xlogC()[]{}.,~+-*/:^01'\"`_=#@\n", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Never another error, and whatever passes names only columns and whitelisted functions."""
    try:
        parsed = check_formula(text, ["y", "a", "b", "x"])
    except FormulaError:
        return
    assert parsed.columns <= {"y", "a", "b", "x"}
    rest = parsed.canonical
    for name in [*FUNCTIONS, "y", "a", "b", "x"]:
        rest = rest.replace(name, "")
    assert not any(character in rest for character in "{}`'\"@#=\n")


def test_checking_needs_only_the_standard_library() -> None:
    code = (
        "import sys\n"
        "from equipoise.stats import check_formula\n"
        "check_formula('y ~ log(a)*b', ['y', 'a', 'b'])\n"
        "heavy = {'numpy', 'scipy', 'numba', 'formulaic', 'pandas', 'polars', 'narwhals'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
