"""A whole message on disk, checked in a stream, as tidy or as wild as files are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from include.feeds import message_check, renderer_for
from include.feeds.record import Header
from include.feeds.schema import validate_file
from tests.feeds.titles import HOUSE, PRINT, TODAY, codes, partner

FLAVOURS = [("3.0", "reference"), ("3.0", "short"), ("3.1", "reference"), ("3.1", "short"), ("2.1", "reference")]
SENT = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
NAMESPACE = b' xmlns="http://ns.editeur.org/onix/3.0/reference"'
Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_disk(content: bytes) -> Path:
        path = tmp_path / "message.xml"
        path.write_bytes(content)
        return path

    return to_disk


def message(count: int = 3, **feed: str) -> bytes:
    renderer, out = renderer_for(partner(**feed), HOUSE), BytesIO()
    with renderer.message(out, Header(7, SENT)) as writer:
        for number in range(1, count + 1):
            writer.add(renderer.render(replace(PRINT, id=number), TODAY))
    return out.getvalue()


@pytest.mark.parametrize(("release", "tags"), FLAVOURS)
def test_our_own_messages_are_valid(release: str, tags: str, write: Write) -> None:
    assert validate_file(write(message(release=release, tags=tags))) == []


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "us-ascii"])
def test_messages_are_read_in_their_own_encoding(encoding: str, write: Write) -> None:
    assert validate_file(write(message(encoding=encoding))) == []


def test_a_message_that_says_nothing_changed_is_valid(write: Write) -> None:
    renderer, out = renderer_for(partner(), HOUSE), BytesIO()
    with renderer.message(out, Header(7, SENT)) as writer:
        writer.no_product()
    assert validate_file(write(out.getvalue())) == []


WILD: dict[str, Callable[[bytes], bytes]] = {
    "no namespace": lambda xml: xml.replace(NAMESPACE, b""),
    "EDItEUR's old namespace": lambda xml: xml.replace(b"ns.editeur.org/onix", b"www.editeur.org/onix"),
    "xmlns on every record": lambda xml: xml.replace(b"<Product>", b"<Product" + NAMESPACE + b">"),
    "other namespaces declared": lambda xml: xml.replace(b"release=", b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" release='),
    "prefixes": lambda xml: re.sub(rb"<(/?)(?=[A-Za-z])", rb"<\1o:", xml).replace(b"xmlns=", b"xmlns:o="),
    "an external DOCTYPE": lambda xml: xml.replace(
        b"\n<ONIXMessage", b'\n<!DOCTYPE ONIXMessage SYSTEM "http://example.invalid/onix.dtd">\n<ONIXMessage', 1
    ),
    "comments and instructions between records": lambda xml: xml.replace(b"<Product>", b"<!-- next --><?page break?><Product>"),
    "UTF-16 with its mark": lambda xml: xml.replace(b"UTF-8", b"UTF-16").decode().encode("utf-16"),
    "a mark before UTF-8": lambda xml: b"\xef\xbb\xbf" + xml,
}


@pytest.mark.parametrize("how", WILD)
def test_what_files_in_the_wild_do_is_tolerated(how: str, write: Write) -> None:
    assert validate_file(write(WILD[how](message()))) == []


def test_a_21_file_without_release_or_namespace_is_read_as_21(write: Write) -> None:
    old = message(release="2.1").replace(b' xmlns="http://www.editeur.org/onix/2.1/reference"', b"").replace(b' release="2.1"', b"")
    assert b"<ONIXMessage>" in old
    assert validate_file(write(old)) == []
    doctype = b'<!DOCTYPE ONIXMessage SYSTEM "http://www.editeur.org/onix/2.1/reference/onix-international.dtd">'
    named = old.replace(b"<ONIXMessage>", doctype + b"<ONIXMessage>", 1).replace(b"The Tide Clock", b"The Tide&nbsp;&mdash;&eacute;Clock")
    assert validate_file(write(named)) == []


def test_entities_are_never_expanded_and_never_valid(write: Write) -> None:
    laughs = b"<!DOCTYPE ONIXMessage [<!ENTITY a 'ha'>" + b"".join(
        b"<!ENTITY %c '%s'>" % (letter, b"&%c;" % (letter - 1) * 10) for letter in b"bcdefghij"
    )
    bomb = message().replace(b"\n<ONIXMessage", b"\n" + laughs + b"]>\n<ONIXMessage", 1).replace(b"A Novel", b"&j;")
    assert "schema-invalid" in codes(validate_file(write(bomb)))
    file = message().replace(b"\n<ONIXMessage", b'\n<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>\n<ONIXMessage', 1)
    assert "root:" not in str(validate_file(write(file.replace(b"A Novel", b"&f;"))))


def test_each_finding_says_which_record_and_where(write: Write) -> None:
    bad = message(5).replace(b"<ProductForm>BC", b"<ProductForm>QQ", 2).replace(b"<ProductForm>QQ", b"<ProductForm>BC", 1)
    [reason] = validate_file(write(bad))
    assert reason.code == "schema-invalid"
    assert reason.path == "Product[2] com.lanternandquill.books.2: DescriptiveDetail/ProductForm"


def test_a_record_reference_is_unique_in_the_whole_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_check, "AT_ONCE", 2)
    twice = message(9).replace(b"books.9<", b"books.1<").replace(b"books.2<", b"books.1<")
    found = validate_file(write(twice))
    assert codes(found) == ["record-reference-duplicate"] * 2
    assert [reason.path.split()[0] for reason in found] == ["Product[2]", "Product[9]"]


def test_a_header_is_checked_and_asked_for(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_check, "AT_ONCE", 2)
    good = message(7)
    headless = good[: good.index(b"<Header>")] + good[good.index(b"<Product>") :]
    assert codes(validate_file(write(headless))) == ["header-missing"]
    [reason] = validate_file(write(good.replace(b"<SentDateTime>", b"<SentDateTime>yesterday")))
    assert reason.path == "Header: SentDateTime"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-well-formed"),
        (b"   ", "not-well-formed"),
        (b"no XML", "not-well-formed"),
        (b"PK\x03\x04" + b"\x00" * 100, "not-well-formed"),
        (b"<Product/>", "root-unknown"),
        (b"<html><ONIXMessage/></html>", "root-unknown"),
        (b'<ONIXMessage release="4.0"/>', "root-unknown"),
        (b"<ONIXMessage>" * 300, "not-well-formed"),
    ],
)
def test_what_is_no_onix_message_is_named(content: bytes, code: str, write: Write) -> None:
    assert code in codes(validate_file(write(content)))


def test_a_message_of_nothing_is_not_valid(write: Write) -> None:
    found = codes(validate_file(write(b'<ONIXMessage release="3.0"/>')))
    assert "header-missing" in found
    only_header = message(1)
    only_header = only_header[: only_header.index(b"<Product>")] + b"</ONIXMessage>"
    assert codes(validate_file(write(only_header))) == ["schema-invalid"]


def test_a_file_that_breaks_off_is_reported_with_what_was_found_until_then(write: Write) -> None:
    bad = message(5).replace(b"<ProductForm>BC", b"<ProductForm>QQ", 1)
    found = validate_file(write(bad[: -len(bad) // 10]))
    assert codes(found) == ["schema-invalid", "not-well-formed"]
    assert found[1].path.startswith("line ")


def test_findings_are_counted_up_to_a_limit(write: Write) -> None:
    bad = message(30).replace(b"<ProductForm>BC", b"<ProductForm>QQ")
    assert len(validate_file(write(bad))) == 30
    some = validate_file(write(bad), most=10)
    assert len(some) == 11
    assert "more than 10" in some[-1].message


@pytest.mark.long
def test_ten_thousand_products_are_checked_within_300_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "big.xml"
    renderer = renderer_for(partner(), HOUSE)
    long = replace(PRINT, work=replace(PRINT.work, texts=tuple(replace(text, body=text.body * 400) for text in PRINT.work.texts)))
    with path.open("wb") as out, renderer.message(out, Header(7, SENT)) as writer:
        for number in range(1, 10_001):
            writer.add(renderer.render(replace(long, id=number), TODAY))
    assert path.stat().st_size > 100e6
    code = (
        "import resource, sys; from include.feeds.schema import validate_file; found = validate_file(sys.argv[1]);"
        "print(len(found), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": "."}
    )
    findings, megabytes = map(int, done.stdout.split())
    assert findings == 0
    assert megabytes < 300
