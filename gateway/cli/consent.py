"""`gateway consent decide FILE|-`: what the consent engine says to one case, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import Json, fail, json_bytes


def decide(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="JSON: consents, request, resources, policy."),
    ],
    as_json: Json = False,  # noqa: ARG001 - the answer is JSON anyway
) -> None:
    """Decide one case and print the decision with its explanation as JSON."""
    from gateway.consent import decide as decide_case
    from profiles.reading import read_json

    if file != "-" and not Path(file).is_file():
        fail(f"{file}: there is no such file", code=2)
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    case = read_json(data)
    if not isinstance(case, dict):
        fail("a case is a JSON object with consents and request", code=2)
    decision = decide_case(case).as_json()
    sys.stdout.buffer.write(json_bytes(decision, indent=sys.stdout.isatty()) + b"\n")
    sys.stdout.flush()
