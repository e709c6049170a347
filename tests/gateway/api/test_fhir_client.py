"""The interface seen by a FHIR client we did not write (fhirpy), over a socket."""

from __future__ import annotations

import asyncio
import threading

import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from gateway.api.app import create_app
from gateway.api.server import Listen, bind, make_server


@pytest.fixture
def served(gateway):
    """The base address of the gateway's FHIR interface."""
    where = Listen(host="127.0.0.1", port=0)
    socket = bind(where)
    server = make_server(create_app(gateway), where)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[socket])))
    thread.start()
    yield f"http://127.0.0.1:{socket.getsockname()[1]}/fhir"
    server.should_exit = True
    thread.join(60)
    socket.close()


@pytest.fixture
def client(served):
    return SyncFHIRClient(served, authorization="Bearer token-klinikum")


def test_it_searches_and_reads(gateway, client):
    gateway.store({**gateway.patient})

    (found,) = client.resources("Patient").search(family="Müller", birthdate="1961-04-12").fetch()
    read = client.reference("Patient", found["id"]).to_resource()

    assert found["name"][0]["given"] == ["Anna"]
    assert read["meta"]["versionId"] == "1"


def test_it_follows_pages_to_the_end(gateway, client, served):
    from dataclasses import replace

    gateway.options = replace(gateway.options, base_url=served)
    for number in range(23):
        gateway.store(
            {"resourceType": "Condition", "id": f"c{number}", "subject": {"reference": "Patient/1"}}
        )

    found = client.resources("Condition").limit(5).fetch_all()

    assert sorted(one["id"] for one in found) == sorted(f"c{number}" for number in range(23))


def test_it_understands_what_is_refused(gateway, client, served):
    gateway.store({**gateway.patient})
    stranger = SyncFHIRClient(served, authorization="Bearer token-agentur")

    with pytest.raises(ResourceNotFound):
        stranger.reference("Patient", gateway.patient["id"]).to_resource()
    with pytest.raises(OperationOutcome):
        client.resources("Condition").search(**{"code.name": "x"}).fetch()
