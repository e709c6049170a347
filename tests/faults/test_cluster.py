"""Several gateway processes on one PostgreSQL: what one of them loses another takes over."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from rig import invariants
from rig.inside import eventually
from rig.messages import admission
from rig.region import Destination
from rig.wire import ask, code

from gateway.pipeline.lease import LEAVE_WITHIN
from gateway.settings import load_settings
from gateway.store.postgres import conninfo

#: Makes each commit that puts a delivery on its way wait for an advisory lock of the test.
GATE = """
CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.state = 'inflight' THEN PERFORM pg_advisory_xact_lock(4711); END IF; RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER gate AFTER UPDATE ON delivery
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gate();
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@contextlib.contextmanager
def database(rig):
    """Connect to the rig's database beside the gateway."""
    url = conninfo(load_settings(rig.folder).store_url)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def freeze_before_sending(rig):
    """Freeze the gateway between its claim's commit and the first byte it would send."""
    with database(rig) as connection:
        connection.execute(GATE)
        connection.execute("SELECT pg_advisory_lock(4711)")
        assert code(ask(rig.region, admission("ZOMBIE", "77001"))) == "CA"
        eventually(lambda: connection.execute(WAITING).fetchone()[0], "the claim commits")
        rig.gateway.freeze()
        frozen = time.monotonic()
    eventually(lambda: rig.inside.states() == {"inflight": 2}, "the claim has committed")
    with database(rig) as connection:
        # The lease runs out: half a minute that nobody has to wait here.
        connection.execute("UPDATE lane SET lease_until = 1 WHERE lease_until > 0")
    return frozen


@pytest.mark.slow
@pytest.mark.postgres
def test_a_process_that_stood_still_does_not_send_what_another_one_took_over(postgres_rig):
    rig = postgres_rig
    again, exact = rig.partner("mllp_sink", "oft"), rig.partner("mllp_sink", "genau")
    rig.serve(
        destinations=(
            Destination("oft", again.port, idempotent=True, timeout="1s"),
            Destination("genau", exact.port, idempotent=False, timeout="1s"),
        )
    )
    second, inside = rig.second()
    frozen = freeze_before_sending(rig)
    second.start()
    eventually(lambda: inside.states("oft") == {"delivered": 1}, "the other one takes over", 60)
    (unsure,) = inside.deliveries("genau")
    assert (unsure.state, unsure.reason) == ("ambiguous", "interrupted")
    assert not exact.received()
    inside.resolve([unsure.id], "send-again")
    eventually(lambda: inside.states("genau") == {"delivered": 1}, "the person decided")
    # Longer than a claim may wait before it leaves.
    time.sleep(max(0.0, frozen + LEAVE_WITHIN + 1 - time.monotonic()))
    rig.gateway.thaw()
    # It works again, for whatever is its own.
    assert code(ask(rig.region, admission("AWAKE", "77002"))) == "CA"
    eventually(lambda: not inside.undone(), "everything is delivered")
    assert "lease_lost" in rig.gateway.log.read_text()
    assert rig.gateway.stop() == 0
    assert second.stop() == 0
    for partner in (again, exact):
        partner.stop()
        assert [line["patient"] for line in partner.received()] == ["77001", "77002"]
    assert inside.states() == {"delivered": 4}
    assert not invariants.unproven(inside)


@pytest.mark.slow
@pytest.mark.postgres
def test_a_group_stores_racing_copies_once_and_ends_in_order_under_load(postgres_rig):
    rig = postgres_rig
    sink = rig.partner("mllp_sink", "ziel")
    rig.serve(
        with_options=("--processes", "2"),
        destinations=(Destination("ziel", sink.port, idempotent=False),),
    )
    rounds = 12
    with ThreadPoolExecutor(5) as senders:
        for number in range(rounds):
            same = admission(f"FIVE{number}", f"77{number:03d}")
            answers = set(senders.map(lambda _, one=same: ask(rig.region, one), range(5)))
            assert len(answers) == 1
            assert code(answers.pop()) == "CA"
    assert len(rig.inside.messages()) == rounds
    eventually(lambda: not rig.inside.undone(), "everything is delivered")
    assert not invariants.outcomes(rig.inside)
    assert not invariants.unproven(rig.inside)
    eventually(lambda: len(sink.received()) == rounds, "each came once")
    hospital = rig.hospital("--vary", "--again", "--count", "100000", "--connections", "6",
        "--patients", "16", "--rate", "80",
    )  # fmt: skip
    hospital.flow(30)
    # Told again and again, as impatient supervisors do.
    while rig.gateway.members("multiprocessing.spawn"):
        rig.gateway.process.terminate()
        time.sleep(0.02)
    assert rig.gateway.wait_dead() == 0
    assert not {"ambiguous", "inflight", "claimed"} & set(rig.inside.states())
    assert not invariants.lost(hospital.acked(), rig.inside)
