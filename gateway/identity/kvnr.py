"""Krankenversichertennummer (KVNR), the insured person's part of ten characters.

§ 290 SGB V; letter, eight digits, check digit: the letter counts as two digits (A = 01), weights
1 and 2 alternate, the cross sums of the products are added, the sum modulo 10 is the check digit.
"""

from __future__ import annotations

import re

#: FHIR identifier system of the KVNR.
SYSTEM = "http://fhir.de/sid/gkv/kvid-10"
_SHAPE = re.compile(r"[A-Z][0-9]{9}", re.ASCII)


def has_shape(text: str) -> bool:
    """Say whether a text has the form of a KVNR, whatever its check digit."""
    return _SHAPE.fullmatch(text) is not None


def is_kvnr(text: str) -> bool:
    """Say whether a text is a KVNR with the right check digit."""
    if not has_shape(text):
        return False
    digits = f"{ord(text[0]) - ord('A') + 1:02d}{text[1:9]}"
    total = 0
    for position, digit in enumerate(digits):
        product = int(digit) * (1 + position % 2)
        total += product // 10 + product % 10
    return total % 10 == int(text[9])
