"""How texts are made comparable.

https://hl7.org/fhir/R4/search.html#string: string search ignores case and accents.
"""

from __future__ import annotations

import re
import unicodedata

#: Combining marks of Latin, Greek and Cyrillic letters.
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")


def folded(text: str) -> str:
    """Return `text` in lower case without accents, ß as ss, white space collapsed.

    >>> folded("Weiß-Lüdenscheidt")
    'weiss-ludenscheidt'
    """
    if text.isascii():
        return " ".join(text.lower().split())
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(_MARKS.sub("", decomposed).lower().split())
