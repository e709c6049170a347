"""The documents are true: what they name exists, and what exists is named."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer

from gateway.cli.app import build
from gateway.domain.delivery import DeliveryState
from gateway.domain.message import MessageState
from gateway.endpoints import CONNECTION_TYPES
from gateway.settings import TABLES
from mappers import FORMATS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"\]\((?!https?://)([^)#]+)\)")
_COMMAND = re.compile(r"^(?:\.venv/bin/)?gateway .*$")


def _text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def _everything():
    return "\n".join(path.read_text(encoding="utf-8") for path in PAGES)


def _blocks(language):
    fence = re.compile(rf"```{language}\n(.*?)```", re.DOTALL)
    for path in PAGES:
        for block in fence.findall(path.read_text(encoding="utf-8")):
            yield from ((path, line) for line in block.splitlines())


def _commands():
    for path, line in _blocks("sh"):
        if _COMMAND.match(line):
            yield pytest.param(line.partition("#")[0].strip(), id=f"{path.name}: {line[:50]}")


def test_the_configuration_reference_is_what_the_source_says():
    from gateway.configuration.reference import reference

    assert _text("docs/configuration.md") == reference(), "run `make docs`"


def test_the_command_reference_is_what_the_commands_say():
    from gateway.cli.reference import reference

    assert _text("docs/commands.md") == reference(), "run `make docs`"


@pytest.mark.parametrize("line", list(_commands()))
def test_every_command_in_the_documents_exists_with_its_options(line):
    words = shlex.split(line)[1:]
    command = typer.main.get_command(build())
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, line
        command = command.commands[name]
    options = {name for one in command.params for name in one.opts}

    assert [word for word in words if word.startswith("--") and word not in options] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target in _LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_make_targets_in_the_documents_exist():
    targets = set(re.findall(r"^([a-z]+):", _text("Makefile"), re.MULTILINE))
    named = {
        word
        for _, line in _blocks("sh")
        if line.startswith("make ")
        for word in line.partition("#")[0].split()[1:]
    }

    assert named <= targets


def test_every_connection_type_and_format_is_named():
    text = _everything()
    for name in (*CONNECTION_TYPES, *(one.removesuffix("_r4") for one in FORMATS)):
        assert name in text, name


def test_every_outcome_is_explained_to_operators():
    page = _text("docs/operators.md")
    shown = {
        DeliveryState.DELIVERED,
        DeliveryState.WAITING_FOR_CONSENT,
        DeliveryState.HELD,
        DeliveryState.AMBIGUOUS,
        DeliveryState.DEAD,
        DeliveryState.CANCELLED_BY_CONSENT,
        MessageState.UNROUTED,
        MessageState.QUARANTINED,
    }
    for state in shown:
        assert f"| {state.value.replace('_', ' ')} |" in page, state


def test_every_setting_is_used_by_the_gateway():
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "gateway").rglob("*.py")
        if path.name != "settings.py"
    )
    own = _text("gateway/settings.py")
    for table, kind in TABLES.items():
        for name in kind.__dataclass_fields__:
            used = re.search(rf"\b(settings|http|pipeline|log)\.({table}\.)?{name}\b", sources)
            assert used or f"self.{table}.{name}" in own, f"{table}.{name}"


def test_every_key_of_the_consent_policy_is_documented():
    from gateway.consent.policy import _POLICY_KEYS

    page = _text("docs/configuration.md")
    for key in set(_POLICY_KEYS) - {"timezone"}:
        assert f"| `{key}` |" in page, key


def test_the_changelog_has_the_version_or_unreleased():
    assert "## [Unreleased]" in _text("CHANGELOG.md")


def test_the_template_of_init_is_valid_toml_and_names_every_kind_of_table():
    content = tomllib.loads(_text("gateway/cli/template/gateway.toml"))

    assert {"organization", "endpoint", "route", "practitioner"} <= set(content)


def test_the_compose_setup_changes_a_configuration_into_one_without_errors(tmp_path, monkeypatch):
    """Runs the very sed expressions of docker/setup.sh on what init makes."""
    from gateway.cli.app import run
    from gateway.configuration import load

    monkeypatch.chdir(tmp_path)
    assert run(["init", "region"]) == 0
    password = tmp_path / "region" / "keys" / "database.password"
    password.write_text("x", encoding="utf-8")
    password.chmod(0o400)
    script = _text("docker/setup.sh")
    start = script.index("sed -i")
    end = script.index("region/gateway.toml", start) + len("region/gateway.toml")
    subprocess.run(["bash", "-euc", script[start:end]], check=True, cwd=tmp_path)

    configuration = load(tmp_path / "region")

    assert configuration.errors == ()
    assert configuration.settings.http.listen == "0.0.0.0:8080"
    assert configuration.settings.store_url == "postgresql+psycopg://gateway:x@database/gateway"


def test_scripts_are_well_formed():
    for script in (".ci/run", "docker/setup.sh"):
        subprocess.run(["bash", "-n", script], check=True, cwd=ROOT)
        assert (ROOT / script).stat().st_mode & 0o111
