"""Model formulas, parsed against a whitelist before anything is evaluated.

A formula comes from a protocol that somebody else may have written, and formula libraries
evaluate their factors as Python. Here a formula is parsed by a small grammar of our own: every
factor is a column or a call from `FUNCTIONS`, whose arguments are checked through `ast`. What is
later given to formulaic is rebuilt from the parsed terms, never the text. Only the standard
library is used.

Grammar: ``response ~ terms`` with ``+ - * : / ** ^ ( )``, ``0`` and ``1``, with the meaning that
they have in R (Wilkinson and Rogers 1973, Applied Statistics 22:392–399).
"""

from __future__ import annotations

import ast
import difflib
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from .errors import FormulaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAX_LENGTH = 5_000
_MAX_DEPTH = 30
_MAX_TERMS = 500
_MAX_NODES = 200
_MAX_QUOTED = 160
_TOKEN = re.compile(r"\s*(?:(?P<name>[^\W\d]\w*)|(?P<number>\d+)|(?P<op>\*\*|[-+*:/^()~]))")


@dataclass(frozen=True, slots=True)
class FunctionRule:
    """What a whitelisted function may be given besides its variable.

    Attributes
    ----------
    meaning : str
        For error text and documentation.
    elementwise : bool
        May be nested, and may transform the response.
    options : dict of str to (kind, low, high)
        Options by name, in positional order; kind is ``int``, ``bool`` or ``numbers``.
    """

    meaning: str
    elementwise: bool = False
    options: dict[str, tuple[str, int, int]] = field(default_factory=dict)


#: The whitelist: the only functions that a formula may call.
FUNCTIONS: dict[str, FunctionRule] = {
    "log": FunctionRule("natural logarithm", elementwise=True),
    "log2": FunctionRule("logarithm to base 2", elementwise=True),
    "log10": FunctionRule("logarithm to base 10", elementwise=True),
    "exp": FunctionRule("exponential", elementwise=True),
    "sqrt": FunctionRule("square root", elementwise=True),
    "C": FunctionRule("treat a column as a factor"),
    "center": FunctionRule("subtract the mean"),
    "scale": FunctionRule(
        "subtract the mean, divide by the SD",
        options={"center": ("bool", 0, 1), "scale": ("bool", 0, 1)},
    ),
    "poly": FunctionRule(
        "orthogonal polynomial", options={"degree": ("int", 1, 10), "raw": ("bool", 0, 1)}
    ),
    "bs": FunctionRule(
        "B-spline",
        options={
            "df": ("int", 1, 50),
            "knots": ("numbers", 0, 50),
            "degree": ("int", 1, 5),
            "include_intercept": ("bool", 0, 1),
        },
    ),
}

_Term = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParsedFormula:
    """A formula that passed the whitelist.

    Attributes
    ----------
    text : str
        As it was written.
    response : str
        Column or elementwise function of one column.
    terms : tuple of str
        Expanded, by order then appearance; ``"1"`` stands first where there is an intercept.
    columns : frozenset of str
        Every column that is used, the response's included.
    response_columns : frozenset of str
        Columns in the response.
    factors : tuple of tuple of str
        The factors of each term, as canonical text.
    categorical : frozenset of str
        Columns that ``C(…)`` turns into factors.
    numeric : frozenset of str
        Columns that stand inside a numeric function.
    """

    text: str
    response: str
    terms: tuple[str, ...]
    columns: frozenset[str]
    response_columns: frozenset[str]
    factors: tuple[_Term, ...]
    categorical: frozenset[str]
    numeric: frozenset[str]

    @property
    def canonical(self) -> str:
        """The formula rebuilt from its checked terms; the only text that is ever evaluated."""
        intercept = "1" if "1" in self.terms else "0"
        return f"{self.response} ~ {' + '.join([intercept, *(t for t in self.terms if t != '1')])}"


def check_formula(formula: str, columns: Iterable[str]) -> ParsedFormula:
    """Parse `formula` and hold every factor of it to the whitelist; nothing is evaluated.

    Parameters
    ----------
    formula : str
        For instance ``"change ~ baseline*visit + arm*visit"``.
    columns : iterable of str
        The columns of the data that it may use.

    Returns
    -------
    ParsedFormula

    Raises
    ------
    FormulaError
        With the offending piece, the rule, the allowed names and the nearest column.
    """
    if not isinstance(formula, str):
        raise FormulaError("a formula is text", where="formula", value=formula)
    if len(formula) > _MAX_LENGTH:
        raise FormulaError(
            f"the formula has {len(formula)} characters", rule=f"At most {_MAX_LENGTH} are read"
        )
    if unicodedata.normalize("NFKC", formula) != formula:
        raise FormulaError(
            "the formula has characters that Python reads as other ones",
            value=formula,
            rule="Names are compared letter by letter (Unicode NFKC)",
            remedy="Retype the name with plain letters",
        )
    parser = _Parser(formula, tuple(columns))
    return parser.formula()


class _Parser:
    """Recursive descent over one formula."""

    def __init__(self, text: str, columns: tuple[str, ...]) -> None:
        self.text = text
        self.columns = columns
        self.known = frozenset(columns)
        self.used: set[str] = set()
        self.functions: set[str] = set()
        self.categorical: set[str] = set()
        self.numeric: set[str] = set()
        self.position = 0
        self.depth = 0

    # -- formula and expressions ------------------------------------------------------------

    def formula(self) -> ParsedFormula:
        if self.text.count("~") != 1:
            self.refuse(self.text, "A formula is 'response ~ terms', with one '~'")
        response = self.response()
        response_columns = frozenset(self.used)
        terms = self.sum_of_terms()
        if self.peek() != "":
            self.refuse(
                self.text[self.position :].strip(), "Here an operator or the end must stand"
            )
        if not terms:
            self.refuse(
                self.text.partition("~")[2].strip(), "At least one term is needed, if only '1'"
            )
        ordered = sorted(terms, key=len)
        inside = {column for term in ordered for column in self.names_in(term)}
        both = sorted(response_columns & inside)
        if both:
            self.refuse(both[0], "The response cannot also explain itself")
        clash = sorted(self.used & self.functions)
        if clash:
            self.refuse(clash[0], "A column of this name hides the function; rename the column")
        return ParsedFormula(
            text=self.text,
            response=response,
            terms=tuple(":".join(term) if term else "1" for term in ordered),
            columns=frozenset(self.used),
            response_columns=response_columns,
            factors=tuple(ordered),
            categorical=frozenset(self.categorical),
            numeric=frozenset(self.numeric),
        )

    def names_in(self, term: _Term) -> set[str]:
        return {
            node.id
            for factor in term
            for node in ast.walk(ast.parse(factor, mode="eval"))
            if isinstance(node, ast.Name)
        } - self.functions

    def response(self) -> str:
        token = self.peek()
        if not token or not (token[0].isalpha() or token[0] == "_"):
            self.refuse(token or "~", "Before '~' stands the response, a column", columns=True)
        factor = self.factor(response=True)
        if self.take() != "~":
            self.refuse(
                self.text.partition("~")[0].strip(),
                "The response is one column, or one of "
                + ", ".join(f"{n}(…)" for n, r in FUNCTIONS.items() if r.elementwise),
                columns=True,
            )
        return factor

    def sum_of_terms(self) -> list[_Term]:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self.refuse("(", f"Parentheses nest at most {_MAX_DEPTH} deep")
        top = self.depth == 1
        terms: list[_Term] = [()] if top else []
        sign = "+"
        if self.peek() in ("+", "-"):
            sign = self.take()
        while True:
            terms = self.combine(terms, sign, top)
            if self.peek() not in ("+", "-"):
                break
            sign = self.take()
        self.depth -= 1
        return terms

    def combine(self, terms: list[_Term], sign: str, top: bool) -> list[_Term]:
        if self.peek() in ("0", "1"):
            number = self.take()
            if not top:
                self.refuse(number, "0 and 1 (the intercept) stand outside parentheses")
            with_intercept = (number == "1") == (sign == "+")
            rest = [term for term in terms if term]
            return [(), *rest] if with_intercept else rest
        more = self.product()
        if sign == "-":
            dropped = {frozenset(term) for term in more}
            return [term for term in terms if frozenset(term) not in dropped or not term]
        return self.unique([*terms, *more])

    def product(self) -> list[_Term]:
        left = self.interaction()
        while self.peek() in ("*", "/"):
            operator = self.take()
            right = self.interaction()
            if operator == "*":
                left = self.unique([*left, *right, *self.cross(left, right)])
            else:
                everything = tuple(dict.fromkeys(factor for term in left for factor in term))
                left = self.unique([*left, *self.cross([everything], right)])
        return left

    def interaction(self) -> list[_Term]:
        left = self.power()
        while self.peek() == ":":
            self.take()
            left = self.unique(self.cross(left, self.power()))
        return left

    def power(self) -> list[_Term]:
        base = self.atom()
        while self.peek() in ("**", "^"):
            operator = self.take()
            exponent = self.take()
            if exponent not in {"1", "2", "3", "4", "5", "6"}:
                self.refuse(f"{operator}{exponent}", "An exponent is a whole number from 1 to 6")
            result = base
            for _ in range(int(exponent) - 1):
                result = self.unique([*result, *self.cross(result, base)])
            base = result
        return base

    def atom(self) -> list[_Term]:
        token = self.peek()
        if token == "(":
            self.take()
            inner = self.sum_of_terms()
            if self.take() != ")":
                self.refuse("(", "A parenthesis is not closed")
            return inner
        if token[:1].isdigit():
            self.refuse(token, "The only numbers outside a function are 0 and 1, for the intercept")
        if not token or not (token[0].isalpha() or token[0] == "_"):
            self.refuse(token or "the end", "Here a column or a function must stand", columns=True)
        return [(self.factor(),)]

    def cross(self, left: Sequence[_Term], right: Sequence[_Term]) -> list[_Term]:
        if len(left) * len(right) > _MAX_TERMS:
            self.refuse(self.text, f"It expands into more than {_MAX_TERMS} terms")
        return [tuple(dict.fromkeys((*a, *b))) for a in left for b in right]

    def unique(self, terms: Sequence[_Term]) -> list[_Term]:
        seen: dict[frozenset[str], _Term] = {}
        for term in terms:
            seen.setdefault(frozenset(term), term)
        if len(seen) > _MAX_TERMS:
            self.refuse(self.text, f"It expands into more than {_MAX_TERMS} terms")
        return list(seen.values())

    # -- tokens -----------------------------------------------------------------------------

    def peek(self) -> str:
        before = self.position
        token = self.take()
        self.position = before
        return token

    def take(self) -> str:
        rest = self.text[self.position :]
        if not rest.strip():
            self.position = len(self.text)
            return ""
        match = _TOKEN.match(rest)
        if match is None:
            piece = rest.strip()
            self.refuse(
                piece.split()[0],
                "A formula is made of column names, whitelisted functions, 0, 1 and "
                "+ - * : / ** ^ ( ) only: no quotes, braces, brackets, dots, back-ticks or "
                "assignments",
                columns=True,
            )
        self.position += match.end()
        return match.group().strip()

    # -- factors ----------------------------------------------------------------------------

    def factor(self, *, response: bool = False) -> str:
        name = self.take()
        if not self.text[self.position :].lstrip().startswith("("):
            if name not in self.known:
                self.refuse(name, "It is neither a column nor a function call", columns=True)
            self.used.add(name)
            return name
        if name not in FUNCTIONS:
            self.refuse(f"{name}(…)", f"Allowed functions: {', '.join(FUNCTIONS)}", columns=True)
        text = name + self.arguments()
        try:
            call = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            self.refuse(text, "It is not a function call that can be read")
        if not isinstance(call, ast.Call):
            self.refuse(text, "It is not a plain function call")
        if sum(1 for _ in ast.walk(call)) > _MAX_NODES:
            self.refuse(text, f"A call holds at most {_MAX_NODES} names, numbers and operators")
        self.call(call, text, nested=response)
        if response and not FUNCTIONS[name].elementwise:
            self.refuse(text, f"{name} cannot transform the response")
        return ast.unparse(call)

    def arguments(self) -> str:
        start = self.position
        depth = 0
        for index in range(start, len(self.text)):
            character = self.text[index]
            if character in "'\"`\\{}#;@~\n":
                self.refuse(
                    self.text[start : index + 1].strip(),
                    "Arguments hold columns, numbers and + - * / only: no text, braces or "
                    "back-ticks",
                )
            depth += (character == "(") - (character == ")")
            if depth > _MAX_DEPTH:
                self.refuse(self.text[start:index], f"Parentheses nest at most {_MAX_DEPTH} deep")
            if character == ")" and depth == 0:
                self.position = index + 1
                return self.text[start : index + 1].strip()
        return self.refuse(self.text[start:].strip(), "A parenthesis is not closed")

    def call(self, call: ast.Call, text: str, *, nested: bool) -> None:
        function = call.func
        if not isinstance(function, ast.Name) or function.id not in FUNCTIONS:
            self.refuse(ast.unparse(function), f"Allowed functions: {', '.join(FUNCTIONS)}")
        rule = FUNCTIONS[function.id]
        if nested and not rule.elementwise:
            self.refuse(text, f"{function.id} cannot stand inside another function")
        self.functions.add(function.id)
        if not call.args:
            self.refuse(text, f"{function.id} needs a column as its first argument", columns=True)
        variable, *positional = call.args
        if function.id == "C":
            if not isinstance(variable, ast.Name):
                self.refuse(text, "C takes one column", columns=True)
            self.column(variable, self.categorical)
        else:
            self.numeric_expression(variable)
            if not any(
                isinstance(node, ast.Name) and node.id in self.known for node in ast.walk(variable)
            ):
                self.refuse(text, f"{function.id} needs a column inside", columns=True)
        names = list(rule.options)
        if len(positional) > len(names):
            self.refuse(text, f"{function.id} takes {1 + len(names)} argument(s) at most")
        options = list(zip(names, positional, strict=False))
        for keyword in call.keywords:
            if keyword.arg not in rule.options or keyword.arg in dict(options):
                allowed = ", ".join(names) or "none"
                self.refuse(ast.unparse(keyword), f"Options of {function.id}: {allowed}")
            options.append((keyword.arg, keyword.value))
        for option, value in options:
            self.option(option, value, rule.options[option])

    def numeric_expression(self, node: ast.expr) -> None:
        if isinstance(node, ast.Name):
            self.column(node, self.numeric)
        elif isinstance(node, ast.Constant):
            self.number(node)
        elif isinstance(node, ast.BinOp) and isinstance(
            node.op, ast.Add | ast.Sub | ast.Mult | ast.Div
        ):
            self.numeric_expression(node.left)
            self.numeric_expression(node.right)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            self.numeric_expression(node.operand)
        elif isinstance(node, ast.Call):
            self.call(node, ast.unparse(node), nested=True)
        else:
            self.refuse(
                ast.unparse(node),
                "Inside a function stand columns, numbers, + - * / and whitelisted functions",
                columns=True,
            )

    def column(self, node: ast.Name, kind: set[str]) -> None:
        if node.id not in self.known:
            self.refuse(node.id, "It is not a column", columns=True)
        self.used.add(node.id)
        kind.add(node.id)

    def number(self, node: ast.expr) -> float:
        sign = 1.0
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            sign, node = -1.0, node.operand
        if (
            not isinstance(node, ast.Constant)
            or type(node.value) not in (int, float)
            or not abs(node.value) <= 1e12  # pyright: ignore[reportArgumentType]
        ):
            self.refuse(ast.unparse(node), "Here a plain number up to 1e12 must stand")
        return sign * float(node.value)  # pyright: ignore[reportArgumentType]

    def option(self, name: str, node: ast.expr, rule: tuple[str, int, int]) -> None:
        kind, low, high = rule
        text = ast.unparse(node)
        if kind == "bool":
            if not (isinstance(node, ast.Constant) and isinstance(node.value, bool)):
                self.refuse(f"{name}={text}", f"{name} is True or False")
        elif kind == "int":
            value = self.number(node)
            if value != int(value) or not low <= value <= high:
                self.refuse(f"{name}={text}", f"{name} is a whole number from {low} to {high}")
        elif not isinstance(node, ast.List) or not len(node.elts) <= high:
            self.refuse(f"{name}={text}", f"{name} is a list of at most {high} numbers")
        else:
            for element in node.elts:
                self.number(element)

    def refuse(self, piece: str, rule: str, *, columns: bool = False) -> NoReturn:
        remedy = ""
        if columns:
            near = difflib.get_close_matches(piece.partition("(")[0], self.columns, n=1, cutoff=0.6)
            if near:
                remedy = f"Did you mean the column {near[0]!r}?"
            else:
                shown = ", ".join(self.columns[:12]) + (", …" if len(self.columns) > 12 else "")
                remedy = f"Columns: {shown or 'none'}. Functions: {', '.join(FUNCTIONS)}"
        raise FormulaError(
            f"{_shortened(piece)!r} is not allowed",
            where=f"formula {_shortened(self.text)!r}",
            rule=rule,
            remedy=remedy,
        )


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED else text[: _MAX_QUOTED - 1] + "…"
