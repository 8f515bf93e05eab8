"""One at a time: what two workers must never do beside each other, though it lasts longer than a transaction may.

A turn ends with the process that has it, however that ends: nothing is left to be cleared away by hand, or to run out.
On PostgreSQL it is a session's advisory lock, on SQLite a locked file beside the database.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from include.ledger.database import Ledger

SPACE = 0x5455524E  # "TURN": first half of the advisory locks on PostgreSQL


@contextmanager
def turn(ledger: Ledger, name: str, *, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds what `name` names for this caller alone; others wait, however long it takes. `waiting` is called once if we have to."""
    if ledger.engine.dialect.name == "postgresql":
        turns = _advisory(ledger, name, waiting)
    else:
        turns = _locked(Path(f"{ledger.engine.url.database}-turns"), name, waiting)
    with turns:
        yield


@contextmanager
def _advisory(ledger: Ledger, name: str, waiting: Callable[[], None]) -> Iterator[None]:
    key = {"space": SPACE, "name": name}
    with ledger.apart() as connection:  # a transaction that lasts as long as a turn would keep PostgreSQL from cleaning up
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:space, hashtext(:name))"), key):
            waiting()
            connection.execute(text("SELECT pg_advisory_lock(:space, hashtext(:name))"), key)
        yield


@contextmanager
def _locked(folder: Path, name: str, waiting: Callable[[], None]) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    path = folder / hashlib.sha256(name.encode()).hexdigest()[:32]
    while True:
        with path.open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                waiting = _said
                fcntl.flock(file, fcntl.LOCK_EX)
            if not names(path, file.fileno()):
                continue  # whoever had it has taken the name away with it
            try:
                yield
                return
            finally:
                path.unlink(missing_ok=True)


def names(path: Path, descriptor: int) -> bool:
    """Whether the path still means the file that was opened: who had it before may just have moved or removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _said() -> None:
    """Waiting is told once."""
