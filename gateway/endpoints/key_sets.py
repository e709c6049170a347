"""Public keys that others publish: fetched over the one way out, kept for a while, never awaited
by a request that only wants to know who calls.

RFC 7517 section 5. Only addresses the configuration names are fetched; what a token says about
where its keys lie (`jku`) is never followed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from joserfc.jwk import KeySet

from gateway.authorization.keys import read_published
from gateway.domain.log import log
from gateway.domain.transport import PartnerUnavailable, PartnerUncertain
from gateway.endpoints.http_client import HttpClient
from profiles.issue import GatewayError, Unavailable
from profiles.reading import read_json

_log = log("key_sets")
#: Seconds a key set counts, and seconds between two attempts to get it anew.
LIFE, PAUSE = 3_600.0, 10.0
#: Seconds an answer may take; bytes it may have.
DEADLINE, BUDGET = 5.0, 200_000


@dataclass(slots=True)
class _Known:
    keys: KeySet | None = None
    #: Monotonic seconds of the last success and of the last attempt.
    at: float = -LIFE
    tried: float = -PAUSE
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class KeySets:
    """Key sets by address; used on one event loop."""

    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, _Known] = field(default_factory=dict)

    def present(self, url: str, kid: str) -> KeySet | None:
        """Return the keys at hand, None without any; what is missing or old is fetched meanwhile.

        A `kid` that is not among them may be new: the set is fetched then, at most every `PAUSE`
        seconds.
        """
        known = self._known.setdefault(url, _Known())
        if self._wanted(known, kid):
            self._start(url, known)
        return known.keys

    async def fetched(self, url: str, kid: str) -> KeySet:
        """Return the keys, fetched first where they are missing, old or lack `kid`.

        Raises Unavailable when there are none to be had.
        """
        known = self._known.setdefault(url, _Known())
        if self._wanted(known, kid):
            self._start(url, known)
        if known.task is not None:
            await asyncio.shield(known.task)
        if known.keys is None:
            raise Unavailable("The key set cannot be read now.")
        return known.keys

    def _wanted(self, known: _Known, kid: str) -> bool:
        now = self.monotonic()
        if now - known.tried < PAUSE:
            return False
        if known.keys is None or now - known.at >= LIFE:
            return True
        return all(key.kid != kid for key in known.keys.keys)

    def _start(self, url: str, known: _Known) -> None:
        if known.task is None or known.task.done():
            known.tried = self.monotonic()
            known.task = asyncio.get_running_loop().create_task(self._fetch(url, known))

    async def _fetch(self, url: str, known: _Known) -> None:
        try:
            client = HttpClient(url, parallel=1, budget=BUDGET)
            try:
                answer = await client.request(
                    "GET", headers={"accept": "application/json"}, deadline=DEADLINE
                )
            finally:
                await client.close()
            if answer.status != 200 or not answer.complete:
                _log.warning("key_set_unavailable", status=answer.status)
                return
            known.keys, known.at = read_published(read_json(answer.body)), self.monotonic()
        except (GatewayError, PartnerUnavailable, PartnerUncertain) as error:
            _log.warning("key_set_unavailable", reason=type(error).__name__)
