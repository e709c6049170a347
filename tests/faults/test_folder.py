"""Exchange folders and real processes: killed between two steps, two gateways on one folder."""

from __future__ import annotations

import base64
import dataclasses
import json
import shutil
import urllib.request

import pytest
from rig import invariants
from rig.gateway import Gateway
from rig.inside import Inside, eventually
from rig.messages import admission
from rig.region import RECORDS, ROOT, free_port
from rig.wire import ask, code

SAMPLES = ROOT / "tests" / "samples" / "xdt"

#: Ends the process before the first file operation whose path fits; imported at start.
_FAULT = """
import os, re, signal, sys
event, _, path = os.environ.get("FAULT_AT", "").partition(" ")
def hook(name, arguments):
    if name == event and re.search(path, str(arguments[0])):
        os.kill(os.getpid(), signal.SIGKILL)
if event:
    sys.addaudithook(hook)
"""
_REGION = """
[[endpoint]]
id = "praxis-gdt"
organization = "praxis"
connection_type = "folder"
direction = "in"
format = "xdt"
[endpoint.folder]
path = "{folder}/gdt"
pattern = ["PRAX*.GDT"]
archive = "archiv"
answer = "errors"
poll = "100ms"
stable = "0s"
lease = "1s"
patience = "1s"

[[endpoint]]
id = "klinikum-ordner"
organization = "klinikum"
connection_type = "folder"
direction = "in"
format = "hl7v2"
dialect = "klinikum"
[endpoint.folder]
path = "{folder}/ein"
answer = "all"
poll = "100ms"
stable = "0s"
lease = "1s"

[[endpoint]]
id = "praxis-ordner"
organization = "praxis"
connection_type = "folder"
direction = "out"
format = "fhir_r4"
idempotent = true
timeout = "5s"
retry = {{ attempts = 50, first = "100ms", most = "200ms" }}
[endpoint.folder]
path = "{folder}/aus"
name = "EDV1GTWY.###"
lease = "1s"
poll = "100ms"

[[endpoint]]
id = "praxis-briefe"
organization = "praxis"
connection_type = "folder"
direction = "out"
format = "xdt"
named_only = true
idempotent = true
sender = ["GTWY", ""]
receiver = ["EDV1", ""]
[endpoint.folder]
path = "{folder}/gdt"
name = "EDV1GTWY.GDT"
poll = "100ms"
lease = "1s"

[[route]]
id = "briefe"
from = ["klinikum-adt"]
criteria = "DocumentReference"
to = ["praxis-briefe"]
purpose = "TREAT"
legal_basis = "§ 630a BGB"
controller = "klinikum"
data_categories = ["discharge letter"]

[[route]]
id = "untersuchungen"
from = ["praxis-gdt"]
criteria = "DiagnosticReport"
to = ["praxis-ordner"]
purpose = "TREAT"
legal_basis = "§ 630a BGB"
controller = "praxis"
data_categories = ["examination"]

[[route]]
id = "ordner"
from = ["klinikum-ordner"]
criteria = "Encounter"
to = ["praxis-ordner"]
purpose = "TREAT"
legal_basis = "§ 630a BGB"
controller = "klinikum"
data_categories = ["movement"]
"""


@pytest.fixture
def exchange(sqlite_rig):
    """A gateway with an incoming and an outgoing folder; nothing runs yet."""
    folder = sqlite_rig.folder
    for name in ("ein", "aus", "gdt", "fault"):
        (folder / name).mkdir()
    (folder / "fault" / "sitecustomize.py").write_text(_FAULT)
    sqlite_rig.region.extra = _REGION.format(folder=folder)
    sqlite_rig.region.apply()
    return sqlite_rig


def drop(exchange, first, last):
    for number in range(first, last + 1):
        part = exchange.folder / "ein" / f"{number}.tmp"
        part.write_bytes(admission(f"FILE{number}", f"7700{number % 3}", number))
        part.rename(part.with_name(f"KIS.{number:03d}"))


def text(region, path):
    """Ask the gateway's HTTP interface."""
    with urllib.request.urlopen(f"http://127.0.0.1:{region.http_port}{path}", timeout=10) as answer:
        return answer.read().decode()


def visible(folder):
    return sorted(one.name for one in folder.iterdir() if one.is_file())


#: The first word is the operation before which the gateway ends, if the path fits.
POINTS = (
    "open ein/.gateway/in/[0-9a-f]+$",  # between claim and store
    "open ein/.gateway/in/[0-9a-f]+/KIS",  # while a record is read
    "os.remove ein/.gateway/in/",  # between store and deletion
    "open aus/.gateway/out/placed/",  # between a number and its file
    "open aus$",  # between rename and commit
)


@pytest.mark.slow
def test_a_gateway_killed_between_two_steps_takes_and_places_each_record_once(exchange):
    for number, point in enumerate(POINTS):
        fault = {"FAULT_AT": point, "PYTHONPATH": str(exchange.folder / "fault")}
        exchange.gateway.start(environment=fault)
        drop(exchange, number * 3 + 1, number * 3 + 3)
        assert exchange.gateway.wait_dead() == -9, point
    exchange.gateway.start()

    eventually(lambda: len(visible(exchange.folder / "ein")) == 15, "every record is answered")
    eventually(lambda: not exchange.inside.undone(), "everything is placed")
    numbers = range(1, 16)
    assert [one.control_id for one in exchange.inside.messages()] == [f"FILE{n}" for n in numbers]
    assert exchange.inside.states() == {"delivered": 15}
    assert visible(exchange.folder / "aus") == [f"EDV1GTWY.{n:03d}" for n in numbers]
    assert visible(exchange.folder / "ein") == [f"KIS.{n:03d}.ack" for n in numbers]
    assert b"MSA|CA|FILE2" in (exchange.folder / "ein" / "KIS.002.ack").read_bytes()
    assert not invariants.unproven(exchange.inside)
    assert exchange.gateway.stop() == 0


@pytest.mark.slow
def test_two_gateways_on_one_folder_take_each_record_once(exchange):
    other = exchange.folder.with_name("other")
    shutil.copytree(exchange.folder, other)
    twin = dataclasses.replace(
        exchange.region, folder=other, mllp_port=free_port(), http_port=free_port()
    )
    twin.apply()
    second, beside = Gateway(twin), Inside(twin)
    drop(exchange, 1, 40)
    exchange.gateway.start()
    try:
        second.start()
        eventually(lambda: len(visible(exchange.folder / "ein")) == 40, "all are answered")
        eventually(
            lambda: not exchange.inside.undone() and not beside.undone(), "everything is placed"
        )
        found = [one.control_id for look in (exchange.inside, beside) for one in look.messages()]
        assert sorted(found) == sorted(f"FILE{number}" for number in range(1, 41))
        assert visible(exchange.folder / "aus") == [f"EDV1GTWY.{n:03d}" for n in range(1, 41)]
        assert second.stop() == 0
        assert exchange.gateway.stop() == 0
    finally:
        second.end()


def test_a_partner_s_folder_that_is_away_is_waited_for_and_the_others_go_on(exchange):
    (exchange.folder / "aus").rmdir()
    exchange.gateway.start()
    drop(exchange, 1, 2)
    eventually(lambda: exchange.inside.states().get("retry"), "the folder is missed")
    (exchange.folder / "aus").mkdir()
    eventually(lambda: exchange.inside.states() == {"delivered": 2}, "everything is placed")

    metrics = text(exchange.region, "/metrics")
    assert 'gateway_folder_reachable{endpoint="praxis-ordner"} 1.0' in metrics
    assert 'gateway_folder_waiting{endpoint="praxis-ordner"} 2.0' in metrics
    assert json.loads(text(exchange.region, "/health/ready"))["parts"]["folder praxis-gdt"] == "ok"

    # The folder records come from goes away, too, and comes back.
    (exchange.folder / "ein").rename(exchange.folder / "weg")
    eventually(lambda: "folder_unusable" in exchange.gateway.log.read_text(), "it is missed")
    (exchange.folder / "weg").rename(exchange.folder / "ein")
    (exchange.folder / "ein" / "WIEDER.GDT").write_bytes(admission("BACK", "77009", 30))
    eventually(lambda: len(exchange.inside.messages()) == 3, "it is looked at again")
    log = exchange.gateway.log.read_text()
    assert "KIS.001" not in log
    assert "WIEDER" not in log
    assert exchange.gateway.stop() == 0


def test_an_examination_in_a_practice_s_folder_reaches_a_fhir_destination_with_its_file(exchange):
    gdt = exchange.folder / "gdt"
    exchange.gateway.start()
    (gdt / "EKG_10815.PDF").write_bytes(b"%PDF-1.7 EKG")
    shutil.copy(SAMPLES / "gdt21_6310_ekg.gdt", gdt / "PRAXEKG1.GDT")
    eventually(lambda: visible(exchange.folder / "aus"), "the examination is placed")

    bundle = json.loads((exchange.folder / "aus" / "EDV1GTWY.001").read_bytes())
    found = {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}
    assert found["Patient"]["birthDate"] == "1960-02-29"
    assert {"DiagnosticReport", "Observation", "DocumentReference"} <= set(found)
    assert base64.b64decode(found["Binary"]["data"]) == b"%PDF-1.7 EKG"
    eventually(lambda: not visible(gdt), "the record is archived")
    kept = [name.split("_", 1)[1] for name in visible(gdt / "archiv")]
    assert kept == ["EKG_10815.PDF", "PRAXEKG1.GDT"]

    # The same record again, without its file: another message, taken without what is missing.
    shutil.copy(SAMPLES / "gdt21_6310_ekg.gdt", gdt / "PRAXEKG1.GDT")
    eventually(lambda: len(exchange.inside.messages()) == 2, "it is taken after a while")
    assert "files_missing" in exchange.gateway.log.read_text()

    (gdt / "PRAXEKG1.GDT").write_bytes(b"Das ist kein GDT.\r\n")
    eventually(lambda: len(visible(gdt / "fehler")) == 2, "it is refused")
    note = (gdt / "fehler" / visible(gdt / "fehler")[1]).read_text("utf-8-sig")
    assert "Diese Datei wurde NICHT angenommen." in note
    assert "Was zu tun ist:" in note
    (answer,) = json.loads((gdt / "PRAXEKG1.GDT.ack").read_bytes())
    assert answer["status"] == 422
    assert answer["issue"][0]["severity"] == "error"
    assert exchange.gateway.stop() == 0


def test_a_hospital_s_letter_over_mllp_is_collected_as_gdt_with_its_pdf(exchange):
    gdt, letter = exchange.folder / "gdt", RECORDS / "04_discharge_letter_t02.hl7"
    exchange.gateway.start()
    assert code(ask(exchange.region, letter.read_bytes())) == "CA"
    eventually(lambda: "EDV1GTWY.GDT" in visible(gdt), "the letter is placed")
    assert (
        code(ask(exchange.region, (RECORDS / "05_corrected_letter_t08.hl7").read_bytes())) == "CA"
    )
    eventually(lambda: exchange.inside.states("praxis-briefe").get("retry"), "the next one waits")

    lines = (gdt / "EDV1GTWY.GDT").read_bytes().decode("cp1252").split("\r\n")
    fields = {line[3:7]: line[7:] for line in lines if line}
    assert (fields["8000"], fields["8315"], fields["8316"]) == ("6310", "EDV1", "GTWY")
    assert (fields["3101"], fields["3102"], fields["3103"]) == (
        "Öhlschläger",
        "Hildegard",
        "02051951",
    )
    pdf = gdt / fields["6305"].rpartition("\\")[2]
    sent = letter.read_bytes().split(b"JVBER")[1].split(b"|")[0].split(b"\r")[0]
    assert pdf.read_bytes() == base64.b64decode(b"JVBER" + sent)

    # Collected as practice systems do; then the correction has its turn.
    pdf.unlink()
    (gdt / "EDV1GTWY.GDT").unlink()
    eventually(
        lambda: exchange.inside.states("praxis-briefe") == {"delivered": 2}, "both are there"
    )
    assert len(visible(gdt)) == 2
    assert not invariants.unproven(exchange.inside)
    assert exchange.gateway.stop() == 0
