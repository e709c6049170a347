"""A partner's message profile: what it asks for is told with place and code, or refused."""

import pytest

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from mappers.hl7v2.acknowledgement import acknowledge, read_acknowledgement
from mappers.hl7v2.conformance import refuse
from profiles.issue import NotConformant

MESSAGE = (
    "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110||ADT^A01|1|P|2.5||||||UNICODE UTF-8\r"
    "PID|1||4711^^^HAUS&1.2&ISO^PI~4712^^^LABOR||Weiß^Änne||19610412|F\r"
    "PV1|1|I|W1^Z2\rNK1|1|Weiß^Olaf\rNK1|2|Weiß^Ute|MTH\r"
)


def dialect(*rules: dict, action: str = "warn") -> Dialect:
    return Dialect.from_mapping("partner", {"profile": {"action": action, "rules": list(rules)}})


def translated(chosen: Dialect, text: str = MESSAGE) -> Mapped:
    return mappers.translate(text.encode(), "hl7v2", Context(b"k", chosen, "https://h.example/sid"))


def found(**rule) -> list[tuple[str, str]]:
    """Location and code of what one rule finds."""
    result = translated(dialect(rule))
    assert result.refusal is None
    loss = result.loss
    assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
    return [(i.location, i.hl7_code) for i in result.issues if i.hl7_code]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"place": "PV2", "usage": "R"}, [("PV2", "100")]),
        ({"place": "PV1", "usage": "X"}, [("PV1", "100")]),
        ({"place": "NK1", "cardinality": "0..1"}, [("NK1", "100")]),
        ({"place": "PV1-3", "usage": "R"}, []),
        ({"place": "PV1-19", "usage": "R"}, [("PV1-19", "101")]),
        ({"place": "NK1-3", "usage": "R"}, [("NK1-3", "101")]),
        ({"place": "PID-3", "cardinality": "1..1"}, [("PID-3", "102")]),
        ({"place": "PID-3", "cardinality": "3..*"}, [("PID-3", "101")]),
        ({"place": "PID-3.5", "usage": "R"}, [("PID-3[2].5", "101")]),
        ({"place": "PID-3.4.2", "usage": "R"}, [("PID-3[2].4.2", "101")]),
        ({"place": "PID-5.1", "length": 3}, [("PID-5.1", "102")]),
        ({"place": "PID-8", "values": ["M", "D"]}, [("PID-8", "103")]),
        ({"place": "PV1-2", "constant": "I"}, []),
        ({"place": "PV1-2", "constant": "O"}, [("PV1-2", "103")]),
        ({"place": "PV1-19", "usage": "C", "condition": "PV1-2=I|E"}, [("PV1-19", "101")]),
        ({"place": "PV1-19", "usage": "CE", "condition": "PV1-2=I"}, []),
        ({"place": "PV1-3", "usage": "C", "condition": "PV1-2!=I"}, [("PV1-3", "102")]),
        ({"place": "PV1-19", "usage": "C(O/R)", "condition": "PV1-44"}, [("PV1-19", "101")]),
        ({"place": "PV2", "usage": "R", "messages": ["ADT^A08", "ORU"]}, []),
        ({"place": "PV2", "usage": "R", "messages": ["ADT"]}, [("PV2", "100")]),
        ({"place": "MSH-2", "constant": "x"}, []),
        ({"place": "MSH-12", "constant": "2.3"}, [("MSH-12", "103")]),
    ],
)
def test_each_kind_of_rule_names_place_and_code(rule: dict, expected: list) -> None:
    assert found(**rule) == expected


def test_a_strict_profile_refuses_with_an_err_segment_for_each_place() -> None:
    strict = dialect(
        {"place": "PV2", "usage": "R"}, {"place": "NK1-3", "usage": "R"}, action="reject"
    )
    result = translated(strict)
    assert isinstance(result.refusal, NotConformant)
    assert result.header is not None
    answer = acknowledge(
        result.header, "AE", control_id="9", time="2027", issues=result.refusal.issues
    )
    errors = read_acknowledgement(answer).errors
    assert [(e.location, e.code, e.severity) for e in errors] == [
        ("PV2^1", "100", "E"),
        ("NK1^1^3", "101", "E"),
    ]
    assert b"Wei" not in answer


def test_a_message_to_a_partner_is_held_against_its_profile() -> None:
    rule = {"place": "PV2", "usage": "R"}
    refuse(MESSAGE.encode(), dialect(rule).profile)
    refuse(MESSAGE.encode(), None)
    with pytest.raises(NotConformant):
        refuse(MESSAGE.encode(), dialect(rule, action="reject").profile)


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"place": "pid-3"}, "PID-3.4"),
        ({}, "place"),
        ({"place": "PID-3", "usage": "M"}, "usage"),
        ({"place": "PID-3", "usage": "C"}, "condition"),
        ({"place": "PID-3", "cardinality": "3..1"}, "cardinality"),
        ({"place": "PID-3", "length": "x"}, "length"),
        ({"place": "PID-3", "values": "M"}, "values"),
        ({"place": "PID-3", "colour": "red"}, "colour"),
    ],
)
def test_wrong_rules_are_named_when_the_configuration_is_read(rule: dict, word: str) -> None:
    with pytest.raises(NotConformant, match="rule 1") as error:
        dialect(rule)
    assert word in str(error.value)


def test_ten_thousand_results_are_held_against_a_rule_in_one_pass() -> None:
    results = "".join(f"OBX|{n}|NM|k^K^L||4.1\r" for n in range(10_000))
    message = MESSAGE.replace("ADT^A01", "ORU^R01") + "OBR|1|||x^L^L\r" + results
    result = translated(dialect({"place": "OBX-11", "usage": "R"}), message)
    assert len([i for i in result.issues if i.hl7_code == "101"]) == 100
