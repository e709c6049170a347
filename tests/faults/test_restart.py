"""Stopped, killed and started again while a partner owes an answer."""

from __future__ import annotations

import time

import pytest
from rig import invariants
from rig.inside import eventually
from rig.messages import admission
from rig.region import Destination
from rig.wire import ask, code


def kill_while_the_partner_is_silent(rig, *, idempotent):
    """Send to a partner that takes the first message and says nothing; kill; start again."""
    sink = rig.partner("mllp_sink", "ziel", "--mode", "silent", "--first", "1")
    rig.serve(destinations=(Destination("ziel", sink.port, idempotent=idempotent, timeout="5s"),))
    assert code(ask(rig.region, admission("FIRST", "77001", 1))) == "CA"
    assert code(ask(rig.region, admission("SECOND", "77001", 2))) == "CA"
    eventually(sink.received, "the partner has the bytes")
    rig.gateway.kill()
    rig.gateway.start()
    assert code(ask(rig.region, admission("OTHER", "77002", 3))) == "CA"
    return sink


def test_what_an_exact_partner_may_have_is_ambiguous_and_holds_only_its_patient(rig):
    sink = kill_while_the_partner_is_silent(rig, idempotent=False)
    eventually(lambda: "ambiguous" in rig.inside.states(), "the lease is over")
    eventually(lambda: rig.inside.states()["delivered"] == 1, "the other patient's is delivered")
    assert rig.inside.states() == {"ambiguous": 1, "queued": 1, "delivered": 1}
    eventually(
        lambda: [line["patient"] for line in sink.received()] == ["77001", "77002"], "only these"
    )
    (unsure,) = [one for one in rig.inside.worklist() if one.state == "ambiguous"]
    rig.inside.resolve([unsure.number], "send-again")
    eventually(lambda: not rig.inside.undone(), "everything is delivered")
    sink.stop()
    assert not invariants.unlike(sink.received())
    assert not invariants.disordered(sink.received())
    assert invariants.duplicates(sink.received()) == 1


def test_an_idempotent_partner_gets_the_same_bytes_again_after_a_crash(rig):
    sink = kill_while_the_partner_is_silent(rig, idempotent=True)
    eventually(lambda: not rig.inside.undone(), "everything is delivered", 60)
    sink.stop()
    assert invariants.duplicates(sink.received()) == 1
    assert not invariants.unlike(sink.received())
    assert not invariants.disordered(sink.received())
    assert [line["recorded"][-4:-2] for line in sink.received() if line["patient"] == "77001"] == [
        "01", "01", "02",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_stop_under_load_is_clean_and_loses_nothing(rig):
    sink = rig.partner("mllp_sink", "ziel", "--mode", "slow", "--delay", "0.05")
    rig.serve(destinations=(Destination("ziel", sink.port, idempotent=False),))
    hospital = rig.hospital("--vary", "--again", "--count", "100000", "--connections", "8",
        "--patients", "16", "--rate", "150",
    )  # fmt: skip
    for _ in range(3):
        hospital.flow(60)
        assert rig.gateway.stop() == 0
        # Clean: what was on the wire was waited for.
        assert not {"ambiguous", "inflight", "claimed"} & set(rig.inside.states())
        assert not invariants.lost(hospital.acked(), rig.inside)
        rig.gateway.start()
    hospital.stop()
    eventually(lambda: not rig.inside.undone(), "everything is delivered", 90)
    assert rig.gateway.stop() == 0
    sink.stop()
    assert not invariants.missing(hospital.acked(), sink.received())
    assert not invariants.disordered(sink.received())
    assert invariants.duplicates(sink.received()) == 0
    assert not invariants.unproven(rig.inside)


def test_a_second_gateway_on_the_same_file_is_refused_with_one_sentence(sqlite_rig):
    rig = sqlite_rig
    rig.serve()
    done = rig.region.command("serve", "--config", str(rig.folder), expect=1)
    assert done.stdout == ""
    (sentence,) = done.stderr.strip().splitlines()
    assert "another gateway process owns this" in sentence
    assert code(ask(rig.region, admission("STILL"))) == "CA"


def test_commands_that_look_beside_a_serving_gateway_do_not_disturb_it(sqlite_rig):
    """Closing a file drops a process's locks on it; the log's index must keep its size."""
    rig = sqlite_rig
    rig.serve()
    index = rig.folder / "gateway.db-shm"
    for number in range(20):
        assert code(ask(rig.region, admission(f"LOOK{number}", minute=number))) == "CA"
        assert len(rig.inside.messages()) == number + 1
        assert index.stat().st_size >= 32_768
    assert rig.gateway.stop() == 0


def test_the_crash_of_a_gateway_that_acknowledges_on_receipt_loses_nothing(rig):
    sink = rig.partner("mllp_sink", "ziel")
    rig.serve(
        acknowledge="on_receipt",
        destinations=(Destination("ziel", sink.port, idempotent=True, timeout="5s"),),
    )
    hospital = rig.hospital("--vary", "--again", "--count", "300", "--connections", "6",
        "--patients", "15", "--rate", "120",
    )  # fmt: skip
    for _ in range(3):
        time.sleep(0.6)
        rig.gateway.kill()
        assert not invariants.lost(hospital.acked(), rig.inside)
        rig.gateway.start()
    assert hospital.finish()["accepted"] == 300
    eventually(lambda: rig.inside.messages()[-1].state != "received", "everything is processed")
    eventually(lambda: not rig.inside.undone(), "everything is delivered", 60)
    assert rig.gateway.stop() == 0
    sink.stop()
    assert not invariants.lost(hospital.acked(), rig.inside)
    assert not invariants.missing(hospital.acked(), sink.received())
    assert not invariants.disordered(sink.received())
    assert not invariants.unlike(sink.received())
