"""Never a wrong patient: records of practices, devices and laboratories that name another one."""

from __future__ import annotations

import json

import pytest

from gateway.domain.region import Route
from gateway.pipeline.batch import record_batch
from gateway.pipeline.claim import claim
from gateway.pipeline.identify import PATIENT
from gateway.pipeline.message import Item
from gateway.store.replaying import reopen
from gateway.store.unit import unit_of

KVNR, OTHER = "T987654328", "A123456780"


@pytest.fixture
def practice(world, build):
    """A practice whose devices deliver into a folder; results go to the hospital."""
    route = Route(
        id="befunde",
        sources=("pvs",),
        criteria="DiagnosticReport",
        to=("klinik",),
        legal_basis="§ 630a BGB",
        controller="praxis",
    )
    patients = Route(**{**_fields(route), "id": "stammdaten", "criteria": "Patient"})
    known = dict(build.region().endpoints) | {"klinik": build.outgoing("klinik", "klinikum")}
    world.use(
        build.region(
            endpoints=known,
            routes={one.id: one for one in (route, patients)},
            policy={"implicit": "permit-treatment"},
        )
    )
    return world


def _fields(route):
    return {name: getattr(route, name) for name in route.__dataclass_fields__}


def line(fk, content):
    data = f"{fk}{content}".encode("cp1252")
    return b"%03d" % (len(data) + 5) + data + b"\r\n"


def fields(*pairs):
    return b"".join(line(fk, content) for fk, content in pairs)


def person(number="4711", family="Weiß", given="Änne", birth="03051990", kvnr=KVNR):
    stated = {"3000": number, "3101": family, "3102": given, "3103": birth, "3105": kvnr}
    return [(fk, content) for fk, content in stated.items() if content]


def gdt(result="148", **who):
    result_of = [("8402", "BDM01"), ("8410", "SYS"), ("8411", "Blutdruck systolisch")]
    result_of += [("8420", result), ("8421", "mmHg"), ("8432", "04112026")]
    head = [("8000", "6310"), ("8316", "KARDIO"), ("9206", "3"), ("9218", "02.10")]
    return fields(*head, *person(**who), *result_of)


def master(**who):
    return fields(("8000", "6301"), ("9206", "3"), ("9218", "02.10"), *person(**who))


def bdt(**who):
    day = [("6200", "04112026"), ("6220", "Husten seit drei Tagen")]
    return fields(("8000", "6200"), *person(**who), *day)


def send(world, data, control):
    item = world.item(data, endpoint="pvs", format="xdt", control=control)
    (done,) = world.record(item)
    return done


def reason(world, message):
    ((state, why),) = world.query("SELECT state, reason FROM message WHERE message = ?", message)
    return state, why


def names(world):
    """Family, given and birth date of every stored Patient."""
    numbers = [
        row[0] for row in world.query("SELECT resource FROM resource WHERE type = ?", PATIENT)
    ]
    found = world.do(lambda tx: tx.current_by_number(numbers))
    bodies = [json.loads(one.body) for one in found.values()]
    return sorted(
        (b["name"][0]["family"], *b["name"][0]["given"], b.get("birthDate", "")) for b in bodies
    )


WRONG = {
    "other name and birth date": {"family": "Kurz", "given": "Otto", "birth": "11111950"},
    "other KVNR, name and birth date": {
        "family": "Kurz",
        "given": "Otto",
        "birth": "11111950",
        "kvnr": OTHER,
    },
    "same KVNR, other name": {"family": "Kurz", "given": "Otto"},
    "twin": {"given": "Otto", "kvnr": ""},
    "newborn on its mother's insurance": {"given": "Mia", "birth": "01112026"},
    "placeholder": {"family": "Notfall", "given": "Patient", "birth": "", "kvnr": ""},
}


@pytest.mark.parametrize("make", [gdt, bdt], ids=["gdt", "bdt"])
@pytest.mark.parametrize("who", WRONG.values(), ids=WRONG)
def test_a_known_number_with_somebody_else_s_name_is_held_and_nothing_is_sent(practice, make, who):
    send(practice, master(), "1")
    before = len(practice.deliveries())

    done = send(practice, make(**who), "2")

    assert reason(practice, done.message) == ("quarantined", "other-person")
    assert len(practice.deliveries()) == before
    assert names(practice) == [("Weiß", "Änne", "1990-05-03")]


RIGHT = {
    "the same": {},
    "umlauts written out": {"family": "Weiss", "given": "Aenne", "kvnr": ""},
    "changed surname after marriage": {"family": "Weiß-Kurz", "kvnr": ""},
    "other surname after marriage": {"family": "Kurz", "kvnr": ""},
    "missing birth date": {"birth": "", "kvnr": ""},
    "only the number": {"family": "", "given": "", "birth": "", "kvnr": ""},
    "corrected birth date, same KVNR": {"birth": "05031990"},
}


@pytest.mark.parametrize("who", RIGHT.values(), ids=RIGHT)
def test_what_fits_the_known_patient_goes_on(practice, who):
    send(practice, master(), "1")

    done = send(practice, gdt(**who), "2")

    assert reason(practice, done.message) == ("routed", "")
    assert [d.reason for d in practice.deliveries(message=done.message)] == ["permit"]
    assert len(names(practice)) == 1


def test_within_one_batch_it_is_held_as_well(practice):
    wrong = gdt(family="Kurz", given="Otto", birth="11111950", kvnr="")
    items = [
        practice.item(data, endpoint="pvs", format="xdt", control=str(number))
        for number, data in enumerate((master(), wrong, gdt()))
    ]

    done = practice.record(*items)

    assert [one.outcome.value for one in done] == ["stored", "quarantined", "stored"]


def test_a_person_may_say_that_it_is_the_patient_all_the_same(practice):
    send(practice, master(), "1")
    data = gdt(birth="03051991", kvnr="")
    done = send(practice, data, "2")
    assert reason(practice, done.message) == ("quarantined", "other-person")

    item = practice.item(data, endpoint="pvs", format="xdt", control="2")
    again = Item(item.arrival, item.translated, done.message, confirmed=True)

    practice.do(lambda tx: reopen(unit_of(tx), [done.message]))
    practice.do(lambda tx: record_batch(tx, [again], practice.site))

    assert reason(practice, done.message) == ("routed", "")
    assert len(practice.deliveries(message=done.message)) == 1


@pytest.mark.parametrize(
    "who",
    [
        {"family": "Kurz", "given": "Otto", "birth": "11111950"},
        {"given": "Otto"},
        {"given": "Mia", "birth": "01112026"},
    ],
    ids=["other person", "twin", "newborn"],
)
def test_a_kvnr_of_somebody_else_under_another_number_is_a_case_and_waits(practice, who):
    send(practice, master(), "1")

    done = send(practice, gdt(number="4712", **who), "2")

    assert [d.reason for d in practice.deliveries(message=done.message)] == ["identity-case"]
    ready = practice.do(lambda tx: claim(tx, practice.site, {"klinik": 9})).ready
    assert done.message not in {one.delivery.message_id for one in ready}
    assert len(names(practice)) == 2
    assert practice.query("SELECT count(*) FROM link_event WHERE open = 1")[0][0] == 1


def test_twins_without_kvnr_under_their_own_numbers_are_two_patients(practice):
    send(practice, master(kvnr=""), "1")

    done = send(practice, gdt(number="4712", given="Otto", kvnr=""), "2")

    assert [d.reason for d in practice.deliveries(message=done.message)] == ["permit"]
    assert len(names(practice)) == 2


def document(**changes):
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [{"system": "https://pvs.example/patienten", "value": "4711"}],
        "name": [{"family": "Weiß", "given": ["Änne"]}],
        "birthDate": "1990-05-03",
        **changes,
    }
    composition = {
        "resourceType": "Composition",
        "id": f"c{len(changes)}",
        "status": "final",
        "type": {"text": "Brief"},
        "subject": {"reference": "Patient/p"},
        "date": "2026-11-04",
        "author": [{"display": "Dr. Weber"}],
        "title": "Brief",
    }
    entries = [{"resource": composition}, {"resource": patient}]
    return json.dumps({"resourceType": "Bundle", "type": "document", "entry": entries}).encode()


def test_a_document_that_names_somebody_else_by_a_known_number_is_held(practice):
    other = {"name": [{"family": "Kurz", "given": ["Otto"]}], "birthDate": "1950-11-11"}
    items = [
        practice.item(data, endpoint="pvs", format="fhir_r4", control=str(number))
        for number, data in enumerate((document(), document(**other)))
    ]

    first, second = practice.record(*items)

    assert reason(practice, first.message)[0] == "routed"
    assert reason(practice, second.message) == ("quarantined", "other-person")


def test_a_private_insurer_s_name_of_the_number_links_the_same_person(practice):
    send(practice, master(), "1")
    insured = [{"system": "http://fhir.de/sid/pkv/kvid-10", "value": KVNR}]
    item = practice.item(
        document(identifier=insured), endpoint="pvs", format="fhir_r4", control="2"
    )
    practice.record(item)

    numbers = [
        row[0] for row in practice.query("SELECT resource FROM resource WHERE type = ?", PATIENT)
    ]
    persons = practice.do(lambda tx: tx.linked(numbers))
    assert len(numbers) == 2
    assert {tuple(sorted(one)) for one in persons.values()} == {tuple(sorted(numbers))}
