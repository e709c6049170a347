"""A terminology server elsewhere: what the caller implements, and a cache around it.

https://hl7.org/fhir/R4/terminology-service.html. There is no network here; whoever has one
implements `Remote`. A server that fails is left alone for a while, so that nobody waits for it
twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Protocol

from profiles.issue import GatewayError, Unavailable
from profiles.reading import canonical_json
from profiles.terminology.concept import Json


class Remote(Protocol):
    """Calls a terminology server."""

    def operation(self, name: str, parameters: Json) -> Json:
        """POST Parameters to `[base]/{name}` (`ValueSet/$validate-code`) and return the answer.

        Raises Unavailable for time-outs and server errors, another GatewayError for a refusal.
        """


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long an answer counts, in seconds."""

    answer: float = 86_400
    #: A refusal (unknown value set).
    refusal: float = 600
    #: After a time-out or server error nothing is asked.
    pause: float = 30
    #: Answers that are kept.
    size: int = 20_000


_DEFAULT = Lifetimes()


class CachedRemote:
    """A terminology server behind a cache; None stands for no answer."""

    def __init__(
        self,
        remote: Remote,
        *,
        lifetimes: Lifetimes = _DEFAULT,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Wrap a server; the clock gives seconds."""
        self._remote = remote
        self._lifetimes = lifetimes
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Json | None]] = OrderedDict()
        self._asleep_until = float("-inf")
        self._lock = Lock()

    def operation(self, name: str, parameters: Json) -> Json | None:
        """Return the server's answer, None when it refuses, fails or is paused."""
        key = canonical_json([name, parameters])
        now = self._clock()
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] > now:
                self._kept.move_to_end(key)
                return kept[1]
            if now < self._asleep_until:
                return None
        return self._ask(key, name, parameters)

    def _ask(self, key: bytes, name: str, parameters: Json) -> Json | None:
        try:
            answer: Json | None = self._remote.operation(name, parameters)
            lasts = self._lifetimes.answer
        except Unavailable:
            with self._lock:
                self._asleep_until = self._clock() + self._lifetimes.pause
            return None
        except GatewayError:
            answer, lasts = None, self._lifetimes.refusal
        with self._lock:
            self._kept[key] = (self._clock() + lasts, answer)
            self._kept.move_to_end(key)
            while len(self._kept) > self._lifetimes.size:
                self._kept.popitem(last=False)
        return answer
