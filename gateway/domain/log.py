"""The one door for log lines: stable event names, ids and counts, never patient data."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

#: Longest value written; anything beyond is cut (log injection, megabyte headers).
MAX_VALUE = 200


def _shorten(_logger: Any, _method: str, event: Any) -> Any:
    for key, value in event.items():
        if isinstance(value, str) and len(value) > MAX_VALUE:
            event[key] = value[:MAX_VALUE] + "…"
    return event


class _Unfailing:
    """A stream whose failures stay its own: a full disk under the log stops nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def configure(*, json_lines: bool = True, level: str = "INFO") -> None:
    """Send log lines to standard error, one JSON object each (or readable text)."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _shorten,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Unfailing(sys.stderr))),
        cache_logger_on_first_use=False,
    )


def log(name: str) -> Any:
    """Return the logger of one component; events are named `noun_verb`, e.g. `message_stored`."""
    return structlog.get_logger(component=name)
