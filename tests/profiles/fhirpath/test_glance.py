"""What a glance confirms, the engine confirms; what it does not, the engine decides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.fhirpath import FHIRPathError, Node, compile  # noqa: A004
from profiles.fhirpath.model import type_at

PREFIX = "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix"
OWN = "http://hl7.org/fhir/StructureDefinition/humanname-own-name"

_extension = st.fixed_dictionaries(
    {"url": st.sampled_from([PREFIX, OWN])},
    optional={"valueString": st.sampled_from(["von", "zu"])},
)
_beside = st.fixed_dictionaries({}, optional={"extension": st.lists(_extension, max_size=2)})
_text = st.sampled_from(["official", "von Harz", "x"])
#: Also what no valid name holds: a glance is asked before anybody knows.
_odd = st.sampled_from([None, 7, True, {}, [], [None], {"a": 1}])
_names = st.fixed_dictionaries(
    {},
    optional={
        "use": _text | _odd,
        "_use": _beside | _odd,
        "family": _text | _odd,
        "_family": _beside | _odd,
        "given": st.lists(_text | _odd, max_size=3) | _odd,
        "_given": st.lists(_beside | _odd, max_size=3) | _odd,
        "period": st.fixed_dictionaries({}, optional={"start": _text, "end": _text}) | _odd,
        "extension": st.lists(_extension | _odd, max_size=2) | _odd,
    },
)
SHAPES = [
    f"family.extension('{PREFIX}').empty() or family.hasValue()",
    f"given.all($this.extension('{OWN}').empty() or $this.hasValue())",
    f"family.all($this.extension('{OWN}').empty() or hasValue())",
    "use = 'official' implies family.exists() and given.exists()",
    "given.hasValue() or family.hasValue().not()",
    "use != 'official' or family.matches('^von ')",
    "given.count() <= 2 xor family.startsWith('von')",
    "family.length() > 3",
    "given[0] = 'x' or given.first().empty()",
    "given.where($this = 'x').exists().not()",
    "given.exists($this = 'x') and period.start.empty()",
    f"extension.where(url = '{OWN}').empty()",
    f"extension('{OWN}').value.exists()",
    "family.empty() or given.distinct().count() = 1",
    "HumanName.period.end.exists() implies use = 'old'",
    "family.memberOf('urn:x') or given.empty()",
]


@settings(max_examples=300)
@given(st.sampled_from(SHAPES), _names)
def test_a_glance_confirms_nothing_that_the_engine_does_not(
    source: str, value: dict[str, Any]
) -> None:
    expression, type_ = compile(source), type_at("HumanName")
    assert type_ is not None
    glance = expression.glance(type_)
    try:
        holds = expression.holds(Node(value, None, type_, None, "HumanName"))
    except FHIRPathError:
        holds = False

    assert glance is not None
    assert holds or not glance(value, None, None)


@pytest.mark.parametrize("source", SHAPES[:4])
def test_the_common_shapes_are_seen_at_a_glance(source: str) -> None:
    name = {
        "use": "official",
        "family": "von Harz",
        "_family": {"extension": [{"url": PREFIX, "valueString": "von"}]},
        "given": ["Ilse", "Maria"],
        "_given": [None, {"extension": [{"url": OWN, "valueString": "Maria"}]}],
    }
    type_ = type_at("HumanName")
    assert type_ is not None
    glance = compile(source).glance(type_)

    assert glance is not None
    assert glance(name, None, None)


def test_what_takes_more_than_a_glance_is_left_to_the_engine() -> None:
    type_ = type_at("HumanName")
    assert type_ is not None
    for source in ("period.start <= period.end", "given.isDistinct()", "%resource.exists()"):
        assert compile(source).glance(type_) is None
