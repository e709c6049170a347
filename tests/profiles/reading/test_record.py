"""What `read_record` promises about configuration files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.issue import Issue, NotConformant
from profiles.reading.record import Place, Spelling, read_record

PLACE = Place("gateway.toml", "http")


def _seconds(value: Any) -> int:
    if not isinstance(value, str) or not value.endswith("s") or not value[:-1].isdigit():
        raise ValueError("a duration such as 5s")
    return int(value[:-1])


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Tls:
    certificate: Path
    strict: bool = True


@dataclass(frozen=True, slots=True)
class Http:
    listen: str
    limit: int = 5
    share: float = 0.5
    timeout: Annotated[int, _seconds] = 10
    mode: Literal["token", "mtls"] = "token"
    colour: Colour = Colour.RED
    tls: Tls | None = None
    peers: tuple[str, ...] = ()
    pair: tuple[str, str] = ("", "")
    more: tuple[Tls, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def _problems(mapping: dict[str, Any], spelling: Spelling = Spelling()) -> list[str]:  # noqa: B008
    with pytest.raises(NotConformant) as caught:
        read_record(Http, mapping, PLACE, spelling)
    return [issue.text for issue in caught.value.issues]


def test_every_kind_of_field_is_read() -> None:
    read = read_record(
        Http,
        {
            "listen": "127.0.0.1:1",
            "limit": 7,
            "share": 1,
            "timeout": "15s",
            "mode": "mtls",
            "colour": "blue",
            "tls": {"certificate": "a.pem", "strict": False},
            "peers": ["10.0.0.0/8"],
            "pair": ["A", "B"],
            "more": [{"certificate": "b.pem"}],
            "extra": {"x": 1},
        },
        PLACE,
    )

    assert read == Http(
        listen="127.0.0.1:1",
        limit=7,
        share=1.0,
        timeout=15,
        mode="mtls",
        colour=Colour.BLUE,
        tls=Tls(Path("a.pem"), strict=False),
        peers=("10.0.0.0/8",),
        pair=("A", "B"),
        more=(Tls(Path("b.pem")),),
        extra={"x": 1},
    )


def test_an_unknown_key_names_file_table_and_the_nearest_known_key() -> None:
    assert _problems({"lisen": "x", "listen": "y"}) == [
        "gateway.toml [http]: unknown key 'lisen'; did you mean 'listen'?"
    ]


def test_a_nested_unknown_key_names_its_table() -> None:
    assert _problems({"listen": "x", "tls": {"certificate": "c", "strikt": True}}) == [
        "gateway.toml [http.tls]: unknown key 'strikt'; did you mean 'strict'?"
    ]


def test_all_faults_are_reported_at_once() -> None:
    problems = _problems({"limit": "many", "timeout": 3, "mode": "tokn"})

    assert problems == [
        "gateway.toml [http]: the key 'listen' is missing",
        "gateway.toml [http]: limit must be a whole number",
        "gateway.toml [http]: timeout must be a duration such as 5s",
        "gateway.toml [http]: mode must be one of token, mtls (nearest: 'token')",
    ]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("limit", True, "limit must be a whole number"),
        ("share", "x", "share must be a number"),
        ("colour", "green", "colour must be one of red, blue (nearest: 'red')"),
        ("tls", "file", "tls must be a table"),
        ("peers", "10.0.0.1", "peers must be a list"),
        ("pair", ["A"], "pair must be a list of 2"),
        ("extra", [], "extra must be a table"),
    ],
)
def test_a_value_of_the_wrong_kind_says_what_is_expected(
    key: str, value: Any, expected: str
) -> None:
    assert _problems({"listen": "x", key: value}) == [f"gateway.toml [http]: {expected}"]


def test_files_may_use_another_key_and_another_written_form() -> None:
    spelling = Spelling(keys={(Http, "listen"): "bind"}, reads={(Http, "limit"): _seconds})

    read = read_record(Http, {"bind": "x", "limit": "9s"}, PLACE, spelling)

    assert (read.listen, read.limit) == ("x", 9)
    assert "did you mean 'bind'" in _problems({"bind": "x", "bnd": 1}, spelling)[0]


@given(
    st.dictionaries(
        st.sampled_from(["listen", "limit", "tls", "peers", "pair", "mode", "extra", "zzz"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.text(max_size=3), inner, max_size=2)
            ),
            max_leaves=4,
        ),
    )
)
def test_any_mapping_is_read_or_refused_with_issues(mapping: dict[str, Any]) -> None:
    issues: tuple[Issue, ...] = ()
    try:
        read_record(Http, mapping, PLACE)
    except NotConformant as error:
        issues = error.issues

    assert all(issue.text.startswith("gateway.toml [http") for issue in issues)
