"""Requests to Getty's API host: the key on every one, a token that is used until it nears its end, refusals sorted.

A message holds method, path without its query, status and Getty's ErrorCode; never a header, a token, a query or a body.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from include.clients.exchange import Patience
from include.clients.getty.errors import KeyRefused, UserNeeded
from include.clients.getty.refusals import NoReply, NoToken, code_of, login_refused, no_reply, refusal, throttled, untrusted
from include.errors import ConfigurationError, LoginRefused, PermanentError, TransientError

API = "https://api.gettyimages.com"
TOKENS = "https://authentication.gettyimages.com/oauth2/token"
EARLY = 300.0  # seconds before its end that a token is renewed, as Getty's own SDK does
MOST_BYTES = 64_000_000  # of one JSON reply
MOST_REDIRECTS = 5
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
Values = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key as Getty set it up: alone with its secret, with a user's name and password, or with a refresh token."""

    key: str = field(repr=False)
    secret: str = field(repr=False)
    username: str = field(default="", repr=False)
    user_password: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    def form(self, refresh_token: str = "") -> dict[str, str]:
        """The token request. A refresh token at hand goes first."""
        form = {"client_id": self.key, "client_secret": self.secret}
        if refresh_token:
            return form | {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if self.username:
            return form | {"grant_type": "password", "username": self.username, "password": self.user_password}
        return form | {"grant_type": "client_credentials"}


class NothingElse(AuthBase):
    """The headers given here and no others: without an auth object, requests would add what ~/.netrc has for the host."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self._headers = dict(headers or {})

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.pop("Authorization", None)
        request.headers.update(self._headers)
        return request


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    renew_at: float
    refresh: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of status 2xx, or a redirect that was not followed (`location`)."""

    status: int
    content: bytes = field(repr=False)
    location: str = field(default="", repr=False)


class Wire:
    """One key at one API host. Safe to use from several threads.

    `timeout` (seconds) bounds one try; `pace` is the least time between two requests, for keys with a known limit.
    `country` (ISO alpha-3) and `language` go out as GI-Country-Code, on searches, and Accept-Language.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        address: str = API,
        tokens: str = TOKENS,
        timeout: float = 60.0,
        patience: Patience | None = None,
        pace: float = 0.0,
        country: str = "",
        language: str = "",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        session: Callable[[], requests.Session] = requests.Session,
    ) -> None:
        for name, value in (("API key", credentials.key), ("secret", credentials.secret)):
            if not _PRINTABLE.fullmatch(value):
                raise ConfigurationError(f"the {name} is empty or holds blanks", where=address, todo="Fill it in as Getty gave it to you.")
        self.address, self.tokens = _origin_of(address), _origin_of(tokens)
        self.credentials, self.country, self.language = credentials, country, language
        self.timeout, self.patience, self.pace = timeout, patience or Patience(), pace
        self.sleep, self._clock, self._new_session = sleep, clock, session
        self._local = threading.local()
        self._pacing, self._minting = threading.Lock(), threading.Lock()
        self._token: _Token | None = None
        self._free_at = 0.0

    # --- one request, with patience

    def json(
        self, method: str, path: str, params: Values | None = None, body: Mapping[str, Any] | None = None, *, token: bool = True
    ) -> Any:
        """The decoded reply, None for an empty body. For what may be asked twice without harm: tried again with growing delay.

        Raises the classes of `include.clients.getty.errors`, and `TransientError` once patience is at its end.
        """

        def once() -> Any:
            reply = self.once(method, path, params, body, token=token, follow=method == "GET")
            return decoded(reply.content, f"{method} {path}")

        return self.patience.tried(once, self.sleep, spent=NoToken)

    def once(
        self,
        method: str,
        path: str,
        params: Values | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        token: bool = True,
        follow: bool = False,
    ) -> Reply:
        """One request; a second one only where the token was refused, before anything was done."""
        used = self._fresh(None) if token else None
        if method == "POST":  # on a line of its own: an idle one that Getty has just closed would leave us not knowing
            self._session().close()
        try:
            return self._send(method, path, params, body, used, follow=follow)
        except KeyRefused as refused:
            if used is None or isinstance(refused, UserNeeded):
                raise
            return self._send(method, path, params, body, self._fresh(used), follow=follow)

    def _send(
        self, method: str, path: str, params: Values | None, body: Mapping[str, Any] | None, token: _Token | None, *, follow: bool
    ) -> Reply:
        where = f"{method} {path}"
        url = self.address + path
        for _ in range(MOST_REDIRECTS + 1):
            ours = urlsplit(url)[:2] == urlsplit(self.address)[:2]  # another host must not see key and token
            auth = self._headers(token, path) if ours else NothingElse()
            response = self._exchange(method, url, where, auth=auth, params=params, json=body)
            with response:
                content = self._read(response, where)
            location = response.headers.get("Location", "")
            if not 300 <= response.status_code < 400:
                self._refuse(response, content, where)
                return Reply(response.status_code, content)
            if not follow:
                return Reply(response.status_code, content, urljoin(url, location) if location else "")
            url, params = _next(url, location, where), None
        raise PermanentError("one redirect leads to another, without an end", where=where)

    def _headers(self, token: _Token | None, path: str) -> NothingElse:
        headers = {"Api-Key": self.credentials.key}
        if token:
            headers["Authorization"] = f"Bearer {token.value}"
        if self.language:
            headers["Accept-Language"] = self.language
        if self.country and path.startswith("/v3/search/"):
            headers["GI-Country-Code"] = self.country
        return NothingElse(headers)

    def _exchange(self, method: str, url: str, where: str, *, auth: AuthBase, **content: Any) -> requests.Response:
        """The reply's beginning. Broken lines become `NoReply`."""
        self._keep_pace()
        headers = {"Accept": "application/json", "User-Agent": "colophon"}
        timeout = (min(10.0, self.timeout), self.timeout)
        try:
            return self._session().request(
                method, url, auth=auth, headers=headers, timeout=timeout, allow_redirects=False, stream=True, **content
            )
        except requests.exceptions.SSLError as bad:
            if not untrusted(bad):
                raise no_reply(bad, where, self.timeout) from None
            todo = "Check the address and the CA bundle."
            raise ConfigurationError("the server's certificate is not trusted", where=where, todo=todo) from None
        except ValueError:  # InvalidURL, InvalidHeader and http.client's own: the message would repeat the header
            raise ConfigurationError(
                "address or key hold a character that HTTP forbids", where=where, todo="Check the connection."
            ) from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as broken:
            raise no_reply(broken, where, self.timeout) from None  # the library's words hold the query

    def _read(self, response: requests.Response, where: str) -> bytes:
        """The body, bounded in bytes and by our clock: the library's time-out starts anew with every byte."""
        content, deadline = bytearray(), time.monotonic() + self.timeout
        try:
            while chunk := response.raw.read1(1 << 16, decode_content=True):
                content += chunk
                if len(content) > MOST_BYTES:
                    raise PermanentError(f"the reply is larger than {MOST_BYTES:,} bytes", where=where)
                if time.monotonic() > deadline:
                    raise NoReply(f"no full answer within {self.timeout:g} seconds", where=where)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as broken:
            raise no_reply(broken, where, self.timeout) from None
        return bytes(content)

    def _refuse(self, response: requests.Response, content: bytes, where: str) -> None:
        if not response.ok:
            raise refusal(response.status_code, response.headers, content, where)

    def _keep_pace(self) -> None:
        if self.pace <= 0:
            return
        with self._pacing:
            now = self._clock()
            wait, self._free_at = max(0.0, self._free_at - now), max(now, self._free_at) + self.pace
        if wait:
            self.sleep(wait)

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = self._new_session()
        session: requests.Session = self._local.session
        return session

    # --- tokens

    def _fresh(self, refused: _Token | None) -> _Token:
        """A token with some time left; another one than `refused`. Asking for one counts against the limit, so it is kept."""
        with self._minting:
            held = self._token
            if held is not None and held is not refused and self._clock() < held.renew_at:
                return held
            try:
                self._token = self._minted(held.refresh if held and held is not refused else "")
            except TransientError as passing:
                raise NoToken(passing.what, where=passing.where, todo=passing.todo, retry_after=passing.retry_after) from None
            return self._token

    def _minted(self, refresh: str) -> _Token:
        refresh = refresh or ("" if self.credentials.username else self.credentials.refresh_token)
        if refresh and refresh != self.credentials.refresh_token:
            try:
                return self._mint(refresh)
            except LoginRefused:
                refresh = "" if self.credentials.username else self.credentials.refresh_token
        return self._mint(refresh)

    def _mint(self, refresh: str) -> _Token:
        where = f"POST {urlsplit(self.tokens).path or '/'}"

        def once() -> _Token:
            asked = self._clock()
            with self._exchange("POST", self.tokens, where, auth=NothingElse(), data=self.credentials.form(refresh)) as response:
                content = self._read(response, where)
            return self._token_of(response, content, where, asked, refresh)

        return self.patience.tried(once, self.sleep)

    def _token_of(self, response: requests.Response, content: bytes, where: str, asked: float, refresh: str) -> _Token:
        if 300 <= response.status_code < 400:
            raise ConfigurationError("the token host moved", where=where, todo="Put its new address into the connection.")
        if response.status_code in {400, 401} or (response.status_code == 403 and not throttled(403, response.headers)):
            code = code_of(content)
            raise login_refused(response.status_code, code, where, at_log_in=True)
        if not response.ok:
            raise refusal(response.status_code, response.headers, content, where)
        found = decoded(content, where)
        value = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(value, str) or not _PRINTABLE.fullmatch(value):
            raise TransientError("the reply holds no token", where=where)
        try:
            seconds = float(found.get("expires_in"))  # the older hosts give it as text
        except (TypeError, ValueError):
            seconds = 0.0
        again = found.get("refresh_token")
        kept = again if isinstance(again, str) and again else refresh
        return _Token(value, asked + seconds - min(EARLY, max(0.0, seconds) / 2), kept)


def decoded(content: bytes, where: str) -> Any:
    if not content.strip():
        return None
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=_not_a_number)
    except (ValueError, RecursionError):
        raise TransientError("the reply is not valid JSON", where=where) from None


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _origin_of(address: str) -> str:
    parts = urlsplit(address.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError("the address is not an http(s) URL", where=parts.hostname or "connection", todo=f"Give it like {API}.")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _next(url: str, location: str, where: str) -> str:
    following = urljoin(url, location)
    parts = urlsplit(following)
    if not location or parts.scheme not in {"http", "https"} or (url.startswith("https:") and parts.scheme == "http"):
        raise PermanentError("a redirect that leads nowhere safe", where=where)
    return following
