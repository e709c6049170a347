"""The tables of a store: one SQLite file per code system and version.

https://sqlite.org/withoutrowid.html. Everything is looked up by code, so codes are the keys.
"""

from __future__ import annotations

#: `application_id` of the file ("FTrm") and version of these tables.
APPLICATION = 0x4654726D
FORMAT = 2

#: Bits of concept.flags.
INACTIVE, ABSTRACT, HAS_PROPERTIES, HAS_DESIGNATIONS = 1, 2, 4, 8

TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE concept (
    code TEXT PRIMARY KEY, display TEXT NOT NULL, definition TEXT NOT NULL, flags INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE parent (
    child TEXT, parent TEXT, PRIMARY KEY (child, parent)
) WITHOUT ROWID;
CREATE TABLE property (
    code TEXT, name TEXT, value TEXT, PRIMARY KEY (code, name, value)
) WITHOUT ROWID;
CREATE TABLE designation (
    code TEXT NOT NULL, value TEXT NOT NULL, language TEXT NOT NULL, use TEXT NOT NULL
);
-- Reference sets of SNOMED CT, answer lists of LOINC.
CREATE TABLE member (
    name TEXT, code TEXT, PRIMARY KEY (name, code)
) WITHOUT ROWID;
-- Filled where the case of codes is free.
CREATE TABLE folded (folded TEXT PRIMARY KEY, code TEXT NOT NULL) WITHOUT ROWID;
"""
#: Made when everything is in: sorting once is cheaper than keeping sorted.
INDEXES = """
CREATE INDEX parent_parent ON parent (parent, child);
CREATE INDEX designation_code ON designation (code);
"""
#: What follows from the rest: displays, and whether there is more to read for a concept.
FINISH = """
UPDATE concept SET display = coalesce((
    SELECT value FROM designation AS d WHERE d.code = concept.code
    ORDER BY d.use = 'preferred' DESC, d.use = 'fsn' DESC, d.rowid LIMIT 1
), '') WHERE display = '';
UPDATE concept SET flags = flags | 4
    WHERE EXISTS (SELECT 1 FROM property AS p WHERE p.code = concept.code);
UPDATE concept SET flags = flags | 8
    WHERE EXISTS (SELECT 1 FROM designation AS d WHERE d.code = concept.code);
"""
