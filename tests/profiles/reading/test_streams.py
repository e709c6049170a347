"""Large XML documents and tables, read in parts."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles.issue import NotConformant
from profiles.reading.table_stream import TSV, TableForm, stream_records, stream_rows
from profiles.reading.xml_stream import StreamLimits, local_name, stream_xml

FIXTURES = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def written(folder, data):
    path = folder / "document"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_wanted_elements_come_whole_and_one_after_the_other(tmp_path):
    path = written(
        tmp_path,
        "<a xmlns:x='urn:x'><b n='1'>eins<c/></b>"
        "<o><b n='2'>z<b n='innen'/></b></o><x:b n='3'/></a>",
    )
    found = [(one.get("n"), one.text, len(one), local_name(one)) for one in stream_xml(path, {"b"})]
    assert found == [("1", "eins", 1, "b"), ("2", "z", 1, "b"), ("3", None, 0, "b")]


def test_what_was_handed_out_is_forgotten(tmp_path):
    path = written(tmp_path, "<a>" + "<b><c>text</c></b>" * 50_000 + "</a>")
    sizes = [len(one.getparent()) for one in stream_xml(path, {"b"})]
    assert len(sizes) == 50_000
    assert max(sizes) < 5_000


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE a SYSTEM "a.dtd">',
        "<!DOCTYPE a PUBLIC '-//X//DTD a//EN' 'http://beispiel.test/a.dtd'>",
        "<!-- davor --><!DOCTYPE a>",
    ],
)
def test_a_document_type_that_only_points_elsewhere_is_passed_over(tmp_path, doctype):
    path = written(tmp_path, f"<?xml version='1.0'?>{doctype}<a><b/></a>")
    assert len(list(stream_xml(path, {"b"}))) == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("<!DOCTYPE a [<!ENTITY e 'x'>]><a><b>&e;</b></a>", "structure"),
        ("<!DOCTYPE a SYSTEM 'a.dtd' [<!ENTITY e 'x'>]><a><b/></a>", "structure"),
        ("<!DOCTYPE a SYSTEM 'a.dtd'><a><b>&e;</b></a>", "structure"),
        ("<!DOCTYPE a [<!ENTITY e 'x'>]><a><b/></a>".encode("utf-16"), "structure"),
        ("<?xml version='1.0' encoding='utf-7'?><a><b/></a>", "structure"),
        ("<a><b></a>", "structure"),
        ("", "structure"),
        ("<a>" + "<c>" * 12 + "</c>" * 12 + "</a>", "structure"),
        ("<a>" + "<c/>" * 60 + "</a>", "too-costly"),
        ("<a><b>" + "<c/>" * 30 + "</b></a>", "too-costly"),
        ("<a>" + " " * 3_000 + "</a>", "too-costly"),
    ],
)
def test_what_could_do_harm_is_refused(tmp_path, data, code):
    limits = StreamLimits(size=2_000, elements=50, inner=20, depth=10)
    with pytest.raises(NotConformant) as caught:
        list(stream_xml(written(tmp_path, data), {"b"}, limits=limits))
    assert caught.value.issues[0].code == code


@FIXTURES
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path, data):
    path = written(tmp_path, data)
    for stream in (
        lambda: stream_xml(path, {"b"}),
        lambda: stream_rows(path),
        lambda: stream_records(path, TSV),
    ):
        with suppress(NotConformant):
            list(stream())


@FIXTURES
@given(data=st.text("<>/ab!-?[]&;'\"= \n", max_size=60).map(lambda inner: f"<a><b>{inner}</b></a>"))
def test_any_markup_is_read_or_refused(tmp_path, data):
    with suppress(NotConformant):
        assert all(one.tag == "b" for one in stream_xml(written(tmp_path, data), {"b"}))


@FIXTURES
@given(
    rows=st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
                 min_size=2, max_size=4),
        max_size=5,
    )
)  # fmt: skip
def test_what_was_written_as_a_table_is_read_back(tmp_path, rows):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(rows)
    path = written(tmp_path, "\ufeff" + text.getvalue())
    assert list(stream_rows(path, TableForm(delimiter=";"))) == rows


def test_short_rows_are_filled_and_long_ones_cut(tmp_path):
    path = written(tmp_path, "a,b\n1\n2,3,4\n\n")
    assert list(stream_records(path)) == [{"a": "1", "b": ""}, {"a": "2", "b": "3"}]
