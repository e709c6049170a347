"""Folding of names: what two spellings of one name have in common.

Kölner Phonetik (Hans Joachim Postel, 1969) for family names; umlauts, ß and accents folded the
two ways in which systems without them write them (ä = ae, ä = a).
"""

from __future__ import annotations

import re
import unicodedata

_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
#: Letters that no decomposition takes apart.
_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)
_APOSTROPHES = re.compile("['’‘`´ʼ]")
_NO_LETTER = re.compile(r"[\W_]+")


def _without_marks(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


def _lower(text: str) -> str:
    # Composed first, so that a + diaeresis and ä are the same letter.
    return _APOSTROPHES.sub("", unicodedata.normalize("NFC", text)).lower()


def tokens(text: str) -> tuple[str, ...]:
    """Words of a name in lower case, umlauts written out (ä = ae), accents gone."""
    return tuple(_NO_LETTER.sub(" ", _without_marks(_lower(text).translate(_GERMAN))).split())


def plain_tokens(text: str) -> tuple[str, ...]:
    """Words of a name as systems write them that drop the dots (ä = a)."""
    return tuple(_NO_LETTER.sub(" ", _without_marks(_lower(text).replace("ß", "ss"))).split())


_SPELLINGS = (
    (re.compile("ph"), "f"),
    (re.compile("(?<=[tr])h"), ""),
    (re.compile("y"), "i"),
    (re.compile("c(?!h)"), "k"),
    (re.compile(r"(?<=[aeiou])h(?=$|[^aeiou])"), ""),
    (re.compile(r"(.)\1+"), r"\1"),
)


def spelling(word: str) -> str:
    """Fold spellings of one given name (Philipp = Filip, Sarah = Sara, Karl = Carl).

    Far from a phonetic code on purpose: Christian and Christina sound alike to those, and may be
    twins.
    """
    for pattern, replacement in _SPELLINGS:
        word = pattern.sub(replacement, word)
    return word


_SIMPLE = {
    **dict.fromkeys("aeijouy", "0"),
    "b": "1",
    **dict.fromkeys("fvw", "3"),
    **dict.fromkeys("gkq", "4"),
    "l": "5",
    **dict.fromkeys("mn", "6"),
    "r": "7",
    **dict.fromkeys("sz", "8"),
}


def cologne(word: str) -> str:
    """Kölner Phonetik of one folded word; "" when it holds no letter."""
    letters = [letter for letter in word if "a" <= letter <= "z"]
    codes = "".join(
        _code(letter, before, after)
        for before, letter, after in zip(["", *letters], letters, [*letters[1:], ""], strict=False)
    )
    single = re.sub(r"(.)\1+", r"\1", codes)
    return single[:1] + single[1:].replace("0", "")


def _code(letter: str, before: str, after: str) -> str:
    match letter:
        case "h":
            return ""
        case "p":
            return "3" if after == "h" else "1"
        case "d" | "t":
            return "8" if after and after in "csz" else "2"
        case "x":
            return "8" if before and before in "ckq" else "48"
        case "c":
            return _code_of_c(before, after)
    return _SIMPLE[letter]


def _code_of_c(before: str, after: str) -> str:
    if not before:
        return "4" if after and after in "ahkloqrux" else "8"
    if before in "sz":
        return "8"
    return "4" if after and after in "ahkoqux" else "8"
