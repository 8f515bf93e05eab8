from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from include.errors import ConfigurationError, PermanentError, TransientError
from include.ledger.database import Ledger
from include.readiness import calendars, todos
from include.readiness.model import Todo
from include.store import ArtefactStore
from include.titles.model import Work
from tests.readiness.titles import HARDBACK, NOW, fill
from tests.schema import upgraded

ISBN, OTHER = "9780306406157", "9791220200370"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    upgraded(ledger)
    titles = ["The Tide Clock", "The Tide Clock Returns", "Ulysses", "Quiet Harbour", "Quiet Harbour", "L’Heure d’Été"]
    products = [replace(HARDBACK, id=100 + number, isbn="", work=Work(number, title)) for number, title in enumerate(titles, start=1)]
    fill(ledger, replace(products[0], isbn=ISBN), replace(products[0], id=201, isbn=OTHER), *products[1:])
    return ledger


def calendar(*entries: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y", *entries, "END:VCALENDAR", ""]).encode()


def event(summary: str, day: str = "20270304", more: str = "") -> str:
    return "\r\n".join([
        "BEGIN:VEVENT",
        "UID:1",
        f"DTSTART;VALUE=DATE:{day}",
        f"SUMMARY:{summary}",
        *([more] if more else []),
        "END:VEVENT",
    ])


def todo(summary: str, more: str = "STATUS:NEEDS-ACTION") -> str:
    return "\r\n".join(["BEGIN:VTODO", "UID:2", "DUE:20270304T120000Z", f"SUMMARY:{summary}", more, "END:VTODO"])


def matched(ledger: Ledger, *entries: str) -> todos.Todos:
    with ledger.read() as session:
        return todos.match(session, *todos.parse(calendar(*entries)))


def test_an_event_has_a_day_and_does_not_say_whether_it_is_done():
    entries, unreadable = todos.parse(calendar(event("Files to press")))
    assert (entries[0].due, entries[0].done, unreadable) == (date(2027, 3, 4), None, 0)


@pytest.mark.parametrize(
    ("more", "done"),
    [("STATUS:NEEDS-ACTION", False), ("STATUS:COMPLETED", True), ("COMPLETED:20270301T120000Z", True), ("PERCENT-COMPLETE:100", True)],
)
def test_a_to_do_says_whether_it_is_done(more, done):
    assert todos.parse(calendar(todo("Index", more)))[0][0].done is done


def test_what_was_cancelled_or_comes_every_week_is_no_milestone():
    assert todos.parse(calendar(event("Off", more="STATUS:CANCELLED"), event("Meeting", more="RRULE:FREQ=WEEKLY"))) == ([], 0)


def test_an_isbn_anywhere_in_it_is_sure(ledger):
    found = matched(ledger, event(f"Files to press ({ISBN})"), event("Proofs", more="DESCRIPTION:for 978-0-306-40615-7"))
    assert [one.name for one in found.of_products[101]] == [f"Files to press ({ISBN})", "Proofs"]
    assert found.of(1, 101) == tuple(found.of_products[101])


def test_isbns_of_one_work_concern_the_work(ledger):
    assert list(matched(ledger, event(f"{ISBN} {OTHER}")).of_works) == [1]


def test_a_wrong_check_digit_is_no_isbn(ledger):
    found = matched(ledger, event("Proofs 9780306406158"))
    assert (found.of_products, found.unmatched) == ({}, 1)


def test_a_whole_title_is_sure_whatever_its_case_and_accents(ledger):
    found = matched(ledger, event("THE TIDE CLOCK: manuscript delivery"), event("Proofs – L'heure d'ete"))
    assert {work: [one.name for one in some] for work, some in found.of_works.items()} == {
        1: ["THE TIDE CLOCK: manuscript delivery"],
        6: ["Proofs – L'heure d'ete"],
    }


def test_the_longer_title_counts_where_one_lies_in_the_other(ledger):
    assert list(matched(ledger, event("The Tide Clock Returns: proofs")).of_works) == [2]


@pytest.mark.parametrize(
    "summary",
    [
        "Ulysses: proofs",
        "Quiet Harbour: proofs",
        "The Tide Clock and The Tide Clock Returns",
        "Tide clock: proofs",
        "Sales conference",
        ":",
    ],
)
def test_what_is_not_sure_belongs_to_nobody(ledger, summary):
    found = matched(ledger, event(summary))
    assert (dict(found.of_works), dict(found.of_products), found.unmatched) == ({}, {}, 1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a calendar",
        b"\xff\xfe\x00",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:cut",
        calendar("BEGIN:VEVENT", "END:VTODO"),
        b"<html></html>",
    ],
)  # fmt: skip
def test_a_broken_calendar_gives_nothing_and_breaks_nothing(content):
    assert todos.parse(content)[0] == []


def test_a_broken_entry_spoils_no_other(ledger):
    broken = [
        "BEGIN:VEVENT\r\nDTSTART:99999999\r\nSUMMARY:x\r\nEND:VEVENT",
        "BEGIN:VEVENT\r\nno colon\r\nEND:VEVENT",
        "BEGIN:VEVENT\r\nSUMMARY:\r\nEND:VEVENT",
    ]
    found = matched(ledger, *broken, event("The Tide Clock"), event("x" * 100_000))
    assert list(found.of_works) == [1]
    assert found.of_works[1][0] == Todo("The Tide Clock", date(2027, 3, 4), None)


# --- fetching


@contextmanager
def served(status: int, body: bytes):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/calendars/secret.ics"
    finally:
        server.shutdown()
        server.server_close()


def test_a_calendar_is_fetched():
    with served(200, calendar(event("a"))) as address:
        assert b"VEVENT" in calendars.fetch(address)


@pytest.mark.parametrize(("status", "kind"), [(500, TransientError), (429, TransientError), (404, PermanentError), (403, PermanentError)])
def test_no_message_tells_the_address(status, kind):
    with served(status, b"no secret.ics") as address, pytest.raises(kind) as told:
        calendars.fetch(address)
    assert "secret" not in str(told.value)


def test_an_unreachable_server_and_a_wrong_address_tell_nothing_of_it_either():
    with pytest.raises(TransientError) as told:
        calendars.fetch("http://127.0.0.1:9/secret.ics")
    assert "secret" not in str(told.value)
    assert told.value.__cause__ is None
    with pytest.raises(ConfigurationError) as told:
        calendars.fetch("file:///secret")
    assert "secret" not in str(told.value)


def test_a_calendar_too_large_is_refused():
    with served(200, b"x" * 5000) as address, pytest.raises(PermanentError, match="larger"):
        calendars.fetch(address, limit=1000)


def test_the_last_good_calendar_stands_in_for_one_that_cannot_be_read(ledger, tmp_path):
    store = ArtefactStore(str(tmp_path / "store"))

    def broken() -> bytes:
        raise TransientError("the server answers 503", where="calendar")

    assert calendars.newest(ledger, store, broken, NOW) == (b"", "calendar: the server answers 503. There are no to-dos.")
    assert calendars.newest(ledger, store, lambda: b"one", NOW) == (b"one", "")
    assert calendars.newest(ledger, store, broken, NOW) == (
        b"one",
        "calendar: the server answers 503. The to-dos are those of 2026-11-21 06:00 UTC.",
    )
