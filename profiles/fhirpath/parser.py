"""Tokens to syntax tree: recursive descent with binding powers.

https://hl7.org/fhirpath/N1/#grammar and https://hl7.org/fhirpath/N1/#operator-precedence.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from profiles.fhirpath.errors import FHIRPathSyntaxError
from profiles.fhirpath.lexer import Token, tokens_of
from profiles.fhirpath.syntax import (
    CALENDAR_WORDS,
    Binary,
    Call,
    Constant,
    Empty,
    Expr,
    Indexed,
    LongConstant,
    Member,
    QuantityConstant,
    Sign,
    SortKey,
    Special,
    TemporalConstant,
    TypeTest,
    Variable,
    children_of,
)

#: Operator → how strongly it binds.
POWERS = {
    "implies": 1,
    **dict.fromkeys(("or", "xor"), 2),
    "and": 3,
    **dict.fromkeys(("in", "contains"), 4),
    **dict.fromkeys(("=", "~", "!=", "!~"), 5),
    **dict.fromkeys(("<", "<=", ">", ">="), 6),
    "|": 7,
    **dict.fromkeys(("is", "as"), 8),
    **dict.fromkeys(("+", "-", "&"), 9),
    **dict.fromkeys(("*", "/", "div", "mod"), 10),
}
_UNARY_POWER = 11
#: Parentheses and arguments inside each other; each level takes eight Python frames here.
_NESTING = 60
#: Depth of the tree, chains such as a.b.c and a or b or c included.
DEEPEST = 120
_MOST_DIGITS = 100
_BOOLEANS = {"true": True, "false": False}
_ORDERS = {"asc": False, "desc": True}


def parse(expression: str) -> Expr:
    """Parse one expression; raises FHIRPathSyntaxError with the position."""
    return _Parser(expression).whole()


class _Parser:
    """Reads one expression from left to right."""

    def __init__(self, expression: str) -> None:
        self._source = expression
        self._tokens = tokens_of(expression)
        self._at = 0
        self._depth = 0

    def whole(self) -> Expr:
        """Parse everything there is."""
        expr = self._expression(0)
        if self._token.kind != "end":
            raise self._wrong(f"{self._token.text!r} is not expected here")
        self._check_depth(expr)
        return expr

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _advance(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, symbol: str) -> bool:
        return self._token.kind == "symbol" and self._token.text == symbol

    def _expect(self, symbol: str) -> None:
        if not self._is(symbol):
            found = self._token.text or "the end"
            raise self._wrong(f"{symbol!r} is expected instead of {found!r}")
        self._at += 1

    def _wrong(self, text: str, token: Token | None = None) -> FHIRPathSyntaxError:
        return FHIRPathSyntaxError(text, (token or self._token).position, self._source)

    def _expression(self, least: int) -> Expr:
        self._depth += 1
        if self._depth > _NESTING:
            raise self._wrong("the expression is nested too deeply")
        left = self._unary()
        while (power := self._power()) > least:
            left = self._infix(left, power)
        self._depth -= 1
        return left

    def _power(self) -> int:
        token = self._token
        return POWERS.get(token.text, 0) if token.kind in ("symbol", "identifier") else 0

    def _infix(self, left: Expr, power: int) -> Expr:
        token = self._advance()
        if token.text in ("is", "as"):
            return TypeTest(token.text, left, self._type_name(), position=token.position)
        return Binary(token.text, left, self._expression(power), position=token.position)

    def _type_name(self) -> str:
        parts = [self._identifier()]
        while self._is("."):
            self._at += 1
            parts.append(self._identifier())
        return ".".join(parts)

    def _identifier(self) -> str:
        if self._token.kind not in ("identifier", "delimited"):
            raise self._wrong("a name is expected")
        return self._advance().text

    def _unary(self) -> Expr:
        token = self._token
        if token.kind == "symbol" and token.text in ("+", "-"):
            self._at += 1
            operand = self._expression(_UNARY_POWER)
            return Sign(token.text, operand, position=token.position)
        return self._path()

    def _path(self) -> Expr:
        expr = self._term()
        while True:
            position = self._token.position
            if self._is("."):
                self._at += 1
                expr = self._invocation(expr)
            elif self._is("["):
                self._at += 1
                expr = Indexed(expr, self._expression(0), position=position)
                self._expect("]")
            else:
                return expr

    def _invocation(self, target: Expr | None) -> Expr:
        token = self._token
        if token.kind == "special":
            raise self._wrong(f"{token.text} stands at the beginning of a path only")
        name = self._identifier()
        if not self._is("("):
            return Member(target, name, position=token.position)
        self._at += 1
        return Call(target, name, self._arguments(name), position=token.position)

    def _arguments(self, name: str) -> tuple[Expr, ...]:
        arguments: list[Expr] = []
        while not self._is(")"):
            if arguments:
                self._expect(",")
            argument = self._expression(0)
            arguments.append(self._ordered(argument) if name == "sort" else argument)
        self._at += 1
        return tuple(arguments)

    def _ordered(self, key: Expr) -> Expr:
        token = self._token
        if token.kind == "identifier" and token.text in _ORDERS:
            self._at += 1
            return SortKey(key, _ORDERS[token.text], position=token.position)
        return key

    def _term(self) -> Expr:
        token = self._token
        reader = {
            "string": self._string,
            "number": self._number,
            "long": self._long,
            "temporal": self._temporal,
            "special": self._special,
            "symbol": self._symbol,
            "identifier": self._word,
            "delimited": self._word,
        }.get(token.kind)
        if reader is None:
            raise self._wrong("the expression ends too early")
        return replace(reader(), position=token.position)

    def _string(self) -> Expr:
        return Constant(self._advance().text)

    def _number(self) -> Expr:
        text = self._advance().text
        unit = self._token
        if len(text) > _MOST_DIGITS:
            raise self._wrong("a number has too many digits")
        if unit.kind == "string":
            self._at += 1
            return QuantityConstant(Decimal(text), unit.text, calendar=False)
        if unit.kind == "identifier" and unit.text in CALENDAR_WORDS:
            self._at += 1
            return QuantityConstant(Decimal(text), CALENDAR_WORDS[unit.text], calendar=True)
        return Constant(Decimal(text) if "." in text else int(text))

    def _long(self) -> Expr:
        text = self._advance().text[:-1]
        if len(text) > _MOST_DIGITS:
            raise self._wrong("a number has too many digits")
        return LongConstant(int(text))

    def _temporal(self) -> Expr:
        return TemporalConstant(self._advance().text)

    def _special(self) -> Expr:
        return Special(self._advance().text[1:])

    def _symbol(self) -> Expr:
        if self._is("("):
            self._at += 1
            expr = self._expression(0)
            self._expect(")")
            return expr
        if self._is("{"):
            self._at += 1
            self._expect("}")
            return Empty()
        if self._is("%"):
            self._at += 1
            if self._token.kind == "string":
                return Variable(self._advance().text)
            return Variable(self._identifier())
        found = self._token.text
        raise self._wrong(f"{found!r} is not expected here")

    def _word(self) -> Expr:
        token = self._token
        if token.kind == "identifier" and token.text in _BOOLEANS:
            self._at += 1
            return Constant(_BOOLEANS[token.text])
        return self._invocation(None)

    def _check_depth(self, root: Expr) -> None:
        """Chains such as a.b.c are parsed in a loop but evaluated inwards."""
        level = [root]
        for _ in range(DEEPEST):
            level = [child for expr in level for child in children_of(expr)]
            if not level:
                return
        raise self._wrong("the expression is nested too deeply", self._tokens[0])
