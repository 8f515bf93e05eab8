"""Keys, certificates and passwords of the partner servers: made once under `<root>/keys`, readable by the owner alone."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Keys:
    """Where the key material lies, and what clients need of it."""

    folder: Path

    def host_key(self, partner: str) -> Path:
        return self._ssh_key(f"{partner}_host")

    def other_host_key(self, partner: str) -> Path:
        """The key that the server shows while the `host_key` fault is set."""
        return self._ssh_key(f"{partner}_other_host")

    def client_key(self, partner: str) -> Path:
        return self._ssh_key(f"{partner}_client")

    def public(self, private: Path) -> str:
        """`ssh-ed25519 AAAA…`, as it stands in a connection's `host_key`."""
        return asyncssh.read_private_key(private).export_public_key().decode().strip().rsplit(" ", 1)[0]

    def password(self, partner: str) -> str:
        """A random password of this sandbox; kept, so that a restart does not invalidate connections."""
        path = self.folder / "passwords.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if partner not in known:
            known[partner] = secrets.token_urlsafe(15)
            _write(path, json.dumps(known, indent=1).encode())
        return known[partner]

    def authority(self) -> Path:
        """The certificate of the sandbox's own authority, for a client's `ca_cert`."""
        self._certificates()
        return self.folder / "ca.pem"

    def certificate(self) -> Path:
        """Server certificate and key for 127.0.0.1, signed by the authority."""
        self._certificates()
        return self.folder / "server.pem"

    def other_certificate(self) -> Path:
        """A certificate that signs itself: shown while the `host_key` fault is set."""
        self._certificates()
        return self.folder / "other.pem"

    def _ssh_key(self, name: str) -> Path:
        return _once(self.folder / name, lambda: asyncssh.generate_private_key("ssh-ed25519", comment=name).export_private_key())

    def _certificates(self) -> None:
        authority_key = ec.generate_private_key(ec.SECP256R1())
        if not (self.folder / "ca.pem").exists() or not (self.folder / "server.pem").exists():
            authority = _certificate("Colophon sandbox authority", authority_key, None, authority_key)
            server_key = ec.generate_private_key(ec.SECP256R1())
            server = _certificate("librarium.example", server_key, authority, authority_key)
            _write(self.folder / "server.pem", _pem(server, server_key))
            _write(self.folder / "ca.pem", authority.public_bytes(Encoding.PEM))
        _once(self.folder / "other.pem", lambda: _pem(_certificate("somebody.example", authority_key, None, authority_key), authority_key))


def make_keys(root: Path) -> Keys:
    folder = root / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Keys(folder)


def _once(path: Path, make: Callable[[], bytes]) -> Path:
    if not path.exists():
        _write(path, make())
    return path


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """A certificate for 127.0.0.1 under `issuer`, or one that signs itself and may sign others. RFC 5280's key identifiers are
    included because Python 3.13 verifies strictly."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    is_authority = issuer is None
    builder = (
        x509
        .CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=is_authority,
                crl_sign=is_authority,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if not is_authority:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST)), x509.DNSName("localhost")])
        builder = builder.add_extension(names, critical=False).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256())
