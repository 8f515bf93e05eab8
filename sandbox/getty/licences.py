"""What the publisher licensed in the last three years: 25 assets by download and by purchase, some tied to titles by their notes.

Among the downloads: notes of ours (`colophon:<work id>/<ISBN>/<use>`), none at all, somebody's own words, a work that does not
exist, one image for two titles, two that another user made, two whose image was withdrawn since.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sandbox.catalogue import Catalogue
from sandbox.catalogue.titles import FIRST_WORK
from sandbox.getty.library import CREATIVE, ENDED, NEWS, PREMIUM, id_of

Row = dict[str, Any]
MANAGED_PROSE = "hardback cover, English language, UK and Commonwealth, five years, print run up to 8,000"
# (image, days ago, use or words, work's offset); a negative offset: no note of ours.
_DOWNLOADS = (
    (0, 12, "cover", 0),
    (1, 41, "cover", 3),
    (2, 77, "interior", 3),
    (3, 103, "marketing", 6),
    (4, 140, "", -1),
    (5, 171, "cover", 8),
    (5, 165, "cover", 9),
    (6, 220, "cover", 12),
    (9, 262, "for the spring catalogue", -1),
    (12, 305, "cover", 15),
    (15, 344, "cover", 18),
    (84, 380, "interior", 20),
    (85, 405, "interior", 22),
    (19, 470, "cover", 25),
    (21, 533, "cover", 28),
    (23, 590, "", -1),
    (25, 655, "cover", 31),
    (27, 730, "cover", 34),
    (29, 801, "interior", 37),
    (33, 880, "cover", 8_000),
    (36, 962, "cover", 40),
    (39, 1044, "", -1),
)
WITHDRAWN = (6, 27)
_PURCHASES = ((86, 60, "rightsmanaged", 0), (88, 250, "rightsmanaged", 5), (91, 610, "rightsmanaged", 10), (40, 900, "royaltyfree", 14))
USER = {"username": "ada.lq", "first_name": "Ada", "middle_name": "", "last_name": "Quill"}
COLLEAGUE = {"username": "bea.lq", "first_name": "Bea", "middle_name": "", "last_name": "Lantern"}


def note(catalogue: Catalogue, work_id: int, use: str) -> str:
    work = catalogue.work(work_id)
    isbns = [product.isbn for product in work.products if product.isbn and len(product.isbn) == 13] if work else []
    return f"colophon:{work_id}/{isbns[0] if isbns else '-'}/{use}"


def history(catalogue: Catalogue, images: dict[str, Row]) -> list[Row]:
    """Rows of `/v3/downloads`, oldest first."""
    rows = []
    for number, days, words, offset in _DOWNLOADS:
        image = images[id_of(number)]
        product = NEWS if number >= CREATIVE else PREMIUM if days < 600 else ENDED
        written = (
            note(catalogue, FIRST_WORK + offset % max(1, catalogue.titles) if offset < 8_000 else FIRST_WORK + 900_000, words)
            if offset >= 0
            else words
        )
        user = COLLEAGUE if number in {12, 85} else USER
        rows.append(row(image, moment(catalogue.today - timedelta(days=days), number), product, written, user))
    return sorted(rows, key=moment_of)


def row(image: Row, at: datetime, product: int, notes: str, user: Row = USER, project_code: str = "") -> Row:
    """One download. The oldest dates come without a zone, as old records do."""
    type_, agreement = {
        PREMIUM: ("premiumaccess", "LQ Premium Access"),
        NEWS: ("editorialsubscription", "LQ Editorial"),
        ENDED: ("premiumaccess", "LQ Premium Access 2022"),
    }[product]
    return {
        "id": image["id"],
        "date_downloaded": at.strftime("%Y-%m-%dT%H:%M:%S") + ("" if product == ENDED else "Z"),
        "asset_type": "Image",
        "product_type": type_,
        "product_id": product,
        "agreement_name": agreement,
        "license_model": image["license_model"],
        "download_source": "api" if notes.startswith("colophon:") else "gettyimages.com",
        "size_name": "x_large",
        "dimensions": {**image["max_dimensions"], "dpi": 300},
        "download_details": {"download_notes": notes or None, "project_code": project_code or None},
        "user": dict(user),
        "thumb_uri": "",
    }


def moment_of(row: Row) -> str:
    """What the history is kept in order by."""
    return str(row["date_downloaded"])


def many(catalogue: Catalogue, images: dict[str, Row], count: int, days: int) -> list[Row]:
    """More images, each licensed once for a title, over so many days; oldest first."""
    models, rows = [images[id] for id in sorted(images) if images[id]["options"]], []
    works = max(1, catalogue.titles)
    for number in range(count):
        id = str(3_000_000_000 + number)
        images[id] = models[number % len(models)] | {"id": id}
        at = moment(catalogue.today - timedelta(days=days - number * days // count), number)
        rows.append(row(images[id], at, PREMIUM, note(catalogue, FIRST_WORK + number % works, "cover")))
    return rows


def moment(day: date, number: int) -> datetime:
    return datetime.combine(day, time(8 + number % 9, number % 60, 7), UTC)


def purchases(catalogue: Catalogue, images: dict[str, Row]) -> tuple[list[Row], dict[str, Row]]:
    """Rows of `/v3/purchased-assets`, newest first, and their orders by id."""
    bought, orders = [], {}
    for place, (number, days, model, offset) in enumerate(_PURCHASES):
        image, at = images[id_of(number)], moment(catalogue.today - timedelta(days=days), number)
        id = str(900_100_000 + place * 11)
        work = catalogue.work(FIRST_WORK + offset % max(1, catalogue.titles))
        title = (work.title if work else "") or "Untitled"
        bought.append({
            "asset_id": image["id"],
            "asset_type": "Image",
            "license_model": model,
            "order_id": id,
            "date_purchased": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "purchased_by": "ada.lq",
            "size_name": "Full size",
            "file_size_in_bytes": str(image["size"]),
            "download_uri": "",
            "thumb_uri": "",
        })
        orders[id] = {
            "id": id,
            "invoice_number": f"GI-{at:%y}-{10_440 + place}",
            "order_date": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end_client": "Lantern & Quill",
            "notes": {
                "licensee_name": "Lantern & Quill Ltd",
                "purchase_order_number": f"PO-{7000 + place}",
                "project_title": f"{title}: {MANAGED_PROSE}" if place == 0 else title,
                "ordered_by": "Ada Quill",
            },
            "assets": [{"id": image["id"]}],
        }
    return bought, orders


def products(today: date) -> dict[int, Row]:
    """An agreement that ends in 75 days, one with a year to go, one that has ended."""
    return {
        PREMIUM: _product(PREMIUM, "premiumaccess", "Premium Access", "LQ Premium Access", today + timedelta(days=75), today, 50, 42),
        NEWS: _product(NEWS, "editorialsubscription", "Editorial Subscription", "LQ Editorial", today + timedelta(days=400), today, 25, 25),
        ENDED: _product(ENDED, "premiumaccess", "Premium Access", "LQ Premium Access 2022", today - timedelta(days=560), today, 50, 0),
    }


def _product(id: int, type: str, name: str, agreement: str, ends: date, today: date, limit: int, left: int) -> Row:
    active = ends > today
    return {
        "id": id,
        "type": type,
        "name": name,
        "status": "active" if active else "inactive",
        "agreement_name": agreement,
        "expiration_utc_date": f"{ends}T23:59:59Z",
        "download_limit": limit,
        "download_limit_duration": "monthly",
        "download_limit_reset_utc_date": f"{(today.replace(day=1) + timedelta(days=32)).replace(day=1)}T00:00:00Z" if active else None,
        "downloads_remaining": left,
        "application_website": "gettyimages.com",
        "download_requirements": {"is_note_required": True, "is_project_code_required": False, "project_codes": []},
        "overage": {"limit": 0, "remaining": 0, "count": 0, "overages_reached": False},
    }
