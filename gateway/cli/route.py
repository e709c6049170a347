"""`gateway route explain FILE`: where a message would go, and why or why not."""

from __future__ import annotations

import sys
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.check import route_lines
from gateway.cli.output import Config, Json, fail, show
from gateway.cli.session import perform, settings_and_region

if TYPE_CHECKING:
    from rich.console import Console


def explain(
    file: Annotated[str, typer.Argument(metavar="FILE", help="One message; - is standard input.")],
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="Where it would come in; needed with several.")
    ] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say where a message would go and why, with the stored consents; nothing is stored or sent.

    Exit code 1: it would not be taken, or it goes nowhere.
    """
    data = _read(file)
    chosen = endpoint or _only_endpoint(config)
    arguments = {"endpoint": chosen, "message": b64encode(data).decode("ascii")}
    result = perform(config, "route.explain", arguments)
    show(result, as_json=as_json, human=lambda out: _print(out, result))
    if not any(one["endpoint"] for one in result["routes"]):
        raise typer.Exit(1)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    path = Path(file)
    if not path.is_file():
        fail(f"{file}: there is no such file", code=2)
    return path.read_bytes()


def _only_endpoint(config: Any) -> str:
    _, region = settings_and_region(config)
    incoming = sorted(one.id for one in region.incoming())
    if len(incoming) != 1:
        fail(f"--endpoint is needed; incoming are {', '.join(incoming) or 'none'}", code=2)
    return incoming[0]


def _print(out: Console, result: dict[str, Any]) -> None:
    reason = f": {result['reason']}" if result["reason"] else ""
    answer = f", answered {result['answer']}" if result["answer"] else ""
    out.print(f"{result['message_type'] or 'message'} {result['outcome']}{reason}{answer}")
    for issue in result["issues"]:
        out.print(f"  {issue['severity']} {issue['location']} {issue['text']}")
    for line in route_lines(result["routes"]):
        out.print(f"  {line}")
