"""The hook: a connection in, a client out; the *Test* button; what `connections_check` says of Getty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from include.errors import ConfigurationError
from tests.clients.getty_account import SECRET, Account, account_on

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def running() -> Iterator[Account]:
    with account_on() as account:
        yield account


@pytest.fixture
def getty(running: Account) -> Account:
    running.call("reset", {})
    return running


@pytest.fixture
def hook(connections):
    def of(**connection: Any):
        from colophon.hooks.getty import GettyImagesHook

        connections({"getty_default": {"conn_type": "getty", "login": "key", "password": SECRET, **connection}})
        return GettyImagesHook()

    return of


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        ({}, "https://api.gettyimages.com"),
        ({"host": "https://api.gettyimages.com/v3/"}, "https://api.gettyimages.com"),
        ({"host": "api.gettyimages.com"}, "https://api.gettyimages.com"),
        ({"host": "127.0.0.1", "port": 8080, "schema": "http"}, "http://127.0.0.1:8080"),
        ({"host": "http://127.0.0.1:8080/getty"}, "http://127.0.0.1:8080/getty"),
        ({"host": "api.gettyimages.com", "conn_type": "http"}, "https://api.gettyimages.com"),
    ],
)
def test_the_address_as_people_write_it(hook, connection, address):
    assert hook(**connection).get_conn().address == address


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"login": ""}, "there is no API key"),
        ({"password": ""}, "there is no secret"),
        ({"extra": {"username": "ada"}}, "belong together"),
        ({"extra": {"timeout": "soon"}}, "timeout is 'soon'"),
        ({"extra": {"timeout": 0}}, "timeout is 0"),
        ({"extra": {"min_interval": -1}}, "min_interval is -1"),
        ({"extra": {"country_code": "GB"}}, "country_code is 'GB'"),
        ({"extra": {"language": "English please"}}, "language is"),
        ({"extra": {"auth_url": "token"}}, "not an http"),
        ({"host": "ftp://api.gettyimages.com"}, "not an http"),
    ],
)
def test_a_wrong_connection_says_what_is_wrong(hook, connection, words):
    with pytest.raises(ConfigurationError, match=words) as raised:
        hook(**connection).get_conn()
    assert SECRET not in str(raised.value)


def test_without_the_connection_the_hook_says_what_to_add(connections):
    from colophon.hooks.getty import GettyImagesHook

    connections({})
    with pytest.raises(ConfigurationError, match="there is no such connection"):
        GettyImagesHook().get_conn()
    assert GettyImagesHook("other").test_connection()[0] is False


def test_extras_reach_the_client(hook):
    extra = {
        "country_code": "gbr",
        "language": "en-GB",
        "timeout": 5,
        "min_interval": 0.5,
        "company_downloads": "true",
        "refresh_token": "r",
    }
    client = hook(extra=extra).get_conn()
    assert client.company
    wire = client._wire
    assert (wire.country, wire.language, wire.timeout, wire.pace, wire.credentials.refresh_token) == ("GBR", "en-GB", 5.0, 0.5, "r")
    plain = hook().get_conn()
    assert not plain.company
    assert plain._wire.tokens == "https://authentication.gettyimages.com/oauth2/token"


def test_the_client_is_made_once(hook):
    found = hook()
    assert found.get_conn() is found.get_conn()


def test_every_field_of_the_form_is_one_that_the_hook_reads():
    from colophon.hooks.getty import GettyImagesHook
    from colophon.provider import GETTY

    assert all(name in GettyImagesHook.__doc__ for name in GETTY["conn-fields"])
    secret = {name for name, field in GETTY["conn-fields"].items() if field["schema"].get("format") == "password"}
    assert secret == {"user_password", "refresh_token"}


def test_the_test_button(hook, getty):
    good, words = hook(**getty.stand_in.connection).test_connection()
    assert good
    assert words.startswith(
        "Getty Images answers to Ada Quill; LQ Premium Access (5101): active, 42 of 50 downloads left, until 2027-02-04;"
    )
    good, words = hook(**getty.stand_in.connection | {"password": "wrong"}).test_connection()
    assert not good
    assert "Check key, secret and user" in words


def test_the_check_tells_what_the_key_may_and_which_agreement_it_has(hook, getty):
    from colophon.checks import _getty

    hook(**getty.stand_in.connection)
    steps = {row.step: row for row in _getty()}
    assert list(steps) == ["API key", "log in", "agreement", "download history", "purchased assets", "asset changes"]
    assert all(row.ok and row.connection == "getty_default" for row in steps.values())
    assert "LQ Editorial (6203): active" in steps["agreement"].message
    getty.turn(disable=["purchases", "changes"])
    steps = {row.step: row for row in _getty()}
    assert steps["purchased assets"].ok
    assert "not enabled for this key" in steps["purchased assets"].message
    assert "not enabled for this key" in steps["asset changes"].message
    assert getty.stats["changes_waiting"] == 4, "a check takes nothing off the channel"


def test_the_check_says_what_to_mend(hook, getty, connections):
    from colophon.checks import _getty

    hook(**getty.stand_in.connection)
    getty.turn(agreement_ends={"5101": "2026-01-31", "6203": "2026-01-31"})
    *_, agreement = [row for row in _getty() if not row.ok]
    assert (agreement.step, agreement.todo) == ("agreement", "Ask your Getty representative which agreement the key is for.")
    getty.turn(disable=["company_downloads"])
    hook(**getty.stand_in.connection | {"login": "another"})
    [refused] = _getty()
    assert (refused.step, refused.ok) == ("API key", False)
    connections({})
    [absent] = _getty()
    assert absent.ok
    assert "there is none" in absent.message
