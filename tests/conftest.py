"""Fixtures every test may use: keys, a clock that tests move, a store on each database."""

from __future__ import annotations

import os
import shutil
import uuid
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings

from gateway.store import keys as store_keys
from gateway.store import open_store, schema

POSTGRES = os.environ.get("GATEWAY_TEST_POSTGRES", "")

# How long something takes is measured by `gateway bench`, on a quiet machine; how long examples
# take to be made depends on what else runs.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_collection_modifyitems(items):
    """Begin with the slow tests in half of the test processes beside each other.

    Each process gets a block of the list and takes over from others when it is done: what takes
    long and waits much runs beside what computes, and nothing long is left for the end.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes == 1:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    share = -(-len(items) // processes)
    ordered, begins = [], (processes + 1) // 2
    for number in range(processes):
        first = slow[number::begins] if number < begins else []
        left = max(0, share - len(first))
        ordered += first + quick[:left]
        del quick[:left]
    items[:] = ordered + quick


@dataclass
class TestClock:
    """An injected clock; it goes on by a microsecond with every look."""

    __test__ = False
    instant: int = 1_750_000_000_000_000

    def __call__(self):
        self.instant += 1
        return self.instant

    def advance(self, microseconds):
        self.instant += microseconds


@pytest.fixture(scope="session")
def keys():
    return store_keys.make(b"d" * 32, b"r" * 32, b"i" * 32)


@pytest.fixture
def clock():
    return TestClock()


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory):
    """A migrated SQLite file to copy: migrations run once for all tests."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def empty_postgres():
    """A migrated PostgreSQL database of this run; skipped without GATEWAY_TEST_POSTGRES."""
    if not POSTGRES:
        pytest.skip("GATEWAY_TEST_POSTGRES is not set")
    name = f"gateway_test_{uuid.uuid4().hex[:12]}"
    _administer(f"CREATE DATABASE {name}")
    schema.upgrade(_database_url(name))
    yield _database_url(name)
    _administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request, tmp_path):
    """The URL of an empty store of this test's own, on each database."""
    if request.param == "sqlite":
        template = request.getfixturevalue("empty_sqlite")
        shutil.copy(template, tmp_path / "store.db")
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    # Emptied rather than made anew: creating and dropping databases writes a checkpoint each time.
    url = request.getfixturevalue("empty_postgres")
    _empty(url)
    yield url


@pytest.fixture
def store(store_url, keys, clock):
    """An open, empty store."""
    opened = open_store(store_url, keys, clock=clock)
    yield opened
    opened.close()


def _database_url(name):
    from sqlalchemy.engine import make_url

    return make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)


def _administer(statement):
    with _connection(POSTGRES) as connection:
        connection.execute(statement)


def _empty(url):
    from gateway.store.tables import METADATA

    statements = [f"DELETE FROM {table}" for table in METADATA.tables]
    with _connection(url) as connection:
        # Connections that a test left open must not hold locks into the next one.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute(";".join(statements))


def _connection(url):
    import psycopg

    from gateway.store.postgres import conninfo

    return psycopg.connect(conninfo(url), autocommit=True)
