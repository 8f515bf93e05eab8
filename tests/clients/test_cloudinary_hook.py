"""The hook: a connection in, a client out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from colophon.provider import get_provider_info
from include.errors import ConfigurationError
from tests.clients.cloudinary_library import KEY, SECRET, served

pytestmark = pytest.mark.airflow

FORM = next(one for one in get_provider_info()["connection-types"] if one["connection-type"] == "cloudinary")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    with served(tmp_path_factory.mktemp("cloudinary")) as library:
        yield library


@pytest.fixture
def hook(connections):
    def of(**connection: Any):
        from colophon.hooks.cloudinary import CloudinaryHook

        given = {"conn_type": "cloudinary", "login": KEY, "password": SECRET, "extra": {"cloud_name": "lantern-quill"}}
        connections({"cloudinary_default": given | connection})
        return CloudinaryHook()

    return of


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        ({}, "https://api.cloudinary.com"),
        ({"host": "https://api-eu.cloudinary.com/"}, "https://api-eu.cloudinary.com"),
        ({"host": "https://api-eu.cloudinary.com/v1_1"}, "https://api-eu.cloudinary.com"),
        ({"host": "api-ap.cloudinary.com"}, "https://api-ap.cloudinary.com"),
        ({"host": "127.0.0.1", "port": 8080, "schema": "http"}, "http://127.0.0.1:8080"),
        ({"host": "http://127.0.0.1:8080/cloudinary"}, "http://127.0.0.1:8080/cloudinary"),
        ({"host": "http://127.0.0.1/cloudinary", "port": 8080}, "http://127.0.0.1:8080/cloudinary"),
        ({"host": "api.cloudinary.com", "conn_type": "http"}, "https://api.cloudinary.com"),
    ],
)
def test_the_address_as_people_write_it(hook, connection, address):
    account = hook(**connection).get_conn().account
    assert (account.api, account.cloud_name, account.api_key, account.api_secret) == (address, "lantern-quill", KEY, SECRET)


def test_the_consoles_own_address_is_a_connection(monkeypatch, airflow_home):
    from colophon.hooks.cloudinary import CloudinaryHook

    monkeypatch.setenv("AIRFLOW_CONN_FROM_CONSOLE", f"cloudinary://{KEY}:{SECRET}@lantern-quill")
    account = CloudinaryHook("from_console").get_conn().account
    assert (account.cloud_name, account.api_key, account.api_secret) == ("lantern-quill", KEY, SECRET)
    assert account.api == "https://api.cloudinary.com"


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"extra": {}}, "there is no cloud name"),
        ({"extra": {"cloud_name": "https://x"}}, "no cloud name"),
        ({"password": ""}, "API secret is empty"),
        ({"login": ""}, "API key is empty"),
        ({"host": "ftp://api.cloudinary.com"}, "API host is no http"),
        ({"extra": {"cloud_name": "a", "timeout": "soon"}}, "timeout is 'soon'"),
        ({"extra": {"cloud_name": "a", "upload_timeout": 0}}, "upload_timeout is 0"),
        ({"extra": {"cloud_name": "a", "reserve": -1}}, "reserve is -1"),
        ({"extra": {"cloud_name": "a", "signing": "md5"}}, "signing is 'md5'"),
    ],
)
def test_a_wrong_connection_says_what_is_wrong(hook, connection, words):
    with pytest.raises(ConfigurationError, match=words) as raised:
        hook(**connection).get_conn()
    assert SECRET not in str(raised.value)
    assert "connection cloudinary_default" in str(raised.value)


def test_without_a_connection_it_says_where_to_add_one(connections):
    from colophon.hooks.cloudinary import CloudinaryHook

    with pytest.raises(ConfigurationError, match="there is no such connection"):
        CloudinaryHook("nowhere").get_conn()


def test_the_hook_understands_what_the_form_offers(monkeypatch, airflow_home):
    from colophon.hooks.cloudinary import CloudinaryHook

    form = {name: field["schema"].get("default") for name, field in FORM["conn-fields"].items()} | {"cloud_name": "lantern-quill"}
    for signing in FORM["conn-fields"]["signing"]["schema"]["enum"]:
        fields = {"conn_type": "cloudinary", "login": KEY, "password": SECRET, "extra": form | {"signing": signing}}
        monkeypatch.setenv("AIRFLOW_CONN_CLOUDINARY_FORM", json.dumps(fields))
        hook = CloudinaryHook("cloudinary_form")
        assert hook.get_conn().account.signing == signing
        assert hook.moderation == "manual"
    assert not any("key" in name or "secret" in name for name in FORM["conn-fields"])
    assert FORM["ui-field-behaviour"]["relabeling"]["password"] == "API secret"


def test_the_client_is_made_once(hook):
    found = hook()
    assert found.get_conn() is found.get_conn()


def test_the_test_button(hook, library):
    connection = library.stand_in.connection(library.stand_in.accounts[0])
    good, words = hook(**connection).test_connection()
    assert (good, words.partition(";")[0]) == (True, "Cloudinary answers for lantern-quill")
    assert "admin requests of this hour are left" in words
    for wrong in ({"password": "wrong"}, {"login": "1"}, {"extra": connection["extra"] | {"cloud_name": "nowhere"}}):
        good, words = hook(**(connection | wrong)).test_connection()
        assert not good
        assert "Check " in words
        assert SECRET not in words


def test_sha256_signatures_where_the_environment_has_them(hook, library):
    from tests.clients.cloudinary_library import jpeg

    connection = library.stand_in.connection(library.stand_in.accounts[0])
    client = hook(**(connection | {"extra": connection["extra"] | {"signing": "sha256"}})).get_conn()
    assert client.upload(jpeg(), "signed/one").public_id == "signed/one"


def test_the_check_tells_what_works(hook, library):
    from colophon import checks

    connection = library.stand_in.connection(library.stand_in.accounts[0])
    hook(**connection)
    rows = list(checks._cloudinary())
    assert [(row.step, row.ok) for row in rows] == [
        ("log in", True), ("moderation queue", True), ("metadata fields", True),
    ]  # fmt: skip
    hook(**(connection | {"password": "wrong"}))
    [row] = list(checks._cloudinary())
    assert not row.ok
    assert "Check cloud name" in row.todo


def test_a_house_without_cloudinary_is_no_failure(connections):
    from colophon import checks

    connections({})
    assert [row.ok for row in checks._cloudinary()] == [True]
