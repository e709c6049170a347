"""How a message writes its dates: TTMMJJJJ or JJJJMMTT, told by the member or by the dates.

Both occur in LDT 2 and BDT. What all dates of the message can be decides; where they can be both,
the version (FK 9212, 9213) does. Dates that contradict one another are left to be told as invalid.
"""

from __future__ import annotations

from functools import lru_cache

from mappers.xdt.member import Member
from mappers.xdt.message import Message

#: Members whose dates are written JJJJMMTT; all others write TTMMJJJJ.
_YEARS_FIRST = frozenset({"KVDT", "LDT"})
#: Members that write them either way.
_EITHER = frozenset({"BDT", "LDT"})
#: Dates of LDT 2 and BDT.
_DATES = frozenset({"3103", "4109", "4110", "6200", "8301", "8302", "8432", "8433", "9103"})
#: Digits of a date.
_DIGITS = 8
#: LDT 2 and xBDT write JJJJMMTT.
_VERSIONS = ("LDT10", "2.")


def is_day_first(message: Message, member: Member) -> bool:
    """Tell whether dates are written TTMMJJJJ."""
    is_nested = any(record.is_nested for record in message.records)
    if member.name not in _EITHER or is_nested:
        return member.name not in _YEARS_FIRST
    balance = 0
    for record in message.records:
        fields = record.fields
        for fk in _DATES & fields.keys():
            for leaf in fields[fk]:
                stated = leaf.strip()
                if len(stated) == _DIGITS:
                    balance += _balance(stated)
    if balance:
        return balance > 0
    return not member.version.startswith(_VERSIONS)


@lru_cache(maxsize=4096)
def _balance(one: str) -> int:
    """1 for a date that can be TTMMJJJJ alone, -1 for one that can be JJJJMMTT alone, else 0."""
    if not one.isdecimal():
        return 0
    return _is_date(one[4:], one[2:4], one[:2]) - _is_date(one[:4], one[4:6], one[6:])


def _is_date(year: str, month: str, day: str) -> bool:
    return "1850" <= year <= "2150" and "01" <= month <= "12" and "00" <= day <= "31"
