"""Elements and attributes that a narrative may have.

https://hl7.org/fhir/R4/narrative.html#xhtml: chapters 7 to 11 (without 9.4) and 15 of HTML 4.0,
`a`, images and style attributes; no deprecated elements.
"""

from __future__ import annotations

#: Any element may have these.
ANYWHERE = frozenset(
    {"accesskey", "class", "dir", "id", "lang", "style", "tabindex", "title", "xml:lang"}
)
_CELL = {"abbr", "align", "axis", "char", "charoff", "colspan", "headers", "rowspan", "scope"}
_ROW = {"align", "char", "charoff", "valign"}
_COLUMN = {"align", "char", "charoff", "span", "valign", "width"}
_LINK = {"charset", "coords", "href", "hreflang", "name", "rel", "rev", "shape", "type"}
_OWN: dict[str, set[str]] = {
    "a": _LINK,
    "area": {"alt", "coords", "href", "nohref", "shape"},
    "blockquote": {"cite"},
    "col": _COLUMN,
    "colgroup": _COLUMN,
    "img": {"alt", "border", "height", "ismap", "longdesc", "src", "usemap", "width"},
    "map": {"name"},
    "ol": {"start", "type"},
    "pre": {"xml:space"},
    "q": {"cite"},
    "table": {"border", "cellpadding", "cellspacing", "frame", "rules", "summary", "width"},
    "tbody": _ROW,
    "td": {*_CELL, "nowrap", "valign", "width"},
    "tfoot": _ROW,
    "th": {*_CELL, "nowrap", "valign", "width"},
    "thead": _ROW,
    "tr": _ROW,
}
_PLAIN = (
    "abbr acronym address b bdo big br caption cite code dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr "
    "i kbd li p samp small span strong sub sup tt ul var"
)

#: Element → its attributes besides those allowed anywhere.
ELEMENTS: dict[str, frozenset[str]] = {
    **{name: frozenset[str]() for name in _PLAIN.split()},
    **{name: frozenset(attributes) for name, attributes in _OWN.items()},
}

#: Elements whose refusal is worth a word of its own.
FORBIDDEN: dict[str, str] = {
    **dict.fromkeys(("script", "noscript"), "scripts"),
    **dict.fromkeys(
        ("form", "input", "button", "select", "option", "textarea", "label", "fieldset"), "forms"
    ),
    **dict.fromkeys(("html", "head", "body", "title", "meta"), "a head or a body"),
    **dict.fromkeys(("base", "link"), "base or link elements"),
    "style": "style sheets",
    **dict.fromkeys(("frame", "frameset", "iframe"), "frames"),
    **dict.fromkeys(("object", "embed", "applet", "param", "audio", "video"), "objects"),
    **dict.fromkeys(
        ("basefont", "center", "dir", "font", "menu", "s", "strike", "u"), "deprecated elements"
    ),
    **dict.fromkeys(("ins", "del"), "marks of changes"),
}
