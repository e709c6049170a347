"""Validation against FHIR and profiles, by the policy of the endpoint."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.pipeline.translate import prepare, translate
from gateway.pipeline.translated import Job, Outcome
from profiles.issue import NotConformant
from profiles.packages import PackageFolder
from tests.profiles.validate.regional import CANONICAL, LANGUAGES, PATIENT, REMARK

PROFILE = f"{CANONICAL}Versicherte"
#: Structurally sound; without a birth date and a KVNR the profile does not take it.
PERSON = {"resourceType": "Patient", "id": "1", "name": [{"family": "Weiß"}]}
#: Sound by its structure; the period ends before it begins.
BACKWARDS = PERSON | {"name": [{"family": "Weiß", "period": {"start": "2026", "end": "2025"}}]}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    sources = tmp_path_factory.mktemp("sources")
    folder = tmp_path_factory.mktemp("region") / "packages"
    for one in (PATIENT, REMARK, LANGUAGES):
        file = sources / f"{one['id']}.json"
        file.write_text(json.dumps(one))
        PackageFolder(folder).add(file)
    return str(folder)


def prepared(world, packages, **changes):
    pvs = world.region.endpoints["pvs"]
    endpoints = {**world.region.endpoints, "pvs": replace(pvs, **changes)}
    region = replace(world.region, endpoints=endpoints)
    return prepare(replace(world.config, region=region, packages=packages))


def sent(resource, ready):
    data = json.dumps(resource).encode()
    return translate(Job(1, "pvs", "fhir_r4", "k", b"d", 0, data), ready)


@pytest.mark.parametrize(
    ("policy", "outcome", "reason"),
    [
        ("none", Outcome.STORED, ""),
        ("warn", Outcome.STORED, ""),
        ("quarantine", Outcome.QUARANTINED, "validation"),
        ("reject", Outcome.REJECTED, "NotConformant"),
    ],
)
def test_the_endpoint_says_what_becomes_of_invalid_content(
    world, packages, policy, outcome, reason
):
    ready = prepared(world, packages, validation=policy, profiles=(PROFILE,))
    done = sent(PERSON, ready)
    assert (done.outcome, done.reason) == (outcome, reason)
    told = {issue.location for issue in done.issues}
    assert ("Patient.birthDate" in told) is (policy != "none")
    assert (b"Patient.birthDate" in done.report) is (policy != "none")


def test_rules_of_fhir_hold_without_any_package(world):
    ready = prepared(world, "", validation="reject")
    assert sent(PERSON, ready).outcome is Outcome.STORED
    done = sent(BACKWARDS, ready)
    assert done.outcome is Outcome.REJECTED
    assert "Patient.name[0].period" in {issue.location for issue in done.issues}


def test_profiles_of_other_types_are_not_asked(world, packages):
    ready = prepared(world, packages, validation="reject", profiles=(PROFILE,))
    group = {"resourceType": "Group", "id": "1", "type": "person", "actual": True}
    assert sent(group, ready).outcome is Outcome.STORED


def test_what_a_resource_claims_counts(world, packages):
    ready = prepared(world, packages, validation="reject")
    assert sent(PERSON, ready).outcome is Outcome.STORED
    assert sent(PERSON | {"meta": {"profile": [PROFILE]}}, ready).outcome is Outcome.REJECTED


def test_a_profile_nobody_defines_is_told_before_anything_is_taken(world, packages):
    with pytest.raises(NotConformant, match="endpoint pvs: the profile https://nobody"):
        prepared(world, packages, validation="warn", profiles=("https://nobody.example/X",))


def test_messages_we_translate_ourselves_are_looked_at_too(world, packages):
    kis = replace(world.region.endpoints["kis"], validation="quarantine", profiles=(PROFILE,))
    region = replace(world.region, endpoints={**world.region.endpoints, "kis": kis})
    ready = prepare(replace(world.config, region=region, packages=packages))
    from tests.gateway.pipeline.conftest import message

    done = translate(Job(1, "kis", "hl7v2", "M1", b"d", 0, message()), ready)
    assert (done.outcome, done.reason) == (Outcome.QUARANTINED, "validation")
    assert "Patient.identifier" in {issue.location for issue in done.issues}


def test_an_endpoint_may_be_stricter_than_the_specification(world, packages):
    unknown = {"url": "https://harz.example/neu", "valueCode": "x"}
    person = PERSON | {"extension": [unknown]}
    assert sent(person, prepared(world, packages, validation="reject")).outcome is Outcome.STORED
    strict = prepared(world, packages, validation="reject", strict=("extension",))
    assert sent(person, strict).outcome is Outcome.REJECTED
    assert sent(PERSON, strict).outcome is Outcome.STORED


def bundle(*resources):
    """A batch as a practice system writes it: an element to a line."""
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    document = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


@pytest.mark.parametrize("policy", ["warn", "reject"])
def test_findings_say_where_they_stand_in_what_was_sent(world, packages, policy):
    sound = PERSON | {"id": "2", "name": [{"family": "Ölze"}]}
    data = bundle(sound, BACKWARDS)
    ready = prepared(world, packages, validation=policy)
    done = translate(Job(1, "pvs", "fhir_r4", "k", b"d", 0, data), ready)

    (found,) = [one for one in done.issues if "per-1" in one.text]

    assert found.location == "Bundle.entry[1].resource.name[0].period"
    line = data.decode().splitlines()[found.line - 1]
    assert line[found.column - 1 :].startswith('"period"')
    reported = json.loads(done.report)["issues"]
    assert (found.line, found.column) in {(one.get("line"), one.get("column")) for one in reported}


def test_broken_structure_says_where_it_stands_too(world, packages):
    sound, broken = PERSON | {"id": "2"}, PERSON | {"birthDate": "gestern"}
    data = bundle(sound, broken)
    done = translate(
        Job(1, "pvs", "fhir_r4", "k", b"d", 0, data), prepared(world, packages, validation="none")
    )

    (found,) = done.issues
    assert done.outcome is Outcome.REJECTED
    assert found.location == "Bundle.entry[1].resource.birthDate"
    assert "gestern" in data.decode().splitlines()[found.line - 1]


def test_what_is_no_json_says_where_it_breaks(world, packages):
    data = b'{"resourceType": "Patient",\n "active": tru }'
    ready = prepared(world, packages, validation="none")
    done = translate(Job(1, "pvs", "fhir_r4", "k", b"d", 0, data), ready)
    assert [one.line for one in done.issues] == [2]
