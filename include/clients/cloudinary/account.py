"""One product environment with its key: what every single call to the SDK is given.

The SDK keeps one configuration for the whole process, filled from `CLOUDINARY_*` variables. It is never used here: every setting that
it would read from there is told with each call, so that two connections in one process can't mix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from include.errors import ConfigurationError

API = "https://api.cloudinary.com"
DELIVERY = "https://res.cloudinary.com"
Signing = Literal["sha1", "sha256"]


@dataclass(frozen=True, slots=True)
class Account:
    """`api` is where requests go, `delivery` where pictures are fetched from, with the cloud name at its end unless it is a private CDN's.

    Raises `ConfigurationError` for a name, a key or an address that can't be one.
    """

    cloud_name: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    api: str = API
    delivery: str = ""
    signing: Signing = "sha1"
    where: str = ""

    def __post_init__(self) -> None:
        where = self.where or f"cloudinary {self.cloud_name}"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_\-]*", self.cloud_name):
            raise ConfigurationError(
                f"{self.cloud_name!r} is no cloud name", where=where, todo="Take it from the console's dashboard; it has no address in it."
            )
        for name, value in (("API key", self.api_key), ("API secret", self.api_secret)):
            if not re.fullmatch(r"[\x21-\x7e]+", value):
                raise ConfigurationError(f"the {name} is empty or holds blanks", where=where, todo="Take it from the console: API Keys.")
        for name, address in (("API host", self.api), ("delivery address", self.delivery or DELIVERY)):
            parts = urlsplit(address)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
                raise ConfigurationError(f"the {name} is no http(s) address", where=where, todo=f"Give it like {API}.")

    @property
    def name(self) -> str:
        """For messages: which account, and nothing secret."""
        return f"cloudinary {self.cloud_name}"

    @property
    def secrets(self) -> tuple[str, str]:
        return self.api_secret, self.api_key

    def options(self) -> dict[str, Any]:
        """For one call of `cloudinary.api` or `cloudinary.uploader`. Holds the secret: never log it."""
        return {
            "cloud_name": self.cloud_name,
            "api_key": self.api_key,
            "api_secret": self.api_secret,
            "upload_prefix": self.api.rstrip("/"),
            "oauth_token": None,
            "signature_algorithm": self.signing,
            "signature_version": 2,
        }

    def url_options(self) -> dict[str, Any]:
        """For `cloudinary.utils.cloudinary_url`: nothing is left to the process's configuration."""
        address = (self.delivery or f"{DELIVERY}/{self.cloud_name}").rstrip("/")
        parts = urlsplit(address)
        shared = parts.path.endswith(f"/{self.cloud_name}")
        host = parts.netloc + (parts.path.removesuffix(f"/{self.cloud_name}") if shared else parts.path)
        secure = parts.scheme == "https"
        return {
            "cloud_name": self.cloud_name,
            "api_secret": self.api_secret,
            "secure": secure,
            "secure_distribution": host if secure else None,
            "cname": None if secure else host,
            "private_cdn": not shared,
            "cdn_subdomain": False,
            "secure_cdn_subdomain": False,
            "auth_token": False,
            "force_version": False,
            "shorten": False,
            "use_root_path": False,
            "signature_algorithm": self.signing,
        }
