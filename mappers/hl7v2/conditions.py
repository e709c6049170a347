"""Conditions of mapping rows: what a segment must say for a row to hold.

`10` (PV1-10 is valued), `!10`, `2=ED|RP`, `2!=ED`, `3.5=VN`; several are joined by ` & `. All
speak of the row's own segment; what needs another segment is a function.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mappers.hl7v2.tokenizer import Segment

Condition = Callable[[Segment], bool]

_VALUED = re.compile(r"(!?)(\d+)")
_EQUAL = re.compile(r"(\d+)(?:\.(\d+))?(!?=)(\S+)")


def condition(stated: str) -> Condition | None:
    """Compile a condition, None for an empty one; raises ValueError for what it cannot read."""
    tests = [_test(part.strip()) for part in stated.split("&")] if stated else []
    if not tests:
        return None
    return lambda segment: all(test(segment) for test in tests)


def _test(stated: str) -> Condition:
    valued = _VALUED.fullmatch(stated)
    if valued is not None:
        wanted, field = not valued.group(1), int(valued.group(2))
        return lambda segment: segment.has(field) is wanted
    equal = _EQUAL.fullmatch(stated)
    if equal is None:
        raise ValueError(f"not a condition: {stated}")
    field, component = int(equal.group(1)), int(equal.group(2) or 1)
    codes, same = frozenset(equal.group(4).split("|")), equal.group(3) == "="
    return lambda segment: (segment.component(field, component) in codes) is same
