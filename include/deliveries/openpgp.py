"""OpenPGP for partners who want it: the file that travels is the sealed one, and it is kept as it travelled."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from include.errors import ConfigurationError, PermanentError
from include.partners import Party
from include.partners.registry import config_root
from include.store import Artefact, ArtefactStore


def seal(partner: Party, store: ArtefactStore, artefact: Artefact) -> Artefact:
    """Encrypts an artefact for the partner; gives it back as it is where the partner wants no OpenPGP.

    The partner's public key comes from `config/`; our signing key, if one is named, from the worker's GnuPG home
    (`COLOPHON_GNUPGHOME`, else GnuPG's own default). Raises `ConfigurationError` for a missing, foreign or expired key.
    """
    wish = partner.transport.openpgp
    if wish is None:
        return artefact
    import gnupg

    where = f"config/partners/{partner.id}.toml, transport.openpgp"
    key_file = config_root() / wish.key_file
    if not key_file.is_file():
        raise ConfigurationError(
            f"the public key {wish.key_file} is missing", where=where, todo="Ask the partner for it and put it in config/."
        )
    gpg = gnupg.GPG(gnupghome=os.environ.get("COLOPHON_GNUPGHOME"))
    imported = gpg.import_keys(key_file.read_text(encoding="utf-8"))
    if wish.recipient.upper() not in {fingerprint.upper() for fingerprint in imported.fingerprints}:
        raise ConfigurationError(
            "the key file holds another key than the one named", where=where, todo="Compare the fingerprint with the partner."
        )
    with tempfile.TemporaryDirectory() as folder, store.local(artefact.sha256) as plain:
        target = Path(folder) / "sealed"
        result = gpg.encrypt_file(
            str(plain), [wish.recipient], sign=wish.sign_with or None, always_trust=True, armor=False, output=str(target)
        )
        if not result.ok:
            raise PermanentError(f"GnuPG would not encrypt: {result.status}", where=where, todo="Look whether the key has expired.")
        return store.put(target)
