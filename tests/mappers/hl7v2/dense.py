"""Messages with every field of every segment filled: `python -m tests.mappers.hl7v2.dense`.

The datatypes of the fields are those of mappers/hl7v2/versions and, for segments nobody writes, of
dense-fields.csv. Prints per structure how many leaves became data, were ignored or were left over.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import mappers
from mappers.base import Mapped
from mappers.codes import rows
from tests.mappers.hl7v2 import coverage

HERE = Path(__file__).parent
#: Datatype → a value with all its components; {n} is the number of the field.
VALUES = {
    "ST": "Wort {n}",
    "TX": "Zeile {n}",
    "FT": "Zeile {n}",
    "NM": "1{n}",
    "SI": "1",
    "ID": "Y",
    "IS": "K{n}",
    "DT": "20240105",
    "TS": "202401051230+0100",
    "TM": "1230",
    "DR": "20240101^20240131",
    "CE": "K{n}^Wort {n}^L^A{n}^Anders {n}^L",
    "CWE": "K{n}^Wort {n}^L^A{n}^Anders {n}^L^1.0^2.0^Im Wortlaut {n}",
    "CNE": "K{n}^Wort {n}^L^A{n}^Anders {n}^L^1.0^2.0^Im Wortlaut {n}",
    "CX": "47{n}^3^M10^KH&1.2.276.0.76.3.1.99.1&ISO^MR^Haus&1.2.276.0.76.3.1.99.2&ISO^20240101"
    "^20301231^NW&Land&L^AMT&Amt&L",
    "EI": "E{n}^KH^1.2.276.0.76.3.1.99.{n}^ISO",
    "EIP": "P{n}&KH&1.2.276.0.76.3.1.99.3&ISO^F{n}&KH&1.2.276.0.76.3.1.99.4&ISO",
    "HD": "KH{n}^1.2.276.0.76.3.1.98.{n}^ISO",
    "XPN": "von Berg&von&Berg&van&Tal^Eva{n}^Maria^Jr^Dr.^MD^L^A^CTX&Umfeld&L^^G^20200101^20301231"
    "^Prof",
    "XCN": "7{n}^von Arzt&von&Arzt^Ute^M^Jr^Dr.^MD^SRC^KH&1.2.276.0.76.3.1.99.1&ISO^L^3^M10^DN"
    "^Haus&1.2.276.0.76.3.1.99.2&ISO^A^CTX&Umfeld&L^^G^20200101^20301231^Prof^NW&Land&L^AMT&Amt&L",
    "PPN": "7{n}^von Arzt&von&Arzt^Ute^M^Jr^Dr.^MD^SRC^KH&1.2.276.0.76.3.1.99.1&ISO^L^3^M10^DN"
    "^Haus&1.2.276.0.76.3.1.99.2&ISO^202401051230+0100",
    "XAD": "Weg {n}&Weg&{n}^Hinten^Ort^NW^99999^DEU^H^Teil^Kreis^Bezirk^A^^20200101^20301231",
    "XTN": "(030)12{n}34567^PRN^PH^^49^30^12{n}34567^5^Wort",
    "XON": "Haus {n}^L^^4^M10^KH&1.2.276.0.76.3.1.99.1&ISO^XX^Ort&1.2.276.0.76.3.1.99.5&ISO^A^H{n}",
    "PL": "ST{n}^ZI^BE^KH&1.2.276.0.76.3.1.99.1&ISO^O^N^GEB^ET^Worte^E1&KH&1.2.276.0.76.3.1.99.6"
    "&ISO^AA&1.2.276.0.76.3.1.99.7&ISO",
    "LA1": "ST{n}^ZI^BE^KH^O^N^GEB^ET",
    "LA2": "ST{n}^ZI^BE^KH^O^N^GEB^ET",
    "CP": "12.5&EUR^UP^1^2^EUR&Euro&ISO4217^P",
    "MO": "12.5^EUR",
    "MOC": "12.5&EUR^K{n}",
    "CQ": "5^mg&Milligramm&UCUM",
    "DLN": "D{n}^NW^20301231",
    "PLN": "P{n}^MD^NW^20301231",
    "DIN": "20240105^K{n}&Wort&L",
    "SPD": "Fach^Kammer^C^20240105",
    "FC": "K{n}^20240101",
    "JCC": "J{n}^K{n}^Wort {n}",
    "NDL": "7{n}&Arzt&Ute^202401051230+0100^202401051330+0100^ST^ZI^BE^KH^O^N^GEB^ET",
    "DDI": "K{n}^10^5",
    "DLD": "K{n}^20240101",
    "AUI": "A{n}^20240101^Quelle",
    "RI": "BID^0800",
    "RPT": "BID",
    "TQ": "1^BID^D5^20240101^20240105^R",
    "SPS": "BLD&Blut&L^EDTA^Wort^ARM&Arm&L",
    "PTA": "K{n}^L^10^5",
    "RMC": "K{n}^L^10",
    "PRL": "K{n}&Wort&L^1^9",
    "CCD": "D^20240105",
    "SCV": "K{n}^Wort",
    "VH": "MON^FRI^0800^1700",
    "varies": "5.{n}",
}
#: Fields that say what the others mean: a value of their tables.
STATED = {
    "PID-3": "4711^^^KH&1.2.276.0.76.3.1.99.1&ISO^PI",
    "PID-7": "19700105",
    "PID-8": "F",
    "PID-25": "2",
    "PID-29": "20240105",
    "PV1-2": "I",
    "PV1-19": "V1^^^KH&1.2.276.0.76.3.1.99.1&ISO^VN",
    "PV1-44": "202401011000+0100",
    "PV1-45": "202401061000+0100",
    "OBX-2": "NM",
    "OBX-5": "5.1",
    "OBX-11": "F",
    "OBR-25": "F",
    "OBR-11": "G",
    "ORC-1": "NW",
    "ORC-5": "IP",
    "NTE-3": "Eine Bemerkung",
    "TXA-2": "DS",
    "TXA-3": "TX",
    "TXA-17": "AU",
    "TXA-19": "AV",
    "DG1-6": "A",
    "IN1-17": "SPO",
    "MFI-1": "PRA^Practitioner master file^HL70175",
    "MFI-3": "UPD",
    "MFE-1": "MAD",
    "MFE-5": "CWE",
    "STF-5": "F",
    "STF-7": "A",
    "LDP-6": "A",
    "ZBE-4": "INSERT",
    "ZBE-5": "N",
    "ZBE-6": "A01",
    "PRB-1": "AD",
    "GOL-1": "AD",
    "PTH-1": "AD",
    "RGS-2": "A",
    "AIS-2": "A",
    "AIG-2": "A",
    "AIL-2": "A",
    "AIP-2": "A",
    "ROL-2": "AD",
    "PRT-2": "AD",
    "ROL-3": "AT^Attending^HL70443",
    "RXA-20": "CP",
    "RXA-21": "A",
    "SCH-25": "Booked",
    "MSA-1": "AA",
    "MSA-2": "1",
    "QAK-2": "OK",
    "QPD-1": "IHE PDQ Query^^L",
    "QAK-1": "Wort 2",
    "FT1-6": "CG",
    "ARV-2": "A",
    "RXO-9": "G",
    "DG1-21": "A",
    "PR1-20": "A",
    "TQ1-2": "1^EA",
    "TQ1-5": "30^min",
    "TQ1-6": "5^d",
    "TQ1-12": "S",
    "TQ1-13": "10^min",
    "AIS-5": "10",
    "AIS-6": "min^Minuten^UCUM",
    "AIS-8": "min^Minuten^UCUM",
    "AIS-9": "Confirm",
    "AIS-10": "Booked",
    "AIG-10": "min^Minuten^UCUM",
    "AIG-12": "min^Minuten^UCUM",
    "AIG-13": "Confirm",
    "AIG-14": "Booked",
    "AIL-8": "min^Minuten^UCUM",
    "AIL-10": "min^Minuten^UCUM",
    "AIL-11": "Confirm",
    "AIL-12": "Booked",
    "AIP-8": "min^Minuten^UCUM",
    "AIP-10": "min^Minuten^UCUM",
    "AIP-11": "Confirm",
    "AIP-12": "Booked",
    "SCH-10": "min^Minuten^UCUM",
    # Superseded by TQ1, beside which nobody fills them.
    "ORC-7": "",
    "OBR-27": "",
    "RXE-1": "",
    "RXG-3": "",
    "SCH-11": "",
}
_VISIT = "EVN PID PD1 ARV ROL NK1 PV1 PV2 ROL DB1 OBX AL1 DG1 DRG PR1 ROL GT1 IN1 IN2 ACC UB2 PDA"
_ORDER = "PID PD1 NK1 PV1 PV2 GT1 IN1 IN2 AL1 ORC TQ1 OBR NTE PRT CTD DG1 OBX NTE PRT SPM SAC"
_DRUG = "PID PD1 PV1 PV2 IN1 GT1 AL1 ORC TQ1"
#: Message → its segments in order.
STRUCTURES = {
    **{f"ADT^{event}": _VISIT for event in ("A01", "A04", "A05", "A08", "A13", "A28", "A31")},
    **{f"ADT^{event}": "EVN PID PD1 PV1 PV2 DB1 OBX DG1" for event in ("A11", "A12", "A27", "A38")},
    **{f"ADT^{event}": "EVN PID PD1 ROL PV1 PV2 OBX" for event in ("A02", "A09", "A10", "A14")},
    "ADT^A03": "EVN PID PD1 ROL NK1 PV1 PV2 ZBE AL1 DG1 PR1 OBX GT1 IN1 IN2",
    "ADT^A06": "EVN PID PD1 ROL MRG NK1 PV1 PV2 OBX AL1 DG1 PR1 GT1 IN1",
    "ADT^A17": "EVN PID PD1 PV1 PV2 OBX",
    "ADT^A20": "EVN NPU",
    "ADT^A24": "EVN PID PD1 PV1",
    "ADT^A40": "EVN PID PD1 MRG PV1",
    "ADT^A44": "EVN PID PD1 MRG",
    "ADT^A45": "EVN PID PD1 MRG PV1",
    "ADT^A54": "EVN PID PD1 ROL PV1 ROL PV2",
    "ADT^A60": "EVN PID PV1 PV2 IAM",
    "BAR^P01": "EVN PID PD1 ROL PV1 PV2 ROL DB1 OBX AL1 DG1 PR1 ROL GT1 NK1 IN1 IN2 ACC UB2",
    "BAR^P05": "EVN PID PD1 ROL PV1 PV2 OBX AL1 DG1 PR1 GT1 NK1 IN1 IN2 ACC",
    "BAR^P12": "EVN PID PV1 DG1 PR1 ROL",
    "DFT^P03": "EVN PID PD1 PV1 PV2 OBX FT1 NTE PR1 DG1 GT1 IN1 IN2 ACC",
    "DFT^P11": "EVN PID PD1 PV1 PV2 DG1 GT1 IN1 FT1 PR1 DG1",
    "MDM^T01": "EVN PID PV1 ORC TQ1 OBR NTE TXA",
    "MDM^T02": "EVN PID PV1 ORC TQ1 OBR NTE TXA OBX NTE",
    "MFN^M02": "MFI MFE STF PRA ORG",
    "MFN^M05": "MFI MFE LOC LDP",
    "OMG^O19": _ORDER,
    "OMI^O23": "PID PD1 PV1 PV2 IN1 GT1 AL1 ORC TQ1 OBR NTE DG1 OBX IPC",
    "OML^O21": _ORDER,
    "OML^O33": "PID PD1 PV1 PV2 IN1 GT1 AL1 SPM OBX SAC ORC TQ1 OBR NTE DG1 OBX",
    "OMP^O09": f"{_DRUG} RXO NTE RXR RXC OBX NTE",
    "ORM^O01": "PID PD1 PV1 PV2 IN1 IN2 GT1 AL1 ORC OBR NTE CTD DG1 OBX NTE CTI BLG",
    "ORU^R01": "PID PD1 NTE NK1 PV1 PV2 ORC OBR NTE TQ1 CTD OBX NTE SPM OBX",
    "ORU^R30": "PID PD1 OBX PV1 PV2 ORC OBR NTE TQ1 OBX NTE",
    "OUL^R22": "PID PD1 PV1 PV2 SPM OBX SAC OBR ORC NTE TQ1 OBX NTE",
    "OUL^R24": "PID PD1 PV1 PV2 OBR ORC NTE TQ1 OBX NTE SPM SAC",
    "PPR^PC1": "PID PV1 PV2 PRB NTE VAR ROL PTH VAR OBX NTE GOL NTE VAR ROL OBX ORC OBR NTE OBX",
    "RAS^O17": f"{_DRUG} RXO NTE RXR RXE TQ1 RXR RXA RXR OBX NTE",
    "RDE^O11": f"{_DRUG} RXO NTE RXR RXC RXE NTE TQ1 RXR RXC OBX NTE",
    "RDE^O25": f"{_DRUG} RXO NTE RXR RXC RXE NTE TQ1 RXR RXC OBX NTE",
    "RDS^O13": f"{_DRUG} RXO NTE RXR RXE NTE TQ1 RXR RXD NTE RXR RXC OBX NTE",
    "RGV^O15": f"{_DRUG} RXO NTE RXR RXE TQ1 RXR RXG TQ1 RXR RXC OBX NTE",
    "REF^I12": "RF1 AUT CTD PRD CTD PID NK1 GT1 IN1 IN2 ACC DG1 DRG AL1 PR1 AUT OBR NTE OBX NTE "
    "PV1 PV2 NTE",
    "RSP^K22": "MSA QAK QPD PID PD1 NK1",
    "SIU^S12": "SCH TQ1 NTE PID PD1 PV1 PV2 OBX DG1 RGS AIS NTE AIG NTE AIL NTE AIP NTE",
    "SIU^S15": "SCH TQ1 NTE PID PD1 PV1 PV2 OBX DG1 RGS AIS NTE AIG NTE AIL NTE AIP NTE",
    "SRM^S01": "ARQ NTE PID PV1 PV2 OBX DG1 RGS AIS NTE AIG NTE AIL NTE AIP NTE",
    "VXU^V04": "PID PD1 NK1 PV1 PV2 GT1 IN1 IN2 ORC TQ1 RXA RXR OBX NTE",
}
_VERSIONS = ("2.8", "2.5.1")


@cache
def fields() -> dict[str, tuple[str, ...]]:
    """Segment → datatypes of its fields, withdrawn ones in the last version that had them."""
    found: dict[str, dict[int, str]] = {}
    for row in rows("mappers.hl7v2", "versions", "fields"):
        kinds = [row[version].rstrip("*") for version in _VERSIONS if row[version]]
        if kinds:
            found.setdefault(row["segment"], {})[int(row["field"])] = kinds[0]
    with (HERE / "dense-fields.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["segment"]] = dict(enumerate(row["types"].split(), 1))
    return {
        name: tuple(numbers.get(n, "") for n in range(1, max(numbers) + 1))
        for name, numbers in found.items()
    }


def segment(name: str, count: int) -> str:
    """One segment with all its fields."""
    values = [name]
    for number, kind in enumerate(fields().get(name, ()), 1):
        place = f"{name}-{number}"
        stated = STATED.get(place)
        values.append(VALUES.get(kind, "").format(n=number) if stated is None else stated)
    line = "|".join(values)
    return line.replace("|1|", f"|{count}|", 1) if count > 1 else line


def message(kind: str) -> bytes:
    """A message of this type with every field of its structure."""
    segments = STRUCTURES[kind].split()
    head = f"MSH|^~\\&|KIS^1.2.3.4^ISO|KH|GW|NETZ|20240106||{kind}|1|P|2.5.1|||||DEU|UNICODE UTF-8"
    counts: Counter[str] = Counter()
    lines = [head]
    for name in segments:
        if name in fields():
            counts[name] += 1
            lines.append(segment(name, counts[name]))
    return "\r".join([*lines, ""]).encode()


def translated(*, lineage: bool = False) -> Iterator[tuple[str, bytes, Mapped]]:
    """Every structure with its dense message and what it becomes."""
    for kind in STRUCTURES:
        data = message(kind)
        (mapped,) = mappers.convert(data, format="hl7v2", lineage=lineage)
        yield kind, data, mapped


def main() -> None:
    """Print the account of every structure and the fields most often left over."""
    write = sys.stdout.write
    left: Counter[tuple[str, str]] = Counter()
    total = coverage.Account()
    for kind, data, _ in translated():
        account = coverage.measure(data, left)
        total.add(account)
        write(coverage.line(kind, account) + f" {dict(account.refused) or ''}\n")
    write(coverage.line("all", total) + "\n")
    by_field: Counter[str] = Counter()
    for (_, place), count in left.items():
        by_field[place] += count
    write("".join(f"  {n:5} {what}\n" for what, n in by_field.most_common(150)))


if __name__ == "__main__":
    main()
