"""Rules about what a product is: ISBN, title, contributor, form."""

from __future__ import annotations

import re

from include.feeds import codelists
from include.feeds.rulebook.case import Case, rule
from include.titles.identifiers import is_isbn13

_HYPHENS_AND_SPACES = re.compile(r"[\s\-\u2010-\u2015]+")


@rule("isbn-missing", todo="Give the product an ISBN.", path="ProductIdentifier/IDValue")
def isbn_missing(case: Case) -> str:
    """A product has an ISBN. Source: ONIX P.2, List 5 code 15; IGP 1003; Thoth's gates."""
    return "" if case.product.isbn.strip() else "the product has no ISBN"


@rule("isbn-invalid", todo="Compare the ISBN with the one printed in the book and correct it.", path="ProductIdentifier/IDValue")
def isbn_invalid(case: Case) -> str:
    """The ISBN is a valid ISBN-13 once hyphens and spaces are taken off. Source: ISO 2108; IGP 2011."""
    isbn = _HYPHENS_AND_SPACES.sub("", case.product.isbn)
    return f"{case.product.isbn!r} is not a valid ISBN-13" if isbn and not is_isbn13(isbn) else ""


@rule("isbn-duplicate", todo="Find which product has the ISBN by right; give the other its own.", path="ProductIdentifier/IDValue")
def isbn_duplicate(case: Case) -> str:
    """No other exportable product has the same ISBN; where two have it, both are held. Source: ISO 2108; ONIX P.1, RecordReference."""
    isbn = case.product.isbn
    return f"another product has the ISBN {isbn} too" if isbn.strip() and isbn in case.duplicates else ""


@rule("title-missing", todo="Give the product a title.", path="DescriptiveDetail/TitleDetail")
def title_missing(case: Case) -> str:
    """A product has a title, of its own or of its work. Source: ONIX P.6; IGP 1001; Google Play's profile (TitleDetail 01)."""
    product = case.product
    return (
        "" if any(text.strip() for text in (product.full_title, product.title_without_prefix, product.work.title)) else "there is no title"
    )


@rule("contributor-missing", todo="Add the author, editor or corporate contributor to the work.", path="DescriptiveDetail/Contributor")
def contributor_missing(case: Case) -> str:
    """A work has at least one contributor with a name. Source: ONIX P.7, List 17; IGP 1002; Thoth; Consonance's checks; Google Play."""
    for one in case.product.work.contributors:
        if one.key_names or one.person_name or one.corporate_name or one.inverted_name or one.names_before_key:
            return ""
    return "there is no contributor"


@rule("form-missing", todo="Choose the product's form (List 150).", path="DescriptiveDetail/ProductForm")
def form_missing(case: Case) -> str:
    """A product has a product form. Source: ONIX P.3, List 150; Consonance's checks; Google Play."""
    return "" if case.product.form.strip() else "there is no product form"


@rule("form-unknown", todo="Choose a form from List 150, or let the partner's file substitute one.", path="DescriptiveDetail/ProductForm")
def form_unknown(case: Case) -> str:
    """The form, after the partner's substitutions, is in List 150 at the partner's code-list issue (ONIX 2.1: in List 7).
    Source: ONIX List 150, List 7; Consonance's checks; BookNet Canada (wrong code-list version is its commonest rejection)."""
    form = case.form
    if not form:
        return ""
    if case.feed.release == "2.1" and case.feed.format == "onix":
        return "" if codelists.is_known(7, form, generation="2.1") else f"product form {form!r} is not in List 7, which ONIX 2.1 uses"
    if codelists.is_known(150, form, case.feed.code_list_issue):
        return ""
    if codelists.is_known(150, form):
        return f"product form {form!r} came after code-list Issue {case.feed.code_list_issue}, which is the newest that the partner reads"
    return f"product form {form!r} is not in List 150"
