"""A batch equals its messages one after another, whatever the split."""

from __future__ import annotations

import shutil
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.store import open_store

KVNRS = ("", "A123456780", "T987654328")


@st.composite
def streams(draw):
    """A stream of a few patients: admissions, updates, consents, repetitions, old news."""
    stream = []
    for number in range(draw(st.integers(2, 7))):
        if stream and draw(st.integers(0, 5)) == 0:
            stream.append(draw(st.sampled_from(stream)))
            continue
        patient = draw(st.sampled_from(("P1", "P2", "P3")))
        stream.append(
            {
                "control": f"M{number}",
                "event": draw(st.sampled_from(("A01", "A08", "A03", "A31"))),
                "time": f"2026030108{draw(st.integers(10, 50))}00+0100",
                "patient": patient,
                "visit": f"V{patient}",
                "kvnr": draw(st.sampled_from(KVNRS)),
                "birth": draw(st.sampled_from(("19800101", "19800101", "20260101"))),
                "name": draw(st.sampled_from(("Muster^Anna", "Unbekannt^Unbekannt"))),
                "consent": draw(st.sampled_from(("", "", "J", "N"))),
            }
        )
    return stream


@pytest.fixture(scope="session")
def fresh(empty_sqlite, tmp_path_factory, keys):
    """Makes empty stores."""
    folder = tmp_path_factory.mktemp("splits")
    count = iter(range(1_000_000))

    def make():
        path = folder / f"{next(count)}.db"
        shutil.copy(empty_sqlite, path)
        return open_store(f"sqlite:///{path}", keys, clock=lambda: 1_772_500_000_000_000)

    return make


def content(make, keys, build, stream, cuts):
    store = make()
    try:
        world = build.World(store, keys, None, build.region())
        items = [world.item(build.message(**fields)) for fields in stream]
        edges = sorted({0, len(items), *(cut for cut in cuts if cut < len(items))})
        for start, end in pairwise(edges):
            world.record(*items[start:end])
        return world.content()
    finally:
        store.close()


@settings(
    max_examples=25,
    deadline=None,
    # Each try opens stores; finding the smallest failing stream would take minutes.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(stream=streams(), cuts=st.sets(st.integers(1, 7)))
def test_any_split_of_a_stream_gives_the_same_store(fresh, keys, build, stream, cuts):
    one_by_one = content(fresh, keys, build, stream, range(1, len(stream)))
    assert content(fresh, keys, build, stream, cuts) == one_by_one
    assert content(fresh, keys, build, stream, ()) == one_by_one
