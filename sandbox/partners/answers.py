"""What partners say about a file they received: an ONIX acknowledgement, a CSV error report, or another name for the file.

Each function acts as the partner would: it reads the message in the partner's folder and writes the answer there, whole at once.
Acknowledgement format: EDItEUR, ONIX for Books Acknowledgement 3.0 (Lists 221, 224 and 226).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree

from sandbox.partners.roster import Profile, home_of, is_travelling

NAMESPACE = "http://ns.editeur.org/onix/acknowledgement/3.0/reference"
COLUMNS = ("MessageNumber", "RecordReference", "ISBN13", "Status", "Message")
_SHORT = {
    "m180": "MessageNumber",
    "a001": "RecordReference",
    "x298": "SenderName",
    "x299": "AddresseeName",
    "b221": "ProductIDType",
    "b244": "IDValue",
}
_OLD = {"m174": "SenderName", "FromCompany": "SenderName", "m178": "AddresseeName", "ToCompany": "AddresseeName"}


@dataclass
class Received:
    """What an ONIX message of any release and tag style says of itself."""

    message_number: str = ""
    sender: str = ""
    addressee: str = ""
    records: list[tuple[str, str]] = field(default_factory=list)  # RecordReference, ISBN-13


def answer(root: Path, profile: Profile, rejected: Mapping[str, str] | None = None, *, name: str = "", now: datetime | None = None) -> Path:
    """The partner answers the file `name` of its inbox (the newest one if not given) in its own way.

    `rejected`: RecordReference → the partner's words. Returns the file that now holds the answer. LookupError if there is
    nothing to answer, ValueError if the partner never answers.
    """
    home = home_of(root, profile.id)
    message = home / "inbox" / name if name else newest(home)
    if not message.is_file():
        raise LookupError(f"no file {name} in the inbox of {profile.id}")
    if profile.answers == "onix":
        return acknowledge(message, home / "acks", rejected or {}, now=now)
    if profile.answers == "csv":
        return report(message, home / "reports", rejected or {}, now=now)
    if profile.answers == "rename":
        return rename(message, accepted=not rejected)
    raise ValueError(f"{profile.id} never answers")


def newest(home: Path) -> Path:
    """The message that came last: covers, manifests, done-files and files in transit do not count."""
    found = [path for path in (home / "inbox").iterdir() if path.suffix.lower() in {".xml", ".cot"} and not is_travelling(path.name)]
    if not found:
        raise LookupError(f"no message in {home.name}'s inbox")
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def read(message: Path) -> Received:
    """Header and records of an ONIX 2.1 or 3.x file, reference or short tags; flat in memory."""
    received = Received()
    reference = isbn = kind = ""
    for _, node in etree.iterparse(message, events=("end",), resolve_entities=False, no_network=True):
        local = etree.QName(node).localname if isinstance(node.tag, str) else ""
        name = _SHORT.get(local) or _OLD.get(local) or local
        text = (node.text or "").strip()
        if name == "MessageNumber":
            received.message_number = text
        elif name == "SenderName":
            received.sender = text
        elif name == "AddresseeName":
            received.addressee = text
        elif name == "RecordReference":
            reference, isbn = text, ""
        elif name == "ProductIDType":
            kind = text
        elif name == "IDValue" and kind == "15" and not isbn and _of_product(node):
            isbn = text
        elif name.lower() == "product":
            received.records.append((reference, isbn))
            node.clear()
            while node.getprevious() is not None:
                del node.getparent()[0]
    return received


def _of_product(node: etree._Element) -> bool:
    """Whether an identifier is the product's own: related products have some too."""
    identifier = node.getparent()
    owner = identifier.getparent() if identifier is not None else None
    return owner is not None and etree.QName(owner).localname.lower() == "product"


def acknowledge(
    message: Path, folder: Path, rejected: Mapping[str, str] | None = None, *, unparsed: bool = False, now: datetime | None = None
) -> Path:
    """Write an ONIX acknowledgement: all accepted but `rejected`; `unparsed`: only the receipt, with no records (List 221 code 00)."""
    at, rejected = now or datetime.now(UTC), rejected or {}
    received = read(message)
    root = etree.Element(f"{{{NAMESPACE}}}ONIXMessageAcknowledgement", {"release": "3.0"}, nsmap={None: NAMESPACE})

    def put(parent: etree._Element, name: str, text: str = "") -> etree._Element:
        node = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        node.text = text or None
        return node

    header = put(root, "Header")
    put(put(header, "Sender"), "SenderName", received.addressee)
    put(put(header, "Addressee"), "AddresseeName", received.sender)
    put(header, "MessageNumber", received.message_number)
    put(header, "SentDateTime", at.strftime("%Y%m%dT%H%M%SZ"))
    refused = [reference for reference, _ in received.records if reference in rejected]
    status = "00" if unparsed else "03" if not refused else "01" if len(refused) == len(received.records) else "02"
    put(header, "MessageStatus", status)
    if unparsed:
        put(root, "NoProduct")
    else:
        for reference, isbn in received.records:
            product = put(root, "Product")
            put(product, "RecordReference", reference)
            put(product, "RecordStatus", "03" if reference in rejected else "00")
            if isbn:
                identifier = put(product, "ProductIdentifier")
                put(identifier, "ProductIDType", "15")
                put(identifier, "IDValue", isbn)
            if reference in rejected:
                detail = put(product, "RecordStatusDetail")
                put(detail, "StatusDetailType", "E")
                put(detail, "StatusDetailCodeType", "01")
                put(detail, "StatusDetailCode", "NG-REJECTED")
                put(detail, "StatusDetailText", rejected[reference])
    content = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return _place(folder / f"ACK_{message.stem}_{at:%Y%m%dT%H%M%S%f}.xml", content)


def report(message: Path, folder: Path, rejected: Mapping[str, str], *, now: datetime | None = None) -> Path:
    """Write a CSV report with a line for every record, status ACCEPTED or REJECTED."""
    at = now or datetime.now(UTC)
    received = read(message)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for reference, isbn in received.records:
        status = "REJECTED" if reference in rejected else "ACCEPTED"
        table.writerow([received.message_number, reference, isbn, status, rejected.get(reference, "")])
    return _place(folder / f"report_{message.stem}_{at:%Y%m%dT%H%M%S%f}.csv", text.getvalue().encode())


def rename(message: Path, *, accepted: bool, accepted_suffix: str = ".read", rejected_suffix: str = ".rejected") -> Path:
    """The partner marks the file by its name and takes away the done-file, if there was one."""
    target = message.with_name(message.name + (accepted_suffix if accepted else rejected_suffix))
    message.with_name(message.name + ".done").unlink(missing_ok=True)
    return message.replace(target)


def _place(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(content)
    return draft.replace(path)
