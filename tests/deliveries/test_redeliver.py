"""Redeliveries: rebuilt from today's data beside the nightly feed, once per wish."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from include.deliveries import redeliver
from include.deliveries.build import Run
from include.deliveries.redeliver import Wish
from include.ledger import deliveries
from include.ledger.file_rows import PackageRow
from include.ledger.models import DeliveryState
from include.titles.model import Price
from tests.deliveries.desk import isbn, product


def again(desk, built, run=None, mode="rebuilt", **wish):
    [planned] = redeliver.plan(desk.ledger, Wish(**({"delivery_id": built.delivery_id} | wish), mode=mode))
    return redeliver.prepare(desk.ledger, desk.store, planned, desk.now, run or Run("redeliver", "run 1", "Ines"))


def get(desk, delivery_id):
    with desk.ledger.read() as session:
        row = deliveries.get(session, delivery_id)
        session.expunge_all()
        return row


def arrive(desk, delivery_id):
    with desk.ledger.session() as session:
        deliveries.start(session, delivery_id, now=desk.now)
        deliveries.mark_delivered(session, delivery_id, desk.now)


def test_rebuilding_two_deliveries_leaves_both_to_go(desk):
    desk.put(product(1))
    first = desk.night()
    desk.put(product(2))
    second = desk.night()
    both = [again(desk, built) for built in (first, second)]
    assert [get(desk, delivery_id).state for delivery_id in both] == ["prepared", "prepared"]


def test_a_second_wish_is_a_second_message_and_a_retry_is_not(desk):
    desk.put(product(1))
    built = desk.night()
    once = again(desk, built)
    arrive(desk, once)
    assert again(desk, built) == once
    twice = again(desk, built, Run("redeliver", "run 2", "Ines"))
    assert twice != once
    assert get(desk, twice).message_number == 3


def test_a_person_who_asked_for_it_is_not_asked_again(desk):
    desk.put(product(1), product(2))
    built = desk.night()
    desk.put(replace(product(2), publication_date=None))
    strict = redeliver.load_partner("northgate")
    data = strict.model_dump(mode="json", exclude_none=True) | {"limits": {"held_percent": "10"}}
    partner = type(strict).model_validate(data)
    rebuilt = desk.build(partner, products=[1, 2], replaces=built.delivery_id)
    assert (rebuilt.state, rebuilt.records) == ("prepared", 1)


def test_a_rebuilt_record_is_whole(desk):
    desk.put(product(1))
    built = desk.night("librarium")
    desk.put(replace(product(1), prices=(Price(Decimal("13.99"), "EUR", "02"),)))
    message = desk.message(desk.build("librarium", products=[1], replaces=built.delivery_id))
    assert b"<NotificationType>03</NotificationType>" in message
    assert b"<DescriptiveDetail>" in message


def test_a_withdrawal_can_be_rebuilt(desk):
    desk.put(product(1), product(2))
    desk.night()
    desk.delete(2)
    built = desk.night()
    row = get(desk, again(desk, built))
    assert row.records == 1
    arrive(desk, row.id)
    desk.now = desk.now.replace(day=desk.now.day + 1)
    assert desk.night().delivery_id is None


def test_the_night_after_a_rebuilt_redelivery_sends_only_what_changed(desk):
    desk.put(product(1), product(2))
    built = desk.night()
    desk.put(product(2, pages=9))
    arrive(desk, again(desk, built))
    assert desk.night().delivery_id is None


def test_what_a_redelivery_brought_does_not_wait_any_more(desk):
    desk.put(product(1))
    first = desk.night()
    desk.put(product(1, pages=9))
    failed = desk.build()
    with desk.ledger.session() as session:
        deliveries.start(session, failed.delivery_id, now=desk.now)
        deliveries.mark_failed(session, failed.delivery_id, now=desk.now, reasons=[])
    arrive(desk, again(desk, first))
    assert desk.night().delivery_id is None
    assert get(desk, failed.delivery_id).state == "withdrawn"


def test_a_title_is_rebuilt_once_for_each_partner_however_often_it_was_sent(desk):
    for pages in (7, 8, 9):
        desk.put(product(1, pages=pages), product(2, pages=pages))
        last = desk.night()
    planned = redeliver.plan(desk.ledger, Wish(title=isbn(1), mode="rebuilt"))
    assert [(item.delivery_id, item.product_id) for item in planned] == [(last.delivery_id, 1)]
    assert len(redeliver.plan(desk.ledger, Wish(title=isbn(1)))) == 3


def test_what_a_person_declined_goes_again_only_by_its_own_number(desk):
    desk.put(product(1))
    built = desk.night()
    desk.put(product(1, pages=9))
    declined = desk.build()
    with desk.ledger.session() as session:
        deliveries.get(session, declined.delivery_id).state = DeliveryState.DECLINED
    partner = get(desk, built.delivery_id).partner
    assert [item.delivery_id for item in redeliver.plan(desk.ledger, Wish(partner=partner))] == [built.delivery_id]
    assert [item.delivery_id for item in redeliver.plan(desk.ledger, Wish(delivery_id=declined.delivery_id))] == [declined.delivery_id]


def test_a_package_in_whose_place_a_newer_one_is_goes_with_no_others(desk):
    desk.put(product(1))
    built = desk.night()
    partner = get(desk, built.delivery_id).partner
    row = PackageRow(partner=partner, flow="print_handoff", subject=isbn(1), revision=1, digest="one", state="replaced",
                     delivery_id=built.delivery_id, built_at=desk.now)  # fmt: skip
    with desk.ledger.session() as session:
        session.add(row)
    assert redeliver.plan(desk.ledger, Wish(partner=partner)) == []


@pytest.mark.parametrize("words", ["{}-{}", "{} {}"])
def test_a_title_is_found_by_its_isbn_however_it_is_written(desk, words):
    desk.put(product(1))
    desk.night()
    number = isbn(1)
    assert len(redeliver.plan(desk.ledger, Wish(title=words.format(number[:3], number[3:])))) == 1
    ten = __import__("stdnum.isbn", fromlist=["isbn"]).to_isbn10(number)
    assert len(redeliver.plan(desk.ledger, Wish(title=ten))) == 1
