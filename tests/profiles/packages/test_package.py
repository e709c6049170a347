"""Opening packages: from archives, folders and single files, with and without a cache."""

import json

import pytest

from profiles.issue import NotConformant
from profiles.packages import open_package


def value_set(name, **members):
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"https://harz.example/fhir/ValueSet/{name}",
        "version": "1.0.0",
        "description": "Prosa, die niemand prüft",
        **members,
    }


ROWS = [
    {
        "filename": f"ValueSet-{name}.json",
        "resourceType": "ValueSet",
        "id": name,
        "url": f"https://harz.example/fhir/ValueSet/{name}",
        "version": "1.0.0",
    }
    for name in ("Pflegegrad", "Stationen")
]
RESOURCES = [value_set("Pflegegrad"), value_set("Stationen")]


def names(package):
    return sorted(one.id for one in package.entries)


def test_a_package_says_what_it_is_and_gives_its_resources(package):
    opened = open_package(
        package(resources=RESOURCES, dependencies={"de.basisprofil.r4": "1.5.x"}, title="Harz")
    )

    assert opened.key == "de.harz.basis@1.0.0"
    assert opened.manifest.dependencies == {"de.basisprofil.r4": "1.5.x"}
    assert opened.manifest.fhir_versions == ("4.0.1",)
    assert names(opened) == ["Pflegegrad", "Stationen"]
    assert opened.resource(opened.entries[0])["url"].endswith("/Pflegegrad")
    assert "description" not in opened.resource(opened.entries[0])


def test_a_good_index_is_used_and_files_are_read_when_asked_for(pack, tmp_path):
    path = tmp_path / "harz.tgz"
    broken = json.dumps(value_set("Stationen")).encode() + b"]"
    path.write_bytes(
        pack(
            {
                "package/package.json": {"name": "de.harz.basis", "version": "1.0.0"},
                "package/.index.json": {"index-version": 2, "files": ROWS},
                "package/ValueSet-Pflegegrad.json": value_set("Pflegegrad"),
                "package/ValueSet-Stationen.json": broken,
            }
        )
    )

    opened = open_package(path)

    assert names(opened) == ["Pflegegrad", "Stationen"]
    pflegegrad, stationen = opened.entries
    assert opened.resource(pflegegrad)["id"] == "Pflegegrad"
    with pytest.raises(NotConformant, match="ValueSet-Stationen"):
        opened.resource(stationen)


@pytest.mark.parametrize(
    "index",
    [
        None,
        [],
        "no list",
        ROWS[:1],
        [*ROWS, {"filename": "ValueSet-Weg.json", "resourceType": "ValueSet"}],
        [ROWS[0], ROWS[0]],
        [ROWS[0], {**ROWS[1], "url": "https://harz.example/fhir/ValueSet/Andere"}],
        [ROWS[0], {"filename": 5}],
    ],
)
def test_a_missing_or_wrong_index_is_made_anew(package, index):
    opened = open_package(package(resources=RESOURCES, index=index))

    assert [one.url.rpartition("/")[2] for one in opened.entries] == ["Pflegegrad", "Stationen"]


def test_a_cache_gives_the_same_package(package, tmp_path):
    path = package(resources=RESOURCES)
    plain = open_package(path)

    for _ in range(2):
        cached = open_package(path, cache_folder=tmp_path / "cache")
        assert cached.manifest == plain.manifest
        assert cached.entries == plain.entries
        assert cached.sha256 == plain.sha256
        for entry in plain.entries:
            assert cached.resource(entry) == plain.resource(entry)
    assert [one.name for one in (tmp_path / "cache").iterdir()] == [f"{plain.sha256}.package"]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other", "format", "folder"])
def test_a_damaged_cache_is_made_anew(package, tmp_path, damage):
    path = package(resources=RESOURCES)
    cache = tmp_path / "cache"
    opened = open_package(path, cache_folder=cache)
    file = cache / f"{opened.sha256}.package"
    good = file.read_bytes()
    bad = {
        "cut": good[:-20],
        "flip": good[:-5] + bytes([good[-5] ^ 1]) + good[-4:],
        "empty": b"",
        "other": b"compiled FHIR package 1 " + b"0" * 64 + b"\n{}\n",
        "format": good.replace(b"package 1", b"package 0", 1),
    }
    if damage == "folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(bad[damage])

    again = open_package(path, cache_folder=cache)

    assert [again.resource(one)["id"] for one in again.entries] == ["Pflegegrad", "Stationen"]
    if damage != "folder":
        assert file.read_bytes() == good


def test_a_cache_folder_that_cannot_be_made_costs_nothing(package, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    opened = open_package(package(resources=RESOURCES), cache_folder=tmp_path / "file" / "cache")

    assert names(opened) == ["Pflegegrad", "Stationen"]


def test_a_cache_belongs_to_the_archive_it_was_made_from(package, tmp_path):
    path = package(resources=RESOURCES[:1])
    open_package(path, cache_folder=tmp_path / "cache")
    path = package(resources=RESOURCES)

    assert len(open_package(path, cache_folder=tmp_path / "cache").entries) == 2


def test_decimals_keep_their_literal_through_the_cache(package, tmp_path):
    structure = {
        "resourceType": "StructureDefinition",
        "id": "Temperatur",
        "url": "https://harz.example/fhir/StructureDefinition/Temperatur",
        "differential": {"element": [{"path": "Quantity.value", "fixedDecimal": "DECIMAL"}]},
    }
    path = package(resources=[structure])
    data = path.read_bytes()
    import gzip

    path.write_bytes(gzip.compress(gzip.decompress(data).replace(b'"DECIMAL"', b"36.50    ")))
    for _ in range(2):
        opened = open_package(path, cache_folder=tmp_path / "cache")
        (element,) = opened.resource(opened.entries[0])["differential"]["element"]
        assert str(element["fixedDecimal"]) == "36.50"


def test_a_folder_laid_out_like_a_package_is_one(tmp_path):
    for folder in (tmp_path / "flat", tmp_path / "npm" / "package"):
        folder.mkdir(parents=True)
        manifest = {"name": "de.harz.basis", "version": "1.0.0"}
        (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
        for one in RESOURCES:
            (folder / f"ValueSet-{one['id']}.json").write_text(json.dumps(one), encoding="utf-8")

    flat, npm = open_package(tmp_path / "flat"), open_package(tmp_path / "npm")

    assert names(flat) == names(npm) == ["Pflegegrad", "Stationen"]
    assert flat.sha256 == npm.sha256


def test_a_folder_with_links_or_without_manifest_is_refused(tmp_path):
    folder = tmp_path / "harz"
    folder.mkdir()
    with pytest.raises(NotConformant, match=r"harz: there is no package\.json"):
        open_package(folder)
    (folder / "package.json").write_text('{"name": "de.harz", "version": "1"}', encoding="utf-8")
    (folder / "passwd.json").symlink_to("/etc/passwd")
    with pytest.raises(NotConformant, match="harz: the folder has links"):
        open_package(folder)


def test_a_single_resource_in_json_or_xml_is_a_package_of_its_own(tmp_path):
    as_json = tmp_path / "Pflegegrad.json"
    as_json.write_text(json.dumps(value_set("Pflegegrad")), encoding="utf-8")
    as_xml = tmp_path / "Stationen.xml"
    as_xml.write_text(
        '<?xml version="1.0"?><ValueSet xmlns="http://hl7.org/fhir"><id value="Stationen"/>'
        '<url value="https://harz.example/fhir/ValueSet/Stationen"/><version value="2.1"/>'
        '<status value="active"/><compose><include><system value="https://harz.example/s"/>'
        '<concept><code value="CH1"/><display value="Chirurgie Süd"/></concept>'
        "</include></compose></ValueSet>",
        encoding="utf-8",
    )

    first, second = open_package(as_json), open_package(as_xml)

    assert first.is_single
    assert names(first) == ["Pflegegrad"]
    assert second.manifest.version == "2.1"
    (include,) = second.resource(second.entries[0])["compose"]["include"]
    assert include["concept"] == [{"code": "CH1", "display": "Chirurgie Süd"}]


def test_what_is_no_package_is_said_so(tmp_path):
    (tmp_path / "notes.txt").write_text("Notizen", encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    for name in ("notes.txt", "list.json", "absent.tgz"):
        with pytest.raises(NotConformant, match=name):
            open_package(tmp_path / name)
