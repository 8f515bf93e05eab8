"""Sealed for one partner: only they can read it, and what travelled is kept as it travelled."""

from __future__ import annotations

import shutil

import pytest

from include.errors import ConfigurationError
from include.partners.registry import config_root
from tests.deliveries.desk import product

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="GnuPG is not installed")


@pytest.fixture
def partners_keys(tmp_path, monkeypatch):
    """The partner's own key ring, its public key in `config/`, and our empty one."""
    import gnupg

    theirs, ours, config = tmp_path / "theirs", tmp_path / "ours", tmp_path / "config"
    for folder in (theirs, ours):
        folder.mkdir(mode=0o700)
    shutil.copytree(config_root(), config)
    ring = gnupg.GPG(gnupghome=str(theirs))
    asked = ring.gen_key_input(key_type="eddsa", key_curve="ed25519", subkey_type="ecdh", subkey_curve="cv25519", name_real="Northgate",
                               name_email="onix@northgate.example", no_protection=True)  # fmt: skip
    key = ring.gen_key(asked)
    assert key.fingerprint, key.stderr
    (config / "northgate.asc").write_text(ring.export_keys(key.fingerprint))
    monkeypatch.setenv("COLOPHON_CONFIG", str(config))
    monkeypatch.setenv("COLOPHON_GNUPGHOME", str(ours))
    return ring, key.fingerprint


def sealed(flavoured, fingerprint, **changes):
    return flavoured("northgate", transport={"openpgp": {"recipient": fingerprint, "key_file": "northgate.asc", **changes}})


def test_only_the_partner_can_read_what_travels(desk, flavoured, partners_keys):
    ring, fingerprint = partners_keys
    partner = sealed(flavoured, fingerprint)
    desk.put(product(1))
    built = desk.night(partner)
    file = desk.row(built).files[0]
    assert file.name.endswith(".xml.gpg")
    travelled = desk.message(built)
    assert b"ONIXMessage" not in travelled
    assert b"<ONIXMessage" in ring.decrypt(travelled).data


def test_a_full_feed_after_sealed_ones_still_copies_plain_records(desk, flavoured, partners_keys):
    ring, fingerprint = partners_keys
    partner = sealed(flavoured, fingerprint)
    desk.put(product(1), product(2))
    desk.night(partner)
    full = desk.night(partner, kind="full")
    assert ring.decrypt(desk.message(full)).data.count(b"<Product>") == 2


def test_a_foreign_or_missing_key_is_said_before_anything_goes(desk, flavoured, partners_keys):
    desk.put(product(1))
    with pytest.raises(ConfigurationError, match="another key"):
        desk.build(sealed(flavoured, "A" * 40))
    with pytest.raises(ConfigurationError, match="is missing"):
        desk.build(sealed(flavoured, "A" * 40, key_file="nowhere.asc"))
