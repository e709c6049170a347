"""Addresses that may connect and be connected to."""

from __future__ import annotations

import asyncio

import pytest

from gateway.domain.transport import PartnerUnavailable
from gateway.endpoints.networks import (
    check_registered,
    may_connect,
    networks,
    permitted,
    resolve,
    split_address,
)
from profiles.issue import NotConformant, NotPermitted


@pytest.mark.parametrize(
    ("peer", "listed", "expected"),
    [
        ("127.0.0.1", (), True),
        ("::1", (), True),
        ("::ffff:127.0.0.1", (), True),
        ("10.20.0.5", (), False),
        ("10.20.0.5", ("10.20.0.5/32",), True),
        ("::ffff:10.20.0.5", ("10.20.0.5/32",), True),
        ("10.20.0.6", ("10.20.0.5/32",), False),
        ("127.0.0.1", ("10.20.0.5/32",), False),
        ("fe80::1%eth0", ("fe80::/10",), True),
        ("", (), False),
    ],
)
def test_senders_are_judged_by_the_address_they_have(peer, listed, expected):
    assert may_connect(peer, networks(listed)) is expected


@pytest.mark.parametrize("text", ["10.20.0.5/33", "klinikum", "10.20.0.5/24"])
def test_peers_that_are_no_network_are_refused(text):
    with pytest.raises(NotConformant):
        networks([text])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "169.254.169.254",
        "fe80::1",
        "100.64.0.1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ],
)
def test_a_name_that_leads_inside_this_machine_or_nowhere_is_not_permitted(address):
    assert not permitted(address, registered="praxis.example")


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.1.4", "93.184.215.14", "2001:db8::1"])
def test_a_partner_in_the_regions_network_is_permitted(address):
    assert permitted(address, registered="praxis.example")


def test_listed_networks_narrow_what_is_permitted():
    allowed = networks(["10.1.0.0/16"])
    assert permitted("10.1.2.3", registered="praxis.example", allowed=allowed)
    assert not permitted("10.2.2.3", registered="praxis.example", allowed=allowed)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_is_permitted_when_it_was_registered(host):
    assert permitted("127.0.0.1", registered=host)


@pytest.mark.parametrize(
    "address",
    [
        "http://2130706433/fhir",
        "http://0x7f.1/fhir",
        "http://127.1/fhir",
        "http://0177.0.0.1/fhir",
        "http://localhost./fhir",
        "http://user:secret@praxis.example/fhir",
        "praxis.example/fhir",
        "https://",
        "https://praxis.example:99999/fhir",
        "https://[::1/fhir",
        "http://praxis.example/fhir",
    ],
)
def test_odd_addresses_are_refused_at_registration(address):
    with pytest.raises(NotConformant):
        check_registered(address)


@pytest.mark.parametrize(
    "address",
    ["https://169.254.169.254/", "https://[64:ff9b::7f00:1]/", "https://[::ffff:127.0.0.1]/"],
)
def test_addresses_no_partner_can_have_are_refused_at_registration(address):
    with pytest.raises(NotPermitted):
        check_registered(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://praxis.example/fhir",
        "http://127.0.0.1:8081/fhir",
        "http://localhost:8081/fhir",
        "mllp://10.20.0.5:2575",
        "mllps://kis.klinikum.example",
    ],
)
def test_usual_addresses_are_registered(address):
    check_registered(address)


def test_the_default_port_follows_the_scheme():
    addresses = ("https://a.example/f", "http://a.example", "mllp://a.example", "mllp://a:1")
    assert [split_address(address)[2] for address in addresses] == [443, 80, 2575, 1]


def test_a_name_that_resolves_to_this_machine_is_refused_when_connecting():
    class Rebinding(asyncio.SelectorEventLoop):
        async def getaddrinfo(self, host, port, **_):
            return [(2, 1, 6, "", ("127.0.0.1", port))]

    with asyncio.Runner(loop_factory=Rebinding) as runner, pytest.raises(PartnerUnavailable):
        runner.run(resolve("praxis.example", 443))


def test_a_name_that_does_not_resolve_is_tried_again_later():
    class Failing(asyncio.SelectorEventLoop):
        async def getaddrinfo(self, host, port, **_):
            raise OSError("no such name")

    with asyncio.Runner(loop_factory=Failing) as runner, pytest.raises(PartnerUnavailable):
        runner.run(resolve("praxis.example", 443))
