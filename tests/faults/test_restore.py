"""An older state comes back: from a backup, or from before an upgrade of the schema."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from rig import invariants
from rig.inside import eventually
from rig.messages import admission
from rig.region import Destination
from rig.wire import ask, code
from sqlalchemy import create_engine, inspect

from gateway.evidence.verify import verify
from gateway.store import schema
from gateway.store.evidence_log import EvidenceLog


def anchored(rig, anchor):
    """Verify the audit log against a head somebody outside has kept."""
    with rig.inside._view() as view:
        report = verify(EvidenceLog(view.db, view.bodies), anchors=[anchor])
    return {finding.rule for finding in report.findings}


@pytest.mark.slow
def test_after_a_restore_the_same_messages_go_again_under_the_same_names(sqlite_rig):
    rig = sqlite_rig
    sink = rig.partner("mllp_sink", "ziel")
    rig.serve(destinations=(Destination("ziel", sink.port, idempotent=True),))
    config = ("--config", str(rig.folder))
    sent = {name: admission(name, "77001", minute) for minute, name in enumerate("ABCD")}
    assert code(ask(rig.region, sent["A"])) == "CA"
    eventually(lambda: rig.inside.states() == {"delivered": 1}, "A is delivered")
    sink.stop()
    assert code(ask(rig.region, sent["B"])) == "CA"
    eventually(lambda: rig.inside.states()["retry"], "B waits for its partner")
    copy = rig.folder / "copy.db"
    rig.region.command("db", "backup", str(copy), *config)
    sink.start()
    assert code(ask(rig.region, sent["C"])) == "CA"
    eventually(lambda: rig.inside.states() == {"delivered": 3}, "B and C are delivered")
    eventually(lambda: not rig.inside.unnumbered(), "the log is numbered")
    assert rig.gateway.stop() == 0
    newest = rig.inside.verify()

    # The disk is lost; what is minutes older comes back.
    for file in rig.folder.glob("gateway.db*"):
        file.unlink()
    rig.region.command("db", "restore", str(copy), *config)
    assert not invariants.unproven(rig.inside)
    assert anchored(rig, (newest.size, newest.root)) == {"anchor"}
    rig.gateway.start()
    eventually(lambda: rig.inside.states() == {"delivered": 2}, "B goes again")
    # The sender has an acknowledgement for C: only its own repetition brings it back.
    assert code(ask(rig.region, sent["C"])) == "CA"
    assert code(ask(rig.region, sent["D"])) == "CA"
    eventually(lambda: rig.inside.states() == {"delivered": 4}, "C and D are delivered")
    for minute in range(10, 20):
        assert code(ask(rig.region, admission(f"E{minute}", "77002", minute))) == "CA"
    eventually(lambda: rig.inside.verify().size > newest.size, "the log has grown beyond")
    assert anchored(rig, (newest.size, newest.root)) == {"anchor"}
    eventually(lambda: not rig.inside.undone(), "everything is delivered")
    assert not invariants.lost([], rig.inside)
    assert rig.gateway.stop() == 0
    sink.stop()
    assert not invariants.unlike(sink.received())
    assert invariants.duplicates(sink.received()) == 2


def make_older(file, revision):
    """Let a SQLite store have an earlier schema, with the rows and columns that this one knows."""
    older = file.with_name("older.db")
    engine = create_engine(f"sqlite:///{older}")
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        tables = {one: columns_of(connection, one) for one in inspect(connection).get_table_names()}
    engine.dispose()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("ATTACH ? AS older", (str(older),))
        for table in tables.keys() - {"alembic_version"}:
            names = ", ".join(tables[table])
            connection.execute(f"DELETE FROM older.{table}")
            connection.execute(f"INSERT INTO older.{table} ({names}) SELECT {names} FROM {table}")
        connection.commit()
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()
    older.rename(file)


def columns_of(connection, table):
    return [one["name"] for one in inspect(connection).get_columns(table)]


def test_an_upgrade_of_the_schema_keeps_what_is_queued_and_its_order(sqlite_rig):
    rig = sqlite_rig
    sink = rig.partner("mllp_sink", "ziel")
    sink.stop()
    rig.serve(destinations=(Destination("ziel", sink.port, idempotent=True),))
    for number in range(4):
        message = admission(f"U{number}", f"7700{number % 2}", number)
        assert code(ask(rig.region, message)) == "CA"
    assert rig.gateway.stop() == 0
    make_older(rig.folder / "gateway.db", "0001")
    config = ("--config", str(rig.folder))
    assert "gateway db upgrade" in rig.region.command("serve", *config, expect=1).stderr
    rig.region.command("db", "upgrade", *config)
    sink.start()
    rig.gateway.start()
    eventually(lambda: rig.inside.states() == {"delivered": 4}, "everything is delivered", 60)
    assert rig.gateway.stop() == 0
    sink.stop()
    assert len(sink.received()) == 4
    assert not invariants.disordered(sink.received())
