"""Sending: what an attempt left out goes with the next, what goes again really goes, and nothing goes twice by mistake."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO

import pytest

from include.deliveries.build import FLOW, Run
from include.deliveries.send import Sending
from include.errors import TransientError
from include.ledger import deliveries
from include.ledger.deliveries import NewFile
from include.ledger.models import DeliveryState
from include.partners import load_partner
from tests.deliveries.desk import product
from tests.deliveries.shelf import Shelf


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def send(desk, shelf):
    def go(partner, delivery_id, *, again=False, run="run 1"):
        partner = load_partner(partner) if isinstance(partner, str) else partner
        sending = Sending(desk.ledger, desk.store, partner, Run("a flow", run), clock=lambda: desk.now)
        return sending.send(delivery_id, lambda: shelf.open(partner.transport), again=again)

    return go


def prepared(desk, partner, *files):
    """A delivery of these (name, folder, content, role)."""
    rows = []
    for name, folder, content, role in files:
        kept = desk.store.put(BytesIO(content))
        rows.append(NewFile(name, folder, kept.bytes, kept.sha256, role))
    with desk.ledger.session() as session:
        return deliveries.prepare(session, partner=partner, flow=FLOW, business_key="k:", digest="d", files=rows, now=desk.now).id


def state(desk, delivery_id):
    with desk.ledger.read() as session:
        row = deliveries.get(session, delivery_id)
        return row.state, [file.state for file in row.files]


def test_a_manifest_that_failed_goes_with_the_next_attempt_and_names_all_files(desk, shelf, send):
    desk.put(product(1))
    built = desk.build("librarium")
    shelf.refuses = {"manifest"}
    with pytest.raises(TransientError):
        send("librarium", built.delivery_id)
    assert state(desk, built.delivery_id) == (DeliveryState.FAILED, ["delivered"])
    shelf.refuses = set()
    assert send("librarium", built.delivery_id)["state"] == "delivered"
    [manifest] = [content for name, content in shelf.files.items() if "manifest" in name]
    [message] = [name for name in shelf.files if name.endswith(".xml")]
    assert [file["name"] for file in json.loads(manifest)["files"]] == [message.rpartition("/")[2]]


def test_a_done_file_that_failed_goes_with_the_next_attempt(desk, shelf, send):
    desk.put(product(1))
    built = desk.build("fennimore")
    shelf.refuses = {".done"}
    with pytest.raises(TransientError):
        send("fennimore", built.delivery_id)
    shelf.refuses = set()
    send("fennimore", built.delivery_id)
    assert sorted(name.rpartition(".")[2] for name in shelf.files) == ["done", "xml"]


def test_what_goes_again_really_goes_and_a_retry_of_that_sends_the_rest(desk, shelf, send):
    built = prepared(desk, "northgate", ("a.jpg", "/inbox", b"A", "cover"), ("m.xml", "/inbox", b"M", "message"))
    send("northgate", built)
    shelf.sent.clear()
    shelf.refuses = {"m.xml"}
    with pytest.raises(TransientError):
        send("northgate", built, again=True, run="run 2")
    shelf.refuses = set()
    send("northgate", built, again=True, run="run 2")
    assert len(shelf.sent) == 2  # temporary names of both, each once
    shelf.sent.clear()
    assert send("northgate", built, again=True, run="run 2")["state"] == "delivered"
    assert shelf.sent == []


def test_files_of_one_name_in_two_folders_are_told_apart(desk, shelf, send):
    built = prepared(desk, "northgate", ("x.xml", "/inbox/a", b"A", "cover"), ("x.xml", "/inbox/b", b"BB", "cover"))
    shelf.refuses = {"/inbox/b"}
    with pytest.raises(TransientError):
        send("northgate", built)
    assert state(desk, built) == (DeliveryState.FAILED, ["delivered", "failed"])


def test_a_run_that_was_killed_before_it_could_record_sends_nothing_twice(desk, shelf, send, monkeypatch):
    desk.put(replace(product(1)))
    built = desk.build()

    def killed(*what, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "mark_delivered", killed)
        with pytest.raises(KeyboardInterrupt):
            send("northgate", built.delivery_id)
    assert state(desk, built.delivery_id)[0] == DeliveryState.SENDING
    shelf.sent.clear()
    assert send("northgate", built.delivery_id)["state"] == "delivered"
    assert shelf.sent == []


def test_a_delivery_that_was_withdrawn_under_way_says_so(desk, shelf, send):
    built = prepared(desk, "northgate", ("m.xml", "/inbox", b"M", "message"))
    shelf.refuses = {"m.xml"}

    async def refuse(*what, **more):
        with desk.ledger.session() as session:
            deliveries.move(session, built, DeliveryState.WITHDRAWN, now=desk.now)
        raise TransientError("the line was lost")

    shelf.send = refuse
    with pytest.raises(TransientError, match="line was lost"):
        send("northgate", built)
    assert state(desk, built)[0] == DeliveryState.WITHDRAWN
