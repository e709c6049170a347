"""`gateway convert` with xDT: each record a line, GDT written, what a package lacks told."""

from __future__ import annotations

from pathlib import Path

from mappers.parcel import unpack

SAMPLES = Path(__file__).parents[2] / "samples" / "xdt"


def test_each_record_of_a_gdt_file_is_a_bundle(gateway):
    done = gateway("convert", SAMPLES / "gdt21_6310_blutdruck_24h.gdt")

    assert [line["resourceType"] for line in done.lines] == ["Bundle", "Bundle"]
    assert done.code == 0


def test_a_letter_of_a_hospital_is_written_as_gdt_with_its_files(gateway, tmp_path):
    letter = SAMPLES.parent / "hl7v2" / "mdm_t02_entlassbrief.hl7"

    done = gateway("convert", letter, "--to", "xdt", "--output", tmp_path / "letter")

    parcel = unpack((tmp_path / "letter").read_bytes())
    assert done.code == 0
    assert parcel.data.startswith(b"01380006310\r\n")
    assert any(one.data.startswith(b"%PDF") for one in parcel.attachments)


def test_a_wrong_sum_is_told_and_a_missing_end_is_a_failure(gateway, tmp_path):
    header = b"01380008220\r\n01380018220\r\n"
    end = b"01380008221\r\n0499300" + b"0" * 40 + b"\r\n01380018221\r\n"
    record = b"01380006301\r\n01330004711\r\n"
    summed, open_ = tmp_path / "summed.ldt", tmp_path / "open.ldt"
    summed.write_bytes(header + record + end)
    open_.write_bytes(header + record)

    assert gateway("convert", summed).code == 0
    assert gateway("convert", open_).code == 1
