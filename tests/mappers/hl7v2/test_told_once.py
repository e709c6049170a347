"""What is wrong with a field is told once."""

from __future__ import annotations

import mappers

HEAD = (
    "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270111||ADT^A01^ADT_A01|1|P|2.5.1||||||UNICODE UTF-8\r"
    "EVN|A01|20270111\rPID|1||4711^^^HAUS^PI||Weber^Anna\rPV1|1|I\r"
)


def test_an_unknown_code_in_the_name_of_the_insured_is_told_once() -> None:
    line = "IN1|1|GKV|104940005|Kasse||||||||||||Weber^Anna^^^^^^?|SEL"
    (mapped,) = mappers.convert((HEAD + line).encode())
    told = [one for one in mapped.issues if one.location.startswith("IN1-16")]
    assert len(told) == len(set(told))
