"""Dialects are configuration: what is wrong with one is said at once."""

import pickle

import pytest

from mappers.dialect import Dialect
from profiles.issue import NotConformant


def test_a_dialect_is_built_from_its_table_and_travels_to_workers() -> None:
    dialect = Dialect.from_mapping(
        "klinikum",
        {
            "charset": "8859/15",
            "systems": {"1.2.3": "https://example.org/pid"},
            "general_practitioner": ["PV1-8"],
            "rows": [
                {"source": "ZPD-1", "resource": "Patient", "element": "extension", "url": "u"}
            ],
            "consent": {"place": "CON", "values": {"A": "permit"}, "purpose": ["TREAT"]},
        },
    )
    assert dialect.name == "klinikum"
    assert dialect.general_practitioner == ("PV1-8",)
    assert dialect.consent is not None
    assert dialect.consent.purpose == ("TREAT",)
    assert pickle.loads(pickle.dumps(dialect)) == dialect


@pytest.mark.parametrize(
    ("mapping", "hint"),
    [
        ({"charsett": "x"}, "charset"),
        ({"consent": {"plaze": "CON"}}, "place"),
        ({"rows": [{"sauce": "ZPD-1"}]}, "source"),
        ({"timezone": "Europe/Berlyn"}, "time zone"),
        ({"rows": [{"source": "ZPD-1"}]}, "missing"),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest_key(mapping: dict, hint: str) -> None:
    with pytest.raises(NotConformant, match=hint):
        Dialect.from_mapping("klinikum", mapping)


def test_the_german_dialect_is_shipped_and_the_base_of_every_other() -> None:
    german, own = Dialect.shipped(), Dialect.from_mapping("klinikum", {"charset": "8859/1"})
    assert (german.name, german.base, german.timezone) == ("de", "de", "Europe/Berlin")
    assert own.base == "de"
    assert own.general_practitioner == german.general_practitioner
    assert Dialect() == german
    assert Dialect.shipped("standard").base == "standard"
    with pytest.raises(NotConformant, match="base is one of de, standard"):
        Dialect.from_mapping("klinikum", {"base": "at"})
