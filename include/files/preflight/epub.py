"""An EPUB: container, package, identifier, navigation, cover, accessibility metadata."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from include.files.epub import Epub, Package
from include.files.epub import facts as package_facts
from include.files.model import Finding, Refused
from include.files.preflight.accessibility import check_accessibility
from include.files.preflight.codes import finding
from include.files.preflight.expected import Expected

_MIMETYPE = b"application/epub+zip"


def check_epub(local: Path, expected: Expected) -> tuple[list[Finding], dict[str, Any]]:
    """Findings, and the facts of `previews.facts` with: accessibility (property → values)."""
    try:
        facts = package_facts(local)
        with Epub(local) as epub:
            found = [*_container(epub), *_package(epub, expected)]
            if expected.accessibility:
                found += check_accessibility(epub, facts)
    except Refused as refused:
        return [finding("epub-unreadable", f"{refused.what.rstrip('.')}.")], {}
    return found, facts


def _container(epub: Epub) -> Iterator[Finding]:
    """OCF 3.3, 4.2.2: `mimetype` is the first member, stored, without extra field, and holds exactly these twenty bytes."""
    first = min(epub.zip.infolist(), key=lambda one: one.header_offset, default=None)
    right = first is not None and first.filename == "mimetype" and first.compress_type == zipfile.ZIP_STORED and not first.extra
    if not right or epub.read("mimetype") != _MIMETYPE:
        yield finding("epub-mimetype")
    if epub.protected:
        yield finding("epub-protected", where=", ".join(epub.protected[:5]))


def _package(epub: Epub, expected: Expected) -> Iterator[Finding]:
    package = epub.package
    wanted = {"title": "dc:title", "language": "dc:language", "identifier": "dc:identifier"}
    if missing := [name for name, property in wanted.items() if not package.values(property)]:
        yield finding("epub-metadata", f"The package document lacks {', '.join(missing)}.", where=package.path)
    yield from _isbn(package, expected)
    if not package.version.startswith("3"):
        yield finding("epub-version", where=package.path)
    absent = [item.path for item in package.manifest.values() if item.path and item.path not in epub.names]
    if absent:
        message = f"{len(absent)} files of the manifest aren't in the container: {', '.join(absent[:5])}."
        yield finding("epub-files-missing", message, where=package.path)
    navigation = package.navigation
    if navigation is None or (navigation.path in epub.names and not _navigates(epub, navigation.path)):
        yield finding("epub-toc", where=navigation.path if navigation else package.path)
    if package.cover is None:
        yield finding("epub-cover", where=package.path)


def _isbn(package: Package, expected: Expected) -> Iterator[Finding]:
    if not expected.isbn:
        return
    isbns = package.isbns()
    if not isbns:
        yield finding("epub-identifier", where=package.path)
    elif expected.isbn not in isbns:
        more = " (another format's of this title)" if isbns[0] in expected.isbns else ""
        yield finding("isbn-wrong", f"The package's identifier is ISBN {isbns[0]}{more}, not {expected.isbn}.", where=package.path)


def _navigates(epub: Epub, path: str) -> bool:
    """The navigation leads somewhere: a link (EPUB 3) or a navigation point (EPUB 2)."""
    root = epub.xml(path)
    return any(link.get("href") for link in root.iter("{*}a")) or root.find(".//{*}navPoint") is not None
