"""Block 2, CollateralDetail: texts and the cover (P.14, P.16)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import quote, urlsplit, urlunsplit

from include.feeds.onix.flavour import Flavour
from include.titles.model import Product, Resource, Text, Work

FRONT_COVER = "01"
# MIME type → List 178
_FORMATS = {"image/jpeg": "D502", "image/jpg": "D502", "image/png": "D503", "image/tiff": "D504", "image/gif": "D501", "image/webp": "D509"}
_AS_IT_IS = "!$%&'()*+,/:;=@~-._"  # RFC 3986: pchar, and "/"
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?")


def collateral_detail(f: Flavour, product: Product, today: date) -> str:
    cover = f.of_work(supporting_resource, product.work, product.resources) if f.feed.covers.by == "url" else ""
    return f.x.of("CollateralDetail", f.of_work(texts, product.work, product.texts, today), cover)


def current_texts(work: Work, own: tuple[Text, ...], types: tuple[str, ...], today: date) -> Iterator[Text]:
    """By type, in the partner's order: the product's own texts, or the work's where it has none; expired ones are left out.

    A biographical note (12) goes with its contributor; as a text it is for groups only (EDItEUR's strict schema).
    """
    told = any(one.biography for one in work.contributors)
    for type in dict.fromkeys(type for type in types if not (type == "12" and told)):
        for text in [text for text in own if text.type == type] or [text for text in work.texts if text.type == type]:
            if text.ends is None or text.ends >= today:
                yield text


def days_of_change(f: Flavour, product: Product) -> Iterator[date]:
    """The days on which a text stops being sent."""
    for text in (*product.texts, *product.work.texts):
        if text.ends is not None and text.ends < date.max and text.type in f.feed.texts:
            yield text.ends + timedelta(days=1)


def texts(f: Flavour, work: Work, own: tuple[Text, ...], today: date) -> str:
    return "".join(text_content(f, text) for text in current_texts(work, own, f.feed.texts, today))


def text_content(f: Flavour, text: Text) -> str:
    body = f.text("Text", text.body, text.html, text.language)
    if not body:
        return ""
    x = f.x
    return x.of(
        "TextContent",
        x.code("TextType", text.type),
        *(x.code("ContentAudience", code) for code in f.swapped("154", text.audiences) or ("00",)),
        body,
        x("TextAuthor", text.author),
        x("SourceTitle", text.source),
        _content_date(f, "14", text.starts),
        _content_date(f, "15", text.ends),
    )


def _content_date(f: Flavour, role: str, day: date | None) -> str:
    return f.x.of("ContentDate", f.x.code("ContentDateRole", role), f.date(day)) if day else ""


def front_cover(work: Work, own: tuple[Resource, ...]) -> Resource | None:
    """The product's own front cover, or its work's."""
    for resource in (*own, *work.resources):
        if resource.content_type == FRONT_COVER and link(resource.url):
            return resource
    return None


def supporting_resource(f: Flavour, work: Work, own: tuple[Resource, ...]) -> str:
    found = front_cover(work, own)
    if found is None:
        return ""
    x = f.x
    return x.of(
        "SupportingResource",
        x.code("ResourceContentType", FRONT_COVER),
        x.code("ContentAudience", "00"),
        x.code("ResourceMode", "03"),
        _note(f, "01", found.credit),
        _note(f, "02", found.caption),
        _note(f, "03", found.copyright),
        x.of(
            "ResourceVersion",
            x.code("ResourceForm", "02"),
            _fact(f, "01", _FORMATS.get(found.mime.lower(), "")),
            _fact(f, "02", found.height),
            _fact(f, "03", found.width),
            _fact(f, "04", found.filename),
            _fact(f, "07", found.bytes),
            x("ResourceLink", link(found.url)),
            _content_date(f, "17", found.updated),
        ),
    )


def link(url: str) -> str:
    """As a web address of RFC 3986: what may not stand in one is percent-encoded, what is encoded stays.

    "" for anything else, and for an address that holds a login.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.netloc.encode("idna").decode()
    except (ValueError, UnicodeError):
        return ""
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return ""
    path, query, fragment = (quote(_PERCENT.sub("%25", part), safe=_AS_IT_IS) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, host, path, query, fragment))


def _note(f: Flavour, type: str, text: str) -> str:
    if not text.strip():
        return ""
    return f.x.of("ResourceFeature", f.x.code("ResourceFeatureType", type), f.x("FeatureNote", text))


def _fact(f: Flavour, type: str, value: str | int | None) -> str:
    """List 162: format, height, width, name, size of the file."""
    if not value:
        return ""
    return f.x.of("ResourceVersionFeature", f.x.code("ResourceVersionFeatureType", type), f.x("FeatureValue", str(value)))
