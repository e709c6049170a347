"""Invariants written in Python give what their published FHIRPath gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.fhirpath import compile  # noqa: A004
from profiles.packages import open_packages
from profiles.snapshot.snapshots import Snapshots
from profiles.validate.native import NATIVE

Json = dict[str, Any]

_texts = st.sampled_from(["x", "home"])
_whens = st.sampled_from(
    [
        "2026",
        "2026-11",
        "2026-11-01",
        "2026-11-02",
        "2026-11-01T10:00:00+01:00",
        "2026-11-01T10:00:00Z",
        "2026-11-01T09:30:00.5Z",
    ]
)
_extensions = st.just([{"url": "urn:x", "valueString": "y"}])


def holding(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Make objects with some of these members."""
    return st.fixed_dictionaries({}, optional=members)


#: Key → type, objects of it.
OBJECTS: dict[str, tuple[str, st.SearchStrategy[Json]]] = {
    "ext-1": (
        "Extension",
        holding(valueString=_texts, _valueString=holding(id=_texts), extension=_extensions),
    ),
    "per-1": ("Period", holding(start=_whens, end=_whens)),
    "cpt-2": ("ContactPoint", holding(system=_texts, value=_texts, use=_texts)),
    "qty-3": ("Quantity", holding(system=_texts, code=_texts, unit=_texts)),
    "att-1": ("Attachment", holding(data=st.just("eA=="), contentType=_texts, title=_texts)),
    "pat-1": (
        "Patient.contact",
        holding(
            name=st.just({"text": "x"}),
            telecom=st.just([{"value": "1"}]),
            address=st.just({"city": "Jena"}),
            organization=st.just({"reference": "Organization/1"}),
            gender=st.just("female"),
        ),
    ),
    "dom-6": (
        "Patient",
        holding(
            text=holding(div=st.just('<div xmlns="http://www.w3.org/1999/xhtml">x</div>')),
            active=st.booleans(),
        ),
    ),
}


def published(key: str) -> str:
    """Find the expression of an invariant in core."""
    snapshots = Snapshots(open_packages([]))
    root = snapshots.type(OBJECTS[key][0].partition(".")[0]).root
    return next(
        rule.expression for one in root.walk() for rule in one.invariants if rule.key == key
    )


def test_each_has_objects_to_compare() -> None:
    assert OBJECTS.keys() == NATIVE.keys()


@pytest.mark.parametrize("key", list(NATIVE))
def test_python_and_fhirpath_agree(key: str) -> None:
    expression = compile(published(key))
    kind, objects = OBJECTS[key]

    @given(objects)
    def agree(value: Json) -> None:
        native = NATIVE[key](value)
        if native is not None:
            assert native == expression.holds(value, type=kind)

    agree()
