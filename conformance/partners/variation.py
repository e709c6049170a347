"""Messages of many patients out of one sample: ids, names and times exchanged per message.

A sample is cut once into constant pieces and places; making a message is one join. What has no
place (no PV1-19, no TXA) stays as it is. All data are invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from conformance.partners import hl7

_FAMILIES = (
    "Weiß", "Töpfer", "Krämer", "Jürgens", "Böttcher", "Lüders", "Groß", "Schröder", "Kästner",
    "Müllenhoff", "Öztürk", "Strauß", "Dähne", "Söllner", "Albrecht", "Hartwig", "Petersen",
)  # fmt: skip
_GIVEN = (
    "Änne", "Jörg", "Björn", "Käthe", "Günter", "Zoë", "Sören", "Ursula", "Karl", "Ines", "Levin",
    "Noah", "Mia",
)  # fmt: skip
_CODECS = {"8859/1": "latin-1", "8859/15": "iso8859-15", "UNICODE UTF-8": "utf-8"}
_DAY_ZERO = datetime(1930, 1, 1)  # noqa: DTZ001 - a birth date has no zone
#: Segment, field and what is exchanged there. `own` numbers (movements, documents, orders, merged
#: patients) keep what they are and get the patient's number behind it, so that messages of one
#: patient still speak of the same ones.
_PLACES = (
    (b"MSH", 7, "time"), (b"MSH", 10, "control"), (b"EVN", 2, "time"), (b"PID", 3, "patient"),
    (b"PID", 5, "name"), (b"PID", 7, "birth"), (b"PV1", 19, "visit"), (b"MRG", 1, "own"),
    (b"ZBE", 1, "own"), (b"TXA", 12, "own"), (b"TXA", 13, "own"), (b"ORC", 2, "own"),
    (b"ORC", 3, "own"), (b"OBR", 2, "own"), (b"OBR", 3, "own"), (b"IN1", 36, "kvnr"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """One message and what a checker wants to know of it."""

    control_id: str
    patient: str
    #: EVN-2 and MSH-7: rises from message to message.
    time: str
    message: bytes


class Variation:
    """Makes messages out of one sample."""

    def __init__(self, sample: bytes, *, prefix: str, start: datetime, step: float = 0.01) -> None:
        """Cut the sample; message number n is dated `start` + n × `step` seconds."""
        self._prefix = prefix
        self._start = start
        self._step = step
        self._codec = _CODECS.get(hl7.field(sample, b"MSH", 18), "latin-1")
        self._pieces: list[bytes] = []
        self._kinds: list[str] = []
        self._cut(sample.replace(b"\r\n", b"\r").replace(b"\n", b"\r"))

    def make(self, number: int, patient: int) -> Made:
        """Make message `number` about patient `patient`."""
        control = f"{self._prefix}{number:08d}"
        local = f"{4_000_000_000 + patient}"
        moment = self._start + timedelta(seconds=number * self._step)
        time = f"{moment:%Y%m%d%H%M%S}.{moment.microsecond // 100:04d}{moment:%z}"
        family = f"{_FAMILIES[patient % len(_FAMILIES)]}-{patient}"
        values = {
            "control": control,
            "time": time,
            "patient": local,
            "kvnr": kvnr(patient),
            "name": family,
            "given": _GIVEN[patient // len(_FAMILIES) % len(_GIVEN)],
            "birth": f"{_DAY_ZERO + timedelta(days=patient * 37 % 33_000):%Y%m%d}",
            "visit": f"{2_000_000_000 + patient}",
            "own": f"-{patient}",
        }
        encoded = {kind: text.encode(self._codec, "replace") for kind, text in values.items()}
        parts = [self._pieces[0]]
        for kind, piece in zip(self._kinds, self._pieces[1:], strict=True):
            parts += (encoded[kind], piece)
        return Made(control, local, time, b"".join(parts))

    def _cut(self, sample: bytes) -> None:
        separator = sample[3:4]
        text = b""
        for line in sample.split(b"\r"):
            fields = line.split(separator)
            if fields[0] == b"MSH":
                # MSH-1 is the separator itself: everything moves by one.
                fields.insert(1, separator)
            for name, number, kind in _PLACES:
                if fields[0] == name and len(fields) > number and fields[number]:
                    fields[number] = _marked(fields[number], kind, sample[4:6])
            if fields[0] == b"MSH":
                del fields[1]
            text += separator.join(fields) + b"\r"
        for piece in text.removesuffix(b"\r").split(b"\x00"):
            if len(self._kinds) == len(self._pieces):
                self._pieces.append(piece)
            else:
                self._kinds.append(piece.decode())


def _marked(value: bytes, kind: str, delimiters: bytes) -> bytes:
    """Put a place (between NUL bytes) where the field's varying part stands."""
    component, repetition = delimiters[:1], delimiters[1:2]
    if kind == "kvnr":
        return _insured(value, component)
    repetitions = value.split(repetition)
    parts = repetitions[0].split(component)
    parts[0] = (parts[0] if kind == "own" else b"") + _place(kind)
    if kind == "name" and len(parts) > 1:
        parts[1] = _place("given")
    repetitions[0] = component.join(parts)
    if kind == "patient":
        repetitions[1:] = [_insured(other, component) for other in repetitions[1:]]
    return repetition.join(repetitions)


def _insured(identifier: bytes, component: bytes) -> bytes:
    """Exchange a KVNR (one letter, nine digits) for the patient's."""
    parts = identifier.split(component)
    known = parts[0]
    if len(known) == 10 and known[:1].isalpha() and known[1:].isdigit():
        parts[0] = _place("kvnr")
    return component.join(parts)


def _place(kind: str) -> bytes:
    return b"\x00" + kind.encode() + b"\x00"


def kvnr(number: int) -> str:
    """Make a Krankenversichertennummer with a right check digit (§ 290 SGB V, annex 1).

    X1104 begins the range used for tests.
    """
    digits = f"{11_040_000 + number:08d}"
    weighed = [
        int(digit) * (2 if place % 2 else 1)
        for place, digit in enumerate(f"{ord('X') - 64}{digits}")
    ]
    return f"X{digits}{sum(n // 10 + n % 10 for n in weighed) % 10}"
