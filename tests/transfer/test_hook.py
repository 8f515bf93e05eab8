"""`open_remote` over Airflow's stock connections, against the partner servers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.errors import ConfigurationError, HostKeyMismatch, LoginRefused
from include.partners.model import Transport
from include.transfer import Remote
from tests.transfer.conftest import FTP, FTPS, PROTOCOLS, SFTP, Partners, file, send

pytestmark = pytest.mark.airflow
EACH = pytest.mark.parametrize("partner", [SFTP, "quickshelf", FTP, FTPS])


@pytest.fixture(autouse=True)
def _airflow_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    if "AIRFLOW_HOME" not in os.environ:
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))


@pytest.fixture
def opened(partners: Partners, monkeypatch: pytest.MonkeyPatch) -> Any:
    from contextlib import contextmanager

    @contextmanager
    def open_it(partner: str, *, extra: dict[str, Any] | None = None, **changed: Any) -> Iterator[Remote]:
        from colophon.hooks.remote import open_remote

        c = json.loads(json.dumps(partners.servers.connections[f"partner_{partner}"])) | changed
        c["extra"] = {key: value for key, value in ((c.get("extra") or {}) | (extra or {})).items() if value is not None}
        monkeypatch.setenv(f"AIRFLOW_CONN_PARTNER_{partner.upper()}", json.dumps(c))
        transport = Transport(protocol=PROTOCOLS[partner], connection=f"partner_{partner}", folder="/inbox", sweeps=partner == "quickshelf")  # type: ignore[arg-type]
        with open_remote(transport) as remote:
            yield remote

    return open_it


@EACH
def test_partner_is_reached_with_the_connection_as_airflow_holds_it(opened: Any, partners: Partners, partner: str) -> None:
    with opened(partner) as remote:
        assert send(remote, *(file(f"{number}.xml") for number in range(20))).all_arrived
        assert [step.name for step in remote.probe()] == ["reach", "log in", "list", "write", "read", "rename", "clean up"]
        assert all(step.ok for step in remote.probe())
        assert bool(remote.host_key()) == (partner != FTP)


@pytest.mark.parametrize("partner", ["quickshelf", FTP, FTPS])
def test_wrong_password_is_a_refused_log_in(opened: Any, partner: str) -> None:
    with opened(partner, password="wrong-secret") as remote:
        reach, log_in = remote.probe()
        assert (reach.ok, log_in.ok) == (True, False)
        with pytest.raises(LoginRefused) as refused:
            remote.list("/inbox")
    assert "wrong-secret" not in str(refused.value)


def test_other_host_key_than_the_pinned_one_is_refused(opened: Any, partners: Partners) -> None:
    other = partners.servers.connections["partner_quickshelf"]["extra"]["host_key"]
    with opened(SFTP, extra={"host_key": other}) as remote, pytest.raises(HostKeyMismatch):
        remote.list("/inbox")


@pytest.mark.parametrize(
    "extra",
    [
        {"no_host_key_check": "true"},
        {"no_host_key_check": True, "host_key": None},
        {"ignore_hostkey_verification": "true"},
        {"allow_host_key_change": "true"},
        {"known_hosts": "none", "host_key": None},
        {"known_hosts": "/nowhere/known_hosts", "host_key": None},
        {"key_file": "/nowhere/key", "private_key": None},
        {"private_key": "no key at all"},
    ],
)
def test_connection_that_would_not_check_or_can_not_log_in_is_a_configuration_error(opened: Any, extra: dict[str, Any]) -> None:
    with opened(SFTP, extra=extra) as remote, pytest.raises(ConfigurationError) as unfit:
        remote.list("/inbox")
    assert "no key at all" not in str(unfit.value)


def test_host_that_nobody_pinned_is_refused(opened: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with opened(SFTP, extra={"host_key": None}) as remote, pytest.raises(ConfigurationError):
        remote.list("/inbox")


@pytest.mark.parametrize("authority", [None, "/nowhere/ca.pem"])
def test_certificate_of_an_unknown_authority_is_refused(opened: Any, authority: str | None) -> None:
    with opened(FTPS, extra={"ca_cert": authority}) as remote, pytest.raises(ConfigurationError):
        remote.list("/inbox")


@pytest.mark.parametrize("protocol", ["sftp", "ftp", "ftps"])
def test_connection_that_airflow_does_not_have_is_a_configuration_error(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.exceptions import AirflowNotFoundException
    from airflow.sdk import BaseHook

    def nothing(conn_id: str) -> None:
        raise AirflowNotFoundException(f"The conn_id `{conn_id}` isn't defined")

    async def nothing_either(conn_id: str) -> None:
        nothing(conn_id)

    monkeypatch.setattr(BaseHook, "get_connection", staticmethod(nothing))  # without a metadata database there is no other way to have none
    monkeypatch.setattr(BaseHook, "aget_connection", staticmethod(nothing_either))
    from colophon.hooks.remote import open_remote

    transport = Transport(protocol=protocol, connection="partner_nobody", folder="/")  # type: ignore[arg-type]
    with open_remote(transport) as remote, pytest.raises(ConfigurationError, match="no such connection"):
        remote.list("/")


@EACH
def test_connection_without_a_host_is_a_configuration_error(opened: Any, partner: str) -> None:
    with opened(partner, host=None) as remote, pytest.raises(ConfigurationError, match="no host"):
        remote.list("/inbox")
