"""Exchange folders of real files, and a clock of their own."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from gateway.domain.folder import Folder
from gateway.endpoints.folder.inbox import Inbox

SECOND = 1_000_000


def named_in(record):
    """Files a record of these tests names: one a line, after `+`."""
    return tuple(re.findall(r"^\+(.+)$", b"".join(record).decode(), re.MULTILINE))


class Exchange:
    """A folder, and gateways that look into it."""

    def __init__(self, path):
        self.path = path
        self.now = 0.0
        path.mkdir(exist_ok=True)

    def inbox(self, *, limit=1_000_000, **settings):
        values = {"stable": 2 * SECOND, "patience": 10 * SECOND, "lease": 3_600 * SECOND}
        folder = Folder(path=str(self.path), **{**values, **settings})
        today = datetime(2025, 3, 11, 14, 30, tzinfo=UTC)
        return Inbox(folder, limit, named_in, lambda: self.now, lambda: today)

    def put(self, name, data=b"8000 6310"):
        (self.path / name).write_bytes(data)

    def taken(self, inbox):
        """Look twice, with enough time between; return the names of what was claimed."""
        found = inbox.look()
        self.now += 3
        return [claim.record.name for claim in (*found, *inbox.look())]

    def names(self, folder="."):
        return sorted(one.name for one in (self.path / folder).iterdir() if one.is_file())


@pytest.fixture
def exchange(tmp_path):
    return Exchange(tmp_path / "austausch")
