"""A day of an operator: look, explain, decide, process again, verify; over a real store."""

from __future__ import annotations

import json


def test_a_new_gateway_is_well_and_has_nothing_to_do(gateway, folder):
    assert gateway("status").code == 0
    assert gateway("worklist").out == "Nothing needs a person.\n"
    assert gateway("status", "--json").json["serving"] is False


def test_a_message_is_listed_and_shown_with_its_deliveries(gateway, receive, message):
    number = receive(message("A-1"))

    (listed,) = gateway("message", "list", "--json").json
    shown = gateway("message", "show", number, "--json").json

    assert listed["message"] == number
    assert (listed["state"], listed["control_id"]) == ("routed", "A-1")
    assert listed["fields"] == listed["mapped"] + listed["ignored"] + listed["unmapped"]
    assert [one["endpoint"] for one in shown["deliveries"]] == ["praxis-weber-fhir"]
    assert "Müller" not in json.dumps(shown)
    assert "A-1" in gateway("message", "list").out
    assert "→ praxis-weber-fhir waiting_for_consent" in gateway("message", "show", number).out


def test_lists_are_narrowed(gateway, receive, message):
    receive(message("A-1"))
    receive(message("A-2", patient="5"), endpoint="klinikum-http")

    def listed(*options):
        return [one["control_id"] for one in gateway("message", "list", "--json", *options).json]

    assert listed() == ["A-2", "A-1"]
    assert listed("--endpoint", "klinikum-http") == ["A-2"]
    assert listed("--control-id", "A-1") == ["A-1"]
    assert listed("--state", "unrouted") == ["A-2"]
    assert listed("--since", "1h", "--limit", "1") == ["A-2"]
    assert gateway("message", "list", "--state", "lost").code == 2
    assert gateway("message", "list", "--since", "yesterday").code == 2


def test_the_original_bytes_come_back_and_looking_is_recorded(gateway, receive, message):
    data = message("A-1")
    number = receive(data)

    assert gateway("message", "show", number, "--raw").out.encode() == data
    report = gateway("message", "show", number, "--report", "--json").json["report"]
    assert "unmapped" in report
    assert gateway("audit", "verify", "--json").json["ok"] is True


def test_an_unknown_recipient_waits_in_the_work_list_until_the_message_is_replayed(
    gateway, folder, receive, message
):
    number = receive(message("A-1"), endpoint="klinikum-http")

    assert gateway("worklist").code == 1
    (item,) = gateway("worklist", "--json").json
    assert (item["kind"], item["number"], item["state"]) == ("message", number, "unrouted")
    assert item["reason"] == "unknown-recipient"

    with (folder / "gateway.toml").open("a", encoding="utf-8") as file:
        file.write(
            '[[practitioner]]\norganization = "praxis-weber"\n'
            'local = [{ assigner = "klinikum", value = "100002" }]\n'
        )
    gateway("apply", folder, "--yes")
    replayed = gateway("message", "replay", number, "--json").json

    assert replayed["state"] == "routed"
    assert [one["state"] for one in gateway("worklist", "--json").json] == ["waiting_for_consent"]
    assert gateway("worklist").code == 0


def test_a_message_our_mapping_failed_on_is_processed_again(gateway, receive, message):
    number = receive(message("A-1"), fault=True)

    assert gateway("message", "show", number, "--json").json["state"] == "quarantined"
    assert gateway("message", "replay", number, "--json").json["state"] == "routed"
    assert gateway("message", "replay", number).code == 2


def test_diff_names_nothing_while_the_mapping_is_the_same(gateway, receive, message):
    number = receive(message("A-1"))

    done = gateway("message", "diff", number, "--json")

    assert (done.code, done.json["differences"]) == (0, [])


def test_diff_names_resources_and_elements_and_never_values(gateway, folder, receive, message):
    number = receive(message("A-1"))
    dialect = folder / "dialects" / "klinikum.toml"
    text = dialect.read_text(encoding="utf-8")
    text = text.replace("[systems]", '[systems]\nKIS = "https://kis.example/sid/patient"')
    dialect.write_text(text, encoding="utf-8")
    gateway("apply", folder, "--yes")

    done = gateway("message", "diff", number, "--json")

    assert done.code == 1
    changes = {one["change"] for one in done.json["differences"]}
    assert changes <= {"added", "removed", "changed"}
    assert changes
    assert "1961" not in done.out


def test_a_delivery_shows_why_consent_decided_as_it_did(gateway, receive, message):
    receive(message("A-1"))

    (listed,) = gateway("delivery", "list", "--json", "--state", "waiting_for_consent").json
    shown = gateway("delivery", "show", listed["delivery"], "--json").json

    assert shown["decision"]["outcome"] == "deny"
    assert shown["decision"]["explanation"]["de"]
    assert gateway("delivery", "cancel", listed["delivery"]).code == 0
    (ended,) = gateway("delivery", "list", "--json").json
    assert (ended["state"], ended["reason"]) == ("dead", "operator-cancelled")
    assert gateway("delivery", "retry", listed["delivery"]).code == 0
    assert gateway("delivery", "retry", listed["delivery"]).code == 1


def test_words_that_are_no_states_are_usage_errors(gateway, folder):
    assert gateway("delivery", "list", "--state", "lost").code == 2
    assert gateway("delivery", "resolve", "1", "--as", "maybe").code == 2


def test_route_explain_says_where_and_why(gateway, folder, admission):
    done = gateway("route", "explain", admission("X"), "--endpoint", "klinikum-adt", "--json")

    by_route = {one["route"]: one for one in done.json["routes"]}
    assert done.code == 0
    assert by_route["admissions"]["endpoint"] == "praxis-weber-fhir"
    assert by_route["admissions"]["state"] == "waiting_for_consent"
    assert by_route["discharge-letters"]["reason"] == "criteria-not-met"
    assert gateway("message", "list", "--json").json == []


def test_route_explain_asks_for_the_endpoint_where_there_are_several(gateway, folder, admission):
    done = gateway("route", "explain", admission("X"))

    assert done.code == 2
    assert "incoming are klinikum-adt, klinikum-http" in done.err


def test_two_records_are_linked_and_separated_by_a_person(gateway, receive, message):
    receive(message("A-1"))
    receive(message("A-2", patient="4712"))
    ids = _patients(gateway)

    linked = gateway("identity", "link", *ids, "--json").json
    separated = gateway("identity", "separate", *ids, "--json").json

    assert linked["act"] == "link"
    assert separated["act"] == "unlink"
    assert gateway("identity", "link", ids[0], ids[0]).code == 2
    assert gateway("identity", "link", ids[0], "nobody").code == 2
    assert gateway("audit", "verify").code == 0


def test_an_endpoint_is_paused_and_resumed(gateway, folder):
    def paused():
        listed = gateway("endpoint", "list", "--json").json
        return {one["endpoint"] for one in listed if one["paused"]}

    assert gateway("endpoint", "pause", "praxis-weber-fhir").code == 0
    assert paused() == {"praxis-weber-fhir"}
    assert gateway("endpoint", "resume", "praxis-weber-fhir").code == 0
    assert paused() == set()
    assert gateway("endpoint", "pause", "klinikum-adt").code == 2
    assert gateway("endpoint", "pause", "nobody").code == 2


def test_a_partner_that_does_not_answer_fails_its_test(gateway, folder):
    done = gateway("endpoint", "test", "praxis-weber-fhir", "--json")

    assert done.code == 1
    assert done.json["reached"] is False
    assert gateway("endpoint", "test", "nobody").code == 1


def test_every_endpoint_has_an_interface_sheet_in_german(gateway, folder):
    for name in ("klinikum-adt", "klinikum-http", "praxis-weber-fhir"):
        sheet = gateway("endpoint", "describe", name).out
        assert f"# Schnittstellenblatt {name}" in sheet
        assert ("| Inhaltsprüfung | Struktur nach FHIR R4 |" in sheet) is (
            name != "praxis-weber-fhir"
        )
        assert "Rechtsgrundlage" in sheet


def test_apply_shows_the_difference_and_does_nothing_without_a_yes(gateway, folder):
    text = (folder / "gateway.toml").read_text(encoding="utf-8")
    changed = text.replace("Klinikum am Ring", "Klinikum an der Straße")
    (folder / "gateway.toml").write_text(changed, encoding="utf-8")

    asked = gateway("apply", folder)
    done = gateway("apply", folder, "--yes", "--json")

    assert asked.code == 1
    assert asked.out == "~ organization klinikum: name\n"
    assert done.json["changes"] == [
        {"kind": "organization", "id": "klinikum", "change": "changed", "keys": ["name"]}
    ]
    assert gateway("apply", folder, "--yes").out == "Nothing changed.\n"


def test_apply_refuses_a_configuration_with_errors(gateway, folder):
    text = (folder / "gateway.toml").read_text(encoding="utf-8")
    (folder / "gateway.toml").write_text(
        text.replace("idempotent = true ", "# idempotent "), encoding="utf-8"
    )

    done = gateway("apply", folder, "--yes")

    assert done.code == 1
    assert "add idempotent = true or idempotent = false" in done.err


def test_a_profile_no_package_defines_is_refused_in_one_sentence(gateway, folder):
    file = folder / "gateway.toml"
    text = file.read_text(encoding="utf-8")
    wanted = (
        'acknowledge = "on_processing"\nvalidation = "warn"\nprofiles = ["https://x.example/P"]'
    )
    file.write_text(text.replace('acknowledge = "on_processing"', wanted, 1), encoding="utf-8")

    checked, applied = gateway("check", folder), gateway("apply", folder, "--yes")

    sentence = "the profile https://x.example/P is not at hand"
    for done in (checked, applied):
        assert done.code != 0
        assert sentence in done.err + done.out
        assert "Traceback" not in done.err
    file.write_text(text, encoding="utf-8")


CONSENT = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "fullUrl": "https://klinikum.example/fhir/Patient/4711",
            "resource": {
                "resourceType": "Patient",
                "id": "4711",
                "identifier": [{"system": "http://fhir.de/sid/gkv/kvid-10", "value": "T987654328"}],
                "name": [{"family": "Müller", "given": ["Anna"]}],
                "birthDate": "1961-04-12",
            },
            "request": {"method": "PUT", "url": "Patient/4711"},
        },
        {
            "fullUrl": "https://klinikum.example/fhir/Consent/1",
            "resource": {
                "resourceType": "Consent",
                "id": "1",
                "status": "active",
                "scope": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                            "code": "patient-privacy",
                        }
                    ]
                },
                "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
                "patient": {"reference": "Patient/4711"},
                "dateTime": "2026-01-01",
                "policy": [{"uri": "https://region.example/policies/1"}],
                "provision": {"type": "permit"},
            },
            "request": {"method": "PUT", "url": "Consent/1"},
        },
    ],
}


def test_consents_on_paper_are_entered_once_and_release_what_waits(
    gateway, folder, receive, message
):
    data = message("A-1").replace(b"4711^^^KIS^PI", b"4711^^^KIS^PI~T987654328^^^KVK^NI")
    receive(data)
    (folder / "consents" / "klinikum-http").mkdir()
    file = folder / "consents" / "klinikum-http" / "mueller.json"
    file.write_text(json.dumps(CONSENT), encoding="utf-8")

    first = gateway("apply", folder, "--yes", "--json").json
    second = gateway("apply", folder, "--yes", "--json").json

    assert [(one["outcome"], one["known"]) for one in first["consents"]] == [("stored", False)]
    assert [(one["outcome"], one["known"]) for one in second["consents"]] == [("stored", True)]


def test_a_backup_is_proved_restorable_and_restored(gateway, folder, receive, message, tmp_path):
    receive(message("A-1"))
    copy = tmp_path / "copy.db"

    assert gateway("db", "backup", copy).code == 0
    proved = gateway("db", "restore", copy, "--verify", "--json").json
    into = f"sqlite:///{tmp_path}/restored.db"
    restored = gateway("db", "restore", copy, "--into", into, "--json").json

    assert (proved["sound"], proved["messages"], proved["opened"]) == (True, 1, 1)
    assert restored["sound"] is True
    assert gateway("db", "backup", copy).code == 1
    assert gateway("db", "restore", copy).code == 1
    assert gateway("db", "status").code == 0


def test_retention_deletes_nothing_before_its_time(gateway, receive, message):
    receive(message("A-1"))

    result = gateway("retention", "run", "--json").json

    assert result["messages"] == 0
    assert len(gateway("message", "list", "--json").json) == 1


def test_commands_without_a_store_say_what_to_do(gateway, tmp_path, monkeypatch):
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    gateway("init", tmp_path / "fresh")

    status = gateway("status", "--config", tmp_path / "fresh")
    listed = gateway("message", "list", "--config", tmp_path / "fresh")

    assert status.code == 2
    assert listed.code == 1
    assert "gateway db upgrade" in listed.err


def test_serve_refuses_what_breaks_a_rule_and_names_the_line(gateway, folder):
    text = (folder / "gateway.toml").read_text(encoding="utf-8")
    text = text.replace('listen = "127.0.0.1:8080"', 'listen = "0.0.0.0:8080"')
    text = text.replace('authentication = "token"', 'authentication = "none"')
    (folder / "gateway.toml").write_text(text, encoding="utf-8")

    done = gateway("serve")

    assert done.code == 2
    assert 'write authentication = "token"' in done.err
    assert gateway("serve", "--processes", "2").code == 2
    assert gateway("work").code == 2


def _patients(gateway) -> list[str]:
    """The ids of the patient records, from the audit log."""
    from gateway.cli.session import looking
    from gateway.store import lookup

    with looking(None) as view:
        rows = view.db.query("SELECT resource FROM resource WHERE type = 'Patient'")
        return [one.id for one in lookup.present(view.db, view.bodies, [row[0] for row in rows])]
