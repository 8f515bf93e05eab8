"""Block 1, DescriptiveDetail, and the identifiers that stand before it (P.2 to P.13)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from include.feeds.audience import audience_codes
from include.feeds.onix.flavour import Flavour, isbn13, plain_number
from include.feeds.onix.text import looks_like_markup
from include.feeds.onix.titles import Title, title_of
from include.titles.model import Collection, Contributor, Product, Subject, Work

THEMA_QUALIFIERS = ("94", "95", "96", "97", "98", "99")
KEYWORDS, PROPRIETARY = "20", "24"
_ONE_MAIN = frozenset({"10", "12", "93"})  # schemes whose receivers look for exactly one main subject
_DOWNLOADED = frozenset({"AJ", "AN", "AO", "EA", "EB", "EC", "ED"})  # List 150; EDItEUR's strict schema refuses measures of these
_PART_NUMBER = re.compile(r"[1-9][0-9]{0,5}(?:\.[1-9][0-9]{0,5})*")
YEAR = re.compile(r"(?:1[0-9]{3}|20[0-9]{2})(?:-(?:1[0-9]{3}|20[0-9]{2}))?")


def identifiers(f: Flavour, product: Product) -> str:
    """ISBN-13 and the same as GTIN-13, DOI, and our own number (always there when nothing else is)."""
    isbn, gtin = isbn13(product), product.gtin
    parts = [f.x.identifier("Product", "15", isbn)] if isbn else []
    if gtin or isbn:
        parts.append(f.x.identifier("Product", "03", gtin or isbn))
    if doi := bare_doi(product.doi):
        parts.append(f.x.identifier("Product", "06", doi))
    own = product.internal_reference.strip() or ("" if parts else str(product.id))
    if own:
        parts.append(f.x.identifier("Product", "01", own, f"{f.house.publisher} reference"))
    return "".join(parts)


def bare_doi(doi: str) -> str:
    start = doi.find("10.")
    return doi[start:] if start >= 0 else ""


def descriptive_detail(f: Flavour, product: Product) -> str:
    work, x = product.work, f.x
    return x.of(
        "DescriptiveDetail",
        product_form(f, product),
        measures(f, product),
        f.of_work(collections, work),
        titles(f, product),
        f.of_work(contributors_to_languages, work),
        extents(f, product),
        f.of_work(subjects_and_audience, work),
    )


def contributors_to_languages(f: Flavour, work: Work) -> str:
    return contributors(f, work) + edition(f, work) + languages(f, work)


def subjects_and_audience(f: Flavour, work: Work) -> str:
    return subjects(f, work) + audience(f, work)


def product_form(f: Flavour, product: Product) -> str:
    x = f.x
    return "".join((
        x.code("ProductComposition", f.swap("2", product.composition) or "00"),
        x.code("ProductForm", f.swap("150", product.form) or "00"),
        *(x.code("ProductFormDetail", code) for code in f.swapped("175", product.form_details)),
        accessibility(f, product) if f.feed.accessibility else "",
        x("ProductFormDescription", product.form_description),
    ))


def accessibility(f: Flavour, product: Product) -> str:
    """List 196 as product form features of type 09; 99 tells whom to ask about them."""
    codes = f.swapped("196", product.accessibility)
    if not codes:
        return ""
    features = [_feature(f, code) for code in codes if code != "99"]
    asked = next((contact.email for contact in f.house.contacts if contact.role == "01" and contact.email), "")
    if asked and f.reads("196", "99"):
        features.append(_feature(f, "99", asked))
    return "".join(features)


def _feature(f: Flavour, code: str, description: str = "") -> str:
    x = f.x
    return x.of(
        "ProductFormFeature",
        x.code("ProductFormFeatureType", "09"),
        x.code("ProductFormFeatureValue", code),
        x("ProductFormFeatureDescription", description),
    )


def measures(f: Flavour, product: Product) -> str:
    x = f.x
    return "".join(
        x.of("Measure", x.code("MeasureType", type), x("Measurement", plain_number(value)), x.code("MeasureUnitCode", unit))
        for type, value, unit in sizes(product)
    )


def sizes(product: Product) -> Iterator[tuple[str, Decimal, str]]:
    """Height, width, thickness in millimetres, weight in grams (Lists 48, 50); a download has none, whatever its record says."""
    if product.form in _DOWNLOADED:
        return iter(())
    known = (
        ("01", product.height_mm, "mm"),
        ("02", product.width_mm, "mm"),
        ("03", product.thickness_mm, "mm"),
        ("08", product.weight_g, "gr"),
    )
    return ((type, value, unit) for type, value, unit in known if value is not None and value > 0)


def collections(f: Flavour, work: Work) -> str:
    shown = [collection for collection in work.collections if collection.title.strip()]
    return "".join(_collection(f, collection) for collection in shown) or f.x.empty("NoCollection")


def _collection(f: Flavour, collection: Collection) -> str:
    """A publisher's collection: the title's own part number first (level 01), then the collection's title (level 02)."""
    x, issn = f.x, collection.issn.replace("-", "").strip()
    part, year = x("PartNumber", collection.part), collection.year if YEAR.fullmatch(collection.year) else ""
    member = part + x("YearOfAnnual", year)
    return x.of(
        "Collection",
        x.code("CollectionType", "10"),
        f.x.identifier("Collection", "02", issn) if len(issn) == 8 else "",
        x.of("CollectionSequence", x.code("CollectionSequenceType", "02"), x.code("CollectionSequenceNumber", collection.part))
        if _PART_NUMBER.fullmatch(collection.part)
        else "",
        x.of(
            "TitleDetail",
            x.code("TitleType", "01"),
            x.of("TitleElement", x.code("SequenceNumber", "1"), x.code("TitleElementLevel", "01"), member) if member else "",
            x.of(
                "TitleElement",
                x.code("SequenceNumber", "2") if member else "",
                x.code("TitleElementLevel", "02"),
                _title(f, Title("", collection.title)),
                x("Subtitle", collection.subtitle),
            ),
        ),
    )


def titles(f: Flavour, product: Product) -> str:
    """The distinctive title (01), and the original's (03) where the work has one. Raises `RejectedData` without a title."""
    work = product.work
    distinctive = _title_detail(f, "01", title_of(product), product.subtitle or work.subtitle)
    return distinctive + _title_detail(f, "03", Title("", work.original_title), "")


def _title_detail(f: Flavour, type: str, title: Title, subtitle: str) -> str:
    x = f.x
    text = _title(f, title)
    if not text:
        return ""
    return x.of(
        "TitleDetail", x.code("TitleType", type), x.of("TitleElement", x.code("TitleElementLevel", "01"), text, x("Subtitle", subtitle))
    )


def _title(f: Flavour, title: Title) -> str:
    x = f.x
    if f.feed.title_text:
        return x("TitleText", title.text)
    without = x("TitleWithoutPrefix", title.without_prefix)
    return (x("TitlePrefix", title.prefix) or x.empty("NoPrefix")) + without if without else ""


def contributors(f: Flavour, work: Work) -> str:
    rendered = [text for text in _contributors(f, work) if text]
    if not rendered:
        return f.x.empty("NoContributor")
    return "".join(rendered) + f.x("ContributorStatement", work.contributor_statement)


def _contributors(f: Flavour, work: Work) -> Iterator[str]:
    number = 1
    for contributor in sorted(work.contributors, key=lambda one: one.sequence):
        if text := _contributor(f, contributor, number):
            number += 1
            yield text


def _contributor(f: Flavour, one: Contributor, number: int) -> str:
    """Numbered by place, since sequence numbers must be unique; nothing for a contributor without a name."""
    x = f.x
    name = _names(f, one)
    if not name:
        return ""
    translates = one.role in {"B06", "B08", "B10"}
    return x.of(
        "Contributor",
        x.code("SequenceNumber", str(number)),
        x.code("ContributorRole", f.swap("17", one.role) or "Z99"),
        *(x.code("FromLanguage", code) for code in dict.fromkeys(one.languages_from if translates else ())),
        *(x.code("ToLanguage", code) for code in dict.fromkeys(one.languages_to if translates else ())),
        name_identifiers(f, one),
        name,
        biography(f, one),
    )


def _names(f: Flavour, one: Contributor) -> str:
    x = f.x
    person = x("PersonName", one.person_name or ("" if one.key_names or one.corporate_name else one.names_before_key))
    person += x("PersonNameInverted", one.inverted_name)
    if key := x("KeyNames", one.key_names):
        person += x("NamesBeforeKey", one.names_before_key) + key
    return person or x("CorporateName", one.corporate_name)


def name_identifiers(f: Flavour, one: Contributor) -> str:
    """ISNI (16) and ORCID (21), List 44: sixteen characters without spaces or hyphens."""
    isni, orcid = sixteen(one.isni), sixteen(one.orcid)
    return (f.x.identifier("Name", "16", isni) if isni else "") + (f.x.identifier("Name", "21", orcid) if orcid else "")


def sixteen(value: str) -> str:
    digits = value.rsplit("/", 1)[-1].replace("-", "").replace(" ", "").upper()
    return digits if len(digits) == 16 else ""


def biography(f: Flavour, one: Contributor) -> str:
    if not one.biography or "12" not in f.feed.texts:
        return ""
    return f.text("BiographicalNote", one.biography, looks_like_markup(one.biography))


def edition(f: Flavour, work: Work) -> str:
    x = f.x
    return "".join((
        *(x.code("EditionType", code) for code in f.swapped("21", work.edition_types)),
        x("EditionNumber", counted(work.edition_number)),
        x("EditionStatement", work.edition_statement),
    ))


def counted(number: str) -> str:
    """A positive whole number as digits, or "" for anything else."""
    digits = number.strip()
    return digits.lstrip("0") if digits.isascii() and digits.isdigit() else ""


def languages(f: Flavour, work: Work) -> str:
    """The work's languages; the house's where the language of text (role 01) is not said."""
    x = f.x
    pairs = dict.fromkeys((language.role, language.code) for language in work.languages if language.code)
    if not any(role == "01" for role, _ in pairs):
        pairs = {("01", f.house.language): None, **pairs}
    return "".join(x.of("Language", x.code("LanguageRole", role), x.code("LanguageCode", code)) for role, code in pairs)


def extents(f: Flavour, product: Product) -> str:
    x = f.x
    return "".join(
        x.of("Extent", x.code("ExtentType", type), x("ExtentValue", str(value)), x.code("ExtentUnit", unit))
        for type, value, unit in counts(product)
    )


def counts(product: Product) -> Iterator[tuple[str, int, str]]:
    """What is known of the extent: List 23 type, value, List 24 unit (03 pages, 02 words, 05 minutes)."""
    known = (
        ("00", product.pages, "03"),
        ("03", product.pages_front, "03"),
        ("04", product.pages_back, "03"),
        ("05", product.pages_total, "03"),
        ("02", product.words, "02"),
        ("09", product.duration_minutes, "05"),
    )
    return ((type, value, unit) for type, value, unit in known if value and value > 0)


def subjects(f: Flavour, work: Work) -> str:
    return "".join(
        keywords(f, found) if scheme == KEYWORDS else "".join(_subject(f, subject, main) for subject, main in main_first(scheme, found))
        for scheme, found in by_scheme(f, work)
    )


def by_scheme(f: Flavour, work: Work) -> Iterator[tuple[str, list[Subject]]]:
    """In the partner's order; Thema's qualifiers follow Thema."""
    found: dict[str, list[Subject]] = {}
    for subject in work.subjects:
        found.setdefault(subject.scheme, []).append(subject)
    wanted = (own for scheme in f.feed.subjects for own in ((scheme, *THEMA_QUALIFIERS) if scheme == "93" else (scheme,)))
    return ((scheme, found[scheme]) for scheme in dict.fromkeys(wanted) if scheme in found)


def main_first(scheme: str, found: list[Subject]) -> Iterator[tuple[Subject, bool]]:
    """Each subject once, with whether it is the main one: at most one to a scheme, and it comes first.

    Where none is called main, the first is, in the schemes whose receivers look for one.
    """
    unique: dict[str, Subject] = {}
    for subject in found:
        key = subject.code or subject.description
        if key not in unique or (subject.main and not unique[key].main):
            unique[key] = subject
    main = next((subject for subject in unique.values() if subject.main), None)
    if main is None and scheme in _ONE_MAIN:
        main = next(iter(unique.values()))
    if main is not None:
        yield main, True
    yield from ((subject, False) for subject in unique.values() if subject is not main)


def keywords(f: Flavour, found: list[Subject]) -> str:
    x, words = f.x, keyword_list(found)
    return x.of("Subject", x.code("SubjectSchemeIdentifier", KEYWORDS), x("SubjectHeadingText", words)) if words else ""


def keyword_list(found: list[Subject]) -> str:
    """All in one element, separated by semicolons, as List 27 recommends."""
    return "; ".join(dict.fromkeys(word for subject in found if (word := (subject.description or subject.code).strip())))


def _subject(f: Flavour, subject: Subject, main: bool) -> str:
    x = f.x
    content = x("SubjectCode", subject.code) + x("SubjectHeadingText", subject.description)
    if not content:
        return ""
    return x.of(
        "Subject",
        x.empty("MainSubject") if main else "",
        x.code("SubjectSchemeIdentifier", subject.scheme),
        x("SubjectSchemeName", f.feed.proprietary_type or f.house.publisher) if subject.scheme == PROPRIETARY else "",
        content,
    )


def audience(f: Flavour, work: Work) -> str:
    x = f.x
    codes = f.swapped("28", audience_codes(work, f.house))
    return "".join((
        *(x.of("Audience", x.code("AudienceCodeType", "01"), x.code("AudienceCodeValue", code)) for code in codes),
        x("AudienceDescription", work.audience_description),
    ))
