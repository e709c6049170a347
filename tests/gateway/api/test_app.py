"""The application as a whole: methods, formats, faults, limits, health."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/admin", 404),
        ("GET", "//admin", 404),
        ("GET", "/fhir/../admin", 404),
        ("GET", "/fhir/Patient/a/b/c", 404),
        ("DELETE", "/fhir/AuditEvent/1", 405),
        ("PUT", "/fhir/Provenance/1", 405),
        ("POST", "/fhir/Patient/1", 405),
        ("POST", "/fhir/Patienten", 404),
        ("POST", "/fhir/metadata", 405),
        ("GET", "/inbound/klinikum-http", 405),
        ("POST", "/health/live", 405),
    ],
)
def test_what_is_not_served_says_so_as_operation_outcome(connect, method, path, status):
    answer = connect("klinikum").request(method, path)

    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"accept": "application/fhir+xml"}, "", 200),
        ({"accept": "application/fhir+json; fhirVersion=3.0"}, "", 406),
        ({"accept": "text/html"}, "", 406),
        ({"accept": "application/fhir+json; fhirVersion=4.0"}, "", 200),
        ({"accept": "text/html, */*;q=0.1"}, "", 200),
        ({"accept": "application/fhir+xml"}, "?_format=json", 200),
        ({}, "?_format=xml", 200),
        ({}, "?_format=application/fhir+xml", 200),
        ({}, "?_format=html", 406),
    ],
)
def test_json_and_xml_of_r4_are_spoken(connect, headers, query, status):
    assert connect().get(f"/fhir/metadata{query}", headers=headers).status_code == status


def test_the_capability_statement_is_valid_and_names_what_is_there(connect):
    from profiles.validate import structure

    statement = connect().get("/fhir/metadata").json()

    assert structure(statement) == []
    resources = {one["type"]: one for one in statement["rest"][0]["resource"]}
    assert {"code": "search-type"} in resources["Patient"]["interaction"]
    assert {"name": "birthdate", "type": "date"} in resources["Patient"]["searchParam"]


def test_a_fault_of_ours_shows_an_id_and_nothing_else(gateway, connect, capsys):
    gateway.failure = RuntimeError("SELECT secret FROM patient")

    answer = connect("klinikum").get("/fhir/Patient/1")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    number = answer.json()["issue"][0]["diagnostics"].rpartition(" ")[2]
    logged = capsys.readouterr()
    assert number in logged.out + logged.err
    assert "secret" not in logged.out + logged.err


def test_live_is_open_and_ready_tells_counts_only_to_those_it_knows(connect):
    assert connect().get("/health/live").json() == {"status": "ok"}
    assert connect().get("/health/ready").json() == {"status": "ok"}
    assert connect("klinikum").get("/health/ready").json()["parts"] == {"store": "ok"}
    assert "counts" in connect(peer="127.0.0.1").get("/health/ready").json()


def test_metrics_count_requests_without_naming_paths(connect):
    client = connect(peer="127.0.0.1")
    client.get("/fhir/metadata")
    client.get("/secret-path/of/somebody")

    text = client.get("/metrics").text

    assert 'gateway_http_requests_total{area="fhir",method="GET",status="200"} 1.0' in text
    assert 'gateway_messages{state="unrouted"} 1.0' in text
    assert "gateway_worklist_oldest_seconds 12.5" in text
    assert "secret-path" not in text


def test_metrics_ask_strangers_who_they_are(connect):
    assert connect().get("/metrics").status_code == 401
    assert connect("klinikum").get("/metrics").status_code == 200


def test_a_request_that_takes_too_long_is_answered(gateway, connect):
    gateway.options = replace(gateway.options, request_timeout=0.05)

    async def stuck(*_arguments):
        await asyncio.sleep(5)

    gateway.find = stuck

    assert connect("klinikum").get("/fhir/Patient/1").status_code == 504


def test_more_requests_at_once_than_allowed_are_told_to_come_back(gateway, connect):
    gateway.options = replace(gateway.options, concurrency=0)

    answer = connect("klinikum").get("/fhir/metadata")

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert connect().get("/health/live").status_code == 200
