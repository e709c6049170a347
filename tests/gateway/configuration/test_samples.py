"""Samples of an exchange folder: several messages in a file, files beside a record."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.app import run
from gateway.configuration import load
from mappers.parcel import unpack

XDT = Path(__file__).parents[2] / "samples" / "xdt"
FHIR = Path(__file__).parents[2] / "samples" / "fhir"
_ENDPOINT = """
[[endpoint]]
id = "{id}"
organization = "praxis-weber"
connection_type = "folder"
direction = "in"
format = "{format}"
folder = {{ path = "{path}" }}
"""


@pytest.fixture
def practice(folder, changed, tmp_path):
    """Two exchange folders of a practice beside the configuration `init` makes."""
    for kind in ("xdt", "fhir_r4"):
        (tmp_path / kind).mkdir()
        (folder / "samples" / f"praxis-{kind[:4]}").mkdir()
        fields = {"id": f"praxis-{kind[:4]}", "format": kind, "path": tmp_path / kind}
        changed(append=_ENDPOINT.format(**fields))
    return folder / "samples"


def samples(folder, endpoint):
    return [one for one in load(folder).samples if one.endpoint == endpoint]


def test_the_files_a_sample_names_come_with_it_and_are_no_samples(practice, folder):
    place = practice / "praxis-xdt"
    (place / "ekg.gdt").write_bytes((XDT / "gdt21_6310_ekg.gdt").read_bytes())
    (place / "ekg_10815.pdf").write_bytes(b"%PDF-1.7")

    (sample,) = samples(folder, "praxis-xdt")

    assert sample.file == "samples/praxis-xdt/ekg.gdt"
    parcel = unpack(sample.data)
    assert parcel.data == (place / "ekg.gdt").read_bytes()
    assert [(one.name, one.data) for one in parcel.attachments] == [("ekg_10815.pdf", b"%PDF-1.7")]


def test_every_message_of_a_file_is_a_sample(practice, folder):
    place = practice / "praxis-xdt"
    (place / "beide.gdt").write_bytes(
        (XDT / "gdt21_6301_cp437.gdt").read_bytes() + (XDT / "gdt21_6310_ekg.gdt").read_bytes()
    )

    found = samples(folder, "praxis-xdt")

    assert [one.file for one in found] == [
        "samples/praxis-xdt/beide.gdt (1)",
        "samples/praxis-xdt/beide.gdt (2)",
    ]


def test_check_tries_records_with_their_files_and_documents_in_xml(practice, folder, capfd):
    place = practice / "praxis-xdt"
    (place / "ekg.gdt").write_bytes((XDT / "gdt21_6310_ekg.gdt").read_bytes())
    (place / "EKG_10815.PDF").write_bytes(b"%PDF-1.7")
    (practice / "praxis-fhir" / "eau.xml").write_bytes((FHIR / "eau.xml").read_bytes())
    capfd.readouterr()

    assert run(["check", str(folder)]) == 0

    out = capfd.readouterr().out
    assert "✓ samples/praxis-xdt/ekg.gdt: GDT 6310, " in out
    assert "✓ samples/praxis-fhir/eau.xml: document" in out
