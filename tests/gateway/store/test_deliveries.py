"""Deliveries: lanes, claims, fences, transitions, recovery."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.delivery import ENDED, DeliveryState
from gateway.domain.time import DAY, SECOND
from gateway.pipeline.ports import NewDelivery, Settled
from gateway.store import open_store

S = DeliveryState
UNTIL = 30_000 * DAY


def run(store, job):
    return store.writer.submit(job).result(60)


def new(lanes=(1,), endpoint="praxis", state=S.QUEUED, **overrides):
    fields = {
        "message_id": 1,
        "route": "letters",
        "organization": "praxis",
        "patient": lanes[0],
        "subject": 0,
        "reason": "",
        "control_id": "c1",
        "expires_at": UNTIL,
        "decision": b'{"outcome":"permit"}',
        "retain_until": UNTIL,
    }
    return NewDelivery(endpoint=endpoint, lanes=lanes, state=state, **(fields | overrides))


def claim(store, count=10, endpoint="praxis"):
    return run(store, lambda tx: tx.claim({endpoint: count}, lease_until=tx.now + 60 * SECOND))


def settle(store, delivery, state, **overrides):
    row = Settled(delivery.id, delivery.fence, state, "test", **overrides)
    return run(store, lambda tx: tx.settle([row]))


def begin(store, delivery, payload=b"MSH|out"):
    return run(store, lambda tx: tx.begin([(delivery, payload, b'{"outcome":"permit"}')]))


def states(store):
    return {d.id: d.state for d in run(store, lambda tx: tx.deliveries())}


def test_only_the_head_of_a_lane_is_claimed_and_the_next_follows_its_end(store):
    one, two, other = run(store, lambda tx: tx.add_deliveries([new(), new(), new(lanes=(2,))]))
    first = claim(store)
    assert sorted(d.id for d in first) == [one, other]
    assert all(d.state is S.CLAIMED and d.fence == 1 for d in first)
    assert claim(store) == []
    head = next(d for d in first if d.id == one)
    assert begin(store, head) == []
    assert settle(store, head, S.DELIVERED, answer=b"AA", attempt=1, started_at=1) == []
    assert [d.id for d in claim(store)] == [two]


def test_lanes_of_other_destinations_do_not_wait(store):
    run(store, lambda tx: tx.add_deliveries([new(), new(endpoint="labor")]))
    assert len(claim(store)) == 1
    assert len(claim(store, endpoint="labor")) == 1


@pytest.mark.parametrize("state", [S.WAITING_FOR_CONSENT, S.HELD])
def test_what_waits_holds_its_lane(store, state):
    run(store, lambda tx: tx.add_deliveries([new(state=state), new()]))
    assert claim(store) == []
    (waiting,) = run(store, lambda tx: tx.deliveries(state=state))
    assert settle(store, waiting, S.QUEUED) == []
    assert [d.id for d in claim(store)] == [waiting.id]


def test_what_is_denied_from_the_start_holds_nothing_up(store):
    denied, after = run(
        store, lambda tx: tx.add_deliveries([new(state=S.CANCELLED_BY_CONSENT), new()])
    )
    assert [d.id for d in claim(store)] == [after]
    assert states(store)[denied] == S.CANCELLED_BY_CONSENT


def test_a_transition_keeps_the_decision_that_made_it(store):
    (queued,) = run(store, lambda tx: tx.add_deliveries([new()]))
    (head,) = run(store, lambda tx: tx.deliveries(numbers=[queued]))
    settle(store, head, S.CANCELLED_BY_CONSENT, decision=b'{"outcome":"deny"}')
    assert store.reader.decision(queued) == b'{"outcome":"deny"}'


def test_an_ambiguous_delivery_holds_its_lane_until_a_person_decides(store):
    _, second = run(store, lambda tx: tx.add_deliveries([new(), new()]))
    (head,) = claim(store)
    begin(store, head)
    settle(store, head, S.AMBIGUOUS)
    assert claim(store) == []
    settle(store, head, S.DELIVERED)
    assert [d.id for d in claim(store)] == [second]


def test_a_retry_is_claimed_when_its_time_has_come(store, clock, store_url):
    if not store_url.startswith("sqlite"):
        pytest.skip("PostgreSQL goes by the database's clock")
    run(store, lambda tx: tx.add_deliveries([new()]))
    (head,) = claim(store)
    begin(store, head)
    settle(store, head, S.RETRY, next_at=clock() + 5 * SECOND, attempt=1)
    assert claim(store) == []
    clock.advance(6 * SECOND)
    (again,) = claim(store)
    assert (again.attempts, again.fence) == (1, 2)


def test_a_resend_repeats_the_stored_bytes(store):
    (number,) = run(store, lambda tx: tx.add_deliveries([new()]))
    (head,) = claim(store)
    begin(store, head, b"first bytes")
    settle(store, head, S.RETRY, attempt=1)
    (again,) = claim(store)
    assert run(store, lambda tx: tx.outgoing([number])) == {number: b"first bytes"}
    begin(store, again, b"other bytes")
    assert run(store, lambda tx: tx.outgoing([number])) == {number: b"first bytes"}


def test_a_delivery_of_two_patients_waits_until_it_heads_both_lanes(store):
    def job(tx):
        return tx.add_deliveries([new(lanes=(1,)), new(lanes=(1, 2)), new(lanes=(2,))])

    single, both, later = run(store, job)
    (head,) = claim(store)
    assert head.id == single
    begin(store, head)
    settle(store, head, S.DELIVERED)
    (head,) = claim(store)
    assert (head.id, head.patients) == (both, (1, 2))
    begin(store, head)
    settle(store, head, S.DELIVERED)
    assert [d.id for d in claim(store)] == [later]


def test_an_older_fence_is_refused(store):
    run(store, lambda tx: tx.add_deliveries([new()]))
    (zombie,) = claim(store)
    assert run(store, lambda tx: tx.recover(tx.now + 120 * SECOND)) == []
    (head,) = claim(store)
    assert begin(store, zombie) == [zombie.id]
    assert begin(store, head) == []
    assert settle(store, zombie, S.DELIVERED) == [zombie.id]
    assert settle(store, head, S.DELIVERED) == []


def test_a_transition_that_does_not_exist_is_refused(store):
    run(store, lambda tx: tx.add_deliveries([new(state=S.WAITING_FOR_CONSENT)]))
    (waiting,) = run(store, lambda tx: tx.deliveries())
    assert settle(store, waiting, S.DELIVERED) == [waiting.id]
    assert states(store) == {waiting.id: S.WAITING_FOR_CONSENT}


def test_after_a_crash_claims_go_back_and_inflight_ones_are_reported(store):
    run(store, lambda tx: tx.add_deliveries([new(), new(lanes=(2,))]))
    first, second = claim(store)
    begin(store, first)
    assert run(store, lambda tx: tx.recover(tx.now)) == []
    (inflight,) = run(store, lambda tx: tx.recover(tx.now + 120 * SECOND))
    assert (inflight.id, inflight.state) == (first.id, S.INFLIGHT)
    assert states(store) == {first.id: S.INFLIGHT, second.id: S.QUEUED}
    settle(store, inflight, S.AMBIGUOUS)
    assert [d.id for d in claim(store)] == [second.id]


def test_the_operator_may_queue_a_dead_delivery_again(store):
    first, second = run(store, lambda tx: tx.add_deliveries([new(), new()]))
    (head,) = claim(store)
    begin(store, head)
    settle(store, head, S.DEAD, attempt=1)
    (running,) = claim(store)
    assert running.id == second
    (dead,) = run(store, lambda tx: tx.deliveries(state=S.DEAD))
    assert settle(store, dead, S.QUEUED) == []
    assert claim(store) == []  # its lane is worked on
    begin(store, running)
    settle(store, running, S.DELIVERED)
    assert [d.id for d in claim(store)] == [first]


def test_deliveries_are_found_by_what_operators_ask(store):
    def job(tx):
        return tx.add_deliveries(
            [
                new(lanes=(1, 5), message_id=7),
                new(lanes=(2,), state=S.WAITING_FOR_CONSENT, expires_at=1_000),
                new(lanes=(2,), endpoint="labor"),
            ]
        )

    one, two, three = run(store, job)

    def found(**criteria):
        return [d.id for d in run(store, lambda tx: tx.deliveries(**criteria))]

    assert found(message=7) == [one]
    assert found(patients=[5]) == [one]
    assert found(patients=[2], state=S.WAITING_FOR_CONSENT) == [two]
    assert found(endpoint="labor") == [three]
    assert found(state=S.WAITING_FOR_CONSENT, expires_before=2_000) == [two]
    assert found(state=[S.QUEUED, S.RETRY]) == [one, three]
    assert found(numbers=[three, one]) == [one, three]
    assert found(limit=2, newest_first=True) == [three, two]


def test_empty_lanes_go(store):
    run(store, lambda tx: tx.add_deliveries([new(), new(lanes=(3,))]))
    for delivery in claim(store):
        begin(store, delivery)
        settle(store, delivery, S.DELIVERED)
    with store.reader.view() as view:
        assert view.db.query("SELECT count(*) FROM lane") == [(0,)]
        assert view.db.query("SELECT count(*) FROM lane_delivery") == [(0,)]


def test_two_gateways_never_claim_the_same_delivery(store, store_url, keys, clock):
    if store_url.startswith("sqlite"):
        pytest.skip("one process owns a SQLite store")
    other = open_store(store_url, keys, clock=clock)
    run(store, lambda tx: tx.add_deliveries([new(lanes=(n,)) for n in range(1, 41)]))
    futures = [
        opened.writer.submit(lambda tx: tx.claim({"praxis": 7}, lease_until=tx.now + SECOND * 60))
        for _ in range(4)
        for opened in (store, other)
    ]
    claimed = [d.id for future in futures for d in future.result(60)]
    other.close()
    assert len(claimed) == len(set(claimed)) == 40


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sets(st.integers(1, 3), min_size=1, max_size=2)),
        st.tuples(st.just("claim"), st.integers(1, 3)),
        st.tuples(
            st.just("end"), st.sampled_from([S.DELIVERED, S.DEAD, S.RETRY, S.AMBIGUOUS, S.QUEUED])
        ),
        st.tuples(st.just("revive"), st.none()),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def shared(empty_sqlite, keys, tmp_path_factory):
    import shutil

    path = tmp_path_factory.mktemp("lanes") / "store.db"
    shutil.copy(empty_sqlite, path)
    opened = open_store(f"sqlite:///{path}", keys)
    yield opened
    opened.close()


class Model:
    """Runs steps in one transaction and checks every claim against all undone deliveries."""

    def __init__(self, tx):
        self.tx = tx
        self.running = []

    def add(self, patients):
        self.tx.add_deliveries([new(lanes=tuple(sorted(patients)))])

    def claim(self, count):
        undone = [d for d in self.tx.deliveries() if d.state not in ENDED]
        working = [d for d in undone if d.state in (S.CLAIMED, S.INFLIGHT)]
        busy = {patient for d in working for patient in d.patients}
        claimed = self.tx.claim({"praxis": count}, lease_until=self.tx.now + SECOND)
        for delivery in claimed:
            lanes = set(delivery.patients)
            assert not busy & lanes
            assert all(d.id >= delivery.id for d in undone if lanes & set(d.patients))
            busy |= lanes
        self.running += claimed
        return claimed

    def revive(self, _):
        dead = self.tx.deliveries(state=S.DEAD, limit=1)
        self.tx.settle([Settled(d.id, d.fence, S.QUEUED, "") for d in dead])

    def end(self, state):
        if not self.running:
            return
        delivery = self.running.pop(0)
        if state is not S.QUEUED:
            assert self.tx.begin([(delivery, b"x", b"{}")]) == []
        assert self.tx.settle([Settled(delivery.id, delivery.fence, state, "", attempt=1)]) == []

    def drain(self):
        progress = True
        while progress:
            while self.running:
                self.end(S.DELIVERED)
            ambiguous = self.tx.deliveries(state=S.AMBIGUOUS)
            self.tx.settle([Settled(d.id, d.fence, S.DELIVERED, "") for d in ambiguous])
            self.tx.unit.now += SECOND
            progress = bool(self.claim(5) or ambiguous)


@given(steps=STEPS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_happens_lanes_keep_their_order_and_drain(shared, steps):
    def job(tx):
        for table in ("lane", "lane_delivery", "delivery"):
            tx.unit.db.execute(f"DELETE FROM {table}")
        model = Model(tx)
        for step, what in steps:
            getattr(model, step)(what)
        model.drain()
        assert all(d.state in ENDED for d in tx.deliveries())
        assert tx.unit.db.query("SELECT count(*) FROM lane") == [(0,)]

    run(shared, job)


def replaced(store, delivery, **overrides):
    """End a claimed delivery and put another into its place, in one transaction."""

    def job(tx):
        (number,) = tx.add_deliveries([new(instead_of=delivery.id, **overrides)])
        end = Settled(delivery.id, delivery.fence, S.CANCELLED_BY_CONSENT, "decision-changed")
        assert tx.settle([end]) == []
        return number

    return run(store, job)


def test_a_delivery_made_anew_stands_where_the_one_it_replaces_stood(store):
    one, two, three = run(store, lambda tx: tx.add_deliveries([new(), new(), new()]))
    (first,) = claim(store)
    second = replaced(store, first)
    (claimed,) = claim(store)
    assert claimed.id == second
    third = replaced(store, claimed)
    order = []
    while claimed := claim(store):
        order += [one.id for one in claimed]
        begin(store, claimed[0])
        settle(store, claimed[0], S.DELIVERED)
    assert order == [third, two, three]
    assert states(store)[one] is S.CANCELLED_BY_CONSENT


def test_a_delivery_made_anew_keeps_its_place_in_every_lane(store):
    rows = [new(lanes=(1, 2)), new(lanes=(2,)), new(lanes=(1,)), new(lanes=(1, 2))]
    _, second, third, fourth = run(store, lambda tx: tx.add_deliveries(rows))
    (first,) = claim(store)
    anew = replaced(store, first, lanes=(1, 2))
    (claimed,) = claim(store)
    assert claimed.id == anew
    # What comes meanwhile does not displace it, nor does what ends behind it.
    late = run(store, lambda tx: tx.add_deliveries([new(lanes=(1, 2))]))
    run(store, lambda tx: tx.settle([Settled(second, 0, S.DEAD, "cancelled")]))
    settle(store, claimed, S.RETRY)
    (claimed,) = claim(store)
    assert claimed.id == anew
    begin(store, claimed)
    settle(store, claimed, S.DELIVERED)
    (claimed,) = claim(store)
    assert claimed.id == third
    begin(store, claimed)
    settle(store, claimed, S.DELIVERED)
    assert [d.id for d in claim(store)] == [fourth]
    assert states(store)[late[0]] is S.QUEUED
