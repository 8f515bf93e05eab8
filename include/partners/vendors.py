"""Profiles of e-book, audio and accessibility vendors: `config/vendors/<id>.toml`. A vendor's party file names one in `[formats]`."""

from __future__ import annotations

from pydantic import Field

from include.partners.profiles import Profile


class Vendor(Profile):
    """Which files a vendor gets, what they are called, what is checked."""

    audiobook: bool = Field(default=False, description="The files are one recording: they are checked as a set, too.")
    max_package_bytes: int | None = Field(default=None, gt=0, description="Bytes of all files together.")
    manifest: bool = Field(default=True, description="Send `SHA256SUMS` and a manifest after the files; some take nothing but the files.")
