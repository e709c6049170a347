"""Normal values 0042 → referenceRange and interpretation (8422)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappers.trace import Text, derived, merged, text
from mappers.xdt.datatypes import clean, number, unit
from mappers.xdt.group import Group
from mappers.xdt.ldt.objects import only, parts, words
from mappers.xdt.ldt.values import concept
from mappers.xdt.session import Session

_LIMITS = {"8461": "low", "8462": "high"}
_ALARMS = {"7363": "low", "7371": "high"}
_LISTS = ("8460", "7316", "7317")


def normal_value(session: Session, group: Group) -> list[dict[str, Any]]:
    """One object → the range of normal values and, where stated, that of alarm values."""
    made: dict[str, Any] = {}
    loose = _limits(session, group, _LIMITS, made)
    said = [*loose, *(leaf for fk in _LISTS for leaf in group.all(fk))]
    note = words(session, only(parts(session, group), "8167"))
    if note is not None:
        said.append(note)  # type: ignore[arg-type]  # traced like the others
    if said:
        made["text"] = derived("\n".join(map(str.strip, said)), *said)
    kind = group.first("8424")
    if kind is not None:
        made["type"] = concept(session, "8424", kind)
        if len(made) == 1:
            made["text"] = str(made["type"]["coding"][0].get("display", kind))
    alarm = _alarm(session, group) if group.has(*_ALARMS) else {}
    return [one for one in (made, alarm) if one]


def _alarm(session: Session, group: Group) -> dict[str, Any]:
    """7363 and 7371: a range of its own, told by its type."""
    made: dict[str, Any] = {}
    loose = _limits(session, group, _ALARMS, made)
    if loose:
        made["text"] = derived("\n".join(map(str.strip, loose)), *loose)
    return {**made, "type": {"text": "Alarmwert"}}


def _limits(
    session: Session, group: Group, limits: Mapping[str, str], made: dict[str, Any]
) -> list[Text]:
    """Limits with the units behind them; returns those that are no numbers, in words."""
    loose: list[Text] = []
    side = ""
    is_word = False
    for fk, leaf in group.entries:
        if fk in limits:
            side, is_word = limits[fk], False
            told = len(session.issues)
            value = number(session, leaf) if leaf else None
            if value is not None:
                made[side] = {"value": value}
                continue
            del session.issues[told:]
            loose.append(leaf)
            side, is_word = "", True
        elif fk == "8421" and side:
            made[side].update(unit(session, leaf))
        elif fk == "8421" and is_word:
            words = f"{loose[-1].strip()} {leaf.strip()}"
            loose[-1] = text(words, merged(loose[-1], leaf))
        elif fk != "8419":
            side, is_word = "", False
    return loose


def interpretation(session: Session, leaf: Text) -> dict[str, Any]:
    """8422 → CodeableConcept, the sign itself beside the code."""
    known = session.lookup("limit", leaf, "8422")
    made: dict[str, Any] = {"text": clean(leaf)}
    if known is None:
        session.unknown(leaf)
        return made
    coding = {"system": known.system, "code": text(known.code, leaf.source)}
    return {"coding": [{**coding, "display": known.display}], **made}
