"""`/health/live`, `/health/ready`, `/metrics`: how the gateway is, in fixed words and counts.

Counts by endpoint name institutions, so callers beyond this machine have to say who they are.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from starlette.requests import Request
from starlette.responses import Response

from gateway.api.context import Context
from gateway.api.metrics import Metrics
from gateway.api.ports import Condition
from profiles.issue import GatewayError
from profiles.reading import write_json

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


async def live(_request: Request) -> Response:
    """The process answers; nothing else is asked."""
    return Response(b'{"status":"ok"}', media_type="application/json")


async def ready(request: Request) -> Response:
    """Whether messages can be taken in; 503 when not."""
    context = Context.of(request)
    condition = await _condition(context)
    content: dict[str, object] = {"status": "ok" if condition.ready else "unavailable"}
    if _trusted(request, context):
        content["parts"] = dict(condition.parts)
        content["counts"] = [
            {"name": name, **labels, "value": value} for name, labels, value in condition.counts
        ]
    status = 200 if condition.ready else 503
    return Response(write_json(content), status_code=status, media_type="application/json")


async def metrics(request: Request) -> Response:
    """Prometheus exposition of request and gateway counts."""
    context = Context.of(request)
    if not _trusted(request, context):
        context.identify_any(request)
    collected: Metrics = request.app.state.metrics
    condition = await _condition(context)
    return Response(
        generate_latest(collected.registry) + _exposition(condition), media_type=_EXPOSITION
    )


async def _condition(context: Context) -> Condition:
    try:
        return await context.gateway.condition()
    except GatewayError:
        return Condition(ready=False, parts=(("store", "unavailable"),))


def _trusted(request: Request, context: Context) -> bool:
    """This machine, or a caller that says who it is."""
    try:
        if request.client and ipaddress.ip_address(request.client.host).is_loopback:
            return True
    except ValueError:
        return False
    return bool(request.headers.get("authorization") and context.identify_any(request).organization)


class _Counts:
    """A collector over counts that were read before."""

    def __init__(self, counts: Iterable[tuple[str, Mapping[str, str], float]]) -> None:
        self._counts = tuple(counts)

    def collect(self) -> Iterator[Metric]:
        """Give one family per metric; labels of one metric are always the same."""
        families: dict[str, list[tuple[Mapping[str, str], float]]] = defaultdict(list)
        for name, labels, value in self._counts:
            families[name].append((labels, value))
        for name, rows in families.items():
            names = sorted(rows[0][0])
            family = GaugeMetricFamily(f"gateway_{name}", name.replace("_", " "), labels=names)
            for labels, value in rows:
                family.add_metric([labels.get(one, "") for one in names], value)
            yield family


def _exposition(condition: Condition) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counts((*condition.counts, ("ready", {}, float(condition.ready)))))
    return generate_latest(registry)
