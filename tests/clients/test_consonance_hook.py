"""The hook: a connection in, a client out."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import ConfigurationError
from tests.clients.tenant import KEY

pytestmark = pytest.mark.airflow


@pytest.fixture
def hook(connections):
    def of(**connection: Any):
        from colophon.hooks.consonance import ConsonanceHook

        connections({"consonance": {"conn_type": "consonance", "password": KEY, **connection}})
        return ConsonanceHook()

    return of


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        ({"host": "https://web.consonance.app"}, "https://web.consonance.app"),
        ({"host": "https://web.consonance.app/graphql/"}, "https://web.consonance.app"),
        ({"host": "web.consonance.app"}, "https://web.consonance.app"),
        ({"host": "127.0.0.1", "port": 8080, "schema": "http"}, "http://127.0.0.1:8080"),
        ({"host": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080"),
        ({"host": "http://127.0.0.1", "port": 8080}, "http://127.0.0.1:8080"),
        ({"host": "http://[::1]", "port": 8080}, "http://[::1]:8080"),
        ({"host": "web.consonance.app", "conn_type": "http"}, "https://web.consonance.app"),
    ],
)
def test_the_address_as_people_write_it(hook, connection, address):
    assert hook(**connection).get_conn().address == address


@pytest.mark.parametrize(
    ("extra", "rest"),
    [({}, "fill"), ({"rest": True}, "only"), ({"rest": "false"}, "fill"), ({"rest": None}, "fill"), ({"rest": "never"}, "never")],
)
def test_what_rest_is_for(hook, extra, rest):
    assert hook(host="https://web.consonance.app", extra=extra).get_conn().rest == rest


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"password": KEY}, "there is no address"),
        ({"host": "https://web.consonance.app", "password": ""}, "the key is empty"),
        ({"host": "https://web.consonance.app", "extra": {"timeout": "soon"}}, "timeout is 'soon'"),
        ({"host": "https://web.consonance.app", "extra": {"timeout": -1}}, "timeout is -1"),
        ({"host": "https://web.consonance.app", "extra": {"rest": "perhaps"}}, "rest is 'perhaps'"),
    ],
)
def test_a_wrong_connection_says_what_is_wrong(hook, connection, words):
    with pytest.raises(ConfigurationError, match=words) as raised:
        hook(**connection).get_conn()
    assert KEY not in str(raised.value)


def test_the_client_is_made_once(hook):
    found = hook(host="https://web.consonance.app")
    assert found.get_conn() is found.get_conn()


def test_the_test_button(hook, address, tenant):
    assert hook(host=address).test_connection() == (True, "GraphQL answers and offers all that Colophon needs")
    assert hook(host=address, extra={"rest": True}).test_connection() == (True, "REST v4 answers")
    tenant.sdl = tenant.sdl.replace("  prices: [Price!]!\n", "")
    tenant._schema = None
    good, words = hook(host=address).test_connection()
    assert not good
    assert "Product.prices" in words
    good, words = hook(host=address, password="wrong").test_connection()
    assert not good
    assert "key was refused" in words
