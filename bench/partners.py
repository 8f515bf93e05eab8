"""Servers for the benchmark of deliveries: OpenSSH and vsftpd on this machine, and lines with latency in front of them."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
SBIN = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"


@dataclass(frozen=True)
class OpenSsh:
    """A running sshd: who may log in, and with what."""

    port: int
    user_key: Path
    known_hosts: Path
    user: str

    def at(self, port: int) -> OpenSsh:
        """The same server, reached through a proxy's port."""
        lines = self.known_hosts.read_text()
        if f"]:{port} " not in lines:
            key = lines.splitlines()[0].split(" ", 1)[1]
            self.known_hosts.write_text(f"{lines}[{HOST}]:{port} {key}\n")
        return OpenSsh(port, self.user_key, self.known_hosts, self.user)


@contextmanager
def openssh(folder: Path) -> Iterator[OpenSsh | None]:
    """None where there is no OpenSSH server."""
    program, keygen = shutil.which("sshd", path=SBIN), shutil.which("ssh-keygen")
    if not program or not keygen:
        yield None
        return
    folder.mkdir(parents=True)
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True)
    port, user = free_port(), getpass.getuser()
    shutil.copy(folder / "user.pub", folder / "authorized")
    (folder / "known_hosts").write_text(f"[{HOST}]:{port} {(folder / 'host.pub').read_text()}")
    config = [
        f"ListenAddress {HOST}:{port}",
        f"HostKey {folder}/host",
        f"AuthorizedKeysFile {folder}/authorized",
        f"PidFile {folder}/pid",
        "StrictModes no",
        "UsePAM no",
        "MaxStartups 200",
        "Subsystem sftp internal-sftp",
    ]
    (folder / "sshd_config").write_text("\n".join(config) + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with running([program, "-D", "-e", "-f", str(folder / "sshd_config")], port):
        yield OpenSsh(port, folder / "user", folder / "known_hosts", user)


@contextmanager
def vsftpd(folder: Path, home: Path, certificate: Path | None = None) -> Iterator[int | None]:
    """The port of an FTP server (FTPS with a certificate) that anybody may enter; None where there is no vsftpd.

    It runs as we do, without a root folder of its own: paths are those of this machine, `home` is where a log-in begins.
    """
    program = shutil.which("vsftpd", path=SBIN)
    if not program:
        yield None
        return
    folder.mkdir(parents=True)
    port = free_port()
    options = {
        "listen": "YES",
        "listen_ipv6": "NO",
        "background": "NO",
        "listen_address": HOST,
        "listen_port": port,
        "run_as_launching_user": "YES",
        "anonymous_enable": "YES",
        "local_enable": "NO",
        "anon_root": home,
        "no_anon_password": "YES",
        "write_enable": "YES",
        "anon_upload_enable": "YES",
        "anon_mkdir_write_enable": "YES",
        "anon_other_write_enable": "YES",
        "anon_world_readable_only": "NO",
        "anon_umask": "022",
        "pasv_address": HOST,
        "seccomp_sandbox": "NO",
        "max_per_ip": "0",
        "xferlog_enable": "NO",
    }
    if certificate:
        options |= {
            "ssl_enable": "YES",
            "allow_anon_ssl": "YES",
            "force_anon_logins_ssl": "YES",
            "force_anon_data_ssl": "YES",
            "rsa_cert_file": certificate,
            "require_ssl_reuse": "YES",
            "ssl_ciphers": "HIGH",
        }
    file = folder / "vsftpd.conf"
    file.write_text("".join(f"{name}={value}\n" for name, value in options.items()))
    file.chmod(0o600)
    with running([program, str(file)], port):
        yield port


@contextmanager
def delayed(port: int, milliseconds: float, *options: str) -> Iterator[int]:
    """A port that leads to `port` over a line of that round-trip time."""
    proxy = subprocess.Popen(
        [sys.executable, "-m", "bench.delay", str(port), str(milliseconds), *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        yield int(proxy.stdout.readline() if proxy.stdout else 0)
    finally:
        proxy.terminate()
        proxy.wait(10)


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                socket.create_connection((HOST, port), 1).close()
                break
            except OSError:
                if server.poll() is not None:
                    raise RuntimeError(f"{command[0]} ended at once with status {server.returncode}") from None
                time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait(10)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])
