"""Checks a whole ONIX message on disk, in a stream: flat in memory however long it is.

Tolerates what files in the wild do: no namespace, EDItEUR's old one, UTF-16, an external DOCTYPE that is not there to be
read, xmlns repeated on children. onixcheck reads the whole file into memory instead, and adds a namespace only where the
root has none at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.entities import name2codepoint
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from include.errors import RejectedData
from include.feeds.record import Reason
from include.feeds.xsd import PRODUCT, RELEASES, ROOT, errors_by_child, namespace, parser, schema_for, start_of_message

AT_ONCE = 200
_HARDENED: dict[str, Any] = {"resolve_entities": False, "load_dtd": False, "no_network": True}
_UNIQUE = "RecordReference_must_be_unique"
_HEADER = {"reference": "Header", "short": "header"}
_REFERENCE = {"reference": "RecordReference", "short": "a001"}


def validate_file(path: str | Path, *, most: int = 1000) -> list[Reason]:
    """Everything that is wrong with a message, `most` findings at most; empty: it is valid.

    Codes: `not-well-formed` (the rest of the file could not be read), `root-unknown` (no ONIX, or of no known release),
    `header-missing`, `record-reference-duplicate`, `schema-invalid`. `path` says which record (counted from 1, with its
    reference) and where in it. Raises `OSError` if the file can't be read.
    """
    found: list[Reason] = []
    for reason in _findings(Path(path)):
        found.append(reason)
        if len(found) >= most:
            found.append(Reason("schema-invalid", f"more than {most} findings: the rest of the file was not looked at"))
            break
    return found


def _findings(path: Path) -> Iterator[Reason]:
    with path.open("rb") as file:
        if not file.read(1):
            yield Reason("not-well-formed", "the file is empty")
            return
        file.seek(0)
        reader: _Reader | None = None
        try:
            tags, release = _kind(file)
            file.seek(0)
            watched = [f"{{*}}{name}" for name in (ROOT[tags], PRODUCT[tags], _HEADER[tags])]
            for event, element in etree.iterparse(file, events=("start", "end"), tag=watched, **_HARDENED):
                if reader is None:
                    reader = _Reader(element, release, tags)
                elif event == "end" and element.getparent() is reader.root:
                    yield from reader.reached(element)
        except RejectedData as unknown:
            yield Reason("root-unknown", unknown.what, unknown.todo)
            return
        except etree.XMLSyntaxError as bad:
            if reader is not None:
                yield from reader.rest(whole=False)
            yield Reason("not-well-formed", str(bad), "The rest of the file could not be read.", f"line {bad.lineno}")
            return
        if reader is not None:
            yield from reader.rest()


def _kind(file: BinaryIO) -> tuple[str, str]:
    """Tag style and release, read off the root's start tag. Raises `RejectedData` if it is no ONIX message, or of no known release."""
    root = next(element for _, element in etree.iterparse(file, events=("start",), **_HARDENED))
    name = etree.QName(root)
    tags = next((tags for tags, root_name in ROOT.items() if root_name == name.localname), "")
    if not tags:
        todo = "It must be ONIXMessage (reference tags) or ONIXmessage (short tags)."
        raise RejectedData(f"the root element is {name.localname!r}", todo=todo)
    doctype: str = root.getroottree().docinfo.doctype
    release = root.get("release") or _release_in(name.namespace or "") or _release_in(doctype) or "2.1"
    if release not in RELEASES:
        raise RejectedData(f"the release is {release!r}", todo=f"Known ones are {', '.join(RELEASES)}.")
    return tags, release


def _release_in(address: str) -> str:
    return next((release for release in RELEASES if f"/{release}/" in address), "")


@dataclass(slots=True)
class _Reader:
    """Moves finished children of the root into small messages of their own and validates those."""

    root: etree._Element
    release: str
    tags: str
    done: int = 0
    header: bool = False
    references: set[str] = field(default_factory=set)
    waiting: int = 0

    def reached(self, element: etree._Element) -> Iterator[Reason]:
        """A child of the root is complete. It stays where it is until the next one is: the parser still holds on to it."""
        self.waiting += 1
        if self.waiting > AT_ONCE:
            yield from self._check(self.root.index(element))

    def rest(self, *, whole: bool = True) -> Iterator[Reason]:
        """The end. `whole` is False where the file broke off: its last child may be half of one."""
        yield from self._check(len(self.root) if whole else max(0, len(self.root) - 1))
        if not self.header and (whole or self.done):
            yield Reason("header-missing", "the message has no header", "", ROOT[self.tags])
        if whole and not self.done and not self.header:
            yield Reason("schema-invalid", "the message holds no records", "", ROOT[self.tags])

    def _check(self, count: int) -> Iterator[Reason]:
        """Validates the first `count` children of the root and lets them go."""
        self.waiting = 0
        children = list(self.root)[:count]
        if not children:
            return
        space = namespace(self.release, self.tags)
        message = etree.fromstring(start_of_message(self.release, self.tags, header=False) + f"</{ROOT[self.tags]}>", parser())
        has_header = etree.QName(children[0]).localname == _HEADER[self.tags] if isinstance(children[0].tag, str) else False
        if not has_header:
            message.append(_smallest_header(self.release, self.tags))
        plain = self.root.getroottree().docinfo.internalDTD is None
        undeclared: list[str] = []
        for child in children:
            message.append(child)
            if not isinstance(child.tag, str):  # a comment or a processing instruction between records
                message.remove(child)
                continue
            if etree.QName(child).namespace != space:
                _into(child, space)
            if not plain:
                undeclared.extend(_expand(child))
        self.header = self.header or has_header
        for name in dict.fromkeys(undeclared):
            yield Reason("schema-invalid", f"the entity &{name}; is not followed", "Write the character itself.")
        yield from self._of(message, first=0 if has_header else 1)

    def _of(self, message: etree._Element, first: int) -> Iterator[Reason]:
        errors = errors_by_child(message, schema_for(self.release, self.tags))
        records = 0
        for index, child in enumerate(message):
            name = etree.QName(child).localname
            where = name
            if name == PRODUCT[self.tags]:
                records += 1
                reference = (child.findtext(f"{{*}}{_REFERENCE[self.tags]}") or "").strip()
                where = f"{name}[{self.done + records}] {reference}".strip()
                if reference in self.references:
                    yield Reason(
                        "record-reference-duplicate", f"the record reference {reference!r} is there twice", "Send each record once.", where
                    )
                elif reference:
                    self.references.add(reference)
            for reason in errors.get(index, ()) if index >= first else ():
                if _UNIQUE in reason.message:  # looked at above, over all of the file
                    continue
                yield Reason(reason.code, reason.message, "", f"{where}: {reason.path}" if reason.path else where)
        for reason in errors.get(-1, ()):
            yield reason
        self.done += records


def _smallest_header(release: str, tags: str) -> etree._Element:
    return etree.fromstring(start_of_message(release, tags) + f"</{ROOT[tags]}>", parser())[0]


def _into(element: etree._Element, space: str) -> None:
    """Puts a record without namespace, or with an old one, into the schema's."""
    for node in element.iter(etree.Element):
        node.tag = f"{{{space}}}{etree.QName(node).localname}"


def _expand(element: etree._Element) -> list[str]:
    """Puts the characters for HTML's named entities, which ONIX 2.1's DTD declares. Any other is taken out, and its name given back."""
    others = []
    found: list[Any] = list(element.iter(etree.Entity))
    for entity in found:
        parent, name = entity.getparent(), str(entity.name)
        if parent is None:
            continue
        if name not in name2codepoint:
            others.append(name)
        text = chr(name2codepoint.get(name, 0x20)) + (entity.tail or "")
        before = entity.getprevious()
        if before is None:
            parent.text = (parent.text or "") + text
        else:
            before.tail = (before.tail or "") + text
        entity.tail = None
        parent.remove(entity)
    return others
