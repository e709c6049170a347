"""The command line as a whole: every command by name, and how errors end it.

Commands import what they need when they run, so that `gateway --help` is immediate.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from gateway.cli import (
    apply,
    audit,
    bench,
    catalogue,
    check,
    client,
    consent,
    convert,
    db,
    delivery,
    demo,
    dialect,
    endpoint,
    erase,
    fhirpath,
    identity,
    init,
    mapping,
    message,
    package,
    retention,
    route,
    serve,
    status,
    terminology,
    validate,
)
from gateway.cli.output import note
from profiles.issue import GatewayError

#: Exit code typer gives a command that was interrupted from the keyboard.
_INTERRUPTED = 130

#: Commands by name, in the order of the help.
COMMANDS: dict[str, Callable[..., Any]] = {
    "init": init.init,
    "demo": demo.demo,
    "apply": apply.apply,
    "check": check.check,
    "convert": convert.convert,
    "validate": validate.validate,
    "fhirpath": fhirpath.fhirpath,
    "serve": serve.serve,
    "work": serve.work,
    "status": status.status,
    "worklist": status.worklist,
    "erase": erase.erase,
    "bench": bench.bench,
}
#: Commands of groups: group → (sentence, commands).
GROUPS: dict[str, tuple[str, dict[str, Callable[..., Any]]]] = {
    "message": (
        "What came in, and what became of it.",
        {
            "list": message.list_,
            "show": message.show_,
            "replay": message.replay,
            "diff": message.diff,
        },
    ),
    "delivery": (
        "What is on its way, and what a person decides about it.",
        {
            "list": delivery.list_,
            "show": delivery.show_,
            "retry": delivery.retry,
            "cancel": delivery.cancel,
            "resolve": delivery.resolve,
        },
    ),
    "route": ("Where messages go.", {"explain": route.explain}),
    "dialect": (
        "A sender's peculiarities.",
        {"suggest": dialect.suggest, "profile": dialect.profile},
    ),
    "endpoint": (
        "The wires: whether they work, and what they need.",
        {
            "list": endpoint.list_,
            "test": endpoint.reach,
            "pause": endpoint.pause,
            "resume": endpoint.resume,
            "describe": endpoint.describe,
        },
    ),
    "client": (
        "Systems that call the FHIR interface with rights of their own.",
        {
            "add": client.add,
            "list": client.list_,
            "rotate": client.rotate,
            "revoke": client.revoke,
            "restore": client.restore,
        },
    ),
    "package": (
        "FHIR packages: the profiles and code systems of the region.",
        {
            "add": package.add,
            "list": package.list_,
            "remove": package.remove,
            "export": package.export,
        },
    ),
    "terminology": (
        "Codes: what they mean, whether they are valid; catalogues the region has a licence for.",
        {
            "validate-code": terminology.validate_code,
            "lookup": terminology.lookup,
            "expand": terminology.expand,
            "subsumes": terminology.subsumes,
            "translate": terminology.translate,
            "load": catalogue.load,
            "list": catalogue.list_,
            "remove": catalogue.remove,
        },
    ),
    "identity": (
        "Who is whom.",
        {"list": identity.list_, "link": identity.link, "separate": identity.separate},
    ),
    "mapping": ("What becomes of which field.", {"table": mapping.table}),
    "consent": ("What the consent engine says.", {"decide": consent.decide}),
    "audit": ("The audit log.", {"verify": audit.verify}),
    "db": (
        "The database: tables, backups.",
        {
            "upgrade": db.upgrade,
            "status": db.status,
            "reindex": db.reindex,
            "backup": db.backup,
            "restore": db.restore,
        },
    ),
    "retention": ("What is past its time.", {"run": retention.run}),
}


def _version(wanted: bool) -> None:
    if wanted:
        from gateway import __version__

        typer.echo(f"gateway {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """FHIR R4 gateway for health regions: translates, asks for consent, delivers in order."""


def build() -> typer.Typer:
    """Put the commands together."""
    app = _typer(help_text=_root.__doc__ or "")
    app.callback()(_root)
    for name, command in COMMANDS.items():
        app.command(name)(command)
    for group, (sentence, commands) in GROUPS.items():
        part = _typer(help_text=sentence)
        for name, command in commands.items():
            part.command(name)(command)
        app.add_typer(part, name=group)
    return app


def _typer(*, help_text: str) -> typer.Typer:
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. Errors are one sentence, never a traceback."""
    _speak_utf8()
    command = typer.main.get_command(build())
    try:
        result = command.main(list(arguments), prog_name="gateway", standalone_mode=False)
    except typer.TyperException as error:
        return _usage(error)
    except typer.Abort:
        note("gateway: stopped")
        return 1
    except BrokenPipeError:
        return _quiet()
    except GatewayError as error:
        return _refused(error)
    except OSError as error:
        note(
            f"gateway: {error.strerror or 'input or output failed'}: {error.filename or ''}".rstrip(
                ": "
            )
        )
        return 1
    except Exception as error:  # noqa: BLE001 - the last door: people get a sentence
        return _unexpected(error)
    if result == _INTERRUPTED:
        note("gateway: interrupted")
    return result if isinstance(result, int) else 0


def _usage(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    hint = f" (see `{context.command_path} --help`)" if context is not None else ""
    text = error.format_message().rstrip(".")
    if text:
        note(f"gateway: {text}{hint}")
    elif context is not None:
        note(context.get_help())
    return 2


def _refused(error: GatewayError) -> int:
    from profiles.issue import NotConformant

    for issue in error.issues[:20]:
        note(f"gateway: {issue.text}")
    return 2 if isinstance(error, NotConformant) else 1


def _unexpected(error: Exception) -> int:
    if os.environ.get("GATEWAY_TRACEBACK"):
        raise error
    note(
        f"gateway: something unexpected happened ({type(error).__name__}); "
        "this is a fault of the gateway. GATEWAY_TRACEBACK=1 shows where."
    )
    return 1


def _quiet() -> int:
    """The reader of our output went away; so do we."""
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - stays open until the end
    return 1


def _speak_utf8() -> None:
    """Umlauts leave as UTF-8 whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
