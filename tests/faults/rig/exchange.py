"""Exchange folders of a practice and a hospital, and what tests do with them."""

from __future__ import annotations

import shutil
import urllib.request
from pathlib import Path

from gateway.cli.app import run
from rig.messages import admission
from rig.region import ROOT, Region

#: Invented GDT, LDT and BDT files; FHIR documents.
XDT = ROOT / "tests" / "samples" / "xdt"
FHIR = ROOT / "tests" / "samples" / "fhir"
#: Exchange folders of the region.
FOLDERS = ("ein", "aus", "gdt", "dok", "kollegen", "alles")

#: Endpoints and routes beside those every region of these tests has.
_REGION = """
[[endpoint]]
id = "praxis-gdt"
organization = "praxis"
connection_type = "folder"
direction = "in"
format = "xdt"
[endpoint.folder]
path = "{folder}/gdt"
pattern = ["PRAX*.GDT"]
archive = "archiv"
answer = "errors"
poll = "100ms"
stable = "0s"
lease = "1s"
patience = "1s"

[[endpoint]]
id = "klinikum-ordner"
organization = "klinikum"
connection_type = "folder"
direction = "in"
format = "hl7v2"
dialect = "klinikum"
[endpoint.folder]
path = "{folder}/ein"
answer = "all"
poll = "100ms"
stable = "0s"
lease = "1s"

[[endpoint]]
id = "praxis-ordner"
organization = "praxis"
connection_type = "folder"
direction = "out"
format = "fhir_r4"
idempotent = true
timeout = "5s"
retry = {{ attempts = 50, first = "100ms", most = "200ms" }}
[endpoint.folder]
path = "{folder}/aus"
name = "EDV1GTWY.###"
lease = "1s"
poll = "100ms"

[[endpoint]]
id = "praxis-briefe"
organization = "praxis"
connection_type = "folder"
direction = "out"
format = "xdt"
named_only = true
idempotent = true
retry = {{ attempts = 50, first = "100ms", most = "200ms" }}
sender = ["GTWY", ""]
receiver = ["EDV1", ""]
[endpoint.folder]
path = "{folder}/gdt"
name = "EDV1GTWY.GDT"
poll = "100ms"
lease = "1s"

[[route]]
id = "briefe"
from = ["klinikum-adt"]
criteria = "DocumentReference"
to = ["praxis-briefe"]
purpose = "TREAT"
legal_basis = "§ 630a BGB"
controller = "klinikum"
data_categories = ["discharge letter"]

[[route]]
id = "untersuchungen"
from = ["praxis-gdt"]
criteria = "DiagnosticReport"
to = ["praxis-ordner"]
purpose = "TREAT"
legal_basis = "§ 630a BGB"
controller = "praxis"
data_categories = ["examination"]

[[route]]
id = "ordner"
from = ["klinikum-ordner"]
criteria = "Encounter"
to = ["praxis-ordner"]
purpose = "TREAT"
legal_basis = "§ 630a BGB"
controller = "klinikum"
data_categories = ["movement"]

[[endpoint]]
id = "praxis-dokumente"
organization = "praxis"
connection_type = "folder"
direction = "in"
format = "fhir_r4"
[endpoint.folder]
path = "{folder}/dok"
pattern = ["*.xml", "*.json"]
archive = "archiv"
poll = "100ms"
stable = "0s"

[[endpoint]]
id = "praxis-alles"
organization = "praxis"
connection_type = "folder"
direction = "in"
format = "xdt"
max_bytes = 5_000_000
[endpoint.folder]
path = "{folder}/alles"
pattern = ["*"]
archive = "archiv"
poll = "100ms"
stable = "0s"
patience = "1s"

[[endpoint]]
id = "kollegen"
organization = "klinikum"
connection_type = "folder"
direction = "out"
format = "fhir_r4"
idempotent = true
[endpoint.folder]
path = "{folder}/kollegen"
name = "DOK-{{delivery}}.fhir"
poll = "100ms"

[[route]]
id = "bescheinigungen"
from = ["praxis-senden", "praxis-dokumente"]
criteria = "Bundle?composition.type=https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_KBV_FORMULAR_ART|e010"
to = {certificates}
purpose = "TREAT"
legal_basis = "§ 295 SGB V"
controller = "praxis"
data_categories = ["certificate of incapacity"]
"""


def describe(region: Region, *more: str) -> None:
    """Give a region its exchange folders; certificates go to `more` endpoints as well."""
    for name in FOLDERS:
        (region.folder / name).mkdir(exist_ok=True)
    to = ", ".join(f'"{name}"' for name in ("kollegen", *more))
    region.extra = _REGION.format(folder=region.folder, certificates=f"[{to}]")


def register(region: Region) -> None:
    """Write and register a configuration in this process; an empty store gets its tables."""
    region.write()
    assert run(["apply", str(region.folder), "--yes"]) == 0


def drop(folder: Path, first: int, last: int) -> None:
    """Let the hospital write admissions into a folder, as programs should: aside, then renamed."""
    for number in range(first, last + 1):
        part = folder / f"{number}.tmp"
        part.write_bytes(admission(f"FILE{number}", f"7700{number % 3}", number))
        part.rename(part.with_name(f"KIS.{number:03d}"))


def put(source: Path, target: Path) -> None:
    """Write a file into an exchange folder: aside, then renamed."""
    part = target.with_name(f"{target.name}.tmp")
    shutil.copyfile(source, part)
    part.rename(target)


def visible(folder: Path) -> list[str]:
    """Name the files of a folder."""
    return sorted(one.name for one in folder.iterdir() if one.is_file())


def text(region: Region, path: str) -> str:
    """Ask the gateway's HTTP interface."""
    with urllib.request.urlopen(f"http://127.0.0.1:{region.http_port}{path}", timeout=10) as answer:
        return str(answer.read().decode())
