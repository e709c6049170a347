"""A FHIR terminology server elsewhere, asked whether codes are valid.

https://hl7.org/fhir/R4/terminology-service.html. Only code systems, versions, codes and value sets
leave the house, and of code systems only those that the configuration names, if it names some.
Validation waits in plain functions; the wire is asynchronous and runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from gateway.domain.log import log
from gateway.domain.transport import PartnerUnavailable, PartnerUncertain
from gateway.endpoints.http_client import Answer, HttpClient
from gateway.endpoints.networks import check_registered
from profiles.issue import GatewayError, NotSupported, Unavailable
from profiles.reading import canonical_json, read_json

_log = log("terminology")
_FHIR_JSON = "application/fhir+json"
#: Statuses after which another try may succeed.
_TEMPORARY = frozenset({401, 403, 408, 425, 429})
#: Bytes of an answer; a `$validate-code` has some hundred.
_BUDGET = 1_000_000


class TerminologyServer:
    """One terminology server; made anywhere, connected where it is first asked."""

    def __init__(
        self,
        address: str,
        *,
        tls: Mapping[str, str] | None = None,
        token_file: str = "",
        systems: tuple[str, ...] = (),
        deadline: float = 3.0,
    ) -> None:
        """Prepare; `deadline` is in seconds, `systems` are the code systems it is asked about.

        Raises NotConformant for an address that is none or not encrypted, NotPermitted for one no
        partner can have.
        """
        check_registered(address)
        self._made = (address, dict(tls or {}), token_file, systems, deadline)
        self._lock = Lock()
        self._line: _Line | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Worker processes get what it was made of, and connect for themselves."""
        return _make, self._made

    def operation(self, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """POST Parameters to `[base]/{name}` and return the answer.

        Raises Unavailable for silence and server errors, NotSupported for a refusal and for code
        systems it is not asked about.
        """
        systems = self._made[3]
        asked = _system(name, parameters)
        if systems and asked not in systems:
            raise NotSupported("the terminology server is not asked about this code system")
        try:
            answer = self._opened().ask(f"/{name}", canonical_json(parameters))
        except (PartnerUnavailable, PartnerUncertain) as error:
            _log.warning("terminology_unavailable", reason=type(error).__name__)
            raise Unavailable("the terminology server does not answer") from None
        return _judged(answer)

    def close(self) -> None:
        """Close the connections; asked again, it connects again."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def _opened(self) -> _Line:
        with self._lock:
            if self._line is None:
                address, tls, token_file, _, deadline = self._made
                self._line = _Line(address, tls, token_file, deadline)
            return self._line


class _Line:
    """The connections, and the thread they live in."""

    def __init__(
        self, address: str, tls: Mapping[str, str], token_file: str, deadline: float
    ) -> None:
        self._client = HttpClient(address, tls=tls, parallel=2, budget=_BUDGET)
        self._token_file = token_file
        self._deadline = deadline
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="terminology", daemon=True)
        self._thread.start()

    def ask(self, path: str, body: bytes) -> Answer:
        headers = {"content-type": _FHIR_JSON, "accept": _FHIR_JSON}
        if self._token_file:
            headers["authorization"] = f"Bearer {_token(self._token_file)}"
        waiting: Future[Answer] = asyncio.run_coroutine_threadsafe(
            self._client.request("POST", path, body=body, headers=headers, deadline=self._deadline),
            self._loop,
        )
        try:
            return waiting.result(self._deadline + 1)
        except NotInTime:
            waiting.cancel()
            raise PartnerUncertain("The partner did not answer in time.") from None

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result(self._deadline)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(self._deadline)
        self._loop.close()


def _make(
    address: str, tls: dict[str, str], token_file: str, systems: tuple[str, ...], deadline: float
) -> TerminologyServer:
    return TerminologyServer(
        address, tls=tls, token_file=token_file, systems=systems, deadline=deadline
    )


def _system(name: str, parameters: dict[str, Any]) -> str:
    wanted = "url" if name.startswith("CodeSystem/") else "system"
    found = (one.get("valueUri", "") for one in parameters["parameter"] if one["name"] == wanted)
    return str(next(found, ""))


def _judged(answer: Answer) -> dict[str, Any]:
    if answer.status >= 500 or answer.status in _TEMPORARY or not answer.complete:
        _log.warning("terminology_unavailable", status=answer.status)
        raise Unavailable("the terminology server does not answer")
    if answer.status != 200:
        raise NotSupported("the terminology server refuses the question")
    try:
        read = read_json(answer.body)
    except GatewayError:
        read = None
    if not isinstance(read, dict):
        raise NotSupported("the terminology server answers in a form that is not understood")
    return read


def _token(file: str) -> str:
    try:
        return Path(file).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise PartnerUnavailable("The token file cannot be read.") from None
