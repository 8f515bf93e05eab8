"""Renders titles as ONIX 2.1, reference names, for the receivers that still ask for it.

EDItEUR ended its support in 2014. The content model is one long sequence without blocks, so there are no block updates,
and it can't carry accessibility (List 196), product contacts, ORCID or an empty message. Some of its code lists are
other ones: form is List 7, form detail List 78, text type List 33.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date
from typing import BinaryIO

from include.errors import ConfigurationError
from include.feeds.audience import audience_codes
from include.feeds.onix import collateral, days, supply
from include.feeds.onix.collateral import current_texts, front_cover, link
from include.feeds.onix.descriptive import (
    KEYWORDS,
    PROPRIETARY,
    YEAR,
    by_scheme,
    counted,
    counts,
    identifiers,
    keyword_list,
    languages,
    main_first,
    sixteen,
    sizes,
)
from include.feeds.onix.flavour import Flavour, plain_number
from include.feeds.onix.message import OnixWriter, encode, encode_record, epilogue, prologue
from include.feeds.onix.related import related_isbn
from include.feeds.onix.renderer import flavour_digest
from include.feeds.onix.supply21 import sales_rights, supply_details
from include.feeds.onix.text import flow, looks_like_markup
from include.feeds.onix.titles import Title, title_of
from include.feeds.record import Header, MessageWriter, Record
from include.partners.model import House, Partner
from include.titles.model import Collection, Contributor, Product, Resource, Text, Work

VERSION = 1
_DIGITAL = "DG"  # List 7: electronic book text, in whatever format EpubType says
_EPUB_TYPE = {"E101": "029", "E105": "001", "E107": "002", "E116": "031"}  # List 175 → List 10
_UNSPECIFIED_EPUB = "099"
# List 153 → List 33
_TEXT_TYPE = {
    "02": "02", "03": "01", "04": "04", "05": "18", "06": "08", "07": "06", "08": "10", "09": "30", "10": "09", "11": "19", "12": "13",
    "13": "21", "14": "23", "15": "22", "16": "43", "17": "44", "18": "20", "20": "47", "27": "17",
}  # fmt: skip
_IMAGE_FORMAT = {"image/jpeg": "03", "image/jpg": "03", "image/png": "09", "image/tiff": "05", "image/gif": "02"}  # List 39


class Onix21Renderer:
    """ONIX 2.1. See `include.feeds.record.Renderer`."""

    reusable = True

    def __init__(self, partner: Partner, house: House) -> None:
        self._f = Flavour(partner, house)
        self._encoding = partner.feed.encoding
        self.flavour = flavour_digest(partner, house, VERSION)
        self.label = f"ONIX {partner.feed.release} {partner.feed.tags}"

    def render(self, product: Product, today: date) -> Record:
        """The full record. Raises `RejectedData` for text that XML or the message can't hold."""
        f = self._f
        notification = days.TEST if f.partner.test else days.notification(product, today)
        reference = f.reference(product)
        body = encode_record(_product(f, product, today, reference, notification), self._encoding, f"{product.isbn} ({reference})")
        changes = (*supply.days_of_change(f, product), *collateral.days_of_change(f, product))
        return Record(
            product_id=product.id,
            isbn=product.isbn,
            reference=reference,
            notification=notification,
            body=body,
            digest=hashlib.sha256(body).hexdigest(),
            stable_until=days.stable_until(product, today, changes),
        )

    def block_update(self, product: Product, today: date, blocks: tuple[int, ...]) -> Record:
        raise ConfigurationError(
            "block updates exist from ONIX 3.0 on", where=f"partner {self._f.partner.id}", todo="Remove block_updates."
        )

    def message(self, out: BinaryIO, header: Header) -> MessageWriter:
        start = prologue("2.1", "reference", self._encoding) + encode(_header(self._f, header), self._encoding)
        return OnixWriter(out, start, epilogue("reference", self._encoding), b"")


def _header(f: Flavour, about: Header) -> str:
    x, sender, addressee = f.x, f.house.sender, f.partner.addressee
    return x.of(
        "Header",
        x("FromEANNumber", sender.gln),
        x("FromSAN", sender.san),
        x("FromCompany", sender.name),
        x("FromPerson", sender.contact),
        x("FromEmail", sender.email),
        x("ToEANNumber", addressee.gln),
        x("ToSAN", addressee.san),
        x("ToCompany", addressee.name),
        x("ToPerson", addressee.contact),
        x("MessageNumber", str(about.message_number) if about.message_number > 0 else ""),
        x("SentDate", f"{about.sent.astimezone(UTC):%Y%m%d%H%M}"),  # 2.1 knows no zone and no seconds
        x("MessageNote", about.note),
    )


def _product(f: Flavour, product: Product, today: date, reference: str, notification: str) -> str:
    work, x = product.work, f.x
    return x.of(
        "Product",
        x("RecordReference", reference),
        x.code("NotificationType", notification),
        identifiers(f, product),
        form(f, product),
        f.of_work(series, work),
        titles(f, product),
        f.of_work(contributors, work),
        f.of_work(edition, work),
        f.of_work(languages, work),
        extents(f, product),
        f.of_work(subjects, work),
        f.of_work(audience, work),
        f.of_work(texts, work, product.texts, today),
        f.of_work(cover, work, product.resources) if f.feed.covers.by == "url" else "",
        f.of_work(publisher, work),
        status_and_dates(f, product),
        f.once(("rights", product.sold_worldwide, product.sold_in, product.not_sold_in), lambda: sales_rights(f, product)),
        measures(f, product),
        *(related_product(f, *pair) for pair in dict.fromkeys((one.relation, one.isbn) for one in product.related)),
        x.code("OutOfPrintDate", _day(product.out_of_print_date)),
        supply_details(f, product, today),
    )


def form(f: Flavour, product: Product) -> str:
    """List 7 instead of List 150: everything that is delivered digitally is DG, and EpubType says more."""
    x, details = f.x, f.swapped("175", product.form_details)
    code = f.swap("150", product.form) or "00"
    if code.startswith("E"):
        code = _DIGITAL
    epub = next((_EPUB_TYPE[detail] for detail in details if detail in _EPUB_TYPE), _UNSPECIFIED_EPUB)
    return "".join((
        x.code("ProductForm", code),
        *(x.code("ProductFormDetail", detail) for detail in details if not detail.startswith("E")),
        x("ProductFormDescription", product.form_description),
        x.code("EpubType", epub) if code == _DIGITAL else "",
    ))


def series(f: Flavour, work: Work) -> str:
    return "".join(_series(f, one) for one in work.collections if one.title.strip()) or f.x.empty("NoSeries")


def _series(f: Flavour, one: Collection) -> str:
    x, issn = f.x, one.issn.replace("-", "").strip()
    return x.of(
        "Series",
        x("SeriesISSN", issn if len(issn) == 8 else ""),
        x("TitleOfSeries", one.title),
        x("NumberWithinSeries", one.part),
        x("YearOfAnnual", one.year if YEAR.fullmatch(one.year) else ""),
    )


def titles(f: Flavour, product: Product) -> str:
    work = product.work
    return _title(f, "01", title_of(product), product.subtitle or work.subtitle) + _title(f, "03", Title("", work.original_title), "")


def _title(f: Flavour, type: str, title: Title, subtitle: str) -> str:
    x = f.x
    if title.prefix and not f.feed.title_text:
        text = x("TitlePrefix", title.prefix) + x("TitleWithoutPrefix", title.without_prefix)
    else:
        text = x("TitleText", title.text)
    return x.of("Title", x.code("TitleType", type), text, x("Subtitle", subtitle)) if text else ""


def contributors(f: Flavour, work: Work) -> str:
    named = [one for one in sorted(work.contributors, key=lambda one: one.sequence) if _named(one)]
    if not named:
        return f.x.empty("NoContributor")
    rendered = "".join(_contributor(f, one, number) for number, one in enumerate(named, 1))
    return rendered + f.x("ContributorStatement", work.contributor_statement)


def _named(one: Contributor) -> bool:
    return any(name.strip() for name in (one.person_name, one.inverted_name, one.key_names, one.names_before_key, one.corporate_name))


def _contributor(f: Flavour, one: Contributor, number: int) -> str:
    """Person names first, then their identifier; List 101 knows ISNI and not ORCID."""
    x, isni = f.x, sixteen(one.isni)
    person = x("PersonName", one.person_name or ("" if one.key_names or one.corporate_name else one.names_before_key))
    person += x("PersonNameInverted", one.inverted_name)
    if key := x("KeyNames", one.key_names):
        person += x("NamesBeforeKey", one.names_before_key) + key
    if person and isni:
        person += x.of("PersonNameIdentifier", x.code("PersonNameIDType", "16"), x("IDValue", isni))
    return x.of(
        "Contributor",
        x.code("SequenceNumber", str(number)),
        x.code("ContributorRole", f.swap("17", one.role) or "Z99"),
        person or x("CorporateName", one.corporate_name),
        f.text("BiographicalNote", one.biography, looks_like_markup(one.biography)) if "12" in f.feed.texts else "",
    )


def edition(f: Flavour, work: Work) -> str:
    x = f.x
    return "".join((
        *(x.code("EditionTypeCode", code) for code in f.swapped("21", work.edition_types)),
        x("EditionNumber", counted(work.edition_number)),
        x("EditionStatement", work.edition_statement),
    ))


def extents(f: Flavour, product: Product) -> str:
    x = f.x
    return x("NumberOfPages", str(product.pages) if product.pages and product.pages > 0 else "") + "".join(
        x.of("Extent", x.code("ExtentType", type), x("ExtentValue", str(value)), x.code("ExtentUnit", unit))
        for type, value, unit in counts(product)
    )


def subjects(f: Flavour, work: Work) -> str:
    """The main BISAC and BIC subjects have elements of their own and come first, then other main subjects, then the rest."""
    x = f.x
    bisac = bic = mains = rest = ""
    for scheme, found in by_scheme(f, work):
        if scheme == KEYWORDS:
            rest += x.of("Subject", x.code("SubjectSchemeIdentifier", scheme), x("SubjectHeadingText", keyword_list(found)))
            continue
        for subject, main in main_first(scheme, found):
            content = x("SubjectCode", subject.code) + x("SubjectHeadingText", subject.description)
            if main and scheme == "10" and subject.code:
                bisac = x("BASICMainSubject", subject.code)
            elif main and scheme == "12" and subject.code:
                bic = x("BICMainSubject", subject.code)
            elif main and content:
                mains += x.of("MainSubject", x.code("MainSubjectSchemeIdentifier", scheme), content)
            elif content:
                name = x("SubjectSchemeName", f.feed.proprietary_type or f.house.publisher) if scheme == PROPRIETARY else ""
                rest += x.of("Subject", x.code("SubjectSchemeIdentifier", scheme), name, content)
    return bisac + bic + mains + rest


def audience(f: Flavour, work: Work) -> str:
    codes = f.swapped("28", audience_codes(work, f.house))
    return "".join(f.x.code("AudienceCode", code) for code in codes) + f.x("AudienceDescription", work.audience_description)


def texts(f: Flavour, work: Work, own: tuple[Text, ...], today: date) -> str:
    return "".join(other_text(f, text) for text in current_texts(work, own, f.feed.texts, today))


def other_text(f: Flavour, text: Text) -> str:
    """A type without a counterpart in List 33 is left out; a period is sent only whole."""
    x, code = f.x, _TEXT_TYPE.get(text.type)
    content, xhtml = flow(text.body, text.html)
    if not code or not content:
        return ""
    period = text.starts and text.ends
    return x.of(
        "OtherText",
        x.code("TextTypeCode", code),
        x.code("TextFormat", "05" if xhtml else "06"),
        x.with_attributes("Text", "", content),
        x("TextAuthor", text.author),
        x("TextSourceTitle", text.source),
        x("StartDate", _day(text.starts)) + x("EndDate", _day(text.ends)) if period else "",
    )


def cover(f: Flavour, work: Work, own: tuple[Resource, ...]) -> str:
    found, x = front_cover(work, own), f.x
    if found is None:
        return ""
    return x.of(
        "MediaFile",
        x.code("MediaFileTypeCode", "04"),
        x.code("MediaFileFormatCode", _IMAGE_FORMAT.get(found.mime.lower(), "")),
        x.code("MediaFileLinkTypeCode", "01"),
        x("MediaFileLink", link(found.url)),
        x("DownloadCaption", found.caption),
        x("DownloadCredit", found.credit),
        x("DownloadCopyrightNotice", found.copyright),
        x("MediaFileDate", _day(found.updated)),
    )


def publisher(f: Flavour, work: Work) -> str:
    x, house = f.x, f.house
    return "".join((
        x.of("Imprint", _code(f, "imprint", work.imprint), x("ImprintName", work.imprint)),
        x.of("Publisher", x.code("PublishingRole", "01"), _code(f, "publisher", house.publisher), x("PublisherName", house.publisher)),
        x("CityOfPublication", house.city_of_publication),
        x.code("CountryOfPublication", house.country_of_publication),
    ))


def _code(f: Flavour, kind: str, name: str) -> str:
    x, code = f.x, f.feed.proprietary.get(kind, {}).get(name, "")
    if not code:
        return ""
    type_name = f.feed.proprietary_type or f.partner.name
    return x.code("NameCodeType", "01") + x("NameCodeTypeName", type_name) + x("NameCodeValue", code)


def status_and_dates(f: Flavour, product: Product) -> str:
    x, day = f.x, product.publication_date or product.planned_date
    return "".join((
        x.code("PublishingStatus", f.swap("64", product.publishing_status)),
        x("AnnouncementDate", _day(product.announcement_date)),
        x("PublicationDate", "" if product.publishing_status in days.WITHOUT_DATE else _day(day)),
    ))


def measures(f: Flavour, product: Product) -> str:
    x = f.x
    return "".join(
        x.of("Measure", x.code("MeasureTypeCode", type), x("Measurement", plain_number(value)), x.code("MeasureUnitCode", unit))
        for type, value, unit in sizes(product)
    )


def related_product(f: Flavour, relation: str, isbn: str) -> str:
    x, numbers = f.x, related_isbn(f, isbn)
    code = f.swap("51", relation)
    return x.of("RelatedProduct", x.code("RelationCode", code), numbers) if numbers and code else ""


def _day(day: date | None) -> str:
    return days.compact(day) if day else ""
