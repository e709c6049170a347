"""Looking into messages, and processing them again; both leave an audit event."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.domain.message import Arrival
from gateway.evidence.parts import Party
from gateway.operations.desk import Desk
from gateway.pipeline.arrive import arrive
from gateway.pipeline.batch import record_batch
from gateway.pipeline.documents import load
from gateway.pipeline.message import Item
from gateway.pipeline.ports import Current, Transaction
from gateway.pipeline.translate import prepare, translate
from gateway.pipeline.translated import Job, Outcome, Translated, WorkerConfig
from gateway.store import browse, registry
from gateway.store.keys import Keys
from gateway.store.keys import load as load_keys
from gateway.store.replaying import reopen
from gateway.store.unit import unit_of
from mappers import recognise
from profiles.issue import NotConformant

#: Seconds to wait for a serving process to follow the registry.
_PATIENCE = 10.0
#: Elements that belong to the store or to the moment, not to the translation.
_OWN = frozenset({"meta"})


def open_(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Read the original bytes and the loss report: {"message": 17}."""
    number = _number(arguments)
    raw, report = _content(desk, number)
    desk.write(lambda tx: desk.record(tx, "open-message", [_party(number)]))
    return {
        "message": number,
        "raw": b64encode(raw).decode("ascii"),
        "report": load(report) if report else None,
    }


def replay(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Process a quarantined or unrouted message again: {"message": 17, "same_person": false}.

    With `same_person` somebody has made sure that it is about the persons its patient numbers name
    (`other-person`). Refused when some destination has it already: it would get it twice.
    """
    number, confirmed = _number(arguments), arguments.get("same_person") is True
    keys = _keys(desk)
    arrival = _arrival(desk, number, keys)
    translated = _translate(desk, arrival, keys)

    def job(tx: Transaction) -> dict[str, Any]:
        if tx.deliveries(message=number, limit=1):
            raise NotConformant(f"Message {number} has deliveries already; decide about those.")
        if number not in reopen(unit_of(tx), [number]):
            raise NotConformant(f"Message {number} is neither quarantined nor unrouted.")
        record_batch(tx, [Item(arrival, translated, number, confirmed)], desk.site())
        desk.record(tx, "replay-same-person" if confirmed else "replay", [_party(number)])
        present = browse.message(unit_of(tx).db, number)
        state, reason = (present.state.value, present.reason) if present else ("", "")
        return {"message": number, "state": state, "reason": reason}

    return desk.write(job)


def enter(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Take a message in as if it had come over its endpoint: {"endpoint", "data": base64}.

    For consents on paper. The same bytes again change nothing.
    """
    _await_registry(desk)
    endpoint = desk.site().region.endpoints.get(str(arguments.get("endpoint")))
    if endpoint is None or endpoint.direction != "in":
        raise NotConformant("There is no incoming endpoint of this name.")
    data = b64decode(str(arguments.get("data")))
    keys = _keys(desk)
    arrived = arrive(
        endpoint, data, format=recognise(data), digest=keys.digest, received_at=_now(desk)
    )
    if arrived.refusal is not None:
        raise arrived.refusal
    translated = _translate(desk, arrived.arrival, keys)

    def job(tx: Transaction) -> dict[str, Any]:
        (done,) = record_batch(tx, [Item(arrived.arrival, translated)], desk.site())
        if not done.duplicate:
            desk.record(tx, "enter", [_party(done.message)])
        return {
            "message": done.message,
            "outcome": done.outcome.value,
            "reason": done.reason,
            "known": done.duplicate,
        }

    return desk.write(job)


def diff(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a message anew and name the elements that differ from what is stored."""
    number = _number(arguments)
    keys = _keys(desk)
    translated = _translate(desk, _arrival(desk, number, keys), keys)

    def job(tx: Transaction) -> list[Current]:
        desk.record(tx, "diff", [_party(number)])
        return tx.contents([number]).get(number, [])

    stored = {(one.type, one.id): load(one.body) for one in desk.write(job)}
    fresh = {(one.type, one.id): load(one.body) for one in translated.statements if one.body}
    return {
        "message": number,
        "outcome": translated.outcome.value,
        "differences": list(_differences(stored, fresh, translated)),
    }


def _differences(
    stored: Mapping[tuple[str, str], Any],
    fresh: Mapping[tuple[str, str], Any],
    translated: Translated,
) -> Iterator[dict[str, Any]]:
    if translated.outcome is not Outcome.STORED:
        return
    for key in sorted({*stored, *fresh}):
        name = "/".join(key)
        if key not in stored:
            yield {"resource": name, "change": "added", "elements": []}
        elif key not in fresh:
            if key[0] != "Provenance":
                yield {"resource": name, "change": "removed", "elements": []}
        elif elements := sorted(_paths(stored[key], fresh[key], "")):
            yield {"resource": name, "change": "changed", "elements": elements}


def _paths(before: Any, after: Any, path: str) -> Iterator[str]:
    """Name the elements whose values differ, never the values."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after} - (_OWN if not path else frozenset())):
            yield from _paths(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _paths(one, other, f"{path}[{index}]")
    elif before != after:
        yield path


def _number(arguments: Mapping[str, Any]) -> int:
    number = arguments.get("message")
    if type(number) is not int:
        raise NotConformant("Name a message by its number.")
    return number


def _await_registry(desk: Desk) -> None:
    """A serving process takes a new registry over a moment after it was registered."""
    with desk.store.reader.view() as view:
        registered = registry.revision(view.db)
    until = time.monotonic() + _PATIENCE
    while desk.site().region.revision < registered and time.monotonic() < until:
        time.sleep(0.05)


def _now(desk: Desk) -> int:
    return desk.write(lambda tx: tx.now)


def _keys(desk: Desk) -> Keys:
    return load_keys(desk.settings.path(desk.settings.keys.folder))


def _content(desk: Desk, number: int) -> tuple[bytes, bytes]:
    with desk.store.reader.view() as view:
        if browse.message(view.db, number) is None:
            raise NotConformant(f"There is no message {number}.")
        report = browse.report(view.db, view.bodies, number)
    return desk.store.reader.raw(number), report


def _arrival(desk: Desk, number: int, keys: Keys) -> Arrival:
    raw, _ = _content(desk, number)
    if not raw:
        raise NotConformant(f"The bytes of message {number} are erased.")
    with desk.store.reader.view() as view:
        found = browse.message(view.db, number)
    if found is None or found.endpoint not in desk.site().region.endpoints:
        raise NotConformant(f"The endpoint of message {number} is not registered any more.")
    return Arrival(
        found.endpoint,
        found.organization,
        found.control_id,
        found.sender,
        found.format,
        raw,
        keys.digest(raw),
        found.received_at,
        found.processing_id,
    )


def _translate(desk: Desk, arrival: Arrival, keys: Keys) -> Translated:
    settings = desk.settings
    config = WorkerConfig(
        region=desk.site().region,
        region_key=keys.region,
        coder=keys.coder,
        namespace=settings.namespace,
        labels=settings.labels,
        packages=settings.packages,
        catalogues=settings.catalogues,
    )
    job = Job(
        0,
        arrival.endpoint,
        arrival.format,
        arrival.control_id,
        arrival.digest,
        arrival.received_at,
        arrival.data,
    )
    return translate(job, prepare(config))


def _party(number: int) -> Party:
    return Party(value=f"message/{number}")
