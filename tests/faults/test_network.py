"""The network between the gateway and its partners: it cuts, freezes, doubles, or leads nowhere."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from rig import invariants
from rig.inside import eventually
from rig.messages import admission
from rig.region import Destination
from rig.wire import ask, code

#: What a relay does from the second message of a connection on; the first one passes.
SECOND = ("--after", "700")
SECOND_ANSWER = ("--back-after", "150")
FAULTS = {
    "drop": SECOND,
    "reset": SECOND,
    "freeze": SECOND,
    "mute": SECOND,
    "delay": SECOND_ANSWER,
    "drip": SECOND_ANSWER,
    "corrupt": SECOND_ANSWER,
}
#: Enough for an answer on a busy machine, and less than what a relay delays by.
TIMEOUT = "3s"


def relayed(rig, label, sink, mode, *options):
    """Put a relay with a fault before a partner."""
    return rig.partner("rogue", label, "--to", f"127.0.0.1:{sink.port}", "--mode", mode, *options)


def messages_of(journal):
    """Count how often each message came, by its identity."""
    counts = {}
    for line in journal:
        key = line["control_id"], line["sha256"]
        counts[key] = counts.get(key, 0) + 1
    return counts


@pytest.mark.slow
def test_a_connection_that_breaks_in_mid_exchange_is_ambiguous_or_goes_again(sqlite_rig):
    rig = sqlite_rig
    exact, again = rig.partner("mllp_sink", "genau"), rig.partner("mllp_sink", "oft")
    destinations = [
        Destination(f"{kind}-{mode}", relay.port, idempotent=kind == "oft", timeout=TIMEOUT)
        for mode, when in FAULTS.items()
        for kind, relay in (
            ("genau", relayed(rig, f"genau-{mode}", exact, mode, *when)),
            ("oft", relayed(rig, f"oft-{mode}", again, mode, *when, "--first", "1")),
        )
    ]
    rig.serve(destinations=tuple(destinations))
    assert code(ask(rig.region, admission("FIRST", "77001", 1))) == "CA"
    eventually(lambda: set(rig.inside.states()) == {"delivered"}, "the first one passes")
    assert code(ask(rig.region, admission("SECOND", "77002", 2))) == "CA"
    eventually(lambda: set(rig.inside.states()) <= {"delivered", "ambiguous"}, "all has ended")
    for mode in FAULTS:
        assert rig.inside.states(f"genau-{mode}") == {"delivered": 1, "ambiguous": 1}, mode
        assert rig.inside.states(f"oft-{mode}") == {"delivered": 2}, mode
    assert not invariants.outcomes(rig.inside)
    assert not invariants.unproven(rig.inside)
    assert rig.gateway.stop() == 0
    exact.stop()
    again.stop()
    assert set(messages_of(exact.received()).values()) == {1}
    # The same message again, never another one under its name.
    resent = messages_of(again.received())
    assert len(resent) == len({control for control, _ in resent}) == 2 * len(FAULTS)
    assert set(resent.values()) == {1, 2}


def test_what_the_network_doubles_is_answered_once_for_each_message(sqlite_rig):
    """A second answer to the first message must not pass for an answer to the second."""
    rig = sqlite_rig
    sink = rig.partner("mllp_sink", "ziel")
    relay = relayed(rig, "doppelt", sink, "duplicate")
    rig.serve(destinations=(Destination("ziel", relay.port, timeout=TIMEOUT),))
    for number in range(6):
        assert code(ask(rig.region, admission(f"D{number}", "77001", number))) == "CA"
    eventually(lambda: rig.inside.states() == {"delivered": 6}, "everything is delivered")
    assert rig.gateway.stop() == 0
    sink.stop()
    assert list(messages_of(sink.received()).values()) == [2] * 6
    assert not invariants.disordered(sink.received())


def certificate(folder, name, *, begins, ends):
    """Write a certificate of its own authority for 127.0.0.1, valid between two days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=begins))
        .not_valid_after(now + dt.timedelta(days=ends))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.pem").write_bytes(made.public_bytes(pem))
    (folder / f"{name}.key").write_bytes(secret)
    return ("--tls-certificate", f"{folder}/{name}.pem", "--tls-key", f"{folder}/{name}.key")


def write_secret(file):
    file.touch(mode=0o600)
    file.write_text("geheim")


def reasons(rig, endpoint):
    """Return state and reason of an endpoint's deliveries."""
    return {(one.state.value, one.reason) for one in rig.inside.deliveries(endpoint)}


@pytest.mark.slow
def test_a_name_a_certificate_or_a_token_that_fails_is_retried_and_stops_nobody_else(sqlite_rig):
    rig = sqlite_rig
    expired = certificate(rig.folder, "alt", begins=-30, ends=-1)
    renewed = certificate(rig.folder, "neu", begins=-1, ends=30)
    trusted = rig.folder / "ca.pem"
    trusted.write_bytes(b"".join((rig.folder / f"{n}.pem").read_bytes() for n in ("alt", "neu")))
    good, secured = rig.partner("mllp_sink", "gut"), rig.partner("mllp_sink", "s", *expired)
    practice, token = rig.partner("practice", "praxis-ziel"), rig.folder / "token"
    write_secret(token)
    rig.serve(
        destinations=(
            Destination("gut", good.port),
            Destination("namenlos", 2575, host="kein-partner.invalid", timeout="5s"),
            Destination("zertifikat", secured.port, extra=f'tls = {{ ca = "{trusted}" }}'),
            Destination("marke", practice.port, "hl7-fhir-rest", extra=f'token_file = "{token}"'),
        )
    )
    token.unlink()
    count = 3
    for number in range(count):
        assert code(ask(rig.region, admission(f"N{number}", f"7700{number}", number))) == "CA"
    eventually(lambda: rig.inside.states("gut") == {"delivered": count}, "others get theirs")
    why = {
        "namenlos": "The partner's name does not resolve.",
        "zertifikat": "The partner's TLS certificate or handshake failed.",
        "marke": "The token file cannot be read.",
    }
    for endpoint, reason in why.items():
        eventually(
            lambda e=endpoint, r=reason: ("retry", r) in reasons(rig, e), f"{endpoint} is retried"
        )
        assert rig.inside.states(endpoint)["delivered"] == 0
    assert not secured.received()
    # Certificate and token are renewed: nobody has to do anything at the gateway.
    write_secret(token)
    secured.stop()
    secured.start(*renewed)
    for endpoint in ("zertifikat", "marke"):
        eventually(
            lambda e=endpoint: rig.inside.states(e) == {"delivered": count}, endpoint, seconds=60
        )
    assert not invariants.outcomes(rig.inside)
    assert rig.gateway.stop() == 0
    secured.stop()
    assert invariants.duplicates(secured.received()) == 0
