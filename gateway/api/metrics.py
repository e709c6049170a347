"""Counts of requests, in a registry of their own: two applications in one process do not mix."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Seconds; from a quick read to a request at its limit.
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        """Make empty counters."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "gateway_http_requests",
            "HTTP requests by area, method and status.",
            ("area", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "gateway_http_request_seconds",
            "Seconds until an HTTP request was answered.",
            ("area",),
            buckets=_BUCKETS,
            registry=self.registry,
        )


#: First part of the path → label; anything else counts as "other", so that callers make no labels.
_AREAS = frozenset({"fhir", "inbound", "health", "metrics"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Counted:
    """Counts every request that passes."""

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Wrap an application."""
        self.app = app
        self.metrics = metrics
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        started = self.clock()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            self._count(scope, status, self.clock() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        first = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        area = first if first in _AREAS else "other"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.metrics.requests.labels(area, method, str(status)).inc()
        self.metrics.seconds.labels(area).observe(seconds)
