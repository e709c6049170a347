"""Large foreign XML documents, element by element.

https://www.w3.org/TR/xml/. For catalogues that would not fit `read_xml`: the document is never in
memory as a whole. A document type that only names an external file is passed over (it is not
read); one with declarations of its own is refused, because entities need those.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiles.reading.foreign_xml import after_prolog, check_encoding
from profiles.reading.limits import open_foreign, refused

if TYPE_CHECKING:
    from lxml.etree import _Element

    #: What `stream_xml` yields, for annotations elsewhere.
    Element = _Element

#: The prolog lies within the first bytes.
_HEAD = 65_536
_EXTERNAL_ONLY = re.compile(
    rb"<!DOCTYPE\s+[^\s\[<>\"']{1,200}+"
    rb"(?:\s++(?:SYSTEM|PUBLIC\s++(?:\"[^\"]*+\"|'[^']*+'))\s++(?:\"[^\"]*+\"|'[^']*+'))?\s*+>"
)


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Upper bounds for one streamed document."""

    #: Whole document, in bytes.
    size: int = 1_000_000_000
    #: All elements.
    elements: int = 50_000_000
    #: Elements inside of one that is handed out.
    inner: int = 100_000
    depth: int = 128


_DEFAULT = StreamLimits()


def stream_xml(
    path: Path, names: Collection[str], *, limits: StreamLimits = _DEFAULT
) -> Iterator[_Element]:
    """Yield each element with one of these local names, whole; it is emptied afterwards.

    An element inside of another that is handed out comes with that one only. Raises NotConformant
    with issue code `structure` for malformed XML, declarations in a document type and unusual
    encodings, `too-costly` beyond the limits.
    """
    from lxml import etree  # 10 MB that others need not load

    with open_foreign(path) as file:
        _check_head(file.read(_HEAD))
        file.seek(0)
        if path.stat().st_size > limits.size:
            raise refused("the document is larger than this gateway takes", code="too-costly")
        events = etree.iterparse(
            file,
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            yield from _wanted(iter(events), frozenset(names), limits)
        except etree.XMLSyntaxError as error:
            raise refused(f"the document is not well-formed XML (line {error.lineno})") from None


def line_of(element: _Element) -> int:
    """Return the line an element starts in, 0 when the parser did not keep it."""
    line: Any = element.sourceline
    return int(line or 0)


def local_name(element: _Element) -> str:
    """Return the name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _wanted(
    events: Iterator[tuple[str, _Element]], names: frozenset[str], limits: StreamLimits
) -> Iterator[_Element]:
    depth = count = inner = 0
    outermost = 0  # depth of the wanted element that is open, 0 for none
    for event, element in events:
        if event == "start":
            depth, count, inner = depth + 1, count + 1, inner + 1
            if not outermost and local_name(element) in names:
                outermost, inner = depth, 0
            _check(depth, count, inner if outermost else 0, limits)
            continue
        if outermost == depth:
            outermost = 0
            _check_entities(element)
            yield element
        if not outermost:
            _empty(element)
        depth -= 1


def _check_entities(element: _Element) -> None:
    """An external document type, which is not read, may have declared them."""
    from lxml import etree

    if next(element.iter(etree.Entity), None) is not None:
        raise refused("entities are not accepted")


def _empty(element: _Element) -> None:
    """Forget what was read: the element's content and its elder siblings."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _check(depth: int, count: int, inner: int, limits: StreamLimits) -> None:
    if depth > limits.depth:
        raise refused("the document is nested too deeply")
    if count > limits.elements or inner > limits.inner:
        raise refused("the document has too many parts", code="too-costly")


def _check_head(head: bytes) -> None:
    start = check_encoding(head)
    at = after_prolog(start)
    if start.startswith(b"<!", at) and not _EXTERNAL_ONLY.match(start, at):
        raise refused("a document type with declarations is not accepted")
