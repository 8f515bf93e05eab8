"""The message around the records: header, offsets, empty messages, encodings."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone

import pytest
from lxml import etree

from include.errors import ConfigurationError
from include.feeds import renderer_for
from include.feeds.record import Header
from tests.feeds.onix.cases import FLAVOURS, SENT, assert_valid, house, maximal, message, minimal, partner, render, texts

ENCODINGS = ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "us-ascii"]


def _head(release: str, **changes: object) -> etree._Element:
    to = partner(release, changes=changes)
    root = assert_valid(message([render(minimal(), to)], to), to)
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return root[0]


@pytest.mark.parametrize("release", ["3.0", "3.1"])
def test_header_names_both_parties_number_and_time_with_its_zone(release: str) -> None:
    head = _head(release)
    assert texts(head, "Sender/SenderIdentifier/*") == ["06", "5030670000012"]
    assert texts(head, "Sender/EmailAddress") == ["metadata@lanternandquill.example"]
    assert texts(head, "Addressee/AddresseeIdentifier/*") == ["07", "0123455"]
    assert texts(head, "MessageNumber") == ["7"]
    assert texts(head, "SentDateTime") == ["20261121T063015+0000"]


def test_header_of_21() -> None:
    assert texts(_head("2.1"), "*") == [
        "5030670000012", "Lantern & Quill", "Metadata desk", "metadata@lanternandquill.example",
        "0123455", "Receiver Ltd", "7", "202611210630",
    ]  # fmt: skip


def test_time_sent_is_given_in_utc_wherever_the_clock_stands() -> None:
    to = partner()
    out = io.BytesIO()
    sent = datetime(2026, 11, 21, 1, 15, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    with renderer_for(to, house()).message(out, Header(1, sent)) as writer:
        writer.no_product()
    assert b"20261120T193000+0000" in out.getvalue()


@pytest.mark.parametrize(("release", "tags"), FLAVOURS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_reads_back_the_same(release: str, tags: str, encoding: str) -> None:
    plain, encoded = partner(release, tags), partner(release, tags, encoding=encoding)
    want = assert_valid(message([render(maximal(), plain)], plain), plain)
    got = assert_valid(message([render(maximal(), encoded)], encoded), encoded)
    assert etree.tostring(got) == etree.tostring(want)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_record_stands_in_the_file_where_the_writer_says(encoding: str) -> None:
    to = partner(encoding=encoding)
    records = [render(maximal(id=number), to) for number in (1, 2, 3)]
    out = io.BytesIO()
    with renderer_for(to, house()).message(out, Header(7, SENT)) as writer:
        places = [writer.add(records[0]), writer.add(records[1].body), writer.add(records[2])]
    for (at, length), record in zip(places, records, strict=True):
        assert out.getvalue()[at : at + length] == record.body
    assert out.getvalue().count(b"\xff\xfe") == (1 if encoding == "utf-16" else 0)


def test_records_end_in_a_newline() -> None:
    assert render(minimal(), partner()).body.endswith(b"</Product>\n")
    assert render(minimal(), partner(encoding="utf-16")).body.endswith("</Product>\n".encode("utf-16-le"))


@pytest.mark.parametrize(("release", "tags"), FLAVOURS[:4])
def test_a_message_without_records_says_so(release: str, tags: str) -> None:
    to = partner(release, tags)
    said, unsaid = io.BytesIO(), io.BytesIO()
    with renderer_for(to, house()).message(said, Header(7, SENT)) as writer:
        writer.no_product()
    with renderer_for(to, house()).message(unsaid, Header(7, SENT)):
        pass
    assert said.getvalue() == unsaid.getvalue()
    assert len(assert_valid(said.getvalue(), to)) == 2


def test_21_can_not_say_that_nothing_changed() -> None:
    to = partner("2.1")
    with pytest.raises(ConfigurationError, match="empty"), renderer_for(to, house()).message(io.BytesIO(), Header(7, SENT)) as writer:
        writer.no_product()


def test_an_error_while_writing_leaves_the_message_open() -> None:
    out = io.BytesIO()
    writer = renderer_for(partner(), house()).message(out, Header(7, SENT))
    writer.__enter__().add(b"<Product/>\n")
    writer.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not out.getvalue().endswith(b"</ONIXMessage>\n")


def test_flavour_changes_with_what_shapes_a_record_and_with_nothing_else() -> None:
    plain = renderer_for(partner(), house()).flavour
    assert renderer_for(partner(title_text=True), house()).flavour != plain
    assert renderer_for(partner(changes={"test": True}), house()).flavour != plain
    assert renderer_for(partner(), house(publisher="Another")).flavour != plain
    assert renderer_for(partner(changes={"addressee": {"name": "Somebody else"}}), house()).flavour == plain
    assert renderer_for(partner(), house(strict_schema="/elsewhere.xsd")).flavour == plain
