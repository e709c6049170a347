"""A terminology server on a real socket: what leaves the house, and what its answers mean."""

from __future__ import annotations

import json
import pickle
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from gateway.endpoints.terminology_server import TerminologyServer
from gateway.pipeline.catalogues import Catalogues
from profiles.issue import NotConformant, NotPermitted, NotSupported, Unavailable
from profiles.packages import open_packages

SNOMED_CT = "http://snomed.info/sct"
VALUE_SET = "http://hl7.org/fhir/ValueSet/body-site"
QUESTION = {
    "resourceType": "Parameters",
    "parameter": [{"name": "system", "valueUri": SNOMED_CT}, {"name": "code", "valueCode": "1"}],
}
OPERATION = "ValueSet/$validate-code"


class Partner(ThreadingHTTPServer):
    """Answers every POST the same."""

    daemon_threads = True

    def __init__(self, status, body, wait):
        self.answer = (status, body, wait)
        self.requests = []
        super().__init__(("127.0.0.1", 0), Handler)
        Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}/fhir"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((self.path, dict(self.headers), json.loads(body)))
        status, answer, wait = self.server.answer
        time.sleep(wait)
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Stay quiet."""


@pytest.fixture
def partner():
    started = []

    def start(answer=None, *, status=200, wait=0.0, body=None):
        result = {"name": "result", "valueBoolean": True}
        made = answer or {"resourceType": "Parameters", "parameter": [result]}
        started.append(Partner(status, json.dumps(made).encode() if body is None else body, wait))
        return started[-1]

    yield start
    for one in started:
        one.shutdown()
        one.server_close()


@pytest.fixture
def server():
    opened = []

    def make(partner, **options):
        opened.append(TerminologyServer(partner.address, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_a_question_is_posted_and_its_answer_returned(partner, server, tmp_path):
    token = tmp_path / "token"
    token.write_text("geheim\n")
    there = partner()

    answer = server(there, token_file=str(token)).operation(OPERATION, QUESTION)

    assert answer["parameter"][0]["valueBoolean"] is True
    ((path, headers, body),) = there.requests
    assert (path, body) == (f"/fhir/{OPERATION}", QUESTION)
    assert headers["content-type"] == "application/fhir+json"
    assert headers["authorization"] == "Bearer geheim"


@pytest.mark.parametrize(
    ("options", "raised"),
    [
        ({"status": 500}, Unavailable),
        ({"status": 429}, Unavailable),
        ({"status": 401}, Unavailable),
        ({"wait": 0.5}, Unavailable),
        ({"status": 404}, NotSupported),
        ({"status": 302}, NotSupported),
        ({"body": b"<html>"}, NotSupported),
        ({"body": b"[]"}, NotSupported),
        ({"body": b"x" * 2_000_000}, Unavailable),
    ],
)
def test_other_answers_are_refusals_or_silence(partner, server, options, raised):
    deadline = 0.2 if "wait" in options else 20.0
    with pytest.raises(raised):
        server(partner(**options), deadline=deadline).operation(OPERATION, QUESTION)


def test_nobody_there_is_silence(partner, server):
    gone = partner()
    gone.shutdown()
    gone.server_close()
    with pytest.raises(Unavailable):
        server(gone).operation(OPERATION, QUESTION)


def test_only_the_code_systems_named_are_asked_about(partner, server):
    there = partner()
    asking = server(there, systems=("http://loinc.org",))
    with pytest.raises(NotSupported):
        asking.operation(OPERATION, QUESTION)
    assert there.requests == []
    of_system = {
        "resourceType": "Parameters",
        "parameter": [{"name": "url", "valueUri": "http://loinc.org"}],
    }
    asking.operation("CodeSystem/$validate-code", of_system)
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    ("address", "raised"),
    [
        ("http://tx.example.org/r4", NotConformant),
        ("tx.example.org", NotConformant),
        ("https://169.254.169.254/fhir", NotPermitted),
    ],
)
def test_an_address_no_server_can_have_is_refused(address, raised):
    with pytest.raises(raised):
        TerminologyServer(address)


def test_worker_processes_connect_for_themselves(partner, server):
    there = partner()
    asking = server(there)
    asking.operation(OPERATION, QUESTION)
    copy = pickle.loads(pickle.dumps(Catalogues(remote=asking)))
    terminology = copy.terminology(open_packages([]))
    for _ in range(3):
        coded = {"system": SNOMED_CT, "code": "999000011", "display": "Frau Beispiel"}
        assert terminology.validate_code(VALUE_SET, coded=coded).outcome == "yes"
    assert len(there.requests) == 2
    assert "Beispiel" not in json.dumps(there.requests)
    copy.remote.close()
