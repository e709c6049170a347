"""Foreign XML: no document type, no entities, no network.

https://www.w3.org/TR/xml/. A document type declaration is refused outright, because
everything dangerous in XML (external entities, entity expansion) needs one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from profiles.reading.limits import TOO_DEEP, Limits, check_size, refused

if TYPE_CHECKING:
    from lxml.etree import _Element

#: Everything XML allows before a document type or the root element.
_PROLOG = re.compile(rb"\s*+(?:(?:<\?.*?\?>|<!--.*?-->)\s*+)*+", re.DOTALL)
_DECLARATION = re.compile(rb"""\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
#: In these the prolog looks like ASCII once UTF-16's zero bytes are removed.
_ENCODINGS = frozenset({"utf-8", "utf-16", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DEFAULT = Limits()


def read_xml(data: bytes, *, limits: Limits = _DEFAULT) -> _Element:
    """Parse a foreign XML document and return its root element (lxml).

    Raises NotConformant with issue code `structure` for malformed XML, any DOCTYPE,
    unusual encodings and nesting beyond the limit; `too-costly` for size.
    """
    from lxml import etree  # 10 MB that JSON-only commands need not load

    check_size(data, limits)
    _check_prolog(data)
    # Each element has one tag or two.
    if data.count(b"<") > 2 * limits.containers:
        raise refused("the document has too many parts", code="too-costly")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        text = f"the document is not well-formed XML (line {line}, column {column})"
        if "Excessive depth" in error.msg:  # the parser's own limit, above ours
            text = TOO_DEEP
        raise refused(text, line=line, column=column) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise refused("a document type declaration is not accepted")
    _check_depth(root, limits)
    return root


def check_encoding(data: bytes) -> bytes:
    """Refuse unusual encodings; returns the start of the document, readable as ASCII."""
    start = data
    for mark in _BOMS:
        start = start.removeprefix(mark)
    if b"\x00" in start[:4]:
        start = start.replace(b"\x00", b"")
    declared = _DECLARATION.match(start)
    if declared and declared.group(1).decode("ascii").lower() not in _ENCODINGS:
        raise refused("the document's encoding is not accepted")
    return start


def after_prolog(start: bytes) -> int:
    """Return where a document goes on after declaration, comments and instructions."""
    prolog = _PROLOG.match(start)
    return prolog.end() if prolog else 0


def _check_prolog(data: bytes) -> None:
    """Refuse a DOCTYPE before the parser sees it, in every encoding we let in."""
    start = check_encoding(data)
    at = after_prolog(start)
    if start.startswith(b"<!", at):
        line, column = start.count(b"\n", 0, at) + 1, at - start.rfind(b"\n", 0, at)
        text = "a document type declaration is not accepted"
        raise refused(text, line=line, column=column)


def _check_depth(root: _Element, limits: Limits) -> None:
    deep: Any = root.xpath(f"({'/*' * (limits.xml_depth + 1)})[1]")
    if deep:
        raise refused(TOO_DEEP, line=deep[0].sourceline)
