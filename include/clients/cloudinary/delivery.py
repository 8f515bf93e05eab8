"""Addresses of pictures: of an original or a variant, open or signed. Made here, without asking anybody."""

from __future__ import annotations

from datetime import UTC, datetime

from include.clients.cloudinary.account import Account
from include.errors import ConfigurationError


def address_of(
    account: Account,
    public_id: str,
    *,
    transformation: str = "",
    format: str = "",
    version: int = 0,
    type: str = "upload",
    resource_type: str = "image",
    signed: bool = False,
) -> str:
    """`transformation` as Cloudinary writes it (`c_fill,h_400,w_300`, `t_retailer`), `version` 0 for whatever is newest.

    A signed address opens `private` originals and everything `authenticated`, for as long as the secret lives: time-limited links are
    `download_link`'s.
    """
    from cloudinary.utils import cloudinary_url

    if not public_id:
        raise ConfigurationError("an asset without a public id has no address", where=account.name)
    address, _ = cloudinary_url(
        public_id,
        raw_transformation=transformation or None,
        format=format or None,
        version=version or None,
        type=type,
        resource_type=resource_type,
        sign_url=signed,
        long_url_signature=False,
        **account.url_options(),
    )
    return str(address)


def download_link(
    account: Account, public_id: str, format: str, *, until: datetime, type: str = "private", resource_type: str = "image"
) -> str:
    """An original of any type until a moment: who holds the link may fetch it. The link names the API key (as every signed upload does)."""
    from cloudinary.utils import private_download_url

    if until.tzinfo is None:
        raise ValueError("a time without a zone")
    options = account.options() | {"resource_type": resource_type}
    return str(private_download_url(public_id, format, type=type, expires_at=int(until.astimezone(UTC).timestamp()), **options))
