"""The demo region's partners: they work, misbehave on demand, and know nothing of the gateway."""

from __future__ import annotations

import ast
import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import hl7
import pytest

from conformance.partners import practice as practice_module
from gateway.domain.region import Endpoint
from gateway.domain.transport import (
    Outgoing,
    PartnerRefused,
    PartnerUnavailable,
    PartnerUncertain,
    Sent,
)
from gateway.endpoints import connection_type

A01 = (
    "MSH|^~\\&|KIS|KLINIKUM|GW|NETZ|20260101||ADT^A01^ADT_A01|1|P|2.5||||||8859/1\r"
    "EVN|A01|20260101\rPID|1||77^^^KLINIKUM^PI~X110411675^^^&1.2.276.0.76.4.8&ISO^NI||Groß^Käthe\r"
    "PV1|1|I|||||||||||||||||99^^^KLINIKUM^VN\r"
).encode("latin-1")
A03 = A01.replace(b"A01", b"A03").replace(b"|1|P|", b"|2|P|")
AL = A01.replace(b"|P|2.5||||||", b"|P|2.5|||AL|NE||")


@pytest.fixture
def files(tmp_path):
    for name, message in (("a01.hl7", A01), ("a03.hl7", A03), ("al.hl7", AL)):
        (tmp_path / name).write_bytes(message)
    (tmp_path / "both.mllp").write_bytes(b"\x0b" + A01 + b"\x1c\r\x0b" + A03 + b"\x1c\r")
    return tmp_path


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_hospital_sends_its_files_as_they_are_and_tells_each_answer(partner, hospital, files):
    with partner("mllp_sink", "--bodies", files, "--output", files / "out") as sink:
        code, lines, summary = hospital("--to", sink.at, files / "a01.hl7", files / "al.hl7")
        assert code == 0
        assert [(line["control_id"], line["code"]) for line in lines] == [("1", "AA"), ("1", "CA")]
        assert (summary["sent"], summary["accepted"]) == (2, 2)
        code, lines, _ = hospital("--to", sink.at, files / "both.mllp")
        assert [line["control_id"] for line in lines] == ["1", "2"]
        end = sink.stop()
    assert (end["received"], end["distinct"]) == (4, 2)
    assert (files / "000001.hl7").read_bytes() == A01
    received = read_lines(files / "out")
    assert [line["message_type"] for line in received[2:]] == ["ADT^A01^ADT_A01", "ADT^A03^ADT_A03"]
    assert {line["patient"] for line in received} == {"77"}


def test_varied_messages_keep_each_patients_order_and_differ_in_ids(partner, hospital, files):
    with partner("mllp_sink", "--bodies", files, "--output", files / "out") as sink:
        arguments = ["--count", 60, "--connections", 4, "--patients", 7, "--vary", "--summary"]
        code, _, summary = hospital(
            "--to", sink.at, *arguments, files / "a01.hl7", files / "a03.hl7"
        )
        assert (code, summary["accepted"]) == (0, 60)
        end = sink.stop()
    assert end["distinct"] == 60
    received = read_lines(files / "out")
    patients = {line["patient"] for line in received}
    assert len(patients) == 7
    for patient in patients:
        own = [line for line in received if line["patient"] == patient]
        assert [line["recorded"] for line in own] == sorted(line["recorded"] for line in own)
        assert [line["message_type"][4:7] for line in own][:2] == ["A01", "A03"]
    message = hl7.parse((files / "000001.hl7").read_bytes().decode("latin-1"))
    assert str(message["PID"][0][3][0]).endswith("^^^KLINIKUM^PI")
    assert right_check_digit(str(message["PID"][0][3][1][0][0]))


def right_check_digit(kvnr):
    digits = f"{ord(kvnr[0]) - 64:02d}{kvnr[1:9]}"
    products = [int(digit) * (1, 2)[place % 2] for place, digit in enumerate(digits)]
    return sum(n // 10 + n % 10 for n in products) % 10 == int(kvnr[9])


def test_variation_is_the_same_again_for_the_same_start(partner, hospital, files):
    options = ["--vary", "--count", 5, "--start", "2026-01-01T00:00:00+01:00"]
    seen = []
    for output in (files / "first", files / "second"):
        with partner("mllp_sink", "--output", output) as sink:
            hospital("--to", sink.at, *options, files / "a01.hl7")
        seen.append([line["sha256"] for line in read_lines(output)])
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 5


def test_a_hospital_reports_what_was_not_accepted(partner, hospital, files):
    with partner("mllp_sink", "--mode", "reject-ae", "--every", 2) as sink:
        code, lines, summary = hospital("--to", sink.at, "--count", 4, files / "a01.hl7")
    assert (code, summary["codes"]) == (1, {"AA": 2, "AE": 2})
    assert [line["code"] for line in lines] == ["AA", "AE", "AA", "AE"]
    with partner("mllp_sink", "--mode", "wrong-id") as sink:
        code, _, summary = hospital("--to", sink.at, files / "a01.hl7")
    assert (code, summary["codes"]) == (1, {"AA for another message": 1})


def test_a_hospital_sends_again_until_it_is_answered(partner, hospital, files):
    with partner("mllp_sink", "--mode", "reset", "--first", 2) as sink:
        code, _, summary = hospital("--to", sink.at, "--again", "--count", 3, files / "a01.hl7")
        end = sink.stop()
    assert (code, summary["resent"], summary["accepted"]) == (0, 2, 3)
    assert end["received"] == 5


def test_a_hospital_whose_receiver_is_gone_gives_up_with_a_line(hospital, partner, files):
    with partner("mllp_sink") as sink:
        sink.stop()
        code, lines, summary = hospital("--to", sink.at, files / "a01.hl7")
    assert (code, lines[0]["code"], summary["codes"]) == (1, "none", {"none": 1})


@pytest.mark.parametrize("name", ["mllp_sink", "practice"])
@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "abandoned"])
def test_partners_end_when_told_and_when_left_alone(partner, name, end):
    with partner(name) as process:
        last = process.abandon() if end == "abandoned" else process.stop(getattr(signal, end))
        assert last["received"] == 0


@pytest.fixture
def attempt():
    """Send one message with the gateway's own sender and return what came of it."""

    def send(kind, address, payload, *, deadline=1.0, times=1):
        endpoint = Endpoint(
            id="e", organization="o", connection_type=kind, direction="out", address=address
        )

        async def main():
            sender = connection_type(kind).make_sender(endpoint)
            outcome = None
            for _ in range(times):
                try:
                    outcome = await sender.send(Outgoing("e", payload, "1", "", deadline))
                except (PartnerRefused, PartnerUnavailable, PartnerUncertain) as error:
                    outcome = error
            await sender.close()
            return outcome

        return asyncio.run(main())

    return send


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("accept", Sent),
        ("reject-ae", PartnerRefused),
        ("reject-ar", PartnerRefused),
        ("wrong-id", PartnerUncertain),
        ("silent", PartnerUncertain),
        ("close", PartnerUncertain),
        ("reset", PartnerUncertain),
        ("half", PartnerUncertain),
        ("garbage", PartnerUncertain),
        ("slow", PartnerUncertain),
        ("drip", PartnerUncertain),
        ("twice", Sent),
    ],
)
def test_every_way_a_receiver_behaves_has_its_class(partner, attempt, mode, outcome):
    with partner("mllp_sink", "--mode", mode, "--delay", "2") as sink:
        assert isinstance(attempt("hl7v2-mllp", f"mllp://{sink.at}", A01, deadline=0.5), outcome)


def test_a_receiver_may_cut_a_long_message(partner, attempt):
    with partner("mllp_sink", "--close-after-bytes", 100_000) as sink:
        payload = A01 + b"OBX|" + b"x" * 3_000_000
        assert isinstance(attempt("hl7v2-mllp", f"mllp://{sink.at}", payload), PartnerUncertain)


BUNDLE = {
    "resourceType": "Bundle",
    "type": "transaction",
    "identifier": {"system": "urn:test", "value": "b-1"},
    "entry": [
        {
            "fullUrl": "urn:uuid:1",
            "resource": {
                "resourceType": "Patient",
                "identifier": [{"system": "urn:p", "value": "77"}],
            },
            "request": {"method": "PUT", "url": "Patient?identifier=urn:p|77"},
        },
        {
            "fullUrl": "urn:uuid:2",
            "resource": {
                "resourceType": "Encounter",
                "identifier": [{"system": "urn:e", "value": "9"}],
                "subject": {"reference": "urn:uuid:1"},
            },
            "request": {"method": "POST", "url": "Encounter", "ifNoneExist": "identifier=urn:e|9"},
        },
    ],
}


def raw(bundle):
    return json.dumps(bundle).encode()


def get(process, path):
    with urllib.request.urlopen(f"http://{process.at}{path}") as response:
        return json.loads(response.read())


def test_a_practice_stores_a_transaction_once_however_often_it_comes(partner, attempt):
    with partner("practice") as process:
        sent = attempt("hl7-fhir-rest", f"http://{process.at}/fhir", raw(BUNDLE), times=2)
        assert isinstance(sent, Sent)
        [encounter] = get(process, "/fhir/Encounter?identifier=urn:e%7C9")["entry"]
        [patient] = get(process, "/fhir/Patient")["entry"]
        key = f"Patient/{patient['resource']['id']}"
        assert encounter["resource"]["subject"]["reference"] == key
        assert patient["resource"]["meta"]["versionId"] == "2"
        assert encounter["resource"]["meta"]["versionId"] == "1"
        assert get(process, f"/fhir/{key}")["resourceType"] == "Patient"
        assert get(process, "/fhir/metadata")["resourceType"] == "CapabilityStatement"
        received = get(process, "/received")
        assert [line["bundle"] for line in received] == ["b-1", "b-1"]
        assert received[0]["resources"] == ["Patient", "Encounter"]
        assert process.stop() == {"received": 2, "stored": 2}


@pytest.mark.parametrize(
    "second",
    [
        {"resource": {"resourceType": "Encounter"}, "request": {"method": "PATCH", "url": "E/1"}},
        {"resource": {"resourceType": "Encounter"}, "request": {"method": "PUT", "url": "E/1"}},
        {
            "resource": {"resourceType": "Encounter", "identifier": "7"},
            "request": {"method": "POST", "url": "Encounter"},
        },
        {"request": {"method": "POST", "url": "Encounter"}},
        {
            "resource": {
                "resourceType": "Encounter",
                "subject": {"reference": "Patient?identifier=urn:p|unknown"},
            },
            "request": {"method": "POST", "url": "Encounter"},
        },
    ],
)
def test_a_practice_stores_all_or_nothing(partner, attempt, second):
    bundle = {**BUNDLE, "entry": [BUNDLE["entry"][0], second]}
    with partner("practice") as process:
        sent = attempt("hl7-fhir-rest", f"http://{process.at}/fhir", raw(bundle))
        assert isinstance(sent, PartnerRefused)
        assert get(process, "/fhir/Patient")["total"] == 0


OUTCOMES = {
    "accept": Sent,
    "500": PartnerUnavailable,
    "503": PartnerUnavailable,
    "429": PartnerUnavailable,
    "401": PartnerRefused,
    "422": PartnerRefused,
    "302": PartnerRefused,
}


@pytest.mark.parametrize("mode", practice_module.MODES)
def test_every_way_a_practice_behaves_has_its_class(partner, attempt, mode):
    with partner("practice", "--mode", mode, "--delay", "1", "--retry-after", "7") as process:
        address = f"http://{process.at}/fhir"
        outcome = attempt("hl7-fhir-rest", address, raw(BUNDLE), deadline=0.5)
    assert isinstance(outcome, OUTCOMES.get(mode, PartnerUncertain))
    if mode in {"503", "429"}:
        assert outcome.retry_after == 7.0


def test_a_practice_recovers_after_the_first_failures(partner, attempt):
    with partner("practice", "--mode", "503", "--first", "2") as process:
        address = f"http://{process.at}/fhir"
        assert isinstance(attempt("hl7-fhir-rest", address, raw(BUNDLE), times=3), Sent)


@pytest.mark.parametrize(
    ("mode", "when", "outcome"),
    [
        ("pass", [], Sent),
        ("drop", ["--after", "100"], PartnerUncertain),
        ("reset", ["--after", "100"], PartnerUncertain),
        ("reset", ["--back-after", "10"], PartnerUncertain),
        ("freeze", ["--after", "100"], PartnerUncertain),
        ("mute", [], PartnerUncertain),
        ("drip", ["--back-after", "1"], PartnerUncertain),
        ("delay", ["--back-after", "1"], PartnerUncertain),
        ("corrupt", ["--back-after", "1"], PartnerUncertain),
    ],
)
def test_what_a_bad_network_does_is_uncertain(partner, attempt, mode, when, outcome):
    with (
        partner("mllp_sink") as sink,
        partner("rogue", "--to", sink.at, "--mode", mode, *when) as between,
    ):
        sent = attempt("hl7v2-mllp", f"mllp://{between.at}", A01, deadline=0.7)
        assert isinstance(sent, outcome)


def test_partners_import_nothing_but_the_standard_library_and_each_other():
    allowed = {"conformance", "__future__", *sys.stdlib_module_names}
    for file in Path(practice_module.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert {name.partition(".")[0] for name in names} <= allowed, file.name


@pytest.mark.parametrize("name", ["hospital", "mllp_sink", "practice", "rogue"])
def test_every_partner_explains_itself(name):
    command = [sys.executable, "-m", f"conformance.partners.{name}", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "usage" in done.stdout


def test_a_practice_system_collects_gdt_records_and_the_files_they_name(tmp_path):
    folder, bodies = tmp_path / "austausch", tmp_path / "bodies"
    for made in (folder, bodies):
        made.mkdir()
    record = (
        b"01380006310\r\n014810000076\r\n0138315EDV1\r\n0138316GTWY\r\n0236305C:\\GDT\\B_1.pdf\r\n"
    )
    (folder / "B_1.pdf").write_bytes(b"%PDF")
    (folder / "EDV1GTWY.001").write_bytes(record)
    (folder / "EDV1GTWY.002.tmp").write_bytes(record)
    journal = tmp_path / "got.jsonl"
    command = [sys.executable, "-m", "conformance.partners.gdt_folder", "--until-eof"]
    options = ["--folder", folder, "--bodies", bodies, "--output", journal]
    with subprocess.Popen(
        [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as it:
        assert json.loads(it.stdout.readline())["port"] == 0
        end = time.monotonic() + 60
        while (folder / "EDV1GTWY.001").exists() and time.monotonic() < end:
            time.sleep(0.05)
        it.communicate(timeout=60)

    (line,) = [json.loads(one) for one in journal.read_text().splitlines()]
    assert (line["file"], line["satzart"], line["sender"]) == ("EDV1GTWY.001", "6310", "GTWY")
    assert line["right_lengths"]
    assert [one["bytes"] for one in line["files"]] == [4]
    assert [one.name for one in folder.iterdir()] == ["EDV1GTWY.002.tmp"]
    assert (bodies / "B_1.pdf").read_bytes() == b"%PDF"
