"""Rules about where a product may be sold."""

from __future__ import annotations

from include.feeds.rulebook.case import Case, rule, several
from include.titles.identifiers import is_country

_PATH = "PublishingDetail/SalesRights/Territory"


@rule("rights-missing", todo="Say where the product may be sold: everywhere, or in which countries.", path=_PATH)
def rights_missing(case: Case) -> str:
    """A product says where it may be sold: worldwide, or by lists of countries. Source: ONIX P.21, Lists 46, 49; Consonance's
    checks; Google Play; Nielsen (state what you do sell)."""
    product = case.product
    return "" if product.sold_worldwide or product.sold_in or product.not_sold_in else "nothing says where the product may be sold"


@rule("rights-overlap", todo="Take the country out of one of the two lists.", path=_PATH)
def rights_overlap(case: Case) -> str:
    """No country is both for sale and not for sale. Source: ONIX P.21, List 46."""
    product = case.product
    if not product.not_sold_in or not product.sold_in:
        return ""
    both = sorted(set(product.sold_in) & set(product.not_sold_in))
    return f"both for sale and not for sale: {several(both, most=10)}" if both else ""


@rule("rights-unknown-country", todo="Use ISO 3166-1 country codes with two letters (GB, not UK).", path=_PATH)
def rights_unknown_country(case: Case) -> str:
    """Every country of the sales rights is an ISO 3166-1 alpha-2 code. Source: ONIX List 91; ISO 3166-1."""
    unknown = sorted({code for code in (*case.product.sold_in, *case.product.not_sold_in) if not is_country(code)})
    return f"not an ISO 3166-1 country: {several([repr(code) for code in unknown], most=10)}" if unknown else ""
