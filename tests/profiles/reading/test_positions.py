"""Lines and columns point at what an issue is about, in JSON as in XML."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.issue import Issue, NotConformant, operation_outcome
from profiles.reading import Limits, read_json
from profiles.reading.positions import located

RESOURCE: dict[str, Any] = {
    "resourceType": "Bundle",
    "entry": [
        {"fullUrl": "urn:uuid:1"},
        {
            "resource": {
                "resourceType": "Patient",
                "name": [
                    {"family": "Weiß"},
                    {
                        "given": ["Änne", None, "Luise"],
                        "_given": [None, {"extension": [{"url": "x", "valueCode": "unknown"}]}],
                    },
                ],
                "_birthDate": {"id": "b"},
                "birthDate": "1948",
                "_gender": {"id": "g"},
                "deceasedBoolean": True,
            }
        },
    ],
}
AENNE = """<?xml version="1.0" encoding="UTF-8"?>
<Bundle xmlns="http://hl7.org/fhir"><entry><fullUrl value="urn:uuid:1"/></entry><entry>
 <resource><Patient><name><family value="Weiß"/></name><name><given value="Änne"/><given>
  <extension url="x"><valueCode value="unknown"/></extension></given><given value="Luise"/></name>
  <gender id="g"/><birthDate id="b" value="1948"/><deceasedBoolean value="true"/>
 </Patient></resource></entry></Bundle>"""
PERSON = "Bundle.entry[1].resource"
#: Expression → what stands there in JSON, and in XML.
PLACES = {
    "Bundle": ("{", "<Bundle "),
    "": ("{", "<Bundle "),
    "Bundle.entry[0].fullUrl": ('"fullUrl"', "<fullUrl "),
    PERSON: ('"resource"', "<resource>"),
    f"{PERSON}.name[0].family": ('"family"', "<family "),
    f"{PERSON}.name[1].given[0]": ('"Änne"', '<given value="Änne"'),
    f"{PERSON}.name[1].given[2]": ('"Luise"', '<given value="Luise"'),
    f"{PERSON}.name[1].given[1].extension[0].value": ('"valueCode"', "<valueCode "),
    f"{PERSON}.name[1].given[1].extension[0].url": ('"url"', "<extension "),
    f"{PERSON}.birthDate": ('"birthDate"', "<birthDate "),
    f"{PERSON}.birthDate.id": ('"id": "b"', "<birthDate "),
    f"{PERSON}.gender": ('"_gender"', "<gender "),
    f"{PERSON}.deceased": ('"deceasedBoolean"', "<deceasedBoolean "),
    f"{PERSON}.name.family": ('"family"', "<family "),
    # what is not there is where it would stand
    f"{PERSON}.active": ('"resource"', "<resource>"),
    f"{PERSON}.name[0].use": ('{"family"', "<name><family "),
    "Bundle.entry[0].kohl.kraut[3]": ('{"fullUrl"', "<entry><fullUrl "),
    "Bundle.identifier": ("{", "<Bundle "),
    "Bundle.entry[0].fullUrl.ofType(uri)": ('"fullUrl"', "<fullUrl "),
}


def at(text: str, place: str) -> str:
    """Return what stands where an issue points to."""
    (issue,) = located([Issue("error", "value", "x", place)], text.encode())
    return text.split("\n")[issue.line - 1][issue.column - 1 :]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("indent", [None, 2])
def test_an_expression_is_found_in_json(place: str, indent: int | None) -> None:
    text = json.dumps(RESOURCE, ensure_ascii=False, indent=indent)
    wanted = PLACES[place][0]
    shown = at(text, place)
    if shown.startswith("{") and indent:  # what is in it begins in the next line
        wanted = "{"
    assert shown.startswith(wanted)


@pytest.mark.parametrize("place", PLACES)
def test_an_expression_is_found_in_xml(place: str) -> None:
    assert at(AENNE, place).startswith(PLACES[place][1])


#: Text → line and column of what is refused in it.
FAULTY = {
    b'{"a":1,\n "b":{"a":1,"c":[{"x":1}],"a":2}}': (2, 27),
    b'{"a":1,\n "\\u0061":2}': (2, 2),
    b'{"a":\n NaN}': (2, 2),
    b'{"a":\n -Infinity}': (2, 2),
    b'{"a":[1,\n  1e999]}': (2, 3),
    b'{"a":' + b"1" * 200 + b"}": (1, 6),
    b'\xef\xbb\xbf{"a":\n "\xc3\xa4\xff"}': (2, 4),
    b'{"a":[1,2}': (1, 10),
    b'{"a":[1,2]]}': (1, 11),
    b'{"a":[1,2]': (1, 11),
    b'{"a":"x",\n"b":"\\u0000"}': (2, 5),
    b'{"a":["\\ud800"]}': (1, 7),
    b'{"a":\n' * 70 + b"1" + b"}" * 70: (65, 1),
    b'{"a"\n 1}': (2, 2),
    b"": (1, 1),
}


@pytest.mark.parametrize("data", FAULTY)
def test_a_fault_of_the_text_is_found(data: bytes) -> None:
    with pytest.raises(NotConformant) as raised:
        read_json(data)
    (issue,) = located(raised.value.issues, data)
    assert (issue.line, issue.column) == FAULTY[data]


def test_an_outcome_has_line_and_column_as_extensions() -> None:
    (issue,) = located([Issue("error", "value", "x", "Patient.gender")], b'{\n "gender": 1}')
    (entry,) = operation_outcome([issue])["issue"]
    assert entry["extension"] == [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line",
            "valueInteger": 2,
        },
        {
            "url": "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col",
            "valueInteger": 2,
        },
    ]


def test_a_document_above_the_limit_is_not_looked_at() -> None:
    issues = [Issue("error", "too-costly", "x")]
    assert located(issues, b"{" * 99, limits=Limits(size=98)) == tuple(issues)


@given(
    st.text(alphabet='{}[],:"\\ax1 \n<>/é', max_size=40),
    st.sampled_from(["", "a", "A.b[1].c", "A.a", "A[0]", "..", "A.a[9999999999999999999999]"]),
)
def test_whatever_the_text_is_nothing_is_raised(text: str, place: str) -> None:
    (issue,) = located([Issue("error", "value", "x", place)], text.encode())
    lines = text.split("\n")
    assert issue.line <= len(lines)
    assert not issue.line or issue.column <= len(lines[issue.line - 1]) + 1
