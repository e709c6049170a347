"""Fixtures of the fault tests: regions of real processes on each database."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rig.gateway import Gateway
from rig.inside import Inside
from rig.partners import Hospital, Partner
from rig.postgres import PostgresServer, programs
from rig.region import Region, make_template

POSTGRES = os.environ.get("GATEWAY_TEST_POSTGRES", "")
_PASSWORD = "GATEWAY_FAULTS_PASSWORD"


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """Keys, dialect and an empty store, made once."""
    return make_template(tmp_path_factory.mktemp("template") / "region")


class Rig:
    """What one test uses: a region, its gateway, its partners; everything ends with the test."""

    def __init__(self, folder: Path, store_url: str, password_env: str, closing: ExitStack) -> None:
        self.folder = folder
        self.region = Region(folder, store_url=store_url, password_env=password_env)
        self.gateway = Gateway(self.region)
        self.inside = Inside(self.region)
        #: Name of the database, where the server is the tests' own.
        self.database = ""
        self._closing = closing
        closing.callback(self.gateway.end)

    def partner(self, name: str, label: str, *options: str) -> Partner:
        """Start a partner that ends with the test."""
        made = Partner(name, self.folder / f"{label}.jsonl", *options)
        self._closing.callback(made.stop)
        return made

    def hospital(self, *options: str) -> Hospital:
        """Let a hospital send that ends with the test."""
        made = Hospital(self.region, *options)
        self._closing.callback(made.end)
        return made

    def serve(self, *, with_options: tuple[str, ...] = (), **changes: object) -> None:
        """Register the region as changed, and start."""
        for name, value in changes.items():
            setattr(self.region, name, value)
        self.region.apply()
        if with_options:
            self.gateway = Gateway(self.region, "serve", *with_options)
            self._closing.callback(self.gateway.end)
        self.gateway.start()

    def second(self) -> tuple[Gateway, Inside]:
        """Describe another machine on the same database that only works; nothing runs yet."""
        folder = self.folder.with_name("second")
        shutil.copytree(self.folder, folder)
        made = Gateway(dataclasses.replace(self.region, folder=folder), "work")
        self._closing.callback(made.end)
        return made, Inside(made.region)


@pytest.fixture(scope="session")
def make_rig_in(template):
    """Make a rig in a folder on a database; it ends with the stack it is given."""

    def make(place: Path, database: str, closing: ExitStack) -> Rig:
        folder = place / "region"
        shutil.copytree(template, folder)
        if database == "sqlite":
            return Rig(folder, "sqlite:///gateway.db", "", closing)
        url, password = closing.enter_context(_postgres(folder))
        return Rig(folder, url, password, closing)

    return make


@pytest.fixture
def make_rig(make_rig_in, tmp_path):
    """Make rigs on a database: `make_rig("sqlite")`."""
    with ExitStack() as closing:

        def make(database: str = "sqlite") -> Rig:
            return make_rig_in(tmp_path, database, closing)

        yield make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def rig(request, make_rig):
    """A rig on each database."""
    return make_rig(request.param)


@pytest.fixture
def postgres_rig(make_rig):
    """A rig on PostgreSQL, for what several processes on one database do."""
    return make_rig("postgresql")


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server that may be killed."""
    if programs() is None:
        pytest.skip("initdb: no PostgreSQL server programs here")
    made = PostgresServer()
    yield made
    made.end()


@pytest.fixture
def server_rig(template, tmp_path, server):
    """A rig on a database of that server."""
    name = f"faults_{uuid.uuid4().hex[:12]}"
    server.execute(f"CREATE DATABASE {name}")
    folder = tmp_path / "region"
    shutil.copytree(template, folder)
    (folder / "gateway.db").unlink(missing_ok=True)
    with ExitStack() as closing:
        made = Rig(folder, server.url(name), "", closing)
        made.database = name
        yield made


@pytest.fixture
def sqlite_rig(make_rig: Callable[..., Rig]):
    """A rig on SQLite, for what is about its files."""
    return make_rig("sqlite")


def _postgres(folder: Path):
    from contextlib import contextmanager

    from sqlalchemy.engine import URL, make_url

    if not POSTGRES:
        pytest.skip("GATEWAY_TEST_POSTGRES is not set")
    name = f"gateway_faults_{uuid.uuid4().hex[:12]}"

    @contextmanager
    def database():
        (folder / "gateway.db").unlink(missing_ok=True)
        _administer(f"CREATE DATABASE {name}")
        url = make_url(POSTGRES).set(database=name)
        password = str(url.password or "")
        if password:
            os.environ[_PASSWORD] = password
        try:
            shown = URL.create(
                url.drivername, url.username, None, url.host, url.port, url.database
            ).render_as_string()
            yield shown, _PASSWORD if password else ""
        finally:
            _administer(f"DROP DATABASE {name} WITH (FORCE)")

    return database()


def _administer(statement: str) -> None:
    import psycopg

    from gateway.store.postgres import conninfo

    with psycopg.connect(conninfo(POSTGRES), autocommit=True) as connection:
        connection.execute(statement)
