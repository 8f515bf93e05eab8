"""What a partner is due: nights of feeding from a small mirror."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from include.ledger import answers, deliveries
from include.ledger.models import DeliveryRow, FeedRecordRow, PartnerRow, RecordState
from include.titles.model import Price, Text
from tests.deliveries.desk import isbn, product, work


def records(ledger, partner="northgate"):
    with ledger.read() as session:
        return {row.product_id: row for row in session.scalars(select(FeedRecordRow).where(FeedRecordRow.partner == partner))}


def count(ledger, table=DeliveryRow):
    with ledger.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_the_first_delivery_holds_all_titles(desk):
    desk.put(product(1), product(2), product(3))
    built = desk.night()
    assert (built.kind, built.records) == ("full", 3)
    message = desk.message(built)
    assert all(isbn(number).encode() in message for number in (1, 2, 3))
    assert desk.row(built).files[0].name == "LQ_FULL_20261121_000001.xml"


def test_an_unchanged_mirror_sends_nothing(desk):
    desk.put(product(1))
    desk.night()
    assert desk.night().delivery_id is None
    assert count(desk.ledger) == 1
    assert records(desk.ledger)[1].state == RecordState.UNCHANGED


def test_a_delta_holds_exactly_what_changed(desk):
    desk.put(product(1), product(2), product(3))
    desk.night()
    desk.put(replace(product(2), pages=321))
    built = desk.night()
    assert (built.kind, built.records) == ("delta", 1)
    message = desk.message(built)
    assert isbn(2).encode() in message
    assert isbn(1).encode() not in message


def test_a_change_that_the_partner_does_not_see_sends_nothing(desk):
    desk.put(product(1))
    desk.night()
    desk.put(replace(product(1), edition="Second printing"))
    assert desk.night().delivery_id is None


def test_a_price_that_goes_up_down_and_up_again_is_sent_each_time(desk):
    seen = []
    for amount in ("9.99", "10.99", "9.99", "10.99"):
        desk.put(replace(product(1), prices=(Price(Decimal(amount), "GBP", "02"),)))
        built = desk.night()
        seen.append((built.delivery_id, amount.encode() in desk.message(built)))
    assert len({delivery for delivery, _ in seen}) == 4
    assert all(there for _, there in seen)


def test_a_run_that_died_after_the_build_finds_its_own_message(desk):
    desk.put(product(1))
    first, again = desk.build(), desk.build()
    assert again.delivery_id == first.delivery_id
    assert count(desk.ledger) == 1
    assert desk.row(first).message_number == 1
    with desk.ledger.read() as session:
        assert session.get(PartnerRow, "northgate").last_message_number == 1


def test_what_did_not_arrive_goes_with_the_next_and_the_older_is_withdrawn(desk):
    desk.put(product(1))
    lost = desk.build()
    desk.put(product(2))
    built = desk.night()
    assert built.records == 2
    assert desk.row(lost).state == "withdrawn"


def test_a_change_taken_back_brings_back_the_delivery_that_it_had_replaced(desk):
    desk.put(product(1))
    first = desk.build()
    desk.put(product(1, pages=111))
    second = desk.build()
    desk.put(product(1))
    third = desk.build()
    assert (third.delivery_id, third.state) == (first.delivery_id, "prepared")
    assert desk.row(second).state == "withdrawn"


def test_one_bad_title_is_held_with_its_reason_and_the_rest_goes(desk):
    desk.put(*(product(number) for number in range(3, 10)), replace(product(2), publication_date=None))
    built = desk.night()
    assert built.records == 7
    held = records(desk.ledger)[2]
    assert held.state == RecordState.HELD
    assert [reason["code"] for reason in held.reasons] == ["publication-date-missing"]
    assert held.reasons[0]["todo"]


def test_a_mended_title_goes_the_next_night(desk):
    desk.put(*(product(number) for number in range(3, 10)), replace(product(2), publication_date=None))
    desk.night()
    desk.put(product(2))
    assert desk.night().records == 1


def test_two_titles_with_one_isbn_are_both_held_and_both_go_once_mended(desk):
    twin = replace(product(2), isbn=isbn(1))
    desk.put(product(1), twin)
    assert desk.night().records == 0
    assert {row.state for row in records(desk.ledger).values()} == {RecordState.HELD}
    desk.put(product(2))
    assert desk.night().records == 2


def test_a_deleted_title_gets_one_last_record_that_withdraws_it(desk):
    desk.put(product(1), product(2))
    desk.night()
    desk.delete(2)
    built = desk.night()
    assert built.records == 1
    assert b"<PublishingStatus>11</PublishingStatus>" in desk.message(built)
    assert b"<NotificationType>05" not in desk.message(built)
    assert records(desk.ledger)[2].state == RecordState.WITHDRAWN
    assert desk.night().delivery_id is None


def test_a_title_deleted_before_it_was_ever_sent_is_never_sent(desk):
    desk.put(product(1), product(2))
    desk.delete(2)
    assert desk.night().records == 1
    assert records(desk.ledger)[2].state == RecordState.NOT_SELECTED


def test_a_title_whose_export_is_forbidden_is_not_sent_at_all(desk):
    desk.put(product(1))
    desk.night()
    desk.put(replace(product(1), exportable=False))
    assert desk.night().delivery_id is None
    assert records(desk.ledger)[1].reasons[0]["code"] == "not-exportable"


def test_a_title_that_becomes_published_is_sent_on_the_day(desk):
    desk.put(replace(product(1), publishing_status="02", publication_date=date(2026, 11, 24)))
    days = [desk.night().records for _ in range(6)]
    assert days[0] == 1
    assert sum(days[1:]) == 1


def test_a_rule_that_hangs_on_the_day_holds_when_its_day_comes(desk):
    desk.put(replace(product(1), publishing_status="02", publication_date=(desk.now - timedelta(days=13)).date()))
    assert desk.night().records == 1
    for _ in range(3):
        desk.night()
    assert [reason["code"] for reason in records(desk.ledger)[1].reasons] == ["status-date-conflict"]


def test_full_by_hand_copies_what_was_rendered_before_byte_for_byte(desk):
    desk.put(product(1), product(2))
    first = desk.message(desk.night())
    built = desk.night(kind="full")
    assert built.records == 2
    cut = first.index(b"<Product>"), first.rindex(b"</Product>")
    assert first[slice(*cut)] in desk.message(built)


def test_full_resend_clears_itself(desk):
    desk.put(product(1))
    desk.night()
    with desk.ledger.session() as session:
        session.get(PartnerRow, "northgate").full_resend = True
    assert desk.night().kind == "full"
    assert desk.night().delivery_id is None


def test_a_partner_who_wants_whole_catalogues_gets_one_when_anything_changes(desk, flavoured):
    partner = flavoured("northgate", feed={"mode": "full"})
    desk.put(product(1), product(2))
    desk.night(partner)
    assert desk.night(partner).delivery_id is None
    desk.put(replace(product(2), pages=9))
    assert desk.night(partner).records == 2


def test_no_product_goes_once_a_day_where_asked(desk, flavoured):
    partner = flavoured("meridian", feed={"covers": {"by": "none"}})
    desk.put(product(1))
    assert desk.night(partner).records == 1
    empty = desk.build(partner)
    assert (empty.kind, empty.records) == ("empty", 0)
    assert b"<x507/>" in desk.message(empty)
    desk.arrive(empty)
    assert desk.build(partner).delivery_id is None


def test_only_the_changed_block_goes_where_the_partner_wants_that(desk):
    desk.put(product(1))
    desk.night("librarium")
    desk.put(replace(product(1), prices=(Price(Decimal("13.99"), "EUR", "02"),)))
    message = desk.message(desk.night("librarium"))
    assert b"<NotificationType>04</NotificationType>" in message
    assert b"<DescriptiveDetail>" not in message
    full = desk.message(desk.night("librarium", kind="full"))
    assert b"<DescriptiveDetail>" in full
    assert b"13.99" in full


def test_a_change_in_another_block_sends_the_whole_record(desk):
    desk.put(product(1))
    desk.night("librarium")
    desk.put(replace(product(1), pages=1, prices=(Price(Decimal("13.99"), "EUR", "02"),)))
    assert b"<NotificationType>03</NotificationType>" in desk.message(desk.night("librarium"))


def test_beyond_a_limit_a_person_is_asked(desk, flavoured):
    partner = flavoured("northgate", limits={"held_percent": "10"})
    desk.put(product(1), replace(product(2), publication_date=None))
    built = desk.build(partner)
    assert built.state == "awaiting approval"
    assert "held back" in built.approve[0]


def test_a_declined_delivery_is_not_asked_for_twice(desk, flavoured):
    partner = flavoured("northgate", limits={"held_percent": "10"})
    desk.put(product(1), replace(product(2), publication_date=None))
    built = desk.build(partner)
    with desk.ledger.session() as session:
        deliveries.decline(session, built.delivery_id, now=desk.now, who="Ines")
    again = desk.build(partner)
    assert (again.delivery_id, again.state) == (built.delivery_id, "declined")


def test_a_record_that_the_partner_rejects_goes_again_until_it_is_taken(desk):
    desk.put(product(1), product(2))
    built = desk.night()
    with desk.ledger.session() as session:
        answers.answer(
            session, partner="northgate", kind="onix", name="ack.xml", status="partly", now=desk.now, sha256="a" * 64,
            message_number=1, records=[answers.RecordAnswer("rejected", isbn=isbn(2), text="price too high")],
        )  # fmt: skip
    assert records(desk.ledger)[2].state == RecordState.REJECTED
    again = desk.night()
    assert again.records == 1
    assert isbn(2).encode() in desk.message(again)
    assert records(desk.ledger)[2].state == RecordState.SENT
    assert built.delivery_id != again.delivery_id


def test_chosen_titles_are_rebuilt_under_the_next_number(desk):
    desk.put(product(1), product(2))
    built = desk.night()
    again = desk.build(products=[2], replaces=built.delivery_id)
    assert (again.kind, again.records) == ("rebuilt", 1)
    assert desk.row(again).message_number == 2
    assert desk.row(again).replaces_id == built.delivery_id


def test_an_empty_mirror_is_no_error(desk):
    assert desk.build().delivery_id is None


@pytest.mark.parametrize("partner", ["northgate", "meridian", "librarium", "fennimore", "quickshelf", "dropwell"])
def test_siblings_of_a_work_go_each_under_its_own_reference(desk, flavoured, partner):
    family = work(1)
    desk.put(product(1, family), product(2, family))
    wanted = flavoured(partner, feed={"covers": {"by": "none"}})
    built = desk.build(wanted)
    assert built.records == 2, built.counts


def test_a_biography_goes_with_its_contributor_and_not_a_second_time_as_a_text(desk):
    whose = work(1)
    desk.put(product(1, replace(whose, texts=(*whose.texts, Text("12", "Ana Lima writes.")))))
    message = desk.message(desk.night())
    assert message.count(b"Ana Lima writes.") == 1
    assert b"<BiographicalNote>Ana Lima writes.</BiographicalNote>" in message
