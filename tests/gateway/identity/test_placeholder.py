from __future__ import annotations

import pytest

from gateway.identity.placeholder import Placeholders, is_placeholder


@pytest.mark.parametrize(
    ("family", "given"),
    [
        ("Unbekannt", "Unbekannt"),
        ("Unbekannt1", "männlich"),
        ("Müller", "Baby"),
        ("Müller", "Baby 2"),
        ("Baby Müller", "Anna"),
        ("Müller", "Mädchen"),
        ("Müller", "Neugeborenes"),
        ("Müller", "Zwilling A"),
        ("Müller", "Kind"),
        ("N.N.", "N.N."),
        ("NN", "Anna"),
        ("Notfall", "4711"),
        ("Test", "Anna"),
        ("Testpatient", "Anna"),
        ("TEST3", "Anna"),
        ("Müller", "Test Eins"),
        ("XXX", "Anna"),
        ("", "Anna"),
        ("Müller", ""),
        ("?", "-"),
    ],
)
def test_names_that_stand_for_nobody_are_recognised(family, given):
    assert is_placeholder(family, given)


@pytest.mark.parametrize(
    ("family", "given"),
    [
        ("Kind", "Anna"),
        ("Knabe", "Anna"),
        ("Junge", "Ricarda"),
        ("Testa", "Giulia"),
        ("Tester", "Anna"),
        ("Nguyen", "An"),
        ("von Töpfer-Weiß", "Änne"),
        ("Notheis", "Kindra"),
        ("Mustermann", "Erika"),
    ],
)
def test_real_names_are_not(family, given):
    assert not is_placeholder(family, given)


def test_a_region_sets_its_own_patterns():
    own = Placeholders(anywhere=("muster*",), given=(), family=("notaufnahme *",))
    assert is_placeholder("Mustermann", "Erika", own)
    assert is_placeholder("Notaufnahme 7", "Erika", own)
    assert not is_placeholder("Unbekannt", "Unbekannt", own)
