"""One translation in progress: what the functions for records and objects share.

To what every format shares it adds the member and its ways to write dates and times.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from mappers import times
from mappers.base import Context
from mappers.codes import Coded, table
from mappers.session import Session as Translation
from mappers.trace import Text, derived, text
from mappers.xdt.charset import PACKAGE
from mappers.xdt.dates import is_day_first
from mappers.xdt.group import Group
from mappers.xdt.member import Member
from mappers.xdt.message import Message

_DAY_FIRST = re.compile(r"(\d\d)(\d\d)(\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})(\d\d)(\d\d)")
_TIME = re.compile(r"(\d\d):?(\d\d)(?::?(\d\d))?(\d{2,3})?")
_DAYS = "TTMMJJJJ"
#: Digits of a date; characters of a FHIR dateTime before its offset.
_DATE, _CLOCK = 8, 19
_ZONE = re.compile(r"UTC([+-])(\d{1,2})")


class Session(Translation):
    """The state of one translation."""

    __slots__ = ("author", "day_first", "files", "member", "message", "recorded", "scope", "sender")

    def __init__(self, message: Message, context: Context, member: Member) -> None:
        """Begin the translation of `message`."""
        super().__init__(context, member.satzart, message.path, message.issues)
        self.message = message
        self.member = member
        #: Dates are written TTMMJJJJ.
        written = context.dialect.dates
        self.day_first = written == _DAYS if written else is_day_first(message, member)
        #: Who answers for the message, for its Provenance; None: the system that sent it.
        self.author: dict[str, Any] | None = None
        #: FHIR instant the message was made, where its member says it elsewhere than in 9103.
        self.recorded: str | None = None
        #: "/<practice>" where a laboratory speaks of the numbers a practice has given; else empty.
        self.scope = ""
        #: The system that sent, a Device of this message.
        self.sender: dict[str, Any] | None = None
        #: Files that came beside the message, by name in lower case.
        self.files: dict[str, bytes] = {}

    # -- codes -----------------------------------------------------------------------------

    def lookup(self, name: str, leaf: Text, field: str = "") -> Coded | None:
        """Translate a code by a table; the dialect's local codes ("8410") come first."""
        code = leaf.strip()
        local = self.dialect.codes.get(field) if field else None
        if local is not None:
            code = local.get(code, code)
        codes = table(PACKAGE, name)
        return codes.get(code) or codes.get(code.upper())

    # -- dates -----------------------------------------------------------------------------

    def digits(self, leaf: Text) -> str | None:
        """Write a date as HL7 does (JJJJMMTT); None for zeros; an invalid one is an issue."""
        stated = leaf.strip()
        if not stated.strip("0"):
            self.ignored.append((leaf, "zeros: the date is unknown"))
            return None
        match = (_DAY_FIRST if self.day_first else _YEAR_FIRST).fullmatch(stated)
        parts = match.groups() if match is not None else None
        if parts is not None:
            year, month, day = reversed(parts) if self.day_first else parts
            known = year + (
                month.replace("00", "") + day.replace("00", "") if month != "00" else ""
            )
            if times.moment(known, self.zone) is not None:
                return known
        self.issue("value", "not a valid date", leaf, "102")
        return None

    def day(self, leaf: Text | None) -> str | None:
        """Return a FHIR date in the precision of the source."""
        if leaf is not None and len(leaf) == _DATE:
            plain = _plain_day(leaf, self.day_first, self.zone)
            if plain is not None:
                return text(plain[0], leaf.source)
        known = self.digits(leaf) if leaf is not None else None
        found = times.moment(known, self.zone) if known is not None else None
        return derived(found.fhir, leaf) if found is not None else None

    def when(self, day: Text | None, clock: Text | None = None) -> str | None:
        """Return a FHIR dateTime of a date and a time of day (HHMM, HHMMSS, HHMMSSmmm)."""
        if day is not None and clock is not None and len(day) == _DATE and _is_clock(clock):
            plain = _plain_day(day, self.day_first, self.zone)
            if plain is not None:
                date, offset = plain
                said = f"{date}T{clock[:2]}:{clock[2:4]}:{clock[4:]}{offset}"
                return derived(said, day, clock)
        known = self.digits(day) if day is not None else None
        if known is None:
            if clock is not None:
                self.issue("value", "a time of day without its date", clock, "102")
            return None
        stated = self._clock(clock) if clock is not None else ""
        found = times.moment(known + stated if len(known) == 8 else known, self.zone)
        if found is None:
            return None
        if found.doubt:
            self.issue("informational", f"{found.doubt} local time at a clock change", clock)
        return derived(found.fhir, day, clock if stated else None)

    def zoned(self, day: Text | None, clock: Text | None, zone: Text | None) -> str | None:
        """Return a FHIR dateTime of 7278, 7279 and the zone 7273 ("UTC+1")."""
        shift = _ZONE.fullmatch(zone.strip()) if zone is not None else None
        if day is None or clock is None or shift is None:
            return self.when(day, clock)
        known, hour = self.digits(day), self._clock(clock)
        stated = f"{known}{hour}{shift[1]}{int(shift[2]):02d}00" if known and hour else known
        found = times.moment(stated, self.zone) if stated else None
        return derived(found.fhir, day, clock, zone) if found is not None else None

    def instant_of(
        self, day: Text, clock: Text | None = None, zone: Text | None = None
    ) -> str | None:
        """Return a FHIR instant, and keep it as the message's recency in UTC."""
        known = self.digits(day)
        stated = self._clock(clock) if clock is not None else ""
        shift = _ZONE.fullmatch(zone.strip()) if zone is not None and stated else None
        offset = f"{shift[1]}{int(shift[2]):02d}00" if shift is not None else ""
        found = times.moment(f"{known}{stated}{offset}", self.zone) if known is not None else None
        if found is None:
            return None
        self.recency = found.utc
        return derived(found.instant, day, clock, zone)

    def _clock(self, leaf: Text) -> str:
        match = _TIME.fullmatch(leaf.strip())
        if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
            self.issue("value", "not a valid time of day", leaf, "102")
            return ""
        hour, minute, second, fraction = match.groups()
        return f"{hour}{minute}{second or '00'}" + (f".{fraction}" if fraction else "")

    # -- text --------------------------------------------------------------------------------

    @staticmethod
    def lines(group: Group, fk: str) -> str | None:
        """Return a text written over several lines."""
        found = group.all(fk)
        return derived("\n".join(found), *found) if found else None


def _is_clock(clock: str) -> bool:
    """Tell whether this is HHMMSS and nothing else."""
    if len(clock) != len("HHMMSS") or not (clock.isascii() and clock.isdecimal()):
        return False
    return clock[:2] < "24" and clock[2:4] < "60" and clock[4:] < "60"


@lru_cache(maxsize=4096)
def _plain_day(day: str, day_first: bool, zone: str) -> tuple[str, str] | None:  # noqa: FBT001  a key of the memory
    """The date, and how far it is from UTC, of a day nothing is odd about; None for any other."""
    match = (_DAY_FIRST if day_first else _YEAR_FIRST).fullmatch(day)
    if match is None or not day.isascii():
        return None
    digits = "".join(reversed(match.groups()) if day_first else match.groups())
    found = [times.moment(f"{digits}{clock}", zone) for clock in ("", "000000", "235959")]
    known = [one.fhir for one in found if one is not None and not one.doubt]
    if len(known) != len(found) or known[1][_CLOCK:] != known[2][_CLOCK:]:
        # A clock change: the time of day decides.
        return None
    return known[0], known[1][_CLOCK:]
