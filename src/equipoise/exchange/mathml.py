"""Formulas as MathML: sums, products, quotients, powers, `exp`, and the time."""

from __future__ import annotations

import ast
from xml.etree.ElementTree import Element, SubElement

MATHML = "http://www.w3.org/1998/Math/MathML"
SBML = "http://www.sbml.org/sbml/level3/version2/core"

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "plus",
    ast.Sub: "minus",
    ast.Mult: "times",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.USub: "minus",
    ast.GtE: "geq",
}


def math_element(formula: str, *, number_unit: str = "dimensionless") -> Element:
    """The `math` element of a formula in Python's notation.

    Parameters
    ----------
    formula
        Names, numbers, ``+ - * / **``, ``exp(…)``, one ``>=``; ``time`` is the time of the
        simulation.
    number_unit
        Id of the unit that every number in it has.
    """
    math = Element("math", {"xmlns": MATHML, "xmlns:sbml": SBML})
    math.append(_element(ast.parse(formula, mode="eval").body, number_unit))
    return math


def names_in(formula: str) -> set[str]:
    """Names of a formula, without `time` and `exp`."""
    found = {node.id for node in ast.walk(ast.parse(formula)) if isinstance(node, ast.Name)}
    return found - {"time", "exp"}


def _element(node: ast.expr, unit: str) -> Element:
    if isinstance(node, ast.Name) and node.id == "time":
        symbol = Element("csymbol")
        symbol.set("encoding", "text")
        symbol.set("definitionURL", "http://www.sbml.org/sbml/symbols/time")
        symbol.text = "time"
        return symbol
    if isinstance(node, ast.Name):
        name = Element("ci")
        name.text = node.id
        return name
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return _number(float(node.value), unit)
    if isinstance(node, ast.BinOp):
        return _apply(_OPERATORS[type(node.op)], [node.left, node.right], unit)
    if isinstance(node, ast.UnaryOp):
        return _apply(_OPERATORS[type(node.op)], [node.operand], unit)
    if isinstance(node, ast.Compare):
        return _apply(_OPERATORS[type(node.ops[0])], [node.left, node.comparators[0]], unit)
    assert isinstance(node, ast.Call), ast.dump(node)
    assert isinstance(node.func, ast.Name), ast.dump(node)
    assert node.func.id == "exp", node.func.id
    return _apply("exp", node.args, unit)


def _apply(operator: str, arguments: list[ast.expr], unit: str) -> Element:
    apply = Element("apply")
    SubElement(apply, operator)
    apply.extend(_element(argument, unit) for argument in arguments)
    return apply


def _number(value: float, unit: str) -> Element:
    """A number with all its digits; an exponent is written in MathML's own way."""
    number = Element("cn")
    number.set("sbml:units", unit)
    mantissa, _, exponent = repr(value).partition("e")
    number.text = mantissa
    if exponent:
        number.set("type", "e-notation")
        separator = SubElement(number, "sep")
        separator.tail = str(int(exponent))
    return number
