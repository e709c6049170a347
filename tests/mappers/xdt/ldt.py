"""Builders of LDT: objects of LDT 3, time stamps, packages with their checksum."""

from __future__ import annotations

import hashlib

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from mappers.xdt.batch import split
from tests.mappers.xdt.lines import Field, line, nested

NAMESPACE = "https://labor.example/sid"
KEY = b"key"


def obj(fk: str, words: str, name: str, *fields: Field | list[Field]) -> list[Field]:
    """An object: the line that says what it is, its begin, its fields and its end."""
    inner = [one for field in fields for one in (field if isinstance(field, list) else [field])]
    return [(fk, words), ("8002", f"Obj_{name}"), *inner, ("8003", f"Obj_{name}")]


def stamp(fk: str, words: str, day: str, clock: str = "") -> list[Field]:
    """A time stamp of winter time."""
    time = [("7279", clock), ("7273", "UTC+1")] if clock else []
    return obj(fk, words, "0054", ("7278", day), *time)


def record(satzart: str, *parts: Field | list[Field]) -> bytes:
    """A record of LDT 3."""
    fields = [one for part in parts for one in (part if isinstance(part, list) else [part])]
    return nested(satzart, fields)


def package(header: bytes, *records: bytes) -> bytes:
    """A file: header, records and the end with the checksum."""
    satzart = "8221" if b"0008220" in header[:16] or b"8220" in header[:16] else "8231"
    begin = header + b"".join(records) + line("8000", satzart)
    checksum = hashlib.sha1(begin, usedforsecurity=False).hexdigest()
    return begin + line("9300", checksum) + line("8001", satzart)


def header(created: tuple[str, str] = ("20261104", "073000")) -> bytes:
    """8220 of an invented laboratory."""
    system = obj("8151", "Sendendes_System", "0051", ("8316", "LABOR"), ("0103", "LIS"))
    head = obj(
        "8132",
        "Kopfdaten",
        "0032",
        ("0001", "LDT3.2.20"),
        system,
        stamp("8218", "Timestamp_Erstellung_Datensatz", *created),
    )
    site = obj("8119", "Betriebsstaette", "0019", ("0203", "Labor Elbtal"), ("0201", "959988700"))
    return record("8220", head, site)


PATIENT = obj(
    "8145",
    "Patient",
    "0045",
    obj(
        "8147",
        "Person",
        "0047",
        ("3101", "Öhmichen"),
        ("3102", "Käthe"),
        ("3103", "19830212"),
        ("3110", "W"),
    ),
    ("3119", "X110411675"),
    ("3000", "3391"),
)


def info(status: str = "2", *more: Field | list[Field]) -> list[Field]:
    """What is said of the report as a whole."""
    made = stamp("8216", "Timestamp_Befunderstellung", "20261104", "072500")
    return obj(
        "8117",
        "Befundinformationen",
        "0017",
        ("8310", "A-1"),
        ("8311", "L-1"),
        ("7305", "L-1-B"),
        ("8401", status),
        made,
        *more,
    )


def chemistry(test: str, status: str, *fields: Field | list[Field]) -> list[Field]:
    """A result of clinical chemistry."""
    return obj(
        "8160",
        "UE_Klinische_Chemie",
        "0060",
        ("7304", f"R-{test}"),
        ("7364", "PG-1"),
        ("8410", test),
        ("8411", test.title()),
        ("8418", status),
        *fields,
    )


MATERIAL = obj("8137", "Material", "0037", ("7364", "PG-1"), ("8430", "Serum"))


def report(*results: list[Field], created=("20261104", "073000"), status="2", patient=PATIENT):
    """A file with one report."""
    inner = [field for result in results for field in result]
    found = obj("8135", "Laborergebnisbericht", "0035", inner)
    return package(header(created), record("8205", patient, info(status), MATERIAL, found))


def translate(data: bytes, **options: object) -> list[Mapped]:
    """Translate every message of a file."""
    dialect = options.pop("dialect", Dialect())
    context = Context(KEY, dialect, NAMESPACE, **options)  # type: ignore[arg-type]
    return [mappers.translate(message, "xdt", context) for message in split(data)]


def only(mapped: Mapped, kind: str) -> dict:
    """The one resource of a type."""
    (found,) = of(mapped, kind)
    return found


def of(mapped: Mapped, kind: str) -> list[dict]:
    """The resources of a type, in order."""
    return [change.resource for change in mapped.changes if change.type == kind]
