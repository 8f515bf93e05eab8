"""An EPUB's container and package document, read with bounds: no entities, no network, nothing decoded that is not asked for.

By EPUB Open Container Format 3.3 and EPUB Packages 3.3 (and OPF 2.0.1 for EPUB 2).
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from lxml import etree

from include.files.model import Refused
from include.titles.identifiers import isbn13

DOCUMENT = 16 << 20  # bytes of one XML document
PICTURE = 64 << 20
_DC = "{http://purl.org/dc/elements/1.1/}"
_IDPF_FONT = "http://www.idpf.org/2008/embedding"
_ADOBE_FONT = "http://ns.adobe.com/pdf/enc#RC"


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the manifest. `path` is where it should lie in the container, "" for what lies elsewhere on the web."""

    id: str
    path: str
    media_type: str
    properties: frozenset[str]


@dataclass(frozen=True, slots=True)
class Meta:
    """`property` is a Dublin Core name ("dc:title"), an EPUB 3 property or an EPUB 2 `name`."""

    property: str
    value: str
    id: str = ""
    refines: str = ""
    scheme: str = ""


@dataclass(frozen=True)
class Package:
    path: str
    version: str
    unique: str  # id of the unique identifier's element
    metadata: tuple[Meta, ...]
    manifest: dict[str, Item] = field(default_factory=dict)
    spine: tuple[str, ...] = ()
    ncx: str = ""
    guide: tuple[tuple[str, str], ...] = ()  # (type, path)

    def values(self, property: str) -> tuple[str, ...]:
        """What the publication itself says of a property, not what refines another element."""
        return tuple(meta.value for meta in self.metadata if meta.property == property and meta.value and not meta.refines)

    def isbns(self) -> tuple[str, ...]:
        """ISBN-13 in `dc:identifier`, check digit verified, in order."""
        return tuple(dict.fromkeys(found for value in self.values("dc:identifier") if (found := isbn13(value))))

    @property
    def cover(self) -> Item | None:
        """EPUB 3's `cover-image`, else EPUB 2's `<meta name="cover">`."""
        for item in self.manifest.values():
            if "cover-image" in item.properties:
                return item
        named = self.values("cover")
        return self.manifest.get(named[0]) if named else None

    @property
    def navigation(self) -> Item | None:
        """EPUB 3's navigation document, else EPUB 2's NCX."""
        for item in self.manifest.values():
            if "nav" in item.properties:
                return item
        return self.manifest.get(self.ncx)


class Epub:
    """An open EPUB. Raises `Refused` (epub-broken) where container or package can't be read."""

    def __init__(self, local: Path) -> None:
        try:
            self.zip = zipfile.ZipFile(local)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as bad:
            raise Refused("epub-broken", "The EPUB is no readable zip", todo="Ask for the file again.") from bad
        self.names = {info.filename: info for info in self.zip.infolist()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.zip.close()

    def read(self, name: str, most: int = DOCUMENT) -> bytes:
        """A member's bytes. Raises `Refused` if it is absent, broken, encrypted or larger than `most`, whatever its header says."""
        info = self.names.get(name)
        if info is None:
            raise Refused("epub-broken", f"{name} is not in the EPUB", todo="Ask for the file again.")
        try:
            with self.zip.open(info) as file:
                data = file.read(most + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as bad:
            raise Refused("epub-broken", f"{name} in the EPUB can't be read", todo="Ask for the file again.") from bad
        if len(data) > most:
            raise Refused("epub-broken", f"{name} in the EPUB is too large to be read", todo="Ask for the file again.")
        return data

    def xml(self, name: str) -> Any:
        """A member as an element tree, mended where it is not well-formed. Raises `Refused`."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
        try:
            root = etree.fromstring(self.read(name), parser)
        except (etree.XMLSyntaxError, ValueError) as bad:
            raise Refused("epub-broken", f"{name} in the EPUB is no XML", todo="Ask for the file again.") from bad
        if root is None:
            raise Refused("epub-broken", f"{name} in the EPUB is no XML", todo="Ask for the file again.")
        return root

    @cached_property
    def package(self) -> Package:
        """The first rendition's package document. Raises `Refused`."""
        paths = [_plain(one) for one in self.xml("META-INF/container.xml").iterfind(".//{*}rootfile")]
        paths = [path for path in paths if path]
        if not paths:
            raise Refused("epub-broken", "The EPUB's container names no package document", todo="Ask for the file again.")
        return _package(paths[0], self.xml(paths[0]))

    @cached_property
    def protected(self) -> tuple[str, ...]:
        """Members that are encrypted, obfuscated fonts aside; `META-INF/rights.xml` counts as one."""
        found = ["META-INF/rights.xml"] if "META-INF/rights.xml" in self.names else []
        if "META-INF/encryption.xml" not in self.names:
            return tuple(found)
        for data in self.xml("META-INF/encryption.xml").iterfind(".//{*}EncryptedData"):
            method = data.find("{*}EncryptionMethod")
            if method is None or method.get("Algorithm") not in {_IDPF_FONT, _ADOBE_FONT}:
                uri = data.find(".//{*}CipherReference")
                found.append(unquote(uri.get("URI", "")) if uri is not None else "META-INF/encryption.xml")
        return tuple(found)


def facts(local: Path) -> dict[str, Any]:
    """epub_version, title, creators, language, identifiers, isbns, layout. Raises `Refused`."""
    with Epub(local) as epub:
        package = epub.package
        title, language = package.values("dc:title"), package.values("dc:language")
        found: dict[str, Any] = {
            "epub_version": package.version,
            "title": title[0] if title else "",
            "creators": list(package.values("dc:creator"))[:50],
            "language": language[0] if language else "",
            "identifiers": list(package.values("dc:identifier"))[:50],
            "isbns": list(package.isbns()),
            "layout": (package.values("rendition:layout") or ("reflowable",))[0],
        }
    return {name: value for name, value in found.items() if value}


def _plain(rootfile: Any) -> str:
    path = posixpath.normpath(unquote(rootfile.get("full-path", "")))
    return "" if path.startswith((".", "/")) else path


def _package(path: str, root: Any) -> Package:
    folder = posixpath.dirname(path)
    manifest = {item.id: item for item in (_item(folder, one) for one in root.iterfind("{*}manifest/{*}item"))}
    spine = root.find("{*}spine")
    return Package(
        path,
        root.get("version", ""),
        root.get("unique-identifier", ""),
        tuple(_metadata(root.iterfind("{*}metadata//*"))),
        manifest,
        tuple(one.get("idref", "") for one in (spine if spine is not None else ()) if isinstance(one.tag, str)),
        spine.get("toc", "") if spine is not None else "",
        tuple((one.get("type", ""), _inside(folder, one.get("href", ""))) for one in root.iterfind("{*}guide/{*}reference")),
    )


def _item(folder: str, element: Any) -> Item:
    return Item(
        element.get("id", ""),
        _inside(folder, element.get("href", "")),
        element.get("media-type", ""),
        frozenset(element.get("properties", "").split()),
    )


def _inside(folder: str, href: str) -> str:
    """A path in the container; "" for an address elsewhere, or one that leads out of it."""
    href = href.partition("#")[0]
    if not href or re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", href):
        return ""
    path = posixpath.normpath(posixpath.join(folder, unquote(href)))
    return "" if path.startswith(("..", "/")) else path


def _metadata(elements: Iterable[Any]) -> Iterable[Meta]:
    for element in elements:
        if not isinstance(element.tag, str):
            continue
        text = " ".join("".join(element.itertext()).split())[:5000]
        name = etree.QName(element).localname
        if element.tag.startswith(_DC):
            yield Meta(f"dc:{name}", text, element.get("id", ""), scheme=element.get("{http://www.idpf.org/2007/opf}scheme", ""))
        elif name == "meta" and element.get("property"):
            yield Meta(element.get("property"), text, element.get("id", ""), element.get("refines", ""), element.get("scheme", ""))
        elif name == "meta" and element.get("name"):
            yield Meta(element.get("name"), element.get("content", ""), element.get("id", ""))
        elif name == "link" and element.get("rel"):
            yield Meta(element.get("rel"), element.get("href", ""), element.get("id", ""), element.get("refines", ""))
