"""Getty Images, from an Airflow connection of type `getty` or `http`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from colophon.hooks import connections
from include.errors import ColophonError, ConfigurationError

if TYPE_CHECKING:
    from include.clients.getty import Getty
    from include.clients.getty.model import Product


class GettyImagesHook(BaseHook):
    """Turns the connection into a client.

    `host` is the API's address (`https://api.gettyimages.com`, also where it is empty), `login` the API key, `password` its
    secret. Extras: `auth_url` (where tokens are; Getty's own if empty), `username` and `user_password` (for keys that need a
    user), `refresh_token` (for keys that were given one), `country_code` (ISO alpha-3), `language` (such as en-GB), `timeout`
    (seconds for one request, 60), `min_interval` (least seconds between two requests, 0), `company_downloads` (histories of
    all users of the account).
    """

    conn_name_attr = "conn_id"
    default_conn_name = "getty_default"
    conn_type = "getty"
    hook_name = "Getty Images"

    def __init__(self, conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.conn_id = conn_id

    def get_conn(self) -> Getty:
        """Raises `ConfigurationError` if the connection lacks a key or a secret, or an extra can't be read."""
        return self._client

    @cached_property
    def _client(self) -> Getty:
        from include.clients.getty import Credentials, Getty, Wire
        from include.clients.getty.wire import API, TOKENS

        where = f"connection {self.conn_id}"
        connection = connections.named(self.conn_id, "the type Getty Images")
        extra = connection.extra_dejson
        credentials = Credentials(
            (connection.login or "").strip(),
            (connection.password or "").strip(),
            connections.text(extra, "username"),
            connections.text(extra, "user_password"),
            connections.text(extra, "refresh_token"),
        )
        _complete(credentials.key, credentials.secret, credentials.username, credentials.user_password, where)
        wire = Wire(
            credentials,
            address=connections.address(connection.host, connection.schema, connection.port, without="/v3") or API,
            tokens=connections.text(extra, "auth_url") or TOKENS,
            timeout=connections.number(extra, "timeout", 60.0, where),
            pace=connections.number(extra, "min_interval", 0.0, where, least=0),
            country=_country(connections.text(extra, "country_code"), where),
            language=_language(connections.text(extra, "language"), where),
        )
        return Getty(wire, company=str(extra.get("company_downloads", "")).strip().lower() in {"true", "1", "yes"})

    def test_connection(self) -> tuple[bool, str]:
        """For the *Test* button of the connection form: whose key it is, and the products of the agreement."""
        try:
            client = self.get_conn()
            client.countries()
            name = client.customer().name
            products = client.products()
        except ColophonError as bad:
            return False, str(bad)
        return True, f"Getty Images answers{f' to {name}' if name else ''}; {agreements(products)}"


def agreements(products: tuple[Product, ...]) -> str:
    """The products in a sentence: which are in force, what is left, until when."""
    if not products:
        return "the key has no product: nothing can be licensed with it"
    return "; ".join(_agreement(product) for product in products)


def _agreement(product: Product) -> str:
    told = [product.status or "of unknown state"]
    if product.downloads_remaining is not None:
        limit = f" of {product.download_limit}" if product.download_limit is not None else ""
        told.append(f"{product.downloads_remaining}{limit} downloads left")
    told.append(f"until {product.expires_at:%Y-%m-%d}" if product.expires_at else "no end told")
    return f"{product.agreement_name or product.name or product.type} ({product.id}): {', '.join(told)}"


def _complete(key: str, secret: str, username: str, user_password: str, where: str) -> None:
    if not key:
        raise ConfigurationError("there is no API key", where=where, todo="Put the key that Getty gave you into the login.")
    if not secret:
        raise ConfigurationError("there is no secret", where=where, todo="Put the key's secret into the password.")
    if bool(username) != bool(user_password):
        raise ConfigurationError("user name and password belong together", where=where, todo="Fill in both, or neither.")


def _country(code: str, where: str) -> str:
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise ConfigurationError(f"country_code is {code!r}", where=where, todo="Give three letters of ISO 3166-1, such as GBR.")
    return code.upper()


def _language(tag: str, where: str) -> str:
    if tag and not (len(tag) < 20 and tag.isascii() and tag.replace("-", "").isalnum()):
        raise ConfigurationError(f"language is {tag!r}", where=where, todo="Give one such as en-GB or de.")
    return tag
