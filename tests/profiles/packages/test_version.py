"""Versions: their order, and what ranges mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.packages.version import best, is_prerelease, satisfies, sort_key

NUMBERS = st.integers(0, 30)
LABELS = st.sampled_from(["", "-alpha", "-beta.2", "-beta.11", "-rc1", "-ballot"])
VERSIONS = st.builds("{}.{}.{}{}".format, NUMBERS, NUMBERS, NUMBERS, LABELS)


def test_versions_are_ordered_as_semver_says():
    ordered = [
        "draft",
        "0.9.0",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.2.0",
        "1.10.0",
        "2025.0.1",
    ]
    assert [one for _, one in sorted((sort_key(one), one) for one in ordered)] == ordered


@pytest.mark.parametrize(
    ("wanted", "fitting", "others"),
    [
        ("1.5.x", ["1.5.0", "1.5.4"], ["1.4.9", "1.6.0", "2.5.0"]),
        ("1.x", ["1.0.0", "1.9.9"], ["2.0.0", "0.1.0"]),
        ("1.5", ["1.5.0", "1.5.4"], ["1.6.0"]),
        ("1.5.4", ["1.5.4"], ["1.5.5", "1.5.40"]),
        ("=1.5.4", ["1.5.4"], ["1.5.5"]),
        ("latest", ["0.0.1", "99.0.0"], []),
        ("*", ["0.0.1"], []),
        ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0", "1.2.2"]),
        ("^1.0.0-rc1", ["1.0.0", "1.2.0"], ["2.0.0", "0.9.0"]),
        (">=1.0.0-rc2", ["1.0.0-rc2", "1.0.0"], ["1.0.0-rc1"]),
        ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
        (">=1.2.0 <2.0.0", ["1.2.0", "1.99.0"], ["1.1.9", "2.0.0"]),
        (">= 1.2.0", ["1.2.0"], ["1.1.0"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        ("<=1.2", ["1.2.9"], ["1.3.0"]),
        ("1.2.0 - 1.4.0", ["1.2.0", "1.3.9", "1.4.0"], ["1.4.1", "1.1.9"]),
        ("1.0.0 || 2.0.x", ["1.0.0", "2.0.7"], ["1.0.1", "2.1.0"]),
        ("current$main", ["current$main"], ["1.0.0"]),
    ],
)
def test_a_range_takes_what_it_says(wanted, fitting, others):
    assert [one for one in [*fitting, *others] if satisfies(one, wanted)] == fitting


def test_the_newest_release_in_range_is_taken():
    versions = ["1.5.0", "1.5.10", "1.5.9", "1.6.0", "1.5.11-beta"]

    assert best(versions, "1.5.x") == "1.5.10"
    assert best(versions, "latest") == "1.6.0"
    assert best(versions, "1.5.11-beta") == "1.5.11-beta"
    assert best(["1.0.0-rc1"], "1.0.x") == "1.0.0-rc1"
    assert best(versions, "2.x") is None


@given(st.lists(VERSIONS, min_size=1, unique=True), st.integers(0, 30))
def test_best_fits_and_nothing_newer_does(versions, major):
    wanted = f"{major}.x"
    chosen = best(versions, wanted)
    fitting = [one for one in versions if satisfies(one, wanted)]

    assert (chosen is None) == (not fitting)
    if chosen is not None:
        assert chosen in fitting
        releases = [one for one in fitting if not is_prerelease(one)] or fitting
        assert all(sort_key(one) <= sort_key(chosen) for one in releases)


@given(VERSIONS, VERSIONS)
def test_comparators_agree_with_the_order(first, second):
    assert satisfies(first, f"<{second}") == (sort_key(first)[:3] < sort_key(second)[:3])
    assert satisfies(first, f">={second}") == (not satisfies(first, f"<{second}"))
    assert satisfies(first, first)


@given(st.text(max_size=30), st.text("0123456789.x*^~<>=|- v", max_size=30))
def test_no_text_makes_a_traceback(version, wanted):
    assert satisfies(version, wanted) in {True, False}
    assert satisfies(wanted, version) in {True, False}
    assert best([version, "1.0.0"], wanted) in {version, "1.0.0", None}


def test_absurd_numbers_are_no_versions():
    assert not satisfies("1.0.0", f"^{'9' * 5000}")
    assert best(["9" * 5000], "1.x") is None
