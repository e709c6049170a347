"""Krankenversichertennummer (KVNR), the insured person's part of ten characters (§ 290 SGB V)."""

from __future__ import annotations

from profiles.check_digits import has_kvnr_form as has_shape
from profiles.check_digits import is_kvnr

__all__ = ["SYSTEM", "has_shape", "is_kvnr"]

#: FHIR identifier system of the KVNR.
SYSTEM = "http://fhir.de/sid/gkv/kvid-10"
