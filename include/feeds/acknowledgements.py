"""What partners answer: ONIX acknowledgements, error reports as CSV, files that they renamed. All become `Answer`.

An answer is taken whole or not at all: what is broken, hostile, from somebody else or about nothing that we sent is
`RejectedData` with the reason.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from typing import Any

from lxml import etree

from include.errors import RejectedData
from include.ledger.answers import RecordAnswer, Status
from include.partners.model import Acknowledgements, House, Partner
from include.titles.identifiers import isbn13

__all__ = ["Answer", "RecordAnswer", "read", "renamed"]

MOST_BYTES = 256 * 1024 * 1024
_MESSAGE: Mapping[str, Status] = {"00": "received", "01": "rejected", "02": "partly", "03": "processed"}  # List 221
_ROOTS = frozenset({"ONIXMessageAcknowledgement", "ONIXmessageacknowledgement", "ONIXMessageacknowledgement"})
_LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a partner says of one delivery, which is named by its message number or else by the file that we sent.

    `records` holds what it says of single records; those it does not name follow `status`.
    """

    partner: str
    status: Status
    message_number: int | None = None
    file_name: str = ""
    records: tuple[RecordAnswer, ...] = ()
    text: str = ""


def read(name: str, content: bytes, partner: Partner, house: House, known_numbers: Collection[int] | None = None) -> list[Answer]:
    """Reads one file of answers in the partner's way (`onix` or `csv`).

    `known_numbers`: message numbers that were sent to this partner; None: not checked. Raises `RejectedData` for an empty,
    broken or hostile file, for one from or to somebody else, and for message numbers that were never sent.
    """
    where = f"{partner.id}, {name}"
    if not content.strip(b"\x00\t\n\r \xef\xbb\xbf\xff\xfe"):
        raise RejectedData("the file is empty", where=where, todo="Ask the partner to send it again.")
    if len(content) > MOST_BYTES:
        raise RejectedData(f"the file has {len(content)} bytes, {MOST_BYTES} are allowed", where=where)
    kind = partner.acknowledgements.kind
    if kind == "onix":
        answers = [_onix(content, partner, house, where)]
    elif kind == "csv":
        answers = _csv(content, partner, where)
    else:
        raise RejectedData(f"{partner.name} answers by {kind!r}, not by files", where=where, todo="See acknowledgements.kind in its file.")
    for answer in answers:
        if known_numbers is not None and answer.message_number is not None and answer.message_number not in known_numbers:
            raise RejectedData(f"no message {answer.message_number} was sent", where=where, todo="Ask the partner which message is meant.")
    return answers


def renamed(names: Iterable[str], partner: Partner) -> list[Answer]:
    """Reads answers off a folder's listing: files to whose name the partner put its suffix. `file_name` is the name as we sent it."""
    rules = partner.acknowledgements
    suffixes: list[tuple[str, Status]] = [(rules.accepted_suffix, "processed"), (rules.rejected_suffix, "rejected")]
    answers = []
    for name in sorted(names):
        for suffix, status in suffixes:
            if suffix and name.endswith(suffix) and name != suffix:
                answers.append(Answer(partner.id, status, file_name=name.removesuffix(suffix)))
                break
    return answers


# --- ONIX for Books Acknowledgement 3.0, reference names and short tags

_NAMES = {
    "sender": "Sender",
    "addressee": "Addressee",
    "product": "Product",
    "header": "Header",
    "noproduct": "NoProduct",
    "x298": "SenderName",
    "x300": "AddresseeName",
    "x299": "ContactName",
    "m180": "MessageNumber",
    "m489": "MessageStatus",
    "a001": "RecordReference",
    "a498": "RecordStatus",
    "b221": "ProductIDType",
    "b244": "IDValue",
    "m379": "SenderIDType",
    "m380": "AddresseeIDType",
    "productidentifier": "ProductIdentifier",
    "senderidentifier": "SenderIdentifier",
    "addresseeidentifier": "AddresseeIdentifier",
    "recordstatusdetail": "RecordStatusDetail",
    "messagestatusdetail": "MessageStatusDetail",
    "a492": "StatusDetailCodeType",
    "a494": "StatusDetailType",
    "a495": "StatusDetailCode",
}
_DETAIL_CODES = frozenset({"StatusDetailCodeType", "StatusDetailType", "StatusDetailCode"})


@dataclass(slots=True)
class _Party:
    names: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)

    def add(self, composite: etree._Element) -> None:
        for element in composite.iter(etree.Element):
            text = _words(element)
            if _name(element) in {"SenderName", "AddresseeName"}:
                self.names.add(text.casefold())
            elif _name(element) == "IDValue":
                self.numbers.add(text)

    def is_anyone_of(self, names: Iterable[str], numbers: Iterable[str]) -> bool:
        return bool(self.names & {name.casefold() for name in names if name} or self.numbers & {number for number in numbers if number})


def _onix(content: bytes, partner: Partner, house: House, where: str) -> Answer:
    sender, addressee = _Party(), _Party()
    number, status, text = "", "", ""
    records: list[RecordAnswer] = []
    try:
        for element in _top_level(content, where):
            name = _name(element)
            if name == "Header":
                for child in element:
                    match _name(child):
                        case "Sender":
                            sender.add(child)
                        case "Addressee":
                            addressee.add(child)
                        case "MessageNumber":
                            number = _words(child)
                        case "MessageStatus":
                            status = _words(child)
                        case "MessageStatusDetail":
                            text = _joined(text, _detail(child))
            elif name == "Product" and (record := _record(element, where)):
                records.append(record)
    except etree.XMLSyntaxError as bad:
        raise RejectedData(f"it is not well-formed XML: {bad}", where=where, todo="Ask the partner to send it again.") from bad
    _check_parties(sender, addressee, partner, house, where)
    if status not in _MESSAGE:
        raise RejectedData(f"the message status {status!r} is not in List 221", where=where, todo="Ask the partner what it means.")
    if not number.isascii() or not number.isdigit():
        raise RejectedData(f"the message number is {number!r}", where=where, todo="Ask the partner which message is meant.")
    return Answer(partner.id, _MESSAGE[status], int(number[:18]), records=tuple(records), text=text)


def _top_level(content: bytes, where: str) -> Iterator[etree._Element]:
    """Header and products, one after the other; each is let go once it was looked at."""
    events = etree.iterparse(BytesIO(content), events=("start", "end"), resolve_entities=False, load_dtd=False, no_network=True)
    root: etree._Element | None = None
    for event, element in events:
        if root is None:
            root = element
            if etree.QName(root).localname not in _ROOTS:
                raise RejectedData(f"the root is {etree.QName(root).localname!r}, not an ONIX acknowledgement", where=where)
            if _declares_entities(root.getroottree()):
                raise RejectedData("it declares entities, which no acknowledgement needs", where=where, todo="Treat the file as hostile.")
        elif event == "end" and element.getparent() is root:
            yield element
            element.clear(keep_tail=False)
            while element.getprevious() is not None:
                del root[0]


def _declares_entities(tree: etree._ElementTree) -> bool:
    declared: Any = tree.docinfo.internalDTD
    return declared is not None and bool(declared.entities())


def _record(product: etree._Element, where: str) -> RecordAnswer | None:
    reference, isbn, status, text = "", "", "", ""
    for child in product:
        match _name(child):
            case "RecordReference":
                reference = _words(child)
            case "RecordStatus":
                status = _words(child)
            case "ProductIdentifier":
                values = {_name(element): _words(element) for element in child}
                if values.get("ProductIDType") in {"15", "03"}:
                    isbn = isbn13(values.get("IDValue", "")) or isbn
            case "RecordStatusDetail" | "RecordStatusNote":
                text = _joined(text, _detail(child))
    match status:  # List 226
        case "00":
            return RecordAnswer("accepted", reference, isbn, text)
        case "01" | "02":
            return RecordAnswer("accepted with errors", reference, isbn, text)
        case "03":
            return RecordAnswer("rejected", reference, isbn, text)
        case "09":  # reported in an earlier acknowledgement
            return None
    raise RejectedData(f"the status {status!r} of record {reference or isbn!r} is not in List 226", where=where)


def _detail(element: etree._Element) -> str:
    """Severity, code and words of a status detail. Short tags: whatever is neither code nor XPath is words."""
    if not len(element):
        return _words(element)
    values = {_name(child): _words(child) for child in element}
    code = values.get("StatusDetailCode", "")
    words = [text for name, text in values.items() if name not in _DETAIL_CODES and text and not text.startswith("/")]
    return " ".join(filter(None, [values.get("StatusDetailType", ""), code, *words]))


def _check_parties(sender: _Party, addressee: _Party, partner: Partner, house: House, where: str) -> None:
    them = partner.addressee
    if not sender.is_anyone_of((them.name, partner.name), (them.gln, them.san)):
        who = ", ".join(sorted({*sender.names, *sender.numbers})) or "nobody"
        raise RejectedData(f"the sender is {who}, not {partner.name}", where=where, todo="Find out who put it into the folder.")
    us = house.sender
    if (addressee.names or addressee.numbers) and not addressee.is_anyone_of((us.name, house.publisher), (us.gln, us.san)):
        who = ", ".join(sorted({*addressee.names, *addressee.numbers}))
        raise RejectedData(f"it is addressed to {who}, not to us", where=where, todo="Tell the partner: it holds another house's data.")


def _name(element: etree._Element) -> str:
    """The reference name; "" for comments and entity references."""
    if not isinstance(element.tag, str):
        return ""
    local = etree.QName(element).localname
    return _NAMES.get(local, local)


def _words(element: etree._Element) -> str:
    return " ".join((element.text or "").split())[:_LONGEST_TEXT]


def _joined(text: str, more: str) -> str:
    return "; ".join(filter(None, (text, more)))[:_LONGEST_TEXT]


# --- error reports


def _csv(content: bytes, partner: Partner, where: str) -> list[Answer]:
    """One answer for each message number of the report, in order."""
    rules = partner.acknowledgements
    text = _decoded(content, where)
    rows = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        header = [cell.strip() for cell in next(rows, [])]
        places = _places(header, rules.columns, where)
        by_number: dict[int | None, list[RecordAnswer]] = {}
        for line, row in enumerate(rows, start=2):
            if any(cell.strip() for cell in row):
                number, record = _line(row, places, rules, f"{where}, line {line}")
                by_number.setdefault(number, []).append(record)
    except csv.Error as bad:
        raise RejectedData(f"it can't be read as CSV: {bad}", where=where, todo="Ask the partner to send it again.") from bad
    if not by_number:
        raise RejectedData("the report has no lines", where=where, todo="Ask the partner to send it again.")
    return [Answer(partner.id, _summary(records), number, records=tuple(records)) for number, records in by_number.items()]


def _summary(records: Iterable[RecordAnswer]) -> Status:
    """Of the message as a whole. A report of rejected lines alone does not say that the others failed."""
    return "partly" if any(record.status == "rejected" for record in records) else "processed"


def _line(row: list[str], places: Mapping[str, int], rules: Acknowledgements, where: str) -> tuple[int | None, RecordAnswer]:
    values = {field_: row[place].strip() if place < len(row) else "" for field_, place in places.items()}
    raw = values.get("message_number", "")
    number = raw.removesuffix(".0").lstrip("'")
    if raw and not (number.isascii() and number.isdigit()):
        raise RejectedData(f"the message number is {raw!r}", where=where)
    raw_isbn = values.get("isbn", "").lstrip("'").removesuffix(".0")
    reference, isbn = values.get("record_reference", ""), isbn13(raw_isbn) or raw_isbn
    if not reference and not isbn:
        raise RejectedData("the line names no record", where=where)
    status = values.get("status", "").casefold()
    rejected = status in {word.casefold() for word in rules.rejected_statuses} if "status" in places else True
    text = values.get("text", "")[:_LONGEST_TEXT]
    return int(number[:18]) if number else None, RecordAnswer("rejected" if rejected else "accepted", reference, isbn, text)


def _places(header: list[str], columns: Mapping[str, str], where: str) -> dict[str, int]:
    """Our field → number of their column. Without a status column every line is a rejected record."""
    by_name = {name.casefold(): number for number, name in reversed(list(enumerate(header)))}
    places = {field_: by_name[name.strip().casefold()] for field_, name in columns.items() if name.strip().casefold() in by_name}
    if missing := [columns[field_] for field_ in columns if field_ not in places]:
        todo = "Compare acknowledgements.columns in the partner's file with the report."
        raise RejectedData(f"there is no column {', '.join(missing)}; there are {', '.join(header)[:300]}", where=where, todo=todo)
    if "record_reference" not in places and "isbn" not in places:
        raise RejectedData("no column names the record", where=where, todo="Add record_reference or isbn to acknowledgements.columns.")
    return places


def _decoded(content: bytes, where: str) -> str:
    """UTF-16 with its mark, UTF-8 with or without one, else Windows-1252, which is what the rest turns out to be."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    codecs = ("utf-16",) if marked else ("utf-8-sig", "windows-1252", "iso-8859-1")
    for codec in codecs:
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise RejectedData("it is not text in an encoding that we know", where=where, todo="Ask the partner for UTF-8.")


def _delimiter(text: str) -> str:
    """What splits the header row best: comma, semicolon, tab or bar."""
    first = text.lstrip().partition("\n")[0]
    return max(",;\t|", key=first.count)
