"""Rules for file names, the same on every system: what is taken, what is refused, what is written.

Names come from others, in folders and inside records (GDT 6305). Only plain names are used; the
strictest system decides, and that is Windows: [MS-FSCC] 2.1.5, "Naming Files, Paths, and
Namespaces".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PureWindowsPath

#: Longest name, in bytes as POSIX counts and in characters as Windows does.
LONGEST = 255
#: Names of devices, with any extension.
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{device}{number}" for device in ("COM", "LPT") for number in "0123456789¹²³"}
)
_FORBIDDEN = frozenset('<>:"/\\|?*')
#: How programs name files they have not finished, and locks.
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".lck", ".lock")
_LOCKS = (".lck", ".lock")
#: Ending of an acknowledgement file.
ANSWER = ".ack"
_COUNTED = re.compile(r"(.*)\.(\d{1,6})", re.DOTALL)
_DELIVERY = "{delivery}"


def is_plain(name: str) -> bool:
    """Tell whether a name can only mean one ordinary, visible file of the folder it is used in.

    False for paths, `..`, hidden names, devices (CON, NUL …), alternate data streams, characters
    Windows does not have in names, trailing dots and blanks, and names that are too long.
    """
    return (
        bool(name)
        and name[0] != "."
        and name[-1] not in ". "
        and not any(one in _FORBIDDEN or one < " " or one == "\x7f" for one in name)
        and name.partition(".")[0].rstrip(" ").upper() not in _DEVICES
        and len(name.encode("utf-8", "surrogatepass")) <= LONGEST
    )


def is_unfinished(name: str) -> bool:
    """Tell whether a name says that its file is not ready, or no record at all."""
    folded = name.casefold()
    return folded.startswith("~") or folded.endswith((*_UNFINISHED, ANSWER))


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a name fits one of the patterns; upper and lower case are the same."""
    folded = name.casefold()
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)


def is_locked(name: str, present: frozenset[str]) -> bool:
    """Tell whether a lock for the file lies beside it; `present` are all names, folded."""
    folded = name.casefold()
    stem = folded.rpartition(".")[0] or folded
    return any(f"{base}{lock}" in present for base in (folded, stem) for lock in _LOCKS)


def basename(stated: str) -> str:
    """Return the plain name a record means by a path of its own system, or "" for none.

    `C:\\PVS\\BRIEF.PDF` and `/export/BRIEF.PDF` both mean BRIEF.PDF in the folder of the record.
    """
    name = PureWindowsPath(stated.strip()).name
    return name if is_plain(name) else ""


def counted(name: str) -> tuple[str, int, int] | None:
    """Take a counted name (`EDV1EKG1.001`) apart: stem, number, digits; None without a counter."""
    match = _COUNTED.fullmatch(name)
    return (match[1].casefold(), int(match[2]), len(match[2])) if match else None


def dated(name: str, stamp: str) -> str:
    """Make a name for an archive: the time first, the ending kept, never too long."""
    return f"{stamp}_{_last(name, LONGEST - len(stamp) - 1)}"


def beside(name: str, ending: str) -> str:
    """Make a name for a file that belongs to another one, never too long."""
    return f"{_last(name, LONGEST - len(ending))}{ending}"


def _last(name: str, room: int) -> str:
    """Return as much of the end of a name as has room, in bytes."""
    encoded = name.encode("utf-8", "surrogateescape")
    return name if len(encoded) <= room else encoded[-room:].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class Naming:
    """How files of one destination are named."""

    #: With a run of # for the counter, or {delivery}.
    text: str
    #: Digits of the counter; 0 without one.
    digits: int

    @classmethod
    def of(cls, text: str) -> Naming:
        """Read a naming rule; raises ValueError when it makes no plain names."""
        runs = re.findall("#+", text)
        if len(runs) > 1 or (runs and _DELIVERY in text):
            raise ValueError("one counter (###) or {delivery}, not both")
        made = cls(text, len(runs[0]) if runs else 0)
        if not is_plain(made.name(1, "X" * 20)) or is_unfinished(made.name(1, "X")):
            raise ValueError("a plain file name that Windows has, too")
        return made

    @property
    def highest(self) -> int:
        """The last number before the counter begins anew; 0 without a counter."""
        return int("9" * self.digits) if self.digits else 0

    @property
    def fixed(self) -> bool:
        """Every file has the same name."""
        return not self.digits and _DELIVERY not in self.text

    def name(self, number: int, delivery: str) -> str:
        """Write a name."""
        if self.digits:
            return self.text.replace("#" * self.digits, f"{number:0{self.digits}d}")
        return self.text.replace(_DELIVERY, delivery)

    def number(self, name: str) -> int:
        """Read the counter of a name; 0 when the name is not of this rule or has none."""
        match = self._pattern().fullmatch(name)
        return int(match[1]) if match and self.digits else 0

    def fits(self, name: str) -> bool:
        """Tell whether a name was written by this rule."""
        return self._pattern().fullmatch(name) is not None

    def _pattern(self) -> re.Pattern[str]:
        text = re.escape(self.text)
        text = re.sub(r"(\\#)+", rf"(\\d{{{self.digits}}})", text)
        return re.compile(text.replace(re.escape(_DELIVERY), r"[A-Za-z0-9]+"), re.IGNORECASE)
