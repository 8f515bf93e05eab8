"""What servers and networks say, in our own error classes: which sentence, and can trying again help?"""
# ruff: noqa: S321 - there are partners who speak nothing but FTP

from __future__ import annotations

import errno
import ftplib
import re
import socket
import ssl

import asyncssh

from include.errors import ColophonError, ConfigurationError, HostKeyMismatch, LoginRefused, PermanentError, TransientError

_FULL = re.compile(r"no space|disk (is )?full|quota|insufficient storage|out of space|exceeded storage", re.IGNORECASE)
_ABSENT = re.compile(r"no such file|not found|does not exist|doesn't exist|can't find|cannot find|no such directory", re.IGNORECASE)
_DENIED = re.compile(r"permission|denied|not allowed|forbidden|access|read.?only", re.IGNORECASE)
_SPACE = "Ask the partner to make room, then run it again."
_RIGHTS = "Ask the partner for the right to do this in that folder."
_AGAIN = "It is tried again; if it stays so, run `connections check`."
_KEY = "Ask the partner for the fingerprint by another way before you change the connection's `host_key`."
_CERTIFICATE = "If the partner has a private authority, name its certificate in the connection's extra `ca_cert`."


def sftp_error(error: BaseException, where: str) -> ColophonError:  # noqa: PLR0912 - a table
    """The error to raise for what asyncssh, the socket or a time-out raised. `where` names partner and path."""
    match error:
        case ColophonError():
            return error
        case asyncssh.PermissionDenied():
            return LoginRefused("the server refused the log-in", where=where, todo="Check user, password or key in the Airflow connection.")
        case asyncssh.HostKeyNotVerifiable():
            return HostKeyMismatch("the server's host key is not the one we trust", where=where, todo=_KEY)
        case asyncssh.KeyExchangeFailed() | asyncssh.ProtocolNotSupported():
            return ConfigurationError(
                f"no common cipher or key exchange: {error}", where=where, todo="Ask the partner what the server supports."
            )
        case asyncssh.KeyImportError() | asyncssh.KeyEncryptionError():
            return ConfigurationError(
                "the private key can't be read", where=where, todo="Check key and passphrase in the Airflow connection."
            )
        case asyncssh.SFTPNoSpaceOnFilesystem() | asyncssh.SFTPQuotaExceeded():
            return PermanentError(f"no space left at the partner: {error.reason}", where=where, todo=_SPACE)
        case asyncssh.SFTPPermissionDenied() | asyncssh.SFTPWriteProtect() | asyncssh.SFTPCannotDelete():
            return PermanentError(f"not permitted: {error.reason}", where=where, todo=_RIGHTS)
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath() | asyncssh.SFTPNotADirectory():
            return PermanentError(f"no such file or folder: {error.reason}", where=where, todo="Check the folders in the partner's file.")
        case asyncssh.SFTPInvalidFilename() | asyncssh.SFTPFileIsADirectory() | asyncssh.SFTPOpUnsupported():
            return PermanentError(f"refused: {error.reason}", where=where, todo="Ask the partner what the server allows.")
        case asyncssh.SFTPNoConnection() | asyncssh.SFTPConnectionLost():
            return TransientError("the connection broke", where=where, todo=_AGAIN)
        case asyncssh.SFTPError() if _FULL.search(error.reason):
            return PermanentError(f"no space left at the partner: {error.reason}", where=where, todo=_SPACE)
        case asyncssh.SFTPError():
            return TransientError(f"the server failed: {error.reason or error.code}", where=where, todo=_AGAIN)
        case asyncssh.ChannelOpenError():
            return TransientError(f"the server opens no channel: {error.reason}", where=where, todo=_AGAIN)
        case asyncssh.DisconnectError():
            return TransientError(f"the connection broke: {error.reason}", where=where, todo=_AGAIN)
    return network_error(error, where)


def ftp_error(error: BaseException, where: str) -> ColophonError:
    """The error to raise for what ftplib, ssl or the socket raised. Reply codes: RFC 959, section 4.2."""
    said = str(error)[:300]
    match error:
        case ColophonError():
            return error
        case ftplib.error_perm() if said.startswith(("530", "532")):
            return LoginRefused(
                f"the server refused the log-in: {said}", where=where, todo="Check user and password in the Airflow connection."
            )
        case ftplib.error_perm() if said.startswith("552") or _FULL.search(said):
            return PermanentError(f"no space left at the partner: {said}", where=where, todo=_SPACE)
        case ftplib.error_perm() if said.startswith(("522", "534", "536", "521")):
            return ConfigurationError(
                f"the server wants its data connections protected otherwise: {said}", where=where, todo="Ask the partner."
            )
        case ftplib.error_perm():
            return PermanentError(
                f"refused: {said}", where=where, todo=_RIGHTS if _DENIED.search(said) else "Ask the partner what the server allows."
            )
        case ftplib.error_temp():
            return TransientError(f"not now: {said}", where=where, todo=_AGAIN)
        case ftplib.error_reply() | ftplib.error_proto() | EOFError():
            return TransientError(f"the connection broke: {said or 'closed by the server'}", where=where, todo=_AGAIN)
    return network_error(error, where)


def network_error(error: BaseException, where: str) -> ColophonError:
    """Sockets, names, certificates, time-outs. An exception that is none of these is given back as it is, raised."""
    match error:
        case ssl.SSLCertVerificationError():
            return HostKeyMismatch(f"the server's certificate is not trusted: {error.verify_message}", where=where, todo=_CERTIFICATE)
        case ssl.SSLError():
            return TransientError(f"the encrypted connection broke: {error.reason or 'no reason given'}", where=where, todo=_AGAIN)
        case TimeoutError():
            return TransientError("the server did not answer in time", where=where, todo=_AGAIN)
        case socket.gaierror():
            return TransientError(
                f"the host's name can't be resolved: {error.strerror}", where=where, todo="Check the host in the Airflow connection."
            )
        case ConnectionRefusedError():
            return TransientError(
                "nobody listens there", where=where, todo="Check host and port in the Airflow connection, and the firewall."
            )
        case OSError() if error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
            return TransientError("the host can't be reached", where=where, todo="Check host and firewall.")
        case OSError():
            return TransientError(f"the connection broke: {error.strerror or error}", where=where, todo=_AGAIN)
    raise error


def is_absent(error: ftplib.error_perm) -> bool:
    """Whether a 550 says that there is no such file, rather than that we may not."""
    said = str(error)
    return said.startswith("550") and (bool(_ABSENT.search(said)) or not _DENIED.search(said))


def loses_connection(error: BaseException) -> bool:
    """Whether the connection can't be used any more after this."""
    lost = (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost, asyncssh.SFTPBadMessage, asyncssh.DisconnectError, OSError, EOFError)
    return isinstance(error, (*lost, ftplib.error_reply, ftplib.error_proto)) or str(error).startswith("421")
