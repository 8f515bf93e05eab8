"""What is said of a file beside its name: by itself (EPUB, PDF, Office documents) and by a sidecar that came with it.

Reads only files that the safety checks let through, and still trusts nothing in them: XML without entities and DTDs, members and fields
up to a few megabytes, whatever can't be read says nothing. Of a PDF and a document only fields that are for identifiers are taken for
such: a title field is often the last book's.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path, PurePosixPath
from typing import Any, Final

from lxml import etree

from include.files import isbns, names
from include.files.model import Clues, Kind, Sniffed
from include.titles.identifiers import isbn13

MOST = 4_000_000  # bytes of one sidecar or one member that are read
MOST_ROWS = 20_000  # files that one sidecar may speak of

_DC = "{http://purl.org/dc/elements/1.1/}"
_XMP_ISBN = re.compile(r"(?i)\}(?:isbn|eisbn|isbn13)$")
_XMP_IDENTIFIER = f"{_DC}identifier"
_DROSS = re.compile(r"(?i)^(?:untitled|microsoft word|document\d*|.*\.(?:docx?|indd|qxp|pdf)$|.{0,2}$)")
# What zipfile, lxml and pikepdf raise for damaged files.
_UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, EOFError, NotImplementedError, RuntimeError,
    zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError,
)  # fmt: skip
_ALL = ""  # key of what a sidecar says of everything beside it

_FIELDS: Final = {  # a sidecar's own words for a field → ours
    "file": "file", "filename": "file", "name": "file", "path": "file", "href": "file", "asset": "file",
    "isbn": "isbn", "isbn13": "isbn", "isbn10": "isbn", "ean": "isbn", "eisbn": "isbn", "productisbn": "isbn",
    "reference": "reference", "workreference": "reference", "inhouseworkreference": "reference", "workref": "reference", "ref": "reference",
    "contract": "contract", "contractid": "contract", "contractnumber": "contract",
    "kind": "kind", "type": "kind", "filetype": "kind", "role": "kind", "assettype": "kind", "category": "kind", "part": "part",
    "title": "title", "worktitle": "title", "book": "title", "booktitle": "title",
    "author": "contributor", "contributor": "contributor", "creator": "contributor", "authors": "contributor",
    "revision": "revision", "version": "revision", "rev": "revision", "date": "date", "dated": "date",
}  # fmt: skip
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LISTS: Final = ("files", "assets", "items", "file", "contents")


def merge(*found: Clues) -> Clues:
    """All that several sources say, most trusted first: identifiers of all of them, of everything else the first that has it."""
    kind, part = next(((one.kind, one.part) for one in found if one.kind is not Kind.UNKNOWN), (Kind.UNKNOWN, ""))
    revision, rank = next(((one.revision, one.rank) for one in found if one.revision), ("", 0))

    def all_of(name: str) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(value for one in found for value in getattr(one, name)))

    return Clues(
        isbns=all_of("isbns"),
        wrong_isbns=all_of("wrong_isbns"),
        work_references=all_of("work_references"),
        contract_ids=all_of("contract_ids"),
        kind=kind,
        part=part or next((one.part for one in found if one.kind is kind and one.part), ""),
        revision=revision,
        rank=rank,
        dated=next((one.dated for one in found if one.dated), None),
        title=" / ".join(dict.fromkeys(one.title for one in found if one.title)),
        contributor=next((one.contributor for one in found if one.contributor), ""),
        found_in=all_of("found_in"),
    )


def inside(local: Path, sniffed: Sniffed, name: str) -> Clues:
    """What the file's own metadata say. Empty for what has none or can't be read; never raises for what is in the file."""
    try:
        if sniffed.family == "epub":
            return _epub(local)
        if sniffed.family == "pdf":
            return _pdf(local)
        if sniffed.family in {"document", "spreadsheet"} and zipfile.is_zipfile(local):
            return _office(local)
    except _UNREADABLE:
        return Clues()
    return Clues()


def is_sidecar(name: str) -> bool:
    """Whether a file of this name may say what others are: `metadata.json`, `delivery.xml`, `contents.csv`, `<file>.json`."""
    return PurePosixPath(name.lower()).suffix in {".json", ".xml", ".csv"}


def sidecar(local: Path, name: str) -> dict[str, Clues]:
    """What a sidecar says, by the name of the file it speaks of as written there; under "" what it says of all beside it.

    JSON: one object, a list of them, or an object with a list `files`, `assets` or `items`. XML: elements with those fields as attributes
    or children. CSV: one row per file, the first names the columns. Fields are known by many names (`isbn`, `ean`, `filename`, `type`, …).
    {} for a file that is no such thing.
    """
    try:
        if local.stat().st_size > MOST:
            return {}
        data = local.read_bytes()
        match PurePosixPath(name.lower()).suffix:
            case ".json":
                rows = list(_of_json(json.loads(data)))
            case ".xml":
                rows = list(_of_xml(_tree(data)))
            case ".csv":
                rows = list(_of_csv(data))
            case _:
                return {}
    except (OSError, ValueError, RecursionError, csv.Error, etree.XMLSyntaxError):
        return {}
    found: dict[str, Clues] = {}
    for row in rows[:MOST_ROWS]:
        clues = _of_row(row)
        if clues != Clues():
            file = row.get("file", _ALL).strip().replace("\\", "/").removeprefix("./")
            found[file] = merge(found[file], clues) if file in found else clues
    return found


def said_of(found: Mapping[str, Clues], path: str, named: Mapping[str, Clues] | None = None) -> Clues:
    """What a sidecar says of the file at `path` (beside it, or under its folder): by path, by name, else what it says of all.

    `named`: `by_name` of the same, where many files are asked for.
    """
    own = found.get(path) or (by_name(found) if named is None else named).get(name_key(path))
    every = found.get(_ALL)
    return merge(*(clues for clues in (own, every) if clues is not None))


def by_name(found: Mapping[str, Clues]) -> dict[str, Clues]:
    """What a sidecar says, by `name_key`; of two files of one name the first."""
    return {name_key(file): clues for file, clues in reversed(list(found.items())) if file}


def name_key(path: str) -> str:
    """A file's name, the same for every way to write it: a Mac writes `é` as two characters."""
    return unicodedata.normalize("NFC", path.rpartition("/")[2].lower())


# --- sidecars


def _of_json(value: Any) -> Iterator[dict[str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from _of_json(one)
    elif isinstance(value, dict):
        own = _fields((key, item) for key, item in value.items() if isinstance(item, str | int) and not isinstance(item, bool))
        isbn_list = next((item for key, item in value.items() if key.lower() in {"isbns", "isbn"} and isinstance(item, list)), [])
        if isbn_list:
            own["isbn"] = " ; ".join(str(one) for one in isbn_list[:10])
        if own:
            yield own
        for key, item in value.items():
            if isinstance(item, dict) and key.lower() in _LISTS:
                for file, said in item.items():  # {"files": {"name.pdf": {…}}}
                    if isinstance(said, dict):
                        yield from _of_json({"file": file} | said)
            elif isinstance(item, list) and key.lower() in _LISTS:
                yield from _of_json(item)


def _of_xml(root: etree._Element) -> Iterator[dict[str, str]]:
    """Each element with a field of ours among its attributes and plain children is one row."""
    for element in root.iter(etree.Element):
        pairs = [(_local(name), value) for name, value in element.attrib.items()]
        pairs += [(_local(child.tag), child.text or "") for child in element if isinstance(child.tag, str) and not len(child)]
        if row := _fields(pairs):
            if not len(element) and not row.keys() & {"file", "isbn"}:
                continue
            yield row


def _of_csv(data: bytes) -> Iterator[dict[str, str]]:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        return
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    for row in csv.DictReader(StringIO(text), delimiter=delimiter):
        found = _fields((key or "", value) for key, value in row.items() if isinstance(value, str))
        if "file" in found:  # a table of titles is no sidecar
            yield found


def _fields(pairs: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in pairs:
        field = _FIELDS.get(re.sub(r"[\W_]", "", str(key)).lower())
        text = _plain(str(value)).strip()[:500]
        if field and text and field not in found:
            found[field] = text
    return found


def _of_row(row: Mapping[str, str]) -> Clues:
    numbers = isbns.find(" ; ".join(f"ISBN {one.strip()}" for one in row.get("isbn", "").split(";") if one.strip()))
    spoken = names.read(f"{row.get('kind', '')} {row.get('part', '')}.zip".strip()) if "kind" in row else Clues()
    kind = next((one for one in Kind if one == row.get("kind", "").lower()), spoken.kind)
    revision = (
        names.read(f"v{row['revision']}.zip" if row.get("revision", "")[:1].isdigit() else f"{row['revision']}.zip")
        if "revision" in row
        else Clues()
    )
    day = names.read(f"{row['date']}.zip").dated if "date" in row else None
    contract = row.get("contract", "")
    reference = re.sub(r"[\W_]", "", row.get("reference", "")).upper()
    told = Clues(
        isbns=numbers.isbns,
        wrong_isbns=numbers.wrong,
        work_references=(reference,) if reference else (),
        contract_ids=(int(contract),) if contract.isdecimal() and len(contract) < 16 else (),
        kind=kind,
        part=row.get("part", "").lower()[:60] or (spoken.part if kind is spoken.kind else ""),
        revision=revision.revision,
        rank=revision.rank,
        dated=day,
        title=row.get("title", ""),
        contributor=row.get("contributor", ""),
    )
    return replace(told, found_in=("sidecar",)) if told != Clues() else told


# --- a file's own metadata


def _tree(data: bytes) -> etree._Element:
    """XML without entities, DTD and network. Raises `XMLSyntaxError`, and `ValueError` where entities are declared."""
    if b"<!ENTITY" in data:
        raise ValueError("entities are not read")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    return etree.parse(BytesIO(data), parser).getroot()


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as stream:
        data = stream.read(MOST + 1)
    if len(data) > MOST:
        raise ValueError(f"{name} is too large")
    return data


def _epub(local: Path) -> Clues:
    """`dc:identifier` of the package document (not `dc:source`, which is the printed book's), title and first creator."""
    with zipfile.ZipFile(local) as archive:
        container = _tree(_member(archive, "META-INF/container.xml"))
        opf = next((element.get("full-path", "") for element in container.iter("{*}rootfile")), "")
        package = _tree(_member(archive, opf))
    written = [(element.text or "").strip() for element in package.iter(f"{_DC}identifier")]
    unique = package.get("unique-identifier", "")
    main = [element.text or "" for element in package.iter(f"{_DC}identifier") if element.get("id") == unique]
    found = tuple(dict.fromkeys(isbn for text in [*main, *written] if (isbn := isbn13(text.strip()))))
    wrong = tuple(
        digits for text in written if re.match(r"(?i)(?:urn:)?isbn|97[89]", text) and not isbn13(text)
        and len(digits := re.sub(r"[^\dXx]", "", text)) in {10, 13}
    )  # fmt: skip
    return _told(found, wrong, Kind.EBOOK, _first(package, f"{_DC}title"), _first(package, f"{_DC}creator"))


def _pdf(local: Path) -> Clues:
    import pikepdf

    try:
        with pikepdf.open(local) as pdf:
            info = {str(key).lstrip("/").lower(): str(value) for key, value in pdf.docinfo.items() if isinstance(value, pikepdf.String)}
            stream = pdf.Root.get("/Metadata")
            xmp = bytes(stream.read_bytes()) if isinstance(stream, pikepdf.Stream) else b""
    except pikepdf.PdfError:
        return Clues()
    written = [value for key, value in info.items() if key in {"isbn", "eisbn", "isbn13", "isbn-13", "prism:isbn"}]
    title, author = info.get("title", ""), info.get("author", "")
    if xmp and len(xmp) <= MOST:
        try:
            root = _tree(xmp.strip(b"\x00 \r\n\t"))
        except (etree.XMLSyntaxError, ValueError):
            root = None
        if root is not None:
            for element in root.iter(etree.Element):
                written += [str(value) for key, value in element.attrib.items() if _XMP_ISBN.search(str(key))]
                if _XMP_ISBN.search(str(element.tag)) or element.tag == _XMP_IDENTIFIER:
                    written.append("".join(str(text) for text in element.itertext()))
            title = title or _first(root, f"{_DC}title")
    numbers = isbns.find(" ; ".join(f"ISBN {value[:60]}" if re.match(r"\s*[\dXx]", value) else value[:60] for value in written[:20]))
    return _told(numbers.isbns, numbers.wrong, Kind.UNKNOWN, title, author)


def _office(local: Path) -> Clues:
    """`docProps/core.xml` of Word and Excel, `meta.xml` of OpenDocument."""
    with zipfile.ZipFile(local) as archive:
        inner = next((name for name in ("docProps/core.xml", "meta.xml") if name in archive.namelist()), None)
        if inner is None:
            return Clues()
        root = _tree(_member(archive, inner))
    written = [element.text or "" for element in root.iter(f"{_DC}identifier")]
    numbers = isbns.find(" ; ".join(value[:60] for value in written[:20]))
    return _told(numbers.isbns, numbers.wrong, Kind.UNKNOWN, _first(root, f"{_DC}title"), _first(root, f"{_DC}creator"))


def _told(found: tuple[str, ...], wrong: tuple[str, ...], kind: Kind, title: str, contributor: str) -> Clues:
    title, contributor = _plain(" ".join(title.split())[:300]), _plain(contributor)
    title = "" if _DROSS.match(title) else title
    where = ("inside",) if found or wrong else ()
    return Clues(isbns=found, wrong_isbns=wrong, kind=kind, title=title, contributor=" ".join(contributor.split())[:200], found_in=where)


def _plain(text: str) -> str:
    """Without what no database and no page can hold: control characters, halves of letters (`\\ud800` in JSON, odd UTF-16 in a PDF)."""
    return _UNWRITABLE.sub("", text)


def _first(root: etree._Element, tag: str) -> str:
    return next((text for element in root.iter(tag) if (text := "".join(str(part) for part in element.itertext()).strip())), "")


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]
