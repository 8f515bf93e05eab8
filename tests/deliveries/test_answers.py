"""Answers collected: read once however they come back, and joined to the attempt that they belong to."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from include.deliveries.answers import collect
from include.deliveries.build import Run
from include.deliveries.send import Sending
from include.errors import PermanentError
from include.ledger import deliveries
from include.ledger.models import ReceiptRow
from include.partners import load_partner
from include.transfer.model import RemoteEntry
from include.transfer.remote import Remote
from tests.deliveries.desk import product
from tests.deliveries.shelf import Shelf


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def gather(desk, shelf):
    def go(partner):
        partner = load_partner(partner) if isinstance(partner, str) else partner
        return collect(desk.ledger, desk.store, partner, desk.house, Remote(shelf, partner.transport), desk.now)

    return go


def send(desk, shelf, partner, delivery_id, *, again=False):
    sending = Sending(desk.ledger, desk.store, partner, Run(), clock=lambda: desk.now)
    return sending.send(delivery_id, lambda: opened(shelf, partner), again=again)


@contextmanager
def opened(shelf, partner):
    yield Remote(shelf, partner.transport)


def state(desk, delivery_id):
    with desk.ledger.read() as session:
        return deliveries.get(session, delivery_id).state


def receipts(desk):
    with desk.ledger.read() as session:
        return session.scalar(select(func.count()).select_from(ReceiptRow))


def test_an_unreadable_answer_that_is_put_there_again_stops_nothing(desk, shelf, gather, monkeypatch):
    shelf.files["/acks/a.xml"] = b"no answer"
    assert gather("northgate") == {"unreadable": 1}
    entry = shelf._entry
    monkeypatch.setattr(shelf, "_entry", lambda path: RemoteEntry(entry(path).name, path, entry(path).bytes, desk.now))
    gather("northgate")
    assert receipts(desk) == 1


def test_an_answer_that_can_not_be_read_does_not_hide_the_others(desk, shelf, gather):
    shelf.files |= {"/acks/a.xml": b"", "/acks/b.xml": b"no answer"}
    read = shelf.read

    async def locked(path, *what, **more):
        if path == "/acks/a.xml":
            raise PermanentError("permission denied", where=path)
        return await read(path, *what, **more)

    shelf.read = locked
    assert gather("northgate")["unreadable"] == 2
    assert receipts(desk) == 1  # the locked one is tried again next time


def test_an_answer_of_monstrous_size_is_not_loaded(desk, shelf, gather, monkeypatch):
    shelf.files["/acks/a.xml"] = b"x"
    monkeypatch.setattr(shelf, "_entry", lambda path: RemoteEntry("a.xml", path, 10 << 30))
    monkeypatch.setattr(shelf, "read", None)
    assert gather("northgate") == {"unreadable": 1}
    assert gather("northgate") == {"known": 1}


@pytest.mark.parametrize("partner_id", ["quickshelf", "fennimore"])
def test_each_attempt_of_a_file_of_one_name_is_answered(desk, shelf, gather, partner_id, flavoured):
    partner = flavoured(partner_id, feed={"covers": {"by": "none"}, "file_name": "feed.xml"}, transport={"sweeps": False})
    desk.put(product(1))
    built = desk.build(partner)

    def answered():
        [path] = [path for path in shelf.files if path.endswith("feed.xml")]
        content = shelf.files.pop(path)
        if partner.acknowledgements.kind == "rename":
            shelf.files[path + partner.acknowledgements.accepted_suffix] = content
        gather(partner)
        shelf.files.clear()

    send(desk, shelf, partner, built.delivery_id)
    answered()
    assert state(desk, built.delivery_id) == "acknowledged"
    send(desk, shelf, partner, built.delivery_id, again=True)
    assert state(desk, built.delivery_id) == "delivered"
    answered()
    assert state(desk, built.delivery_id) == "acknowledged"
    desk.put(product(1, pages=9))
    later = desk.build(partner)
    send(desk, shelf, partner, later.delivery_id)
    answered()
    assert state(desk, later.delivery_id) == "acknowledged"
    assert receipts(desk) == 3
