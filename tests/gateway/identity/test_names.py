from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.names import compatible_names


@dataclass(frozen=True)
class Name:
    family: str
    given: str = "Änne"
    birth_family: str = ""


SAME = [
    (Name("Müller"), Name("Mueller", "Aenne")),
    (Name("Müller"), Name("Muller", "Anne")),
    (Name("Weiß"), Name("WEISS", "ÄNNE")),
    (Name("von Töpfer-Weiß"), Name("Töpfer-Weiß")),
    (Name("von Töpfer-Weiß"), Name("Toepfer")),
    (Name("Töpfer-Weiß"), Name("Weiß-Töpfer")),
    (Name("Graf von Berg"), Name("Berg")),
    (Name("Graf"), Name("Graf-Huber")),
    (Name("van der Meer"), Name("vandermeer")),
    (Name("D'Angelo"), Name("DAngelo")),
    (Name("Meyer"), Name("Maier")),
    (Name("Schmidt"), Name("Schmitt")),
    (Name("Huber", birth_family="Weiß"), Name("Weiß")),
    (Name("Huber", birth_family="Weiß"), Name("Weiss-Huber")),
    (Name("Weiß", "Hans-Peter"), Name("Weiß", "Hans Peter")),
    (Name("Weiß", "Hans-Peter"), Name("Weiß", "Hanspeter")),
    (Name("Weiß", "Hans-Peter"), Name("Weiß", "Hans")),
    (Name("Weiß", "Anna Maria Luise"), Name("Weiß", "Anna Maria")),
    (Name("Weiß", "Philipp"), Name("Weiß", "Filip")),
]
TWINS = [
    (Name("Weiß", "Anna"), Name("Weiß", "Lena")),
    (Name("Weiß", "Christian"), Name("Weiß", "Christina")),
    (Name("Weiß", "Jan"), Name("Weiß", "Jana")),
    (Name("Weiß", "Tim"), Name("Weiß", "Tom")),
    (Name("Weiß", "Anna Maria"), Name("Weiß", "Anna Sophie")),
    (Name("Weiß", "Maria Anna"), Name("Weiß", "Anna")),
    (Name("Weiß", "Marie"), Name("Weiß", "Maria")),
    (Name("Weiß", "J."), Name("Weiß", "Johannes")),
]
OTHERS = [
    (Name("Müller"), Name("Schmidt")),
    (Name("Müller-Schmidt"), Name("Müller-Weber")),
    (Name("von Berg"), Name("von Stein")),
    (Name("Freiherr von Berg"), Name("Freiherr von Stein")),
    (Name("Ehe"), Name("Aue")),
    (Name("Weiß", ""), Name("Weiß", "Anna")),
    (Name("", "Anna"), Name("", "Anna")),
    (Name("von", "Anna"), Name("zu", "Anna")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_and_changes_of_one_name_are_compatible(one, other):
    assert compatible_names(one, other)
    assert compatible_names(other, one)


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_twins_are_not_compatible(one, other):
    assert not compatible_names(one, other)
    assert not compatible_names(other, one)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_names_are_not_compatible(one, other):
    assert not compatible_names(one, other)
    assert not compatible_names(other, one)


words = st.text("aäbß -'von", max_size=10)
names = st.builds(Name, words, words, words)


@given(names, names)
def test_compatibility_does_not_depend_on_the_order(one, other):
    assert compatible_names(one, other) == compatible_names(other, one)
