"""A desk over a real store, with deliveries to decide about."""

from __future__ import annotations

import pytest

from gateway.domain.delivery import DeliveryState
from gateway.domain.message import Arrival, MessageState
from gateway.domain.region import Endpoint, Organization, Region
from gateway.endpoints import format_of
from gateway.evidence.parts import Party
from gateway.operations.desk import Desk
from gateway.pipeline.ports import MessageRow, NewDelivery, Settled
from gateway.pipeline.site import Site
from gateway.settings import Settings


@pytest.fixture
def region():
    return Region(
        organizations={
            "klinikum": Organization(id="klinikum", name="Klinikum", kind="hospital"),
            "praxis": Organization(id="praxis", name="Praxis", kind="practice"),
        },
        endpoints={
            "adt": Endpoint(
                id="adt",
                organization="klinikum",
                connection_type="hl7v2-mllp",
                direction="in",
                listen="127.0.0.1:2575",
            ),
            "praxis": Endpoint(
                id="praxis",
                organization="praxis",
                connection_type="hl7-fhir-rest",
                direction="out",
                address="http://127.0.0.1:1/fhir",
                idempotent=True,
            ),
        },
    )


@pytest.fixture
def desk(store, region, keys):
    site = Site.of(
        region,
        namespace="https://gw.example/sid",
        coder=keys.coder,
        observer=Party(reference="Device/gateway"),
        build="test",
        format_of=format_of,
    )
    return Desk(
        settings=Settings(), store=store, site=lambda: site, by="os-user:anna", changed=lambda: None
    )


@pytest.fixture
def deliver(store, keys):
    """Make one delivery for each state named; return their numbers."""

    def make(*states: DeliveryState):
        return [
            store.writer.submit(lambda tx, s=state: _one(tx, keys, s)).result(60)
            for state in states
        ]

    return make


#: States a delivery starts in by itself; the others are reached from a queued one.
_FIRST = {DeliveryState.WAITING_FOR_CONSENT, DeliveryState.HELD, DeliveryState.QUEUED}


def _one(tx, keys, state):
    (number,) = tx.reserve("message", 1)
    (subject,) = tx.reserve("subject", 1)
    tx.add_subjects([subject], tx.now)
    data = f"message {number}".encode()
    arrival = Arrival(
        "adt", "klinikum", f"C{number}", "KIS|K", "hl7v2", data, keys.digest(data), tx.now
    )
    tx.add_messages([MessageRow(number, arrival, MessageState.ROUTED, subject=subject)])
    first = state if state in _FIRST else DeliveryState.QUEUED
    new = NewDelivery(
        message_id=number,
        endpoint="praxis",
        route="r",
        organization="praxis",
        patient=number,
        lanes=(number,),
        subject=subject,
        state=first,
        reason="",
        control_id=f"G{number}",
        expires_at=tx.now,
        decision=b"{}",
        retain_until=tx.now,
    )
    (delivery,) = tx.add_deliveries([new])
    if state is not first:
        _reach(tx, delivery, state)
    return delivery


def _reach(tx, number, state):
    claimed = tx.claim({"praxis": 100}, lease_until=tx.now + 10**9)
    mine = next(one for one in claimed if one.id == number)
    if state is DeliveryState.CLAIMED:
        return
    tx.begin([(mine, b"bytes", b"{}")])
    if state is not DeliveryState.INFLIGHT:
        later = tx.now + 10**12
        tx.settle([Settled(number, mine.fence, state, "test", later, attempt=1)])
