"""`gateway demo`: the whole main job as a person at a terminal sees it, and what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli.demo.cast import Cast
from gateway.cli.demo.expectation import Deviation
from gateway.cli.demo.telling import Teller

COMMAND = [sys.executable, "-m", "gateway", "demo"]


def processes(folder):
    """Whatever runs with a folder in its command line: (pid, command line)."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True
    )
    lines = (line.strip().partition(" ") for line in listed.stdout.splitlines())
    return [(int(pid), args) for pid, _, args in lines if str(folder) in args]


def start(folder, *options):
    return subprocess.Popen(
        [*COMMAND, "--json", *options],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


@dataclass
class Played:
    folder: Path
    code: int
    steps: list
    errors: str
    left_running: list
    left_lying: list

    def facts(self, step, **where):
        return [
            one
            for one in self.steps
            if one["step"] == step and all(one[key] == value for key, value in where.items())
        ]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """One whole run."""
    folder = tmp_path_factory.mktemp("demo")
    process = start(folder)
    out, errors = process.communicate(timeout=240)
    steps = [json.loads(line) for line in out.splitlines()]
    left = [one.name for one in folder.iterdir() if one.name.startswith("gateway-demo")]
    return Played(folder, process.returncode, steps, errors, processes(folder), left)


def test_it_ends_well_and_leaves_nothing_behind(played):
    assert (played.code, played.errors) == (0, "")
    assert played.left_running == []
    assert played.left_lying == []


def test_the_story_has_every_step_in_order(played):
    told = [one["step"] for one in played.steps]
    sending = ["acknowledged", "translated"]

    assert told == [
        "started",
        *sending * 4,
        *["decided"] * 4,
        "consented",
        *["released"] * 3,
        *["received"] * 4,
        "paused",
        *sending,
        "queued",
        "withdrawn",
        "resumed",
        "worklist",
        "audited",
        "ended",
    ]


def test_every_field_of_every_message_is_accounted_for(played):
    translated = played.facts("translated")

    assert len(translated) == 5
    for one in translated:
        assert one["fields"] == one["mapped"] + one["ignored"] + len(one["unmapped"])
        assert one["targets"]
    assert any(one["unmapped"] for one in translated)


def test_one_is_permitted_and_the_other_denied_each_with_its_sentence(played):
    deliveries = [d for one in played.facts("released") for d in one["deliveries"]]

    assert {(d["endpoint"], d["decision"], d["state"]) for d in deliveries} == {
        ("praxis-weber", "permit", "delivered"),
        ("praxis-weber-gdt", "permit", "delivered"),
        ("reha-adt", "permit", "delivered"),
        ("sozialberatung", "deny", "cancelled_by_consent"),
    }
    assert all(d["recipient"] in d["sentence"] for d in deliveries)


def test_the_withdrawal_cancels_what_was_queued(played):
    (queued,), (withdrawn,) = played.facts("queued"), played.facts("withdrawn")
    before = {d["delivery"]: d for d in queued["deliveries"] if d["state"] == "queued"}
    after = {d["delivery"]: d for d in withdrawn["deliveries"]}

    assert list(before) == list(after)
    assert {d["endpoint"] for d in before.values()} == {"praxis-weber"}
    assert {d["state"] for d in after.values()} == {"cancelled_by_consent"}
    for number, delivery in after.items():
        assert delivery["sentence"] != before[number]["sentence"]


def test_the_audit_log_is_verified_and_claims_no_more_than_it_can(played):
    (audited,) = played.facts("audited")

    assert audited["ok"] is True
    assert audited["size"] == audited["opened"] > 0
    assert "internal consistency only" in audited["scope"]


def test_people_are_told_the_same_in_german(played, capsys):
    teller = Teller(as_json=False)
    for one in played.steps:
        teller.step(one["step"], {key: value for key, value in one.items() if key != "step"})
    text = capsys.readouterr().out

    assert all(line == line.rstrip() for line in text.splitlines())
    for one in played.facts("released"):
        assert all(d["sentence"] in text for d in one["deliveries"])
    assert "nicht abgebildet (ZKR-1" in text
    assert "nichts wartet auf einen Menschen" in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything(tmp_path, number):
    process = start(tmp_path)
    assert json.loads(process.stdout.readline())["step"] == "started"
    assert processes(tmp_path)

    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert errors == "gateway: interrupted\n"
    assert processes(tmp_path) == []
    assert not list(tmp_path.glob("gateway-demo*"))


def test_a_gateway_that_dies_ends_the_demo_with_a_sentence(tmp_path):
    process = start(tmp_path)
    process.stdout.readline()
    for pid, args in processes(tmp_path):
        if " serve " in args:
            os.kill(pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=120)

    assert process.returncode == 1
    assert errors.startswith("gateway: the demo went otherwise than told: ")
    assert errors.count("\n") == 1
    assert processes(tmp_path) == []
    assert not list(tmp_path.glob("gateway-demo*"))


def test_a_folder_with_something_in_it_is_not_played_in(gateway, tmp_path):
    (tmp_path / "letter.txt").write_text("mine")

    assert gateway("demo", "--keep", tmp_path).code == 2
    assert [one.name for one in tmp_path.iterdir()] == ["letter.txt"]


def test_a_partner_that_ends_by_itself_is_a_deviation(tmp_path):
    with Cast(tmp_path) as cast:
        cast.partner("practice", "practice", "--port", "no number")
        with pytest.raises(Deviation, match="practice"):
            cast.listening()
    assert processes(tmp_path) == []
