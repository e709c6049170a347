"""A conformance profile in XML becomes the rules of a dialect."""

import tomllib

import pytest

from mappers.dialect import Dialect
from mappers.hl7v2.profile_xml import rules_of
from mappers.message_profile import Place
from mappers.toml_text import toml_text
from profiles.issue import GatewayError, NotUnderstood

PROFILE = """<?xml version="1.0"?>
<HL7v2xConformanceProfile HL7Version="2.5" ProfileType="Constrainable">
 <HL7v2xStaticDef MsgType="ADT" EventType="A01" MsgStructID="ADT_A01">
  <Segment Name="PID" LongName="Patient" Usage="R" Min="1" Max="1">
   <Field Name="Set ID" Usage="O" Min="0" Max="1" Length="4"/>
   <Field Name="Patient ID" Usage="X" Min="0" Max="0"/>
   <Field Name="Patientennummer" Usage="R" Min="1" Max="*" Length="250">
    <Component Name="ID" Usage="R" Length="15"/>
    <Component Name="Pruefziffer" Usage="X"/>
    <Component Name="Schema" Usage="O"/>
    <Component Name="Assigner" Usage="R"><SubComponent Name="Namensraum" Usage="R"/></Component>
    <Component Name="Art" Usage="R" ConstantValue="PI"/>
   </Field>
  </Segment>
  <SegGroup Name="PROCEDURE" Usage="RE"><Segment Name="PR1" Usage="R"/></SegGroup>
 </HL7v2xStaticDef>
</HL7v2xConformanceProfile>"""


def test_every_level_becomes_a_rule() -> None:
    rules = {rule["place"]: rule for rule in rules_of(PROFILE.encode())}
    assert rules["PID"] == {
        "place": "PID",
        "name": "Patient",
        "messages": ["ADT^A01"],
        "usage": "R",
    }
    assert rules["PID-1"]["length"] == 4
    assert rules["PID-1"]["cardinality"] == "0..1"
    assert rules["PID-2"]["usage"] == "X"
    assert rules["PID-3.4.1"]["usage"] == "R"
    assert rules["PID-3.5"]["constant"] == "PI"
    assert "PR1" not in rules


def test_the_rules_load_as_part_of_a_dialect() -> None:
    text = toml_text({"profile": {"action": "reject", "rules": rules_of(PROFILE.encode())}})
    made = Dialect.from_mapping("partner", tomllib.loads(text)).profile
    assert made is not None
    assert made.rules[0].place == Place("PID")
    assert made.rules[0].messages == {"ADT^A01"}


def test_other_xml_is_not_understood_and_dangerous_xml_refused() -> None:
    with pytest.raises(NotUnderstood):
        rules_of(b"<ClinicalDocument/>")
    with pytest.raises(GatewayError):
        rules_of(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>')
