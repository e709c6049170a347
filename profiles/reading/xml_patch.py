"""XML Patch (RFC 5261) on the XML form of a resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from profiles.issue import NotConformant
from profiles.reading import read_xml
from profiles.reading.fhir_xml import read_fhir_xml
from profiles.reading.fhir_xml_writer import write_fhir_xml
from profiles.reading.inapplicable import Inapplicable

if TYPE_CHECKING:
    from lxml.etree import _Element

_FHIR = "http://hl7.org/fhir"
_XHTML = "http://www.w3.org/1999/xhtml"
#: Prefixes a selector may use without declaring them.
_PREFIXES = {"f": _FHIR, "fhir": _FHIR, "h": _XHTML, "xhtml": _XHTML}
_MOST = 1_000
_NO_PATCH = "An XML Patch is a diff of add, replace and remove, each with a selector."


def apply_xml_patch(resource: dict[str, Any], data: bytes) -> Any:
    """Return a resource after a patch; the argument stays as it is.

    Raises NotConformant for what is no XML Patch, Inapplicable where a selector does not find
    exactly one place or the outcome is no FHIR resource any more.
    """
    diff = read_xml(data)
    if _local(diff) != "diff" or len(diff) > _MOST:
        raise NotConformant(_NO_PATCH)
    root = read_xml(write_fhir_xml(resource))
    for operation in diff.iterchildren("*"):
        apply = _OPERATIONS.get(_local(operation))
        if apply is None:
            raise NotConformant(_NO_PATCH)
        apply(root, operation)
    from lxml import etree

    try:
        return read_fhir_xml(etree.tostring(root))
    except NotConformant:
        raise Inapplicable("What the patch makes is no FHIR resource.") from None


def _local(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _selected(root: _Element, operation: _Element) -> Any:
    """Return the one place a selector names: an element, or an attribute's value."""
    from lxml import etree

    selector = operation.get("sel")
    if not selector:
        raise NotConformant(_NO_PATCH)
    if selector[0] not in "/(":
        # Selectors begin at the document (RFC 5261 section 4.1).
        selector = f"/{selector}"
    declared = {prefix: uri for prefix, uri in operation.nsmap.items() if prefix}
    try:
        found = root.getroottree().xpath(selector, namespaces={**_PREFIXES, **declared})
    except etree.XPathError:
        raise NotConformant("A selector of the patch is no XPath.") from None
    if not isinstance(found, list) or len(found) != 1:
        raise Inapplicable("A selector of the patch does not find exactly one place.")
    return found[0]


def _attribute(selected: Any) -> tuple[_Element, str] | None:
    """Return element and name of a selected attribute."""
    if isinstance(selected, str) and getattr(selected, "is_attribute", False):
        holder: Any = selected
        return holder.getparent(), str(holder.attrname)
    return None


def _content(operation: _Element) -> list[_Element]:
    from copy import deepcopy

    return [_in_fhir(deepcopy(child)) for child in operation.iterchildren("*")]


def _in_fhir(element: _Element) -> _Element:
    """Put what has no namespace into FHIR's: patches are often written without one."""
    for one in element.iter("*"):
        if "}" not in str(one.tag):
            one.tag = f"{{{_FHIR}}}{one.tag}"
        one.tail = None
    return element


def _add(root: _Element, operation: _Element) -> None:
    selected = _selected(root, operation)
    if isinstance(selected, str):
        raise Inapplicable("Something is added to an element only.")
    kind = operation.get("type", "")
    if kind.startswith("@"):
        selected.set(kind[1:], operation.text or "")
        return
    content, place = _content(operation), operation.get("pos", "append")
    if not content or place not in _PLACES:
        raise NotConformant(_NO_PATCH)
    if selected is root and place in ("before", "after"):
        raise Inapplicable("Nothing stands beside a resource.")
    _PLACES[place](selected, content)


def _before(selected: _Element, content: list[_Element]) -> None:
    for one in content:
        selected.addprevious(one)


def _after(selected: _Element, content: list[_Element]) -> None:
    for one in reversed(content):
        selected.addnext(one)


def _prepend(selected: _Element, content: list[_Element]) -> None:
    for one in reversed(content):
        selected.insert(0, one)


def _append(selected: _Element, content: list[_Element]) -> None:
    selected.extend(content)


#: Value of `pos` → where content goes; without one it goes behind what the element has.
_PLACES: dict[str, Callable[[_Element, list[_Element]], None]] = {
    "before": _before,
    "after": _after,
    "prepend": _prepend,
    "append": _append,
}


def _replace(root: _Element, operation: _Element) -> None:
    selected = _selected(root, operation)
    attribute = _attribute(selected)
    if attribute is not None:
        attribute[0].set(attribute[1], operation.text or "")
        return
    content = _content(operation)
    if isinstance(selected, str) or selected is root or len(content) != 1:
        raise Inapplicable("An element is replaced by one element.")
    selected.getparent().replace(selected, content[0])


def _remove(root: _Element, operation: _Element) -> None:
    selected = _selected(root, operation)
    attribute = _attribute(selected)
    if attribute is not None:
        del attribute[0].attrib[attribute[1]]
        return
    if isinstance(selected, str) or selected is root:
        raise Inapplicable("A resource is not removed by a patch.")
    parent = selected.getparent()
    parent.remove(selected)


_OPERATIONS: dict[str, Callable[[_Element, _Element], None]] = {
    "add": _add,
    "replace": _replace,
    "remove": _remove,
}
