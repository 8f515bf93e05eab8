"""Which titles a partner's feed holds at all. What is left out is `not selected`, with the rule that says so.

A value that is not known yet (no form, no status, no rights) leaves nothing out: the rules then hold the title back and
say what is missing, so that it does not go unnoticed.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from include.feeds import codelists
from include.feeds.offers import sellable
from include.feeds.tax import fits_form
from include.partners.model import Partner
from include.partners.tables import ProductFilter
from include.titles.model import Product


def excluded_by(product: Product, partner: Partner, today: date) -> str:
    """The first rule that leaves the title out: `not-exportable`, or one of `left_out_by`; "" if none does."""
    return "not-exportable" if not product.exportable else left_out_by(product, partner.feed.products, today)


def left_out_by(product: Product, wanted: ProductFilter, today: date) -> str:
    """The first rule of a filter that leaves the title out: `imprint`, `form`, `status`, `market`, `horizon`; "" if none does."""
    if wanted.imprints and product.work.imprint not in wanted.imprints:
        return "imprint"
    if product.form and not fits_form(product.form, wanted.forms):
        return "form"
    if wanted.statuses and product.publishing_status and product.publishing_status not in wanted.statuses:
        return "status"
    if wanted.markets and _rights_known(product) and not any(sellable(product, country) for country in wanted.markets):
        return "market"
    if wanted.horizon_months and product.publication_date and today < enters_horizon(product.publication_date, wanted.horizon_months):
        return "horizon"
    return ""


def enters_horizon(published: date, months: int) -> date:
    """The first day on which a publication date is no more than so many months away (the last of the month stays the last)."""
    year, month = divmod(published.year * 12 + published.month - 1 - months, 12)
    if year < date.min.year:
        return date.min
    return date(year, month + 1, min(published.day, monthrange(year, month + 1)[1]))


def sentence(rule: str, product: Product, partner: Partner) -> str:
    """Why a title is not selected, for people. `rule` is what `excluded_by` gave."""
    wanted = partner.feed.products
    if rule == "not-exportable":
        return "Consonance says not to export this product (allowOnixExports)"
    if rule == "imprint":
        return f"imprint {product.work.imprint or '(none)'!r} is not among {', '.join(wanted.imprints)}"
    if rule == "form":
        return f"form {_named(150, product.form)} is not among {', '.join(wanted.forms)}"
    if rule == "status":
        return f"publishing status {_named(64, product.publishing_status)} is not among {', '.join(wanted.statuses)}"
    if rule == "market":
        return f"it may not be sold in {', '.join(wanted.markets)}"
    if rule == "horizon":
        return f"publication on {product.publication_date} is more than {wanted.horizon_months} months away"
    return f"left out by the rule {rule!r}"


def _rights_known(product: Product) -> bool:
    return bool(product.sold_worldwide or product.sold_in or product.not_sold_in)


def _named(number: int, code: str) -> str:
    heading = codelists.label(number, code)
    return f"{code} ({heading})" if heading else code
