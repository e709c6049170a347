"""Hostile HTTP against the serving process: parsers, isolation, search, addresses, logs."""

from __future__ import annotations

import json
import socket

import pytest

SYSTEM = "https://praxis-weber.example/patienten"
PATIENTS = "https://klinikum-am-ring.example/patienten"
#: Stand where names, numbers and dates of people stand, and where systems name themselves.
CANARY = "ZZKANARIENVOGEL"
SENDER = "ZZSENDERVOGEL"
#: What no patient stands behind; a custodian that shares shares its directory.
#: What a message says of houses, people and machines, not of its patient.
DIRECTORY = {"Device", "Location", "Organization", "Practitioner", "PractitionerRole"}


def patient(number="anna", **elements):
    identifier = [{"system": SYSTEM, "value": number}]
    return {"resourceType": "Patient", "id": number, "identifier": identifier, **elements}


def observation(number, value):
    return {
        "resourceType": "Observation",
        "id": number,
        "identifier": [{"system": SYSTEM, "value": number}],
        "status": "final",
        "code": {"text": "Probe"},
        "subject": {"reference": "Patient/anna"},
        "valueQuantity": {"value": value},
    }


def entry(resource, url=None):
    name = f"{resource['resourceType']}/{resource['id']}"
    return {
        "fullUrl": f"https://praxis-weber.example/fhir/{name}",
        "resource": resource,
        "request": {"method": "PUT", "url": url or name},
    }


def bundle(*entries):
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def nested(depth):
    extension = {"url": "https://example.org/e", "valueString": "x"}
    for _ in range(depth):
        extension = {"url": "https://example.org/e", "extension": [extension]}
    return extension


@pytest.fixture
def gateway(told):
    """After every attack the process lives and serves."""
    yield told.gateway
    assert told.gateway.get("metadata", "klinikum").status_code == 200


@pytest.fixture
def post(gateway):
    """Post a body as the practice; give status, issue code and text."""

    def send(body):
        answer = gateway.post("praxis-weber-senden", body, "praxis-weber")
        outcome = answer.json()
        assert outcome["resourceType"] == "OperationOutcome"
        return answer.status_code, outcome["issue"][0]["code"], answer.text

    return send


# parsers: rows 1 to 9 --------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            bundle(entry(patient())).replace('"id": "anna"', '"id": "anna", "id": "berta"'),
            id="the same name twice",
        ),
        *(
            pytest.param(bundle(entry(observation("zahl", "@"))).replace('"@"', text), id=text)
            for text in ("NaN", "Infinity", "-Infinity", "1e999")
        ),
        pytest.param("[" * 100_000, id="a hundred thousand brackets"),
        pytest.param(bundle(entry(patient(extension=[nested(200)]))), id="two hundred extensions"),
        *(
            pytest.param(bundle(entry(patient(name=[{"family": "@"}]))).replace("@", text), id=text)
            for text in (r"\ud800", r"a\u0000b", r"a\u001b[31mb")
        ),
        pytest.param(b"\xff\xfe{}", id="no UTF-8"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_clean_json_is_not_understood(post, body):
    status, code, _ = post(body)

    assert (status, code) == (400, "structure")


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({**observation("o1", 1), "status": "foo"}, "code-invalid"),
        ({**patient(), "id": "a" * 65}, "value"),
        (patient(birthDate="gestern"), "value"),
        (patient(unbekannt=1), "structure"),
    ],
)
def test_what_breaks_a_rule_of_fhir_is_the_senders_to_repair(post, resource, expected):
    status, code, text = post(bundle(entry(resource)))

    assert (status, code) == (422, expected)
    assert "foo" not in text
    assert "gestern" not in text


def test_a_consent_with_an_unknown_type_is_never_stored(post, records):
    consent = (records / "consent_given.json").read_text("utf-8")

    status, code, _ = post(consent.replace('"type": "permit"', '"type": "maybe"'))

    assert (status, code) == (422, "code-invalid")


def test_a_decimal_comes_back_as_it_was_written(gateway, post):
    body = bundle(entry(patient()), entry(observation("dezimal", "@"))).replace('"@"', "1.00")
    assert post(body)[0] == 200

    found = gateway.get(f"Observation?identifier={SYSTEM}|dezimal", "praxis-weber")
    one = found.json()["entry"][0]["resource"]["id"]

    assert '"value":1.00}' in found.text
    assert '"value":1.00}' in gateway.get(f"Observation/{one}", "praxis-weber").text


def test_a_bundle_of_two_hundred_thousand_entries_is_too_much(post):
    body = '{"resourceType":"Bundle","type":"transaction","entry":[' + ",".join(200_000 * ["{}"])

    assert post(body + "]}")[:2] == (413, "too-costly")


def test_a_body_without_length_is_cut_at_the_limit(gateway):
    """2 MB are allowed here; the process must not read the hundred that are offered."""
    head = (
        "POST /inbound/praxis-weber-senden HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n"
        f"Authorization: {gateway.bearer('praxis-weber')['Authorization']}\r\n\r\n"
    )
    chunk = b"f4240\r\n" + 1_000_000 * b" " + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=20) as connection:
        connection.sendall(head.encode())
        connection.settimeout(5)
        try:
            while sent < 100:
                connection.sendall(chunk)
                sent += 1
        except OSError:
            pass
        answer = connection.recv(200) if sent == 100 else b"HTTP/1.1 413"

    assert answer.startswith(b"HTTP/1.1 413")


# isolation: row 32 -----------------------------------------------------------------------


@pytest.fixture
def stored(gateway):
    """One id of every type of resource the hospital's messages made about patients."""
    types = gateway.get("metadata", "klinikum").json()["rest"][0]["resource"]
    found = {}
    for kind in {one["type"] for one in types} - DIRECTORY:
        answer = gateway.get(f"{kind}?_count=1", "klinikum").json()
        if answer.get("entry"):
            found[kind] = answer["entry"][0]["resource"]["id"]
    return found


def test_hidden_and_missing_are_the_same_bytes_for_every_type(gateway, stored):
    assert {"Patient", "Encounter", "Observation", "DocumentReference", "Binary"} <= set(stored)
    for kind, known in stored.items():
        for path in ("{}", "{}/_history/1", "{}/_history/99", "{}/_history", "{}/$everything"):
            hidden = seen_by_agency(gateway, f"{kind}/{path.format(known)}")
            missing = seen_by_agency(gateway, f"{kind}/{path.format(known[::-1])}")
            assert hidden == missing, (kind, path)
            assert hidden[0] == 404, (kind, path)


def test_no_search_of_any_type_shows_what_is_hidden(gateway, stored):
    for kind, known in stored.items():
        for query in (f"{kind}?_id={known}", kind, f"{kind}?_id={known}&_summary=count"):
            answer = gateway.get(query, "sozialberatung").json()
            shown = [e for e in answer.get("entry", []) if e["search"]["mode"] == "match"]
            assert (answer["total"], shown) == (0, []), (kind, query)


def seen_by_agency(gateway, path):
    answer = gateway.get(path, "sozialberatung")
    headers = [(k, v) for k, v in answer.headers.multi_items() if k.lower() != "date"]
    return answer.status_code, headers, answer.content


# search and transactions: rows 39 and 42 -------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "name=a%27%20OR%201=1--",
        "name=%22%3B%20DROP%20TABLE%20resource%3B--",
        "_id=../../",
        "identifier=sys|val|x",
        "birthdate=ge2020;drop",
        "_id=" + ",".join(map(str, range(3000))),
        "name=%25%25%25",
        "name=_____",
        "name=*",
        "_lastUpdated=garbage",
        "family=%00",
        "family=%FF",
        "_count=-1",
        "_count=99999999999999999999",
        "_page=geraten",
        "&".join(100 * ["family=a"]),
        "name:regex=.*",
        "_has:Condition:patient:code=F20.0",
        "general-practitioner:Practitioner.name=x",
    ],
)
def test_a_hostile_search_finds_nothing_or_is_refused(gateway, query):
    answer = gateway.get(f"Patient?{query}", "klinikum")

    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert not [e for e in answer.json().get("entry", []) if e["search"]["mode"] == "match"]
    else:
        assert answer.json()["resourceType"] == "OperationOutcome"


def test_one_bad_entry_among_fifty_stores_none(gateway, post):
    entries = [entry(patient(f"viele-{number}")) for number in range(50)]
    entries[27]["resource"]["birthDate"] = "gestern"

    assert post(bundle(*entries))[0] == 422
    found = gateway.get(f"Patient?identifier={SYSTEM}|viele-1", "praxis-weber").json()
    assert found["total"] == 0


def test_the_same_full_url_twice_is_refused(post):
    one, other = entry(patient("zwei-1")), entry(patient("zwei-2"))
    other["fullUrl"] = one["fullUrl"]

    assert post(bundle(one, other))[0] == 422


@pytest.mark.parametrize(
    "url",
    ["../admin", "http://other/fhir/Patient/1", "//other/Patient/1", "/Patient/1", "Patient/../x"],
)
def test_an_entry_names_no_other_place(post, url):
    assert post(bundle(entry(patient("ort"), url)))[0] == 422


def test_references_in_a_circle_are_stored_and_end(post):
    def linked(own, other):
        link = [{"other": {"reference": f"Patient/{other}"}, "type": "seealso"}]
        return entry(patient(own, link=link))

    assert post(bundle(linked("kreis-1", "kreis-2"), linked("kreis-2", "kreis-1")))[0] == 200


# addresses: row 49 -----------------------------------------------------------------------


def raw(gateway, target, host="127.0.0.1", token=""):
    """Send a request as written and return the status."""
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    head += f"Authorization: Bearer {token}\r\n\r\n" if token else "\r\n"
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=10) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("host", ["a/b?c", "evil.example/fhir/metadata?", "x@y", "127.0.0.1:1"])
def test_a_poisoned_host_header_opens_nothing(gateway, host):
    assert raw(gateway, "/fhir/Patient", host) in {400, 401}


@pytest.mark.parametrize(
    "target",
    [
        "//fhir/Patient",
        "//health/live/../../fhir/Patient",
        "/health/live/%2e%2e/%2e%2e/fhir/Patient",
        "/health/live/%252e%252e/%252e%252e/fhir/Patient",
        "/fhir/metadata/../Patient",
        "/fhir/metadata%2f..%2fPatient",
        "/fhir/Patient/",
        "/fhir/Patient.",
        "/FHIR/Patient",
        "/fhir/metadata/",
        "/fhir/metadata;/../Patient",
        "http://other.example/fhir/Patient",
        "*",
    ],
)
def test_no_spelling_of_an_address_goes_round_the_door(gateway, target):
    """Refused without a token; with one not understood, or an address of its own."""
    assert raw(gateway, target) in {400, 401, 404}
    # An absolute form is an address, and a search may end with a slash.
    if not target.startswith("http://") and target != "/fhir/Patient/":
        assert raw(gateway, target, token=gateway.token("klinikum")) in {400, 404}


# logs: rows 57 and 58 --------------------------------------------------------------------


@pytest.fixture
def sung(gateway):
    """Every way in has carried the canary's name once, some of them fail."""
    practice = "praxis-weber"
    named = patient("kanarie", name=[{"family": CANARY}], birthDate="1960-01-01")
    broken = patient(CANARY, name=[{"family": CANARY}], birthDate=CANARY)
    gateway.post("praxis-weber-senden", bundle(entry(named)), practice)
    gateway.post("praxis-weber-senden", bundle(entry(broken)), practice)
    gateway.post("praxis-weber-senden", f'{{"{CANARY}":', practice)
    gateway.post(f"{CANARY}", "{}", practice)
    header = f"MSH|^~\\&|{SENDER}|{SENDER}|GATEWAY|REGION|20261120||ADT^A04|{SENDER}|P|2.5"
    for rest in (f"\rPID|1||{CANARY}^^^K^PI||{CANARY}\rPV1|1|O\r", f"\rPV1|1|{CANARY}\r"):
        gateway.mllp_send((header + rest).encode())
        er7 = {"Content-Type": "x-application/hl7-v2+er7"}
        gateway.post("klinikum-http", (header + rest).encode(), "klinikum", **er7)
    for path in (
        f"Patient?name={CANARY}",
        f"Patient?{CANARY}=1",
        f"Patient?birthdate={CANARY}",
        f"Patient/{CANARY}",
        f"{CANARY}/1",
        f"Patient/1/_history/{CANARY}",
        f"Patient?_page={CANARY}",
    ):
        for caller in ("klinikum", practice, CANARY):
            gateway.get(path, caller)
    injected = {
        "User-Agent": f"{CANARY}\x1b[31m ${{jndi:ldap://x}} %(asctime)s",
        "X-Request-Id": CANARY,
        "Referer": f"https://{CANARY}.example",
        "Accept": CANARY,
        "X-Long": CANARY + 10_000 * "x",
    }
    gateway.get("Patient", practice, **injected)
    gateway.get("Patient", practice, **{"X-Long": 50_000 * "x"})
    return gateway


def test_no_name_reaches_the_logs_the_metrics_or_health(sung):
    shown = [
        sung.log,
        sung.text("/metrics"),
        sung.text("/health/ready"),
        json.dumps(sung.command("worklist")),
        json.dumps(sung.command("status")),
    ]

    for word in (CANARY, SENDER):
        assert [word.lower() in text.lower() for text in shown] == 5 * [False]


def test_every_log_line_is_one_short_json_object(sung):
    lines = sung.log.splitlines()

    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict)
        assert len(line) <= 2_000


def test_the_store_keeps_no_name_and_no_number_of_a_person_as_it_was_written(sung):
    """Folded beginnings of names stand in a search index: the stated residual risk."""
    files = [sung.folder / name for name in ("gateway.db", "gateway.db-wal")]
    data = b"".join(file.read_bytes() for file in files if file.exists())

    assert CANARY.encode() not in data
    assert b"H512605190" not in data
