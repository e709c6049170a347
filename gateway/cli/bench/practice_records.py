"""Files of practices, devices and laboratories to measure with, each of another patient."""

from __future__ import annotations

from collections.abc import Iterable

#: Feldkennung and content.
Field = tuple[str, str]
_CHARSET = "cp437"
_LABORATORY_CHARSET = "iso8859-15"
_PERSON = """3101 Öhlschläger-Weiß
3102 Änne
3103 14031948
3104 Dr. med.
3105 {number:09d}
3106 99999 Musterhausen
3107 Lindenweg 12a
3108 1
3110 2"""
_PRESSURE = """8410 {test}
8411 Blutdruck {words}
8420 {value}
8421 mmHg
8432 03112026
8439 {clock}
8461 {low}
8462 {high}"""
_DEVICE = """8315 PRAXIS01
8316 BDM_0001
9206 2
9218 02.10
3000 {number}"""
_EXAMINED = """3622 163.00
3623 {weight}.50
6200 03112026
6201 {clock}
8402 BDM00
6220 Blutdruck leicht erhöht
6227 Messung sitzend, rechter Oberarm, nach fünf Minuten Ruhe
6228 Zeit   Sys  Dia  Puls
6228 {clock}  148   86    72
6228 {clock}  142   84    70"""
_DAY = """6200 {day:02d}112026
6205 Arterielle Hypertonie
6001 I10.90
6003 G
6220 Herz und Lunge auskultatorisch unauffällig.
6220 Keine Ödeme, Gewicht stabil.
6230 1{number}/84
6240 Husten seit fünf Tagen, Dyspnoe bei Belastung
6210 Ramipril 5 mg Tbl. N3
6260 Inhalation bei Bedarf, Kontrolle in drei Tagen
6280 Pneumologie: Mitbehandlung erbeten
8401 E
8402 LABOR0
8410 CRP
8411 C-reaktives Protein
8420 {day}.0
8421 mg/l
8460 unter 5.0
8410 KREA
8411 Kreatinin
8420 84
8421 µmol/l
6330 Sozialberatung
6331 Einwilligung zur Vermittlung liegt vor"""
_MASTER = """3610 02042009
3620 Lehrerin im Ruhestand
3622 163
3623 72
3626 03643 000000
3649 12052019
3650 Arterielle Hypertonie
3651 12052019
3652 Ramipril 5 mg 1-0-0
3654 Raucherin bis 2011
3656 Penicillin (Exanthem)
3662 Lebt allein seit 2023, dritter Stock ohne Aufzug
4104 93999
4111 9999983
4112 5000"""
_CASE = """4101 42026
4104 93999
4106 00
4111 9999983
4112 5000
4121 1
4239 00
5000 03112026
5001 03000
5001 03220
6001 I10.90
6003 G
6001 J44.19
6003 G"""
_PRACTICE = """0201 939876500
0203 Dr. med. Jörg Müllerbach
0204 Allgemeinmedizin
0205 Markt 3
0206 99999 Musterhausen
0208 03643 000001"""
_STAMP = ("8002 Obj_0054", "7278 20261103", "7279 {clock}", "7273 UTC+1", "8003 Obj_0054")
_RESULT = """8160 Ergebnis
8002 Obj_0060
7304 R{place}-{number}
7364 PG0001
8410 {test}
8411 {words}
7263 {loinc}
8418 06
7302 Photometrie
7306 01
8420 {value}
8421 {unit}
8142 Normalwert
8002 Obj_0042
8424 13
8461 {low}
8421 {unit}
8462 {high}
8421 {unit}
8003 Obj_0042
8225 Zeitpunkt"""
_TESTS = (
    ("KREA", "Kreatinin", "14682-9", "µmol/l", "45", "84"),
    ("K", "Kalium", "2823-3", "mmol/l", "3.5", "5.1"),
    ("CRP", "C-reaktives Protein", "1988-5", "mg/l", "0", "5"),
    ("HB", "Hämoglobin", "718-7", "g/dl", "12.0", "16.0"),
)


def device_records(count: int) -> list[bytes]:
    """Blood pressures a device sends (GDT 2.1, Satzart 6310)."""
    return [_device_record(number) for number in range(count)]


def _device_record(number: int) -> bytes:
    clock = f"{number // 3600 % 24:02d}{number // 60 % 60:02d}{number % 60:02d}"
    shown = {"number": f"{number + 10_000}", "clock": clock, "weight": 50 + number % 60}
    lines = _fields(_DEVICE, **shown) + _fields(_PERSON, number=number)
    lines += _fields(_EXAMINED, **shown)
    for test, words, low, high in (
        ("SYS", "systolisch", 100, 140),
        ("DIA", "diastolisch", 60, 90),
        ("MAD", "Mitteldruck", 70, 105),
    ):
        value = low + number % 50
        lines += _fields(
            _PRESSURE, test=test, words=words, value=value, clock=clock, low=low, high=high
        )
    return _record("6310", [*lines, ("8990", "MÜ")])


def laboratory_files(count: int) -> list[bytes]:
    """Reports of a laboratory with four results (LDT 3, Satzart 8205)."""
    return [_laboratory_file(number) for number in range(count)]


def _laboratory_file(number: int) -> bytes:
    clock = f"{number // 3600 % 24:02d}{number // 60 % 60:02d}{number % 60:02d}"
    head = ["8000 8220", "8132 Kopfdaten", "8002 Obj_0032", "0001 LDT3.2.20"]
    head += ["8218 Erstellung", *_STAMP, "8003 Obj_0032"]
    head += ["8119 Betriebsstätte", *_site("939812300", "MVZ Labor Nordfeld"), "8001 8220"]
    body = ["8000 8205", "8122 Einsender", "8002 Obj_0022", "7321 02", "8312 E4711"]
    body += ["8114 Arzt", "8002 Obj_0014", "8147 Person", "8002 Obj_0047", "7420 02"]
    body += ["3101 Müllerbach", "3102 Jörg", "8003 Obj_0047", "0212 482731001", "8003 Obj_0014"]
    body += ["8119 Betriebsstätte", *_site("939876500", "Hausarztpraxis"), "8003 Obj_0022"]
    body += ["8145 Patient", "8002 Obj_0045", "8147 Person", "8002 Obj_0047", "7420 12"]
    body += ["3101 Öhlschläger", "3102 Änne", "3103 19480314", "3110 W", "8003 Obj_0047"]
    body += ["3000 {number}", "8003 Obj_0045", "8117 Befund", "8002 Obj_0017"]
    body += ["8310 A{number}", "8311 L{number}", "7305 B{number}", "8401 2"]
    for fk in ("8214 Auftrag", "8215 Eingang", "8216 Befund"):
        body += [fk, *_STAMP]
    body += ["8003 Obj_0017", "8137 Material", "8002 Obj_0037", "7364 PG0001", "8429 01"]
    body += ["8428 SE", "8430 Serum", "8219 Entnahme", *_STAMP, "8003 Obj_0037"]
    body += ["8135 Bericht", "8002 Obj_0035"]
    for place, (test, words, loinc, unit, low, high) in enumerate(_TESTS):
        known = {"test": test, "words": words, "loinc": loinc, "unit": unit, "low": low}
        body += _RESULT.format(
            **known, high=high, place=place, number="{number}", value=f"{number % 90 + place}.5"
        ).split("\n")
        body += [*_STAMP, "8003 Obj_0060"]
    body += ["8221 Erstellt", *_STAMP, "8003 Obj_0035", "8001 8205"]
    shown = "\n".join([*head, *body, "8000 8221", "8001 8221"])
    return _written(_fields(shown, clock=clock, number=number + 10_000), _LABORATORY_CHARSET)


def _site(number: str, name: str) -> list[str]:
    return ["8002 Obj_0019", "0204 1", f"0203 {name}", f"0201 {number}", "8003 Obj_0019"]


def practice_export(patients: int) -> bytes:
    """Export what a practice keeps of so many patients (BDT 02/94)."""
    parts = [
        _record("0020", [("9100", "939876500"), ("9103", "03112026"), ("9106", "2")]),
        _record("0022", [("9210", "10/93"), ("9213", "02/94")]),
        _record("0010", _fields(_PRACTICE)),
    ]
    for number in range(patients):
        person = [("3000", f"{number + 10_000}"), *_fields(_PERSON, number=number)]
        days = [
            field for day in range(1, 4) for field in _fields(_DAY, day=day, number=number % 90)
        ]
        parts.append(_record("0101", [*person, *_fields(_CASE)]))
        parts.append(_record("6100", [*person, *_fields(_MASTER)]))
        parts.append(_record("6200", [person[0], *days]))
    parts += [_record("0023", []), _record("0021", [])]
    return b"".join(parts)


def _fields(template: str, **values: object) -> list[Field]:
    return [(line[:4], line[5:]) for line in template.format(**values).split("\n")]


def _record(satzart: str, fields: list[Field]) -> bytes:
    """One record, its length (FK 8100) behind its Satzart."""
    whole = [("8000", satzart), ("8100", "00000"), *fields]
    size = len(_written(whole, _CHARSET))
    whole[1] = ("8100", f"{size:05d}")
    return _written(whole, _CHARSET)


def _written(fields: Iterable[Field], charset: str) -> bytes:
    """Lines of length, Feldkennung and content."""
    return "".join(f"{len(said) + 9:03d}{fk}{said}\r\n" for fk, said in fields).encode(charset)
