"""The XHTML subset of narratives (txt-1, txt-2), which htmlChecks() of FHIRPath asks for too.

https://hl7.org/fhir/R4/narrative.html#xhtml. Plain narratives are accepted by two regular
expressions and a count of open elements; everything else is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from profiles.issue import NotConformant
from profiles.narrative.xhtml import ANYWHERE, ELEMENTS, FORBIDDEN
from profiles.reading.limits import Limits
from profiles.reading.markup import Markup, Tag, read_markup

#: A narrative is read by people; what is nested deeper than this is an attack.
_LIMITS = Limits(size=5_000_000, xml_depth=100)
_SPACE = " \t\r\n"

# Characters that stand for themselves; `>` is left to the parser because of `]]>`.
_OTHER = '<>&"\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff'
_ENTITY = "&(?:amp|lt|gt|quot|apos|nbsp|[aouAOU]uml|szlig);"
_VALUE = f"(?:[^{_OTHER}]|{_ENTITY})*+"
_STYLE = "[A-Za-z0-9 :;#%.,!-]*+"
_ATTRIBUTES = (
    f'(?: class="{_VALUE}")?+(?: style="{_STYLE}")?+(?: id="{_VALUE}")?+(?: title="{_VALUE}")?+'
)
_ANCHOR = f'a(?: name="{_VALUE}")?+(?: href="(?:#|https?://){_VALUE}")?+'
_CELL = 't[dh](?: rowspan="[0-9]+")?+(?: colspan="[0-9]+")?+'
_SIMPLE = (
    "p|b|i|br|td|tr|th|li|ul|ol|em|div|span|strong|table|tbody|thead|h[1-6]|hr|small|pre|code|sub"
    "|sup|dl|dt|dd|caption|blockquote"
)
_PLAIN = re.compile(
    '<div xmlns="http://www.w3.org/1999/xhtml"(?: xml:lang="[A-Za-z-]+")?+(?: lang="[A-Za-z-]+")?+'
    rf"{_ATTRIBUTES}>(?:[^{_OTHER}]++|\"|{_ENTITY}"
    rf"|</(?:{_SIMPLE}|a)>|<(?:{_SIMPLE}|{_CELL}|{_ANCHOR}){_ATTRIBUTES}\s*+/?>)*+"
)
_TAG = re.compile(r"<(/?)([a-z0-9]+)[^>]*?(/?)>")
_VISIBLE = re.compile(f">[{_SPACE}]*+[^{_SPACE}<]")

#: Ways of a style attribute to reach beyond the narrative.
_ACTIVE_STYLE = re.compile(
    r"expression\s*\(|@import|behaviou?r\s*:|-moz-binding|\\|/\*", re.IGNORECASE
)
#: The address of an image in a style attribute.
_STYLE_IMAGE = re.compile(r"url\s*+\(([^)]*+)", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
#: What a browser ignores inside of an address.
_IGNORED = re.compile(r"[\x00-\x20]+")
_LINKS = frozenset({"", "http", "https", "mailto", "tel", "urn", "ftp", "sip", "sips"})
_IMAGES = frozenset({"", "http", "https", "data"})
_DATA_IMAGE = re.compile(r"data:image/[a-z0-9.+-]+[;,]", re.IGNORECASE)

#: Issue code and sentence of one fault.
Fault = tuple[str, str]


def html_checks(text: str) -> bool:
    """Say what FHIRPath's htmlChecks() says of a div: is it all that a narrative may be?

    https://hl7.org/fhir/R4/fhirpath.html#functions
    """
    return next(faults(text), None) is None


def faults(div: str) -> Iterator[Fault]:
    """Name what a narrative's div has that it may not have, and what it lacks."""
    if not _is_plain(div):
        yield from _faults(div)


def _is_plain(div: str) -> bool:
    """Accept the common case; False says nothing."""
    if _PLAIN.fullmatch(div) is None or _VISIBLE.search(div) is None:
        return False
    *inner, last = _TAG.findall(div)
    opened: list[str] = []
    for end, name, empty in inner:
        if end:
            if opened.pop() != name:
                return False
        elif not empty:
            opened.append(name)
        if not 0 < len(opened) < _LIMITS.xml_depth:
            return False
    return last == ("/", "div", "") and len(opened) == 1 and div.rstrip(_SPACE).endswith(">")


def _faults(div: str) -> Iterator[Fault]:
    try:
        markup = read_markup(div, limits=_LIMITS)
    except NotConformant as error:
        yield error.issues[0].code, f"the narrative is not usable: {error.text}"
        return
    root = markup.tags[0].name
    if root != "div":
        yield "structure", "the narrative is a div element in the XHTML namespace"
        return
    for tag in markup.tags:
        yield from _faults_of(tag)
    if not markup.text.strip(_SPACE) and not _has_image(markup):
        yield "invariant", "txt-2: the narrative SHALL have some non-whitespace content"


def _has_image(markup: Markup) -> bool:
    return any(tag.name == "img" and tag.attributes.get("src") for tag in markup.tags)


def _faults_of(tag: Tag) -> Iterator[Fault]:
    allowed = ELEMENTS.get(tag.name)
    if allowed is None:
        what = FORBIDDEN.get(tag.name.lower(), "elements outside of the XHTML subset")
        yield "invariant", f"txt-1: the narrative SHALL NOT contain {what}"
        return
    for name, value in tag.attributes.items():
        if name not in allowed and name not in ANYWHERE:
            yield "invariant", f"txt-1: the narrative SHALL NOT contain {_attribute_kind(name)}"
        elif name in _VALUE_CHECKS:
            yield from _VALUE_CHECKS[name](value)


def _attribute_kind(name: str) -> str:
    if name.lower().startswith("on"):
        return "event related attributes"
    return "attributes outside of the XHTML subset"


def _scheme(address: str) -> str:
    found = _SCHEME.match(_IGNORED.sub("", address))
    return found.group().lower() if found else ""


def _style(value: str) -> Iterator[Fault]:
    if _ACTIVE_STYLE.search(value):
        yield "invariant", "txt-1: styles of the narrative SHALL NOT be active"
    for address in _STYLE_IMAGE.findall(value):
        yield from _image(address.strip(" \t\r\n\"'"))


def _link(value: str) -> Iterator[Fault]:
    if _scheme(value) not in _LINKS:
        yield "invariant", "txt-1: a link of the narrative has a scheme that is no hyperlink"


def _image(value: str) -> Iterator[Fault]:
    scheme = _scheme(value)
    if scheme not in _IMAGES or (scheme == "data" and not _DATA_IMAGE.match(value.strip())):
        yield "invariant", "txt-1: an image of the narrative is not given as an image"


_VALUE_CHECKS = {
    "style": _style,
    "href": _link,
    "src": _image,
    "cite": _link,
    "longdesc": _link,
}
