"""Comparing what left the hospital with what partners got, byte by byte."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.demo.expectation import expect

if TYPE_CHECKING:
    from gateway.cli.demo.story import Scene


def letters(source: Path | Sequence[dict[str, Any]]) -> list[bytes]:
    """Return the PDF documents in an HL7 v2 file (OBX-5 of type ED) or in Binary resources."""
    if not isinstance(source, Path):
        pdf = [one for one in source if one.get("contentType") == "application/pdf"]
        return [b64decode(one["data"]) for one in pdf]
    found = []
    for segment in source.read_bytes().split(b"\r"):
        fields = segment.split(b"|")
        if fields[:1] == [b"OBX"] and fields[2] == b"ED":
            found.append(b64decode(fields[5].split(b"^")[4]))
    return found


def collected(scene: Scene, noted: Sequence[dict[str, Any]], letter: Path) -> list[dict[str, Any]]:
    """Compare the files beside the GDT records with the hospital's letter."""
    told = []
    for line in noted:
        expect(line["right_lengths"], "a GDT record has wrong lengths")
        kept = [scene.cast.place / "logs" / "desk" / one["name"] for one in line["files"]]
        pdf = [path.read_bytes() for path in kept if path.is_file()]
        expect(pdf and pdf == letters(letter), "the PDF in the folder is not the hospital's")
        named = ("file", "satzart", "bytes", "sender", "receiver")
        told.append({**{key: line[key] for key in named}, "pdf_bytes": [len(one) for one in pdf]})
    return told


def forwarded(scene: Scene, noted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare what the clinic got with what the hospital sent, and read its acknowledgements.

    Only MSH may differ: addresses, control id and time are the gateway's own.
    """
    from gateway.cli.demo.story import CLINIC
    from mappers.hl7v2.acknowledgement import read_acknowledgement

    reader = scene.witness.store.reader
    deliveries = {one.control_id: one for one in reader.deliveries(endpoint=CLINIC)}
    told = []
    for line in noted:
        delivery = deliveries.get(line["control_id"])
        expect(delivery is not None, "the clinic got a message the gateway knows nothing of")
        if delivery is None:
            continue
        got = (scene.cast.place / "logs" / "clinic" / f"{line['number']:06d}.hl7").read_bytes()
        (_, *sent), (header, *rest) = _segments(reader.raw(delivery.message_id)), _segments(got)
        expect(sent == rest, "the clinic's segments differ from the hospital's")
        answer = read_acknowledgement(reader.partner_answer(delivery.id))
        expect(
            answer.control_id == delivery.control_id,
            "the clinic's acknowledgement is about another message",
        )
        told.append(
            {
                "message": delivery.message_id,
                "message_type": line["message_type"],
                "control_id": line["control_id"],
                "receiver": b"|".join(header.split(b"|")[4:6]).decode("latin-1"),
                "same_segments": len(rest),
                "acknowledgement": answer.code,
            }
        )
    return told


def _segments(message: bytes) -> list[bytes]:
    return [segment for segment in message.split(b"\r") if segment]
