"""Block 4, PublishingDetail: imprint, publisher, status, dates, sales rights (P.19 to P.21)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from include.feeds.offers import WORLD, countries, countries_of_sale, sold_everywhere
from include.feeds.onix.days import WITHOUT_DATE
from include.feeds.onix.flavour import Flavour
from include.partners.model import Contact
from include.titles.model import Product, Work

FOR_SALE, NOT_FOR_SALE, UNKNOWN = "01", "03", "00"  # List 46


def publishing_detail(f: Flavour, product: Product) -> str:
    x = f.x
    return x.of(
        "PublishingDetail",
        f.of_work(imprint, product.work),
        f.once(("publisher",), lambda: publisher(f)),
        x.code("PublishingStatus", f.swap("64", product.publishing_status)),
        publishing_dates(f, product),
        f.once(("rights", product.sold_worldwide, product.sold_in, product.not_sold_in), lambda: sales_rights(f, product)),
    )


def imprint(f: Flavour, work: Work) -> str:
    name, x = work.imprint, f.x
    code = f.feed.proprietary.get("imprint", {}).get(name, "")
    type_name = f.feed.proprietary_type or f.partner.name
    return x.of("Imprint", f.x.identifier("Imprint", "01", code, type_name), x("ImprintName", name))


def publisher(f: Flavour) -> str:
    """The publisher, the place, and whom to ask: the same in every record."""
    house, x = f.house, f.x
    name = house.publisher
    code = f.feed.proprietary.get("publisher", {}).get(name, "")
    type_name = f.feed.proprietary_type or f.partner.name
    return "".join((
        x.of("Publisher", x.code("PublishingRole", "01"), f.x.identifier("Publisher", "01", code, type_name), x("PublisherName", name)),
        x("CityOfPublication", house.city_of_publication),
        x.code("CountryOfPublication", house.country_of_publication),
        product_contacts(f),
    ))


def product_contacts(f: Flavour) -> str:
    """Whom to ask about safety (10, GPSR), accessibility (01) and so on, List 198."""
    return "".join(_contact(f, contact) for contact in f.contacts()) if f.feed.product_contact else ""


def _contact(f: Flavour, contact: Contact) -> str:
    x = f.x
    return x.of(
        "ProductContact",
        x.code("ProductContactRole", contact.role),
        x("ProductContactName", contact.name),
        x("ContactName", contact.contact),
        x("TelephoneNumber", contact.telephone),
        x("EmailAddress", contact.email),
        _address(f, contact),
    )


def _address(f: Flavour, contact: Contact) -> str:
    """ONIX 3.1.2 and later; 3.0 has no place for it. All or nothing: street, city and country belong together."""
    if not (f.newer and contact.street and contact.city and contact.country):
        return ""
    x = f.x
    return "".join((
        x("StreetAddress", contact.street),
        x("LocationName", contact.city),
        x("PostalCode", contact.postcode),
        x("CountryCode", contact.country),
    ))


def publishing_dates(f: Flavour, product: Product) -> str:
    """List 163: publication, sales embargo, public announcement, out of print."""
    day = product.publication_date or product.planned_date
    return "".join((
        _publishing_date(f, "01", None if product.publishing_status in WITHOUT_DATE else day),
        _publishing_date(f, "02", product.embargo_date),
        _publishing_date(f, "09", product.announcement_date),
        _publishing_date(f, "13", product.out_of_print_date),
    ))


def _publishing_date(f: Flavour, role: str, day: date | None) -> str:
    return f.x.of("PublishingDate", f.x.code("PublishingDateRole", role), f.date(day)) if day else ""


def sales_rights(f: Flavour, product: Product) -> str:
    """Where it is for sale, where it is not, and what holds for the rest of the world: nothing is left to be inferred.

    The rest is said where the composites do not cover the world; without any rights known, nothing is said.
    """
    if sold_everywhere(product):
        return _rights(f, FOR_SALE, territory(f, (WORLD,)))
    sold, refused = countries_of_sale(product), tuple(dict.fromkeys(product.not_sold_in))
    if not sold and not refused:
        return ""
    if better_as_exceptions(f, sold):
        return _rights(f, FOR_SALE, territory(f, sold)) + _rights(f, NOT_FOR_SALE, listed(f, elsewhere(sold)))
    return "".join((
        _rights(f, FOR_SALE, listed(f, sold)),
        _rights(f, NOT_FOR_SALE, listed(f, refused)),
        f.x.code("ROWSalesRightsType", _rest_of_world(product)),
    ))


def _rest_of_world(product: Product) -> str:
    if product.sold_worldwide:
        return FOR_SALE
    return NOT_FOR_SALE if product.sold_in else UNKNOWN


def _rights(f: Flavour, type: str, place: str) -> str:
    return f.x.of("SalesRights", f.x.code("SalesRightsType", type), place) if place else ""


def territory(f: Flavour, places: Sequence[str]) -> str:
    """A Territory: countries and regions, the world, or the world less exceptions where the partner wants that and it is shorter."""
    x = f.x
    if WORLD in places:
        return x.of("Territory", x.code("RegionsIncluded", WORLD))
    if better_as_exceptions(f, places):
        return x.of("Territory", x.code("RegionsIncluded", WORLD), x("CountriesExcluded", " ".join(elsewhere(places))))
    return listed(f, places)


def listed(f: Flavour, places: Sequence[str]) -> str:
    x = f.x
    return x.of(
        "Territory",
        x.code("CountriesIncluded", " ".join(place for place in places if "-" not in place)),
        x.code("RegionsIncluded", " ".join(place for place in places if "-" in place)),
    )


def better_as_exceptions(f: Flavour, places: Sequence[str]) -> bool:
    return f.feed.territory == "world_with_exceptions" and len(places) > len(countries()) // 2


def elsewhere(places: Sequence[str]) -> tuple[str, ...]:
    """Every country but these."""
    known = set(places)
    return tuple(code for code in countries() if code not in known)
