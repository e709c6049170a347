"""The registry: what is applied comes back as it was."""

from __future__ import annotations

from gateway.domain.region import (
    Endpoint,
    Identifier,
    Organization,
    Practitioner,
    Region,
    Route,
)
from gateway.domain.region_json import documents, region_of
from gateway.domain.retry import Retry

REGION = Region(
    organizations={
        "klinikum": Organization(
            id="klinikum",
            name="Klinikum am Ring",
            kind="hospital",
            identifier=(Identifier("http://fhir.de/sid/arge-ik/iknr", "260510007"),),
            token_sha256=("ab" * 32,),
        )
    },
    endpoints={
        "praxis": Endpoint(
            id="praxis",
            organization="klinikum",
            connection_type="hl7-fhir-rest",
            direction="out",
            address="https://praxis.example/fhir",
            idempotent=True,
            retry=Retry(attempts=3),
            sender=("GW", "REGION"),
            tls={"ca": "ca.pem"},
        ),
        "adt": Endpoint(
            id="adt", organization="klinikum", connection_type="hl7v2-mllp", direction="in"
        ),
    },
    routes={
        "letters": Route(
            id="letters",
            criteria="DocumentReference",
            to=("praxis",),
            legal_basis="consent",
            controller="klinikum",
        )
    },
    practitioners=tuple(
        Practitioner(organization="klinikum", lanr=str(n), local=(Identifier("k", str(n)),))
        for n in range(12)
    ),
    dialects={"klinikum": {"charset": "8859/1", "ignore": ["ZZZ"], "systems": {"PI": "x"}}},
    policy={"implicit": "deny"},
)


def run(store, job):
    return store.writer.submit(job).result(60)


def test_a_region_survives_its_documents():
    assert region_of(0, documents(REGION)) == REGION


def test_what_is_applied_is_read_back_with_its_revision(store):
    assert store.reader.region() == Region()
    revision = run(store, lambda tx: tx.set_region(REGION, by="anna", summary="first"))
    found = store.reader.region()
    assert revision == found.revision == 1
    assert (found.endpoints, found.practitioners) == (REGION.endpoints, REGION.practitioners)
    assert (found.dialects, found.policy) == (REGION.dialects, REGION.policy)
    assert store.reader.region() is found


def test_applying_again_replaces_what_was(store):
    run(store, lambda tx: tx.set_region(REGION, by="anna", summary="first"))
    smaller = Region(organizations=REGION.organizations)
    assert run(store, lambda tx: tx.set_region(smaller, by="anna", summary="second")) == 2
    assert store.reader.region().endpoints == {}


def test_an_endpoint_is_paused_and_resumed(store):
    run(store, lambda tx: tx.set_paused("praxis", paused=True, by="anna"))
    assert store.reader.paused() == {"praxis"}
    run(store, lambda tx: tx.set_paused("praxis", paused=False, by="anna"))
    assert store.reader.paused() == frozenset()
