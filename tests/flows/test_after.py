"""What comes after a delivery: answers, redeliveries, and the check of all connections."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import select

from include.ledger.models import DeliveryRecordRow, DeliveryRow, EventRow, FeedRecordRow, ReceiptRow

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]


@pytest.fixture
def delivered(run_flow, ledger, catalogue):
    """Feeds the partner for the first time; gives the delivery's id and its records by reference."""

    def feed(partner):
        assert run_flow(f"metadata_feed__{partner}").state == "success"
        with ledger.read() as session:
            row = session.scalar(select(DeliveryRow).where(DeliveryRow.partner == partner))
            query = select(DeliveryRecordRow.record_reference, DeliveryRecordRow.product_id).where(DeliveryRecordRow.delivery_id == row.id)
            return row.id, dict(iter(session.execute(query)))

    return feed


def state(ledger, delivery_id):
    with ledger.read() as session:
        return session.get(DeliveryRow, delivery_id).state


@pytest.mark.parametrize("partner", ["northgate", pytest.param("meridian", marks=pytest.mark.long)])
def test_a_record_that_the_partner_rejects_shows_and_goes_again(run_flow, sandbox, ledger, delivered, partner):
    delivery_id, records = delivered(partner)
    reference, product = next(iter(records.items()))
    sandbox.call("answer", {"partner": partner, "rejected": {reference: "price too high"}})
    assert run_flow("acknowledgements").state == "success"
    assert state(ledger, delivery_id) == "acknowledged"
    with ledger.read() as session:
        standing = session.get(FeedRecordRow, (partner, product))
        assert (standing.state, "price too high" in standing.reasons[0]["message"]) == ("rejected", True)
        receipts = session.scalars(select(ReceiptRow.name)).all()
    assert run_flow("acknowledgements").state == "success"
    with ledger.read() as session:
        assert session.scalars(select(ReceiptRow.name)).all() == receipts
    assert run_flow(f"metadata_feed__{partner}").state == "success"
    with ledger.read() as session:
        newest = session.scalar(select(DeliveryRow).where(DeliveryRow.partner == partner).order_by(DeliveryRow.id.desc()).limit(1))
        sent = session.scalars(select(DeliveryRecordRow.product_id).where(DeliveryRecordRow.delivery_id == newest.id)).all()
        assert (newest.id > delivery_id, sent) == (True, [product])
        assert session.get(FeedRecordRow, (partner, product)).state == "sent"


def test_renamed_and_swept_files_are_answers_and_what_is_none_is_kept_with_the_reason(run_flow, sandbox, ledger, delivered):
    given = {partner: delivered(partner)[0] for partner in ("fennimore", "quickshelf", "northgate")}
    acks = sandbox.home("northgate") / "acks"
    (acks / "a-hostile.xml").write_text('<!DOCTYPE a [<!ENTITY x "y">]><ONIXMessageAcknowledgement>&x;</ONIXMessageAcknowledgement>')
    (acks / "b-empty.xml").write_text("")
    sandbox.call("answer", {"partner": "fennimore"})  # renames the file; quickshelf sweeps it
    sandbox.call("answer", {"partner": "northgate"})
    assert run_flow("acknowledgements").state == "success"
    assert {partner: state(ledger, id) for partner, id in given.items()} == dict.fromkeys(given, "acknowledged")
    with ledger.read() as session:
        unreadable = session.scalars(select(ReceiptRow.name).where(ReceiptRow.status == "unreadable").order_by(ReceiptRow.name)).all()
    assert unreadable == ["a-hostile.xml", "b-empty.xml"]


def test_redeliver_dry_sends_nothing_as_sent_the_same_bytes_and_rebuilt_under_the_next_number(run_flow, sandbox, ledger, delivered):
    delivery_id, records = delivered("northgate")
    path: Path = sandbox.home("northgate") / "inbox" / sandbox.files("northgate")[0]
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.unlink()
    assert run_flow("redeliver", delivery_id=delivery_id, dry_run=True).state == "success"
    assert sandbox.files("northgate") == []

    with ledger.read() as session:
        isbn = session.scalar(select(DeliveryRecordRow.isbn).where(DeliveryRecordRow.delivery_id == delivery_id).limit(1))
    assert run_flow("redeliver", partner="northgate", title=isbn).state == "success"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before

    assert run_flow("redeliver", delivery_id=delivery_id, mode="rebuilt").state == "success"
    with ledger.read() as session:
        newest = session.scalar(select(DeliveryRow).order_by(DeliveryRow.id.desc()).limit(1))
        assert (newest.replaces_id, newest.message_number, newest.records) == (delivery_id, 2, len(records))
    assert len(sandbox.files("northgate")) == 2


def test_redeliver_without_a_choice_fails_with_a_sentence(run_flow, sandbox):
    assert run_flow("redeliver").state == "failed"


def broken(name):
    """A setting spoilt in a connections file; gives the connection that must be named."""

    def spoil(connections):
        match name:
            case "password":
                connections["partner_meridian"]["password"] = "no"
                return "partner_meridian"
            case "key":
                connections["partner_northgate"]["extra"] = _extra(connections["partner_northgate"], private_key="nonsense")
                return "partner_northgate"
            case "host key":
                other = json.loads(_json(connections["partner_meridian"]["extra"]))["host_key"]
                connections["partner_dropwell"]["extra"] = _extra(connections["partner_dropwell"], host_key=other)
                return "partner_dropwell"
            case "port":
                connections["partner_fennimore"]["port"] = 1
                return "partner_fennimore"
            case "certificate":
                connections["partner_librarium"]["extra"] = _extra(connections["partner_librarium"], ca_cert="/nowhere.pem")
                return "partner_librarium"
            case "api key":
                connections["consonance"]["password"] = "no"
                return "consonance"
        raise AssertionError(name)

    return spoil


def _json(extra):
    return extra if isinstance(extra, str) else json.dumps(extra)


def _extra(connection, **changes):
    return json.dumps({**{k: v for k, v in json.loads(_json(connection["extra"])).items() if k != "key_file"}, **changes})


def test_all_connections_are_well(run_flow, ledger):
    assert run_flow("connections_check").state == "success"
    with ledger.read() as session:
        checked = session.scalar(select(EventRow.detail).where(EventRow.what == "connections checked"))
    assert {row["ok"] for row in checked["rows"]} == {True}


@pytest.mark.parametrize("setting", ["password", "key", "host key", "port", "certificate", "api key"])
def test_a_broken_setting_is_named_alone_with_its_mend(run_flow, sandbox, connections, ledger, setting):
    from colophon import checks

    spoilt = json.loads(json.dumps(sandbox.connections))
    name = broken(setting)(spoilt)
    connections(spoilt)
    if setting == "password":
        assert run_flow("connections_check").state == "failed"
        with ledger.read() as session:
            rows = session.scalar(select(EventRow.detail).where(EventRow.what == "connections checked"))["rows"]
    else:  # what its tasks call, without the minute that Airflow takes to start each
        rows = [row.to_json() for row in [*checks.check_services(), *(row for one in checks.places() for row in checks.check_place(one))]]
    bad = [row for row in rows if not row["ok"]]
    assert {row["connection"] for row in bad} == {name}
    assert all(row["message"] and row["todo"] for row in bad)


def test_after_three_of_many_files_failed_a_rerun_sends_those_three(run_flow, sandbox, ledger, store, catalogue):
    from datetime import UTC, datetime

    from colophon.tasks.sending import send_delivery
    from include.deliveries.build import FeedBuild, Run
    from include.errors import ColophonError
    from include.ledger import deliveries
    from include.partners import load_house, load_partner

    built = FeedBuild(ledger, store, load_partner("meridian"), load_house(), datetime.now(UTC)).build()
    with ledger.read() as session:
        files = [(file.name, file.role, file.sha256) for file in deliveries.get(session, built.delivery_id).files]
    covers = sandbox.home("meridian") / "inbox" / "covers"
    blocked = [name for name, role, _ in files if role == "cover"][:3]
    for name in blocked:
        (covers / name).mkdir(parents=True)  # a folder where the file should go
    with pytest.raises(ColophonError):  # not through the flow, which would try again for a quarter of an hour
        send_delivery("meridian", built.delivery_id, Run(who="a night with three bad names"))
    with ledger.read() as session:
        states = {file.name: file.state for file in deliveries.get(session, built.delivery_id).files}
    assert {name for name, state in states.items() if state == "failed"} == set(blocked)
    inbox = sandbox.home("meridian") / "inbox"
    paths = [covers / name if role == "cover" else inbox / name for name, role, _ in files]
    arrived = {path: path.stat().st_mtime_ns for path in paths if path.is_file()}
    assert len(arrived) == len(files) - 3
    for name in blocked:
        (covers / name).rmdir()
    assert run_flow("redeliver", delivery_id=built.delivery_id).state == "success"
    assert state(ledger, built.delivery_id) == "delivered"
    assert {path: path.stat().st_mtime_ns for path in arrived} == arrived
    assert {path for path in inbox.rglob("*") if path.is_file()} == set(paths), "no traveller is left behind"
    for path, (_, _, sha256) in zip(paths, files, strict=True):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
