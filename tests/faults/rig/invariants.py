"""What must hold after every fault: the invariants I1 to I7 as checks over what is seen outside.

Each returns what is wrong, so that a failing test names it; an empty list is good.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from gateway.domain.delivery import NEEDS_PERSON, DeliveryState
from gateway.domain.message import MessageState
from rig.inside import Inside
from rig.partners import Acked


def lost(acked: Iterable[Acked], inside: Inside) -> list[str]:
    """I1: every acknowledged input is stored once, with an outcome people can see."""
    stored = Counter(one.control_id for one in inside.messages())
    wrong = [f"{one.control_id}: acknowledged, not stored" for one in acked
             if not stored[one.control_id]]  # fmt: skip
    wrong += [f"{name}: stored {n} times" for name, n in stored.items() if n > 1]
    return wrong + outcomes(inside)


def outcomes(inside: Inside) -> list[str]:
    """I1: a routed message has deliveries; what needs a person is in the work list."""
    wrong: list[str] = []
    deliveries = inside.deliveries()
    routed = {one.message_id for one in deliveries}
    listed = {(one.kind, one.number) for one in inside.worklist()}
    for message in inside.messages():
        if message.state is MessageState.ROUTED and message.number not in routed:
            wrong.append(f"message {message.number}: routed, but goes nowhere")
        if message.state is MessageState.QUARANTINED and ("message", message.number) not in listed:
            wrong.append(f"message {message.number}: quarantined, not in the work list")
    wrong += [
        f"delivery {one.id}: {one.state.value}, not in the work list"
        for one in deliveries
        if one.state in NEEDS_PERSON and ("delivery", one.id) not in listed
    ]
    twice = Counter((one.message_id, one.endpoint) for one in deliveries)
    return wrong + [f"{key}: {n} deliveries" for key, n in twice.items() if n > 1]


def disordered(journal: Iterable[dict[str, Any]]) -> list[str]:
    """I3: per patient the partner sees messages in the order they were made.

    Resends of the last one are ignored; an older one that comes after a newer one is an error.
    """
    wrong, last = [], defaultdict(str)
    for line in journal:
        if line["recorded"] < last[line["patient"]]:
            wrong.append(f"{line['patient']}: {line['recorded']} after {last[line['patient']]}")
        last[line["patient"]] = line["recorded"]
    return wrong


def unlike(journal: Iterable[dict[str, Any]]) -> list[str]:
    """I4: what comes again has the same control id and the same bytes."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    wrong = []
    for line in journal:
        key, identity = (line["patient"], line["recorded"]), (line["control_id"], line["sha256"])
        if seen.setdefault(key, identity) != identity:
            wrong.append(f"{key}: {seen[key]} and {identity}")
    return wrong


def missing(acked: Iterable[Acked], journal: Iterable[dict[str, Any]]) -> list[str]:
    """Every acknowledged message reached a partner that takes them all."""
    seen = {(line["patient"], line["recorded"]) for line in journal}
    return [f"{one.control_id}: never arrived" for one in acked
            if (one.patient, one.time) not in seen]  # fmt: skip


def undelivered(acked: Iterable[Acked], inside: Inside, endpoints: Iterable[str]) -> list[str]:
    """Every acknowledged message has a delivery to each endpoint, and it is delivered."""
    messages = {one.control_id: one for one in inside.messages()}
    found = {(one.message_id, one.endpoint): one for one in inside.deliveries()}
    wrong = []
    for one in acked:
        message = messages[one.control_id]
        for endpoint in endpoints:
            delivery = found.get((message.number, endpoint))
            if delivery is None:
                wrong.append(f"{one.control_id}: {message.state.value} {message.reason}")
            elif delivery.state is not DeliveryState.DELIVERED:
                wrong.append(f"{one.control_id}: {delivery.state.value} {delivery.reason}")
    return wrong


def duplicates(journal: Iterable[dict[str, Any]]) -> int:
    """How many of the messages a partner received it had before."""
    counts = Counter(line["control_id"] for line in journal)
    return sum(counts.values()) - len(counts)


def unproven(inside: Inside) -> list[str]:
    """I5: the audit log tells one story."""
    report = inside.verify()
    return [] if report.ok else [f"{one.rule}: {one.text}" for one in report.findings]


def undrained(inside: Inside) -> list[str]:
    """I7: nothing is under way any more except what waits for a person."""
    return [
        f"delivery {one.id} to {one.endpoint}: {one.state.value} {one.reason}"
        for one in inside.undone()
        if one.state is not DeliveryState.AMBIGUOUS
    ]
