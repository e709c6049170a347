"""What `gateway check` finds, and that it says what to write instead."""

from __future__ import annotations

import pytest

from gateway.configuration import load


def _errors(configuration):
    return [issue.text for issue in configuration.errors]


def test_what_init_makes_has_no_findings(folder):
    assert load(folder).problems == ()


def test_a_plain_listener_outside_loopback_names_the_missing_lines(changed):
    errors = _errors(changed('listen = "127.0.0.1:2575"', 'listen = "0.0.0.0:2575"'))

    assert len(errors) == 2
    assert 'add peers = ["10.20.0.5/32"]' in errors[0]
    assert 'add sending_application = ["KIS"]' in errors[1]


def test_a_listener_with_peers_and_senders_may_leave_loopback(changed):
    configuration = changed(
        'listen = "127.0.0.1:2575"',
        'listen = "0.0.0.0:2575"\npeers = ["10.20.0.5/32"]\nsending_application = ["KIS"]',
    )

    assert configuration.errors == ()


def test_no_authentication_is_for_loopback_only(changed):
    assert changed('authentication = "token"', 'authentication = "none"').errors == ()
    errors = _errors(changed('listen = "127.0.0.1:8080"', 'listen = "0.0.0.0:8080"'))
    assert (
        'authentication = "none" is accepted only while every listener is on loopback' in errors[0]
    )


def test_tokens_over_plain_http_beyond_loopback_are_a_warning(changed):
    configuration = changed('listen = "127.0.0.1:8080"', 'listen = "10.0.0.1:8080"')

    assert configuration.errors == ()
    assert "unprotected" in configuration.problems[0].text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "idempotent = true          # may",
            "# may",
            "add idempotent = true or idempotent = false",
        ),
        ('dialect = "klinikum"       #', 'dialect = "other" #', "there is no dialects/other.toml"),
        ('to = ["Patient.gen', 'to = ["praxis-webber", "Patient.gen', "did you mean 'praxis-weber"),
        ('from = ["klinikum-adt"', 'from = ["klinikum-atd"', "did you mean 'klinikum-adt'"),
        ("DocumentReference?type=", "DocumentReference?tipe=", "criteria:"),
        ('criteria = "Doc', 'criteria = "Dok', "criteria:"),
        ('controller = "klinikum"', 'controller = "nobody"', "controller names no organization"),
        ('legal_basis = "Ein', 'legal_basis = " " # "', "legal_basis is empty"),
        ('kind = "hospital"', 'kind = "clinic"', "kind must be one of hospital, practice"),
        ('retain = "90d"', "retain = 90", "retain must be a duration"),
        (
            'connection_type = "hl7v2-mllp"',
            'connection_type = "hl7-mllp"',
            "did you mean hl7v2-mllp",
        ),
        ('direction = "out"', 'direction = "outgoing"', "direction must be one of in, out"),
        ('organization = "praxis-weber"\nconn', 'organization = "x"\nconn', "no organization 'x'"),
        ('address = "http://127', 'address = "ftp://127', "http(s)://host/path"),
        ('address = "http://127', 'address = "http://u:p@127', "no password in address"),
        ('lanr = "123456601"', 'lanr = "12345"', "lanr has nine digits"),
        ("sqlite:///gateway.db", "mysql://x", "url starts with sqlite:///"),
        ('url = "sqlite:///gateway.db"', 'url = "postgresql://u:p@h/d"', "no password in url"),
        ('implicit = "deny"', 'implicit = "allow"', "[consent]"),
        ('folder = "keys"', 'folder = "other"', "the file is missing"),
        ('id = "klinikum-http"', 'id = "klinikum-adt"', "the id is used twice"),
        ('id = "discharge-letters"', 'id = "Entlassbriefe für alle"', "an id has letters"),
        ('listen = "127.0.0.1:2575"', 'listen = "2575"', "is not host:port"),
        ('storage = "transit" ', 'storrage = "transit" ', "did you mean 'storage'"),
    ],
)
def test_a_fault_is_found_and_named(changed, old, new, expected):
    assert any(expected in text for text in _errors(changed(old, new)))


def test_an_organization_with_several_endpoints_is_not_guessed(changed):
    configuration = changed(
        'to = ["Patient.generalPractitioner"]',
        'to = ["praxis-weber"]',
        append="""
[[endpoint]]
id = "praxis-weber-2"
organization = "praxis-weber"
connection_type = "hl7v2-mllp"
direction = "out"
address = "127.0.0.1:2600"
idempotent = false
""",
    )

    assert "name one of praxis-weber-2, praxis-weber-fhir" in _errors(configuration)[0]


def test_a_place_nobody_is_named_at_is_pointed_out(changed):
    configuration = changed("Patient.generalPractitioner", "Patient.generalPractioner")

    assert configuration.errors == ()
    assert "see Patient.generalPractitioner" in configuration.problems[0].text


def test_keys_others_can_read_are_refused(folder):
    (folder / "keys" / "data.key").chmod(0o444)

    assert "chmod 0400 data.key" in _errors(load(folder))[0]


def test_a_key_that_is_no_key_is_refused(folder):
    key = folder / "keys" / "index.key"
    key.chmod(0o600)
    key.write_text("abc", encoding="ascii")

    assert "index.key: must hold 32 bytes in hexadecimal" in _errors(load(folder))[0]


def test_two_listeners_do_not_share_an_address(changed):
    configuration = changed(
        append="""
[[endpoint]]
id = "second"
organization = "klinikum"
connection_type = "hl7v2-mllp"
direction = "in"
listen = "127.0.0.1:2575"
"""
    )

    assert "klinikum-adt already listens there" in _errors(configuration)[0]


def test_everything_wrong_is_reported_at_once(changed):
    configuration = changed('kind = "hospital"', 'kind = "x"', append='\n[[route]]\nid = "r"\n')

    assert len(configuration.errors) > 4
