"""Characters a partner does not have are refused or written otherwise, and then reported."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.dialect import Outgoing
from mappers.hl7v2.tokenizer import leaf, tokenize
from mappers.hl7v2.write import Encoded
from profiles.issue import NotConformant
from profiles.reading.charset import codec_of
from tests.mappers.hl7v2.write.builders import bundle, context, patient, write

LENIENT = context(outgoing=Outgoing(missing_characters="transliterate"))


def named(family: str, charset: str) -> Encoded:
    return write(bundle(patient(name=[{"family": family, "given": ["Anne"]}])), charset, LENIENT)


def family_of(written: Encoded, charset: str) -> str | None:
    # Read strictly as declared: our own reader mends what looks like another character set.
    text = written.data.decode(codec_of(charset) or "ascii")
    segment = tokenize(text.replace(charset, "UNICODE UTF-8").encode()).get("PID")
    assert segment is not None
    return leaf(segment.repetitions(5)[0], 1)


@pytest.mark.parametrize(
    ("family", "charset", "written"),
    [
        ("Wałęsa", "8859/1", "Walesa"),
        ("Dvořák", "8859/1", "Dvorák"),
        ("Đorđević", "8859/15", "Dordevic"),
        ("Weiß-Müller", "ASCII", "Weiss-Mueller"),
        ("Ørsted", "ASCII", "OErsted"),
        ("O’Neill", "8859/1", "O'Neill"),
        ("Nguyễn", "8859/15", "Nguyên"),
        ("Şahin – Yılmaz", "8859/1", "Sahin - Yilmaz"),
    ],
)
def test_missing_letters_are_written_with_those_there_are(
    family: str, charset: str, written: str
) -> None:
    found = named(family, charset)
    assert family_of(found, charset) == written
    assert found.left_out == ("Patient/p1.name[0].family",)


@pytest.mark.parametrize(("family", "charset"), [("Œuvre", "8859/15"), ("Weiß", "8859/1")])
def test_what_the_partner_has_is_written_as_it_is(family: str, charset: str) -> None:
    found = named(family, charset)
    assert family_of(found, charset) == family
    assert found.left_out == ()


@pytest.mark.parametrize("family", ["Иванов", "山田", "10⁹", "½", "A😀"])
def test_what_no_table_knows_is_refused_and_never_guessed(family: str) -> None:
    with pytest.raises(NotConformant):
        named(family, "ASCII")


def test_nothing_is_rewritten_unless_the_partner_agreed() -> None:
    with pytest.raises(NotConformant):
        write(bundle(patient(name=[{"family": "Wałęsa"}])), "8859/1")


def test_no_error_repeats_what_it_could_not_write() -> None:
    with pytest.raises(NotConformant) as refused:
        named("Иванов", "ASCII")
    assert "Иванов" not in str(refused.value)


@settings(max_examples=60)
@given(
    st.text(st.characters(codec="utf-8", categories=("L", "M", "P")), min_size=1, max_size=8),
    st.sampled_from(["ASCII", "8859/1", "8859/15", "8859/2", "UNICODE UTF-8"]),
)
def test_what_is_not_exactly_there_is_reported(family: str, charset: str) -> None:
    try:
        found = named(family, charset)
    except NotConformant:
        return
    exact = family_of(found, charset) == family
    assert exact == ("Patient/p1.name[0].family" not in found.left_out)
    assert "?" not in (family_of(found, charset) or "") or "?" in family
