"""A record and the files beside it as one byte string."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.base import Attachment, Encoded
from mappers.parcel import pack, unpack
from profiles.issue import NotConformant

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


@given(st.binary(), st.lists(st.builds(Attachment, NAMES, st.binary()), min_size=1, max_size=4))
def test_a_parcel_taken_apart_is_what_was_packed(record, files):
    packed = pack(Encoded(record, ("Patient.photo[0]",), tuple(files)))

    assert unpack(packed) == Encoded(record, (), tuple(files))
    assert pack(unpack(packed)) == packed


@given(st.binary())
def test_a_record_alone_is_its_own_parcel(record):
    assert pack(Encoded(record)) == record


def archive(entries, method=zipfile.ZIP_STORED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        for name, data in entries:
            made.writestr(name, data)
    return target.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        archive([("record", b"0" * 1_000_000)], zipfile.ZIP_DEFLATED),
        archive([("brief.docx", b"x")]),
        archive([("record", b"x"), ("1/a", b"y")])[:-8],
        b"PK\x03\x04",
        b"PK\x03\x04" + b"\xff" * 100,
    ],
    ids=["compressed", "somebody's archive", "cut off", "a beginning", "noise"],
)
def test_what_nobody_packed_here_is_refused(data):
    with pytest.raises(NotConformant):
        unpack(data)
