"""What an HL7 v2 partner is sent: the source's segments, or the message written as it wants it."""

from __future__ import annotations

import pytest

from gateway.pipeline.claim import claim
from mappers.hl7v2.header import read_header

KVNR = "A123456780"
OLD = {"outgoing": {"version": "2.3", "delimiters": "|^~\\&"}}


@pytest.fixture
def partner(world, build):
    """Let the practice be an HL7 v2 partner, with a form and a dialect of its own."""

    def use(form="", dialect=None):
        endpoint = build.outgoing(
            "praxis-out",
            "praxis",
            connection_type="hl7v2-mllp",
            address="mllp://127.0.0.1:2576",
            form=form,
            dialect="alt" if dialect else "",
            receiver=("PVS", "WEBER"),
        )
        changed = dict(build.region().endpoints) | {"praxis-out": endpoint}
        dialects = dict(build.region().dialects) | ({"alt": dialect} if dialect else {})
        policy = {"implicit": "permit-treatment"}
        world.use(build.region(endpoints=changed, dialects=dialects, policy=policy))

    return use


def sent(world, build, **message):
    world.record(build.message(kvnr=KVNR, **message))
    claimed = world.do(lambda tx: claim(tx, world.site, {"praxis-out": 9}))
    return claimed.ready[-1].payload


def lines(payload):
    return payload.decode().rstrip("\r").split("\r")


def test_a_partner_of_the_same_format_gets_the_source_s_own_segments(world, build, partner):
    partner()
    source = build.message(kvnr=KVNR, extra=("ZKH|was niemand kennt",))

    payload = sent(world, build, extra=("ZKH|was niemand kennt",))

    assert lines(payload)[1:] == lines(source)[1:]
    header = read_header(payload)
    assert (header.sending_application, header.receiving_application) == ("GATEWAY", "PVS")
    assert header.control_id != "M1"


def test_a_partner_that_says_how_it_wants_messages_gets_them_so(world, build, partner):
    partner(dialect=OLD)

    payload = sent(world, build, extra=("ZKH|was niemand kennt",))

    assert read_header(payload).version == "2.3"
    assert b"ZKH" not in payload
    assert lines(payload)[2].split("|")[5] == "Muster^Anna^^^^^L"


def test_an_endpoint_may_ask_for_the_original_all_the_same(world, build, partner):
    partner(form="original", dialect=OLD)

    assert read_header(sent(world, build)).version == "2.5"


@pytest.mark.parametrize("event", ["A01", "A08", "A03"])
def test_a_translated_message_tells_the_event_it_came_with(world, build, partner, event):
    partner(form="translated")

    assert read_header(sent(world, build, event=event)).trigger == event


@pytest.fixture
def van(tmp_path, monkeypatch):
    """Install a third party's connection type that carries any format."""
    (tmp_path / "van.py").write_text(
        "from gateway.endpoints import ConnectionType\n"
        "VAN = ConnectionType('van', {'out'}, '', {'out': ('format',)}, 'van:ride')\n"
    )
    info = tmp_path / "van-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: van\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[gateway.connection_types]\nvan = van:VAN\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("format_", "begins", "media_type"),
    [
        ("hl7v2", b"MSH|", "x-application/hl7-v2+er7"),
        ("fhir_r4", b'{"resourceType":"Bundle"', "application/fhir+json"),
    ],
)
def test_a_third_party_s_connection_type_is_sent_the_format_its_endpoint_speaks(
    world, build, van, format_, begins, media_type
):
    endpoint = build.outgoing("praxis-out", "praxis", connection_type="van", format=format_)
    policy = {"implicit": "permit-treatment"}
    changed = dict(build.region().endpoints) | {"praxis-out": endpoint}
    world.use(build.region(endpoints=changed, policy=policy))

    world.record(build.message(kvnr=KVNR))
    (ready,) = world.do(lambda tx: claim(tx, world.site, {"praxis-out": 9})).ready

    assert ready.payload.startswith(begins)
    assert ready.media_type == media_type
