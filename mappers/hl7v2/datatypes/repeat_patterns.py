"""RPT and RI → Timing (HL7 v2.7 chapter 2.A.64, v2.5 chapter 4.3.2.1 and table 0335).

The code is kept as a concept; what it says in plain words of its grammar (`Q6H`, `3ID`, `Q2J4`,
`PRNBID`, `ACM`) also stands in `repeat`, and German day schemes (`1-0-1-0`) as times of the day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from mappers.codes import rows
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.converters import quantity
from mappers.hl7v2.datatypes.units import time_unit, units_of
from mappers.hl7v2.session import PACKAGE, V2, Session
from mappers.hl7v2.tokenizer import Repetition, leaf
from mappers.trace import Text, Value, derived, text

_EVERY = re.compile(r"Q(\d{0,4})([SMHDWL])")
_TIMES_A_DAY = re.compile(r"(\d{1,2})ID")
_WEEKDAYS = re.compile(r"Q(\d{0,3})J([1-7]+)")
_SCHEME = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{1,2})(?:-(\d{1,2}))?")
_NEEDED = re.compile(r"PRN(.*)")
_TIME = re.compile(r"(\d\d):?(\d\d)(?::?(\d\d))?(\.\d+)?")
_UNITS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk", "L": "mo"}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PARTS_OF_DAY = ("MORN", "NOON", "EVE", "NIGHT")
#: Events an offset may not count from (invariant tim-9).
_WITHOUT_OFFSET = frozenset({"C", "CM", "CD", "CV"})
_IN_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "wk": 604800}


@cache
def _structures() -> Mapping[str, Mapping[str, str]]:
    return {row["source"]: row for row in rows(PACKAGE, "codes", "repeat-structure")}


def is_as_needed(repetition: Repetition) -> bool:
    """Tell whether a pattern is one that is followed only when needed."""
    code = _pattern(repetition)
    return code is not None and code.upper().startswith("PRN")


def timing(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """RPT → Timing."""
    repeat = _repeat_of_code(_pattern(repetition))
    _phase(session, repetition, repeat)
    _period(session, repetition, repeat)
    _event(session, repetition, repeat)
    return _timing(_code(session, units_of(repetition, 1)), repeat)


def interval(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """RI → Timing: a pattern and explicit times `HHMM,HHMM,…`."""
    stated = leaf(repetition, 1)
    repeat = _repeat_of_code(stated)
    times = leaf(repetition, 2)
    if times is not None and times != '""':
        written = [_time_of_day(one.strip()) for one in times.split(",")]
        if all(written):
            repeat.pop("when", None)
            repeat["timeOfDay"] = [derived(str(one), times) for one in written]
    return _timing(_code(session, [[None, stated]] if stated is not None else []), repeat)


def time_of_day(stated: Text) -> str | None:
    """TM → time; None for what is none."""
    written = _time_of_day(stated)
    return text(written, stated.source) if written is not None else None


def _time_of_day(stated: str) -> str | None:
    match = _TIME.fullmatch(stated)
    if match is None or int(match.group(1)) > 23 or int(match.group(2)) > 59:
        return None
    return f"{match.group(1)}:{match.group(2)}:{match.group(3) or '00'}"


def _pattern(repetition: Repetition) -> Text | None:
    """The code of a pattern; also where it stands in the place of its text."""
    places = units_of(repetition, 1)
    stated = (leaf(places[0], 1) or leaf(places[0], 2)) if places else None
    return None if stated == '""' else stated


def _timing(code: dict[str, Any] | None, repeat: dict[str, Any]) -> dict[str, Any] | None:
    made: dict[str, Any] = {"repeat": repeat} if repeat else {}
    if code is not None:
        made["code"] = code
    return made or None


def _code(session: Session, places: list[Repetition]) -> dict[str, Any] | None:
    """The pattern as a concept; words that are no code of table 0335 are its text."""
    if not places:
        return None
    stated = leaf(places[0], 1)
    if stated is None or stated == '""' or leaf(places[0], 3) is not None:
        return concept(session, places[0])
    known = session.lookup("repeat-pattern", stated)
    if known is None and _is_pattern(stated):
        return concept(session, places[0], default=V2 + "0335")
    words = leaf(places[0], 9) or leaf(places[0], 2)
    if known is None:
        return {"text": derived(words, words, stated) if words == stated else words or stated}
    coding = {"system": known.system, "code": text(known.code, stated.source)}
    made: dict[str, Any] = {"coding": [{**coding, "display": known.display}]}
    return {**made, "text": words} if words is not None else made


def _is_pattern(stated: str) -> bool:
    upper = stated.upper()
    grammars = (_EVERY, _TIMES_A_DAY, _WEEKDAYS, _NEEDED)
    return any(one.fullmatch(upper) for one in grammars) or upper in _structures()


def _repeat_of_code(stated: Text | None) -> dict[str, Any]:
    """What a pattern says by its grammar; every part comes from its one leaf."""
    if stated is None:
        return {}
    source = stated.source
    said = _said(stated.upper())
    return {
        name: [text(one, source) for one in value]
        if isinstance(value, list)
        else (text(value, source) if isinstance(value, str) else Value(value, source))
        for name, value in said.items()
    }


def _said(code: str) -> dict[str, Any]:
    needed = _NEEDED.fullmatch(code)
    if needed is not None:
        return _said(needed.group(1)) if needed.group(1) else {}
    known = _structures().get(code)
    if known is not None:
        return _structured(known)
    for grammar, say in _GRAMMARS:
        match = grammar.fullmatch(code)
        if match is not None:
            return say(match)
    return {}


def _structured(known: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if known["count"]:
        made["count"] = int(known["count"])
    if known["frequency"]:
        made["frequency"] = int(known["frequency"])
        made["period"] = int(known["period"])
        made["periodUnit"] = known["unit"]
    if known["when"]:
        made["when"] = [known["when"]]
    return made


def _every(match: re.Match[str]) -> dict[str, Any]:
    number = int(match.group(1) or 1)
    return {"frequency": 1, "period": number, "periodUnit": _UNITS[match.group(2)]}


def _times_a_day(match: re.Match[str]) -> dict[str, Any]:
    return {"frequency": int(match.group(1)) or 1, "period": 1, "periodUnit": "d"}


def _weekdays(match: re.Match[str]) -> dict[str, Any]:
    days = list(dict.fromkeys(_DAYS[int(day) - 1] for day in match.group(2)))
    return {"dayOfWeek": days, "period": int(match.group(1) or 1), "periodUnit": "wk"}


def _scheme(match: re.Match[str]) -> dict[str, Any]:
    """Morning, noon, evening, night: times of the day where each takes the same."""
    doses = [int(dose) if dose else 0 for dose in match.groups()]
    if len({dose for dose in doses if dose}) != 1:
        return {}
    return {"when": [part for part, dose in zip(_PARTS_OF_DAY, doses, strict=True) if dose]}


_GRAMMARS = (
    (_EVERY, _every),
    (_TIMES_A_DAY, _times_a_day),
    (_WEEKDAYS, _weekdays),
    (_SCHEME, _scheme),
)


def _phase(session: Session, repetition: Repetition, repeat: dict[str, Any]) -> None:
    """RPT.2 to RPT.4: days of the week where the calendar is aligned to them."""
    alignment = leaf(repetition, 2)
    if alignment is None or alignment.upper() != "DW":
        return
    stated = [one for number in (3, 4) if (one := leaf(repetition, number)) is not None]
    if not stated or not all(
        one.isdecimal() and len(one) == 1 and 1 <= int(one) <= 7 for one in stated
    ):
        return
    days = [text(_DAYS[int(one) - 1], one.source) for one in stated]
    if len(stated) == 2:
        first, last = (int(one) - 1 for one in stated)
        span = range(first, last + 1 if last >= first else last + 8)
        between = [_DAYS[day % 7] for day in span]
        days = [derived(day, *stated) for day in between]  # type: ignore[misc]  # Text is a str
    repeat["dayOfWeek"] = days
    session.echoes.append(alignment)


def _period(session: Session, repetition: Repetition, repeat: dict[str, Any]) -> None:
    """RPT.5 and RPT.6: the period and its unit, both or none (invariant tim-2)."""
    stated, units = leaf(repetition, 5), units_of(repetition, 6)
    code = time_unit(session, units[0]) if units else None
    value = quantity(session, stated) if stated is not None and stated != '""' else None
    if value is None or code is None or value.value < 0:
        return
    repeat["period"], repeat["periodUnit"] = value, code
    repeat.setdefault("frequency", 1)


def _event(session: Session, repetition: Repetition, repeat: dict[str, Any]) -> None:
    """RPT.8 to RPT.10: the event and how many minutes from it."""
    stated = leaf(repetition, 8)
    event = session.code("event-timing", stated) if stated is not None else None
    if event is not None:
        repeat["when"] = [*(one for one in repeat.get("when", ()) if one != event), event]
    places = units_of(repetition, 10)
    offset = leaf(repetition, 9)
    if offset is not None and places:
        set_offset(session, repeat, offset, places[0])


def set_offset(session: Session, repeat: dict[str, Any], stated: Text, unit: Repetition) -> bool:
    """Set the minutes from an event; False where there is none to count from (tim-9)."""
    whens = repeat.get("when", ())
    code = time_unit(session, unit)
    value = quantity(session, stated)
    if value is None or code not in _IN_SECONDS or not whens or _WITHOUT_OFFSET & set(whens):
        return False
    minutes = value.value * _IN_SECONDS[code] / 60
    if minutes < 0 or minutes != int(minutes):
        return False
    found = derived("", stated, code)
    repeat["offset"] = Value(int(minutes), found.source)  # type: ignore[attr-defined]  # Text
    return True
