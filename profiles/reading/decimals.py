"""Decimals that keep the way they were written.

https://hl7.org/fhir/R4/datatypes.html#decimal: the precision of a decimal is part of
its meaning, so 72.50 must leave as 72.50. `decimal.Decimal` keeps trailing zeros; only
literals whose text it would change (1.0e3, 0.0000001) need `WrittenDecimal`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self


class WrittenDecimal(Decimal):
    """A Decimal that remembers a JSON literal which str(Decimal) would rewrite."""

    __slots__ = ("literal",)

    #: The number exactly as it stood in the source.
    literal: str

    def __new__(cls, literal: str) -> Self:
        """Make the number from its JSON literal."""
        number = super().__new__(cls, literal)
        number.literal = literal
        return number

    def __copy__(self) -> Self:
        """Return the number itself: it is immutable."""
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        """Return the number itself: it is immutable."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by literal, so that it survives a worker process."""
        return (type(self), (self.literal,))


def decimal_from_literal(literal: str) -> Decimal:
    """Read a JSON number literal so that `literal_of` gives the same text again."""
    number = Decimal(literal)
    return number if str(number) == literal else WrittenDecimal(literal)


def literal_of(number: Decimal) -> str:
    """Return the JSON literal of a decimal; raises ValueError for NaN and infinities."""
    if isinstance(number, WrittenDecimal):
        return number.literal
    if not number.is_finite():
        raise ValueError("JSON has no NaN or infinity")
    return str(number)
