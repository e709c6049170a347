"""`gateway message …`: what came in, what became of it, and processing it again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.delivery import delivery_json
from gateway.cli.output import Config, Json, fail, moment, show, table
from gateway.cli.session import looking, perform

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.store.views import MessageView

Number = Annotated[int, typer.Argument(metavar="MESSAGE", help="Number of the message.")]


def list_(
    state: Annotated[str, typer.Option("--state", help="quarantined, unrouted, routed …")] = "",
    endpoint: Annotated[str, typer.Option("--endpoint", help="Endpoint it came in at.")] = "",
    control_id: Annotated[str, typer.Option("--control-id", help="MSH-10.")] = "",
    since: Annotated[str, typer.Option("--since", help="A duration back from now, e.g. 2h.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List messages, newest first; no content is shown."""
    from gateway.store import browse

    with looking(config) as view:
        found = browse.messages(
            view.db,
            state=_state(state),
            endpoint=endpoint,
            control_id=control_id,
            since=_since(since),
            before=0,
            limit=limit,
        )
    show(
        [message_json(one) for one in found], as_json=as_json, human=lambda out: _print(out, found)
    )


def show_(
    number: Number,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the original bytes; recorded in the audit log.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Add the loss report; recorded in the audit log.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show one message: where it came from, what was mapped, where it went."""
    from gateway.store import browse, finding

    with looking(config) as view:
        message = browse.message(view.db, number)
        deliveries = finding.find(view.db, message=number) if message is not None else []
    if message is None:
        fail(f"there is no message {number}")
    content = perform(config, "message.open", {"message": number}) if raw or report else {}
    if raw:
        _write_raw(content)
        return
    result = {**message_json(message), "deliveries": [delivery_json(one) for one in deliveries]}
    if report:
        result["report"] = content["report"]
    show(result, as_json=as_json, human=lambda out: _print_one(out, result))


def replay(
    number: Number,
    same_person: Annotated[
        bool,
        typer.Option(
            "--same-person",
            help="Somebody made sure that it is about the person its patient number names.",
        ),
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Process a quarantined or unrouted message again, as the configuration is now."""
    arguments = {"message": number, "same_person": same_person}
    result = perform(config, "message.replay", arguments)
    words = f"Message {number} is {result['state']}."
    if result["reason"]:
        words = f"Message {number} is {result['state']}: {result['reason']}."
    show(result, as_json=as_json, human=lambda out: out.print(words))


def diff(
    number: Number,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Translate a stored message anew and name the elements that would differ; values stay hidden.

    Exit code 1: something would differ.
    """
    result = perform(config, "message.diff", {"message": number})
    show(result, as_json=as_json, human=lambda out: _print_diff(out, result))
    if result["differences"]:
        raise typer.Exit(1)


def message_json(message: MessageView) -> dict[str, Any]:
    """Render a message without content."""
    from gateway.domain.time import fhir_instant

    return {
        "message": message.number,
        "received": fhir_instant(message.received_at),
        "endpoint": message.endpoint,
        "organization": message.organization,
        "control_id": message.control_id,
        "format": message.format,
        "message_type": message.message_type,
        "state": message.state.value,
        "reason": message.reason,
        "answer": message.answer_code,
        "fields": message.fields,
        "mapped": message.mapped,
        "ignored": message.ignored,
        "unmapped": message.unmapped,
        "issues": message.issues,
    }


def _state(word: str) -> Any:
    from gateway.domain.message import MessageState

    if not word:
        return None
    known = [one.value for one in MessageState]
    if word not in known:
        fail(f"--state {word}: one of {', '.join(known)}", code=2)
    return MessageState(word)


def _since(text: str) -> int:
    from gateway.domain.time import duration, now

    if not text:
        return 0
    try:
        return now() - duration(text)
    except ValueError as error:
        return fail(f"--since: {error}", code=2)


def _write_raw(content: dict[str, Any]) -> None:
    from base64 import b64decode

    sys.stdout.buffer.write(b64decode(content["raw"]))
    sys.stdout.buffer.flush()


def _print(out: Console, found: list[MessageView]) -> None:
    out.print(
        table(
            ("message", "received", "endpoint", "type", "control id", "state", "reason"),
            [
                (
                    one.number,
                    moment(one.received_at),
                    one.endpoint,
                    one.message_type,
                    one.control_id,
                    one.state.value,
                    one.reason,
                )
                for one in found
            ],
        )
    )


def _print_one(out: Console, result: dict[str, Any]) -> None:
    out.print(
        table(("", ""), [(key, value) for key, value in result.items() if key != "deliveries"])
    )
    for one in result["deliveries"]:
        out.print(
            f"→ {one['endpoint']} {one['state']} {one['reason']} (delivery {one['delivery']})"
        )


def _print_diff(out: Console, result: dict[str, Any]) -> None:
    if not result["differences"]:
        out.print("The same as stored.")
    for one in result["differences"]:
        out.print(f"{one['change']} {one['resource']} {' '.join(one['elements'])}".rstrip())
