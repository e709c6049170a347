"""What returns from message to message, always in the same lines, is read once.

Systems, doctors, practices and payers: what their fields make is kept as entries of the sender's
directory, so that their finished form is kept as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from mappers.drafts import Stated
from mappers.trace import Text
from mappers.xdt.session import Session


class _Made(NamedTuple):
    """What some fields made by themselves."""

    entries: tuple[Stated, ...]
    echoes: list[Any]
    ignored: list[Any]
    issues: list[Any]
    result: Any


def recalled(
    session: Session, make: Callable[..., Any], leaves: tuple[Text | None, ...], *more: Any
) -> Any:
    """Do what `make` does of these leaves (and of what follows from them), or recall it.

    What the message has begun by another way is gone on with.
    """
    said = tuple([(leaf, leaf.source) if leaf is not None else None for leaf in leaves])
    made = _known((make, session.namespace, said, more), session, make, *leaves, *more)
    drafts = session.drafts
    for stated in made.entries:
        begun = drafts.get(stated.identity)
        if begun is not None and begun.entry is not stated:
            return make(session, *leaves, *more)
    return _stated(session, made)


def recalled_by(
    key: tuple[Any, ...], session: Session, make: Callable[..., Any], *arguments: Any
) -> Any:
    """Do what `make` does by itself, or recall it by a key that says all it depends on."""
    return _stated(session, _known(key, session, make, *arguments))


def _known(
    key: tuple[Any, ...], session: Session, make: Callable[..., Any], *arguments: Any
) -> _Made:
    memory = session.context.memory
    made: _Made | None = memory.kept.get(key)
    if made is None:
        made = _alone(session, make, *arguments)
        memory.offer(key, made)
    return made


def _stated(session: Session, made: _Made) -> Any:
    for stated in made.entries:
        session.state(stated)
    session.echoes += made.echoes
    session.ignored += made.ignored
    session.issues += made.issues
    return made.result


def _alone(session: Session, make: Callable[..., Any], *arguments: Any) -> _Made:
    """What is made by itself, whatever stood before it."""
    held = session.drafts, session.echoes, session.ignored, session.issues
    session.drafts, session.echoes, session.ignored, session.issues = {}, [], [], []
    try:
        result = make(session, *arguments)
        entries = tuple(
            Stated(
                draft.keys[0],
                draft.id,
                {k: v for k, v in draft.resource.items() if k not in ("resourceType", "id")},
                {},
            )
            for draft in session.drafts.values()
        )
        return _Made(entries, session.echoes, session.ignored, session.issues, result)
    finally:
        session.drafts, session.echoes, session.ignored, session.issues = held
