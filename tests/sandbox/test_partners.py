"""The partner servers, asked by real clients: asyncssh and ftplib."""

from __future__ import annotations

import asyncio
import csv
import ftplib
import io
import json
import ssl
import stat
import time
import tomllib
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from lxml import etree

from sandbox.faults import Faults
from sandbox.partners import ROSTER, PartnerServers, Profile, answers, start_partners

MESSAGE = b"""<?xml version="1.0"?>
<ONIXMessage release="3.0" xmlns="http://ns.editeur.org/onix/3.0/reference">
<Header><Sender><SenderName>Lantern</SenderName></Sender><Addressee><AddresseeName>Northgate</AddresseeName></Addressee>
<MessageNumber>7</MessageNumber><SentDateTime>20260101</SentDateTime></Header>
<Product><RecordReference>a.1</RecordReference><ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>9780000000002</IDValue>
</ProductIdentifier></Product>
<Product><RecordReference>a.2</RecordReference></Product>
</ONIXMessage>"""
SHORT = b"""<ONIXmessage release="3.0" xmlns="http://ns.editeur.org/onix/3.0/short"><header><sender><x298>Lantern</x298></sender>
<addressee><x299>Meridian</x299></addressee><m180>12</m180></header><product><a001>b.1</a001><productidentifier><b221>15</b221>
<b244>9780000000019</b244></productidentifier></product></ONIXmessage>"""


FIRST = ("northgate", "meridian", "librarium", "fennimore", "quickshelf", "dropwell")  # the tests below are theirs


@pytest.fixture(scope="module")
def switches() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, switches: Faults) -> Iterator[PartnerServers]:
    running = start_partners(tmp_path_factory.mktemp("sandbox"), switches)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _good_day(switches: Faults) -> Iterator[None]:
    yield
    switches.clear()


@asynccontextmanager
async def sftp(servers: PartnerServers, partner: str, connection: str = "", **other: Any) -> Any:
    c = servers.connections[connection or f"partner_{partner}"]
    known = asyncssh.import_known_hosts(f"[{c['host']}]:{c['port']} {c['extra']['host_key']}\n")
    login: dict[str, Any] = {"username": c["login"], "password": c.get("password"), "client_keys": None}
    if "private_key" in c["extra"]:
        login["client_keys"] = [asyncssh.import_private_key(c["extra"]["private_key"])]
    async with (
        asyncssh.connect(c["host"], c["port"], known_hosts=known, config=None, **(login | other)) as connection,
        connection.start_sftp_client() as client,
    ):
        yield client


class ReuseTls(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd: str, rest: Any = None) -> Any:
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session), size


def ftps(servers: PartnerServers, kind: type[ftplib.FTP_TLS] = ReuseTls, profile: Profile | None = None, **login: str) -> ftplib.FTP_TLS:
    c = servers.connections[profile.connection if profile else "partner_librarium"]
    client = kind(context=ssl.create_default_context(cafile=c["extra"]["ca_cert"]), timeout=10)
    client.connect(c["host"], c["port"])
    client.login(c["login"], login.get("password", c["password"]))
    client.prot_p()
    return client


def ftp(servers: PartnerServers, password: str = "", profile: Profile | None = None) -> ftplib.FTP:
    c = servers.connections[profile.connection if profile else "partner_fennimore"]
    client = ftplib.FTP(timeout=10)
    client.connect(c["host"], c["port"])
    client.login(c["login"], password or c["password"])
    return client


def home(servers: PartnerServers, partner: str) -> Path:
    return servers.root / "partners" / partner


@pytest.mark.parametrize("partner", ["northgate", "meridian", "quickshelf", "dropwell"])
def test_sftp_partner_shows_only_its_own_folders(servers: PartnerServers, partner: str) -> None:
    async def go() -> set[str]:
        async with sftp(servers, partner) as client:
            assert await client.realpath("../../..") == "/"
            return {name for name in await client.listdir("/") if not name.startswith(".")}

    assert {"inbox", "acks", "reports", "outbox"} <= asyncio.run(go())


def test_every_party_of_the_configuration_has_its_server() -> None:
    named = {
        (tomllib.loads(path.read_text())["transport"]["protocol"], tomllib.loads(path.read_text())["transport"]["connection"])
        for folder in ("partners", "inboxes", "archives")
        for path in (Path(__file__).resolve().parents[2] / "config" / folder).glob("*.toml")
    }
    assert named == {(profile.protocol, profile.connection) for profile in ROSTER}


@pytest.mark.parametrize("profile", [one for one in ROSTER if one.id not in FIRST], ids=lambda profile: profile.id)
def test_files_come_and_go_wherever_a_party_keeps_them(servers: PartnerServers, switches: Faults, profile: Profile) -> None:
    content = b"whole" * 99

    def there_and_back(folder: str) -> bytes:
        if profile.protocol == "sftp":
            return asyncio.run(by_sftp(folder))
        back = io.BytesIO()
        client = ftps(servers, profile=profile) if profile.protocol == "ftps" else ftp(servers, profile=profile)
        with client:
            client.storbinary(f"STOR /{folder}/.a.part", io.BytesIO(content))
            client.rename(f"/{folder}/.a.part", f"/{folder}/a")
            client.retrbinary(f"RETR /{folder}/a", back.write)
        return back.getvalue()

    async def by_sftp(folder: str) -> bytes:
        async with sftp(servers, profile.id, connection=profile.connection) as client:
            async with client.open(f"/{folder}/.a.part", "wb") as file:
                await file.write(content)
            await client.posix_rename(f"/{folder}/.a.part", f"/{folder}/a")
            async with client.open(f"/{folder}/a", "rb") as file:
                return await file.read()

    for folder in profile.folders:
        assert there_and_back(folder) == content
    switches.set(profile.id, "wrong_password", times=1)
    with pytest.raises((asyncssh.PermissionDenied, ftplib.error_perm)):
        there_and_back(profile.folders[0])


def test_upload_read_back_and_rename(servers: PartnerServers) -> None:
    payload = bytes(range(256)) * 3000

    async def go() -> bytes:
        async with sftp(servers, "northgate") as client:
            async with client.open("/inbox/.a.xml.part", "wb") as file:
                await file.write(payload)
            await client.posix_rename("/inbox/.a.xml.part", "/inbox/a.xml")
            async with client.open("/inbox/a.xml", "rb") as file:
                return await file.read()

    assert asyncio.run(go()) == payload
    assert (home(servers, "northgate") / "inbox" / "a.xml").read_bytes() == payload


def test_wrong_key_wrong_password_and_wrong_user_are_refused(servers: PartnerServers) -> None:
    async def go(partner: str, **other: Any) -> None:
        async with sftp(servers, partner, **other):
            pass

    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(go("northgate", client_keys=[asyncssh.generate_private_key("ssh-ed25519")]))
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(go("northgate", client_keys=None, password="guess"))
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(go("meridian", password="guess"))
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(go("meridian", username="northgate"))


def test_quickshelf_sweeps_whole_files_and_leaves_travelling_ones(servers: PartnerServers) -> None:
    async def go() -> list[bool]:
        async with sftp(servers, "quickshelf") as client:
            async with client.open("/inbox/direct.xml", "wb") as file:
                await file.write(b"direct")
            async with client.open("/inbox/b.xml.0123abcd.filepart", "wb") as file:
                await file.write(b"renamed")
            seen = [await client.exists("/inbox/direct.xml"), await client.exists("/inbox/b.xml.0123abcd.filepart")]
            await client.posix_rename("/inbox/b.xml.0123abcd.filepart", "/inbox/b.xml")
            return [*seen, await client.exists("/inbox/b.xml")]

    assert asyncio.run(go()) == [False, True, False]
    swept = home(servers, "quickshelf") / "swept"
    assert (swept / "direct.xml").read_bytes() == b"direct"
    assert (swept / "b.xml").read_bytes() == b"renamed"


def test_dropwell_forbids_both_renames(servers: PartnerServers) -> None:
    async def go() -> None:
        async with sftp(servers, "dropwell") as client:
            async with client.open("/inbox/x.csv", "wb") as file:
                await file.write(b"1")
            for rename in (client.rename, client.posix_rename):
                with pytest.raises(asyncssh.SFTPPermissionDenied):
                    await rename("/inbox/x.csv", "/inbox/y.csv")

    asyncio.run(go())
    assert (home(servers, "dropwell") / "inbox" / "x.csv").exists()


def test_links_out_of_the_home_are_refused(servers: PartnerServers) -> None:
    async def go() -> None:
        async with sftp(servers, "meridian") as client:
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await client.symlink("/etc/passwd", "/inbox/passwd")

    asyncio.run(go())


def test_plain_ftp_upload_resume_rename(servers: PartnerServers) -> None:
    with ftp(servers) as client:
        client.storbinary("STOR /inbox/c.part", io.BytesIO(b"abc"))
        client.storbinary("STOR /inbox/c.part", io.BytesIO(b"def"), rest=3)
        assert client.size("/inbox/c.part") == 6
        client.rename("/inbox/c.part", "/inbox/c.xml")
    assert (home(servers, "fennimore") / "inbox" / "c.xml").read_bytes() == b"abcdef"


def test_ftps_takes_a_resumed_session_many_times(servers: PartnerServers) -> None:
    with ftps(servers) as client:
        for n in range(5):
            client.storbinary(f"STOR /inbox/d{n}.xml", io.BytesIO(b"x" * 100_000))
        assert "d4.xml" in client.nlst("/inbox")
    assert (home(servers, "librarium") / "inbox" / "d4.xml").stat().st_size == 100_000


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_ftps_session_reuse_in_both_tls_versions(servers: PartnerServers, version: ssl.TLSVersion) -> None:
    c = servers.connections["partner_librarium"]
    context = ssl.create_default_context(cafile=c["extra"]["ca_cert"])
    context.minimum_version = context.maximum_version = version
    client = ReuseTls(context=context, timeout=10)
    client.connect(c["host"], c["port"])
    client.login(c["login"], c["password"])
    client.prot_p()
    client.storbinary(f"STOR /inbox/{version.name}.xml", io.BytesIO(b"y"))
    client.close()


def test_ftps_refuses_a_data_connection_without_session_reuse(servers: PartnerServers) -> None:
    client = ftps(servers, ftplib.FTP_TLS)
    with pytest.raises((ftplib.error_perm, ssl.SSLError, OSError)) as caught:
        client.storbinary("STOR /inbox/fresh.xml", io.BytesIO(b"x" * 1_000_000))
    if isinstance(caught.value, ftplib.error_perm):
        assert str(caught.value).startswith("522")
    client.close()
    assert not (home(servers, "librarium") / "inbox" / "fresh.xml").read_bytes()


def test_ftps_refuses_clear_text(servers: PartnerServers) -> None:
    c = servers.connections["partner_librarium"]
    clear = ftplib.FTP(timeout=10)
    clear.connect(c["host"], c["port"])
    with pytest.raises(ftplib.error_perm, match=r"^550"):
        clear.login(c["login"], c["password"])
    clear.close()
    client = ftps(servers)
    client.prot_c()
    with pytest.raises(ftplib.error_perm, match=r"^550"):
        client.nlst("/inbox")
    client.close()


def test_ftps_certificate_is_not_trusted_by_the_system(servers: PartnerServers) -> None:
    c = servers.connections["partner_librarium"]
    client = ftplib.FTP_TLS(context=ssl.create_default_context(), timeout=10)
    client.connect(c["host"], c["port"])
    with pytest.raises(ssl.SSLCertVerificationError):
        client.login(c["login"], c["password"])
    client.close()


def test_fault_drop_breaks_an_sftp_upload_once(servers: PartnerServers, switches: Faults) -> None:
    switches.set("northgate", "drop_after", bytes=300_000, times=1)
    payload = b"z" * 1_000_000

    async def go(name: str, offset: int = 0) -> None:
        async with sftp(servers, "northgate") as client, client.open(name, "r+b" if offset else "wb") as file:
            await file.write(payload[offset:], offset)

    with pytest.raises((asyncssh.Error, OSError)):
        asyncio.run(go("/inbox/drop.part"))
    left = (home(servers, "northgate") / "inbox" / "drop.part").stat().st_size
    assert 0 < left <= 300_000
    asyncio.run(go("/inbox/drop.part", left))
    assert (home(servers, "northgate") / "inbox" / "drop.part").read_bytes() == payload


def test_fault_waits_for_an_upload_that_is_big_enough(servers: PartnerServers, switches: Faults) -> None:
    switches.set("meridian", "drop_after", bytes=50_000, times=1)

    async def go() -> None:
        async with sftp(servers, "meridian") as client, client.open("/inbox/covers/tiny.jpg", "wb") as file:
            await file.write(b"1" * 1000)

    asyncio.run(go())
    assert switches.active("meridian", "drop_after")


def test_fault_disk_full_in_words(servers: PartnerServers, switches: Faults) -> None:
    switches.set("meridian", "disk_full", bytes=1000, times=1)
    switches.set("fennimore", "disk_full", bytes=1000, times=1)
    switches.set("librarium", "disk_full", bytes=1000, times=1)

    async def go() -> None:
        async with sftp(servers, "meridian") as client, client.open("/inbox/full.part", "wb") as file:
            await file.write(b"1" * 5000)

    with pytest.raises(asyncssh.SFTPFailure, match="No space left on device"):
        asyncio.run(go())
    for client in (ftp(servers), ftps(servers)):
        with pytest.raises(ftplib.error_perm, match=r"^552"):
            client.storbinary("STOR /inbox/full.part", io.BytesIO(b"1" * 5000))
        client.storbinary("STOR /inbox/full.part", io.BytesIO(b"1" * 5000))
        client.close()


@pytest.mark.parametrize("connect", [ftp, ftps])
def test_fault_drop_breaks_an_ftp_upload(servers: PartnerServers, switches: Faults, connect: Any) -> None:
    partner = {"ftp": "fennimore", "ftps": "librarium"}[connect.__name__]
    switches.set(partner, "drop_after", bytes=100_000, times=1)
    client = connect(servers)
    with pytest.raises((OSError, EOFError, ssl.SSLError)):
        client.storbinary("STOR /inbox/dropped.part", io.BytesIO(b"q" * 2_000_000))
    client.close()
    path = home(servers, partner) / "inbox" / "dropped.part"
    left = path.stat().st_size
    assert 0 < left <= 100_000
    with connect(servers) as again:
        again.storbinary("STOR /inbox/dropped.part", io.BytesIO(b"q" * (2_000_000 - left)), rest=left)
    assert path.read_bytes() == b"q" * 2_000_000


def test_fault_wrong_password_refuses_any_log_in_as_often_as_asked(servers: PartnerServers, switches: Faults) -> None:
    async def log_in(partner: str) -> None:
        async with sftp(servers, partner):
            pass

    for partner in ("northgate", "meridian"):
        switches.set(partner, "wrong_password", times=1)
        with pytest.raises(asyncssh.PermissionDenied):
            asyncio.run(log_in(partner))
        asyncio.run(log_in(partner))
    switches.set("fennimore", "wrong_password", times=1)
    switches.set("librarium", "wrong_password", times=1)
    for connect in (ftp, ftps):
        with pytest.raises(ftplib.error_perm, match=r"^530"):
            connect(servers)
        connect(servers).close()


def test_fault_host_key_shows_another_key(servers: PartnerServers, switches: Faults) -> None:
    async def log_in() -> None:
        async with sftp(servers, "meridian"):
            pass

    switches.set("meridian", "host_key")
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        asyncio.run(log_in())
    switches.set("librarium", "host_key")
    with pytest.raises(ssl.SSLCertVerificationError):
        ftps(servers)
    switches.clear()
    asyncio.run(log_in())
    ftps(servers).close()


def test_fault_refuse_resets_connections(servers: PartnerServers, switches: Faults) -> None:
    async def log_in() -> None:
        async with sftp(servers, "dropwell"):
            pass

    for partner in ("dropwell", "fennimore", "librarium"):
        switches.set(partner, "refuse", times=1)
    with pytest.raises((OSError, asyncssh.ConnectionLost)):
        asyncio.run(log_in())
    for connect in (ftp, ftps):
        with pytest.raises((OSError, EOFError)):
            connect(servers)
    asyncio.run(log_in())


def test_fault_slow_holds_the_rate(servers: PartnerServers, switches: Faults) -> None:
    switches.set("meridian", "slow", bytes=1_000_000)
    switches.set("fennimore", "slow", bytes=200_000)
    switches.set("librarium", "slow", bytes=200_000)

    async def go() -> None:
        async with sftp(servers, "meridian") as client, client.open("/inbox/slow.part", "wb") as file:
            await file.write(b"1" * 500_000)

    begun = time.monotonic()
    asyncio.run(go())
    assert time.monotonic() - begun >= 0.45
    for client in (ftp(servers), ftps(servers)):
        begun = time.monotonic()
        client.storbinary("STOR /inbox/slow.part", io.BytesIO(b"1" * 500_000))
        assert time.monotonic() - begun >= 0.5
        client.close()


def test_key_material_is_the_owners_alone(servers: PartnerServers) -> None:
    files = list((servers.root / "keys").iterdir())
    assert len(files) > 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_connections_are_what_airflow_reads(servers: PartnerServers) -> None:
    assert set(servers.connections) == {profile.connection for profile in ROSTER}
    assert json.loads(json.dumps(servers.connections)) == servers.connections
    for connection in servers.connections.values():
        assert set(connection) <= {"conn_type", "host", "port", "login", "password", "extra"}
        assert connection["conn_type"] in {"sftp", "ftp"}


def test_ports_keys_and_passwords_survive_a_restart(tmp_path: Path) -> None:
    first = start_partners(tmp_path)
    first.stop()
    second = start_partners(tmp_path)
    try:
        assert second.connections == first.connections
        third = start_partners(tmp_path, profiles=ROSTER[:1])
        try:
            assert third.ports["northgate"] != second.ports["northgate"]
        finally:
            third.stop()
    finally:
        second.stop()
        second.stop()


def test_a_seventh_partner_is_one_profile(tmp_path: Path) -> None:
    servers = start_partners(tmp_path, profiles=[Profile("seventh", "sftp", sweeps=True, renames=False)])
    try:

        async def go() -> None:
            async with sftp(servers, "seventh") as client, client.open("/inbox/covers/a.jpg", "wb") as file:
                await file.write(b"1")

        asyncio.run(go())
    finally:
        servers.stop()
    assert (tmp_path / "partners" / "seventh" / "swept" / "covers" / "a.jpg").exists()


def test_northgate_acknowledges_in_onix(servers: PartnerServers) -> None:
    inbox = home(servers, "northgate") / "inbox"
    (inbox / "LQ_full_000007.xml").write_bytes(MESSAGE)
    (inbox / ".later.xml.part").write_bytes(b"not yet")
    path = servers.answer("northgate", {"a.2": "price is missing"}, name="LQ_full_000007.xml")
    assert path.parent == home(servers, "northgate") / "acks"
    tree = etree.parse(path)
    ns = {"a": answers.NAMESPACE}
    assert tree.findtext("a:Header/a:MessageNumber", namespaces=ns) == "7"
    assert tree.findtext("a:Header/a:MessageStatus", namespaces=ns) == "02"
    assert tree.findtext("a:Header/a:Addressee/a:AddresseeName", namespaces=ns) == "Lantern"
    assert [node.text for node in tree.iterfind("a:Product/a:RecordStatus", ns)] == ["00", "03"]
    assert tree.findtext("a:Product/a:RecordStatusDetail/a:StatusDetailText", namespaces=ns) == "price is missing"
    everything = answers.acknowledge(inbox / "LQ_full_000007.xml", path.parent)
    assert etree.parse(everything).findtext("a:Header/a:MessageStatus", namespaces=ns) == "03"
    receipt = answers.acknowledge(inbox / "LQ_full_000007.xml", path.parent, unparsed=True)
    assert etree.parse(receipt).find("a:NoProduct", ns) is not None


def test_meridian_reports_in_csv(servers: PartnerServers) -> None:
    (home(servers, "meridian") / "inbox" / "20260101.COT").write_bytes(SHORT)
    path = servers.answer("meridian", {"b.1": "no BISAC code"})
    assert list(csv.reader(path.read_text().splitlines())) == [
        ["MessageNumber", "RecordReference", "ISBN13", "Status", "Message"],
        ["12", "b.1", "9780000000019", "REJECTED", "no BISAC code"],
    ]


def test_fennimore_renames_what_it_read(servers: PartnerServers) -> None:
    inbox = home(servers, "fennimore") / "inbox"
    for name in ("lantern1.xml", "lantern2.xml"):
        (inbox / name).write_bytes(b"<x/>")
        (inbox / f"{name}.done").touch()
    assert servers.answer("fennimore", name="lantern1.xml").name == "lantern1.xml.read"
    assert servers.answer("fennimore", {"r": "bad"}, name="lantern2.xml").name == "lantern2.xml.rejected"
    assert not list(inbox.glob("lantern*.done"))


def test_who_never_answers_says_so(servers: PartnerServers) -> None:
    (home(servers, "dropwell") / "inbox" / "m.xml").write_bytes(MESSAGE)
    with pytest.raises(ValueError, match="never answers"):
        servers.answer("dropwell")
    with pytest.raises(LookupError):
        servers.answer("northgate", name="nothing.xml")
