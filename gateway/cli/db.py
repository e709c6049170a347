"""`gateway db …`: the database's schema, backups, and whether they can be restored."""

from __future__ import annotations

from gateway.cli.output import Config, Json, fail, show


def upgrade(config: Config = None, as_json: Json = False) -> None:
    """Make the tables, or bring them to this version."""
    from gateway.settings import load_settings
    from gateway.store import schema

    url = load_settings(config).store_url
    before = schema.status(url).present
    schema.upgrade(url)
    result = {"before": before, "now": schema.status(url).present}
    words = "Nothing to do." if before == result["now"] else f"Schema {result['now']} is in place."
    show(result, as_json=as_json, human=lambda out: out.print(words))


def status(config: Config = None, as_json: Json = False) -> None:
    """Say whether the tables are those of this version. Exit code 1: they are not."""
    from gateway.settings import load_settings
    from gateway.store import schema

    found = schema.status(load_settings(config).store_url)
    result = {"present": found.present, "wanted": found.wanted, "current": found.current}
    words = f"Schema {found.present or 'none'}; this version wants {found.wanted}."
    show(result, as_json=as_json, human=lambda out: out.print(words))
    if not found.current:
        fail("run `gateway db upgrade`")
