"""Licences on PostgreSQL, which locks rows and not the whole ledger: a person speaks while a run goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from include.ledger import licence_lists, licences
from include.ledger.database import Ledger
from include.licences import edit, flags, report, telling, terms
from sandbox.getty.library import id_of
from tests.licences.library import Library
from tests.licences.rights_desk import Desk, desk_of
from tests.postgres import postgres, postgres_ledger

__all__ = ["postgres", "postgres_ledger"]  # fixtures


@pytest.fixture
def ledger(postgres_ledger: Ledger) -> Ledger:
    return postgres_ledger


def test_what_a_person_says_while_a_run_goes_on_is_not_lost(account: Any, ledger: Ledger, store: Any, tmp_path: Any):
    desk: Desk = desk_of(account, ledger, store, tmp_path)
    desk.sync()
    row = desk.licence(id_of(0))
    for days in range(1, 5):
        account.turn(image={"id": id_of(0), "set": {"allowed_use": {"release_info": f"Released {days}", "editorial_use_only": False}}})
        account.turn(notify=[id_of(0), "Update"])
        with ThreadPoolExecutor(2) as pool:
            said = pool.submit(
                edit.set_term, ledger, row.id, "print_run", state="known", value=1000 * days, who="rightsmanager", now=desk.now
            )
            done = pool.submit(desk.sync)
            assert said.result()
            done.result()
        told = terms.read(desk.licence(id_of(0)))
        assert (told.print_run, told["releases"].value) == (1000 * days, f"Released {days}")
    before = desk.everything()
    desk.sync()
    assert desk.everything() == before
    with ledger.read() as session:
        assert sum(report.ends_by_month(session, desk.now.date()).values()) == 0
        assert licence_lists.listing(session, licence_lists.Wish(words=f"{row.name[:9]} {row.artist}"), today=desk.now.date()).rows


def test_two_checks_at_the_same_time_raise_each_flag_once_and_tell_once(ledger: Ledger, store: Any):
    library = Library(ledger, store)
    for number in range(1, 40):
        library.title(number, {"sold_worldwide": None})
        library.licence((number, 0, "cover"), (number % 7 + 1, 0, "interior"), ends="2026-11-20", territories=["GB"])
    with ThreadPoolExecutor(2) as pool:
        done = [one.result() for one in [pool.submit(library.check) for _ in range(2)]]
    found = library.flags()
    assert sum(one.get("raised", 0) for one in done) == len(found) == len({(one.licence_id, one.cause, one.subject) for one in found})
    with ThreadPoolExecutor(2) as pool:
        begun = [one.result() for one in [pool.submit(telling.begin, ledger, library.house, now=library.now) for _ in range(2)]]
    assert sorted(begun) == [0, len(found)]
    with ledger.read() as session:
        assert len(list(report.lines(session))) == len(found)
        assert set(licences.stopping(session, {10: 1, 390: 39})) == {10, 390}
    assert flags.resolve(ledger, found[0].id, "ada", "", library.now)
