"""How a partner wants its messages: version, character set, separators, length of segments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from mappers.dialect import Outgoing, are_separators
from mappers.hl7v2.header import Delimiters
from mappers.hl7v2.write.versions import VERSIONS
from profiles.issue import NotConformant, NotSupported
from profiles.reading.charset import codec_of

_CHARSET = "UNICODE UTF-8"
_USUAL = Delimiters()
#: Sets that say their byte order by a mark no segment may begin with.
_WIDE = frozenset({"utf-16"})


@dataclass(frozen=True, slots=True)
class Form:
    """What a partner's messages look like."""

    #: MSH-12, one of `VERSIONS`.
    version: str = "2.5"
    #: MSH-18 as declared, and the Python codec of it.
    charset: str = _CHARSET
    codec: str = "utf-8"
    #: MSH-1 and MSH-2.
    delimiters: Delimiters = _USUAL
    #: Write what the character set lacks with the letters it has; else such a message is refused.
    transliterate: bool = False
    #: Longest segment in characters, longer ones are continued in ADD; 0: any length.
    longest: int = 0


@cache
def form_of(stated: Outgoing, charset: str) -> Form:
    """Return the form of a partner's messages; `charset` is MSH-18, empty for the default.

    Raises NotSupported for a character set nobody knows or HL7 v2 has no place for.
    """
    declared = charset or _CHARSET
    codec = codec_of(declared)
    if codec is None or codec in _WIDE:
        raise NotSupported("The character set is not known.", location="MSH-18")
    if stated.version not in VERSIONS:
        raise NotSupported("The version of HL7 is not written.", location="MSH-12")
    return Form(
        stated.version,
        declared,
        codec,
        _delimiters(stated.delimiters),
        stated.missing_characters == "transliterate",
        stated.longest_segment,
    )


def _delimiters(stated: str) -> Delimiters:
    if not are_separators(stated):
        raise NotConformant(
            "MSH-1 and MSH-2 are five different separators", location="outgoing.delimiters"
        )
    return Delimiters(*stated)
