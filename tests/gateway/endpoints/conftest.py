"""A development CA with a server's and a client's certificate, as files."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder, name="Testregion"):
        self.folder = folder
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            self._builder(subject, subject, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = self._write(f"{name}-ca.pem", self._certificate)

    def issue(self, name, *, days=1, address="127.0.0.1"):
        """Issue a certificate for a name and an address; return its `tls` settings."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]
        certificate = (
            self._builder(subject, self._certificate.subject, key, days=days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        key_file = self.folder / f"{self.name}-{name}.key"
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return {
            "ca": self.file,
            "certificate": self._write(f"{self.name}-{name}.pem", certificate),
            "key": str(key_file),
        }

    def fingerprint(self, tls):
        """SHA-256 of an issued certificate, in hex."""
        with open(tls["certificate"], "rb") as file:  # noqa: PTH123 - settings are text
            return x509.load_pem_x509_certificate(file.read()).fingerprint(hashes.SHA256()).hex()

    def _builder(self, subject, issuer, key, *, days=1):
        now = dt.datetime.now(dt.UTC)
        end = now + dt.timedelta(days=days)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, end) - dt.timedelta(days=1))
            .not_valid_after(end)
        )

    def _write(self, name, certificate):
        path = self.folder / name
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def other_authority(tmp_path):
    return Authority(tmp_path, "Fremde")
