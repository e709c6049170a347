"""The one door for foreign JSON, XML and text."""

from __future__ import annotations

from profiles.reading.canonical import canonical_json
from profiles.reading.charset import decode_text
from profiles.reading.decimals import WrittenDecimal
from profiles.reading.foreign_json import read_json, write_json
from profiles.reading.foreign_xml import read_xml
from profiles.reading.limits import Limits

__all__ = [
    "Limits",
    "WrittenDecimal",
    "canonical_json",
    "decode_text",
    "read_json",
    "read_xml",
    "write_json",
]
