from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product as pairs

import pytest
from sqlalchemy import select

from include.errors import PermanentError
from include.ledger import deliveries
from include.ledger.answers import RecordAnswer, answer, overdue
from include.ledger.database import Ledger
from include.ledger.deliveries import ALLOWED, NewFile
from include.ledger.models import DeliveryRecordRow, DeliveryRow, DeliveryState, EventRow, FeedRecordRow, FileRow, PartnerRow, ReceiptRow
from include.partners import load_partner

NOW = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
FLOW = "metadata_feed"


def prepared(session, digest="d1", key="after:0", **more) -> DeliveryRow:
    files = [NewFile("9781.jpg", "/inbox/covers", 10, "c" * 64, "cover"), NewFile("feed.xml", "/inbox", 100, "a" * 64)]
    return deliveries.prepare(
        session,
        **{"partner": "northgate", "flow": FLOW, "business_key": key, "digest": digest, "files": files, "now": NOW, "kind": "delta"} | more,
    )


def with_records(session, delivery: DeliveryRow, *products: int, **more) -> None:
    for number in products:
        session.add(
            DeliveryRecordRow(
                **{
                    "delivery_id": delivery.id, "product_id": number, "isbn": f"978000000000{number}",
                    "record_reference": f"com.x.{number}",
                    "notification": "03", "digest": f"r{number}", "source_digest": f"s{number}", "stable_until": "2027-01-01",
                    "blocks": {"P1": "x"}, "artefact": "a" * 64, "offset": number * 10, "length": 10,
                } | more
            )
        )  # fmt: skip
    session.flush()


def looked_at(session, number: int, *, state="pending", source: str | None = None, **more) -> None:
    session.add(
        FeedRecordRow(
            **{"partner": "northgate", "product_id": number, "state": state, "looked_at": NOW, "source_digest": source or f"s{number}"}
            | more
        )
    )
    session.flush()


def record(session, number: int) -> FeedRecordRow:
    return session.get_one(FeedRecordRow, ("northgate", number))


def events(session) -> list[str]:
    return list(session.scalars(select(EventRow.what).order_by(EventRow.id)))


# --- preparing


def test_preparing_twice_gives_the_same_delivery(ledger: Ledger) -> None:
    with ledger.session() as session:
        first = prepared(session, message_number=1)
    with ledger.session() as session:
        second = prepared(session, message_number=2)
        assert (second.id, second.message_number, second.bytes) == (first.id, 1, 110)
        assert [file.name for file in second.files] == ["9781.jpg", "feed.xml"]
        assert events(session) == ["prepared"]


def test_two_writers_prepare_one_delivery(ledger: Ledger) -> None:
    def prepare(_: int) -> int:
        with ledger.session() as session:
            return prepared(session).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(prepare, range(8)))) == 1


def test_two_files_of_one_path_are_refused(ledger: Ledger) -> None:
    with ledger.session() as session, pytest.raises(PermanentError, match="same path"):
        prepared(session, files=[NewFile("feed.xml", "/inbox", 1, "a" * 64), NewFile("feed.xml", "/inbox", 2, "b" * 64)])


def test_the_same_name_in_two_folders_is_two_files(ledger: Ledger) -> None:
    with ledger.session() as session:
        row = prepared(session, files=[NewFile("feed.xml", "/a", 1, "a" * 64), NewFile("feed.xml", "/b", 2, "b" * 64)])
        assert [file.folder for file in row.files] == ["/a", "/b"]


def test_a_withdrawn_delivery_that_is_wanted_again_comes_back(ledger: Ledger) -> None:
    with ledger.session() as session:
        old, new = prepared(session, "d1"), prepared(session, "d2")
        assert deliveries.supersede(session, "northgate", FLOW, new.id, now=NOW) == [old.id]
        assert old.state == "withdrawn"
    with ledger.session() as session:
        again = prepared(session, "d1")
        assert (again.id, again.state) == (old.id, "prepared")
        assert deliveries.supersede(session, "northgate", FLOW, again.id, now=NOW) == [new.id]


def test_reviving_replaces_what_had_replaced_it_and_asks_again_where_a_person_was_asked(ledger: Ledger) -> None:
    with ledger.session() as session:
        old = prepared(session, "d1")
        asked = prepared(session, "d2", state=DeliveryState.AWAITING_APPROVAL, reasons=[{"code": "limit", "message": "too many"}])
        deliveries.supersede(session, "northgate", FLOW, asked.id, now=NOW)
        assert deliveries.revive(session, old, now=LATER, who="airflow").state == "prepared"
        assert asked.state == "withdrawn"
        assert deliveries.revive(session, asked, now=LATER).state == "awaiting approval"
        assert old.state == "withdrawn"
        assert deliveries.revive(session, asked, now=LATER).state == "awaiting approval"


def test_superseding_leaves_alone_what_arrived_and_what_has_another_purpose(ledger: Ledger) -> None:
    with ledger.session() as session:
        arrived, rebuilt, other, failed = (
            prepared(session, "d1"), prepared(session, "d1", "rebuilt:7"), prepared(session, "d1", partner="meridian"),
            prepared(session, "d3"),
        )  # fmt: skip
        deliveries.start(session, arrived, now=NOW)
        deliveries.mark_delivered(session, arrived, NOW)
        deliveries.start(session, failed, now=NOW)
        deliveries.mark_failed(session, failed, now=NOW, reasons=[])
        new = prepared(session, "d4")
        assert deliveries.supersede(session, "northgate", FLOW, new.id, now=NOW) == [failed.id]
        assert (arrived.state, rebuilt.state, other.state) == ("delivered", "prepared", "prepared")


# --- states


def test_only_the_steps_of_the_table_are_taken(ledger: Ledger) -> None:
    with ledger.session() as session:
        for before, after in pairs(DeliveryState, DeliveryState):
            row = prepared(session, f"{before} {after}")
            row.state = before
            if before != after and after not in ALLOWED[before]:
                with pytest.raises(PermanentError, match=f"{before} can't become {after}"):
                    deliveries.move(session, row, after, now=NOW)
                assert row.state == before
                continue
            assert deliveries.move(session, row, after, now=NOW, who="ada").state == after
            told = session.scalars(select(EventRow).where(EventRow.delivery_id == row.id).order_by(EventRow.id)).all()[1:]
            steps = [(event.what, event.who, event.detail["from"]) for event in told]
            assert steps == ([(after, "ada", before)] if after in ALLOWED[before] else [])


def test_every_state_can_be_left_and_reached() -> None:
    assert set(ALLOWED) == set(DeliveryState)
    reached = {state for states in ALLOWED.values() for state in states}
    assert reached == set(DeliveryState)


def test_two_people_decide_and_the_first_counts(ledger: Ledger) -> None:
    with ledger.session() as session:
        row = prepared(session, state=DeliveryState.AWAITING_APPROVAL)
    with ledger.session() as session:
        deliveries.decline(session, row, now=NOW, who="ada", note="the prices are wrong")
    with ledger.session() as session, pytest.raises(PermanentError, match="declined can't become sending"):
        deliveries.start(session, row, now=NOW)  # this process still holds the row as awaiting approval
    with ledger.session() as session:
        assert deliveries.get(session, row).reasons[-1] == {"code": "declined", "message": "the prices are wrong"}
        assert deliveries.approve(session, row, now=NOW, who="grace").state == "prepared"


def test_an_unknown_delivery_says_where_to_look(ledger: Ledger) -> None:
    with ledger.session() as session, pytest.raises(PermanentError, match=r"no delivery 404.*Deliveries page"):
        deliveries.move(session, 404, DeliveryState.SENDING, now=NOW)


def test_a_second_attempt_sends_what_is_missing_and_a_redelivery_all(ledger: Ledger) -> None:
    with ledger.session() as session:
        row = deliveries.start(session, prepared(session), now=NOW, dag_id="feed", run_id="r1")
        cover, message = row.files
        deliveries.file_delivered(
            session, cover, now=NOW, remote_path="/inbox/covers/9781.jpg", verified="size", host_key="SHA256:x", seconds=0.5
        )
        deliveries.file_failed(session, message, now=NOW, reason="the disk is full")
        deliveries.mark_failed(session, row, now=NOW, reasons=[{"code": "full", "message": "the disk is full"}])
    with ledger.session() as session:
        row = deliveries.start(session, row, now=LATER)
        assert [(file.state, file.reason) for file in row.files] == [("delivered", ""), ("prepared", "")]
        assert (row.attempts, row.reasons, row.dag_id) == (2, [], "feed")
        deliveries.file_delivered(session, row.files[1], now=LATER, remote_path="/inbox/feed.xml", verified="hash")
        deliveries.mark_delivered(session, row, LATER, seconds=1.5)
    with ledger.session() as session:
        row = deliveries.start(session, row, now=LATER)
        assert {file.state for file in row.files} == {"prepared"}
        assert events(session) == [
            "prepared", "sending", "file delivered", "file failed", "failed", "sending", "file delivered", "delivered", "sending",
        ]  # fmt: skip


def test_a_file_told_twice_is_noted_once(ledger: Ledger) -> None:
    with ledger.session() as session:
        row = deliveries.start(session, prepared(session), now=NOW)
        for _ in range(2):
            deliveries.file_delivered(session, row.files[0], now=NOW, remote_path="/inbox/covers/9781.jpg", verified="size")
        assert events(session).count("file delivered") == 1
        event = session.scalars(select(EventRow).where(EventRow.what == "file delivered")).one()
        assert (event.partner, event.bytes, event.sha256, event.detail) == ("northgate", 10, "c" * 64, {"verified": "size"})


def test_over_long_words_are_cut_and_not_refused(ledger: Ledger) -> None:
    with ledger.session() as session:
        deliveries.record_event(session, what="w" * 999, now=NOW, who="ä" * 999, subject="s" * 9999, host_key="h" * 999)
    with ledger.read() as session:
        event = session.scalars(select(EventRow)).one()
        assert (len(event.what), len(event.who), len(event.subject), len(event.host_key)) == (60, 120, 800, 120)


# --- message numbers


def test_message_numbers_count_up_per_partner(ledger: Ledger) -> None:
    with ledger.session() as session:
        assert [deliveries.next_message_number(session, "northgate") for _ in range(3)] == [1, 2, 3]
        assert deliveries.next_message_number(session, "meridian") == 1
        assert session.get_one(PartnerRow, "northgate").last_message_number == 3


def test_no_number_is_given_twice(ledger: Ledger) -> None:
    def draw(_: int) -> int:
        with ledger.session() as session:
            return deliveries.next_message_number(session, "northgate")

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(draw, range(40))) == list(range(1, 41))


def test_a_number_of_a_transaction_that_failed_is_free_again(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.session() as session:  # noqa: PT012
        deliveries.next_message_number(session, "northgate")
        raise ZeroDivisionError
    with ledger.session() as session:
        assert deliveries.next_message_number(session, "northgate") == 1


# --- what the partner has


def test_delivered_titles_count_as_received(ledger: Ledger) -> None:
    with ledger.session() as session:
        row = prepared(session)
        with_records(session, row, 1)
        with_records(session, row, 2, whole=False, notification="04")
        with_records(session, row, 3, becomes="withdrawn")
        with_records(session, row, 4)  # never looked at: restored from elsewhere
        for number in (1, 2, 3):
            looked_at(session, number, reasons=[{"code": "old", "message": "old"}])
        deliveries.start(session, row, now=NOW)
    with ledger.session() as session:
        deliveries.mark_delivered(session, row, LATER)
        first = record(session, 1)
        assert (first.state, first.digest, first.artefact, first.offset, first.length) == ("sent", "r1", "a" * 64, 10, 10)
        assert (first.delivery_id, first.sent_at, first.notification, first.blocks, first.reasons) == (row.id, LATER, "03", {"P1": "x"}, [])
        assert (record(session, 2).artefact, record(session, 2).digest) == ("", "r2")
        assert record(session, 3).state == "withdrawn"
        assert (record(session, 4).state, record(session, 4).isbn, record(session, 4).looked_at) == ("sent", "9780000000004", LATER)
        delivered = session.get_one(DeliveryRow, row.id)
        assert (delivered.state, delivered.delivered_at, {file.state for file in delivered.files}) == ("delivered", LATER, {"delivered"})


def test_a_title_looked_at_since_keeps_its_newer_state_and_is_due_another_look(ledger: Ledger) -> None:
    with ledger.session() as session:
        row = prepared(session)
        with_records(session, row, 1, 2)
        looked_at(session, 1, state="held", source="newer", reasons=[{"code": "price-missing", "message": "no price"}])
        looked_at(session, 2, state="unchanged", source="newer", digest="r0")
        deliveries.start(session, row, now=NOW)
        deliveries.mark_delivered(session, row, LATER)
        held = record(session, 1)
        assert (held.state, held.reasons[0]["code"], held.digest, held.source_digest) == ("held", "price-missing", "r1", "")
        assert (record(session, 2).digest, record(session, 2).source_digest) == ("r2", "")


def test_delivered_twice_is_noted_once(ledger: Ledger) -> None:
    with ledger.session() as session:
        row = deliveries.start(session, prepared(session), now=NOW)
        deliveries.mark_delivered(session, row, NOW)
        deliveries.mark_delivered(session, row, LATER)
        assert (row.delivered_at, events(session).count("delivered")) == (NOW, 1)


def test_other_partners_and_titles_stay_as_they_are(ledger: Ledger) -> None:
    with ledger.session() as session:
        row = prepared(session)
        with_records(session, row, 1)
        looked_at(session, 1)
        looked_at(session, 2)
        looked_at(session, 1, partner="meridian")
        deliveries.start(session, row, now=NOW)
        deliveries.mark_delivered(session, row, NOW)
        assert (record(session, 2).state, session.get_one(FeedRecordRow, ("meridian", 1)).state) == ("pending", "pending")


def test_a_full_feed_clears_the_wish_for_one(ledger: Ledger) -> None:
    with ledger.session() as session:
        session.add(PartnerRow(id="northgate", last_message_number=0, full_resend=True))
        delta = deliveries.start(session, prepared(session, "d1"), now=NOW)
        deliveries.mark_delivered(session, delta, NOW)
        assert session.get_one(PartnerRow, "northgate").full_resend is True
        full = deliveries.start(session, prepared(session, "d2", kind="full"), now=NOW)
        deliveries.mark_delivered(session, full, NOW)
        assert session.get_one(PartnerRow, "northgate").full_resend is False


# --- answers


def delivered(ledger: Ledger, *products: int, **more) -> DeliveryRow:
    with ledger.session() as session:
        row = prepared(session, **{"message_number": 7} | more)
        with_records(session, row, *products)
        for number in products:
            if session.get(FeedRecordRow, ("northgate", number)) is None:
                looked_at(session, number)
        deliveries.start(session, row, now=NOW)
        deliveries.mark_delivered(session, row, NOW)
        return row


def ack(session, **more) -> ReceiptRow:
    return answer(
        session,
        **{
            "partner": "northgate",
            "kind": "onix",
            "name": "ack.xml",
            "status": "processed",
            "sha256": "e" * 64,
            "message_number": 7,
            "now": LATER,
        }
        | more,
    )


def test_an_answer_acknowledges_the_delivery(ledger: Ledger) -> None:
    row = delivered(ledger, 1)
    with ledger.session() as session:
        receipt = ack(session, records=[RecordAnswer("accepted", "com.x.1")])
        assert receipt.delivery_id == row.id
        now = session.get_one(DeliveryRow, row.id)
        assert (now.state, now.answered_at) == ("acknowledged", LATER)
        assert session.get_one(DeliveryRecordRow, (row.id, 1)).answer == "accepted"
        assert record(session, 1).state == "sent"


def test_a_rejected_record_counts_as_not_received(ledger: Ledger) -> None:
    row = delivered(ledger, 1, 2, 3)
    with ledger.session() as session:
        ack(
            session, status="partly",
            records=[RecordAnswer("rejected", "com.x.1", text="Unknown subject code"), RecordAnswer("rejected", isbn="9780000000002"),
                RecordAnswer("accepted", "com.x.3")],
        )  # fmt: skip
        first = record(session, 1)
        assert (first.state, first.digest, first.artefact, first.blocks) == ("rejected", "", "", {})
        assert (first.reasons[0]["code"], first.reasons[0]["message"]) == ("rejected-by-partner", "Unknown subject code")
        assert (record(session, 2).state, record(session, 3).state) == ("rejected", "sent")
        assert session.get_one(DeliveryRow, row.id).state == "acknowledged"


def test_a_title_sent_again_since_is_not_forgotten(ledger: Ledger) -> None:
    delivered(ledger, 1)
    delivered(ledger, 1, digest="d2", message_number=8)
    with ledger.session() as session:
        ack(session, status="partly", records=[RecordAnswer("rejected", "com.x.1")])
        assert (record(session, 1).state, record(session, 1).digest) == ("sent", "r1")


def test_a_rejected_message_means_none_of_its_titles_was_received(ledger: Ledger) -> None:
    row = delivered(ledger, *range(1, 10))
    with ledger.session() as session:
        ack(session, status="rejected")
        assert session.get_one(DeliveryRow, row.id).state == "rejected"
        assert {record(session, number).state for number in range(1, 10)} == {"rejected"}


def test_the_same_answer_twice_is_recorded_once(ledger: Ledger) -> None:
    delivered(ledger, 1)
    with ledger.session() as session:
        first = ack(session)
    with ledger.session() as session:
        assert ack(session, now=LATER + timedelta(days=1)).id == first.id
        assert events(session).count("answer") == 1


def test_an_answer_to_nothing_is_kept_without_a_delivery(ledger: Ledger) -> None:
    with ledger.session() as session:
        waiting = prepared(session, message_number=7)  # it never went
        receipt = ack(session)
        assert receipt.delivery_id is None
        assert (waiting.state, events(session)[-1]) == ("prepared", "answer to nothing we sent")
        assert ack(session, name="other.xml", message_number=None).delivery_id is None
        assert ack(session, name="third.xml", message_number=10**9).delivery_id is None


def test_an_answer_from_another_partner_does_not_count(ledger: Ledger) -> None:
    row = delivered(ledger, 1)
    with ledger.session() as session:
        assert ack(session, partner="meridian", delivery_id=row.id).delivery_id is None
        assert session.get_one(DeliveryRow, row.id).state == "delivered"


def test_an_answer_shows_that_a_failed_delivery_arrived(ledger: Ledger) -> None:
    with ledger.session() as session:
        row = prepared(session, message_number=7)
        with_records(session, row, 1)
        looked_at(session, 1)
        deliveries.start(session, row, now=NOW)
        deliveries.mark_failed(session, row, now=NOW, reasons=[{"code": "cut", "message": "the line went dead after the rename"}])
        ack(session)
        assert (session.get_one(DeliveryRow, row.id).state, record(session, 1).state) == ("acknowledged", "sent")


def test_records_that_we_did_not_send_are_listed(ledger: Ledger) -> None:
    delivered(ledger, 1)
    with ledger.session() as session:
        receipt = ack(
            session, records=[RecordAnswer("rejected", "com.x.99"), RecordAnswer("rejected", isbn="nonsense"), RecordAnswer("accepted")]
        )
        assert receipt.detail["unknown"] == ["com.x.99", "nonsense", ""]
        assert record(session, 1).state == "sent"


def test_a_redelivered_message_is_received_again(ledger: Ledger) -> None:
    row = delivered(ledger, 1)
    with ledger.session() as session:
        ack(session, status="rejected")
    with ledger.session() as session:
        deliveries.start(session, row, now=LATER)
        deliveries.mark_delivered(session, row, LATER)
        assert (record(session, 1).state, record(session, 1).digest) == ("sent", "r1")
        assert session.get_one(DeliveryRow, row.id).answered_at is None


# --- overdue


def test_overdue_is_computed_from_deadline_and_answer() -> None:
    northgate, dropwell = load_partner("northgate"), load_partner("dropwell")
    hours = timedelta(hours=northgate.acknowledgements.within_hours)
    due = DeliveryRow(state="failed", due_at=NOW, delivered_at=None)
    assert (overdue(due, northgate, LATER), overdue(due, None, NOW)) == ("not delivered", "")
    there = DeliveryRow(state="delivered", due_at=NOW, delivered_at=LATER)
    assert overdue(there, northgate, LATER + hours) == ""
    assert overdue(there, northgate, LATER + hours + timedelta(seconds=1)) == "no answer"
    assert northgate.acknowledgements.kind != "none"
    assert overdue(there, dropwell, LATER + timedelta(days=99)) in {"", "no answer"}
    for state in ("acknowledged", "rejected", "withdrawn", "declined"):
        assert overdue(DeliveryRow(state=state, due_at=NOW, delivered_at=None), northgate, LATER) == ""


def test_files_are_deleted_with_nothing_left_behind(ledger: Ledger) -> None:
    with ledger.session() as session:
        session.delete(prepared(session))
    with ledger.read() as session:
        assert session.scalars(select(FileRow)).all() == []
