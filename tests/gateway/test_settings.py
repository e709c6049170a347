"""Settings: forms, defaults, secrets, errors."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.domain.time import SECOND
from gateway.settings import TABLES, Settings, find, load_settings, size, span
from profiles.issue import NotConformant


def _write(folder, text):
    (folder / "gateway.toml").write_text(text, encoding="utf-8")
    return folder


def test_an_empty_file_gives_the_defaults(tmp_path):
    settings = load_settings(_write(tmp_path, ""))

    assert settings == Settings(folder=tmp_path)
    assert settings.http.listen == "127.0.0.1:8080"
    assert settings.store_url == f"sqlite:///{tmp_path}/gateway.db"


def test_durations_and_sizes_are_written_with_units(tmp_path):
    settings = load_settings(
        _write(tmp_path, '[http]\nmax_body = "50MB"\nheader_timeout = "500ms"\n')
    )

    assert settings.http.max_body == 50_000_000
    assert settings.http.header_timeout == SECOND // 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[htp]\nlisten = 'x'", "gateway.toml: unknown key 'htp'; did you mean 'http'?"),
        ("[http]\nlisten = 8080", "gateway.toml [http]: listen must be a text"),
        (
            "[http]\nmax_body = 20",
            'gateway.toml [http]: max_body must be a size in quotes, such as "16kB" or "20MB"',
        ),
        ("[security]\nauthentication = 'tokens'", "nearest: 'token'"),
        ("[http\n", "gateway.toml is not valid TOML"),
    ],
)
def test_a_fault_is_one_sentence_that_names_the_place(tmp_path, text, expected):
    with pytest.raises(NotConformant) as caught:
        load_settings(_write(tmp_path, text))

    assert expected in caught.value.text


def test_the_configuration_is_found_by_option_by_folder_by_environment_and_here(
    tmp_path, monkeypatch
):
    file = _write(tmp_path, "") / "gateway.toml"
    monkeypatch.chdir(tmp_path)

    assert find(file) == file
    assert find(tmp_path) == file
    assert find().resolve() == file.resolve()
    monkeypatch.chdir("/")
    monkeypatch.setenv("GATEWAY_CONFIG", str(tmp_path))
    assert find() == file
    monkeypatch.delenv("GATEWAY_CONFIG")
    with pytest.raises(NotConformant, match="gateway init"):
        find()


def test_the_database_password_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    url = 'url = "postgresql+psycopg://gateway@db/gateway"'
    (tmp_path / "pw").write_text("s/e c\n", encoding="utf-8")
    (tmp_path / "pw").chmod(0o400)
    by_file = load_settings(_write(tmp_path, f'[store]\n{url}\npassword_file = "pw"\n'))
    assert by_file.store_url == "postgresql+psycopg://gateway:s%2Fe%20c@db/gateway"
    assert "s/e c" not in repr(by_file)

    monkeypatch.setenv("DB_PASSWORD", "x")
    by_name = load_settings(_write(tmp_path, f'[store]\n{url}\npassword_env = "DB_PASSWORD"\n'))
    assert by_name.store_url == "postgresql+psycopg://gateway:x@db/gateway"


def test_a_password_file_others_can_read_is_refused(tmp_path):
    (tmp_path / "pw").write_text("s", encoding="utf-8")
    (tmp_path / "pw").chmod(0o644)
    settings = load_settings(
        _write(tmp_path, '[store]\nurl = "postgresql://g@db/g"\npassword_file = "pw"\n')
    )

    with pytest.raises(NotConformant, match="chmod 0400 it"):
        _ = settings.store_url


@pytest.mark.parametrize("bad", ["", "5", "5 light-years", 5, None, True])
def test_other_forms_of_durations_and_sizes_are_refused(bad):
    for read in (size, span):
        with pytest.raises(ValueError, match=r"such as|number and a unit"):
            read(bad)


def test_every_setting_has_a_sentence():
    from gateway.configuration.reference import sentences

    for table, kind in TABLES.items():
        for name, sentence in sentences(kind).items():
            assert sentence.endswith("."), f"{table}.{name}"
        assert set(sentences(kind)) == {item.name for item in dataclasses.fields(kind)}
