"""Deliver: our engine against lftp, OpenSSH's sftp and rclone, over SFTP and FTP, on loopback and over 20 ms of latency.

The methods take turns inside each round and medians are compared, so that the machine's moods fall on all alike. Our
times hold connection, temporary names, size checks, renames and confirmation, not the start of Python; the tools' times
hold the start of their process. Everything lies in memory where the system offers that. `--quick` measures less of it.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import random
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench import giant
from bench.partners import HOST, OpenSsh, delayed, openssh, vsftpd

ROOT = Path(__file__).resolve().parents[1]
BIG, SMALL, FEW = 200 << 20, 2000, 500  # bytes; files of 20 kB; files over the slow line
ROUND_TRIP = 20  # milliseconds
Method = Callable[[], object]


@dataclass
class Case:
    """One thing to do, by several methods. `musts`: our time over the best of the named peers', at most."""

    name: str
    methods: dict[str, Method]
    musts: dict[tuple[str, ...], float]
    prepare: Method
    rounds: int = 5
    times: dict[str, list[float]] = field(default_factory=dict)

    def measure(self) -> None:
        for _ in range(self.rounds):
            for name, method in self.methods.items():
                self.prepare()
                began = time.perf_counter()
                method()
                self.times.setdefault(name, []).append(time.perf_counter() - began)

    def print(self) -> None:
        medians = {name: statistics.median(times) for name, times in self.times.items()}
        print(f"{self.name:<30} " + "  ".join(f"{name} {seconds:.2f}" for name, seconds in medians.items()))
        for peers, must in self.musts.items():
            there = {name: medians[name] for name in peers or medians.keys() - {"ours"} if name in medians}
            if there:
                best = min(there, key=lambda name: there[name])
                ratio = medians["ours"] / there[best]
                print(f"{'':<30} → {ratio:.2f} of {best}; must be ≤ {must:.2f}: {'yes' if ratio <= must else 'NO'}", flush=True)


@dataclass(frozen=True)
class Files:
    """What is carried: one big file and many small ones in twenty folders, each with its hash."""

    big: Path
    small: Path
    few: Path
    sha256: dict[Path, str]

    @classmethod
    def make(cls, root: Path) -> Files:
        made = random.Random(20)
        files = cls(root / "big" / "big.pdf", root / "small", root / "few", {})
        files._add(files.big, made.randbytes(BIG))
        for number in range(SMALL):
            name, content = f"{number % 20:02d}/{number:05d}.jpg", made.randbytes(20_000)
            files._add(files.small / name, content)
            if number < FEW:
                files._add(files.few / name, content)
        return files

    def _add(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.sha256[path] = hashlib.sha256(content).hexdigest()

    def below(self, root: Path) -> list[Path]:
        return sorted(path for path in self.sha256 if root in path.parents)


class Ours:
    """The engine as the flows use it, without Airflow around it."""

    def __init__(self, files: Files) -> None:
        self.files = files

    @cache  # noqa: B019 - one object for the whole run; the store knows sizes and hashes, too
    def outgoing(self, root: Path, folder: str) -> list[Any]:
        from include.transfer import Outgoing

        return [
            Outgoing(path.name, f"{folder}/{path.parent.relative_to(root)}".removesuffix("/."), path.stat().st_size,
                     self.files.sha256[path], lambda path=path: path.open("rb"), "cover")
            for path in self.files.below(root)
        ]  # fmt: skip

    def put(self, connect: Callable[[], Any], root: Path, folder: str, *, parallel: int) -> None:
        from include.transfer import Published
        from include.transfer.publish import publish

        outgoing = self.outgoing(root, folder)
        with self._remote(connect, folder, parallel) as remote:
            results = publish(remote, outgoing, remote.transport)
        if not all(isinstance(result, Published) and not result.skipped for result in results):
            raise RuntimeError(f"not published: {next(result for result in results if not isinstance(result, Published))}")

    def get(self, connect: Callable[[], Any], folder: str, into: Path, *, parallel: int) -> None:
        from include.transfer import Fetched, RemoteEntry
        from include.transfer.fetch import fetch

        def place(entry: RemoteEntry) -> Any:
            path = into / entry.path.removeprefix(folder).lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("wb")

        with self._remote(connect, folder, parallel) as remote:
            results = fetch(remote, remote.walk(folder), place, parallel=parallel)
        if not all(isinstance(result, Fetched) for result in results):
            raise RuntimeError(f"not fetched: {results[0]}")

    @contextmanager
    def _remote(self, connect: Callable[[], Any], folder: str, parallel: int) -> Iterator[Any]:
        from include.partners.model import Transport
        from include.transfer import Remote
        from include.transfer.ftp import FtpDriver
        from include.transfer.sftp import SftpDriver

        sftp = connect.__name__ == "sftp"
        driver: Any = SftpDriver(connect, "bench") if sftp else FtpDriver(connect, "bench")
        transport = Transport(protocol="sftp" if sftp else "ftp", connection="bench", folder=folder, parallel=parallel)
        with Remote(driver, transport) as remote:
            yield remote


def sftp_connection(server: OpenSsh) -> Callable[[], Any]:
    async def sftp() -> Any:
        import asyncssh

        return await asyncssh.connect(
            HOST, server.port, username=server.user, client_keys=[str(server.user_key)], known_hosts=str(server.known_hosts), config=None,
            encryption_algs=["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"],
        )  # fmt: skip

    return sftp


def ftp_connection(port: int, authority: Path | None = None) -> Callable[[], Any]:
    def ftp() -> Any:
        import ftplib

        sys.path.insert(0, str(ROOT / "plugins"))
        from colophon.hooks.remote import SessionReuse

        client = (
            SessionReuse(context=ssl.create_default_context(cafile=str(authority)), timeout=60) if authority else ftplib.FTP(timeout=60)
        )
        client.connect(HOST, port)
        client.login()
        if authority:
            client.prot_p()  # type: ignore[union-attr]
        return client

    return ftp


class Peers:
    """The tools, as their manuals advise for this job. Only those that are installed."""

    def __init__(self, server: OpenSsh, work: Path) -> None:
        self.server, self.work = server, work
        self.ssh = ["-a", "-x", "-i", str(server.user_key), "-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "BatchMode=yes"]

    def sftp(self, command: str, *options: str) -> Method:
        batch = self.work / f"batch-{hashlib.sha256(command.encode()).hexdigest()[:8]}"
        batch.write_text(command + "\n")
        identity = ["-i", str(self.server.user_key), "-o", f"UserKnownHostsFile={self.server.known_hosts}"]
        return self._run("sftp", "-q", *options, "-b", str(batch), "-P", str(self.server.port), *identity, f"{self.server.user}@{HOST}")

    def lftp(self, command: str, *settings: str) -> Method:
        program = f'set sftp:connect-program "ssh {" ".join(self.ssh)}"'
        connect = f"open -u {self.server.user},none -p {self.server.port} sftp://{HOST}"
        return self._run("lftp", "-e", "; ".join([program, *(f"set {setting}" for setting in settings), connect, command, "bye"]))

    def rclone(self, source: str, target: str, *options: str) -> Method:
        login = ["--sftp-host", HOST, "--sftp-port", str(self.server.port), "--sftp-user", self.server.user]
        keys = ["--sftp-key-file", str(self.server.user_key), "--sftp-known-hosts-file", str(self.server.known_hosts)]
        habits = ["--sftp-shell-type", "none", "--sftp-disable-hashcheck", "--config", os.devnull]
        return self._run("rclone", "copy", *(options or ("--transfers", "8")), *habits, *login, *keys, source, target)

    def _run(self, *command: str) -> Method:
        def run() -> None:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")

        run.program = command[0]  # type: ignore[attr-defined]
        return run


def installed(methods: dict[str, Method]) -> dict[str, Method]:
    return {name: method for name, method in methods.items() if shutil.which(getattr(method, "program", "sh"))}


def sftp_cases(server: OpenSsh, files: Files, work: Path, *, slow: bool) -> Iterator[Case]:
    ours, peers, connect = Ours(files), Peers(server, work), sftp_connection(server)
    there, here = work / "there", work / "here"
    gcm = ["-c", "aes128-gcm@openssh.com"]
    line = f", {ROUND_TRIP} ms" if slow else ""
    many = files.few if slow else files.small

    def clean() -> None:
        for folder in (there, here):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()

    tuned = ("sftp:max-packets-in-flight 128",)
    yield Case(
        f"SFTP up, 1 × 200 MB{line}",
        installed({
            "ours": lambda: ours.put(connect, files.big.parent, str(there), parallel=4),
            "sftp": peers.sftp(f"put {files.big} {there}/big.pdf"),
            "sftp gcm": peers.sftp(f"put {files.big} {there}/big.pdf", *gcm),
            "lftp": peers.lftp(f"put {files.big} -o {there}/big.pdf", *tuned),
            "rclone": peers.rclone(str(files.big), f":sftp:{there}"),
        }),
        {(): 0.7 if slow else 1.0},
        clean,
    )  # fmt: skip
    yield Case(
        f"SFTP down, 1 × 200 MB{line}",
        installed({
            "ours": lambda: ours.get(connect, str(files.big.parent), here, parallel=4),
            "sftp": peers.sftp(f"get {files.big} {here}/big.pdf"),
            "sftp gcm": peers.sftp(f"get {files.big} {here}/big.pdf", *gcm),
            "lftp": peers.lftp(f"pget -n 4 {files.big} -o {here}/big.pdf", *tuned),
            "rclone": peers.rclone(f":sftp:{files.big}", str(here)),
        }),
        {(): 0.8 if slow else 0.9},
        clean,
    )  # fmt: skip
    up: dict[str, Method] = {"ours": lambda: ours.put(connect, many, f"{there}/s", parallel=128)}
    down: dict[str, Method] = {"ours": lambda: ours.get(connect, str(many), here, parallel=128)}
    for threads in (8, 32) if slow else (8,):
        up[f"lftp -P {threads}"] = peers.lftp(f"mirror -R -P {threads} {many} {there}/s")
        down[f"lftp -P {threads}"] = peers.lftp(f"mirror -P {threads} {many} {here}/s")
    if not slow:
        up |= {"sftp": peers.sftp(f"put -R {many} {there}/s"), "rclone": peers.rclone(str(many), f":sftp:{there}/s")}
        down |= {"sftp": peers.sftp(f"get -R {many} {here}/s"), "rclone": peers.rclone(f":sftp:{many}", f"{here}/s")}
    count = f"{FEW if slow else SMALL:,} × 20 kB{line}"
    both = {("lftp -P 8",): (0.35, 0.25), ("lftp -P 32",): (0.6, 0.4)}
    for name, methods, number, must in (("up", up, 0, 0.9), ("down", down, 1, 0.75)):
        musts = {peer: pair[number] for peer, pair in both.items()} if slow else {(): must}
        yield Case(f"SFTP {name}, {count}", installed(methods), musts, clean)


def ftp_cases(port: int, home: Path, files: Files, *, authority: Path | None = None, slow: bool = False) -> Iterator[Case]:
    ours, connect = Ours(files), ftp_connection(port, authority)
    many = files.few if slow else files.small
    kind, there = "FTPS" if authority else "FTP", home / "there"
    secure = f"set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:ca-file {authority}" if authority else "set ftp:ssl-allow no"

    def clean() -> None:
        shutil.rmtree(there, ignore_errors=True)
        there.mkdir()

    def lftp() -> None:
        script = f"{secure}; open -u anonymous,x -p {port} ftp://{HOST}; mirror -R -P 8 {many} {there}/s; bye"
        done = subprocess.run(["lftp", "-e", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"lftp ended with {done.returncode}: {done.stderr.strip()[-300:]}")

    lftp.program = "lftp"  # type: ignore[attr-defined]
    methods = installed({"ours": lambda: ours.put(connect, many, f"{there}/s", parallel=8), "lftp -P 8": lftp})
    count = f"{FEW if slow else SMALL:,} × 20 kB{f', {ROUND_TRIP} ms' if slow else ''}"
    yield Case(f"{kind} up, {count}", methods, {} if authority else {(): 1.15}, clean, rounds=2 if slow or authority else 7)


def certificate(folder: Path) -> tuple[Path, Path]:
    """An authority and a server's certificate with its key, made by the sandbox's own maker."""
    from sandbox.partners.keys import make_keys

    keys = make_keys(folder)
    return keys.authority(), keys.certificate()


def main(argv: Sequence[str] = ()) -> None:
    for module in (
        "asyncssh",
        "ftplib",
        "include.transfer.publish",
        "include.transfer.fetch",
        "include.transfer.sftp",
        "include.transfer.ftp",
    ):
        importlib.import_module(module)
    quick = "--quick" in argv
    memory_disk = Path("/dev/shm")
    root = memory_disk if memory_disk.is_dir() and shutil.disk_usage(memory_disk).free > 4 << 30 else None
    with tempfile.TemporaryDirectory(dir=root) as name, ExitStack() as servers:
        work = Path(name)
        work.chmod(0o755)
        files = Files.make(work / "files")
        cases: list[Case] = []
        server = servers.enter_context(openssh(work / "sshd"))
        if server is None:
            print("no OpenSSH server here: SFTP is left out")
        else:
            cases += sftp_cases(server, files, work, slow=False)
            far = server.at(servers.enter_context(delayed(server.port, ROUND_TRIP)))
            cases += [] if quick else sftp_cases(far, files, work, slow=True)
        home = work / "ftp"
        home.mkdir()
        home.chmod(0o755)
        port = servers.enter_context(vsftpd(work / "vsftpd", home))
        if port is None:
            print("no vsftpd here: FTP and FTPS are left out")
        elif not quick:
            cases += ftp_cases(port, home, files)
            cases += ftp_cases(servers.enter_context(delayed(port, ROUND_TRIP, "ftp")), home, files, slow=True)
            authority, signed = certificate(work / "keys")
            secure = servers.enter_context(vsftpd(work / "vsftpd-tls", home, signed))
            cases += ftp_cases(secure or 0, home, files, authority=authority)
        for case in cases:
            case.rounds = 1 if quick else min(case.rounds, 3) if " ms" in case.name else case.rounds
            case.measure()
            case.print()
        if server is not None:
            giant.memory(server, work)


if __name__ == "__main__":
    main(sys.argv[1:])
