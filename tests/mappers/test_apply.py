"""A change is applied whatever the order of arrival; equal content changes nothing."""

import copy
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mappers
from mappers.base import Action, Change, Key

BASE = "MSH|^~\\&|KIS|HAUS|GW|NETZ|{time}||ADT^{event}|{id}|P|2.5||||||UNICODE UTF-8\r"
PID = "PID|1||4711^^^HAUS^PI||Weiß^Änne||19480314|F|||{address}||{phone}\r"


def message(
    event: str, time: str, *segments: str, address: str = "Weg 1", phone: str = ""
) -> bytes:
    head = BASE.format(time=time, event=event, id=f"{event}-{time}")
    pid = PID.format(address=f"{address}^^Ort^^99999", phone=phone)
    return (head + f"EVN|{event}|{time}\r" + pid + "\r".join(segments) + "\r").encode()


ADMISSION = message(
    "A01",
    "20261103104500",
    "PV1|1|I|ST3B^212^2||||1^Berg|||0800|||||||||F1^^^HAUS^VN" + "|" * 25 + "20261103101500",
    "ZBE|B1|20261103101500||INSERT|N",
)
UPDATE = message(
    "A08",
    "20261104080000",
    "PV1|1|I|ST3B^212^2||||2^Tal||||||||||||F1^^^HAUS^VN",
    address="Gasse 2",
)
TRANSFER = message(
    "A02",
    "20261105090500",
    "PV1|1|I|ST5A^501^1|||ST3B^212^2|2^Tal||||||||||||F1^^^HAUS^VN",
    "ZBE|B2|20261105090000||INSERT|N",
)
DISCHARGE = message(
    "A03",
    "20261109140000",
    "PV1|1|I|ST5A^501^1||||||||||||||||F1^^^HAUS^VN"
    + "|" * 17
    + "01"
    + "|" * 8
    + "20261103101500|20261109133000",
    "ZBE|B3|20261109133000||INSERT|N",
)
STORY = (ADMISSION, UPDATE, TRANSFER, DISCHARGE)


def after(*messages: bytes) -> dict[str, dict[str, Any]]:
    held: dict[str, dict[str, Any]] = {}
    for data in messages:
        for mapped in mappers.convert(data):
            assert mapped.refusal is None
            for change in mapped.changes:
                found = mappers.apply(held.get(change.id), change)
                assert found is not None
                held[change.id] = found
    return held


def one(held: dict[str, dict[str, Any]], kind: str) -> dict[str, Any]:
    """The resource of a type; of a visit's Encounters the stay."""
    (found,) = [r for r in held.values() if r["resourceType"] == kind and "partOf" not in r]
    return found


@pytest.mark.parametrize("order", list(itertools.permutations(STORY)), ids=range(24))
def test_any_order_of_arrival_gives_the_same_state(order: tuple[bytes, ...]) -> None:
    assert after(*order) == after(*STORY)


def test_a_stay_knows_where_the_patient_was_and_until_when() -> None:
    encounter = one(after(*STORY), "Encounter")
    wards = [
        (entry["location"]["display"], entry["status"], entry["period"])
        for entry in encounter["location"]
        if entry["physicalType"]["coding"][0]["code"] == "wa"
    ]
    assert wards == [
        (
            "ST3B",
            "completed",
            {"start": "2026-11-03T10:15:00+01:00", "end": "2026-11-05T09:00:00+01:00"},
        ),
        (
            "ST5A",
            "completed",
            {"start": "2026-11-05T09:00:00+01:00", "end": "2026-11-09T13:30:00+01:00"},
        ),
    ]
    assert encounter["status"] == "finished"
    assert encounter["serviceType"]["coding"][0]["code"] == "0800"


def test_the_same_message_again_changes_nothing() -> None:
    held = after(*STORY)
    for data in STORY:
        for change in next(iter(mappers.convert(data))).changes:
            assert mappers.apply(held[change.id], change) is held[change.id]


def test_equal_content_said_later_differs_in_the_clock_alone() -> None:
    later = UPDATE.replace(b"20261104080000", b"20261104090000")
    first, second = one(after(UPDATE), "Patient"), one(after(UPDATE, later), "Patient")
    assert first != second
    assert mappers.same_content(first, second)
    assert "extension" not in mappers.without_clock(second)["meta"]


def test_what_a_message_does_not_say_stays() -> None:
    with_phone = message("A31", "20261101", phone="0123")
    without = message("A31", "20261102")
    assert one(after(with_phone, without), "Patient")["telecom"][0]["value"] == "0123"


def test_two_quotes_delete_and_older_statements_do_not_bring_it_back() -> None:
    old = message("A31", "20261101", phone="0123")
    deletes = message("A31", "20261102", phone='""')
    assert "telecom" not in one(after(old, deletes), "Patient")
    assert "telecom" not in one(after(deletes, old), "Patient")


def test_an_implied_status_never_overrules_a_stated_one() -> None:
    later = UPDATE.replace(b"20261104080000", b"20261120080000")
    encounter = one(after(*STORY, later), "Encounter")
    assert encounter["status"] == "finished"
    assert encounter["period"]["end"] == "2026-11-09T13:30:00+01:00"


def test_a_cancelled_transfer_brings_the_patient_back() -> None:
    cancel = message(
        "A12",
        "20261105100000",
        "PV1|1|I|ST3B^212^2|||ST5A^501^1|2^Tal||||||||||||F1^^^HAUS^VN",
        "ZBE|B2|20261105090000||CANCEL|N|A02",
    )
    for order in itertools.permutations((ADMISSION, TRANSFER, cancel)):
        encounter = one(after(*order), "Encounter")
        assert [
            (entry["location"]["display"], entry["status"])
            for entry in encounter["location"]
            if entry["physicalType"]["coding"][0]["code"] == "wa"
        ] == [("ST3B", "active")]


def test_a_transfer_without_zbe_is_cancelled_by_its_place() -> None:
    plain = [data.replace(b"ZBE", b"ZXX") for data in (ADMISSION, TRANSFER)]
    cancel = message(
        "A12",
        "20261105100000",
        "PV1|1|I|ST3B^212^2|||ST5A^501^1|2^Tal||||||||||||F1^^^HAUS^VN",
    )
    encounter = one(after(*plain, cancel), "Encounter")
    places = {entry["location"]["identifier"]["value"] for entry in encounter["location"]}
    assert "ST5A" not in places
    assert all(entry["status"] == "active" for entry in encounter["location"])


def test_a_cancelled_discharge_reopens_the_stay_whatever_its_time() -> None:
    for time in ("20261109150000", "20261109130000"):
        cancel = message(
            "A13",
            time,
            "PV1|1|I|ST5A^501^1||||||||||||||||F1^^^HAUS^VN",
            "ZBE|B3|20261109133000||CANCEL|N|A03",
        )
        encounter = one(after(*STORY, cancel), "Encounter")
        assert encounter["status"] == "in-progress"
        assert "end" not in encounter["period"]
        assert "dischargeDisposition" not in encounter.get("hospitalization", {})
        wards = [e["status"] for e in encounter["location"] if e["location"]["display"] == "ST5A"]
        assert wards == ["active"]


def test_a_cancelled_admission_cancels_the_stay() -> None:
    cancel = message("A11", "20261103120000", "PV1|1|I|ST3B^212^2||||||||||||||||F1^^^HAUS^VN")
    assert one(after(ADMISSION, cancel), "Encounter")["status"] == "cancelled"
    assert one(after(cancel, ADMISSION), "Encounter")["status"] == "cancelled"


def test_a_historic_movement_fills_the_past_and_leaves_the_present() -> None:
    historic = TRANSFER.replace(b"20261105090500", b"20261120090500").replace(
        b"INSERT|N", b"INSERT|Y"
    )
    encounter = one(after(ADMISSION, DISCHARGE, historic), "Encounter")
    assert encounter["status"] == "finished"
    wards = [e["location"]["display"] for e in encounter["location"]]
    assert "ST5A" in wards
    assert "ST3B" in wards


def change(recency: str, action: Action = Action.MERGE, **elements: Any) -> Change:
    resource = {"resourceType": "Patient", "id": "p", **elements}
    return Change(action, "Patient", "p", (Key("Patient", "s", "1"),), resource, recency=recency)


statements = st.builds(
    change,
    st.sampled_from(["1", "2", "3", "4", "5"]),
    gender=st.sampled_from(["male", "female"]),
    birthDate=st.sampled_from(["1948", "1949"]),
    identifier=st.lists(
        st.fixed_dictionaries(
            {"system": st.sampled_from(["a", "b"]), "value": st.sampled_from(["1", "2"])}
        ),
        min_size=1,
        max_size=2,
    ),
)


@given(st.lists(statements, min_size=1, max_size=5, unique_by=lambda c: c.recency), st.data())
def test_statements_of_different_times_commute(said: list[Change], data: st.DataObject) -> None:
    other = data.draw(st.permutations(said))

    def applied(changes: list[Change]) -> Any:
        current = None
        for item in changes:
            current = mappers.apply(current, item)
        return current

    assert applied(other) == applied(said)


@given(statements)
def test_applying_twice_is_applying_once(said: Change) -> None:
    first = mappers.apply(None, said)
    again = mappers.apply(first, replace(said, stated=dict(said.resource)))
    assert mappers.same_content(first, again)
    assert mappers.apply(again, said) == again


def test_delete_leaves_nothing() -> None:
    assert mappers.apply({"resourceType": "Patient", "id": "p"}, change("1", Action.DELETE)) is None


def test_neither_argument_is_modified() -> None:
    held = after(ADMISSION)
    before = copy.deepcopy(held)
    for changed in next(iter(mappers.convert(TRANSFER))).changes:
        mappers.apply(held.get(changed.id), changed)
    assert held == before


def result(day: int, value: str, status: str) -> bytes:
    head = f"MSH|^~\\&|LAB|HAUS|GW|NETZ|202611{day:02}||ORU^R01|R{day}|P|2.5\r"
    obx = f"OBX|1|NM|2951-2^Natrium^LN||{value}|mmol/l|||||{status}\r"
    return f"{head}PID|1||4711^^^HAUS\rOBR|1|A1|B1|K^Labor^L\r{obx}".encode()


@pytest.mark.parametrize(
    ("told", "status", "value"),
    [
        ((result(1, "130", "P"), result(2, "135", "F"), result(3, "138", "C")), "corrected", 138),
        ((result(1, "130", "F"), result(2, "", "D")), "entered-in-error", 130),
        ((result(1, "130", "F"), result(2, "", "W")), "entered-in-error", 130),
        ((result(1, "130", "P"), result(2, "", "X")), "cancelled", None),
        ((result(1, "", "X"), result(2, "131", "F")), "final", 131),
    ],
)
def test_a_result_has_a_value_or_a_reason_for_none_whatever_the_order(
    told: tuple[bytes, ...], status: str, value: int | None
) -> None:
    for order in itertools.permutations(told):
        made = next(r for r in after(*order).values() if r["resourceType"] == "Observation")
        assert made["status"] == status
        assert made.get("valueQuantity", {}).get("value") == value
        assert ("dataAbsentReason" in made) is (value is None)
