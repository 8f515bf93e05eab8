# ruff: noqa: E501 - rows read best as rows
import io
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, update

from include.errors import PermanentError
from include.ledger import deliveries as flow
from include.ledger import lists, questions
from include.ledger.answers import RecordAnswer, answer
from include.ledger.database import Ledger
from include.ledger.models import DeliveryRecordRow, DeliveryRow, FeedRecordRow, FileRow, ProductRow, WorkRow
from include.partners import load_partner, load_partners
from include.store import ArtefactStore

NOW = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
DAY = timedelta(days=1)
PARTNERS = load_partners()
BOOKS = {
    1: "9780000000019",
    2: "9780000000026",
    3: "9780000000033",
    4: "9780000000040",
    5: "9780000000057",
    6: "9780000000064",
    7: "9780000000071",
}


@pytest.fixture
def store(tmp_path) -> ArtefactStore:
    return ArtefactStore(str(tmp_path / "store"))


def send(session, store, partner, books, *, at=NOW, arrive=True, number=1, cover="", key="after:0") -> DeliveryRow:
    """A delivery of these books, as a feed makes it."""
    encoding = load_partner(partner).feed.encoding
    body = [f"<Product><!-- {BOOKS[book]} for {partner}, é --></Product>\n".encode(encoding) for book in books]
    message = store.put(io.BytesIO(b"".join(body)))
    files = [flow.NewFile(cover, "/inbox/covers", 5, "c" * 64, "cover")] if cover else []
    row = flow.prepare(
        session, partner=partner, flow="metadata_feed", business_key=key, digest=f"{at} {books}", now=at, kind="delta", format="ONIX",
        files=[*files, flow.NewFile(f"LQ_{number:05d}.xml", "/inbox", message.bytes, message.sha256)], message_number=number, records=len(books),
        due_at=at + timedelta(hours=5),
    )  # fmt: skip
    offset = 0
    for book, text in zip(books, body, strict=True):
        session.add(
            DeliveryRecordRow(
                delivery_id=row.id, product_id=book, isbn=BOOKS[book], record_reference=f"com.x.{book}", notification="03", digest=f"r{book}",
                source_digest="s", artefact=message.sha256, offset=offset, length=len(text),
            )
        )  # fmt: skip
        offset += len(text)
        if session.get(FeedRecordRow, (partner, book)) is None:
            stand(session, partner, book, "pending")
    session.flush()
    if arrive:
        flow.start(session, row, now=at)
        for file in row.files:
            flow.file_delivered(session, file, now=at, remote_path=f"{file.folder}/{file.name}", verified="size")
        flow.mark_delivered(session, row, at)
    return row


def stand(session, partner, book, state, *reasons: str) -> None:
    session.add(
        FeedRecordRow(
            partner=partner, product_id=book, isbn=BOOKS[book], state=state, looked_at=NOW, source_digest="s",
            reasons=[{"code": code, "message": f"{code} it is", "todo": "", "path": ""} for code in reasons],
        )
    )  # fmt: skip
    session.flush()


@pytest.fixture
def stocked(ledger: Ledger, store: ArtefactStore) -> Ledger:
    """Seven books: sent; held; not selected; rejected; in a failed delivery; never looked at; sent then withdrawn."""
    with ledger.session() as session:
        session.add(
            WorkRow(id=1, title="Lanterns", imprint="Quill", stage="Published", digest="", content=b"", first_seen=NOW, changed_at=NOW)
        )
        for book, isbn in BOOKS.items():
            session.add(
                ProductRow(
                    id=book, work_id=1, isbn=isbn, title=f"Book {book}", form="BB", digest="", content=b"", first_seen=NOW, changed_at=NOW
                )
            )
        session.flush()
        first = send(session, store, "northgate", [1, 4, 7], number=1, cover=f"{BOOKS[1]}.jpg")
        flow.record_event(session, what="noted", now=NOW, delivery=first)
        stand(session, "northgate", 2, "held", "price-missing", "cover-small")
        stand(session, "northgate", 3, "not selected", "imprint")
        answer(
            session, partner="northgate", kind="onix", name="ack.xml", status="partly", now=NOW + DAY, sha256="e" * 64, message_number=1,
            records=[RecordAnswer("rejected", "com.x.4", text="Unknown subject")],
        )  # fmt: skip
        failed = send(session, store, "northgate", [5], at=NOW + DAY, number=2, arrive=False, key=f"after:{first.id}")
        flow.start(session, failed, now=NOW + DAY)
        flow.mark_failed(session, failed, now=NOW + DAY, reasons=[{"code": "TransientError", "message": "no route"}])
        session.execute(update(FeedRecordRow).where(FeedRecordRow.product_id == 7).values(state="withdrawn"))
        send(session, store, "fennimore", [1, 2], number=1)
    return ledger


def standing(session, book: int, partner: str = "northgate", now: datetime | None = None) -> questions.Standing:
    return next(s for s in questions.title(session, BOOKS[book], PARTNERS, now=now).partners if s.partner == partner)


# --- 1 and 2


def test_when_did_it_last_go_to_whom_and_in_which_message(stocked: Ledger) -> None:
    with stocked.read() as session:
        title = questions.title(session, "978-0-0000-0001-9", PARTNERS, now=NOW)
        assert (title.title, title.imprint, title.form, title.product_id) == ("Book 1", "Quill", "BB", 1)
        assert [s.partner for s in title.partners] == [p.id for p in PARTNERS]
        sent = standing(session, 1)
        assert (sent.state, sent.sent_at, sent.message_number, sent.file, sent.remote_path) == (
            "sent",
            NOW,
            1,
            "LQ_00001.xml",
            "/inbox/LQ_00001.xml",
        )
        assert (sent.digest, sent.notification, sent.record_reference, sent.answer) == ("r1", "03", "com.x.1", "")
        assert sent.sentence == f"Sent on 21 November 2026, 01:30 UTC, delivery {sent.delivery_id}."
        assert asdict(title)


def test_why_it_was_not_sent(stocked: Ledger) -> None:
    cases = [
        (2, "northgate", "held", "Held back: price-missing it is; cover-small it is. It was never sent."),
        (3, "northgate", "not selected", "Not selected: imprint it is. It was never sent."),
        (
            4,
            "northgate",
            "rejected",
            "The partner rejected it: Unknown subject. It counts as not received and goes again with the next delivery.",
        ),
        (5, "northgate", "pending", "which is failed. It was never sent."),
        (6, "northgate", "never looked at", "No feed has looked at it since it came."),
        (7, "northgate", "withdrawn", "Withdrawn. It was last sent on 21 November 2026, 01:30 UTC"),
        (2, "fennimore", "sent", "Sent on 21 November"),
        (1, "dropwell", "never looked at", "No feed has looked at it since it came."),
    ]
    with stocked.read() as session:
        for book, partner, state, says in cases:
            answered = standing(session, book, partner)
            assert answered.state == state
            assert says in answered.sentence


def test_a_pending_title_names_the_delivery_it_waits_in(stocked: Ledger) -> None:
    with stocked.read() as session:
        waiting = standing(session, 5)
        assert session.get_one(DeliveryRow, waiting.waiting_in).state == "failed"
        assert waiting.delivery_id is None


def test_a_partner_that_is_switched_off_is_said_to_be(stocked: Ledger) -> None:
    off = load_partner("northgate").model_copy(update={"enabled": False})
    with stocked.read() as session:
        (northgate, fennimore) = (
            questions.title(session, BOOKS[6], [off]).partners[0],
            questions.title(session, BOOKS[1], [off]).partners[1],
        )
    assert northgate.sentence == "No feed has looked at it. The partner is switched off."
    assert fennimore.sentence.endswith("The partner has no file any more.")


def test_a_title_that_left_the_mirror_is_still_answered_for(stocked: Ledger) -> None:
    with stocked.session() as session:
        session.execute(delete(ProductRow).where(ProductRow.id == 1))
    with stocked.read() as session:
        assert standing(session, 1).state == "sent"
        assert questions.title(session, product_id=1).isbn == BOOKS[1]


def test_two_products_of_one_isbn_are_both_named(stocked: Ledger) -> None:
    with stocked.session() as session:
        session.add(ProductRow(id=99, work_id=1, isbn=BOOKS[1], title="Twin", digest="", content=b"", first_seen=NOW, changed_at=NOW))
    with stocked.read() as session:
        assert questions.title(session, BOOKS[1]).twins == [99]
        assert questions.title(session, product_id=99).title == "Twin"


def test_an_unknown_title_is_told_so(stocked: Ledger) -> None:
    with stocked.read() as session:
        for isbn in ("", " ", "404", "'; drop table product; --", "9" * 5000, "é\x00\n", "%"):
            with pytest.raises(PermanentError, match="there is no title"):
                questions.title(session, isbn, PARTNERS)
        for number in (0, -1, 404, 2**70):
            with pytest.raises(PermanentError, match="there is no title"):
                questions.title(session, product_id=number)


# --- 3 and 4


def test_what_has_not_been_sent_to_a_partner(stocked: Ledger) -> None:
    with stocked.read() as session:
        missing = questions.not_sent(session, "northgate")
        assert [(m.product_id, m.state, m.title) for m in missing] == [
            (2, "held", "Book 2"), (3, "not selected", "Book 3"), (4, "rejected", "Book 4"), (5, "pending", "Book 5"), (6, "never looked at", "Book 6"),
        ]  # fmt: skip
        assert [m.product_id for m in questions.not_sent(session, "northgate", limit=2)] == [2, 3]
        assert [m.product_id for m in questions.not_sent(session, "northgate", after=3, limit=2)] == [4, 5]
        assert [m.product_id for m in questions.not_sent(session, "northgate", state="held")] == [2]
        assert [m.product_id for m in questions.not_sent(session, "northgate", state="never looked at")] == [6]
        assert len(questions.not_sent(session, "dropwell")) == 7
        assert [m.reasons[0]["code"] for m in questions.held(session, "northgate")] == ["price-missing"]


def test_what_a_partner_has_received(stocked: Ledger) -> None:
    with stocked.read() as session:
        assert [(r.product_id, r.state) for r in questions.received(session, "northgate")] == [(1, "sent"), (7, "withdrawn")]
        assert [r.product_id for r in questions.received(session, "northgate", after=1)] == [7]
        assert questions.received(session, "nobody") == []


def test_the_text_that_a_partner_received(stocked: Ledger, store: ArtefactStore) -> None:
    with stocked.read() as session:
        sent = standing(session, 7)
        shown = questions.fragment(session, store, sent.delivery_id, 7)
        assert shown.text == f"<Product><!-- {BOOKS[7]} for northgate, é --></Product>\n"
        with pytest.raises(PermanentError, match="holds no product 404"):
            questions.fragment(session, store, sent.delivery_id, 404)


# --- 5


def test_which_partners_receive_and_when(stocked: Ledger) -> None:
    with stocked.read() as session:
        northgate = next(r for r in questions.recipients(session, PARTNERS, NOW + 2 * DAY) if r.partner == "northgate")
    assert (northgate.label, northgate.protocol, northgate.held, northgate.rejected) == ("ONIX 3.0 reference", "sftp", 1, 1)
    assert (northgate.last.state, northgate.last_delivered.state) == ("failed", "acknowledged")
    assert northgate.overdue == [(northgate.last.id, "not delivered")]
    assert northgate.next_run > NOW + 2 * DAY


def test_runs_and_deadlines_are_in_the_partners_own_time_across_the_clock_change() -> None:
    northgate = load_partner("northgate")  # 01:30 and 06:00 in London
    london = ZoneInfo("Europe/London")
    before_summer = datetime(2026, 3, 28, 12, tzinfo=UTC)
    deadline = questions.next_deadline(northgate, before_summer)
    assert deadline.astimezone(UTC) == datetime(2026, 3, 29, 5, tzinfo=UTC)  # 06:00 British Summer Time
    assert questions.next_run(northgate, datetime(2026, 6, 1, 12, tzinfo=UTC)).astimezone(UTC) == datetime(2026, 6, 2, 0, 30, tzinfo=UTC)
    assert questions.next_run(northgate, datetime(2026, 12, 1, 12, tzinfo=UTC)).astimezone(london).strftime("%d %H:%M") == "02 01:30"
    off = northgate.model_copy(update={"enabled": False})
    assert (questions.next_run(off, NOW), questions.next_deadline(off, NOW)) == (None, None)


# --- 6


def test_flavours_stand_side_by_side_in_their_own_encodings(stocked: Ledger, store: ArtefactStore) -> None:
    assert load_partner("fennimore").feed.encoding == "iso-8859-1"
    with stocked.read() as session:
        shown = questions.fragments(session, store, 1, PARTNERS)
    assert {f.partner: f.text for f in shown} == {
        name: f"<Product><!-- {BOOKS[1]} for {name}, é --></Product>\n" for name in ("northgate", "fennimore")
    }


def test_bytes_that_are_gone_are_said_to_be(stocked: Ledger, tmp_path) -> None:
    with stocked.read() as session:
        shown = questions.fragments(session, ArtefactStore(str(tmp_path / "empty")), 1, PARTNERS)
    assert {f.text for f in shown} == {""}
    assert all("there is no artefact" in f.missing for f in shown)


def test_a_redelivered_old_record_is_what_the_partner_has(stocked: Ledger, store: ArtefactStore) -> None:
    with stocked.session() as session:
        first = standing(session, 1).delivery_id
        newer = send(session, store, "northgate", [1], at=NOW + 2 * DAY, number=3, key="later")
        assert standing(session, 1).delivery_id == newer.id
        flow.start(session, first, now=NOW + 3 * DAY)
        flow.mark_delivered(session, first, NOW + 3 * DAY)
        assert standing(session, 1).delivery_id == first


# --- 7


def test_did_this_cover_go_out(stocked: Ledger) -> None:
    with stocked.read() as session:
        for how in ({"name": f"{BOOKS[1]}.jpg"}, {"isbn": "978 0 0000 0001 9"}, {"sha256": "C" * 64}):
            (cover,) = questions.files(session, **how)
            assert (cover.partner, cover.remote_path, cover.state, cover.role) == (
                "northgate",
                f"/inbox/covers/{BOOKS[1]}.jpg",
                "delivered",
                "cover",
            )
        assert questions.files(session, isbn=BOOKS[3]) == []
        with pytest.raises(PermanentError, match="no file was named"):
            questions.files(session)


# --- lists


@pytest.fixture
def many(ledger: Ledger) -> Ledger:
    with ledger.session() as session:
        for number in range(25):
            partner, state = ("northgate", "delivered") if number % 2 else ("meridian", "failed")
            session.add(
                DeliveryRow(
                    partner=partner, flow="metadata_feed" if number % 5 else "covers", business_key="k", digest=str(number), state=state,
                    message_number=1000 + number, created_at=NOW + timedelta(hours=number // 2), due_at=NOW, delivered_at=NOW if number % 2 else None,
                    run_id=f"manual__{number}",
                    files=[FileRow(name=f"LQ_{number:03d}.xml", bytes=1, sha256=f"{number:064d}"), FileRow(name="9780.jpg", bytes=1, sha256="f" * 64, role="cover")],
                )
            )  # fmt: skip
    return ledger


def numbers(page) -> list[int]:
    return [int(row.digest) for row in page]


def test_pages_follow_each_other_and_lead_back(many: Ledger) -> None:
    with many.read() as session:
        first = lists.deliveries(session, limit=10)
        second = lists.deliveries(session, limit=10, after=first.older)
        third = lists.deliveries(session, limit=10, after=second.older)
        assert numbers(first) + numbers(second) + numbers(third) == list(range(24, -1, -1))
        assert (first.newer, third.older) == (None, None)
        assert numbers(lists.deliveries(session, limit=10, before=third.newer)) == numbers(second)
        back = lists.deliveries(session, limit=10, before=second.newer)
        assert (numbers(back), back.newer) == (numbers(first), None)
        assert numbers(lists.deliveries(session, limit=5, after=987654)) == [24, 23, 22, 21, 20]


def test_lists_are_filtered(many: Ledger) -> None:
    wanted: list[tuple[dict, list[int]]] = [
        ({"partner": "northgate"}, list(range(23, 0, -2))),
        ({"partner": "northgate", "flow": "covers"}, [15, 5]),
        ({"state": "failed", "flow": "covers"}, [20, 10, 0]),
        ({"since": date(2026, 11, 21), "until": date(2026, 11, 21)}, list(range(24, -1, -1))),
        ({"since": date(2026, 11, 22)}, []),
        ({"until": date.max, "partner": "meridian", "flow": "covers"}, [20, 10, 0]),
        ({"since": date(2026, 11, 21), "zone": ZoneInfo("Pacific/Kiritimati"), "until": date(2026, 11, 21)}, list(range(17, -1, -1))),
        ({"text": "1007"}, [7]),
        ({"text": "LQ_01"}, list(range(19, 9, -1))),
        ({"text": " LQ_003.xml "}, [3]),
        ({"text": "lq_003.xml"}, []),
        ({"text": f"{5:064d}"}, [5]),
        ({"text": "manual__9"}, [9]),
        ({"text": "%"}, []),
        ({"text": "_"}, []),
        ({"text": "'; drop table delivery; --"}, []),
        ({"text": "\x00"}, list(range(24, -1, -1))),
        ({"isbn": "9780000000019"}, []),
        ({"partner": "nobody"}, []),
        ({"state": "overdue"}, list(range(24, -1, -1))),
        ({"state": "overdue", "partner": "meridian"}, list(range(24, -1, -2))),
    ]
    with many.read() as session:
        for filters, want in wanted:
            assert numbers(lists.deliveries(session, **filters, partners=PARTNERS, now=NOW + 9 * DAY)) == want, filters


def test_a_list_by_isbn_holds_the_deliveries_with_that_title(stocked: Ledger) -> None:
    with stocked.read() as session:
        assert [row.partner for row in lists.deliveries(session, isbn="978-0-0000-0002-6")] == ["fennimore"]


def test_a_list_that_can_not_be_made_says_why(many: Ledger) -> None:
    with many.read() as session:
        for bad in ({"state": "lost"}, {"limit": 0}, {"limit": 10**9}, {"state": "overdue", "now": None}):
            with pytest.raises(PermanentError):
                lists.deliveries(session, **bad)


def test_names_that_many_files_share_are_found_all_the_same(many: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_MANY", 3)
    with many.read() as session:
        assert numbers(lists.deliveries(session, text="LQ_01")) == list(range(19, 9, -1))
        assert len(lists.deliveries(session, text="f" * 64)) == 25


def test_the_overdue_list_and_the_flag_agree(many: Ledger) -> None:
    with many.read() as session:
        for now in (NOW, NOW + timedelta(hours=30), NOW + 9 * DAY):
            listed = {row.id for row in lists.deliveries(session, state="overdue", partners=PARTNERS, now=now)}
            flagged = {row.id for row in lists.deliveries(session) if lists.overdue(row, load_partner(row.partner), now)}
            assert listed == flagged


def test_flows_and_message_names(many: Ledger) -> None:
    with many.read() as session:
        assert lists.flows(session) == ["covers", "metadata_feed"]
        ids = [row.id for row in lists.deliveries(session, limit=2)]
        assert lists.message_names(session, ids) == {ids[0]: ("LQ_024.xml", 2), ids[1]: ("LQ_023.xml", 2)}


def test_a_delivery_as_json_has_all_its_parts(stocked: Ledger) -> None:
    import json

    with stocked.read() as session:
        (shown,) = [questions.delivery(session, row.id, now=NOW) for row in questions.deliveries(session, state="acknowledged")]
    assert json.loads(json.dumps(shown)) == shown
    assert {"id", "partner", "flow", "state", "files", "records", "created_at", "delivered_at"} <= set(shown)
    assert [(file["name"], file["remote_path"]) for file in shown["files"]][1] == ("LQ_00001.xml", "/inbox/LQ_00001.xml")
    assert [record["isbn"] for record in shown["record_list"]] == [BOOKS[1], BOOKS[4], BOOKS[7]]
    assert [receipt["name"] for receipt in shown["receipts"]] == ["ack.xml"]
    assert shown["events"][0]["what"] == "prepared"
    assert shown["created_at"] == "2026-11-21T01:30:00+00:00"


def test_a_delivery_that_does_not_exist_is_told_so(ledger: Ledger) -> None:
    with ledger.read() as session:
        for number in (0, -5, 404, 2**80):
            with pytest.raises(PermanentError, match="there is no delivery"):
                questions.delivery(session, number)
