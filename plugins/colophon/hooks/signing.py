"""The key and the public address of signed addresses (`include.store.signed`), from the environment and Airflow's configuration."""

from __future__ import annotations

import os

from include.store.signed import Signer


def signing_key() -> str:
    """`COLOPHON_SIGNING_KEY`, else the API server's own secret, which workers share only where the configuration sets it."""
    if key := os.environ.get("COLOPHON_SIGNING_KEY"):
        return key
    from airflow.configuration import conf

    return str(conf.get("api", "secret_key", fallback="") or "")


def signer() -> Signer | None:
    """For addresses under `COLOPHON_PUBLIC_URL`; None where it is not set. Raises `ConfigurationError` for a key that is too short."""
    address = os.environ.get("COLOPHON_PUBLIC_URL", "").strip()
    return Signer(address, signing_key()) if address else None
