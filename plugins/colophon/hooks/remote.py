"""Partners' servers, opened from Airflow's stock sftp and ftp connections.

The connection, its credentials and the meaning of its extras stay the stock hooks'. What is added here: ciphers that
this machine computes fast, time-outs, keep-alive, a private authority's certificate (extra `ca_cert`, a path), and TLS
sessions that data connections resume, as vsftpd asks by default. Host keys and certificates are always checked.
"""
# ruff: noqa: S321 - there are partners who speak nothing but FTP

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.errors import ConfigurationError
from include.partners.model import Transport

if TYPE_CHECKING:
    import asyncssh

    from include.transfer.remote import Remote

CONNECT_TIMEOUT = 30  # seconds
ANSWER_TIMEOUT = 60  # seconds
GCM = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")  # with AES in hardware half again as fast as ChaCha20


@contextmanager
def open_remote(transport: Transport) -> Iterator[Remote]:
    """The partner's server, connected when first used, closed at the end.

    Its methods raise `ConfigurationError` where Airflow lacks the connection, a key file is missing, or host keys would
    not be checked.
    """
    from include.transfer.remote import Remote

    name = transport.connection
    if transport.protocol == "sftp":
        from include.transfer.sftp import SftpDriver

        driver: Any = SftpDriver(
            lambda: sftp_connection(name), name, channels=min(4, transport.parallel), fallback_encoding=transport.fallback_encoding
        )
    else:
        from include.transfer.ftp import FtpDriver

        connect = _ftps if transport.protocol == "ftps" else _ftp
        driver = FtpDriver(lambda: connect(name), name, fallback_encoding=transport.fallback_encoding)
    with Remote(driver, transport) as remote:
        yield remote


async def sftp_connection(name: str) -> asyncssh.SSHClientConnection:
    """What `SFTPHookAsync._get_conn` does, from the hook's own reading of the connection, with our ciphers and time-outs."""
    import asyncssh
    from airflow.providers.common.compat.connection import get_async_connection
    from airflow.providers.sftp.hooks.sftp import SFTPHookAsync
    from asyncssh.encryption import get_default_encryption_algs

    hook = SFTPHookAsync(name)
    with _found(name):
        connection = await get_async_connection(name, hook)
    _must_have_host(name, connection.host)
    _must_check_host_key(name, connection.extra_dejson)
    try:
        hook._parse_extras(connection)
    except ValueError as bad:
        raise _unfit(name, str(bad), "Edit the connection in Airflow.") from bad
    for file in (hook.key_file, hook.known_hosts if isinstance(hook.known_hosts, str) else ""):
        if file and not Path(file).is_file():
            raise _unfit(
                name, f"there is no file {file}", "Pin the partner's key in the extra `host_key`, and give the private key's right path."
            )
    keys: Any = ()
    if hook.private_key:
        keys = [asyncssh.import_private_key(hook.private_key, hook.passphrase or None)]
    elif hook.key_file:
        keys = hook.key_file
    elif connection.password:
        keys = None  # offering this machine's keys first would use up the server's patience
    ciphers = [cipher.decode() for cipher in get_default_encryption_algs()]
    return await asyncssh.connect(
        connection.host,
        connection.port or 22,
        username=connection.login,
        password=connection.password,
        client_keys=keys,
        passphrase=hook.passphrase or None,
        known_hosts=hook.known_hosts,
        encryption_algs=[*GCM, *(cipher for cipher in ciphers if cipher not in GCM)],
        connect_timeout=CONNECT_TIMEOUT,
        login_timeout=CONNECT_TIMEOUT,
        **({"agent_path": None} if keys is None else {}),
    )


def _must_have_host(name: str, host: str | None) -> None:
    if not host:
        raise _unfit(name, "the connection has no host", "Edit the connection in Airflow.")


def _must_check_host_key(name: str, extra: Mapping[str, Any]) -> None:
    for switch in ("no_host_key_check", "ignore_hostkey_verification", "allow_host_key_change"):
        if str(extra.get(switch, "")).lower() == "true":
            raise _unfit(
                name, f"the extra `{switch}` turns the check of the host key off", "Remove it and pin the key in the extra `host_key`."
            )
    if str(extra.get("known_hosts", "")).lower() == "none":
        raise _unfit(name, "the extra `known_hosts` turns the check of the host key off", "Pin the key in the extra `host_key`.")


def _ftp(name: str) -> ftplib.FTP:
    from airflow.providers.ftp.hooks.ftp import FTPHook

    with _found(name):
        ftp = FTPHook(name).get_conn()
    return _kept_alive(name, ftp)


def _ftps(name: str) -> ftplib.FTP:
    """What `FTPSHook.get_conn` does, which knows no private authority and writes the port on the class, for all threads."""
    from airflow.providers.ftp.hooks.ftp import FTPSHook, _get_passive_mode

    with _found(name):
        connection = FTPSHook(name).get_connection(name)
    _must_have_host(name, connection.host)
    extra = connection.extra_dejson
    authority = extra.get("ca_cert") or None
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError as bad:
        raise _unfit(
            name, f"the extra `ca_cert` names no certificate that can be read: {authority}", "Give the path of a PEM file."
        ) from bad
    ftps = SessionReuse(context=context, timeout=CONNECT_TIMEOUT, encoding=extra.get("encoding") or "utf-8")
    ftps.connect(connection.host or "", connection.port or ftplib.FTP_PORT)
    ftps.login(connection.login or "", connection.password or "")
    ftps.set_pasv(_get_passive_mode(extra))
    ftps.prot_p()
    return _kept_alive(name, ftps)


class SessionReuse(ftplib.FTP_TLS):
    """FTPS whose data connections resume the control connection's TLS session, proof that both are ours (RFC 4217, 10.2)."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # type: ignore[arg-type]
        control = self.sock
        if isinstance(control, ssl.SSLSocket):
            data = self.context.wrap_socket(data, server_hostname=self.host, session=control.session)
        return data, size


def _kept_alive(name: str, ftp: ftplib.FTP) -> ftplib.FTP:
    """A firewall that forgets the idle control connection of a long transfer must not hang us for ever."""
    ftp.timeout = ANSWER_TIMEOUT
    if ftp.sock is None:  # the stock hook connects to nothing where there is no host
        raise _unfit(name, "the connection has no host", "Edit the connection in Airflow.")
    ftp.sock.settimeout(ANSWER_TIMEOUT)
    ftp.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            ftp.sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return ftp


@contextmanager
def _found(name: str) -> Iterator[None]:
    from airflow.exceptions import AirflowNotFoundException

    try:
        yield
    except AirflowNotFoundException as missing:
        raise _unfit(name, "Airflow has no such connection", "Add it under Admin → Connections, or see docs/add-a-partner.md.") from missing


def _unfit(name: str, what: str, todo: str) -> ConfigurationError:
    return ConfigurationError(what, where=f"connection {name}", todo=todo)
