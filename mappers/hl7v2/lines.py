"""Lines of a message that are no plain segments (HL7 v2.5 chapter 2.10.2).

ADD goes on where the segment before it was cut, in the middle of a field. DSC says that the message
itself goes on in another one. Segment names in lower case are read in upper case: the standard has
no others, and a name is never data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from profiles.issue import Issue

_ADD, _DSC = "ADD", "DSC"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2}")


def are_unusual(lines: Iterable[str]) -> bool:
    """Tell whether some line may be no plain segment; asked of every message, so cheap."""
    names = [line[:3] for line in lines]
    return _ADD in names or _DSC in names or not "".join(names).isupper()


def put_right(lines: Iterable[str], separator: str, issues: list[Issue]) -> list[str]:
    """Return the segments that are meant; `separator` is that of fields."""
    made: list[str] = []
    for stated in filter(str.strip, lines):
        line = _named(stated, separator, issues)
        name = line[:3]
        if name == _ADD and len(made) > 1:
            made[-1] += line[4:]
            continue
        if name == _DSC and line[4:].strip(separator):
            sentence = "the message goes on in another one: it is not whole"
            issues.append(Issue("warning", "incomplete", sentence, _DSC, "100"))
        made.append(line)
    return made


def _named(line: str, separator: str, issues: list[Issue]) -> str:
    name, rest = line.lstrip()[:3], line.lstrip()[3:]
    upper = name.upper()
    is_name = _NAME.fullmatch(name) is not None and rest[:1] in {"", separator}
    if upper == name or not is_name:
        return line
    issue = Issue("warning", "structure", "the name of a segment is in lower case", upper, "100")
    if issue not in issues:
        issues.append(issue)
    return upper + rest
