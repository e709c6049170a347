"""Catalogues the user has a licence for, in the form their publishers give them.

| catalogue | function |
|---|---|
| ICD-10-GM, OPS (ClaML) | `claml(path, url=ICD_10_GM)`, `claml(path, url=OPS)` |
| ICD-10-GM (metadata, TXT) | `icd_metadata(path, version="2025")` |
| LOINC | `loinc(LoincFiles(table=…), version="2.78")` |
| SNOMED CT (RF2 snapshot) | `snomed_ct(folder, version="20250101")` |
| KBV key tables | `key_table(path, url=…)` |
| Alpha-ID | `alpha_id(path, version="2025")` |
| PZN | `pzn_list(path, Columns(…), version=…)` |
| any table | `table(path, Header(…), Columns(…))` |

Each returns a `Catalogue` for `store.build_store`. Nothing of them ships with the gateway.
"""

from __future__ import annotations

from profiles.terminology.loaders.claml import ICD_10_GM, OPS, claml
from profiles.terminology.loaders.icd_metadata import icd_metadata
from profiles.terminology.loaders.kbv import key_table, key_tables
from profiles.terminology.loaders.loinc import LOINC, LoincFiles, loinc, loinc_files
from profiles.terminology.loaders.snomed import INTERNATIONAL, SNOMED_CT, snomed_ct
from profiles.terminology.loaders.tables import (
    ALPHA_ID,
    PZN,
    Columns,
    alpha_id,
    columns_of,
    pzn_list,
    table,
)

__all__ = [
    "ALPHA_ID",
    "ICD_10_GM",
    "INTERNATIONAL",
    "LOINC",
    "OPS",
    "PZN",
    "SNOMED_CT",
    "Columns",
    "LoincFiles",
    "alpha_id",
    "claml",
    "columns_of",
    "icd_metadata",
    "key_table",
    "key_tables",
    "loinc",
    "loinc_files",
    "pzn_list",
    "snomed_ct",
    "table",
]
