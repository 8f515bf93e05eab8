"""Single exchanges with an FTP server that ftplib does not offer as we need them."""
# ruff: noqa: S321 - there are partners who speak nothing else

from __future__ import annotations

import ftplib
import hashlib
import socket
import ssl
from pathlib import PurePosixPath

from include.transfer.listings import facts_of
from include.transfer.model import RemoteEntry
from include.transfer.refusals import is_absent


def take_any_bytes(ftp: ftplib.FTP) -> None:
    """Names and answers need not be in the connection's encoding: bytes that are not stay as they are, both ways."""
    if ftp.sock is None or ftp.file is None:
        raise ftplib.error_proto("not connected")
    ftp.file.close()
    ftp.file = ftp.sock.makefile("r", encoding=ftp.encoding, errors="surrogateescape", newline=None)
    ftp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ftp.putline = lambda line: put_lines(ftp, line)  # type: ignore[method-assign]


def put_lines(ftp: ftplib.FTP, *lines: str) -> None:
    command = "\r\n".join([*lines, ""])
    if command.count("\r") + command.count("\n") != 2 * len(lines):
        raise ValueError("a line break in a command")
    if ftp.sock is None:
        raise EOFError
    ftp.sock.sendall(command.encode(ftp.encoding, "surrogateescape"))


def size_and_announce(ftp: ftplib.FTP, path: str) -> tuple[int | None, str]:
    """SIZE and RNFR on one way: the size, and the path if the server is ready for its new name."""
    put_lines(ftp, f"SIZE {path}", f"RNFR {path}")
    answers: list[str] = []
    for _ in range(2):
        try:
            answers.append(ftp.getresp())
        except (ftplib.error_perm, ftplib.error_temp) as no:
            answers.append(str(no))
    size = int(answers[0][3:].strip()) if answers[0].startswith("213") else None
    return size, path if answers[1].startswith("3") else ""


def certificate_of(ftp: ftplib.FTP) -> str:
    if not isinstance(ftp.sock, ssl.SSLSocket):
        return ""
    certificate = ftp.sock.getpeercert(binary_form=True)
    return f"SHA256:{hashlib.sha256(certificate).hexdigest()}" if certificate else ""


def features_of(ftp: ftplib.FTP) -> frozenset[str]:
    try:
        lines = ftp.sendcmd("FEAT").splitlines()[1:-1]
    except ftplib.error_perm:
        return frozenset()
    return frozenset(line.split()[0].upper() for line in lines if line.strip())


def facts_about(ftp: ftplib.FTP, path: str) -> RemoteEntry | None:
    try:
        answer = ftp.sendcmd(f"MLST {path}")
    except ftplib.error_perm as no:
        if is_absent(no):
            return None
        raise
    lines = [line for line in answer.splitlines() if line.startswith(" ")]
    entry = facts_of(lines[0].strip(), "") if lines else None
    return RemoteEntry(PurePosixPath(path).name, path, entry.bytes, entry.modified, entry.is_dir) if entry else None
