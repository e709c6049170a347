"""kill -9 of the serving process at random moments under load, again and again.

One hospital sends without end and, like a real engine, sends again what was not answered. One
partner is declared idempotent, the other is not: there an operator, who looks into the partner's
own journal, decides about what the crash left ambiguous.
"""

from __future__ import annotations

import random
import time

import pytest
from rig import invariants
from rig.inside import eventually
from rig.region import Destination

ROUNDS = 25
LOAD = ("--vary", "--again", "--count", "200000", "--connections", "6", "--patients", "12",
        "--rate", "90", "--timeout", "10")  # fmt: skip


def decide(rig, journal):
    """Do what an operator does: look whether the partner has it, and say so; return how often."""
    ambiguous = [one for one in rig.inside.deliveries("genau") if one.state == "ambiguous"]
    has = {line["control_id"] for line in journal}
    for verdict, chosen in (
        ("delivered", [one.id for one in ambiguous if one.control_id in has]),
        ("send-again", [one.id for one in ambiguous if one.control_id not in has]),
    ):
        if chosen:
            rig.inside.resolve(chosen, verdict)
    return len(ambiguous)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_gateway_loses_nothing_and_keeps_every_patients_order(rig, record_property):
    again = rig.partner("mllp_sink", "oft")
    exact = rig.partner("mllp_sink", "genau")
    rig.serve(
        destinations=(
            Destination("oft", again.port, idempotent=True, timeout="5s"),
            Destination("genau", exact.port, idempotent=False, timeout="5s"),
        )
    )
    hospital = rig.hospital(*LOAD)
    chance = random.Random()
    ambiguous = 0
    for number in range(ROUNDS):
        time.sleep(chance.uniform(0.05, 1.2))
        (rig.gateway.kill_group if number % 3 == 2 else rig.gateway.kill)()
        acked = hospital.acked()
        assert not invariants.lost(acked, rig.inside)
        rig.gateway.start()
        assert not invariants.unproven(rig.inside)
        ambiguous += decide(rig, exact.received())
    time.sleep(1)
    summary = hospital.stop()
    acked = hospital.acked()

    # On PostgreSQL another process might be alive: what the dead one left waits for its lease.
    def drained():
        nonlocal ambiguous
        ambiguous += decide(rig, exact.received())
        return not rig.inside.undone()

    eventually(drained, "everything is delivered", 60)
    assert rig.gateway.stop() == 0
    again.stop()
    exact.stop()
    report = {
        "rounds": ROUNDS,
        "acked": len(acked),
        "resent_by_the_sender": summary["resent"],
        "ambiguous": ambiguous,
        "duplicates_idempotent": invariants.duplicates(again.received()),
        "duplicates_exact": invariants.duplicates(exact.received()),
        "restart_seconds": round(max(rig.gateway.starts[1:]), 2),
    }
    for name, value in report.items():
        record_property(name, value)
    print(report)  # noqa: T201 - shown with -s and when the test fails
    assert not invariants.lost(acked, rig.inside)
    assert not invariants.unproven(rig.inside)
    assert not invariants.undelivered(acked, rig.inside, ("oft", "genau"))
    for partner in (again, exact):
        journal = partner.received()
        assert not invariants.missing(acked, journal)
        assert not invariants.disordered(journal)
        assert not invariants.unlike(journal)
    assert report["duplicates_exact"] == 0
    assert set(summary["codes"]) == {"CA"}
