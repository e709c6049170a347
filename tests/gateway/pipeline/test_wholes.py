"""A practice's FHIR document: stored, decided and routed by its contents, handed on as a whole."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.consent import Decision
from gateway.domain.delivery import DeliveryState
from gateway.domain.folder import Folder
from gateway.domain.region import Route
from gateway.pipeline.claim import claim
from gateway.pipeline.criteria import Criterion
from gateway.pipeline.translate import prepare, translate
from gateway.pipeline.translated import Job, Outcome
from gateway.pipeline.whole import whole
from profiles.issue import NotSupported
from profiles.packages import PackageFolder

SAMPLES = Path(__file__).parents[2] / "samples" / "fhir"
FORMS = "https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_KBV_FORMULAR_ART"
ICD = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
PERMIT = {"implicit": "permit-treatment"}


def sample(name):
    return (SAMPLES / name).read_bytes()


@pytest.fixture
def practice(world, build):
    """A practice sends documents; a colleague's FHIR server and exchange folder receive them."""

    def use(criteria="Bundle?type=document", policy=PERMIT, **changes):
        files = build.outgoing(
            "ordner",
            "klinikum",
            connection_type="folder",
            address="",
            format="fhir_r4",
            folder=Folder(path="/nirgends"),
            **changes,
        )
        server = build.outgoing("server", "klinikum", **changes)
        route = Route(
            id="dokumente",
            sources=("pvs",),
            criteria=criteria,
            to=("ordner", "server"),
            legal_basis="§ 630a BGB",
            controller="praxis",
        )
        known = dict(build.region().endpoints) | {"ordner": files, "server": server}
        world.use(build.region(endpoints=known, routes={route.id: route}, policy=policy))

    return use


def record(world, data, control="D1"):
    (done,) = world.record(world.item(data, endpoint="pvs", format="fhir_r4", control=control))
    return done


def payloads(world):
    ready = world.do(lambda tx: claim(tx, world.site, {"ordner": 9, "server": 9})).ready
    return {one.delivery.endpoint: one.payload for one in ready}


@pytest.mark.parametrize("name", ["eau.xml", "eau.json", "arztbrief.json"])
def test_a_file_is_the_document_byte_for_byte_and_a_server_is_handed_it_in_one(
    world, practice, name
):
    practice()
    record(world, sample(name))

    sent = payloads(world)

    assert sent["ordner"] == sample(name)
    transaction = json.loads(sent["server"])
    (entry,) = transaction["entry"]
    handed = entry["resource"]
    written = json.loads(sample(name.replace("xml", "json")))
    # What a signature covers is untouched (documents.html#signatures): all but id and meta.
    apart = {"id", "meta"}
    kept, said = ({k: v for k, v in one.items() if k not in apart} for one in (handed, written))
    assert kept == said
    tag = handed["meta"]["tag"][-1]
    assert entry["request"] == {
        "method": "PUT",
        "url": f"Bundle?_tag={tag['system']}|{tag['code']}",
    }
    assert handed["meta"].get("profile") == written["meta"].get("profile")
    assert b"148.0" in sent["server"] or name != "arztbrief.json"


def test_a_server_that_takes_our_ids_is_given_the_document_under_one(world, practice):
    practice(write="put")
    record(world, sample("eau.xml"))
    record(world, sample("eau.json"), control="D2")

    ready = world.do(lambda tx: claim(tx, world.site, {"server": 9})).ready
    (entry,) = json.loads(ready[0].payload)["entry"]

    assert entry["request"]["url"] == f"Bundle/{entry['resource']['id']}"


def test_the_document_is_stored_resource_by_resource_with_one_provenance(world, practice):
    practice()
    done = record(world, sample("eau.xml"))

    rows = world.do(lambda tx: tx.contents([done.message]))[done.message]
    kinds = sorted(one.type for one in rows)
    assert kinds == sorted(
        ["Composition", "Patient", "Practitioner", "Organization", "Coverage", "Provenance"]
        + 3 * ["Condition"]
    )
    (message,) = world.query("SELECT message_type, state, fields, mapped, ignored FROM message")
    assert message[:2] == ("document", "routed")
    assert message[2] == message[3] + message[4]


@pytest.mark.parametrize(
    ("criteria", "met"),
    [
        (f"Bundle?composition.type={FORMS}|e010", True),
        ("Bundle?type=document&composition.status=final", True),
        (f"Bundle?composition.type={FORMS}|e011", False),
        ("Bundle?identifier=urn:ietf:rfc:3986|urn:uuid:9e3c5b71-2d48-4f6a-b7c9-0d1e2f3a4b5c", True),
        (f"Composition?type={FORMS}|e010", True),
        (f"Condition?code={ICD}|J06.9", True),
        (f"Condition?code={ICD}|C50.9", False),
        ("Bundle?message.event=x", False),
    ],
)
def test_a_route_may_ask_for_what_is_in_a_document(world, practice, criteria, met):
    practice(criteria=criteria)
    record(world, sample("eau.xml"))

    assert len(world.deliveries()) == (2 if met else 0)


@pytest.mark.parametrize(
    "entries", [None, [], [None], [{}], [{"resource": 5}], "x", {"resource": {}}]
)
def test_a_bundle_that_begins_with_nothing_meets_no_criteria_about_it(entries):
    bundle = {"resourceType": "Bundle", "type": "document", "entry": entries}

    assert not Criterion.read("Bundle?composition.type=e01").matches(bundle)


def test_a_bundle_does_not_begin_with_two_things():
    with pytest.raises(NotSupported, match="not both"):
        Criterion.read("Bundle?composition.type=x&message.event=y")


def test_without_consent_a_document_waits_and_no_byte_leaves(world, practice):
    practice(policy={"implicit": "deny"})
    record(world, sample("eau.xml"))

    assert payloads(world) == {}
    assert world.states() == 2 * [DeliveryState.WAITING_FOR_CONSENT]


def test_who_wants_resources_gets_resources(world, practice):
    practice(form="translated")
    record(world, sample("eau.xml"))

    sent = payloads(world)

    kinds = [one["resource"]["resourceType"] for one in json.loads(sent["ordner"])["entry"]]
    assert "Composition" in kinds
    assert "Bundle" not in kinds
    assert json.loads(sent["server"])["entry"][0]["request"]["url"].startswith("Composition?")


@pytest.mark.parametrize(("signed", "stays"), [(False, False), (True, True)])
def test_a_label_of_what_is_sensitive_stays_here_unless_a_signature_covers_it(
    world, practice, signed, stays
):
    practice()
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
    document = json.loads(sample("eau.json"))
    document["entry"][4]["resource"]["meta"]["security"] = [label]
    if signed:
        document["signature"] = json.loads(sample("arztbrief.json"))["signature"]
    data = json.dumps(document).encode()
    record(world, sample("eau.json"))
    delivery = world.deliveries()[0]
    endpoint = world.region.endpoints[delivery.endpoint]

    left = whole(endpoint, delivery, data, [], Decision("permit", "1", "permit"))

    assert (b'"PSY"' in left) is stays
    assert (left == data) is stays


def test_of_what_is_hidden_in_a_document_not_even_the_frame_leaves(world, practice):
    practice()
    record(world, sample("eau.json"))
    delivery = world.deliveries()[0]
    endpoint = world.region.endpoints[delivery.endpoint]
    decision = Decision("redact", "1", "permit", removed=("Condition/1",))

    assert whole(endpoint, delivery, sample("eau.json"), [], decision) is None


def test_a_collection_goes_as_a_file_as_it_came_and_to_a_server_in_pieces(world, practice):
    practice(criteria="Condition")
    document = json.loads(sample("eau.json"))
    collection = json.dumps(document | {"type": "collection"}).encode()
    record(world, collection)

    sent = payloads(world)

    assert sent["ordner"] == collection
    kinds = [one["resource"]["resourceType"] for one in json.loads(sent["server"])["entry"]]
    assert len(kinds) == len(document["entry"]) + 1
    assert "Bundle" not in kinds


GERMAN = Path(os.environ.get("GATEWAY_PACKAGES", SAMPLES / "../../../../shared/packages")) / "de"
#: What the profiles of a certificate of incapacity need; dependencies KBV names are not all public.
KBV = ("de.basisprofil.r4-1.5.4", "kbv.basis-1.7.0", "kbv.ita.for-1.3.1", "kbv.ita.eau-1.2.1")


def validated(world, data, packages=""):
    pvs = replace(world.region.endpoints["pvs"], validation="reject")
    region = replace(world.region, endpoints={**world.region.endpoints, "pvs": pvs})
    ready = prepare(replace(world.config, region=region, packages=packages))
    return translate(Job(1, "pvs", "fhir_r4", "k", b"d", 0, data), ready)


def test_a_document_is_validated_as_the_whole_it_is(world):
    stray = b"""  <entry>
    <fullUrl value="http://pvs.praxis-am-anger.example/fhir/Basic/1"/>
    <resource><Basic><id value="1"/><code><text value="niemandes"/></code></Basic></resource>
  </entry>
</Bundle>"""
    data = sample("eau.xml").replace(b"</Bundle>", stray)

    assert validated(world, sample("eau.xml")).outcome is Outcome.STORED
    done = validated(world, data)

    assert done.outcome is Outcome.REJECTED
    wrong = [one for one in done.issues if one.severity == "error"]
    assert [(one.location, one.line) for one in wrong] == [
        ("Bundle.entry[8]", data[: data.index(b"Basic/1")].count(b"\n"))
    ]


@pytest.mark.slow  # compiles the published profiles
@pytest.mark.skipif(not GERMAN.is_dir(), reason="GATEWAY_PACKAGES not found")
def test_the_profiles_of_the_kbv_hold_where_their_package_is_at_hand(world, tmp_path):
    for name in KBV:
        PackageFolder(tmp_path).add(GERMAN / f"{name}.tgz")
    whole = sample("eau.xml")
    unsigned = whole.replace(b'<code value="e010"/>', b'<code value="e01"/>')

    assert validated(world, whole, str(tmp_path)).outcome is Outcome.STORED
    done = validated(world, unsigned, str(tmp_path))

    assert done.outcome is Outcome.REJECTED
    assert "Bundle.entry[0].resource.type.coding[1].code" in {one.location for one in done.issues}
