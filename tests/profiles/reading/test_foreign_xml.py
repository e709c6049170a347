"""Foreign XML: what the door refuses, and what passes."""

import pytest

from profiles.issue import NotConformant
from profiles.reading import Limits, read_xml

BOMB = b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        b'<?xml version="1.0"?>\n<!-- x --><?pi?> ' + BOMB,
        b"\xef\xbb\xbf" + BOMB,
        BOMB.decode().encode("utf-16"),
        b'<?xml version="1.0" encoding="utf-16le"?>' + BOMB,
        b'<?xml version="1.0" encoding="UTF-7"?><a/>',
        b'<?xml version="1.0" encoding="cp037"?><a/>',
        b'<!DOCTYPE html SYSTEM "http://192.0.2.1/x.dtd"><a/>',
        b'<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><x>&x;</x>',
        b"<a>&undefined;</a>",
        b"<a><b></a>",
        b"<a" + b" " * 10,
        b"<a>\x00</a>",
        b"",
        b"no markup",
    ],
)
def test_document_types_and_damaged_xml_are_refused(data):
    with pytest.raises(NotConformant) as caught:
        read_xml(data)
    assert caught.value.issues[0].code == "structure"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16"]
)
def test_usual_encodings_are_read(encoding):
    data = f'<?xml version="1.0" encoding="{encoding}"?><a b="ß">Müller</a>'.encode(encoding)
    root = read_xml(data)
    assert (root.get("b"), root.text) == ("ß", "Müller")


def test_a_doctype_inside_text_is_only_text():
    root = read_xml(b"<!-- <!DOCTYPE a> --><a><![CDATA[<!DOCTYPE html>]]></a>")
    assert root.text == "<!DOCTYPE html>"


def test_nesting_and_size_are_limited():
    deep = b"<a>" * 129 + b"</a>" * 129
    with pytest.raises(NotConformant, match="deeply"):
        read_xml(deep)
    assert read_xml(deep[3:-4]).tag == "a"
    with pytest.raises(NotConformant):
        read_xml(b"<a>" * 100_000)
    with pytest.raises(NotConformant, match="larger"):
        read_xml(b"<a/>" + b" " * 100, limits=Limits(size=50))


def test_a_document_of_too_many_elements_is_refused_before_it_is_read():
    document = b"<a>" + b"<b/>" * 30 + b"</a>"
    assert len(read_xml(document, limits=Limits(containers=16))) == 30
    with pytest.raises(NotConformant) as raised:
        read_xml(document, limits=Limits(containers=15))
    assert [one.code for one in raised.value.issues] == ["too-costly"]
