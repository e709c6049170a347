"""Check digits of German identifiers.

KVNR (§ 290 SGB V), IKNR (Arbeitsgemeinschaft Institutionskennzeichen), LANR (§ 75 (7) SGB V), PZN
(IFA). Many numbers of test data have a wrong one, so what follows from it is the caller's to say.
"""

from __future__ import annotations

import re

_KVNR = re.compile(r"[A-Z][0-9]{9}")
_NINE_DIGITS = re.compile(r"[0-9]{9}")
_EIGHT_DIGITS = re.compile(r"[0-9]{8}")
_ONCE = {digit: int(digit) for digit in "0123456789"}
#: Cross sum of twice the digit.
_TWICE = {digit: int(sum_) for digit, sum_ in zip("0123456789", "0246813579", strict=True)}
#: A letter counts as two digits (A = 01), of which the second has the weight 2.
_LETTER = {
    chr(ord("A") + number - 1): _ONCE[f"{number:02d}"[0]] + _TWICE[f"{number:02d}"[1]]
    for number in range(1, 27)
}


def has_kvnr_form(text: str) -> bool:
    """Say whether a text is a letter and nine digits, whatever its check digit."""
    return _KVNR.fullmatch(text) is not None


def is_kvnr(text: str) -> bool:
    """Say whether a text is a KVNR: weights 1 2 1 2…, cross sums, modulo 10."""
    if _KVNR.fullmatch(text) is None:
        return False
    total = _LETTER[text[0]] + _alternating(text[1:9])
    return total % 10 == int(text[9])


def is_iknr(text: str) -> bool:
    """Say whether a text is an IKNR: digits 3 to 8, weights 2 1 2 1…, cross sums, modulo 10."""
    if _NINE_DIGITS.fullmatch(text) is None:
        return False
    total = _alternating(text[7:1:-1])
    return total % 10 == int(text[8])


def _alternating(digits: str) -> int:
    """Sum with the weights 1 2 1 2…, where a product counts with its cross sum."""
    return sum(map(_ONCE.__getitem__, digits[::2])) + sum(map(_TWICE.__getitem__, digits[1::2]))


def is_lanr(text: str) -> bool:
    """Say whether a text is a LANR: digits 1 to 6, weights 4 9 4 9…, complement to 10."""
    if _NINE_DIGITS.fullmatch(text) is None:
        return False
    total = 4 * sum(map(int, text[0:6:2])) + 9 * sum(map(int, text[1:6:2]))
    return -total % 10 == int(text[6])


def is_pzn(text: str) -> bool:
    """Say whether a text is a PZN: digits 1 to 7 with the weights 1 to 7, modulo 11."""
    if _EIGHT_DIGITS.fullmatch(text) is None:
        return False
    total = sum(weight * int(digit) for weight, digit in enumerate(text[:7], 1))
    return total % 11 == int(text[7])
