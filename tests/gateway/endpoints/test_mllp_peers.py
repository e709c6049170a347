"""Who may send to an MLLP listener: certificates, networks, and how it is registered."""

from __future__ import annotations

import ssl
from contextlib import nullcontext, suppress

import pytest

from gateway.domain.region import Endpoint
from gateway.domain.transport import WireFault
from gateway.endpoints.mllp import MllpListener
from gateway.endpoints.mllp_frame import frame
from profiles.issue import NotConformant
from tests.gateway.endpoints.mllp_listening import (
    Intake,
    connected,
    context,
    listening,
    message,
    run,
    until,
)


def test_a_client_certificate_is_required_and_its_fingerprint_handed_on(authority, other_authority):
    async def main():
        intake = Intake()
        client = authority.issue("kis.klinikum.example")
        stranger = {**other_authority.issue("kis"), "ca": authority.file}
        async with listening(intake, tls=authority.issue("gateway.example")) as server:
            async with connected(server, ssl=context(client)) as sender:
                sender.writer.write(frame(message()))
                assert await sender.answer() == "MSA|AA|4711"
            for tls in ({"ca": authority.file}, stranger):
                with suppress(ssl.SSLError, ConnectionError):
                    async with connected(server, ssl=context(tls)) as sender:
                        sender.writer.write(frame(message()))
                        assert await sender.answer() is None
            async with connected(server) as sender:
                sender.writer.write(frame(message()))
                assert await sender.answer() is None
        assert [r.certificate for r in intake.received] == [authority.fingerprint(client)]
        assert intake.faults == [WireFault.TLS_FAILED] * 3

    run(main)


def test_a_certificate_that_is_not_listed_is_refused(authority):
    async def main():
        intake = Intake()
        listed, unlisted = authority.issue("kis-a"), authority.issue("kis-b")
        settings = {
            "tls": authority.issue("gateway.example"),
            "certificates": (authority.fingerprint(listed),),
        }
        async with listening(intake, **settings) as server:
            async with connected(server, ssl=context(unlisted)) as sender:
                sender.writer.write(frame(message()))
                assert await sender.answer() is None
            async with connected(server, ssl=context(listed)) as sender:
                sender.writer.write(frame(message()))
                assert await sender.answer() == "MSA|AA|4711"
        assert intake.faults == [WireFault.CERTIFICATE_REFUSED]

    run(main)


def test_a_handshake_that_stalls_ends_and_does_not_keep_the_listener_from_stopping(authority):
    async def main():
        intake = Intake()
        tls = authority.issue("gateway.example")
        async with listening(intake, tls=tls, handshake_timeout=0.2) as server:
            async with connected(server) as silent:
                assert await silent.answer() is None
            async with connected(server):
                await until(lambda: server.connections == 1)
                await server.stop(0.05)
        assert intake.faults[0] == WireFault.TLS_FAILED

    run(main)


def test_a_listener_is_read_from_a_registered_endpoint():
    endpoint = Endpoint(
        id="a",
        organization="k",
        connection_type="hl7v2-mllp",
        direction="in",
        listen="[::1]:2575",
        peers=("10.0.0.0/8",),
        max_bytes=1000,
    )
    listener = MllpListener.of(endpoint)
    assert (listener.host, listener.port) == ("::1", 2575)
    assert (listener.peers, listener.max_frame) == (("10.0.0.0/8",), 1000)


@pytest.mark.parametrize("listen", ["", "2575", "host:", "host:x", "host:70000", ":2575"])
def test_a_listener_without_host_and_port_is_refused(listen):
    endpoint = Endpoint(
        id="a", organization="k", connection_type="hl7v2-mllp", direction="in", listen=listen
    )
    with pytest.raises(NotConformant):
        MllpListener.of(endpoint)


@pytest.mark.parametrize(
    ("settings", "may"),
    [
        ({"host": "0.0.0.0"}, False),
        ({"host": "10.0.0.1"}, False),
        ({"host": "kis.example"}, False),
        ({"host": "0.0.0.0", "tls": {"certificate": "c", "key": "k"}}, False),
        ({"host": "0.0.0.0", "peers": ("10.20.0.5/32",)}, True),
        ({"host": "0.0.0.0", "tls": {"certificate": "c", "key": "k", "ca": "a"}}, True),
        ({"host": "127.0.0.1"}, True),
        ({"host": "::1"}, True),
        ({"host": "localhost"}, True),
    ],
)
def test_outside_this_machine_a_listener_needs_peers_or_certificates(settings, may):
    listener = MllpListener(endpoint="klinikum-adt", **settings)
    with nullcontext() if may else pytest.raises(NotConformant, match="peers = "):
        listener.check()
