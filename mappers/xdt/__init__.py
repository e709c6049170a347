"""xDT: what practice systems, devices and laboratories in Germany exchange as files.

One frame for the whole family (QMS and KBV: "Satzbeschreibung"):

- `batch`, `package`: a file or stream → messages; lengths and checksums of packages.
- `charset`, `message`, `structure`, `group`: bytes → lines → records and objects as a tree whose
  leaves know their line; `member`: which member of the family, in which version.
- `session`, `datatypes`, `table_rows`, `provenance`, `account`, `translate`: tree → resources,
  with lineage ("line 12 FK 3101") and a balance of every content.
- one package per member (`gdt`, `ldt`, `bdt`): what its records mean; named in
  `translate.READERS`.

Tables: `codes/records.csv` (Satzarten and the part they play in a file), `fields/<member>.csv`
(Feldkennungen: name, type, length), `rows/<member>.csv` (Feldkennung → FHIR element),
`codes/ignored.csv` (why a Feldkennung is left out), further code tables in `codes`.
"""

from __future__ import annotations

from mappers.base import Format
from mappers.xdt.batch import pieces, recognises, split
from mappers.xdt.beside import beside
from mappers.xdt.translate import translate
from mappers.xdt.write import encode

FORMAT = Format(
    name="xdt",
    recognises=recognises,
    split=split,
    translate=translate,
    media_type="application/x-xdt",
    encode=encode,
    beside=beside,
    stream=pieces,
    keeps_claims=True,
)
