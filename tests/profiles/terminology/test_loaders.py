"""LOINC, SNOMED CT, KBV tables, Alpha-ID, PZN and plain tables; all content is invented."""

import sqlite3

import pytest

from profiles.issue import NotConformant, NotSupported, Unavailable
from profiles.packages import open_packages
from profiles.reading.table_stream import TableForm
from profiles.reading.where import Where
from profiles.terminology import Terminology, Wanted
from profiles.terminology.concept import Header
from profiles.terminology.expand import expand
from profiles.terminology.loaders import (
    ALPHA_ID,
    LOINC,
    PZN,
    SNOMED_CT,
    Columns,
    LoincFiles,
    alpha_id,
    key_table,
    key_tables,
    loinc,
    loinc_files,
    pzn_list,
    snomed_ct,
    table,
)
from profiles.terminology.store import (
    Catalogue,
    ConceptRow,
    DesignationRow,
    build_store,
    open_store,
)


def written(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def terminology(folder, *catalogues):
    stores = []
    for at, one in enumerate(catalogues):
        build_store(folder / f"{at}.db", one)
        stores.append(open_store(folder / f"{at}.db"))
    return Terminology(open_packages([]), stores=stores)


LOINC_TABLE = (
    '"LOINC_NUM","COMPONENT","PROPERTY","TIME_ASPCT","SYSTEM","SCALE_TYP","METHOD_TYP","CLASS",'
    '"STATUS","SHORTNAME","LONG_COMMON_NAME"\n'
    '"99901-1","Zwickel","MCnc","Pt","Ser","Qn","","CHEM","ACTIVE","Zwk Ser",'
    '"Zwickel [Mass/volume] in Serum"\n'
    '"99902-9","Zwackel","MCnc","Pt","Ser","Ord","","CHEM","DEPRECATED","",""\n'
)


def test_loinc_has_properties_and_german_names(tmp_path):
    files = LoincFiles(
        table=written(tmp_path, "Loinc.csv", LOINC_TABLE),
        variants={
            "de": written(
                tmp_path,
                "deDE15LinguisticVariant.csv",
                '"LOINC_NUM","COMPONENT","PROPERTY","LONG_COMMON_NAME"\n'
                '"99901-1","Zwickel","MCnc","Zwickel im Serum"\n',
            )
        },
    )
    found = terminology(tmp_path, loinc(files, version="9.99"))
    known = found.lookup(LOINC, "99901-1", language="de")
    assert (known.display, known.version) == ("Zwickel im Serum", "9.99")
    assert {one.code: one.value for one in known.properties}["SCALE_TYP"] == "Qn"
    assert found.lookup(LOINC, "99902-9").inactive
    assert found.lookup(LOINC, "99902-9").display == "Zwackel:MCnc:Pt:Ser:Ord"
    everything = "http://loinc.org/vs"
    assert found.member(everything, LOINC, "99901-1") is True
    assert found.member(everything, LOINC, "99909-4") is False
    assert found.member(everything, LOINC, "LA9999-1") is None
    below = found.validate_code("http://loinc.org/vs/LP99", system=LOINC, code="99901-1")
    assert (below.outcome, below.missing) == ("undecided", (LOINC,))
    ordinal = "http://hl7.org/fhir/ValueSet/observation-codes"
    assert found.member(ordinal, LOINC, "99901-1") is True


def test_loinc_is_complete_with_parts_and_answers(tmp_path):
    files = LoincFiles(
        table=written(tmp_path, "Loinc.csv", LOINC_TABLE),
        hierarchy=written(
            tmp_path,
            "h.csv",
            "PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT\n"
            ",1,,LP90,Labor\nLP90,1,LP90,LP99,Zwickel\nLP90.LP99,1,LP99,99901-1,Zwickel\n",
        ),
        answers=written(
            tmp_path,
            "a.csv",
            "AnswerListId,AnswerListName,AnswerStringId,DisplayText\nLL9,Antwort,LA9999-1,Ja\n",
        ),
    )
    found = terminology(tmp_path, loinc(files, version="9.99"))
    assert found.member("http://loinc.org/vs/LP90", LOINC, "99901-1") is True
    assert found.member("http://loinc.org/vs/LP90", LOINC, "99902-9") is False
    assert found.member("http://loinc.org/vs", LOINC, "LA9999-1") is True
    assert found.member("http://loinc.org/vs", LOINC, "LA0") is False


RELEASE = {
    "sct2_Concept_Snapshot_INT_20990101.txt": [
        "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId",
        "138875005\t20990101\t1\t900000000000207008\t900000000000074008",
        "999000011\t20990101\t1\t900000000000207008\t900000000000073002",
        "999000021\t20990101\t1\t900000000000207008\t900000000000074008",
        "999000031\t20990101\t0\t900000000000207008\t900000000000074008",
    ],
    "sct2_Description_Snapshot-en_INT_20990101.txt": [
        "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcase",
        '9990011\t20990101\t1\t0\t999000011\ten\t900000000000003001\tGnarl "x" (finding)\t0',
        "9990012\t20990101\t1\t0\t999000011\ten\t900000000000013009\tGnarl\t0",
        "9990013\t20990101\t1\t0\t999000011\ten\t900000000000013009\tKnurr\t0",
        "9990014\t20990101\t0\t0\t999000011\ten\t900000000000013009\tVeraltet\t0",
    ],
    "sct2_Relationship_Snapshot_INT_20990101.txt": [
        "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\tgroup\ttypeId\tc\tm",
        "9990021\t20990101\t1\t0\t999000011\t138875005\t0\t116680003\t0\t0",
        "9990022\t20990101\t1\t0\t999000021\t999000011\t0\t116680003\t0\t0",
        "9990023\t20990101\t0\t0\t999000021\t138875005\t0\t116680003\t0\t0",
        "9990024\t20990101\t1\t0\t999000031\t999000011\t0\t363698007\t0\t0",
    ],
    "der2_cRefset_LanguageSnapshot-en_INT_20990101.txt": [
        "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId",
        "x\t20990101\t1\t0\t900000000000509007\t9990013\t900000000000548007",
    ],
}


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "Snapshot" / "Terminology"
    folder.mkdir(parents=True)
    for name, lines in RELEASE.items():
        written(folder, name, "\r\n".join(lines) + "\r\n")
    return tmp_path


def test_snomed_ct_has_terms_and_transitive_subsumption(release):
    found = terminology(release, snomed_ct(release, version="20990101"))
    known = found.lookup(SNOMED_CT, "999000011")
    assert known.display == "Knurr"
    assert {one.value for one in known.designations} == {'Gnarl "x" (finding)', "Gnarl", "Knurr"}
    assert known.version == f"{SNOMED_CT}/900000000000207008/version/20990101"
    assert found.subsumption(SNOMED_CT, "138875005", "999000021").outcome == "subsumes"
    assert found.subsumption(SNOMED_CT, "999000021", "999000011").outcome == "subsumed-by"
    below = "http://snomed.info/sct?fhir_vs=isa/999000011"
    assert {one.code for one in found.expand(below).contains} == {"999000011", "999000021"}
    edition = f"{SNOMED_CT}/900000000000207008/version/20990101?fhir_vs"
    assert found.member(edition, SNOMED_CT, "999000021") is True
    assert found.member(f"{SNOMED_CT}/900000000000207008?fhir_vs", SNOMED_CT, "1") is False
    assert found.member(f"{SNOMED_CT}/11000274103?fhir_vs", SNOMED_CT, "999000021") is None
    assert found.member("http://snomed.info/sct?fhir_vs=refset/1", SNOMED_CT, "999000021") is None
    assert found.lookup(SNOMED_CT, "999000031").inactive


def test_reference_sets_of_snomed_ct_are_value_sets(release):
    rows = [
        "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId",
        "x\t20990101\t1\t0\t700043003\t999000021",
        "y\t20990101\t0\t0\t700043003\t999000011",
        "z\t20990101\t1\t0\t700043003\t9990013",
    ]
    name = "der2_Refset_SimpleSnapshot_DE1000274_20990101.txt"
    written(release / "Snapshot", name, "\r\n".join(rows) + "\r\n")
    found = terminology(release, snomed_ct(release))
    members = f"{SNOMED_CT}?fhir_vs=refset/700043003"
    assert found.member(members, SNOMED_CT, "999000021") is True
    assert found.member(members, SNOMED_CT, "999000011") is False
    assert [one.code for one in found.expand(members).contains] == ["999000021"]
    assert found.member(f"{SNOMED_CT}?fhir_vs=refset/999000011", SNOMED_CT, "999000021") is None


def test_a_filter_by_reference_set_is_undecided_without_it(tmp_path):
    listed = {"property": "concept", "op": "in", "value": "700043003"}
    value_set = {
        "resourceType": "ValueSet",
        "compose": {"include": [{"system": SNOMED_CT, "filter": [listed]}]},
    }
    compiled = Terminology(open_packages([])).compiled_resource(value_set)
    assert compiled.member(SNOMED_CT, "999000021") is None


def test_an_extension_lies_beside_the_international_release(release, tmp_path):
    header = RELEASE["sct2_Concept_Snapshot_INT_20990101.txt"][0]
    own = [header, "999000011\t20990201\t0\t11000274103\t900000000000074008"]
    own += ["999000041\t20990201\t1\t11000274103\t900000000000074008"]
    folder = release / "Snapshot" / "Terminology"
    written(folder, "sct2_Concept_Snapshot_DE1000274_20990201.txt", "\n".join(own) + "\n")
    found = terminology(release, snomed_ct(release, edition="11000274103"))
    assert found.lookup(SNOMED_CT, "999000041").version.endswith("11000274103/version/20990201")
    international = snomed_ct(release, version="20990301")
    both = terminology(tmp_path, international, snomed_ct(release, edition="11000274103"))
    assert both.lookup(SNOMED_CT, "999000041").version.endswith("11000274103/version/20990201")
    assert found.lookup(SNOMED_CT, "999000011").inactive
    assert not found.lookup(SNOMED_CT, "999000021").inactive


def test_an_incomplete_release_is_refused(release):
    (release / "Snapshot/Terminology/sct2_Relationship_Snapshot_INT_20990101.txt").unlink()
    with pytest.raises(NotConformant, match="sct2_Relationship_Snapshot"):
        snomed_ct(release, version="20990101")


KEYS = """<?xml version="1.0" encoding="ISO-8859-15"?>
<ehd:keytabs xmlns:ehd="urn:ehd/001" xmlns="urn:ehd/001">
<keytab S="S_KBV_ERFUNDEN" SV="1.02" DN="Erfundene Tabelle">
<key V="00" DN="keine Angabe"/><key V="01" DN="Zwölfte" gueltig="2020-01-01"/></keytab>
<keytab S="S_KBV_ANDERE" SV="1.00"><key V="9" DN="neun"/></keytab></ehd:keytabs>"""


def test_kbv_key_tables_are_read_one_by_one(tmp_path):
    path = written(tmp_path, "keytabs.xml", KEYS, "iso8859-15")
    assert key_tables(path) == [("S_KBV_ERFUNDEN", "1.02"), ("S_KBV_ANDERE", "1.00")]
    url = "https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_KBV_ERFUNDEN"
    found = terminology(tmp_path, key_table(path, url=url, table="S_KBV_ERFUNDEN"))
    known = found.lookup(url, "01")
    assert (known.display, known.version, known.properties[0].value) == (
        "Zwölfte",
        "1.02",
        "2020-01-01",
    )
    with pytest.raises(NotConformant, match="exactly one"):
        key_table(path, url=url)


def test_a_key_table_is_named_by_name_or_oid(tmp_path):
    text = KEYS.replace('S="S_KBV_ERFUNDEN"', 'S="1.2.276.0.76.3.1.1.5.2.999" SN="S_KBV_ERFUNDEN"')
    text = text.replace('<key V="01"', '<key S="1.2.276.0.76.3.1.1.5.2.999" SV="1.02" V="01"')
    path = written(tmp_path, "keytabs.xml", text, "iso8859-15")
    oid = "urn:oid:1.2.276.0.76.3.1.1.5.2.999"
    for name in ("S_KBV_ERFUNDEN", "1.2.276.0.76.3.1.1.5.2.999"):
        described = key_table(path, table=name)
        assert (described.header.url, described.header.name) == (oid, "S_KBV_ERFUNDEN")
    found = terminology(tmp_path, key_table(path, table="S_KBV_ERFUNDEN"))
    assert [one.code for one in found.lookup(oid, "01").properties] == ["gueltig"]
    with pytest.raises(NotConformant, match="there are: S_KBV_ANDERE, S_KBV_ERFUNDEN"):
        key_table(path, table="S_KBV_WEG")
    with pytest.raises(NotConformant, match="OID"):
        key_table(path, table="S_KBV_ANDERE")


def test_alpha_id_knows_its_diagnosis_codes(tmp_path):
    plain = written(
        tmp_path,
        "a.txt",
        "1|I99991|Q10.0+|Q11.0*|||Zwickelsyndrom mit Ohrensausen\n0|I99992|||||Alt\n",
    )
    found = terminology(tmp_path, alpha_id(plain, version="2025"))
    known = found.lookup(ALPHA_ID, "I99991")
    assert {one.code: one.value for one in known.properties} == {
        "primaryCode1": "Q10.0+",
        "starCode": "Q11.0*",
    }
    assert found.lookup(ALPHA_ID, "I99992").inactive
    rare = written(tmp_path, "b.txt", "1|I99991|Q10.0|||||999999|x\n".replace("|||||", "||||"))
    other = terminology(tmp_path, alpha_id(rare, version="2026"))
    assert {one.code for one in other.lookup(ALPHA_ID, "I99991").properties} == {
        "primaryCode1",
        "orphaCode",
    }


def test_pzn_lists_are_filled_and_checked(tmp_path):
    columns = Columns(code="PZN", display="Name", properties={"form": "Form"})
    text = "PZN;Name;Form\n1234562;Zwickelsalbe;SAL\n"
    form = TableForm(delimiter=";")
    good = written(tmp_path, "pzn.csv", text)
    found = terminology(tmp_path, pzn_list(good, columns, version="2025-01", form=form))
    assert found.lookup(PZN, "01234562").display == "Zwickelsalbe"
    bad = written(tmp_path, "bad.csv", text.replace("1234562", "1234563"))
    with pytest.raises(NotConformant, match=r"bad\.csv, line 2: the row"):
        build_store(tmp_path / "x.db", pzn_list(bad, columns, version="1", form=form))


def test_any_table_becomes_a_code_system(tmp_path):
    path = written(
        tmp_path,
        "t.csv",
        "\ufeffSchlüssel,Text,Oben,Aus,English\nA,Oberbegriff,,,\nB,Unterbegriff,A,ja,lower\n",
    )
    columns = Columns(
        code="Schlüssel",
        display="Text",
        parent="Oben",
        inactive="Aus",
        designations={"en": "English"},
    )
    header = Header(url="urn:tabelle", version="1", case_sensitive=False)
    found = terminology(tmp_path, table(path, header, columns))
    assert found.lookup("urn:tabelle", "b", language="en").display == "lower"
    assert found.lookup("urn:tabelle", "B").inactive
    assert found.subsumption("urn:tabelle", "A", "b").outcome == "subsumes"
    with pytest.raises(NotConformant, match=r"t\.csv, line 2: the table has no column Kode"):
        terminology(tmp_path, table(path, header, Columns(code="Kode")))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"code,code\n1,2\n", "first row"),
        (b"", "first row"),
        (b"code\n\xff\xfe\xff\n", "character set"),
        (b'code\n"a\n', "t.csv, line 2: the row cannot be read"),
        (b"code\n" + b"x" * 300 + b"\n", "code"),
        (b"code\n" + b"y" * 1_100_000 + b"\n", "too long"),
    ],
)
def test_hostile_tables_are_refused(tmp_path, data, says):
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    header = Header(url="urn:x")
    with pytest.raises(NotConformant, match=says):
        build_store(tmp_path / "t.db", table(path, header, Columns(code="code")))
    assert [one.name for one in tmp_path.iterdir()] == ["t.csv"]


def test_missing_files_are_named(tmp_path):
    for described in (
        lambda path: table(path, Header(url="urn:x"), Columns(code="c")).records(Where()),
        lambda path: iter(key_tables(path)),
    ):
        with pytest.raises(NotConformant, match="weg"):
            next(iter(described(tmp_path / "weg.csv")))


def test_a_failed_build_keeps_what_was_there(tmp_path):
    def records(_where):
        yield ConceptRow("a")
        raise NotConformant("kaputt")

    target = tmp_path / "t.db"
    build_store(target, Catalogue(Header(url="urn:x"), lambda _where: iter([ConceptRow("alt")])))
    with pytest.raises(NotConformant, match="kaputt"):
        build_store(target, Catalogue(Header(url="urn:x"), records))
    assert open_store(target).concept("alt") is not None
    assert [one.name for one in tmp_path.iterdir()] == ["t.db"]
    with pytest.raises(Unavailable):
        build_store(tmp_path / "nirgends" / "t.db", Catalogue(Header(url="urn:x"), records))


def test_progress_and_repeated_codes_are_reported(tmp_path):
    seen = []
    rows = [ConceptRow(str(at % 12_000)) for at in range(13_000)]
    built = build_store(
        tmp_path / "t.db", Catalogue(Header(url="urn:x"), lambda _where: iter(rows)), seen.append
    )
    assert (built.concepts, built.repeated) == (12_000, 1_000)
    assert seen == [5_000, 10_000, 13_000]


def test_what_is_no_store_is_refused(tmp_path):
    paths = [tmp_path / "weg.db", tmp_path / "text.db", tmp_path / "other.db"]
    paths[1].write_bytes(b"kein SQLite" * 1000)
    other = sqlite3.connect(paths[2])
    other.execute("CREATE TABLE about (name, value)")
    other.close()
    for path in paths:
        with pytest.raises(NotConformant, match="no terminology store"):
            open_store(path)


def test_a_store_is_never_written_to(tmp_path):
    target = tmp_path / "t.db"
    build_store(target, Catalogue(Header(url="urn:x"), lambda _where: iter([ConceptRow("a")])))
    before = (target.read_bytes(), target.stat().st_mtime_ns)
    store = open_store(target)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store._database.execute("DELETE FROM concept")
    store.close()
    assert (target.read_bytes(), target.stat().st_mtime_ns) == before


def test_a_large_store_is_asked_not_read(tmp_path):
    rows = [ConceptRow(f"{at:05}", f"Nummer {at}") for at in range(25_000)]
    header = Header(url="urn:gross", case_sensitive=True)
    found = terminology(tmp_path, Catalogue(header, lambda _where: iter(rows)))
    everything = "urn:gross?fhir_vs"
    assert found.member(everything, "urn:gross", "12345") is True
    assert found.member(everything, "urn:gross", "99999") is False
    assert found.compiled(everything).tables == {}
    with pytest.raises(NotConformant) as error:
        found.expand(everything)
    assert error.value.issues[0].code == "too-costly"
    page = found.expand(everything, offset=3, count=2)
    assert ([one.code for one in page.contains], page.total) == (["00003", "00004"], 25_000)
    with pytest.raises(NotSupported):
        found.lookup("urn:gross", "99999")


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("STRASSE", ["00001"]),
        ("äpfel", ["00002"]),
        ("50%", ["00003"]),
        ("50_", []),
        ("nummer 24999", ["24999"]),
        ("apple", ["00002"]),
        ("n u m e r 2 4 9 24999 nummer", ["24999"]),
    ],
)
def test_a_store_finds_words_as_people_write_them(tmp_path, words, codes):
    texts = {1: "Straße", 2: "Äpfel", 3: "50% Anteil"}
    rows = [ConceptRow(f"{at:05}", texts.get(at, f"Nummer {at}")) for at in range(25_000)]
    rows.append(DesignationRow("00002", "Apples", "en"))
    header = Header(url="urn:gross", case_sensitive=True)
    found = terminology(tmp_path, Catalogue(header, lambda _where: iter(rows)))
    page = found.expand("urn:gross?fhir_vs", filter=words, count=5)
    assert [one.code for one in page.contains] == codes
    assert page.total == len(codes)


ANSWERS = {
    "Loinc.csv": (
        "LOINC_NUM,COMPONENT,PROPERTY,TIME_ASPCT,SYSTEM,SCALE_TYP,METHOD_TYP,CLASS,STATUS,"
        "LONG_COMMON_NAME\n1-8,Knurr,Find,Pt,^Patient,Ord,,CLIN,ACTIVE,Knurr\n"
        "2-6,Gnarl,MCnc,Pt,Ser,Qn,,CHEM,ACTIVE,Gnarl\n"
    ),
    "AnswerList.csv": (
        "AnswerListId,AnswerListName,AnswerStringId,DisplayText\nLL1-9,Knurrarten,LA1-0,leise\n"
        "LL1-9,Knurrarten,LA2-8,laut\nLL2-7,Anderes,LA3-6,gar nicht\n"
    ),
    "ComponentHierarchyBySystem.csv": (
        "PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT\n,1,,LP1-0,Geräusche\n"
        "LP1-0,1,LP1-0,1-8,Knurr\n"
    ),
    "deDE15LinguisticVariant.csv": (
        "LOINC_NUM,COMPONENT,LinguisticVariantDisplayName\n1-8,Knurr,Knurren\n"
    ),
}


@pytest.fixture
def loinc_release(tmp_path):
    return [written(tmp_path, name, text) for name, text in ANSWERS.items()]


def test_a_loinc_release_is_told_apart_by_its_names(tmp_path, loinc_release):
    found = terminology(tmp_path, loinc(loinc_files(loinc_release), version="2.81"))
    assert found.lookup(LOINC, "1-8", language="de").display == "Knurren"
    answers = f"{LOINC}/vs/LL1-9"
    assert [one.code for one in found.expand(answers).contains] == ["LA1-0", "LA2-8"]
    assert found.member(answers, LOINC, "LA3-6") is False
    assert {one.code for one in found.expand(f"{LOINC}/vs/LP1-0").contains} == {"LP1-0", "1-8"}
    with pytest.raises(NotConformant, match="LoincPartLink"):
        loinc_files([tmp_path / "Loinc.csv", tmp_path / "LoincPartLink.csv"])
    with pytest.raises(NotConformant, match="is needed"):
        loinc_files(loinc_release[1:])


def test_what_is_there_of_a_fragment_is_listed_where_that_is_wanted(tmp_path, loinc_release):
    found = terminology(tmp_path, loinc(loinc_files(loinc_release[:1]), version="2.81"))
    with pytest.raises(NotSupported, match=LOINC):
        found.expand(f"{LOINC}/vs")
    part = found.expand(f"{LOINC}/vs", partial=True)
    assert ([one.code for one in part.contains], part.missing) == (["1-8", "2-6"], (LOINC,))
    (told,) = part.value_set("2026-01-01")["expansion"]["extension"]
    assert told["url"].endswith("valueset-unclosed")
    assert found.member(f"{LOINC}/vs/LL1-9", LOINC, "LA1-0") is None


def test_a_property_filter_reads_what_it_needs(tmp_path, loinc_release):
    files = loinc_files([loinc_release[0], *loinc_release[1:3]])
    found = terminology(tmp_path, loinc(files, version="2.81"))
    for filters, codes in {
        (("CLASS", "=", "CHEM"),): ["2-6"],
        (("CLASS", "in", "CHEM,CLIN"), ("STATUS", "=", "ACTIVE")): ["1-8", "2-6"],
        (("CLASS", "regex", "CH.*"),): ["2-6"],
        (("ancestor", "=", "LP1-0"),): ["1-8"],
        (("CLASS", "=", "CHEM"), ("SCALE_TYP", "=", "Ord")): [],
    }.items():
        listed = [dict(zip(("property", "op", "value"), one, strict=True)) for one in filters]
        value_set = {"url": "urn:x", "compose": {"include": [{"system": LOINC, "filter": listed}]}}
        compiled = found.compiled_resource(value_set)
        expansion = expand(found.sources, compiled, Wanted())
        assert [one.code for one in expansion.contains] == codes
        assert {code for code in ("1-8", "2-6") if compiled.member(LOINC, code)} == set(codes)
