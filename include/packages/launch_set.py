"""The approved set of a title for sales, marketing and retailers: cover, copy, biographies, promotional files. One for everyone.

What is made here says nothing of the day it was made on: the same approved things give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from include.deliveries.naming import slug
from include.errors import RejectedData
from include.feeds import codelists
from include.feeds.onix.collateral import front_cover
from include.feeds.onix.text import flow
from include.feeds.plain import plain
from include.files.model import Kind
from include.ledger.file_rows import Approval, TitleFileRow
from include.packages.build import Item, made
from include.partners.model import Covers
from include.readiness.columns import contributors
from include.store import ArtefactStore
from include.titles import codec
from include.titles.model import Product, Resource, Text

VERSION = 1
"""Count it up whenever the same sources would give other bytes."""
LONGEST_COVER = 3000  # pixels
COPY = ("10", "02", "03", "04", "06", "27")  # List 153, in this order: headline, short, main, contents, review quote, jacket copy
BIOGRAPHY = "12"
_RESTRICTED = "01"  # List 154
_IMAGES = "image/"
_STYLE = "body{max-width:42rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 Georgia,serif}h2{font-size:1rem;color:#555;margin-top:2rem}"

Remembered = Callable[[str], tuple[str, int] | None]
"""Identity of Consonance's cover to (sha256, bytes) of what was made of it before; None if it was not, or is not kept."""


@dataclass(slots=True)
class LaunchSet:
    """What may go of one title: items by content (cover, copy, biography, promotional), and what stands in the way.

    `cover` is the identity of Consonance's cover, where that is the one; with the artefact made of it.
    """

    items: dict[str, list[Item]] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    cover: dict[str, Any] = field(default_factory=dict)


def assemble(product: Product, files: Sequence[TitleFileRow], store: ArtefactStore, today: date, remembered: Remembered) -> LaunchSet:
    """The set of one product. `files`: current ones of its work.

    Raises `TransientError` if Consonance's cover can't be fetched now. A cover that can't be used is lacking, with the reason.
    """
    made_of = LaunchSet()
    _cover(made_of, product, files, store, remembered)
    _copy(made_of, product, store, today)
    _biographies(made_of, product, store, today)
    _promotional(made_of, product, files)
    return made_of


def source_of(product: Product, files: Sequence[TitleFileRow], today: date, *facts: Any) -> str:
    """A digest of all that a set is made from, so that nothing is made twice. "" where that can't be told: Consonance says nothing of its
    cover but the address, so it must be looked at."""
    usable = _usable(product, files)
    resource = front_cover(product.work, product.resources)
    if chosen_cover(product, files) is None and resource is not None and not _identity(resource):
        return ""
    told = [
        VERSION, codec.digest(codec.encode_product(product)), codec.digest(codec.encode_work(product.work)),
        [(row.id, row.sha256, row.name, row.kind, row.part, row.revision) for row in usable],
        [(text.type, text.body) for text in _texts(product, (*COPY, BIOGRAPHY), today)], *facts,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


# --- cover


def chosen_cover(product: Product, files: Sequence[TitleFileRow]) -> TitleFileRow | None:
    """The approved front cover among the title's files: the edition's own before the work's, a jacket before artwork.

    A picture wider than high is a whole jacket with its spine, and a PDF is for the printer, unless its part says that it is the front.
    """
    fitting = []
    for row in _usable(product, files):
        front = row.part.casefold() in {"front", "frontcover", "front-cover", "cover"}
        picture = row.media_type.startswith(_IMAGES)
        upright = _upright(row.facts)
        other = row.part.casefold().startswith(("back", "full", "spine"))
        if row.kind == Kind.JACKET and not other and ((picture and upright) or row.part.casefold().startswith("front")):
            fitting.append((row.product_id is None, 0, -row.id, row))
        elif row.kind == Kind.ARTWORK and picture and front and upright:
            fitting.append((row.product_id is None, 1, -row.id, row))
    return min(fitting, key=lambda one: one[:3])[3] if fitting else None


def _upright(facts: Mapping[str, Any]) -> bool:
    pixels = facts.get("pixels")
    return not (isinstance(pixels, list | tuple) and len(pixels) == 2 and pixels[0] > pixels[1])


def _cover(into: LaunchSet, product: Product, files: Sequence[TitleFileRow], store: ArtefactStore, remembered: Remembered) -> None:
    name = f"{_stem(product)}_cover.jpg"
    row = chosen_cover(product, files)
    if row is not None:
        content = _rendition(store, row)
        if content is None:
            into.lacking["cover"] = f"No picture can be made of the approved cover, {row.name}"
            return
        item = made(store, "cover", name, content)
        into.items["cover"] = [Item("cover", name, item.sha256, item.bytes, row.revision, row.id)]
        return
    resource = front_cover(product.work, product.resources)
    if resource is None:
        into.lacking["cover"] = "There is no approved cover"
        return
    identity = _identity(resource)
    known = remembered(identity) if identity else None
    if known is None:
        from include.feeds import covers

        try:
            content = covers.prepare_cover(BytesIO(covers.fetch(resource.url)), Covers(by="file", longest_side=LONGEST_COVER))
        except RejectedData as bad:
            into.lacking["cover"] = f"Consonance's cover can't be used: {bad}"
            return
        stored = store.put(BytesIO(content))
        known = (stored.sha256, stored.bytes)
    into.items["cover"] = [Item("cover", name, *known)]
    into.cover = {"identity": identity, "sha256": known[0], "bytes": known[1]}


def _rendition(store: ArtefactStore, row: TitleFileRow) -> bytes | None:
    from include.files.previews import preview
    from include.files.sniff import sniff

    with store.local(row.sha256) as local:
        return preview(local, sniff(local, row.name), LONGEST_COVER)


def _identity(cover: Resource) -> str:
    """What makes a cover another one; "" where nothing of it is told, so that it is looked at each time."""
    if not (cover.bytes or cover.updated):
        return ""
    return f"{cover.id} {cover.url.partition('?')[0]} {cover.bytes} {cover.updated}"


# --- words


def _copy(into: LaunchSet, product: Product, store: ArtefactStore, today: date) -> None:
    texts = [(codelists.label(153, text.type) or text.type, text) for text in _texts(product, COPY, today)]
    if not any(text.type in {"02", "03"} for _, text in texts):
        into.lacking["copy"] = "There is neither a main nor a short description"
        return
    into.items["copy"] = _written(product, store, "copy", texts)


def _biographies(into: LaunchSet, product: Product, store: ArtefactStore, today: date) -> None:
    texts = [
        (one.person_name or one.corporate_name or "Contributor", Text(BIOGRAPHY, one.biography, html="<" in one.biography))
        for one in sorted(product.work.contributors, key=lambda one: one.sequence)
        if one.biography.strip()
    ]
    told = {plain(text) for _, text in texts}
    texts += [("Biographical note", text) for text in _texts(product, (BIOGRAPHY,), today) if plain(text) not in told]
    if not texts:
        into.lacking["biography"] = "There is no biographical note"
        return
    into.items["biography"] = _written(product, store, "biography", texts)


def _texts(product: Product, types: Sequence[str], today: date) -> list[Text]:
    """Texts for the public that hold today, by type; the edition's own before the work's, each wording once."""
    found: dict[tuple[str, str, tuple[str, ...], str], Text] = {}
    for type_ in types:
        own = [text for text in product.texts if text.type == type_ and text.body.strip()]
        for text in own or [text for text in product.work.texts if text.type == type_ and text.body.strip()]:
            current = (text.starts is None or text.starts <= today) and (text.ends is None or today <= text.ends)
            if current and _RESTRICTED not in text.audiences:
                found.setdefault((type_, plain(text), text.audiences, text.language), text)
    return list(found.values())


def _written(product: Product, store: ArtefactStore, what: str, texts: Sequence[tuple[str, Text]]) -> list[Item]:
    """The same words as plain text, as a page, and for programs."""
    title, names = product.full_title or product.work.title, contributors(product)
    name = f"{_stem(product)}_{'biographies' if what == 'biography' else what}"
    lines = [title, names, *(f"\n{heading}\n\n{plain(text)}{_after(text)}" for heading, text in texts)]
    body = "\n".join(f"<h2>{escape(heading)}</h2>\n{_html(text)}{escape(_after(text))}" for heading, text in texts)
    language = product.work.languages[0].code if product.work.languages else "en"
    page = (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head><meta charset="utf-8">'
        f"<title>{escape(title[:200])}</title><style>{_STYLE}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n<p>{escape(names)}</p>\n{body}\n</body>\n</html>\n"
    )
    told = {
        "isbn": product.isbn, "title": title, "subtitle": product.subtitle, "contributors": names, "format": product.format,
        "publication_date": product.publication_date.isoformat() if product.publication_date else "",
        "texts": [
            {"type": text.type, "heading": heading, "text": plain(text), "html": _html(text), "source": text.source, "author": text.author,
             "audiences": list(text.audiences), "language": text.language}
            for heading, text in texts
        ],
    }  # fmt: skip
    return [
        made(store, what, f"{name}.txt", _bytes("\n".join(line for line in lines if line) + "\n")),
        made(store, what, f"{name}.html", _bytes(page)),
        made(store, what, f"{name}.json", _bytes(json.dumps(told, ensure_ascii=False, indent=1) + "\n")),
    ]


def _html(text: Text) -> str:
    words, markup = flow(text.body, text.html)
    return words if markup else f"<p>{escape(plain(text))}</p>"


def _after(text: Text) -> str:
    said = ", ".join(part for part in (text.author, text.source) if part)
    return f" ({said})" if said else ""


# --- promotional files


def _promotional(into: LaunchSet, product: Product, files: Sequence[TitleFileRow]) -> None:
    items = []
    taken: set[str] = set()
    for row in _usable(product, files):
        if row.kind == Kind.PROMOTIONAL:
            path = PurePosixPath(row.name)
            stem = f"{_stem(product)}_{slug(path.stem)[:80]}"
            name = f"{stem}{path.suffix.lower()[:10]}"
            if name in taken:
                name = f"{stem}_{row.id}{path.suffix.lower()[:10]}"
            taken.add(name)
            items.append(Item("promotional", name, row.sha256, row.bytes, row.revision, row.id))
    if items:
        into.items["promotional"] = items


def _usable(product: Product, files: Sequence[TitleFileRow]) -> list[TitleFileRow]:
    """Approved by everyone who was asked, for everybody's eyes, and of this edition or the whole work."""
    return [row for row in files if row.approval == Approval.APPROVED and not row.restricted and row.product_id in {None, product.id}]


def _stem(product: Product) -> str:
    return slug(product.isbn) if product.isbn else f"product-{product.id}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
