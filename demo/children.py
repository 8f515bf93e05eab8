"""The demo's child processes: started with their output in a log file, watched, and ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

GRACE = 12.0  # seconds between asking a process to end and ending it


class DemoError(Exception):
    """The demo can't go on; the text is for the person at the terminal."""


@dataclass
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    lasting: bool

    def tail(self, lines: int = 25) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


@dataclass
class Children:
    """Every process that the demo started. `stop` leaves none behind."""

    logs: Path
    cwd: Path
    env: dict[str, str]
    running: list[Child] = field(default_factory=list)

    def start(self, name: str, *command: str) -> Child:
        """Start a process that should stay until the end."""
        child = self._spawn(name, command, lasting=True)
        self.running.append(child)
        return child

    def run(self, name: str, *command: str, seconds: float = 180) -> str:
        """Run a command to its end; gives what it wrote. DemoError if it fails or takes too long."""
        return self.finish(self.begin(name, *command), seconds)

    def begin(self, name: str, *command: str) -> Child:
        """Start a command whose end is awaited later with `finish`."""
        child = self._spawn(name, command, lasting=False)
        self.running.append(child)
        return child

    def finish(self, child: Child, seconds: float = 180) -> str:
        try:
            status = child.process.wait(seconds)
        except subprocess.TimeoutExpired:
            _end([child])
            raise DemoError(f"{child.name} did not end within {seconds:.0f} s.\n{child.tail()}") from None
        finally:
            if child in self.running:
                self.running.remove(child)
        if status:
            raise DemoError(f"{child.name} failed with status {status}; its log is {child.log}:\n{child.tail()}")
        return child.log.read_text(errors="replace")

    def check(self) -> None:
        """DemoError with the end of its log if a process that should run does not."""
        for child in self.running:
            status = child.process.poll()
            if status is not None and (child.lasting or status):
                raise DemoError(f"{child.name} ended by itself with status {status}; its log is {child.log}:\n{child.tail()}")

    def stop(self) -> None:
        _end(list(reversed(self.running)))
        self.running.clear()

    def _spawn(self, name: str, command: tuple[str, ...], *, lasting: bool) -> Child:
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        with log.open("wb") as out:
            # a session of its own: Ctrl-C reaches the demo alone, and whatever the child starts can be ended with it
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        return Child(name, process, log, lasting)


def _end(children: list[Child]) -> None:
    for child in children:
        _signal(child, signal.SIGTERM)
    until = time.monotonic() + GRACE
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.1, until - time.monotonic()))
    for child in children:
        _signal(child, signal.SIGKILL)
        child.process.wait()


def _signal(child: Child, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, number)
