"""The answer with hidden data in the store equals the answer with hidden data never stored."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.consent import filter_resources

CANARY = "zzcanaryzz"
VISIBLE = st.sampled_from(["v1", "v2", "v3"])
HIDDEN = st.sampled_from(["h1", "h2"])
KINDS = st.sampled_from(["list", "searchset", "collection"])


def _reference(name):
    return {"reference": f"Observation/{name}", "display": f"{CANARY} {name}"}


@st.composite
def worlds(draw):
    """Draw visible and hidden observations, and which visible ones point to which hidden ones."""
    return {
        "pointers": {
            name: draw(st.lists(st.one_of(VISIBLE, HIDDEN), max_size=3))
            for name in ("v1", "v2", "v3")
        },
        "order": draw(st.permutations(["v1", "v2", "v3", "h1", "h2", "p", "org", "dr"])),
        "contained": draw(st.booleans()),
        "kind": draw(KINDS),
        "secret": draw(st.sampled_from(["a", "bb", "ccc"])),
    }


def _resources(make, world, *, hidden=True, pointers=True):
    """Build the answer of a world, with its hidden part or without."""
    found = []
    for name in world["order"]:
        if name[0] == "v":
            targets = world["pointers"][name] if pointers else []
            found.append(_visible(make, world, name, targets, hidden=hidden))
        elif name[0] == "h" and hidden:
            found.append(_hidden(make, world, name))
        elif name == "dr" and hidden:
            found.append({"resourceType": "Practitioner", "id": "dr", "name": [{"text": CANARY}]})
        elif name == "org":
            found.append({"resourceType": "Organization", "id": "org"})
        elif name == "p":
            found.append({"resourceType": "Patient", "id": "p"})
    return _packed(world["kind"], found)


def _hidden(make, world, name):
    return make.observation(
        name,
        "HIV",
        valueString=CANARY + world["secret"],
        performer=[{"reference": "Practitioner/dr"}],
    )


def _visible(make, world, name, targets, *, hidden):
    resource = make.observation(name, performer=[{"reference": "Organization/org"}])
    shown = [t for t in targets if hidden or t[0] == "v"]
    if shown:
        resource["hasMember"] = [
            _reference(t) if t[0] == "h" else {"reference": f"Observation/{t}"} for t in shown
        ]
    if any(t[0] == "h" for t in shown):
        resource["text"] = {"status": "generated", "div": f"<div>{CANARY}{world['secret']}</div>"}
    if world["contained"] and hidden:
        resource["contained"] = [_hidden(make, world, "c")]
    return resource


def _packed(kind, resources):
    if kind == "list":
        return resources
    entries = [
        {"fullUrl": f"https://gw.example/fhir/{r['resourceType']}/{r['id']}", "resource": r}
        for r in resources
    ]
    count = {"total": len(entries)} if kind == "searchset" else {}
    return [{"resourceType": "Bundle", "type": kind, **count, "entry": entries}]


def _answer(make, resources):
    consent = make.consent(make.permit(make.deny(securityLabel=[make.label("HIV")])))
    decision = make.decided(consent, resources)
    return json.dumps(filter_resources(resources, decision))


@settings(max_examples=60, deadline=None)
@given(world=worlds())
def test_hidden_data_nothing_points_to_might_as_well_not_exist(make, world):
    with_hidden = _resources(make, world, pointers=False)
    never_stored = _resources(make, world, hidden=False, pointers=False)

    assert _answer(make, with_hidden) == _answer(make, never_stored)


@settings(max_examples=60, deadline=None)
@given(world=worlds(), secret=st.sampled_from(["x", "yyyyyyyy"]))
def test_the_answer_does_not_depend_on_what_hidden_data_say(make, world, secret):
    answer = _answer(make, _resources(make, world))

    assert answer == _answer(make, _resources(make, {**world, "secret": secret}))
    assert CANARY not in answer


@settings(max_examples=40, deadline=None)
@given(world=worlds())
def test_filtering_again_changes_nothing(make, world):
    once = json.loads(_answer(make, _resources(make, world)))

    assert json.loads(_answer(make, once)) == once
