"""Filters of a value set: every operator of R4."""

import pytest

from profiles.issue import NotConformant, NotSupported

ALL = {"rot", "karmin", "scharlach", "dunkelscharlach", "blau", "marine", "dunkel", "alt"}


@pytest.mark.parametrize(
    ("name", "op", "value", "taken"),
    [
        ("concept", "is-a", "rot", {"rot", "karmin", "scharlach", "dunkelscharlach"}),
        ("concept", "descendent-of", "rot", {"karmin", "scharlach", "dunkelscharlach"}),
        ("concept", "is-not-a", "rot", {"blau", "marine", "dunkel", "alt"}),
        ("concept", "generalizes", "dunkelscharlach", {"dunkelscharlach", "scharlach", "rot"}),
        ("concept", "generalizes", "marine", {"marine", "blau", "dunkel"}),
        ("concept", "is-a", "dunkel", {"dunkel", "marine"}),
        ("code", "regex", "[a-d].*", {"alt", "blau", "dunkel", "dunkelscharlach"}),
        ("code", "regex", "rot|bla", {"rot"}),
        ("display", "regex", ".*rot", {"karmin", "scharlach"}),
        ("code", "in", "rot, blau,weiß", {"rot", "blau"}),
        ("tone", "not-in", "warm,kalt", ALL - {"karmin", "scharlach", "marine"}),
        ("tone", "in", "warm,kalt", {"karmin", "scharlach", "marine"}),
        ("tone", "=", "warm", {"karmin", "scharlach"}),
        ("tone", "exists", "true", {"karmin", "scharlach", "marine"}),
        ("tone", "exists", "false", ALL - {"karmin", "scharlach", "marine"}),
        ("child", "exists", "false", ALL - {"rot", "scharlach", "blau", "dunkel"}),
        ("parent", "=", "rot", {"karmin", "scharlach"}),
        ("notSelectable", "=", "true", {"rot"}),
        ("notSelectable", "=", "false", ALL - {"rot"}),
        ("inactive", "=", "true", {"alt"}),
    ],
)
def test_an_operator_takes_exactly_its_codes(filtered, name, op, value, taken):
    assert filtered((name, op, value)) == taken


def test_several_filters_must_all_agree(filtered):
    assert filtered(("concept", "is-a", "rot"), ("tone", "exists", "true")) == {
        "karmin",
        "scharlach",
    }


def test_a_property_nobody_defines_is_not_decided(filtered):
    with pytest.raises(NotSupported, match="cannot be expanded without"):
        filtered(("geschmack", "=", "süß"))


def test_properties_are_known_by_their_standard_meaning(filtered):
    declared = [
        {"code": "oben", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"}
    ]
    below = {"code": "zwei", "property": [{"code": "oben", "valueCode": "eins"}]}
    taken = filtered(
        ("concept", "is-a", "eins"), concepts=[{"code": "eins"}, below], property=declared
    )
    assert taken == {"eins", "zwei"}


def test_a_hierarchy_that_runs_in_circles_ends(filtered):
    concepts = [
        {"code": "a", "property": [{"code": "parent", "valueCode": "b"}]},
        {"code": "b", "property": [{"code": "subsumedBy", "valueCode": "a"}]},
        {"code": "c"},
    ]
    assert filtered(("concept", "is-a", "a"), concepts=concepts) == {"a", "b"}


def test_a_catastrophic_pattern_ends(filtered):
    concepts = [{"code": "a" * 200 + "!"}]  # backtracking would outlast the universe
    assert filtered(("code", "regex", "(a+)+b"), concepts=concepts) == set()


@pytest.mark.parametrize("one", [("code", "regex", "(["), ("code", "wie", "x"), ("", "=", "x")])
def test_a_filter_that_means_nothing_is_refused(filtered, one):
    with pytest.raises(NotConformant):
        filtered(one)
