"""The database fails under the gateway: no acknowledgement meanwhile, nothing acknowledged lost.

PostgreSQL killed, read-only, locked, and without a free connection; what SQLite's disk does is in
test_resources.py.
"""

from __future__ import annotations

import contextlib

import psycopg
import pytest
from rig import invariants
from rig.inside import eventually
from rig.messages import admission
from rig.partners import Acked
from rig.region import Destination
from rig.wire import Line, ask, code

pytestmark = pytest.mark.postgres

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = %s"


@pytest.mark.slow
def test_a_killed_database_is_waited_for_and_nothing_acknowledged_is_lost(server_rig, server):
    rig = server_rig
    sink = rig.partner("mllp_sink", "ziel")
    rig.serve(destinations=(Destination("ziel", sink.port, idempotent=False, timeout="1s"),))
    hospital = rig.hospital("--vary", "--again", "--count", "100000", "--connections", "6",
        "--patients", "12", "--rate", "60", "--timeout", "5",
    )  # fmt: skip
    for _ in range(2):
        hospital.flow(20)
        server.kill()
        # What was committed before is still answered, and then nothing more.
        hospital.fall_silent()
        assert rig.gateway.running
        server.start()
    hospital.flow(20)
    hospital.stop()

    def drained():
        # Whether a claim was committed when the database died may be unknown: then a person looks.
        has = {line["control_id"] for line in sink.received()}
        for one in rig.inside.deliveries():
            if one.state == "ambiguous":
                done = one.control_id in has
                rig.inside.resolve([one.id], "delivered" if done else "send-again")
        return not rig.inside.undone()

    eventually(drained, "everything is delivered", 60)
    assert rig.gateway.stop() == 0
    sink.stop()
    acked = hospital.acked()
    assert not invariants.lost(acked, rig.inside)
    assert not invariants.missing(acked, sink.received())
    assert not invariants.disordered(sink.received())
    assert invariants.duplicates(sink.received()) == 0
    assert not invariants.unproven(rig.inside)


@contextlib.contextmanager
def read_only(server, database):
    """What a failover to a standby looks like."""
    set_to = "ALTER SYSTEM SET default_transaction_read_only = {}"
    server.execute(set_to.format("on"), "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        writable = "SET default_transaction_read_only = off"
        server.execute(writable, set_to.format("off"), "SELECT pg_reload_conf()")


@contextlib.contextmanager
def locked(server, database):
    """Somebody holds the hottest table."""
    with psycopg.connect(server.conninfo(database)) as holder:
        holder.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
        yield


@contextlib.contextmanager
def without_connections(server, database):
    """All connections are taken, the gateway's own are lost."""
    with contextlib.ExitStack() as closing:
        held = [closing.enter_context(server.connect())]
        ours: list[int] = []
        while not ours:
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    held.append(closing.enter_context(server.connect()))
            gateways = held[0].execute(BACKENDS, (database,)).fetchall()
            for (pid,) in gateways:
                held[0].execute("SELECT pg_terminate_backend(%s, 1000)", (pid,))
            ours = [] if gateways else [1]
        yield


@pytest.mark.slow
def test_a_database_that_cannot_write_gives_no_acknowledgement(server_rig, server):
    rig = server_rig
    sink = rig.partner("mllp_sink", "ziel")
    rig.serve(destinations=(Destination("ziel", sink.port, idempotent=True, timeout="1s"),))
    acked = []
    for minute, fault in enumerate((read_only, locked, without_connections)):
        message = admission(fault.__name__, minute=minute)
        with fault(server, rig.database):
            for _ in range(2):
                with contextlib.suppress(TimeoutError), Line(rig.region, timeout=1) as line:
                    assert line.ask(message) is None
            assert rig.gateway.running
            if fault is locked:  # what waits for a lock does not hold up a stop
                assert rig.gateway.stop() == 0
        if not rig.gateway.running:
            rig.gateway.start()
        eventually(lambda m=message: code(ask(rig.region, m)) == "CA", "the gateway stores again")
        acked.append(Acked(fault.__name__, "", ""))
    eventually(lambda: not rig.inside.undone(), "everything is delivered", 60)
    assert not invariants.lost(acked, rig.inside)
    assert len(rig.inside.messages()) == len(acked)
    eventually(lambda: not rig.inside.unnumbered(), "the audit log goes on")
    assert not invariants.unproven(rig.inside)
    assert rig.gateway.stop() == 0
