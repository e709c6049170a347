"""What laboratories and practices say of themselves in every file is read once.

An object that stands where it stood before, with the same lines, makes the same resources; they
are kept as entries of the sender's directory, so that their finished form is kept as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers.drafts import Stated
from mappers.xdt.group import Group
from mappers.xdt.message import Message
from mappers.xdt.session import Session

#: What one object made: entries, echoes, what was ignored, issues, the result.
_Made = tuple[tuple[Stated, ...], list[Any], list[Any], list[Any], Any]


def remembered(
    session: Session, make: Callable[[Session, Group], Any], group: Group, begin: int = -1
) -> Any:
    """Do what `make` does of an object, or recall it; `begin`: the first of its lines."""
    message = session.message
    first = group.line if begin < 0 else begin
    lines = message.lines[first : _end_of(message, group)]
    key = (make, session.namespace, first, "\n".join(lines))
    memory = session.context.memory
    made: _Made | None = memory.kept.get(key)
    if made is None:
        made = _alone(session, make, group)
        memory.offer(key, made)
    entries, echoes, ignored, issues, result = made
    for stated in entries:
        session.state(stated)
    session.echoes += echoes
    session.ignored += ignored
    session.issues += issues
    return result


def _alone(session: Session, make: Callable[[Session, Group], Any], group: Group) -> _Made:
    """What an object makes by itself, whatever stood before it."""
    held = session.drafts, session.echoes, session.ignored, session.issues
    session.drafts, session.echoes, session.ignored, session.issues = {}, [], [], []
    try:
        result = make(session, group)
        entries = tuple(
            Stated(
                draft.keys[0],
                draft.id,
                {k: v for k, v in draft.resource.items() if k not in ("resourceType", "id")},
                {},
            )
            for draft in session.drafts.values()
        )
        return entries, session.echoes, session.ignored, session.issues, result
    finally:
        session.drafts, session.echoes, session.ignored, session.issues = held


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
