"""What laboratories and practices say of themselves in every file is read once.

An object that stands where it stood before, with the same lines, makes the same resources.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers.xdt.group import Group
from mappers.xdt.message import Message
from mappers.xdt.recalled import recalled_by
from mappers.xdt.session import Session


def remembered(
    session: Session, make: Callable[[Session, Group], Any], group: Group, begin: int = -1
) -> Any:
    """Do what `make` does of an object, or recall it; `begin`: the first of its lines."""
    message = session.message
    first = group.line if begin < 0 else begin
    lines = message.lines[first : _end_of(message, group)]
    key = (make, session.namespace, first, "\n".join(lines))
    return recalled_by(key, session, make, group)


def _end_of(message: Message, group: Group) -> int:
    """Line of the end of an object or record: it nests, so its end is the next of its name."""
    closing = ("8003" if group.name.startswith("Obj_") else "8001") + group.name
    lines = message.lines
    last = group
    while last.groups:
        last = last.groups[-1]
    for number in range(last.line, len(lines)):
        if lines[number][3:] == closing:
            return number
    return len(lines)
