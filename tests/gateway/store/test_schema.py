"""Migrations: their sum is the schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import make_url

import gateway.store
from gateway.store import schema
from gateway.store.tables import METADATA, SEQUENCES
from profiles.issue import Unavailable


def test_the_sum_of_migrations_is_the_schema(store_url):
    engine = create_engine(store_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, METADATA)
        if engine.dialect.name == "postgresql":
            assert set(inspect(connection).get_sequence_names()) >= {
                f"{kind}_number" for kind in SEQUENCES
            }
    engine.dispose()
    assert differences == []


def test_the_newest_migration_is_the_one_the_gateway_needs(store_url):
    folder = Path(gateway.store.__file__).parent / "migrations" / "versions"
    newest = max(path.name for path in folder.glob("0*.py"))
    assert newest.startswith(schema.HEAD)
    assert schema.status(store_url).current


def test_an_empty_database_has_no_version(tmp_path):
    assert schema.status(f"sqlite:///{tmp_path / 'new.db'}").present == ""


@pytest.mark.parametrize("act", [schema.status, schema.upgrade])
def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path, act):
    (tmp_path / "store.db").mkdir()
    with pytest.raises(Unavailable, match=r"^The database cannot be opened: [^\n]+\.$"):
        act(f"sqlite:///{tmp_path / 'store.db'}")


@pytest.mark.postgres
@pytest.mark.parametrize("act", [schema.status, schema.upgrade])
def test_a_missing_postgresql_database_is_named(empty_postgres, act):
    url = make_url(empty_postgres).set(database="gateway_nowhere")
    with pytest.raises(Unavailable, match=r'"gateway_nowhere".*createdb\.$'):
        act(url.render_as_string(hide_password=False))
