"""`gateway delivery …`: what is on its way, and what a person decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import Config, Json, fail, moment, show, table
from gateway.cli.session import looking, perform

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.domain.delivery import Delivery
    from gateway.store.views import DeliveryView

Numbers = Annotated[list[int], typer.Argument(metavar="DELIVERY...", help="Numbers of deliveries.")]


def list_(
    state: Annotated[list[str] | None, typer.Option("--state", help="dead, held …")] = None,
    endpoint: Annotated[str, typer.Option("--endpoint", help="Destination.")] = "",
    message: Annotated[int, typer.Option("--message", help="Deliveries of one message.")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List deliveries, newest first."""
    from gateway.store import finding

    with looking(config) as view:
        found = finding.find(
            view.db,
            state=_states(state or []),
            endpoint=endpoint,
            message=message,
            limit=limit,
            newest_first=True,
        )
    show(
        [delivery_json(one) for one in found],
        as_json=as_json,
        human=lambda out: out.print(_table(found)),
    )


def show_(
    number: Annotated[int, typer.Argument(metavar="DELIVERY", help="Number of the delivery.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show one delivery: its attempts, and why consent decided as it did."""
    from gateway.store import browse

    with looking(config) as view:
        found = browse.delivery(view.db, number)
        decision = browse.decision(view.db, view.bodies, number) if found is not None else b""
    if found is None:
        fail(f"there is no delivery {number}")
    result = _view_json(found, decision)
    show(result, as_json=as_json, human=lambda out: _print_one(out, result))


def retry(numbers: Numbers, config: Config = None, as_json: Json = False) -> None:
    """Queue dead deliveries, and those waiting for a retry, again; consent is asked again."""
    _decide(config, "delivery.retry", {"deliveries": numbers}, as_json=as_json)


def cancel(numbers: Numbers, config: Config = None, as_json: Json = False) -> None:
    """Give up deliveries that were not sent."""
    _decide(config, "delivery.cancel", {"deliveries": numbers}, as_json=as_json)


def resolve(
    numbers: Numbers,
    verdict: Annotated[
        str,
        typer.Option("--as", help="delivered, not-delivered, send-again, release."),
    ],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say how ambiguous or held deliveries go on."""
    arguments = {"deliveries": numbers, "verdict": verdict}
    _decide(config, "delivery.resolve", arguments, as_json=as_json)


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """Render a delivery."""
    from gateway.domain.time import fhir_instant

    return {
        "delivery": delivery.id,
        "message": delivery.message_id,
        "endpoint": delivery.endpoint,
        "route": delivery.route,
        "organization": delivery.organization,
        "state": delivery.state.value,
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "control_id": delivery.control_id,
        "created": fhir_instant(delivery.created_at),
    }


def _decide(config: Any, operation: str, arguments: dict[str, Any], *, as_json: bool) -> None:
    result = perform(config, operation, arguments)
    show(result, as_json=as_json, human=lambda out: _print_decided(out, result))
    if result["refused"]:
        raise typer.Exit(1)


def _states(words: list[str]) -> list[Any]:
    from gateway.domain.delivery import DeliveryState

    known = [one.value for one in DeliveryState]
    for word in words:
        if word not in known:
            fail(f"--state {word}: one of {', '.join(known)}", code=2)
    return [DeliveryState(word) for word in words]


def _view_json(found: DeliveryView, decision: bytes) -> dict[str, Any]:
    from gateway.domain.time import fhir_instant
    from gateway.pipeline.documents import load

    return {
        **delivery_json(found.delivery),
        "changed": fhir_instant(found.changed_at),
        "tries": [
            {
                "number": one.number,
                "started": fhir_instant(one.started_at),
                "ended": fhir_instant(one.ended_at),
                "result": one.result,
                "detail": one.detail,
            }
            for one in found.attempts
        ],
        "decision": load(decision) if decision else None,
    }


def _table(found: list[Delivery]) -> Any:
    return table(
        ("delivery", "message", "created", "endpoint", "route", "state", "reason", "attempts"),
        [
            (
                one.id,
                one.message_id,
                moment(one.created_at),
                one.endpoint,
                one.route,
                one.state.value,
                one.reason,
                one.attempts,
            )
            for one in found
        ],
    )


def _print_one(out: Console, result: dict[str, Any]) -> None:
    hidden = ("tries", "decision")
    out.print(table(("", ""), [row for row in result.items() if row[0] not in hidden]))
    for one in result["tries"]:
        out.print(f"attempt {one['number']}: {one['started']} {one['result']} {one['detail']}")
    sentence = (result["decision"] or {}).get("explanation", {}).get("de", "")
    if sentence:
        out.print(f"consent: {sentence}")


def _print_decided(out: Console, result: dict[str, Any]) -> None:
    if result["done"]:
        out.print(f"Done: {', '.join(map(str, result['done']))}.")
    for one in result["refused"]:
        out.print(f"Not {one['delivery']}: {one['reason']}.")
