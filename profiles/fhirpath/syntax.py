"""The syntax tree of an expression, and how it is written back.

https://hl7.org/fhirpath/N1/#grammar. Positions do not count when trees are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

#: Words that make a number a calendar duration, with their singular.
CALENDAR_WORDS = {
    word + plural: word
    for word in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for plural in ("", "s")
}


@dataclass(frozen=True, slots=True)
class Expr:
    """Any part of an expression."""

    #: Offset in the source text.
    position: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Empty(Expr):
    """`{}`."""


@dataclass(frozen=True, slots=True)
class Constant(Expr):
    """A string, boolean, integer or decimal."""

    value: str | bool | int | Decimal


@dataclass(frozen=True, slots=True)
class LongConstant(Expr):
    """`5L`."""

    value: int


@dataclass(frozen=True, slots=True)
class TemporalConstant(Expr):
    """A date, time or both, with the leading `@`."""

    text: str


@dataclass(frozen=True, slots=True)
class QuantityConstant(Expr):
    """`4 days` (calendar) or `4 'mg'` (UCUM)."""

    value: Decimal
    unit: str
    calendar: bool


@dataclass(frozen=True, slots=True)
class Special(Expr):
    """`$this`, `$index` or `$total`."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable(Expr):
    """`%name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Expr):
    """`target.name`; without a target a member of the focus."""

    target: Expr | None
    name: str


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """`target.name(arguments)`; without a target called on the focus."""

    target: Expr | None
    name: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Indexed(Expr):
    """`target[index]`."""

    target: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Sign(Expr):
    """`-operand` or `+operand`."""

    sign: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """`left operator right`."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class TypeTest(Expr):
    """`operand is type` or `operand as type`; the type may carry its namespace."""

    operator: str
    operand: Expr
    type: str


@dataclass(frozen=True, slots=True)
class SortKey(Expr):
    """`key asc` or `key desc` among the arguments of sort()."""

    key: Expr
    descending: bool


def children_of(expr: Expr) -> tuple[Expr, ...]:
    """Return the direct parts of an expression."""
    match expr:
        case Member(target, _):
            return (target,) if target else ()
        case Call(target, _, arguments):
            return (target, *arguments) if target else arguments
        case Indexed(first, second) | Binary(_, first, second):
            return (first, second)
        case Sign(_, operand) | TypeTest(_, operand, _) | SortKey(operand, _):
            return (operand,)
    return ()


def parts_of(expr: Expr) -> list[Expr]:
    """Return an expression with everything in it."""
    found = [expr]
    for part in found:
        found.extend(children_of(part))
    return found


def write(expr: Expr) -> str:
    """Write a tree as text that parses to the same tree (with all its parentheses)."""
    match expr:
        case Empty():
            return "{}"
        case Constant(value):
            return _constant(value)
        case LongConstant(number):
            return f"{number}L"
        case TemporalConstant(text):
            return text
        case QuantityConstant(amount, unit, calendar):
            return f"{amount:f} {unit if calendar else _quoted(unit)}"
        case Special(name):
            return f"${name}"
        case Variable(name):
            return f"%{_name(name)}"
    return _write_compound(expr)


def _write_compound(expr: Expr) -> str:
    match expr:
        case Member(target, name):
            return f"{_prefix(target)}{_name(name)}"
        case Call(target, name, arguments):
            return f"{_prefix(target)}{_name(name)}({', '.join(map(write, arguments))})"
        case Indexed(target, index):
            return f"{_operand(target)}[{write(index)}]"
        case Sign(sign, operand):
            return f"{sign}{_operand(operand)}"
        case Binary(operator, left, right):
            return f"{_operand(left)} {operator} {_operand(right)}"
        case TypeTest(operator, operand, type_name):
            names = ".".join(map(_name, type_name.split(".")))
            return f"{_operand(operand)} {operator} {names}"
        case SortKey(key, descending):
            return f"{_operand(key)} {'desc' if descending else 'asc'}"
    raise TypeError(type(expr).__name__)


def _prefix(target: Expr | None) -> str:
    return "" if target is None else f"{_operand(target)}."


def _operand(expr: Expr) -> str:
    text = write(expr)
    simple = isinstance(expr, Member | Call | Indexed | Special | Variable | Empty)
    return text if simple else f"({text})"


def _name(name: str) -> str:
    return f"`{_escaped(name, '`')}`"


def _quoted(text: str) -> str:
    quote = "'"
    return f"'{_escaped(text, quote)}'"


def _escaped(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace(quote, f"\\{quote}")


def _constant(value: str | bool | int | Decimal) -> str:  # noqa: FBT001 - a literal's value
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
