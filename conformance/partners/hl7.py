"""The little HL7 v2 the partners need; written apart from the gateway's so that both can be wrong.

MLLP release 1; MSH and MSA of HL7 v2.5 chapter 2.15.
"""

from __future__ import annotations

from collections.abc import Iterator

START, END = b"\x0b", b"\x1c\r"


def frame(message: bytes) -> bytes:
    """Put a message between start and end block."""
    return START + message + END


class Frames:
    """Cuts a stream into messages; bytes outside frames are skipped."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take a chunk and yield the messages it completes."""
        *whole, self._rest = (self._rest + data).split(END)
        for part in whole:
            yield part.partition(START)[2]


def segment(message: bytes, name: bytes) -> list[bytes]:
    """Return the fields of the first segment of that name, its name first; empty without one.

    Numbered as in the standard: MSH gets its separator as field 1.
    """
    separator = message[3:4]
    for line in message.replace(b"\n", b"\r").split(b"\r"):
        if line.startswith(name + separator):
            fields = line.split(separator)
            return [name, separator, *fields[1:]] if name == b"MSH" else fields
    return []


def field(message: bytes, name: bytes, number: int) -> str:
    """Return one field as text (Latin-1); empty when absent."""
    fields = segment(message, name)
    return fields[number].decode("latin-1") if len(fields) > number else ""


def first_component(message: bytes, name: bytes, number: int) -> str:
    """Return the first component of the first repetition of a field."""
    msh2 = field(message, b"MSH", 2) or "^~"
    return field(message, name, number).split(msh2[1:2] or "~")[0].split(msh2[0])[0]


def acknowledgement(message: bytes, code: str, *, control_id: str | None = None) -> bytes:
    """Answer a message: addresses swapped, MSA-2 its control id unless another is wanted."""
    msh = [part.decode("latin-1") for part in segment(message, b"MSH")]
    msh += [""] * (13 - len(msh))
    answered = msh[10] if control_id is None else control_id
    trigger = msh[9].split(msh[2][:1])[1:2]
    kind = msh[2][:1].join(["ACK", *trigger])
    head = [f"MSH{msh[1]}{msh[2]}", msh[5], msh[6], msh[3], msh[4], msh[7], "", kind]
    head += [f"A{answered}"[:20], msh[11], msh[12]]
    text = f"{msh[1].join(head)}\rMSA{msh[1]}{code}{msh[1]}{answered}\r"
    return text.encode("latin-1")
