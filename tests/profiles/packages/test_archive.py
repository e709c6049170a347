"""Archives from strangers: what is sound is read, everything else is one clear error."""

import contextlib
import gzip
import io
import json
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.issue import NotConformant
from profiles.packages import open_package
from profiles.packages.archive import ArchiveLimits, read_archive

MANIFEST = {"name": "de.harz.basis", "version": "1.0.0"}
SMALL = ArchiveLimits(size=50_000, expanded=200_000, ratio=20, ratio_from=50_000, entries=20,
                      file=60_000, read=100_000)  # fmt: skip


def refusal(data, limits=SMALL):
    with pytest.raises(NotConformant) as caught:
        read_archive(data, "harz.tgz", limits)
    (issue,) = caught.value.issues
    assert issue.text.startswith("harz.tgz: ")
    return issue


def test_only_files_directly_in_the_package_folder_are_read(pack):
    data = pack(
        {
            "package/package.json": MANIFEST,
            "./package/ValueSet-a.json": {"resourceType": "ValueSet"},
            "package/example/Patient-b.json": {"resourceType": "Patient"},
            "package/xml/ValueSet-a.xml": b"<ValueSet/>",
            "package/README.md": b"Lies mich",
            "other/ValueSet-c.json": {"resourceType": "ValueSet"},
        }
    )

    assert sorted(read_archive(data, "harz.tgz")) == ["ValueSet-a.json", "package.json"]


@pytest.mark.parametrize(
    "path",
    ["../evil.json", "package/../../evil.json", "/etc/cron.d/evil", "package\\..\\evil.json"],
)
def test_a_path_that_leads_out_is_refused(pack, path):
    issue = refusal(pack({"package/package.json": MANIFEST, path: b"{}"}))

    assert issue.text.endswith("has a path that leads out of it")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"3"])
def test_links_and_devices_are_refused(pack, kind):
    member = tarfile.TarInfo("package/ValueSet-a.json")
    member.type = kind
    member.linkname = "/etc/passwd"

    assert "links or devices" in refusal(pack({"x": member})).text


def test_a_file_that_stands_twice_is_refused():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for text in (b"{}", b"[]"):
            member = tarfile.TarInfo("package/package.json")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))

    assert refusal(gzip.compress(buffer.getvalue())).text.endswith("has a file twice")


@pytest.mark.parametrize(
    "files",
    [
        {f"package/{number}.json": b"{}" for number in range(30)},
        {"package/bomb.json": b" " * 150_000},
        {"package/a.json": bytes(range(256)) * 150, "package/b.json": b"x" * 70_000},
        {"elsewhere/bomb.bin": b"\0" * 150_000},
    ],
    ids=["many", "ratio", "file", "unread"],
)
def test_what_is_too_big_is_refused_as_too_costly(pack, files):
    assert refusal(pack(files)).code == "too-costly"


def test_a_long_archive_is_not_even_unpacked():
    assert refusal(b"\x1f\x8b" + b"x" * 60_000).code == "too-costly"


def test_a_header_that_announces_too_much_is_refused(pack):
    data = bytearray(gzip.decompress(pack({"package/a.json": b"{}"})))
    data[124:136] = b"77777777777\0"
    data[148:156] = b"        "
    data[148:156] = f"{sum(data[:512]):06o}\0 ".encode()

    assert refusal(gzip.compress(bytes(data))).code == "too-costly"


def test_a_broken_archive_is_refused(pack):
    sound = pack({"package/package.json": MANIFEST, "package/a.json": b"x" * 2000})

    for data in (
        sound[: len(sound) // 2],
        sound[:-4] + b"\0\0\0\0",
        gzip.compress(b"no tar at all" * 100),
        gzip.compress(gzip.decompress(sound)[:700]),
        b"\x1f\x8b\x08 nothing",
    ):
        assert "no sound .tgz archive" in refusal(data).text


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_anywhere_gives_files_or_one_error(data):
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        member = tarfile.TarInfo("package/package.json")
        text = json.dumps(MANIFEST).encode()
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    plain = bytearray(whole.getvalue()[:1536])
    for _ in range(data.draw(st.integers(1, 4))):
        plain[data.draw(st.integers(0, len(plain) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(NotConformant):
        files = read_archive(gzip.compress(bytes(plain)), "harz.tgz", SMALL)
        assert set(files) <= {"package.json"} or len(files) == 1


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'{"resourceType": "ValueSet", "id": "a", "id": "b"}', "same name twice"),
        (b'{"resourceType": "ValueSet", "name": "M\xfcller"}', "not valid UTF-8"),
        (b'{"resourceType": "ValueSet", ', "brackets do not match"),
        (b'{"resourceType": "ValueSet", "x": ' + b"[" * 99 + b"]" * 99 + b"}", "too deeply"),
    ],
)
def test_a_bad_resource_is_named_with_its_package(pack, tmp_path, content, text):
    path = tmp_path / "harz.tgz"
    path.write_bytes(pack({"package/package.json": MANIFEST, "package/ValueSet-a.json": content}))

    for cache in (None, tmp_path / "cache"):
        with pytest.raises(NotConformant) as caught:
            open_package(path, cache_folder=cache)
        assert "harz.tgz: ValueSet-a.json: " in caught.value.text
        assert text in caught.value.text
        assert len(caught.value.issues) == 1


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"name": "../../evil", "version": "1.0.0"},
        {"name": "de.harz", "version": "1/0"},
        {"name": "de.harz", "version": 1},
        {"name": "de.harz", "version": "1.0.0", "dependencies": ["de.basis"]},
        {"name": "de.harz", "version": "1.0.0", "dependencies": {"de.basis": 1}},
        [],
    ],
)
def test_a_manifest_that_says_nothing_usable_is_refused(pack, tmp_path, manifest):
    path = tmp_path / "harz.tgz"
    path.write_bytes(pack({"package/package.json": manifest}))

    with pytest.raises(NotConformant, match=r"harz\.tgz: package\.json"):
        open_package(path)


def test_an_archive_without_manifest_is_refused(pack, tmp_path):
    path = tmp_path / "harz.tgz"
    path.write_bytes(pack({"package/ValueSet-a.json": b"{}"}))

    with pytest.raises(NotConformant, match=r"there is no package\.json"):
        open_package(path)
