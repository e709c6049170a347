"""The domain's policy and a case are read strictly: a typo never opens anything."""

import pytest

from gateway.consent import Policy, decide, read_request
from profiles.issue import NotConformant


def test_nothing_stated_denies():
    assert Policy.from_mapping({}).implicit == ()


def test_configuration_and_case_spellings_mean_the_same():
    snake = {"break_glass": {"roles": ["physician"], "on_explicit_deny": "permit"}}
    camel = {"breakGlass": {"roles": ["physician"], "onExplicitDeny": "permit"}}

    assert Policy.from_mapping(snake) == Policy.from_mapping(camel)


@pytest.mark.parametrize(
    ("mapping", "nearest"),
    [
        ({"implict": "permit"}, "implicit"),
        ({"breakGlas": {}}, "break_glass"),
        ({"break_glass": {"role": ["physician"]}}, "roles"),
        ({"implicit": [{"type": "permit", "purpose": ["TREAT"]}]}, "purposes"),
        ({"legal_mandates": [{"code": []}]}, "codes"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest(mapping, nearest):
    with pytest.raises(NotConformant, match=f"nearest known key is {nearest}$"):
        Policy.from_mapping(mapping)


@pytest.mark.parametrize(
    "mapping",
    [
        {"implicit": "allow"},
        {"implicit": [{"type": "allow"}]},
        {"implicit": [{"type": "permit", "confidentiality": "X"}]},
        {"implicit": [{"type": "permit", "roles": "physician"}]},
        {"implicit": 1},
        {"timezone": "Europe/Bärlin"},
        {"timezone": 1},
        {"lineage": "oldest"},
        {"unlabelled_documents": "open"},
        {"break_glass": "physician"},
        {"break_glass": {"on_absent": True}},
        {"break_glass": {"roles": 7}},
        {"legal_mandates": [{"id": "x"}]},
        {"legal_mandates": {}},
        {"legal_mandates": ["IfSG"]},
        {
            "legal_mandates": [
                {
                    "id": "x",
                    "recipient": "Organization/o",
                    "purpose": "PUBHLTH",
                    "actions": ["disclose"],
                    "resource_types": ["Patient"],
                    "codes": ["94500-6"],
                }
            ]
        },
    ],
)
def test_a_value_that_is_not_allowed_is_an_error(mapping):
    with pytest.raises(NotConformant):
        Policy.from_mapping(mapping)


ASKED = {
    "actor": {
        "reference": "Practitioner/a",
        "memberOf": [
            "Organization/o",
            {"identifier": {"system": "s", "value": "1"}, "display": "Praxis", "kind": "practice"},
        ],
    },
    "purpose": "TREAT",
    "action": "access",
    "time": "2026-06-15T10:00:00+02:00",
}


def test_an_actor_is_known_by_everything_it_belongs_to():
    actor = read_request(ASKED).actor

    assert actor.keys() == {"Practitioner/a", "Organization/o", "s|1"}
    assert actor.kinds() == {"practice"}
    assert actor.name() == "Praxis"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("actor", None),
        ("actor", 7),
        ("time", "2026-06-15T10:00:00"),
        ("time", "today"),
        ("time", None),
        ("action", None),
        ("purpose", [7]),
        ("emergency", "yes"),
    ],
)
def test_a_request_that_cannot_be_read_is_an_error(key, value):
    with pytest.raises(NotConformant, match=rf"request\.{key}"):
        decide({"consents": [], "request": {**ASKED, key: value}})


@pytest.mark.parametrize("case", [{}, {"request": ASKED, "consents": {}}, {"request": []}])
def test_a_case_without_its_parts_is_an_error(case):
    with pytest.raises(NotConformant):
        decide(case)


def test_resources_may_stand_beside_the_request():
    organization = {"resourceType": "Organization", "id": "o"}

    assert decide({"request": ASKED, "resources": [organization]}).visible == ("Organization/o",)
    assert decide({"request": {**ASKED, "resource": organization}}).visible == ("Organization/o",)
