"""HL7 v2 with python-hl7: its command sends to us, its server receives from us."""

from __future__ import annotations

import json

import hl7

PATIENT = "8800417"


def answers(acknowledgements):
    """MSA-1 and MSA-2 of each."""
    return [(str(ack.segment("MSA")[1]), str(ack.segment("MSA")[2])) for ack in acknowledgements]


def message(control_id, event, *segments):
    head = (
        rf"MSH|^~\&|ORBIT|KLINIKUM-AM-RING|GATEWAY|REGION|20261120080000||ADT^{event}|{control_id}"
        r"|P|2.5||||||UNICODE UTF-8"
    )
    return "\r".join((head, f"EVN|{event}|20261120080000", *segments, "")).encode()


def pid(number, family):
    return f"PID|1||{number}^^^KLINIKUM-AM-RING^PI||{family}^Anna||19600101|F"


def test_mllp_send_gets_an_accept_acknowledgement_in_enhanced_mode(told):
    expected = [("CA", f"KAR-00010{number}") for number in (1, 2, 3, 4)]

    assert answers(told.enhanced) == expected


def test_mllp_send_gets_an_application_acknowledgement_in_original_mode(told):
    expected = [("AA", f"ORI-00010{number}") for number in (1, 2, 3, 4)]

    assert answers(told.original) == expected


def test_python_hl7_understands_whom_the_acknowledgement_is_for(told):
    header = told.original[0].segment("MSH")

    assert [str(header[field]) for field in (3, 4, 5, 6)] == [
        "GATEWAY",
        "REGION",
        "ORBIT",
        "KLINIKUM-AM-RING",
    ]
    assert str(told.original[0]["MSH.F9.R1.C1"]) == "ACK"


def test_many_messages_of_one_connection_are_answered_one_by_one_in_order(told):
    sent = [
        message(f"VIELE-{number}", "A04", pid(f"77{number}", "Früh"), "PV1|1|O")
        for number in range(10)
    ]

    assert answers(told.gateway.mllp_send(*sent)) == [("AA", f"VIELE-{n}") for n in range(10)]


def test_the_same_message_again_gets_the_stored_answer_and_no_second_version(told):
    again = message("ZWEIMAL-1", "A04", pid("7790", "Doppelt"), "PV1|1|O")

    first, second = told.gateway.mllp_send(again), told.gateway.mllp_send(again)

    assert answers(first) == answers(second) == [("AA", "ZWEIMAL-1")]
    assert str(first[0].segment("MSH")[10]) == str(second[0].segment("MSH")[10])
    found = told.gateway.get("Patient?family=Doppelt", "klinikum").json()
    assert [one["resource"]["meta"]["versionId"] for one in found["entry"]] == ["1"]


def test_a_message_without_patient_is_refused_with_a_place_to_look_at(told):
    (ack,) = told.gateway.mllp_send(message("OHNE-1", "A04", "PV1|1|O"))

    assert answers([ack]) == [("AE", "OHNE-1")]
    assert str(ack.segment("ERR")[2]).startswith("PID")


def test_an_event_nobody_takes_is_rejected_and_the_connection_goes_on(told):
    unknown = message("UNBEKANNT-1", "A99", pid("7791", "Fremd"))
    known = message("BEKANNT-1", "A04", pid("7792", "Bekannt"), "PV1|1|O")

    assert answers(told.gateway.mllp_send(unknown, known)) == [
        ("AR", "UNBEKANNT-1"),
        ("AA", "BEKANNT-1"),
    ]


def test_python_hl7s_server_receives_the_discharge_and_acknowledges_it(
    delivering, clinic, eventually
):
    _, journal = clinic

    def received():
        lines = [json.loads(line)["message"] for line in journal.read_text("utf-8").splitlines()]
        found = [hl7.parse(line) for line in lines]
        return [m for m in found if str(m["PID.F3.R1.C1"]) == PATIENT][:2]

    discharge, letter = eventually(lambda: len(received()) == 2 and received())

    assert str(discharge["MSH.F9.R1.C2"]) == "A03"
    assert str(letter["MSH.F9.R1.C1"]) == "MDM"
    assert [str(discharge.segment("MSH")[field]) for field in (3, 5, 6)] == [
        "GATEWAY",
        "KIS",
        "REHA-TALBLICK",
    ]
    assert str(discharge["PID.F5.R1.C1"]) == "Öhlschläger"


def test_every_delivery_to_python_hl7s_server_ends_delivered(delivering, eventually):
    def ended():
        listed = delivering.gateway.deliveries("reha-adt")
        return all(one["state"] == "delivered" for one in listed) and listed

    assert {one["reason"] for one in eventually(ended)} == {"AA"}
