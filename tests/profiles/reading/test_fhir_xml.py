"""FHIR resources in XML become what they are in JSON."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.issue import NotConformant
from profiles.reading.fhir_xml import read_fhir_xml

PATIENT = """<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir">
  <!-- eine erfundene Person -->
  <id value="p1"/>
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">Müller</div></text>
  <contained><Organization><id value="o"/><name value="Klinikum"/></Organization></contained>
  <extension url="https://harz.example/x"><valueDecimal value="1.50"/></extension>
  <active value="true"/>
  <name>
    <family value="Müller"><extension url="http://hl7.org/fhir/StructureDefinition/humanname-own-name">
      <valueString value="Müller"/></extension></family>
    <given value="Anna"/>
    <given><extension url="https://harz.example/unbekannt"><valueCode value="unknown"/></extension>
    </given>
    <given id="g3" value="Maria"/>
  </name>
  <birthDate id="b" value="1961-04-12"/>
  <multipleBirthInteger value="2"/>
  <contact><gender value="female"/></contact>
</Patient>"""


def test_lists_numbers_booleans_and_extensions_are_as_in_json():
    patient = read_fhir_xml(PATIENT.encode())

    div = patient["text"].pop("div")
    assert "Müller</div>" in div
    assert patient == {
        "resourceType": "Patient",
        "id": "p1",
        "text": {"status": "generated"},
        "contained": [{"resourceType": "Organization", "id": "o", "name": "Klinikum"}],
        "extension": [{"url": "https://harz.example/x", "valueDecimal": Decimal("1.50")}],
        "active": True,
        "name": [
            {
                "family": "Müller",
                "_family": {
                    "extension": [
                        {
                            "url": "http://hl7.org/fhir/StructureDefinition/humanname-own-name",
                            "valueString": "Müller",
                        }
                    ]
                },
                "given": ["Anna", None, "Maria"],
                "_given": [
                    None,
                    {
                        "extension": [
                            {"url": "https://harz.example/unbekannt", "valueCode": "unknown"}
                        ]
                    },
                    {"id": "g3"},
                ],
            }
        ],
        "birthDate": "1961-04-12",
        "_birthDate": {"id": "b"},
        "multipleBirthInteger": 2,
        "contact": [{"gender": "female"}],
    }
    assert str(patient["extension"][0]["valueDecimal"]) == "1.50"


def test_content_references_and_bundles_are_followed():
    bundle = read_fhir_xml(
        b'<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/><entry><resource>'
        b'<Questionnaire><status value="draft"/><item><linkId value="1"/><item><linkId value="2"/>'
        b"</item></item></Questionnaire></resource></entry></Bundle>"
    )

    (entry,) = bundle["entry"]
    assert entry["resource"]["item"] == [{"linkId": "1", "item": [{"linkId": "2"}]}]


@pytest.mark.parametrize(
    "inner",
    [
        "<unknown value='x'/>",
        "<active value='ja'/>",
        "<active value='true'/><active value='true'/>",
        "<multipleBirthInteger value='zwei'/>",
        "<multipleBirthInteger value='true'/>",
        "<contained/>",
        "<contained><Unknown/></contained>",
        "<x:gender xmlns:x='https://elsewhere.example' value='female'/>",
    ],
)
def test_what_fhir_does_not_know_is_refused(inner):
    with pytest.raises(NotConformant):
        read_fhir_xml(f'<Patient xmlns="http://hl7.org/fhir">{inner}</Patient>'.encode())


@pytest.mark.parametrize(
    "text", ["<Patient/>", '<HumanName xmlns="http://hl7.org/fhir"/>', "<html", ""]
)
def test_what_is_no_resource_is_refused(text):
    with pytest.raises(NotConformant):
        read_fhir_xml(text.encode())


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp")),
               min_size=1))  # fmt: skip
def test_texts_come_through(text):
    from xml.sax.saxutils import quoteattr

    family = f"<name><family value={quoteattr(text)}/></name>"
    patient = read_fhir_xml(f'<Patient xmlns="http://hl7.org/fhir">{family}</Patient>'.encode())

    assert patient["name"][0]["family"] == text


@pytest.mark.parametrize(
    "inner",
    [
        "Weiß<active value='true'/>",
        "<active value='true'/>Weiß",
        "<!-- ja -->Weiß<active value='true'/>",
        "<active value='true'>Weiß</active>",
        "<name><family value='Weiß'/>Änne</name>",
    ],
)
def test_text_between_elements_is_refused_and_not_lost(inner):
    with pytest.raises(NotConformant, match="text stands between elements"):
        read_fhir_xml(f"<Patient xmlns='http://hl7.org/fhir'>{inner}</Patient>".encode())
