"""The registry of connection types."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.domain.region import Endpoint
from gateway.endpoints import CONNECTION_TYPES, ConnectionType, connection_type
from profiles.issue import NotConformant


def endpoint(**settings):
    return Endpoint(id="e", organization="o", **settings)


@pytest.mark.parametrize("name", CONNECTION_TYPES)
def test_every_type_is_registered_under_its_name_and_says_what_it_needs(name):
    kind = CONNECTION_TYPES[name]
    assert kind.name == name
    assert kind.description.endswith(".")
    assert kind.directions == set(kind.settings)
    assert bool(kind.sender) == ("out" in kind.directions)


@pytest.mark.parametrize(
    ("name", "address"),
    [("hl7v2-mllp", "mllp://127.0.0.1:2575"), ("hl7-fhir-rest", "http://127.0.0.1:8081/fhir")],
)
def test_a_type_that_sends_makes_its_sender(name, address):
    made = endpoint(connection_type=name, direction="out", address=address, idempotent=True)
    assert connection_type(name).missing(made) == ()
    assert hasattr(connection_type(name).make_sender(made), "send")


def test_what_an_endpoint_leaves_out_is_named():
    kind = connection_type("hl7-fhir-rest")
    bare = endpoint(connection_type=kind.name, direction="out")
    assert kind.missing(bare) == ("address", "idempotent")


def test_a_direction_the_type_does_not_have_is_refused():
    kind = connection_type("hl7-fhir-rest")
    with pytest.raises(NotConformant, match="direction"):
        kind.missing(endpoint(connection_type=kind.name, direction="in"))
    receiving = endpoint(connection_type="http-inbound", direction="in")
    with pytest.raises(NotConformant, match="receive only"):
        connection_type("http-inbound").make_sender(receiving)


def test_an_unknown_type_names_the_nearest_known():
    with pytest.raises(NotConformant, match="did you mean hl7v2-mllp"):
        connection_type("hl7v2-mlp")


def test_a_type_of_a_third_party_is_found_through_its_entry_point(tmp_path, monkeypatch):
    (tmp_path / "pigeon.py").write_text(
        "from gateway.endpoints import ConnectionType\n"
        "PIGEON = ConnectionType('pigeon', {'out'}, 'Birds.', {'out': ()}, 'pigeon:fly')\n"
        "NOTHING = 7\n"
        "def fly(endpoint): return 'flying to ' + endpoint.address\n"
    )
    info = tmp_path / "pigeon-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[gateway.connection_types]\npigeon = pigeon:PIGEON\nnothing = pigeon:NOTHING\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    kind = connection_type("pigeon")
    assert isinstance(kind, ConnectionType)
    made = endpoint(connection_type="pigeon", direction="out", address="Köln")
    assert kind.make_sender(made) == "flying to Köln"
    with pytest.raises(NotConformant, match="names no ConnectionType"):
        connection_type("nothing")


def test_the_registry_imports_no_wire_before_it_is_asked():
    code = (
        "import sys, gateway.endpoints as e; e.CONNECTION_TYPES\n"
        "sys.exit(any(m in sys.modules for m in ('httpx', 'ssl', 'asyncio')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
