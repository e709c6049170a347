"""The command line as a whole: help, errors, exit codes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.cli import app
from profiles.issue import NotConformant, Unavailable


def test_help_lists_every_command(gateway):
    shown = gateway("--help")

    assert shown.code == 0
    for name in (*app.COMMANDS, *app.GROUPS):
        assert f"  {name}" in shown.out


@pytest.mark.parametrize("group", sorted(app.GROUPS))
def test_every_group_has_help(gateway, group):
    shown = gateway(group, "--help")

    assert shown.code == 0
    for name in app.GROUPS[group][1]:
        assert f"  {name}" in shown.out


def test_help_imports_nothing_heavy():
    script = (
        "import sys; from gateway.cli.app import run; run(['--help']);"
        "heavy = {'sqlalchemy', 'cryptography', 'lxml', 'httpx', 'starlette', 'rich', 'structlog',"
        " 'mappers', 'profiles.validate', 'psycopg', 'prometheus_client'};"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "HEAVY []" in done.stdout


def test_usage_errors_are_one_sentence_and_exit_code_two(gateway):
    for arguments in (["nonsense"], ["convert"], ["convert", "--jobs", "0", "x"], ["check"]):
        done = gateway(*arguments)

        assert done.code == 2, arguments
        assert done.err.startswith("gateway: ")
        assert done.err.count("\n") == 1
        assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (NotConformant("The file is wrong."), 2, "gateway: The file is wrong.\n"),
        (Unavailable("The store does not answer."), 1, "gateway: The store does not answer.\n"),
        (KeyboardInterrupt(), 130, "gateway: interrupted\n"),
        (FileNotFoundError(2, "No such file", "x.hl7"), 1, "gateway: No such file: x.hl7\n"),
    ],
)
def test_errors_end_a_command_with_a_sentence(gateway, monkeypatch, error, code, sentence):
    def failing() -> None:
        raise error

    monkeypatch.setitem(app.COMMANDS, "fail", failing)

    done = gateway("fail")

    assert (done.code, done.err) == (code, sentence)


def test_a_fault_of_ours_shows_no_traceback_unless_asked_for(gateway, monkeypatch):
    def failing() -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(app.COMMANDS, "fail", failing)
    done = gateway("fail")

    assert done.code == 1
    assert "ZeroDivisionError" in done.err
    assert "Traceback" not in done.err
    monkeypatch.setenv("GATEWAY_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        gateway("fail")


def test_the_version_is_printed(gateway):
    from gateway import __version__

    assert gateway("--version").out == f"gateway {__version__}\n"
