"""Nights that are cut short, and nights that cross: what the ledger says must be what the partner has."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from include.deliveries import build as building
from include.deliveries.build import FeedBuild
from include.feeds import rules
from include.ledger import answers, deliveries
from include.ledger.models import FeedRecordRow, RecordState, WorkRow
from include.partners import load_partner
from include.titles.model import Price, Text
from tests.deliveries.desk import isbn, product, work


def standing(desk, number, partner="northgate"):
    with desk.ledger.read() as session:
        return session.get(FeedRecordRow, (partner, number))


def priced(number, amount, currency="GBP", type="02"):
    return replace(product(number), prices=(Price(Decimal(amount), currency, type),))


def lose(desk, built):
    """The files went, and the worker was killed before it could say so."""
    with desk.ledger.session() as session:
        deliveries.start(session, built.delivery_id, now=desk.now)


def reject(desk, built, number):
    with desk.ledger.session() as session:
        answers.answer(
            session, partner="northgate", kind="onix", name=f"ack{built.delivery_id}", status="partly", now=desk.now,
            delivery_id=built.delivery_id, records=[answers.RecordAnswer("rejected", isbn=isbn(number), text="no")],
        )  # fmt: skip


def test_a_change_taken_back_is_sent_if_the_change_may_have_arrived(desk):
    desk.put(priced(1, "9.99"), product(2))
    desk.night()
    desk.put(priced(1, "10.99"))
    lose(desk, desk.build())
    desk.put(priced(1, "9.99"))
    again = desk.night()
    assert again.records == 1
    assert b"9.99" in desk.message(again)
    assert desk.night().delivery_id is None


def test_a_change_taken_back_before_anything_was_tried_sends_nothing_and_leaves_nothing_waiting(desk):
    desk.put(priced(1, "9.99"))
    desk.night()
    desk.put(priced(1, "10.99"))
    untried = desk.build()
    desk.put(priced(1, "9.99"))
    assert desk.night().delivery_id is None
    assert desk.row(untried).state == "withdrawn"
    assert standing(desk, 1).state == RecordState.UNCHANGED


def test_a_title_deleted_after_a_first_delivery_that_may_have_arrived_is_withdrawn_there(desk):
    desk.put(product(1))
    desk.night()
    desk.put(product(2))
    lose(desk, desk.build())
    desk.delete(2)
    message = desk.message(desk.night())
    assert isbn(2).encode() in message
    assert b"<PublishingStatus>11</PublishingStatus>" in message


def test_a_number_that_may_have_been_seen_is_not_followed_by_a_smaller_one(desk):
    desk.put(product(1))
    first = desk.build()
    desk.put(product(1, pages=111))
    lose(desk, desk.build())
    desk.put(product(1))
    third = desk.build()
    assert third.delivery_id != first.delivery_id
    assert desk.row(third).message_number == 3
    assert desk.build().delivery_id == third.delivery_id


def test_a_redelivery_that_failed_does_not_make_the_next_night_a_first_one(desk):
    desk.put(product(1), product(2))
    first = desk.night()
    with desk.ledger.session() as session:
        deliveries.start(session, first.delivery_id, now=desk.now)
        deliveries.mark_failed(session, first.delivery_id, now=desk.now, reasons=[{"code": "x", "message": "line lost"}])
    desk.put(product(2, pages=9))
    assert (built := desk.build()).kind == "delta"
    assert built.records == 1


def test_two_builds_of_the_same_at_once_are_one_delivery(desk, monkeypatch):
    desk.put(product(1))
    numbers = deliveries.next_message_number
    others = []

    def meanwhile(session, partner):
        monkeypatch.setattr(building.deliveries, "next_message_number", numbers)
        session.commit()
        others.append(desk.build())
        return numbers(session, partner)

    monkeypatch.setattr(building.deliveries, "next_message_number", meanwhile)
    assert desk.build().delivery_id == others[0].delivery_id


def test_a_redelivery_that_ends_while_a_night_looks_is_not_forgotten(desk):
    desk.put(product(1))
    old = desk.night()
    desk.put(product(1, pages=9))
    desk.night()

    class Meanwhile(FeedBuild):
        def _save(self, looks):
            desk.arrive(old)
            super()._save(looks)

    northgate = load_partner("northgate")
    Meanwhile(desk.ledger, desk.store, northgate, desk.house, desk.now).build()
    mended = desk.night()
    assert mended.records == 1
    assert b"<ExtentValue>9</ExtentValue>" in desk.message(mended)


@pytest.mark.parametrize("night", [1, 2])
def test_a_title_whose_rejected_record_is_followed_by_its_end_is_withdrawn_where_it_was_taken_before(desk, night):
    desk.put(product(1), product(2))
    built = desk.night()
    if night == 2:
        desk.put(product(2, pages=9))
        built = desk.night()
    reject(desk, built, 2)
    desk.delete(2)
    ended = desk.night()
    if night == 1:  # never taken: nothing to take back
        assert ended.delivery_id is None
        assert standing(desk, 2).state == RecordState.NOT_SELECTED
    else:
        assert b"<PublishingStatus>11</PublishingStatus>" in desk.message(ended)
        assert standing(desk, 2).state == RecordState.WITHDRAWN


def test_a_deleted_title_whose_export_is_forbidden_is_not_sent(desk):
    desk.put(product(1))
    desk.night()
    desk.put(replace(product(1), exportable=False))
    desk.delete(1)
    assert desk.night().delivery_id is None
    assert standing(desk, 1).reasons[0]["code"] == "not-exportable"


def test_a_title_whose_work_is_deleted_is_withdrawn(desk):
    desk.put(product(1))
    desk.night()
    with desk.ledger.session() as session:
        session.get(WorkRow, 1).deleted_at = desk.now
    assert desk.night().records == 1
    assert standing(desk, 1).state == RecordState.WITHDRAWN


def test_a_title_that_leaves_and_reads_the_same_is_not_taken_along_as_unchanged(desk, flavoured):
    partner = flavoured("dropwell", feed={"columns": [{"header": "ISBN", "field": "isbn13"}]})
    desk.put(product(1), product(2))
    desk.night(partner)
    desk.delete(2)
    assert desk.night(partner).delivery_id is None
    assert standing(desk, 2, "dropwell").state == RecordState.WITHDRAWN
    assert desk.night(partner, kind="full").records == 1


def test_days_at_the_end_of_the_calendar_stop_nobody(desk):
    for_ever = replace(product(1), prices=(Price(Decimal("9.99"), "GBP", "02", ends=date.max),))
    never = replace(product(2), publishing_status="02", publication_date=date.max)
    long_ago = replace(product(3), publication_date=date.min)
    lasting = product(4, work(4, texts=(Text("03", "Long.", ends=date.max),)))
    desk.put(for_ever, never, long_ago, lasting)
    assert desk.night().records == 4


def test_rules_that_change_are_asked_anew(desk, monkeypatch):
    desk.put(replace(product(1), publication_date=None), *(product(number) for number in range(2, 20)))
    desk.night()
    monkeypatch.setattr(rules, "codes_of", lambda partner: ("isbn-missing",))
    monkeypatch.setattr(rules, "check", lambda *asked: [])
    assert desk.night().records == 1


def test_two_messages_of_one_second_have_two_names(desk, flavoured):
    partner = flavoured("meridian", feed={"covers": {"by": "none"}})
    desk.put(product(1))
    first = desk.build(partner)
    desk.arrive(first)
    desk.put(product(1, pages=9))
    second = desk.build(partner)
    names = [desk.row(built).files[-1].name for built in (first, second)]
    assert names[0] != names[1]
    assert all(name.endswith(".COT") for name in names)


def test_a_mask_without_time_or_number_keeps_its_name(desk, flavoured):
    partner = flavoured("northgate", feed={"file_name": "catalogue.xml"})
    desk.put(product(1))
    first = desk.night(partner)
    desk.put(product(1, pages=9))
    assert [desk.row(built).files[0].name for built in (first, desk.night(partner))] == ["catalogue.xml"] * 2


def test_a_release_that_cannot_say_nothing_is_not_asked_to(flavoured):
    with pytest.raises(ValueError, match="empty"):
        flavoured("fennimore", feed={"empty": "no_product"})


def test_a_declined_delivery_that_is_taken_back_and_wanted_again_stays_declined(desk, flavoured):
    partner = flavoured("northgate", limits={"held_percent": "10"})
    desk.put(product(1), replace(product(2), publication_date=None))
    built = desk.build(partner)
    with desk.ledger.session() as session:
        deliveries.decline(session, built.delivery_id, now=desk.now, who="Ines")
    desk.now += timedelta(days=1)
    desk.put(product(3))
    other = desk.build(partner)
    assert (other.state, desk.row(built).state) == ("awaiting approval", "declined")
    assert desk.build(partner).delivery_id == other.delivery_id


def test_a_record_that_becomes_confirmed_goes_whole(desk):
    desk.put(replace(priced(1, "12.99", "EUR"), publication_date=date(2026, 11, 24)))
    desk.night("librarium")
    desk.now += timedelta(days=3)
    desk.put(replace(priced(1, "13.99", "EUR"), publication_date=date(2026, 11, 24)))
    assert b"<NotificationType>03</NotificationType>" in desk.message(desk.night("librarium"))


def test_a_block_update_after_a_block_update_and_a_change_that_may_have_arrived(desk):
    desk.put(priced(1, "12.99", "EUR"))
    desk.night("librarium")
    for amount in ("13.99", "14.99"):
        desk.put(priced(1, amount, "EUR"))
        message = desk.message(desk.night("librarium"))
        assert b"<NotificationType>04</NotificationType>" in message
        assert amount.encode() in message
    desk.put(priced(1, "15.99", "EUR"))
    lose(desk, desk.build("librarium"))
    desk.put(priced(1, "16.99", "EUR"))
    assert b"<NotificationType>03</NotificationType>" in desk.message(desk.night("librarium"))
