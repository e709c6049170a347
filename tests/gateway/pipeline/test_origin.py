"""A Provenance whose targets are put in later is the one that was made with them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.documents import dump
from gateway.pipeline.origin import NO_TARGETS, Origin, provenance, targeted

TEXT = st.sampled_from(['"target":[]', "kis", "ä", '\\"target\\":[]', "\n"])
TARGETS = st.lists(
    st.tuples(
        st.sampled_from(["Patient", "Encounter"]),
        st.from_regex(r"[A-Za-z0-9\-\.]{1,64}", fullmatch=True),
        st.integers(1, 999),
    ),
    min_size=1,
    max_size=5,
)


@given(TARGETS, TEXT, TEXT)
def test_targets_may_be_put_in_later(targets, name, said):
    stated = {"meta": {"tag": [{"code": said}]}, "policy": [said], "recorded": said}
    origin = Origin(name, said, "ab" * 32, 1, "klinik", "1.0", stated)
    made = provenance("p1", targets, origin)
    head, mark, tail = dump({**made, "target": []}).partition(NO_TARGETS)
    assert mark
    assert targeted(head, targets, tail) == dump(made)
