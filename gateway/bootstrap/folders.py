"""The exchange folders others send from: one listener for each, following the registry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.domain.log import log
from gateway.domain.region import Endpoint, Region
from gateway.endpoints.folder.listener import FolderListener
from gateway.pipeline.intake import Intake
from gateway.pipeline.passage import Answer
from profiles.issue import GatewayError

_log = log("folders")


@dataclass(slots=True)
class Folders:
    """The folders of one process."""

    intake: Intake
    #: Keyed digest: names an input that has no control id of its own.
    digest: Callable[[bytes], bytes]
    _open: dict[str, FolderListener] = field(default_factory=dict)

    async def follow(self, region: Region) -> None:
        """Open what the region has and close what it no longer has."""
        wanted = {
            one.id: one
            for one in region.incoming()
            if one.connection_type == "folder" and one.folder is not None
        }
        for name, listener in list(self._open.items()):
            if wanted.get(name) != listener.endpoint:
                del self._open[name]
                await listener.stop()
        for name, endpoint in wanted.items():
            if name not in self._open:
                self._start(endpoint)

    async def stop(self) -> None:
        """Take nothing more; what is in work is finished."""
        for listener in self._open.values():
            await listener.stop()
        self._open.clear()

    def _start(self, endpoint: Endpoint) -> None:
        try:
            listener = FolderListener(endpoint, self._take(endpoint))
        except GatewayError as error:
            _log.error("folder_not_opened", endpoint=endpoint.id, reason=error.text)
            return
        listener.start()
        self._open[endpoint.id] = listener
        _log.info("folder_opened", endpoint=endpoint.id)

    def _take(self, endpoint: Endpoint) -> Callable[[bytes, str], Awaitable[Answer]]:
        def take(data: bytes, format_: str) -> Awaitable[Answer]:
            # The same bytes in a second file are the same input.
            key = self.digest(data).hex()[:40]
            return self.intake.receive(endpoint.id, data, format=format_, key=key)

        return take
