"""`gateway convert` with xDT: each record a line, GDT written, what a package lacks told."""

from __future__ import annotations

from pathlib import Path

import mappers

SAMPLES = Path(__file__).parents[2] / "samples" / "xdt"


def test_each_record_of_a_gdt_file_is_a_bundle(gateway):
    done = gateway("convert", SAMPLES / "gdt21_6310_blutdruck_24h.gdt")

    assert [line["resourceType"] for line in done.lines] == ["Bundle", "Bundle"]
    assert done.code == 0


LETTER = SAMPLES.parent / "hl7v2" / "mdm_t02_entlassbrief.hl7"


def test_a_letter_of_a_hospital_is_written_as_gdt_with_its_files_beside_it(gateway, tmp_path):
    done = gateway("convert", LETTER, LETTER, "--to", "xdt", "--output", tmp_path / "letter.gdt")

    data = (tmp_path / "letter.gdt").read_bytes()
    assert done.code == 0
    assert data.startswith(b"01380006310\r\n")
    assert data.endswith(b"\r\n")
    assert b"\n\n" not in data
    (pdf,) = tmp_path.glob("*.pdf")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.name.encode() in data
    # What was written can be read, with its file.
    assert [m.refusal for m in mappers.convert(data)] == [None, None]


def test_files_of_a_record_never_replace_others_and_never_go_to_standard_output(gateway, tmp_path):
    assert gateway("convert", LETTER, "--to", "xdt").code == 2
    output = tmp_path / "letter.gdt"
    assert gateway("convert", LETTER, "--to", "xdt", "--output", output).code == 0
    (pdf,) = tmp_path.glob("*.pdf")
    pdf.write_bytes(b"somebody else's")

    done = gateway("convert", LETTER, "--to", "xdt", "--output", output)

    assert done.code == 2
    assert "another file" in done.err
    assert pdf.read_bytes() == b"somebody else's"


def test_a_wrong_sum_is_told_and_a_missing_end_is_a_failure(gateway, tmp_path):
    header = b"01380008220\r\n01380018220\r\n"
    end = b"01380008221\r\n0499300" + b"0" * 40 + b"\r\n01380018221\r\n"
    record = b"01380006301\r\n01330004711\r\n"
    summed, open_ = tmp_path / "summed.ldt", tmp_path / "open.ldt"
    summed.write_bytes(header + record + end)
    open_.write_bytes(header + record)

    assert gateway("convert", summed).code == 0
    assert gateway("convert", open_).code == 1
