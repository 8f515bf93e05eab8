"""FTP and FTPS servers of partners (pyftpdlib), with the partner's faults. All of them run in one thread."""

from __future__ import annotations

import logging
import socket
import struct
import threading
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, FTPHandler, ThrottledDTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from sandbox.partners.faults import Faults, limit
from sandbox.partners.keys import Keys
from sandbox.partners.roster import Profile

PERMISSIONS = "elradfmwMT"


class FaultyData(ThrottledDTPHandler):
    """A data connection with the faults `drop_after`, `cut_after`, `disk_full` and `slow`."""

    auto_sized_buffers = False  # a buffer smaller than a TLS record would leave bytes unseen inside OpenSSL

    def __init__(self, sock: socket.socket, cmd_channel: Any) -> None:
        self.faults: Faults = cmd_channel.faults
        self.service: str = cmd_channel.profile.id
        rate = limit(self.faults, self.service, "slow")
        self.read_limit = self.write_limit = rate or 0
        super().__init__(sock, cmd_channel)

    def handle_read(self) -> None:
        before = self.tot_bytes_received
        upload = self.file_obj
        for kind in ("drop_after", "disk_full"):
            most = limit(self.faults, self.service, kind)
            if most is None or upload is None or before + self.ac_in_buffer_size <= most:
                continue
            self._read_up_to(kind, most)
            return
        super().handle_read()

    handle_read_event = handle_read

    def handle_write(self) -> None:
        super().handle_write()
        most = limit(self.faults, self.service, "cut_after")
        past = most is not None and self.tot_bytes_sent > most and self.file_obj is not None
        if past and self.faults.take(self.service, "cut_after") is not None:
            self._break()

    def _read_up_to(self, kind: str, most: int) -> None:
        """Take one chunk; what is over the limit is lost, and the fault happens."""
        position = self.file_obj.tell()
        before = self.tot_bytes_received
        super().handle_read()
        if self.tot_bytes_received <= most or self.file_obj.closed:
            return
        if self.faults.take(self.service, kind) is None:
            return
        self.file_obj.truncate(position + max(0, most - before))
        self.transfer_finished = False
        if kind == "disk_full":
            self._resp = ("552 No space left on device; transfer aborted.", logging.getLogger("pyftpdlib").info)
            self.close()
            return
        self._break()

    def _break(self) -> None:
        self._resp = ()
        _reset_on_close(self.socket)
        _reset_on_close(self.cmd_channel.socket)
        self._error = self.cmd_channel._error = True  # no TLS farewell
        control = self.cmd_channel
        self.close()
        control.close()


class FaultyTlsData(TLS_DTPHandler, FaultyData):
    """… over TLS, which must resume the session of the control connection, as vsftpd asks by default."""

    def handle_ssl_established(self) -> None:
        # pyOpenSSL has no public name for it; without the check anybody who guesses the port may take the data connection
        if not SSL._lib.SSL_session_reused(self.socket._ssl):
            self.transfer_finished = False
            self._resp = ("522 SSL connection failed: session reuse required.", logging.getLogger("pyftpdlib").info)
            self.close()


class FaultyControl(FTPHandler):
    """A control connection with the faults `wrong_password` and, over TLS, `host_key`."""

    profile: Profile
    faults: Faults
    banner = "Colophon sandbox ready."
    auth_failed_timeout = 0.1
    dtp_handler: type[DTPHandler] = FaultyData

    def ftp_PASS(self, line: str) -> None:  # noqa: N802 - pyftpdlib's name
        if self.username and not self.authenticated and self.faults.take(self.profile.id, "wrong_password") is not None:
            self.handle_auth_failed("Authentication failed.", line)
            return
        super().ftp_PASS(line)


class FaultyTlsControl(TLS_FTPHandler, FaultyControl):
    tls_control_required = True
    tls_data_required = True
    dtp_handler = FaultyTlsData
    other_context: SSL.Context

    def __init__(self, conn: socket.socket, server: Any, ioloop: IOLoop | None = None) -> None:
        super().__init__(conn, server, ioloop)
        if self.connected and self.faults.take(self.profile.id, "host_key") is not None:
            self.ssl_context = self.other_context


class FaultyServer(FTPServer):
    """… with the fault `refuse`."""

    def handle_accepted(self, sock: socket.socket, addr: Any) -> Any:
        if self.handler.faults.take(self.handler.profile.id, "refuse") is not None:
            _reset_on_close(sock)
            sock.close()
            return None
        return super().handle_accepted(sock, addr)


class FtpThread:
    """The FTP servers' own event loop in its thread."""

    def __init__(self) -> None:
        logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())  # else it configures logging by itself
        self._loop = IOLoop()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-ftp", daemon=True)

    def add(self, profile: Profile, home: Path, listener: socket.socket, keys: Keys, faults: Faults) -> None:
        """Call it before `start`."""
        authorizer = DummyAuthorizer()
        authorizer.add_user(profile.id, keys.password(profile.id), str(home), perm=PERMISSIONS)
        named: dict[str, Any] = {"authorizer": authorizer, "profile": profile, "faults": faults}
        if profile.protocol == "ftps":
            named |= {
                "ssl_context": _context(keys.certificate(), profile.id),
                "other_context": _context(keys.other_certificate(), profile.id),
            }
        base = FaultyTlsControl if profile.protocol == "ftps" else FaultyControl
        FaultyServer(listener, type(f"{profile.id.title()}Control", (base,), named), ioloop=self._loop)

    def start(self) -> None:
        if self._loop.socket_map:  # with nobody to serve the loop would spin
            self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)
        self._loop.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            # one turn at a time: the loop has no call that another thread may use to end it
            self._loop.loop(timeout=0.2, blocking=False)


def _context(certificate: Path, session_id: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate_chain_file(str(certificate))
    context.use_privatekey_file(str(certificate))
    context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
    context.set_session_id(session_id.encode())
    return context


def _reset_on_close(sock: Any) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
