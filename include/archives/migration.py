"""A migration from the first name to the account, in steps that may each be stopped and run again.

look (list, mark what vanished, cut shards) ─▶ plan ─▶ batches ─▶ move, several at once ─▶ finish
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.archives import plan as dry_run
from include.archives.move import Moved, Mover
from include.archives.reconcile import Account, reconcile
from include.archives.report import Report, report
from include.archives.walk import Walk, begin_or_go_on
from include.errors import ConfigurationError
from include.intake.match import TitleIndex
from include.ledger import archives
from include.ledger.archive_listing import Listing
from include.ledger.database import Ledger
from include.partners import Archive
from include.store import ArtefactStore
from include.transfer import Remote

MOST_TASKS = 256  # mapped tasks of one run, below Airflow's limit of 1024; each takes several shards where there are more
GOOD_FOR = timedelta(days=1)  # a listing older than this is made again before anything is fetched

OpenRemote = Callable[[], AbstractContextManager[Remote]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Migration:
    """One archive with what its migration needs. `clock` gives the time, `say` is told how far it is."""

    ledger: Ledger
    store: ArtefactStore
    archive: Archive
    open_remote: OpenRemote
    clock: Callable[[], datetime]
    say: Callable[[str], object] = log.info

    def look(self, *, run: bool) -> int:
        """Lists the archive, or goes on listing it; gives the walk's number. A plan that is a day old at most is taken as it is when
        the files are to be fetched (`run`); a walk that is under way goes on. Raises as `Walk.run`."""
        number = begin_or_go_on(self.ledger, self.archive, self.clock(), anew=not run or self._stale())
        with self.ledger.read() as session:
            phase = archives.walk(session, self.archive.id, number).phase
        if phase == archives.LISTING:
            with self.open_remote() as remote:
                seen = Walk(self.ledger, self.archive, number, remote, say=self.say).run()
            self._listed(number, seen)
        return number

    def _stale(self) -> bool:
        with self.ledger.read() as session:
            row = archives.latest(session, self.archive.id)
            return row is not None and row.listed_at is not None and self.clock() - row.listed_at > GOOD_FOR

    def _listed(self, number: int, seen: Listing) -> None:
        """What vanished is marked, and what waits is cut into shards, each in a transaction of its own."""
        now = self.clock()
        with self.ledger.session() as session:
            gone = archives.vanish(session, self.archive.id, number, now)
        after, shards, cut = 0, 0, self.archive.shard_files
        while cut:
            with self.ledger.session() as session:
                cut, after = archives.cut_shard(session, self.archive.id, number, self.archive.shard_files, after)
                shards += bool(cut)
        with self.ledger.session() as session:
            row = archives.walk(session, self.archive.id, number, lock=True)
            row.phase, row.listed_at = archives.LISTED, now
            archives.count(row, listing=seen._asdict(), vanished=gone)
        self.say(f"{self.archive.id}: {seen.files:,} files in {seen.folders:,} folders; shards that wait: {shards:,}; vanished: {gone:,}")

    def plan(self, number: int, *, written: bool) -> Report | None:
        """The dry run over what waits. The reports are made where `written`, and where this plan is new."""
        with self.ledger.read() as session:
            phase = archives.walk(session, self.archive.id, number).phase
        if phase == archives.LISTED:
            dry_run.plan(self.ledger, self.archive, number, self.index(), say=self.say)
            with self.ledger.session() as session:
                archives.walk(session, self.archive.id, number, lock=True).phase = archives.PLANNED
        elif not written:
            return None
        return report(self.ledger, self.store, self.archive, number, self.clock(), planned=True)

    def index(self) -> TitleIndex:
        """All titles of the mirror. Raises `ConfigurationError` if it is empty: nothing would be matched."""
        with self.ledger.read() as session:
            index = TitleIndex(session)
        if not len(index):
            raise ConfigurationError(
                "the mirror has no titles, so no file would find its title", where=self.archive.name, todo="Run `catalogue_sync` first."
            )
        return index

    def batches(self, number: int) -> list[list[int]]:
        """The shards that are left, as lists of their ids, one for each worker's task; at most `MOST_TASKS`."""
        with self.ledger.session() as session:
            shards = archives.open_shards(session, self.archive.id, number)
            row = archives.walk(session, self.archive.id, number, lock=True)
            if row.phase != archives.DONE:
                row.phase = archives.MOVING
        tasks = min(len(shards), MOST_TASKS)
        return [shards[first::tasks] for first in range(tasks)]

    def move(self, number: int, shards: list[int], *, worker: str = "1", share: int = 1, who: str = "") -> Moved:
        """Moves what is left of these shards. Raises as `Mover.run`."""
        mover = Mover(
            self.ledger, self.store, self.archive, number, self.index(), self.open_remote, clock=self.clock, say=self.say, worker=worker,
            share=share, who=who,
        )  # fmt: skip
        return mover.run(shards)

    def finish(self, number: int) -> tuple[Account, Report]:
        """Adds up, ends the walk, writes the account. Raises as `reconcile`."""
        account = reconcile(self.ledger, self.archive, number, self.clock())
        return account, report(self.ledger, self.store, self.archive, number, self.clock(), planned=False)
