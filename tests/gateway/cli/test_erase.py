"""`gateway erase`: nothing of the person stays, everything of others does, and the log says so."""

from __future__ import annotations

import sqlite3

import pytest

ORDER = ("--legal-basis", "Art. 17 (1) a DSGVO", "--ordered-by", "Datenschutzbeauftragte")
ADMISSION = (
    "MSH|^~\\&|KIS|KLINIKUM|GATEWAY|REGION|20260301101500||ADT^A01^ADT_A01|%(id)s|P|2.5|||||DEU|"
    "UNICODE UTF-8\r"
    "EVN|A01|20260301101500\r"
    "PID|1||%(number)s^^^KIS^PI||%(name)s^Anna^^^^^L||19610412|F\r"
    "PV1|1|I|CH1^204^2^KLINIKUM||||||||||||||||%(visit)s^^^KIS^VN\r"
)


@pytest.fixture
def stay(receive):
    """Take an admission in."""

    def admit(number, name, control_id):
        values = {"id": control_id, "number": number, "name": name, "visit": f"V{number}"}
        return receive((ADMISSION % values).encode())

    return admit


@pytest.fixture
def database(folder):
    """Ask the store's tables."""

    def ask(sql, *parameters):
        with sqlite3.connect(folder / "gateway.db") as connection:
            return connection.execute(sql, parameters).fetchall()

    return ask


def patients(database):
    return dict(database("SELECT resource, id FROM resource WHERE type = 'Patient'"))


def test_a_person_goes_with_everything_and_others_stay(gateway, stay, database):
    mine = [stay("1", "Gehend", "A1"), stay("1", "Gehend-Neu", "A2")]
    stay("2", "Bleibend", "B1")
    known = patients(database)
    number, name = next(iter(known.items()))
    others = database("SELECT count(*) FROM resource WHERE patient <> ?", number)[0][0]

    done = gateway("erase", name, *ORDER, "--yes", "--json")

    assert done.code == 0, done.err
    assert done.json["patients"] == [f"Patient/{name}"]
    assert done.json["messages"] == 2
    assert done.json["resources"] > 1
    assert done.json["keys"] >= 1
    assert database("SELECT count(*) FROM resource WHERE patient = ?", number) == [(0,)]
    assert database("SELECT count(*) FROM resource WHERE patient <> ?", number) == [(others,)]
    for table in ("message", "delivery"):
        assert database(f"SELECT count(*) FROM {table} WHERE patient = ?", number) == [(0,)]
    assert database("SELECT count(*) FROM message") == [(1,)]
    assert number not in patients(database)
    assert len(patients(database)) == 1
    listed = gateway("message", "list", "--json").json
    assert [one["message"] for one in listed] == [m for m in (1, 2, 3) if m not in mine]


def test_nothing_leads_to_what_is_gone(gateway, stay, database):
    stay("1", "Gehend", "A1")
    stay("2", "Bleibend", "B1")
    number, name = next(iter(patients(database).items()))
    gone = {row[0] for row in database("SELECT resource FROM resource WHERE patient = ?", number)}

    gateway("erase", name, *ORDER, "--yes")

    for table in ("date_term", "quantity_term", "string_term", "identifier", "version"):
        named = {row[0] for row in database(f"SELECT resource FROM {table}")}
        assert not named & gone, table
    bodies = {row[0] for row in database("SELECT body FROM body")}
    used = {row[0] for row in database("SELECT body FROM resource UNION SELECT body FROM version")}
    assert used <= bodies
    subjects = {row[0] for row in database("SELECT subject FROM data_key")}
    sealed = {row[0] for row in database("SELECT subject FROM body WHERE subject > 0")}
    assert sealed <= subjects


def test_the_log_keeps_who_erased_what_and_why_and_still_verifies(gateway, stay, database):
    stay("1", "Gehend", "A1")
    (name,) = patients(database).values()

    done = gateway("erase", f"Patient/{name}", *ORDER, "--yes", "--json")

    assert done.json["legal_basis"] == "Art. 17 (1) a DSGVO"
    assert done.json["ordered_by"] == "Datenschutzbeauftragte"
    assert done.json["audit_event"]
    assert gateway("audit", "verify").code == 0
    assert gateway("erase", name, *ORDER, "--yes").code == 2


def test_the_same_person_may_come_again(gateway, stay, database):
    stay("1", "Gehend", "A1")
    (before,) = patients(database)
    gateway("erase", patients(database)[before], *ORDER, "--yes")

    stay("1", "Gehend", "A9")

    assert len(patients(database)) == 1
    assert before not in patients(database)


@pytest.mark.parametrize(
    "arguments",
    [
        ("erase", "nobody", *ORDER, "--yes"),
        ("erase", "nobody", "--legal-basis", " ", "--ordered-by", "x", "--yes"),
        ("erase", "nobody", *ORDER),
        ("erase", "nobody", "--yes"),
    ],
)
def test_an_order_that_cannot_be_meant_erases_nothing(gateway, stay, database, arguments):
    stay("1", "Gehend", "A1")

    done = gateway(*arguments)

    assert done.code == 2
    assert done.err.count("\n") == 1
    assert len(patients(database)) == 1
