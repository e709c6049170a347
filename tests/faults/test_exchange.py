"""Exchange folders of a serving gateway, on each database: the whole way of a record."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest
from rig import invariants
from rig.exchange import FHIR, XDT, describe, drop, put, register, text, visible
from rig.inside import eventually
from rig.messages import admission
from rig.region import RECORDS, TOKEN, Destination
from rig.wire import ask, code

from gateway.operations.local import perform
from gateway.settings import load_settings

BAD = (
    Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[2] / "../shared/samples"))
    / "german"
    / "xdt"
    / "bad"
)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def served(request, template, tmp_path_factory, make_rig_in):
    """One serving gateway for all tests here: each has folders or patients of its own."""
    with ExitStack() as closing:
        rig = make_rig_in(tmp_path_factory.mktemp("served"), request.param, closing)
        server = rig.partner("practice", "kollegin")
        destination = Destination("kollegin", server.port, kind="hl7-fhir-rest", idempotent=True)
        rig.region.destinations = (destination,)
        describe(rig.region, "kollegin")
        register(rig.region)
        rig.gateway.start()
        rig.server = server
        yield rig
        assert not invariants.unproven(rig.inside)
        assert rig.gateway.stop() == 0


def messages(rig, endpoint):
    return [one for one in rig.inside.messages() if one.endpoint == endpoint]


def test_a_partner_s_folder_that_is_away_is_waited_for_and_the_others_go_on(served):
    aus, ein = served.folder / "aus", served.folder / "ein"
    aus.rmdir()
    drop(ein, 1, 2)
    eventually(lambda: served.inside.states("praxis-ordner").get("retry"), "the folder is missed")
    aus.mkdir()
    eventually(lambda: served.inside.states("praxis-ordner") == {"delivered": 2}, "all is placed")

    metrics = text(served.region, "/metrics")
    assert 'gateway_folder_reachable{endpoint="praxis-ordner"} 1.0' in metrics
    assert 'gateway_folder_waiting{endpoint="praxis-ordner"} 2.0' in metrics
    assert json.loads(text(served.region, "/health/ready"))["parts"]["folder praxis-gdt"] == "ok"

    # The folder records come from goes away, too, and comes back.
    ein.rename(served.folder / "weg")
    eventually(lambda: "folder_unusable" in served.gateway.log.read_text(), "it is missed")
    (served.folder / "weg").rename(ein)
    (ein / "WIEDER.GDT").write_bytes(admission("BACK", "77009", 30))
    eventually(lambda: len(messages(served, "klinikum-ordner")) == 3, "it is looked at again")
    eventually(lambda: served.inside.states("praxis-ordner") == {"delivered": 3}, "all is placed")
    log = served.gateway.log.read_text()
    assert "KIS.001" not in log
    assert "WIEDER" not in log
    for one in visible(aus):
        (aus / one).unlink()


def test_an_examination_in_a_practice_s_folder_reaches_a_fhir_destination_with_its_file(served):
    gdt, aus = served.folder / "gdt", served.folder / "aus"
    (gdt / "EKG_10815.PDF").write_bytes(b"%PDF-1.7 EKG")
    put(XDT / "gdt21_6310_ekg.gdt", gdt / "PRAXEKG1.GDT")
    eventually(lambda: visible(aus), "the examination is placed")

    bundle = json.loads((aus / visible(aus)[0]).read_bytes())
    found = {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}
    assert found["Patient"]["birthDate"] == "1960-02-29"
    assert {"DiagnosticReport", "Observation", "DocumentReference"} <= set(found)
    assert base64.b64decode(found["Binary"]["data"]) == b"%PDF-1.7 EKG"
    eventually(lambda: len(visible(gdt / "archiv")) == 2, "the record is archived")
    kept = [name.split("_", 1)[1] for name in visible(gdt / "archiv")]
    assert kept == ["EKG_10815.PDF", "PRAXEKG1.GDT"]

    # The same record again, without its file: another message, taken without what is missing.
    put(XDT / "gdt21_6310_ekg.gdt", gdt / "PRAXEKG1.GDT")
    eventually(lambda: len(messages(served, "praxis-gdt")) == 2, "it is taken after a while")
    assert "files_missing" in served.gateway.log.read_text()

    (gdt / "PRAXEKG1.GDT").write_bytes(b"Das ist kein GDT.\r\n")
    eventually(lambda: len(visible(gdt / "fehler")) == 2, "it is refused")
    note = (gdt / "fehler" / visible(gdt / "fehler")[1]).read_text("utf-8-sig")
    assert "Diese Datei wurde NICHT angenommen." in note
    assert "Was zu tun ist:" in note
    (answer,) = json.loads((gdt / "PRAXEKG1.GDT.ack").read_bytes())
    assert answer["status"] == 422
    assert answer["issue"][0]["severity"] == "error"
    (gdt / "PRAXEKG1.GDT.ack").unlink()


def test_a_hospital_s_letter_over_mllp_is_collected_as_gdt_with_its_pdf(served):
    gdt, letter = served.folder / "gdt", RECORDS / "04_discharge_letter_t02.hl7"
    assert code(ask(served.region, letter.read_bytes())) == "CA"
    eventually(lambda: "EDV1GTWY.GDT" in visible(gdt), "the letter is placed")
    assert code(ask(served.region, (RECORDS / "05_corrected_letter_t08.hl7").read_bytes())) == "CA"
    eventually(lambda: served.inside.states("praxis-briefe").get("retry"), "the next one waits")

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
    eventually(lambda: served.inside.states("praxis-briefe") == {"delivered": 2}, "both are there")
    assert len(visible(gdt)) == 2
    for one in visible(gdt):
        (gdt / one).unlink()


# documents ------------------------------------------------------------------------------
def post(rig, body, media_type):
    """Post to the practice's endpoint; returns the answer given after the commit."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{rig.region.http_port}/inbound/praxis-senden",
        data=body,
        headers={"content-type": media_type, "authorization": f"Bearer {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def test_a_certificate_of_incapacity_reaches_a_folder_and_a_server_as_the_document_it_is(served):
    kollegen, data = served.folder / "kollegen", (FHIR / "eau.xml").read_bytes()
    answer = post(served, data, "application/fhir+xml")
    assert answer["issue"][0]["severity"] == "information"
    eventually(lambda: visible(kollegen), "the document is placed")
    eventually(served.server.received, "the document is handed over")

    assert (kollegen / visible(kollegen)[0]).read_bytes() == data
    written = json.loads((FHIR / "eau.json").read_bytes())
    sent = handed_over(served, "Bundle")[0]
    assert {k: v for k, v in sent.items() if k not in {"id", "meta"}} == {
        k: v for k, v in written.items() if k not in {"id", "meta"}
    }
    (taken,) = messages(served, "praxis-senden")
    assert (taken.message_type, taken.state.value) == ("document", "routed")
    assert taken.fields == taken.mapped + taken.ignored

    # Out of an exchange folder it is the same: XML as XML, JSON as JSON.
    dok = served.folder / "dok"
    put(FHIR / "eau.json", dok / "bescheinigung.json")
    put(FHIR / "arztbrief.json", dok / "brief.json")
    eventually(lambda: len(visible(dok / "archiv")) == 2, "both are stored")
    eventually(lambda: len(visible(kollegen)) == 2, "the certificate is placed, no route asks more")
    placed = {(kollegen / one).read_bytes() for one in visible(kollegen)}
    assert placed == {data, (FHIR / "eau.json").read_bytes()}


def handed_over(rig, kind):
    """What the partner's server has stored of a type."""
    with urllib.request.urlopen(f"http://127.0.0.1:{rig.server.port}/fhir/{kind}") as answer:
        return [entry["resource"] for entry in json.loads(answer.read()).get("entry", ())]


def test_a_broken_document_is_refused_with_element_and_line(served):
    data = (FHIR / "eau.xml").read_bytes().replace(b"1987-07-19", b"19.07.1987")
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(served, data, "application/fhir+xml")
    assert caught.value.code == 422
    (issue,) = json.loads(caught.value.read())["issue"]
    assert issue["expression"] == ["Bundle.entry[1].resource.birthDate"]

    dok = served.folder / "dok"
    (dok / "kaputt.xml").write_bytes(data)
    eventually(lambda: len(visible(dok / "fehler")) == 2, "it is refused")
    note = (dok / "fehler" / visible(dok / "fehler")[1]).read_text("utf-8-sig")
    assert "Zeile" in note
    assert "19.07.1987" not in note


# never a wrong patient ------------------------------------------------------------------
def encoded(*fields):
    contents = [f"{fk}{content}".encode("cp1252") for fk, content in fields]
    return b"".join(b"%03d%s\r\n" % (len(one) + 5, one) for one in contents)


def gdt(number, family, given, birth, kvnr=""):
    """An examination of a device."""
    insured = [("3105", kvnr)] if kvnr else []
    return encoded(
        *(("8000", "6310"), ("8316", "KARDIO"), ("9206", "3"), ("9218", "02.10")),
        *(("3000", number), ("3101", family), ("3102", given), ("3103", birth), *insured),
        *(("8402", "BDM01"), ("8410", "SYS"), ("8420", "148"), ("8421", "mmHg")),
    )


def bdt(number, family, given, birth):
    """A day of treatment."""
    return encoded(
        *(("8000", "6200"), ("3000", number), ("3101", family), ("3102", given), ("3103", birth)),
        *(("6200", "04112026"), ("6220", "Husten seit drei Tagen")),
    )


def test_a_record_that_names_another_patient_waits_for_a_person_and_nothing_is_sent(served):
    folder, order = served.folder / "alles", (XDT / "ldt2_auftrag.ldt").read_bytes()
    (folder / "1.gdt").write_bytes(gdt("9001", "Weiß", "Änne", "03051990", "T987654328"))
    (folder / "1.ldt").write_bytes(order)
    eventually(lambda: len(messages(served, "praxis-alles")) == 2, "the patients are known")
    before = len(served.inside.deliveries())
    another = re.sub(rb"(?<=0163102)[^\r\n]{7}", b"Ottokar", order)
    wrong = {
        # Another person under a known number: a device, a practice system, a laboratory.
        "2.gdt": gdt("9001", "Kurz", "Otto", "11111950"),
        "3.bdt": bdt("9001", "Weiß", "Otto", "03051990"),
        "4.ldt": re.sub(rb"(?<=0173103)[0-9]{8}", b"19500101", another),
        # A KVNR of somebody else: a newborn on its mother's insurance.
        "5.gdt": gdt("9002", "Weiß", "Mia", "01112026", "T987654328"),
    }
    for name, data in wrong.items():
        (folder / name).write_bytes(data)
    eventually(lambda: len(messages(served, "praxis-alles")) == 6, "all are taken")

    waiting = served.inside.worklist()
    assert "identity" in {one.kind for one in waiting}
    held = [one for one in messages(served, "praxis-alles") if one.reason == "other-person"]
    assert {one.state.value for one in held} == {"quarantined"}
    assert {one.number for one in held} <= {one.number for one in waiting}
    assert len(held) == 3
    assert len(served.inside.deliveries()) == before

    # A person has looked: the record of the practice is about the patient all the same.
    one = {"message": held[0].number}
    settings = load_settings(served.folder)
    assert perform(settings, "message.replay", one)["reason"] == "other-person"
    done = perform(settings, "message.replay", {**one, "same_person": True})
    assert done["state"] != "quarantined"


# whatever lies in a folder --------------------------------------------------------------
#: Own faulty files → whether they are taken.
FAULTY = {
    "laenge_zu_gross.gdt": (encoded(("8000", "6310"), ("3000", "1")) + b"9993101Weiss\r\n", True),
    "laenge_zu_klein.gdt": (encoded(("8000", "6310"), ("3000", "1")) + b"0013101Weiss\r\n", True),
    "kein_anfang.gdt": (encoded(("3000", "1"), ("3101", "Weiss")), False),
    "keine_laenge.gdt": (encoded(("8000", "6310")) + b"Weiss\r\n", False),
    "nur_text.txt": (b"Bitte anrufen!\r\n", False),
    "bilder.jpg": (b"\xff\xd8\xff\xe0\x00\x10JFIF", False),
    "leer.gdt": (b"", False),
    "geburtsdatum.gdt": (encoded(("8000", "6301"), ("3000", "1"), ("3103", "31021990")), False),
    "eine_zeile.gdt": (b"01380006310\r\n9993101" + b"A" * 4_000_000, False),
    "zu_gross.gdt": (b"01380006310\r\n9993101" + b"A" * 6_000_000, False),
    "unbekannt.gdt": (encoded(("8000", "6301"), ("3000", "1"), ("7777", "?")), True),
    "zeichensatz.gdt": (
        encoded(("8000", "6301"), ("9206", "2"), ("3000", "1"), ("3101", "Weiß")),
        True,
    ),
}
#: Files other people's readers fail at → whether they are taken.
OTHERS = {
    "gdt_bad_date_and_kvnr.gdt": False,
    "gdt_empty.gdt": False,
    "gdt_length_counts_characters_not_bytes.gdt": True,
    "gdt_lf_only.gdt": True,
    "gdt_missing_name.gdt": True,
    "gdt_truncated.gdt": False,
    "gdt_unknown_fields.gdt": True,
    "gdt_utf8_declared_latin1.gdt": True,
    "gdt_without_9206_cp437.gdt": True,
    "gdt_wrong_line_length.gdt": True,
    "gdt_wrong_record_length.gdt": True,
    "ldt3_checksum_wrong.ldt": True,
    "ldt3_missing_end_record.ldt": False,
    "ldt3_object_not_closed.ldt": False,
}
#: Files that could not be read far enough to know a line.
WITHOUT_LINE = {"gdt_empty.gdt", "leer.gdt", "zu_gross.gdt", "ldt3_missing_end_record.ldt"}


def settled(folder, expected):
    """Wait until every file lies in the archive or the error folder; return the names of both."""

    def names(place):
        found = [one.split("_", 1)[1] for one in visible(folder / place)]
        return {one.removesuffix(".txt") for one in found}

    eventually(
        lambda: expected <= names("archiv") | names("fehler"), "every file ends somewhere", 60
    )
    return names("archiv"), names("fehler")


def note_of(folder, name):
    (found,) = [one for one in visible(folder / "fehler") if one.endswith(f"_{name}.txt")]
    return (folder / "fehler" / found).read_text("utf-8-sig")


def check(folder, files):
    """Every file is where it belongs; who was refused is told the line, in German."""
    archived, refused = settled(folder, set(files))
    assert archived & set(files) == {name for name, good in files.items() if good}
    assert refused & set(files) == {name for name, good in files.items() if not good}
    for name in refused & set(files):
        told = note_of(folder, name)
        assert "angenommen" in told or "unvollständig" in told, name
        assert "Was zu tun ist:" in told, name
        assert name in WITHOUT_LINE or "Zeile " in told, (name, told)


def test_every_faulty_file_ends_archived_or_explained_and_the_gateway_lives(served):
    folder = served.folder / "alles"
    for name, (data, _) in FAULTY.items():
        (folder / name).write_bytes(data)
    odd = [folder / "verknuepfung.gdt", folder / "warteschlange.gdt", folder / "zei\nle.gdt"]
    odd[0].symlink_to("/etc/passwd")
    os.mkfifo(odd[1])
    odd[2].write_bytes(FAULTY["unbekannt.gdt"][0])
    with (folder / "riesig.gdt").open("wb") as sparse:
        sparse.truncate(1_000_000_000)
    longest = "L" * 240 + ".gdt"
    (folder / longest).write_bytes(FAULTY["unbekannt.gdt"][0])

    check(folder, {name: good for name, (_, good) in FAULTY.items()})

    eventually(lambda: not (folder / longest).exists(), "a long name is taken")
    eventually(lambda: not (folder / "riesig.gdt").exists(), "a huge file is refused")
    assert "größer" in note_of(folder, "riesig.gdt")
    assert all(os.path.lexists(one) for one in odd), "what is no ordinary file is not touched"
    assert served.gateway.running
    for one in odd:
        one.unlink()
    for one in visible(folder / "fehler"):
        if "riesig" in one:
            (folder / "fehler" / one).unlink()


@pytest.mark.skipif(not BAD.is_dir(), reason="GATEWAY_SAMPLES not found")
def test_the_faulty_files_of_others_end_archived_or_explained(served):
    folder = served.folder / "alles"
    assert {one.name for one in BAD.iterdir()} == set(OTHERS)
    for one in BAD.iterdir():
        shutil.copyfile(one, folder / one.name)

    check(folder, OTHERS)
    assert served.gateway.running
