"""Composite parameters and nearness: answered from the resource, part by part."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.r4 import facts
from profiles.search import parameters_of, parse_criteria

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


def coded(code: str) -> dict[str, Any]:
    return {"coding": [{"system": LOINC, "code": code}]}


def measured(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}


PRESSURE = {
    "resourceType": "Observation",
    "status": "final",
    "code": coded("85354-9"),
    "component": [
        {"code": coded("8480-6"), "valueQuantity": measured(128)},
        {"code": coded("8462-4"), "valueQuantity": measured(84)},
    ],
}
GLUCOSE = {
    "resourceType": "Observation",
    "status": "final",
    "code": coded("15074-8"),
    "valueQuantity": {"value": 6.3, "unit": "mmol/l", "system": UCUM, "code": "mmol/L"},
}
SMOKER = {
    "resourceType": "Observation",
    "status": "final",
    "code": coded("72166-2"),
    "valueCodeableConcept": coded("LA15920-4"),
}
LETTER = {
    "resourceType": "DocumentReference",
    "status": "current",
    "relatesTo": [
        {"code": "replaces", "target": {"reference": "DocumentReference/1"}},
        {"code": "appends", "target": {"reference": "DocumentReference/2"}},
    ],
}
SEQUENCE = {
    "resourceType": "MolecularSequence",
    "coordinateSystem": 0,
    "referenceSeq": {"chromosome": coded("LA21254-0"), "windowStart": 1, "windowEnd": 99},
    "variant": [{"start": 5, "end": 6}, {"start": 40, "end": 41}],
}
WARD = {
    "resourceType": "Location",
    "name": "Station 3b",
    "position": {"longitude": 10.7903, "latitude": 51.8378},
}


@pytest.mark.parametrize(
    ("resource", "query"),
    [
        (PRESSURE, "component-code-value-quantity=8480-6$gt120"),
        (PRESSURE, f"combo-code-value-quantity={LOINC}|8462-4$lt90||mm[Hg]"),
        (PRESSURE, "component-code-value-quantity=8480-6$gt200,8462-4$84"),
        (GLUCOSE, "code-value-quantity=15074-8$gt6.0"),
        (GLUCOSE, f"combo-code-value-quantity=15074-8$6.3|{UCUM}|mmol/L"),
        (SMOKER, f"code-value-concept={LOINC}|72166-2${LOINC}|LA15920-4"),
        (LETTER, "relationship=replaces$DocumentReference/1"),
        (LETTER, "relationship=appends$2"),
        (SEQUENCE, "chromosome-variant-coordinate=LA21254-0$ge40$le41"),
        (WARD, "near=51.8378|10.7903|1|km"),
        (WARD, "near=51.8354|10.7853"),
        (WARD, "near=51.8|10.7903|4300|m"),
    ],
)
def test_what_meets_all_parts_is_found(resource: dict[str, Any], query: str) -> None:
    assert parse_criteria(f"{resource['resourceType']}?{query}").matches(resource)


@pytest.mark.parametrize(
    ("resource", "query"),
    [
        # Each is there, but not together.
        (PRESSURE, "component-code-value-quantity=8480-6$lt90"),
        (PRESSURE, "combo-code-value-quantity=85354-9$gt1"),
        (PRESSURE, "code-value-quantity=8480-6$gt120"),
        (GLUCOSE, "component-code-value-quantity=15074-8$gt6.0"),
        (GLUCOSE, "code-value-quantity=15074-8$gt7"),
        (LETTER, "relationship=replaces$DocumentReference/2"),
        (SEQUENCE, "chromosome-variant-coordinate=LA21254-0$5$41"),
        (WARD, "near=51.8|10.7903|4|km"),
        ({"resourceType": "Location"}, "near=51.8|10.7903|4000|km"),
    ],
)
def test_what_only_meets_them_apart_is_not(resource: dict[str, Any], query: str) -> None:
    assert not parse_criteria(f"{resource['resourceType']}?{query}").matches(resource)


def test_every_part_is_indexed_under_the_parameter_that_defines_it() -> None:
    """The store narrows by the parts: they must not select what their parameters do not."""
    composites = 0
    for type_, known in facts("search")["parameters"].items():
        for name, one in known.items():
            for path in one["paths"] if one["kind"] == "composite" else ():
                composites += 1
                for part in path["components"]:
                    defined = parameters_of(type_)[part["name"]]
                    indexed = [program["steps"] for program in defined.programs]
                    for program in part["paths"]:
                        before = [] if program.get("resource") else path["steps"]
                        assert [*before, *program["steps"]] in indexed, (type_, name)
                    assert part["kind"] == defined.kind
    assert composites > 70


_latitudes = st.floats(-90, 90).map(lambda one: round(one, 4))
_longitudes = st.floats(-180, 180).map(lambda one: round(one, 4))


@given(_latitudes, _longitudes, st.floats(0.5, 400))
def test_distance_north_is_measured_along_the_meridian(
    latitude: float, longitude: float, kilometres: float
) -> None:
    """A minute of latitude is about 1.853 km wherever one stands."""
    other = latitude + (1 if latitude < 0 else -1) * kilometres / 111.195
    place = {"resourceType": "Location", "position": {"latitude": other, "longitude": longitude}}
    near = f"Location?near={latitude:.4f}|{longitude:.4f}|"

    assert parse_criteria(f"{near}{kilometres * 1.01:.6f}").matches(place)
    assert not parse_criteria(f"{near}{kilometres * 0.99:.6f}|km").matches(place)
    assert math.isclose(abs(other - latitude) * 111.195, kilometres, rel_tol=1e-6)
