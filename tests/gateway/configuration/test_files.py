"""Folders: where tables, dialects, practitioners, consents and samples may stand."""

from __future__ import annotations

import pytest

from gateway.configuration import load, load_region
from gateway.configuration.practitioners import read_practitioners
from gateway.domain.region import Identifier, Practitioner
from gateway.domain.time import DAY
from profiles.issue import NotConformant


def test_the_tables_of_one_file_become_the_region(folder):
    region, problems = load_region(folder)

    assert problems == ()
    assert region.organizations["klinikum"].retain == 90 * DAY
    assert region.organizations["klinikum"].identifier[0].value == "260510007"
    assert region.endpoints["praxis-weber-fhir"].retry.first == 5_000_000
    assert region.routes["discharge-letters"].sources == ("klinikum-adt", "klinikum-http")
    assert region.practitioners[0].local == (Identifier("klinikum", "100001"),)
    assert region.policy["implicit"] == "deny"
    assert region.dialects["klinikum"]["charset"] == "8859/1"


def test_an_institution_may_have_a_file_of_its_own(folder):
    (folder / "organizations" / "agentur.toml").write_text(
        '[[organization]]\nid = "agentur"\nname = "Agentur"\nkind = "social-agency"\n'
        '[[endpoint]]\nid = "agentur"\norganization = "agentur"\n'
        'connection_type = "hl7-fhir-rest"\ndirection = "out"\n'
        'address = "https://agentur.example/fhir"\nidempotent = true\n',
        encoding="utf-8",
    )

    region, problems = load_region(folder)

    assert problems == ()
    assert region.endpoints["agentur"].organization == "agentur"


def test_a_file_with_other_tables_names_the_nearest(folder):
    (folder / "routes" / "x.toml").write_text("[[routes]]\n", encoding="utf-8")

    _, problems = load_region(folder)

    assert problems[0].text == "routes/x.toml: unknown key 'routes'; did you mean 'route'?"


def test_one_bracket_too_few_is_said(folder):
    (folder / "routes" / "x.toml").write_text('[route]\nid = "x"\n', encoding="utf-8")

    _, problems = load_region(folder)

    assert "two brackets" in problems[0].text


def test_files_named_in_endpoints_become_absolute(folder):
    text = (folder / "gateway.toml").read_text(encoding="utf-8")
    text += """
[[endpoint]]
id = "tls"
organization = "klinikum"
connection_type = "hl7v2-mllp"
direction = "in"
listen = "127.0.0.1:2576"
tls = { certificate = "certificates/server.pem", key = "certificates/server.key" }
"""
    (folder / "gateway.toml").write_text(text, encoding="utf-8")

    region, problems = load_region(folder)

    assert problems == ()
    assert region.endpoints["tls"].tls["key"] == str(folder / "certificates" / "server.key")


def test_consents_are_fhir_and_messages_belong_to_an_endpoint(folder):
    consents = folder / "consents" / "klinikum-http"
    consents.mkdir()
    (consents / "a.json").write_text('{"resourceType":"Consent"}', encoding="utf-8")
    (consents / "b.json").write_text('{"resourceType":"Patient"}', encoding="utf-8")
    (consents / "c.json").write_text('{"a":1,"a":2}', encoding="utf-8")
    bundle = '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Consent"}}]}'
    (consents / "d.json").write_text(bundle, encoding="utf-8")
    (folder / "consents" / "e.json").write_text("{}", encoding="utf-8")
    for name in ("nobody", "praxis-weber-fhir"):
        (folder / "samples" / name).mkdir()

    configuration = load(folder)

    assert [one.file for one in configuration.consents] == [
        "consents/klinikum-http/a.json",
        "consents/klinikum-http/d.json",
    ]
    assert [one.endpoint for one in configuration.samples] == ["klinikum-adt"]
    assert [issue.text for issue in configuration.problems] == [
        "consents/e.json: put it into a folder named like an endpoint",
        "consents/klinikum-http/b.json: there is no FHIR Consent in it",
        "consents/klinikum-http/c.json: an object has the same name twice",
        "samples/nobody: there is no endpoint of this name",
        "samples/praxis-weber-fhir: this is an outgoing endpoint",
    ]


def test_practitioners_come_as_csv_the_way_spreadsheets_write_it():
    data = (
        "\ufefforganization;lanr;bsnr;name;assigner;value\r\n"
        "praxis;123456601;;Dr. Müller;klinikum;100001\r\n"
        "praxis;123456601;;Dr. Müller;reha;7\r\n"
        ";;;;;\r\n"
        "mvz;;123456789;;;\r\n"
    )
    expected = [
        Practitioner(
            organization="praxis",
            lanr="123456601",
            name="Dr. Müller",
            local=(Identifier("klinikum", "100001"), Identifier("reha", "7")),
        ),
        Practitioner(organization="mvz", bsnr="123456789"),
    ]

    for encoded in (data.encode(), data.removeprefix("\ufeff").encode("cp1252")):
        assert read_practitioners(encoded, "p.csv") == (expected, [])
    commas = data.replace(";", ",").encode()
    assert read_practitioners(commas, "p.csv") == (expected, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("organization,lanar\n", "p.csv [columns]: unknown key 'lanar'; did you mean 'lanr'?"),
        ("organization,lanr\n,1\n", "p.csv line 2: organization is missing"),
        ("organization,lanr\na,1,2\n", "p.csv line 2: more values than columns"),
        ("organization,assigner,value\na,b,\n", "p.csv line 2: assigner and value belong together"),
        ('organization,lanr\n"a"b,1\n', "p.csv line 2: the quoting is broken"),
    ],
)
def test_a_fault_in_a_csv_names_its_line(text, expected):
    assert [issue.text for issue in read_practitioners(text.encode(), "p.csv")[1]] == [expected]


def test_a_folder_without_gateway_toml_is_an_error(tmp_path):
    with pytest.raises(NotConformant, match="no configuration"):
        load(tmp_path)


PROFILE_XML = """<HL7v2xConformanceProfile HL7Version="2.5">
 <HL7v2xStaticDef MsgType="ADT"><Segment Name="PV1" Usage="R"/></HL7v2xStaticDef>
</HL7v2xConformanceProfile>"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("kis.xml", PROFILE_XML),
        ("kis.toml", '[[rules]]\nplace = "PV1"\nusage = "R"\nmessages = ["ADT"]\n'),
        ("kis.toml", '[[profile.rules]]\nplace = "PV1"\nusage = "R"\nmessages = ["ADT"]\n'),
    ],
    ids=["xml", "toml", "as in a dialect"],
)
def test_a_message_profile_is_attached_to_an_endpoint_as_a_file(folder, name, content):
    (folder / name).write_text(content, encoding="utf-8")
    _attach(folder, f'{{ file = "{name}", action = "reject" }}')

    region, problems = load_region(folder)

    assert problems == ()
    assert region.endpoints["kis-neu"].message_profile == {
        "action": "reject",
        "rules": [{"place": "PV1", "usage": "R", "messages": ["ADT"]}],
    }
    assert not [one for one in load(folder).problems if "message_profile" in one.text]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ('{ file = "fehlt.xml" }', "fehlt.xml: there is no such file"),
        ('{ action = "shout" }', "message_profile: action is one of 'warn', 'reject'"),
    ],
)
def test_a_message_profile_that_cannot_be_read_is_a_finding(folder, stated, expected):
    _attach(folder, stated)

    assert [one.text for one in load(folder).problems if expected in one.text]


def _attach(folder, stated):
    with (folder / "gateway.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[[endpoint]]\nid = "kis-neu"\norganization = "klinikum"\ndirection = "in"\n'
            'connection_type = "hl7v2-mllp"\nlisten = "127.0.0.1:2599"\n'
            f"message_profile = {stated}\n"
        )
