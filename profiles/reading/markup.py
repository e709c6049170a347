"""XHTML of narratives, read into a flat list of its elements.

https://www.w3.org/TR/xhtml1/ (the character entities HTML names, `&nbsp;` and the like, are known
here, because a narrative has no document type that could declare them).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.entities import name2codepoint

from profiles.reading.foreign_xml import read_xml
from profiles.reading.limits import Limits

XHTML = "{http://www.w3.org/1999/xhtml}"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_WRITTEN = {_XML_LANG: "xml:lang", _XML_SPACE: "xml:space"}
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,7});")
#: XML knows these itself; to expand them would change what is markup.
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
_DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Tag:
    """One element of the markup."""

    #: Local name within XHTML; `{namespace}name` outside of it, `{}name` without a namespace.
    name: str
    #: Attributes as written: `class`, `xml:lang`; `{namespace}name` for foreign ones.
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Markup:
    """A piece of XHTML."""

    #: Elements in document order, the root first.
    tags: tuple[Tag, ...]
    #: Text content, without comments.
    text: str


def read_markup(text: str, *, limits: Limits = _DEFAULT) -> Markup:
    """Parse XHTML.

    Raises NotConformant as read_xml does: malformed, with a document type, too deep, too large.
    """
    try:
        data = _ENTITY.sub(_character, text).encode()
    except UnicodeEncodeError:  # a lone surrogate
        data = b""
    root = read_xml(data, limits=limits)
    tags = tuple(
        Tag(_local(str(element.tag)), {_written(str(k)): str(v) for k, v in element.attrib.items()})
        for element in root.iter("*")
    )
    return Markup(tags, str(root.xpath("string()")))


def _character(entity: re.Match[str]) -> str:
    name = entity.group(1)
    if name in _OF_XML or name not in name2codepoint:
        return entity.group()
    return chr(name2codepoint[name])


def _local(tag: str) -> str:
    return tag.removeprefix(XHTML) if tag.startswith("{") else f"{{}}{tag}"


def _written(attribute: str) -> str:
    return _WRITTEN.get(attribute, attribute)
