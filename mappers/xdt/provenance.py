"""Headers → Provenance of the translation: which record, when, from which system, for whom."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from mappers.base import Key
from mappers.identity import logical_id, mint
from mappers.provenance import (
    ASSEMBLER,
    MAPPING,
    NOBODY,
    agent_type,
    digest_entity,
    receiver,
    set_recorded,
)
from mappers.trace import Text, derived
from mappers.xdt.group import Group
from mappers.xdt.message import Message
from mappers.xdt.recalled import recalled
from mappers.xdt.records import kinds
from mappers.xdt.session import Session

#: 8315 receiver, 8316 sender, 0102 maker, 0103 product and 0132 release of its software.
_RECEIVER, _SENDER = "8315", "8316"
_SOFTWARE = ("0102", "0103", "0132")
_CREATED = "9103"
#: Objects that say who sent.
_HEADS = frozenset({"Obj_Kopfdaten", "Obj_0032", "Obj_0033", "Obj_0051"})
_VERSIONS = ("9218", "0001", "9212", "9213", "2900", "9210", "9211")
_WANTED = frozenset([_RECEIVER, _SENDER, *_SOFTWARE, _CREATED, *_VERSIONS])

#: Feldkennung → what headers and records say in it, objects that head them included.
Said = dict[str, list[Text]]


def said_of_itself(message: Message) -> Said:
    """What a message says of itself: who made it, when, in which version."""
    found: Said = {}
    for record in message.records:
        for group in _heads(record):
            fields = group.fields
            for fk in _WANTED & fields.keys():
                found[fk] = [*found[fk], *fields[fk]] if fk in found else fields[fk]
    return found


def provenance(session: Session, message: Message, said: Said, data: bytes) -> dict[str, Any]:
    """Provenance without targets."""
    digest = hashlib.sha256(data).hexdigest()
    identity = mint(session.context.region_key, "Provenance", session.namespace, digest)
    made: dict[str, Any] = {"resourceType": "Provenance", "id": identity, "target": []}
    set_recorded(made, session.recorded)
    made["policy"] = [MAPPING]
    made["activity"] = {"text": _activity(session, message)}
    sender = session.sender
    author = session.author or sender or NOBODY
    made["agent"] = [{"type": agent_type("author"), "who": author}, ASSEMBLER]
    made["agent"] += [receiver(who) for who in _receivers(session, said)]
    entity = digest_entity(digest)
    versions = [found for fk in _VERSIONS for found in said.get(fk, ())]
    if versions:
        shown = f"{session.member.name} {session.member.version}"
        entity["what"]["display"] = derived(shown, *versions)
    made["entity"] = [entity]
    if sender is not None:
        made["entity"].append({"role": "source", "what": sender})
    return made


def _heads(record: Group) -> Iterator[Group]:
    """The record itself and the objects that say who sent it."""
    yield record
    for group in record.groups:
        if group.name in _HEADS:
            yield group
            yield from (inner for inner in group.groups if inner.name in _HEADS)


def _activity(session: Session, message: Message) -> str:
    said = [record.first("8000") for record in message.records]
    satzart = session.member.satzart
    name = kinds()[satzart].name if satzart in kinds() else ""
    return derived(f"{session.member.message_type} {name}".strip(), *said)


def created(session: Session, said: Said) -> str | None:
    """9103: the day the file was made; keeps it as what the message is ordered by."""
    found = said.get(_CREATED)
    if not found:
        return None
    made = session.instant_of(found[0])
    session.echoes += found[1:]
    return made


def system(session: Session, said: Said) -> dict[str, Any] | None:
    """The system that sent: its id in the exchange of files, and its software."""
    leaves = tuple([said[fk][0] if fk in said else None for fk in (_SENDER, *_SOFTWARE)])
    found: dict[str, Any] | None = recalled(session, _system, leaves)
    return {**found} if found is not None else None


def _system(
    session: Session,
    number: Text | None,
    maker: Text | None,
    product: Text | None,
    release: Text | None,
) -> dict[str, Any] | None:
    said = [part for part in (number, maker, product, release) if part is not None]
    if not said:
        return None
    draft = device(session, number, derived(" ".join(p for p in said if p is not number), *said))
    if maker is not None:
        session.say(draft, "manufacturer", maker)
    if product is not None:
        session.append(draft, "deviceName", {"name": product, "type": "manufacturer-name"})
    if release is not None:
        session.append(draft, "version", {"value": release})
    shown = product or number or maker or release
    reference: dict[str, Any] = {"reference": f"Device/{draft.id}"}
    return {**reference, "display": shown} if shown is not None else reference


def device(session: Session, number: Text | None, name: str) -> Any:
    """The Device of a system by its id in the exchange of files, else by its software."""
    if number is not None:
        identifier = {"system": f"{session.namespace}/device", "value": number.strip()}
        value: str = derived(number.strip(), number)
    else:
        identifier = {"system": f"{session.namespace}/software", "value": name}
        value = name
    identifier["value"] = value
    key = Key("Device", identifier["system"], str(value))
    identity = logical_id(session.context.region_key, key)
    draft = session.draft("Device", key, subject=False, identity=identity)
    session.append(draft, "identifier", identifier)
    return draft


def _receivers(session: Session, said: Said) -> Iterator[dict[str, Any]]:
    """8315: the system the record is for."""
    for number in said.get(_RECEIVER, ()):
        yield {**recalled(session, _receiver, (number,))}


def _receiver(session: Session, number: Text) -> dict[str, Any]:
    draft = device(session, number, number)
    return {"reference": f"Device/{draft.id}", "display": number}
