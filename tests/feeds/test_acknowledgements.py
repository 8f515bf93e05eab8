"""What partners answer, in every form that it takes, and what is turned away."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import RejectedData
from include.feeds import renderer_for
from include.feeds.acknowledgements import Answer, RecordAnswer, read, renamed
from include.feeds.record import Header
from include.partners.model import Acknowledgements, Partner
from sandbox.partners import answers as partners_desk
from tests.feeds.titles import EBOOK, HOUSE, PRINT, TODAY, partner

PLAIN = b"""<?xml version="1.0" encoding="UTF-8"?>
<ONIXMessageAcknowledgement release="3.0" xmlns="http://ns.editeur.org/onix/acknowledgement/3.0/reference">
<Header>
  <Sender><SenderIdentifier><SenderIDType>06</SenderIDType><IDValue>5013546000019</IDValue></SenderIdentifier></Sender>
  <Addressee><AddresseeName>LANTERN &amp; QUILL</AddresseeName></Addressee>
  <MessageNumber>7</MessageNumber><SentDateTime>20261121T0700Z</SentDateTime><MessageStatus>02</MessageStatus>
  <MessageStatusDetail><StatusDetailType>W</StatusDetailType><StatusDetailCodeType>01</StatusDetailCodeType>
    <StatusDetailCode>N12</StatusDetailCode><StatusDetailText>two records
    were queried</StatusDetailText></MessageStatusDetail>
</Header>
<Product><RecordReference>com.x.1</RecordReference><RecordStatus>00</RecordStatus>
  <ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>978-0-306-40615-7</IDValue></ProductIdentifier></Product>
<!-- between --><Product><RecordReference>com.x.2</RecordReference><RecordStatus>02</RecordStatus></Product>
<Product><RecordReference>com.x.3</RecordReference><RecordStatus>03</RecordStatus>
  <RecordStatusDetail><StatusDetailType>F</StatusDetailType><StatusDetailCodeType>01</StatusDetailCodeType><StatusDetailCode>E7</StatusDetailCode>
    <StatusDetailText>no price</StatusDetailText><StatusDetailXPath>/ONIXMessage/Product[3]</StatusDetailXPath></RecordStatusDetail>
  <RecordStatusDetail><StatusDetailType>E</StatusDetailType><StatusDetailText>no cover</StatusDetailText></RecordStatusDetail></Product>
<Product><RecordReference>com.x.4</RecordReference><RecordStatus>09</RecordStatus></Product>
</ONIXMessageAcknowledgement>"""

SHORT = b"""<ONIXmessageacknowledgement release="3.0" xmlns="http://ns.editeur.org/onix/acknowledgement/3.0/short">
<header><sender><x298>Northgate Distribution</x298></sender><addressee><x300>Lantern &amp; Quill</x300></addressee>
<m180>7</m180><x307>20261121</x307><m489>02</m489></header>
<product><a001>com.x.3</a001><a498>03</a498><productidentifier><b221>15</b221><b244>9780306406157</b244></productidentifier>
<recordstatusdetail><a494>F</a494><a492>01</a492><a495>E7</a495><a496>no price</a496><a497>/ONIXmessage/product</a497></recordstatusdetail>
</product></ONIXmessageacknowledgement>"""


def answering(**changes: Any) -> Partner:
    said = {"kind": "onix", "folder": "/acks"} | changes
    return partner().model_copy(update={"acknowledgements": Acknowledgements.model_validate(said)})


def reporting(**changes: Any) -> Partner:
    columns = {"message_number": "Message", "record_reference": "Reference", "isbn": "ISBN", "status": "Status", "text": "Error"}
    return answering(**{"kind": "csv", "columns": columns, "rejected_statuses": ["Rejected", "FAILED"]} | changes)


def onix(content: bytes, by: Partner | None = None, **known: Any) -> Answer:
    [answer] = read("ack.xml", content, by or answering(), HOUSE, **known)
    return answer


def report(text: str | bytes, by: Partner | None = None, **known: Any) -> list[Answer]:
    return read("report.csv", text if isinstance(text, bytes) else text.encode(), by or reporting(), HOUSE, **known)


# --- ONIX


def test_an_acknowledgement_is_read_record_by_record() -> None:
    assert onix(PLAIN) == Answer(
        partner="northgate",
        status="partly",
        message_number=7,
        text="W N12 two records were queried",
        records=(
            RecordAnswer("accepted", "com.x.1", "9780306406157"),
            RecordAnswer("accepted with errors", "com.x.2"),
            RecordAnswer("rejected", "com.x.3", text="F E7 no price; E no cover"),
        ),
    )


def test_short_tags_say_the_same() -> None:
    [record] = onix(SHORT).records
    assert record == RecordAnswer("rejected", "com.x.3", "9780306406157", "F E7 no price")


@pytest.mark.parametrize(("code", "status"), [("00", "received"), ("01", "rejected"), ("02", "partly"), ("03", "processed")])
def test_the_message_status_is_that_of_list_221(code: str, status: str) -> None:
    assert onix(PLAIN.replace(b"<MessageStatus>02", f"<MessageStatus>{code}".encode())).status == status


WILD: dict[str, Callable[[bytes], bytes]] = {
    "no namespace": lambda xml: xml.replace(b' xmlns="http://ns.editeur.org/onix/acknowledgement/3.0/reference"', b""),
    "UTF-16": lambda xml: xml.replace(b"UTF-8", b"UTF-16").decode().encode("utf-16"),
    "a mark": lambda xml: codecs.BOM_UTF8 + xml,
    "an external DOCTYPE": lambda xml: xml.replace(
        b"?>\n", b'?>\n<!DOCTYPE ONIXMessageAcknowledgement SYSTEM "http://x.invalid/a.dtd">\n', 1
    ),
}


@pytest.mark.parametrize("how", WILD)
def test_what_files_in_the_wild_do_is_tolerated(how: str) -> None:
    assert onix(WILD[how](PLAIN)) == onix(PLAIN)


PASSWORDS = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\xef\xbb\xbf \r\n\x00",
    "no XML": b"Dear customer,\nyour file was fine.\n",
    "breaks off": PLAIN[:-100],
    "another root": b"<ONIXMessage/>",
    "an internal entity": PLAIN.replace(b"?>\n", b'?>\n<!DOCTYPE x [<!ENTITY e "7">]>\n', 1).replace(b">7<", b">&e;<"),
    "an external entity": PLAIN.replace(b"?>\n", b"?>\n" + PASSWORDS, 1).replace(b">7<", b">&e;<"),
    "a billion laughs": PLAIN.replace(
        b"?>\n",
        b"?>\n<!DOCTYPE x [<!ENTITY a 'ha'>"
        + b"".join(b"<!ENTITY %c '%s'>" % (letter, b"&%c;" % (letter - 1) * 10) for letter in b"bcdefghij")
        + b"]>\n",
        1,
    ).replace(b"no price", b"&j;"),
    "laughs in an attribute": PLAIN.replace(
        b"?>\n",
        b"?>\n<!DOCTYPE x [<!ENTITY a '" + b"ha" * 1000 + b"'>"
        + b"".join(b"<!ENTITY %c '%s'>" % (letter, b"&%c;" % (letter - 1) * 10) for letter in b"bcdefghij")
        + b"]>\n",
        1,
    ).replace(b'release="3.0"', b'release="&j;"'),
    "very deep": b"<ONIXMessageAcknowledgement>" + b"<a>" * 100_000,
    "no status": PLAIN.replace(b"<MessageStatus>02</MessageStatus>", b""),
    "an unknown status": PLAIN.replace(b"<MessageStatus>02", b"<MessageStatus>44"),
    "an unknown record status": PLAIN.replace(b"<RecordStatus>03", b"<RecordStatus>3"),
    "no number": PLAIN.replace(b"<MessageNumber>7</MessageNumber>", b""),
    "a number of words": PLAIN.replace(b"<MessageNumber>7", b"<MessageNumber>seven"),
    "no sender": PLAIN.replace(b"5013546000019", b""),
    "another sender": PLAIN.replace(b"5013546000019", b"5030670000012"),
    "another addressee": PLAIN.replace(b"LANTERN &amp; QUILL", b"Somebody Else"),
    "zeroes": b"\0" * 1000,
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_broken_hostile_or_not_for_us_is_turned_away_whole(what: str) -> None:
    with pytest.raises(RejectedData) as error:
        onix(HOSTILE[what])
    assert "northgate, ack.xml" in str(error.value)
    assert "root:" not in str(error.value)


def test_an_answer_to_a_message_that_was_never_sent_is_turned_away() -> None:
    assert onix(PLAIN, known_numbers={7}).message_number == 7
    with pytest.raises(RejectedData, match="no message 7 was sent"):
        onix(PLAIN, known_numbers={6, 8})
    with pytest.raises(RejectedData, match="no message 7 was sent"):
        onix(PLAIN, known_numbers=())


def test_a_partner_that_does_not_answer_by_files_gives_none() -> None:
    with pytest.raises(RejectedData, match="sweep"):
        onix(PLAIN, answering(kind="sweep"))


def test_what_the_sandbox_partner_writes_is_read(tmp_path: Path) -> None:
    renderer, out = renderer_for(partner(), HOUSE), BytesIO()
    records = [renderer.render(product, TODAY) for product in (PRINT, EBOOK)]
    with renderer.message(out, Header(12, datetime(2026, 11, 21, tzinfo=UTC))) as writer:
        for record in records:
            writer.add(record)
    message = tmp_path / "message.xml"
    message.write_bytes(out.getvalue())
    ack = partners_desk.acknowledge(message, tmp_path / "acks", {records[1].reference: "no rights"})
    answer = onix(ack.read_bytes(), known_numbers={12})
    assert (answer.message_number, answer.status) == (12, "partly")
    assert [(record.record_reference, record.isbn, record.status) for record in answer.records] == [
        (records[0].reference, PRINT.isbn, "accepted"),
        (records[1].reference, EBOOK.isbn, "rejected"),
    ]
    assert "no rights" in answer.records[1].text
    [same] = report(
        partners_desk.report(message, tmp_path / "reports", {records[1].reference: "no rights"}).read_bytes(),
        reporting(
            columns=dict(zip(("message_number", "record_reference", "isbn", "status", "text"), partners_desk.COLUMNS, strict=True)),
            rejected_statuses=["REJECTED"],
        ),
    )
    assert [(record.record_reference, record.status) for record in same.records] == [
        (record.record_reference, record.status) for record in answer.records
    ]


# --- error reports

REPORT = "Message,Reference,ISBN,Status,Error\r\n7,com.x.1,9780306406157,OK,\r\n7,com.x.2,979-12-202-0037-0,rejected,Größe fehlt\r\n"


def test_a_report_is_read_line_by_line() -> None:
    assert report(REPORT) == [
        Answer(
            "northgate",
            "partly",
            7,
            records=(
                RecordAnswer("accepted", "com.x.1", "9780306406157"),
                RecordAnswer("rejected", "com.x.2", "9791220200370", "Größe fehlt"),
            ),
        )
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_found_out(encoding: str, delimiter: str) -> None:
    assert report(REPORT.replace(",", delimiter).encode(encoding)) == report(REPORT)


def test_columns_stand_in_any_order_and_case_with_others_between() -> None:
    text = (
        "error;x; STATUS ;isbn;reference;message\nGröße fehlt;1;Rejected;'979-12-202-0037-0;com.x.2;7.0\n;1;OK;9780306406157;com.x.1;'7\n\n"
    )
    assert sorted(report(text)[0].records, key=lambda record: record.record_reference) == list(report(REPORT)[0].records)


def test_a_report_on_several_messages_is_an_answer_to_each() -> None:
    found = report(REPORT + "8,com.x.1,,OK,\r\n")
    assert [(answer.message_number, answer.status) for answer in found] == [(7, "partly"), (8, "processed")]


def test_a_report_without_statuses_lists_what_was_rejected() -> None:
    [answer] = report("ISBN,Error\n9780306406157,bad price\n", reporting(columns={"isbn": "ISBN", "text": "Error"}))
    assert answer.message_number is None
    assert answer.records == (RecordAnswer("rejected", isbn="9780306406157", text="bad price"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("Message,Reference,ISBN,Status,Error\n", "no lines"),
        ("ISBN,Error\n1,2\n", "no column Message, Reference, Status"),
        (REPORT + "seven,com.x.9,,OK,\n", "line 4: the message number is 'seven'"),
        (REPORT + "7,,,OK,\n", "names no record"),
        ("Message,Reference,ISBN,Status,Error\n" + '7,"' + "x" * 200_000, "CSV"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "encoding"),
        (b"\xff\xfeabc", "encoding"),
    ],
)
def test_a_report_that_can_not_be_used_is_turned_away(text: str | bytes, words: str) -> None:
    with pytest.raises(RejectedData, match=words):
        report(text)


def test_a_report_on_a_message_that_was_never_sent_is_turned_away() -> None:
    with pytest.raises(RejectedData, match="no message 7"):
        report(REPORT, known_numbers={1})


@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_read_or_turned_away(content: bytes) -> None:
    for by in (answering(), reporting()):
        try:
            read("x", content, by, HOUSE)
        except RejectedData:
            continue


@given(st.integers(0, len(PLAIN)), st.binary(max_size=20))
def test_a_damaged_acknowledgement_is_read_or_turned_away(place: int, damage: bytes) -> None:
    try:
        onix(PLAIN[:place] + damage + PLAIN[place + len(damage) :])
    except RejectedData:
        return


# --- renames


def test_renamed_files_are_answers() -> None:
    by = answering(kind="rename", accepted_suffix=".read", rejected_suffix=".rejected")
    names = ["lantern000003.xml.read", "lantern000004.xml", "lantern000002.xml.rejected", ".read", "covers"]
    assert [(answer.file_name, answer.status) for answer in renamed(names, by)] == [
        ("lantern000002.xml", "rejected"),
        ("lantern000003.xml", "processed"),
    ]


def test_without_suffixes_no_name_is_an_answer() -> None:
    assert renamed(["a.xml", "b.xml.read"], answering(kind="rename")) == []
