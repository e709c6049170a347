"""`gateway client`: from the file in the configuration to a token of a serving gateway."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib

import httpx
import pytest

from tests.gateway.authorization.signing import claims, ec_key, public, signed


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "labor.jwks.json"
    path.write_text(json.dumps(public(ec_key())))
    return path


def test_a_client_is_a_file_that_apply_registers(gateway, folder, keys):
    added = gateway(
        *("client", "add", "labor", "--organization", "klinikum"),
        *("--scope", "system/Patient.rs", "--jwks", keys),
    )

    assert added.code == 0
    written = tomllib.loads((folder / "clients" / "labor.toml").read_text())
    assert written["client"][0]["jwks_file"] == "clients/labor.jwks.json"
    assert gateway("apply", folder, "--yes").code == 0
    listed = gateway("client", "list", "--json").json
    assert [(one["client"], one["scopes"], one["revoked"]) for one in listed] == [
        ("labor", ["system/Patient.rs"], False)
    ]
    assert listed[0]["proves_itself_by"] == ["signed assertion"]


def test_a_bearer_token_is_shown_once_and_kept_as_a_hash(gateway, folder):
    added = gateway("client", "add", "kiosk", "--organization", "klinikum", "--token", "--json")

    token = added.json["token"]
    text = (folder / "clients" / "kiosk.toml").read_text()
    assert token not in text
    first = tomllib.loads(text)["client"][0]["token_sha256"]
    kept = gateway("client", "rotate", "kiosk", "--token", "--keep", "--json")
    both = tomllib.loads((folder / "clients" / "kiosk.toml").read_text())["client"][0]
    assert kept.code == 0
    assert both["token_sha256"][:1] == first
    assert len(both["token_sha256"]) == 2
    gateway("client", "rotate", "kiosk", "--token")
    last = tomllib.loads((folder / "clients" / "kiosk.toml").read_text())["client"][0]
    assert len(last["token_sha256"]) == 1
    assert last["token_sha256"] != first


def test_a_client_is_revoked_at_once_whatever_apply_says(gateway, folder):
    gateway("client", "add", "kiosk", "--organization", "klinikum", "--token")
    gateway("apply", folder, "--yes")

    assert gateway("client", "revoke", "kiosk").code == 0

    gateway("apply", folder, "--yes")
    assert gateway("client", "list", "--json").json[0]["revoked"] is True
    assert gateway("client", "restore", "kiosk").code == 0
    assert gateway("client", "list", "--json").json[0]["revoked"] is False
    assert gateway("client", "revoke", "nobody").code == 2


def test_faults_of_clients_are_told_by_check(gateway, folder, keys):
    (folder / "clients" / "odd.toml").write_text(
        '[[client]]\nid = "odd"\norganization = "nobody"\nscopes = ["everything"]\n'
        '[[client]]\nid = "plain"\norganization = "klinikum"\njwks_url = "http://keys.example"\n'
        '[[client]]\nid = "lost"\norganization = "klinikum"\njwks_file = "clients/none.json"\n'
        '[[client]]\nid = "narrow"\norganization = "klinikum"\nrole = "auditor"\n'
        'scopes = ["system/Patient.rs"]\ntoken_sha256 = ["' + "0" * 64 + '"]\n'
    )

    checked = gateway("check", folder)

    said = checked.out + checked.err
    assert checked.code == 1
    for words in (
        "client odd: there is no organization",
        "client odd: needs jwks_file",
        "client odd: scopes are written like",
        "client plain: jwks_url",
        "clients/none.json cannot be read",
        "client narrow: the role auditor lets nothing",
    ):
        assert words in said, said


@pytest.mark.parametrize(
    "arguments",
    [
        ("client", "add", "kiosk", "--organization", "klinikum"),
        ("client", "rotate", "nobody", "--token"),
    ],
)
def test_a_command_that_cannot_be_meant_is_one_sentence(gateway, folder, arguments):
    done = gateway(*arguments)

    assert done.code
    assert done.err.count("\n") == 1


def test_a_serving_gateway_gives_tokens_refuses_replays_and_revokes(
    gateway, folder, keys, tmp_path
):
    add = ("client", "add", "labor", "--organization", "klinikum", "--scope", "system/Patient.rs")
    gateway(*add, "--jwks", keys)
    port = _own_ports(folder)
    assert gateway("apply", folder, "--yes").code == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--config", str(folder)], env=os.environ
    )
    try:
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, trust_env=False) as caller:
            _ready(caller)
            found = caller.get("/fhir/.well-known/smart-configuration").json()
            assertion = signed(ec_key(), claims(aud=found["token_endpoint"]))
            form = {
                "grant_type": "client_credentials",
                "scope": "system/*.rs",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion,
            }
            granted = caller.post("/auth/token", data=form).json()
            assert granted["scope"] == "system/Patient.rs"
            assert caller.post("/auth/token", data=form).status_code == 401
            headers = {"authorization": f"Bearer {granted['access_token']}"}
            assert caller.get("/fhir/Patient", headers=headers).status_code == 200
            assert caller.get("/fhir/Consent", headers=headers).status_code == 403
            assert gateway("client", "revoke", "labor").code == 0
            assert caller.get("/fhir/Patient", headers=headers).status_code == 401
    finally:
        process.terminate()
        assert process.wait(30) == 0


def _own_ports(folder):
    """Let the gateway listen where nobody else does; return its HTTP port."""
    path = folder / "gateway.toml"
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'listen = "[^"]+:\d+"', lambda _: f'listen = "127.0.0.1:{_free()}"', text)
    settings = tomllib.loads(text)
    issued = settings["gateway"]["base_url"]
    port = settings["http"]["listen"].rpartition(":")[2]
    path.write_text(text.replace(issued, f"http://127.0.0.1:{port}/fhir"), encoding="utf-8")
    return int(port)


def _free():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def _ready(caller):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if caller.get("/health/live").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the gateway did not start")
