"""A migration killed with -9, at moments that nobody chooses, in each of its phases: the account is exact all the same."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from include.ledger import archives
from include.ledger.archive_listing import listing, server_path
from tests.archives.tree import OF_A_TITLE, Grown, grow
from tests.archives.vault import Vault, stock

DICE = random.Random()


def so_far(vault: Vault, phase: str, files: int) -> Callable[[], float]:
    """How far a phase is, 0 to 1; 1 once it is over."""

    def share() -> float:
        with vault.ledger.read() as session:
            walk = archives.latest(session, "vault")
            if walk is None:
                return 0.0
            over = {"look": ("listed", "planned", "moving"), "plan": ("planned", "moving"), "move": ("done",)}[phase]
            if walk.phase in over:
                return 1.0
            if phase == "look":
                return listing(session, "vault", walk.number).files / files
            if phase == "plan":
                return 1.0 - archives.fate_counts(session, "vault").get("waiting", 0) / files if walk.phase == "listed" else 0.0
            now = archives.progress(session, "vault")
            return now.moved / now.to_move if now.to_move else 0.0

    return share


def kill_at(vault: Vault, phase: str, share: float, files: int) -> float:
    """Starts a worker that does everything up to this phase, kills it there; gives how far it was."""
    far, worker = so_far(vault, phase, files), vault.worker(phase)
    try:
        until = time.monotonic() + 3000
        while far() < share:
            assert worker.poll() is None, f"it ended before {share:.0%} of {phase}"
            assert time.monotonic() < until
            time.sleep(0.01 if files < 10_000 else 0.1)
        time.sleep(DICE.random() * 0.1)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    return far()


def exact(vault: Vault, grown: Grown) -> None:
    """Two workers bring the rest over; then the account, each file's fate and each title's versions are right, and a second run
    moves nothing."""
    workers = [vault.worker("move", part) for part in ("0/2", "1/2")]
    assert [worker.wait() for worker in workers] == [0, 0]
    account, _ = vault.migrate()
    assert account.ok
    assert (account.files, account.bytes) == (account.listed_files, account.listed_bytes) == (len(grown.fates), grown.bytes)
    assert sum(account.fates.values()) == len(grown.fates)
    fates = {server_path(row.path, row.whole_path).encode("utf-8", "surrogateescape"): row.fate for row in vault.files()}
    assert fates.keys() == grown.fates.keys()
    assert {path: fate for path, fate in fates.items() if fate not in grown.fates[path]} == {}
    vault.exactly_once()
    before = vault.row_counts()
    again, _ = vault.migrate()
    assert again.changes == {"same": len(grown.fates)}
    assert vault.row_counts() == before | {"archive_walk": before["archive_walk"] + 1}


@pytest.mark.long
def test_a_thousand_files_and_a_worker_killed_while_it_moves(vault):
    stock(vault.ledger, 1_000 // OF_A_TITLE)
    grown = grow(vault.root, 1_000, rich=False)
    assert kill_at(vault, "move", DICE.uniform(0.02, 0.3), 1_000) < 1
    exact(vault, grown)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_files_and_three_kills(vault):
    began = time.monotonic()
    stock(vault.ledger, 100_000 // OF_A_TITLE)
    grown = grow(vault.root, 100_000, rich=False)
    print(f"\n{time.monotonic() - began:5.0f} s: {len(grown.fates):,} files, {grown.bytes:,} bytes")
    for phase in ("look", "plan", "move"):
        far = kill_at(vault, phase, DICE.uniform(0.1, 0.7), 100_000)
        assert far < 1
        print(f"{time.monotonic() - began:5.0f} s: killed at {far:.0%} of {phase}", flush=True)
    exact(vault, grown)
    print(f"{time.monotonic() - began:5.0f} s: reconciled, and a second run moved nothing")
