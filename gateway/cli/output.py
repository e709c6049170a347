"""What commands print and how they fail: data on standard output, the rest on standard error.

Exit codes: 0 done, 1 something was not done or is not well, 2 usage or configuration.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from profiles.issue import Issue

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", help="gateway.toml or its folder; default $GATEWAY_CONFIG, then here."
    ),
]
#: Row marks by severity.
MARKS = {"fatal": "✗", "error": "✗", "warning": "!", "information": "·"}


def fail(text: str, *, code: int = 1) -> NoReturn:
    """Print one clear sentence and end with a code."""
    note(f"gateway: {text}")
    raise typer.Exit(code)


def note(text: str) -> None:
    """Print a line for people on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def show(value: Any, *, as_json: bool, human: Callable[[Console], None]) -> None:
    """Print a result: JSON where asked for, otherwise as `human` writes it."""
    if as_json:
        sys.stdout.buffer.write(json_bytes(value) + b"\n")
        sys.stdout.flush()
        return
    human(console())


def console() -> Console:
    """Return a console on standard output that keeps umlauts and never wraps piped lines."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(highlight=False, emoji=False, markup=False, width=None if terminal else 200)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Any:
    """Make a plain table."""
    from rich.table import Table

    named = any(columns)
    made = Table(box=None, pad_edge=False, header_style="bold", show_header=named)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(str(cell) for cell in row))
    return made


def json_bytes(value: Any, *, indent: bool = False) -> bytes:
    """Write JSON; decimals keep their literal."""
    import orjson

    return orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2 if indent else 0)


def _plain(value: Any) -> Any:
    import orjson

    from profiles.reading.decimals import literal_of

    if isinstance(value, Decimal):
        return orjson.Fragment(literal_of(value))
    raise TypeError(type(value).__name__)


def issue_json(issue: Issue) -> dict[str, str]:
    """Render an Issue for reports."""
    rendered = {"severity": issue.severity, "code": issue.code, "text": issue.text}
    return {**rendered, "location": issue.location} if issue.location else rendered


def moment(at: int) -> str:
    """Write an instant for people, in local time; "" for none."""
    if not at:
        return ""
    return datetime.fromtimestamp(at / 1_000_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def age(micros: int) -> str:
    """Write how long ago something was, in its largest unit."""
    seconds = max(micros, 0) // 1_000_000
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def progress_wanted() -> bool:
    """Say whether somebody watches standard error."""
    return sys.stderr.isatty()
