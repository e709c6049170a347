"""`gateway check`: findings, samples, exit codes."""

from __future__ import annotations

import pytest


@pytest.fixture
def folder(gateway, tmp_path):
    """What `gateway init` makes, not registered."""
    gateway("init", tmp_path / "region")
    return tmp_path / "region"


def test_what_init_makes_is_well_and_its_sample_is_translated(gateway, folder):
    done = gateway("check", folder, "--json")

    assert done.code == 0
    assert done.json["ok"] is True
    assert done.json["problems"] == []
    (sample,) = done.json["samples"]
    assert (sample["outcome"], sample["message_type"]) == ("stored", "ADT^A01")
    assert sample["routes"] == [
        {
            "route": "discharge-letters",
            "to": "",
            "endpoint": "",
            "organization": "",
            "reason": "criteria-not-met",
            "followed": [],
            "state": "",
        }
    ]


def test_people_read_the_same_in_words(gateway, folder):
    done = gateway("check", folder)

    assert "✓ samples/klinikum-adt/aufnahme.hl7: ADT^A01" in done.out
    assert "2 organizations, 3 endpoints" in done.out


def test_errors_give_exit_code_one_and_no_dry_run(gateway, folder):
    text = (folder / "gateway.toml").read_text(encoding="utf-8")
    (folder / "gateway.toml").write_text(text.replace("listen =", "lisen ="), encoding="utf-8")

    done = gateway("check", folder)

    assert done.code == 1
    assert "did you mean 'listen'?" in done.out
    assert "✓ samples/" not in done.out


def test_a_sample_that_is_not_translated_fails_the_check(gateway, folder):
    (folder / "samples" / "klinikum-adt" / "broken.hl7").write_bytes(b"no message")

    done = gateway("check", folder, "--json")

    assert done.code == 1
    assert [one["failed"] for one in done.json["samples"]] == [False, True]


def test_a_route_that_is_met_shows_destination_state_and_sentence(gateway, folder):
    text = (folder / "gateway.toml").read_text(encoding="utf-8")
    text = text.replace(
        "DocumentReference?type=http://loinc.org|18842-5", "Encounter?status=in-progress"
    )
    (folder / "gateway.toml").write_text(text, encoding="utf-8")

    (route,) = gateway("check", folder, "--json").json["samples"][0]["routes"]

    assert route["endpoint"] == "praxis-weber-fhir"
    assert route["state"] == "waiting_for_consent"
    assert route["decision"]["outcome"] == "deny"
    assert route["decision"]["explanation"]["de"]


def test_a_folder_without_configuration_is_a_usage_error(gateway, tmp_path):
    assert gateway("check", tmp_path).code == 2
