"""NM and the unit beside it → whole minutes, and instants moved by them (chapter 10.6).

Offsets and durations of appointments are in minutes where no unit is named.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from mappers.hl7v2.datatypes.converters import quantity
from mappers.hl7v2.datatypes.units import time_unit
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Repetition, leaves_of
from mappers.trace import Text, Value, derived, merged

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "wk": 604800}
_MOST = 2**31
_WORDS = re.compile(r"(\d{1,6})\s*([A-Za-z]+)|([SMHDW])(\d{1,6})", re.IGNORECASE)
_LETTERS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk"}
DELETE = '""'


def minutes(session: Session, number: Text | None, units: list[Repetition]) -> Value | None:
    """Return a length of time in minutes; None for none, or what is no whole number of them."""
    if number is None or number == DELETE:
        return None
    stated = quantity(session, number)
    code = time_unit(session, units[0]) if units else "min"
    if stated is None or code not in _SECONDS:
        return None
    return _whole(stated.value * _SECONDS[code], number, *(leaves_of(units[0]) if units else ()))


def minutes_in_words(session: Session, stated: Text | None) -> Value | None:
    """TQ.3: `M30` or `30 min` in minutes."""
    found = _WORDS.fullmatch(stated) if stated is not None else None
    if stated is None or found is None:
        return None
    number, word, letter, behind = found.groups()
    if letter is not None:
        return _whole(int(behind) * _SECONDS[_LETTERS[letter.upper()]], stated)
    known = session.lookup("time-unit", Text(word))
    code = known.code if known is not None else _LETTERS.get(word.upper(), "")
    return _whole(int(number) * _SECONDS[code], stated) if code in _SECONDS else None


def _whole(seconds: int, *leaves: Text) -> Value | None:
    if not -_MOST < seconds < _MOST or seconds % 60:
        return None
    return Value(int(seconds) // 60, merged(*leaves))


def moved(instant: str, span: Value, sign: int = 1) -> str | None:
    """Return an instant so many minutes later (sign -1: earlier); None beyond the calendar."""
    try:
        made = datetime.fromisoformat(instant) + timedelta(minutes=sign * span.value)
    except (ValueError, OverflowError):
        return None
    return derived(made.isoformat(), instant, span)
