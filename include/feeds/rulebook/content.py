"""Rules about what describes a product: subjects, texts, extent, measures, cover, and the characters in all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from include.feeds.plain import plain
from include.feeds.rulebook.case import Case, rule, several
from include.files.characters import ILLEGAL

BISAC, THEMA = "10", "93"  # List 27
SHORT, DESCRIPTION, BIOGRAPHY = "02", "03", "12"  # List 153
LONGEST_SHORT = 350
SMALLEST_COVER = 650
_BISAC_CODE = re.compile(r"[A-Z]{3}[0-9]{6}")

# Of `ILLEGAL` all but two are single bytes in UTF-8, or no UTF-8 at all.
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\r")


@rule("subject-bisac-missing", todo="Add a BISAC subject to the work.", path="DescriptiveDetail/Subject")
def subject_bisac_missing(case: Case) -> str:
    """A work has a BISAC subject. Source: ONIX P.12, List 27 code 10; IGP 1006; Thoth's gates (Google Books, JSTOR, MUSE)."""
    return "" if any(subject.scheme == BISAC for subject in case.product.work.subjects) else "there is no BISAC subject"


@rule("subject-bisac-invalid", todo="Choose the subject from BISAC's list.", path="DescriptiveDetail/Subject/SubjectCode")
def subject_bisac_invalid(case: Case) -> str:
    """A BISAC code is three capital letters and six digits, FIC000000. Source: BISG, BISAC Subject Headings; ONIX List 27 code 10."""
    codes = (subject.code for subject in case.product.work.subjects if subject.scheme == BISAC)
    wrong = [repr(code) for code in codes if not _BISAC_CODE.fullmatch(code)]
    return f"not a BISAC code: {several(wrong)}" if wrong else ""


@rule("subject-thema-missing", todo="Add a Thema subject to the work.", path="DescriptiveDetail/Subject")
def subject_thema_missing(case: Case) -> str:
    """A work has a Thema subject. Source: ONIX P.12, List 27 code 93."""
    return "" if any(subject.scheme == THEMA for subject in case.product.work.subjects) else "there is no Thema subject"


@rule("description-missing", todo="Write the main description.", path="CollateralDetail/TextContent")
def description_missing(case: Case) -> str:
    """There is a description. Source: ONIX P.14, List 153 code 03; IGP 1008; Consonance's checks; Thoth's gates (long abstract)."""
    return "" if case.texts(DESCRIPTION) else "there is no description (text type 03)"


@rule("short-description-missing", todo="Write the short description.", path="CollateralDetail/TextContent")
def short_description_missing(case: Case) -> str:
    """There is a short description. Source: ONIX P.14, List 153 code 02; Consonance's checks."""
    return "" if case.texts(SHORT) else "there is no short description (text type 02)"


@rule("short-description-long", todo="Shorten it to 350 characters.", path="CollateralDetail/TextContent/Text")
def short_description_long(case: Case) -> str:
    """A short description has at most 350 characters without its markup. Source: ONIX P.14, List 153 code 02 (limited to 350)."""
    for text in case.texts(SHORT):
        if len(text.body) > LONGEST_SHORT and (length := len(plain(text))) > LONGEST_SHORT:
            return f"the short description has {length} characters, {LONGEST_SHORT} are allowed"
    return ""


@rule(
    "biography-missing",
    todo="Write a biographical note for the work or for a contributor.",
    path="DescriptiveDetail/Contributor/BiographicalNote",
)
def biography_missing(case: Case) -> str:
    """There is a biographical note, of the work or of a contributor. Source: ONIX P.7 and P.14, List 153 code 12; Consonance's checks."""
    if case.texts(BIOGRAPHY) or any(one.biography.strip() for one in case.product.work.contributors):
        return ""
    return "there is no biographical note (text type 12), nor has a contributor one"


@rule("pages-missing", todo="Enter the number of pages.", path="DescriptiveDetail/Extent")
def pages_missing(case: Case) -> str:
    """A printed book has a number of pages. Source: ONIX P.11, List 23; IGP 1005; Consonance's checks."""
    return "" if not case.is_print or case.product.pages or case.product.pages_total else "there is no number of pages"


@rule("duration-missing", todo="Enter the running time in minutes.", path="DescriptiveDetail/Extent")
def duration_missing(case: Case) -> str:
    """An audio product has a running time. Source: ONIX P.11, List 23 code 09."""
    return "there is no running time" if case.is_audio and not case.product.duration_minutes else ""


@rule("measures-missing", todo="Enter height and width in millimetres.", path="DescriptiveDetail/Measure")
def measures_missing(case: Case) -> str:
    """A printed book has a height and a width. Source: ONIX P.3, List 48 codes 01 and 02."""
    if not case.is_print:
        return ""
    missing = [name for name, value in (("height", case.product.height_mm), ("width", case.product.width_mm)) if not value]
    return f"there is no {' and no '.join(missing)}" if missing else ""


@rule("cover-missing", todo="Add the front cover.", path="CollateralDetail/SupportingResource")
def cover_missing(case: Case) -> str:
    """There is a front cover. Source: ONIX P.16, List 158 code 01; Consonance's checks (approved cover present)."""
    return "" if case.cover() else "there is no front cover"


@rule("cover-small", todo="Replace the cover by one of at least 650 pixels.", path="CollateralDetail/SupportingResource")
def cover_small(case: Case) -> str:
    """The longest side of the front cover, where it is known, has at least 650 pixels. Source: Consonance's checks (resolution)."""
    cover = case.cover()
    longest = max(cover.width or 0, cover.height or 0) if cover else 0
    return f"the cover has {longest} pixels on its longest side, {SMALLEST_COVER} are needed" if 0 < longest < SMALLEST_COVER else ""


@rule("text-illegal", todo="Delete the character; it is often invisible and came with a paste.", path="")
def text_illegal(case: Case) -> str:
    """No field that is sent holds a character that XML 1.0 forbids. Source: W3C, XML 1.0 (fifth edition), production 2."""
    values = [value for _, value in sent(case)]
    text = "\n".join(values)
    try:
        octets = text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        octets = b"\0"
    if len(octets.translate(None, _CONTROLS)) == len(octets) and "\ufffe" not in text and "\uffff" not in text:
        return ""
    found = [f"U+{ord(bad.group()):04X} in {name}" for name, value in sent(case) if (bad := ILLEGAL.search(value))]
    return f"XML forbids {several(found)}"


def sent(case: Case) -> Iterator[tuple[str, str]]:
    """Every text that goes to this partner: what it is, and its value."""
    if case.feed.format == "onix":
        yield from _onix(case)
    else:
        from include.feeds.columns import cells  # ONIX partners need no columns

        yield from cells(case.product, case.partner, case.house, case.today)


def _onix(case: Case) -> Iterator[tuple[str, str]]:
    product, work, feed = case.product, case.product.work, case.feed
    for name in _OF_PRODUCT:
        yield name, getattr(product, name)
    for name in _OF_WORK:
        yield f"work's {name}", getattr(work, name)
    for one in work.contributors:
        yield from (("contributor", getattr(one, name)) for name in _OF_CONTRIBUTOR)
        if BIOGRAPHY in feed.texts:
            yield "contributor's biography", one.biography
    for series in work.collections:
        yield from (("series", value) for value in (series.title, series.subtitle, series.part, series.issn, series.year))
    for subject in work.subjects:
        if subject.scheme in feed.subjects:
            yield from (("subject", value) for value in (subject.code, subject.description))
    for text in (*product.texts, *work.texts):
        if text.type in feed.texts:
            yield from ((f"text type {text.type}", value) for value in (text.body, text.author, text.source))
    for resource in (*product.resources, *work.resources):
        yield from (("resource", getattr(resource, name)) for name in _OF_RESOURCE)
    for related in product.related:
        yield "related product", related.isbn


_OF_PRODUCT = (
    *("isbn", "gtin", "doi", "title_prefix", "title_without_prefix", "full_title", "subtitle"),
    *("form", "form_description", "publishing_status", "availability", "asin", "internal_reference"),
)
_OF_WORK = (
    *("title", "subtitle", "imprint", "original_title", "contributor_statement"),
    *("doi", "edition_number", "edition_statement", "audience_description"),
)
_OF_CONTRIBUTOR = ("person_name", "names_before_key", "key_names", "inverted_name", "corporate_name", "isni", "orcid")
_OF_RESOURCE = ("url", "caption", "credit", "copyright", "filename")
