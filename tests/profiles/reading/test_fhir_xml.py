"""FHIR resources in XML become what they are in JSON."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.issue import NotConformant
from profiles.reading.fhir_xml import look_at_fhir_xml, read_fhir_xml

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


def faults(inner, before=""):
    """Return (place, line, column, sentence) of what is wrong with a Patient."""
    text = f'{before}<Patient xmlns="http://hl7.org/fhir">\n {inner}\n</Patient>'
    try:
        _, issues = look_at_fhir_xml(text.encode())
    except NotConformant as error:
        issues = error.issues
    return [(one.location, one.line, one.column, one.text) for one in issues]


REFUSED = [
    ("<birthDate value='1948' foo='x'/>", "Patient.birthDate", 2, "attribute"),
    ("<birthDate value='1948' xml:lang='de'/>", "Patient.birthDate", 2, "attribute"),
    ("<name value='Weiß'/>", "Patient.name[0]", 2, "attribute"),
    ("<name url='x'/>", "Patient.name[0]", 2, "attribute"),
    ("<contained id='x'><Organization/></contained>", "Patient.contained[0]", 2, "attribute"),
    ("<contained><Organization id='x'/></contained>", "Patient.contained[0]", 13, "attribute"),
    ("<contained><Kohl/></contained>", "Patient.contained[0]", 13, "no FHIR R4 resource"),
    ("<name><id value='x'/></name>", "Patient.name[0].id", 8, "not an element"),
    ("<extension><url value='x'/></extension>", "Patient.extension[0].url", 13, "not an element"),
    ("<name/><name><kohl/></name>", "Patient.name[1].kohl", 15, "not an element"),
    ("<birthDate/>", "Patient.birthDate", 2, "neither a value nor an extension"),
    ("<birthDate id='x'/>", "Patient.birthDate", 2, "neither a value nor an extension"),
    ("<active value='ja'/>", "Patient.active", 2, "true or false"),
    ("<multipleBirthInteger value=' 1'/>", "Patient.multipleBirth", 2, "a number"),
    ("<active value='true'/>\n<active value='true'/>", "Patient.active", 1, "stands twice"),
    ("<text><status value='empty'/><div>x</div></text>", "Patient.text.div", 31, "XHTML"),
    ("<kohl:name xmlns:kohl='urn:kohl'/>", "Patient", 2, "outside of the FHIR namespace"),
    ("<name xmlns=''/>", "Patient", 2, "outside of the FHIR namespace"),
    ("<?kohl ja?>", "", 1, "processing instruction"),
]


@pytest.mark.parametrize(("inner", "place", "column", "words"), REFUSED)
def test_what_fhir_xml_does_not_have_is_told_where_it_is(inner, place, column, words):
    ((location, line, found, text),) = faults(inner)
    assert (location, line, found) == (place, 1 + inner.count("\n") + bool(place), column)
    assert words in text


@pytest.mark.parametrize(
    ("inner", "place", "column"),
    [
        ("<gender value='female'/><active value='true'/>", "Patient.active", 26),
        ("<name><given value='A'/><family value='B'/></name>", "Patient.name[0].family", 26),
        ("<name/><gender value='female'/><name/>", "Patient.name[1]", 33),
    ],
)
def test_the_order_of_elements_is_told_and_nothing_is_lost(inner, place, column):
    ((location, line, found, text),) = faults(inner)
    assert (location, line, found) == (place, 2, column)
    assert "stands after" in text
    assert read_fhir_xml(f'<Patient xmlns="http://hl7.org/fhir">{inner}</Patient>'.encode())


def test_comments_style_sheets_and_schema_locations_are_no_content():
    resource = (
        '<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><!-- ja -->'
        '<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:schemaLocation="http://hl7.org/fhir patient.xsd"><!-- ja --><active value="true"/>'
        "</Patient>"
    )
    assert look_at_fhir_xml(resource.encode()) == (
        {"resourceType": "Patient", "active": True},
        (),
    )


def test_all_faults_are_told_up_to_a_hundred():
    assert len(faults("<kohl/>\n" * 7)) == 7
    assert len(faults("<kohl/>\n" * 700)) == 100


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_columns_count_characters_whatever_the_encoding(encoding):
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n'
        '<Patient xmlns="http://hl7.org/fhir"><!-- ÄÖÜß --><kohl/></Patient>'
    )
    with pytest.raises(NotConformant) as raised:
        read_fhir_xml(text.encode(encoding))
    (issue,) = raised.value.issues
    assert (issue.line, issue.column) == (2, 51)
