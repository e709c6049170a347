"""What FHIR adds to FHIRPath.

https://hl7.org/fhir/R4/fhirpath.html#functions. Terminology and profiles come from the caller's
services; without a terminology service memberOf() and subsumes() give an empty result.
"""

from __future__ import annotations

from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.errors import FHIRPathError
from profiles.fhirpath.functions.function import Function
from profiles.fhirpath.items import Items, Node, has_value, system
from profiles.fhirpath.model import fhir_type, resource_type
from profiles.fhirpath.references import find_reference
from profiles.fhirpath.singles import single, text, value
from profiles.narrative import html_checks

_STRUCTURES = "http://hl7.org/fhir/StructureDefinition/"


def _extension(_evaluation: Evaluation, items: Items, url: Items) -> Items:
    wanted = text(url, "extension(url)")
    found: Items = []
    if wanted is None:
        return found
    for item in items:
        if item.__class__ is Node:
            item.type.takers["extension"](item, found)
    return [one for one in found if one.value.get("url") == wanted]


def _has_value(_evaluation: Evaluation, items: Items) -> Items:
    return [len(items) == 1 and has_value(items[0])]


def _get_value(_evaluation: Evaluation, items: Items) -> Items:
    if len(items) != 1 or not has_value(items[0]):
        return []
    known = system(items[0])
    return [] if known is None else [known]


def _resolve(evaluation: Evaluation, items: Items) -> Items:
    found: Items = []
    evaluation.spend(len(items))
    for item in items:
        reference = _reference_of(item)
        if reference:
            resource = find_reference(evaluation, reference)
            if resource.__class__ is Node:
                found.append(resource)
            elif resource is not None:
                type_ = resource_type(resource)
                found.append(Node(resource, None, type_, None, type_.name))
    return found


def _reference_of(item: Any) -> str | None:
    if item.__class__ is Node and item.value.__class__ is dict:
        item = item.value.get("reference")
    elif item.__class__ is Node:
        item = item.value
    return item if item.__class__ is str else None


def _member_of(evaluation: Evaluation, items: Items, value_set: Items) -> Items:
    item, url = single(items), text(value_set, "memberOf()")
    service = evaluation.services.terminology
    if item is None or url is None or service is None:
        return []
    answer = service.member_of(_json(item), url)
    return [] if answer is None else [answer]


def _json(item: Any) -> Any:
    return item.value if item.__class__ is Node else item


def _subsumes(evaluation: Evaluation, items: Items, other: Items) -> Items:
    general, special = single(items), single(other)
    service = evaluation.services.terminology
    if general is None or special is None or service is None:
        return []
    answer = service.subsumes(_json(general), _json(special))
    return [] if answer is None else [answer]


def _subsumed_by(evaluation: Evaluation, items: Items, other: Items) -> Items:
    return _subsumes(evaluation, other, items)


def _conforms_to(evaluation: Evaluation, items: Items, profile: Items) -> Items:
    item, url = single(items), text(profile, "conformsTo()")
    if item is None or url is None:
        return []
    service = evaluation.services.profiles
    answer = None if service is None else service.conforms_to(_json(item), url)
    if answer is None:
        answer = _conforms_to_type(item, url)
    if answer is None:
        raise FHIRPathError("conformsTo() names a profile that is not known here")
    return [answer]


def _conforms_to_type(item: Any, url: str) -> bool | None:
    """The definitions of the types themselves need no service."""
    name = url.removeprefix(_STRUCTURES)
    type_ = fhir_type(name) if name != url else None
    if type_ is None or item.__class__ is not Node:
        return None
    return bool(item.type.is_a(type_))


def _check_modifiers(_evaluation: Evaluation, items: Items, *known: Items) -> Items:
    """Refuse elements with modifier extensions other than the named ones."""
    urls = {text(one, "checkModifiers()") for one in known}
    for item in items:
        data = item.value if item.__class__ is Node else None
        modifiers = data.get("modifierExtension", ()) if data.__class__ is dict else ()
        if any(one.__class__ is dict and one.get("url") not in urls for one in modifiers):
            raise FHIRPathError("an element has a modifier extension that is not known here")
    return items


def _html_checks(_evaluation: Evaluation, items: Items) -> Items:
    known = value(items)
    return [] if known is None else [isinstance(known, str) and html_checks(known)]


FUNCTIONS: dict[str, Function] = {
    "extension": Function(_extension, 1, 1),
    "hasValue": Function(_has_value),
    "getValue": Function(_get_value),
    "resolve": Function(_resolve),
    "memberOf": Function(_member_of, 1, 1),
    "subsumes": Function(_subsumes, 1, 1),
    "subsumedBy": Function(_subsumed_by, 1, 1),
    "conformsTo": Function(_conforms_to, 1, 1),
    "checkModifiers": Function(_check_modifiers, 0, 20),
    "htmlChecks": Function(_html_checks),
}
