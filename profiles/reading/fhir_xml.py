"""FHIR resources in XML, read into the JSON form.

https://hl7.org/fhir/R4/xml.html, https://hl7.org/fhir/R4/json.html. What is a list, a number or a
boolean in JSON is not visible in XML; the compiled R4 definitions say it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from profiles.r4 import facts
from profiles.reading.foreign_json import read_json
from profiles.reading.foreign_xml import read_xml
from profiles.reading.limits import Limits, refused

if TYPE_CHECKING:
    from lxml.etree import _Element

Json = dict[str, Any]

_FHIR = "{http://hl7.org/fhir}"
_XHTML = "{http://www.w3.org/1999/xhtml}div"
_DEFAULT = Limits()
#: Names of complex types by their elements: (type, JSON name) → (type of the value, is a list).
Members = dict[str, tuple[str, bool]]


def read_fhir_xml(data: bytes, *, limits: Limits = _DEFAULT) -> Json:
    """Parse a FHIR resource in XML; decimals keep the literal they were written with.

    Raises NotConformant with issue code `structure` for what is no R4 resource in XML.
    """
    return _resource(read_xml(data, limits=limits))


def _resource(root: _Element) -> Json:
    name = _local(root)
    found = facts("elements")["types"].get(name)
    if found is None or found["kind"] != "resource":
        raise refused("the document is no FHIR R4 resource")
    return {"resourceType": name, **_object(root, name)}


def _object(element: _Element, type_name: str) -> Json:
    members = _members(type_name)
    made: Json = {}
    _check_nothing_between(element)
    for attribute, text in element.attrib.items():
        if attribute in {"id", "url"}:
            made[str(attribute)] = str(text)
    for child in element.iterchildren("*"):
        name = "div" if child.tag == _XHTML else _local(child)
        if name not in members:
            raise refused("the document has an element that FHIR R4 does not know")
        _put(made, child, name, *members[name])
    return made


def _check_nothing_between(element: _Element) -> None:
    """Values are attributes (https://hl7.org/fhir/R4/xml.html): a text would be lost."""
    texts = [element.text, *(child.tail for child in element)]
    if any(text is not None and text.strip() for text in texts):
        raise refused("text stands between elements; in FHIR XML a value is an attribute")


def _put(made: Json, child: _Element, name: str, type_name: str, many: bool) -> None:  # noqa: FBT001 - a fact of the definitions
    if name == "div":
        made[name] = _markup(child)
    elif type_name in facts("primitives"):
        _put_primitive(made, child, name, type_name, many)
    else:
        value = _inner(child) if type_name == "Resource" else _object(child, type_name)
        if many:
            made.setdefault(name, []).append(value)
        else:
            _only_once(made, name)
            made[name] = value


def _put_primitive(made: Json, child: _Element, name: str, type_name: str, many: bool) -> None:  # noqa: FBT001 - see above
    text = child.get("value")
    value = None if text is None else _value(str(text), facts("primitives")[type_name]["json"])
    extra = _object(child, "Element") or None
    if not many:
        _only_once(made, name)
        _only_once(made, f"_{name}")
        made.update({key: one for key, one in ((name, value), (f"_{name}", extra)) if one})
        if value is not None:
            made[name] = value
        return
    values, extras = made.setdefault(name, []), made.get(f"_{name}", [])
    values.append(value)
    if extra or extras:
        made[f"_{name}"] = [*extras, *[None] * (len(values) - 1 - len(extras)), extra]


def _only_once(made: Json, name: str) -> None:
    if name in made:
        raise refused("an element that may stand once stands twice")


def _value(text: str, kind: str) -> Any:
    if kind == "boolean":
        if text not in {"true", "false"}:
            raise refused("a boolean is neither true nor false")
        return text == "true"
    if kind in {"integer", "number"}:
        number = read_json(text.encode())
        if isinstance(number, bool) or not hasattr(number, "real"):
            raise refused("a number is not written as one")
        return number
    return text


def _inner(child: _Element) -> Json:
    resources = list(child.iterchildren("*"))
    if len(resources) != 1:
        raise refused("a place for one resource has none or several")
    return _resource(resources[0])


def _markup(child: _Element) -> str:
    from lxml import etree

    text: str = etree.tostring(child, encoding="unicode", with_tail=False)
    return text


def _local(element: _Element) -> str:
    tag = str(element.tag)
    if not tag.startswith(_FHIR):
        raise refused("the document has an element outside of the FHIR namespace")
    return tag.removeprefix(_FHIR)


@cache
def _members(type_name: str) -> Members:
    """Elements of a type or backbone element (`Patient.contact`) by their names in XML."""
    if type_name == "Element":
        return {"extension": ("Extension", True)}
    owner, _, path = type_name.partition(".")
    prefix = f"{path}." if path else ""
    elements = facts("elements")["types"][owner]["elements"]
    parents = {one["path"].rpartition(".")[0] for one in elements}
    members: Members = {}
    for element in elements:
        leaf = element["path"].removeprefix(prefix)
        if not element["path"].startswith(prefix) or "." in leaf:
            continue
        many = element["max"] == "*"
        if "content" in element:
            members[leaf] = (element["content"], many)
        elif element["path"] in parents:
            members[leaf] = (f"{owner}.{element['path']}", many)
        elif leaf.endswith("[x]"):
            for code in element["types"]:
                members[leaf[:-3] + code[0].upper() + code[1:]] = (code, many)
        else:
            members[leaf] = (element["types"][0], many)
    return members
