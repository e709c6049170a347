"""The command reference, written from the commands themselves: docs/commands.md.

`python -m gateway.cli.reference` prints it; a test compares it with the file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from gateway.cli.app import build

_INTRODUCTION = """# Command reference

This page is written from the source (`python -m gateway.cli.reference`); a test keeps it true.

`make install` puts the command at `.venv/bin/gateway`. Configuration is found by `--config`
(`gateway.toml` or its folder), then `$GATEWAY_CONFIG`, then in the present folder. Data goes to
standard output, everything else to standard error. `--json` gives machine-readable output.
Exit codes: 0 done; 1 something was not done or is not well; 2 usage or configuration. Errors are
one sentence; `GATEWAY_TRACEBACK=1` shows where a fault of the gateway lies.

Commands that change something ask the serving process, when there is one, over a local socket that
only its operating-system user can reach; every change leaves an audit event with that user's name.
"""


def reference() -> str:
    """Write the whole page."""
    root: Any = typer.main.get_command(build())
    parts = [_INTRODUCTION]
    for name, command in root.commands.items():
        if hasattr(command, "commands"):
            parts.append(f"\n## gateway {name}\n\n{command.help}\n")
            parts += [
                _section(f"gateway {name} {inner}", one, level=3)
                for inner, one in command.commands.items()
            ]
        else:
            parts.append(_section(f"gateway {name}", command, level=2))
    return "".join(parts)


def _section(name: str, command: Any, *, level: int) -> str:
    usage = " ".join([name, *_arguments(command)])
    rows = [f"| `{shown}` | {text} |" for shown, text in _rows(command)]
    table = "\n".join(["| | |", "|---|---|", *rows]) if rows else ""
    text = " ".join((command.help or "").split())
    return f"\n{'#' * level} {name}\n\n    {usage}\n\n{text}\n" + (f"\n{table}\n" if table else "")


def _arguments(command: Any) -> Iterator[str]:
    for one in command.params:
        if one.param_type_name == "argument":
            yield str(one.metavar or one.name.upper())


def _rows(command: Any) -> Iterator[tuple[str, str]]:
    for one in command.params:
        if one.param_type_name == "argument":
            yield str(one.metavar or one.name.upper()), one.help or ""
        elif one.name != "help":
            yield _option(one), one.help or ""


def _option(one: Any) -> str:
    name = "/".join(one.opts)
    if one.is_flag or one.default in (None, "", [], ()):
        return name
    return f"{name} {one.default}"


if __name__ == "__main__":
    sys.stdout.write(reference())
