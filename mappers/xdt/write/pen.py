"""Lines of a GDT record: lengths, objects and counters, in the partner's character set.

No value can end its line: text over several lines becomes several lines of its field, elsewhere a
line end is a blank. A character the set lacks is written with the nearest letter or as "?"; such
a value is another value and does not count as carried.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from mappers.letters import Letters
from mappers.source import Source
from mappers.xdt.charset import DIN_66003
from profiles.issue import NotConformant

#: Longest content of a line in bytes.
LONGEST = 990
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BESIDE = 9
Field = tuple[str, str]


class Block(NamedTuple):
    """Fields that stand together; in GDT 3 they are an object of this name."""

    #: "Obj_Patient"; empty: fields of the record itself.
    name: str
    fields: list[Field]


class Pen:
    """Writes fields for one partner and notes what they carry."""

    __slots__ = ("_codec", "_letters", "source")

    def __init__(self, source: Source, codec: str) -> None:
        """Write in a character set; `source` keeps the account."""
        self.source = source
        self._codec = codec
        self._letters = Letters("ascii" if codec == "din66003" else codec, transliterate=True)

    def field(self, fk: str, value: str | None) -> list[Field]:
        """One line; nothing where there is no value."""
        if value is None or not value.strip():
            return []
        plain = " ".join(value.splitlines())
        content = self._content(plain)
        kept = self._cut(content)
        if kept == value:
            self.source.carried(value)
        return [(fk, kept)]

    def lines(self, fk: str, value: str | None) -> list[Field]:
        """A line for each line of a text; longer ones are continued."""
        if value is None:
            return []
        made: list[Field] = []
        whole = True
        for line in value.split("\n"):
            content = self._content(" ".join(line.splitlines()))
            whole = whole and content == line and len(self.encoded(content)) <= LONGEST
            while content or line == "":
                kept = self._cut(content)
                made.append((fk, kept))
                content = content[len(kept) :]
                if not kept:
                    break
        if whole and any(content.strip() for _, content in made):
            self.source.carried(value)
        return made

    def encoded(self, content: str) -> bytes:
        """The bytes of a content in the partner's set."""
        if self._codec == "din66003":
            return content.translate(_seven_bit()).encode("ascii", "replace")
        return content.encode(self._codec, "replace")

    def _content(self, value: str) -> str:
        visible = _CONTROL.sub("?", value)
        written = "".join(map(self._character, visible)) if not visible.isascii() else visible
        if self._codec == "din66003":
            return "".join("?" if c in DIN_66003 else c for c in written)
        return written

    def _character(self, character: str) -> str:
        if character.isascii() or (self._codec == "din66003" and ord(character) in _seven_bit()):
            return character
        try:
            return self._letters.written(character)
        except NotConformant:
            return "?"

    def _cut(self, content: str) -> str:
        while len(self.encoded(content)) > LONGEST:
            content = content[:-1]
        return content

    # -- records ---------------------------------------------------------------------------

    def record(self, satzart: str, blocks: list[Block], *, objects: bool) -> bytes:
        """A record with its length and, with objects, their counts."""
        fields: list[Field] = []
        for block in blocks:
            if block.fields and objects and block.name:
                count = len(block.fields) + 2
                fields += [("8200", block.name), *block.fields, ("8201", str(count))]
            else:
                fields += block.fields
        if objects:
            fields.append(("8202", str(len(fields) + 3)))
        body = b"".join(self.line(fk, content) for fk, content in fields)
        digits = 7 if objects else 5
        first = self.line("8000", satzart)
        size = len(first) + _BESIDE + digits + len(body)
        return first + self.line("8100", f"{size:0{digits}d}") + body

    def line(self, fk: str, content: str) -> bytes:
        """A line with its length."""
        data = self.encoded(content)
        return f"{len(data) + _BESIDE:03d}{fk}".encode() + data + b"\r\n"


@cache
def _seven_bit() -> dict[int, str]:
    return {ord(letter): sign for sign, letter in DIN_66003.items()}
