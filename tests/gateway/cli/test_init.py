"""`gateway init`: a folder that works, with secrets nobody else can read."""

from __future__ import annotations

import hashlib
import json
import ssl
import stat

from gateway.cli.app import run


def test_keys_are_random_and_readable_by_their_owner_only(tmp_path):
    for name in ("a", "b"):
        assert run(["init", str(tmp_path / name)]) == 0

    for key in ("data.key", "region.key", "index.key", "signing.key"):
        one, other = (tmp_path / name / "keys" / key for name in ("a", "b"))
        assert stat.S_IMODE(one.stat().st_mode) == 0o400
        assert len(bytes.fromhex(one.read_text(encoding="ascii"))) == 32
        assert one.read_bytes() != other.read_bytes()
    assert stat.S_IMODE((tmp_path / "a" / "keys").stat().st_mode) == 0o700


def test_the_example_token_is_registered_as_its_hash(tmp_path):
    run(["init", str(tmp_path / "r")])

    token = (tmp_path / "r" / "keys" / "klinikum.token").read_text(encoding="utf-8").strip()
    text = (tmp_path / "r" / "gateway.toml").read_text(encoding="utf-8")

    assert hashlib.sha256(token.encode()).hexdigest() in text
    assert token not in text


def test_the_development_certificates_fit_together(tmp_path):
    run(["init", str(tmp_path / "r")])
    folder = tmp_path / "r" / "certificates"
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))

    context.load_cert_chain(folder / "client.pem", folder / "client.key")

    assert stat.S_IMODE((folder / "server.key").stat().st_mode) == 0o400


def test_it_says_what_to_back_up(tmp_path, capsys):
    run(["init", str(tmp_path / "r")])

    said = capsys.readouterr().out
    for name in ("keys/data.key", "keys/region.key", "keys/index.key", "keys/signing.key"):
        assert name in said


def test_it_never_overwrites(tmp_path, capsys):
    run(["init", str(tmp_path / "r")])
    before = (tmp_path / "r" / "keys" / "data.key").read_bytes()

    assert run(["init", str(tmp_path / "r")]) == 2

    assert (tmp_path / "r" / "keys" / "data.key").read_bytes() == before
    assert "exists already" in capsys.readouterr().err


def test_json_output_names_the_folder(tmp_path, capsys):
    run(["init", str(tmp_path / "r"), "--json"])

    assert json.loads(capsys.readouterr().out)["folder"] == str(tmp_path / "r")
