"""One work with its products, made from (seed, today, id) alone: clean by every rule of every partner."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from sandbox.catalogue import people, prose, terms, words
from sandbox.catalogue.chance import dice, isbn13, issn, mix
from sandbox.catalogue.facts import Cover, Membership, Prize, Product, Run, Series, Subject, WebLink, Work

FIRST_WORK = 1001
PRODUCTS_PER_WORK = 10  # ids: work * 10 + place, so that a product's work is known from its id
HOUSE_SITE = "https://www.lanternandquill.example"

KINDS = {
    "Hardback": ("PhysicalBookProduct", "BB"),
    "Paperback": ("PhysicalBookProduct", "BC"),
    "ePub": ("ElectronicBookProduct", "DG"),
    "PDF": ("ElectronicBookProduct", "DG"),
    "Audio download": ("ElectronicAudioProduct", "AJ"),
    "Audio CD": ("PhysicalAudioProduct", "AC"),
}
FORMAT_CODES = {"Hardback": "HB", "Paperback": "PB", "ePub": "EP", "PDF": "PD", "Audio download": "AD", "Audio CD": "CD"}
_SIZES = {"Hardback": (234, 156), "Paperback": (198, 129)}


def formats(seed: int, id: int) -> tuple[str, ...]:
    """The formats of a work, without making it."""
    draw = mix(seed, 31, id)
    genre = _genre(seed, id)
    if genre == "criticism":
        return ("Hardback", "PDF", "ePub")[: 2 + draw % 2]
    if genre in {"animals", "poetry"}:
        return ("Hardback", "Paperback")[draw % 2 :] + (("ePub",) if draw >> 8 & 1 else ())
    chosen: tuple[str, ...] = (("Hardback", "Paperback") if draw % 5 < 3 else ("Paperback",)) + (("ePub",) if draw >> 8 & 7 else ())
    if draw >> 16 & 7 < 3:
        chosen += ("Audio download",) + (("Audio CD",) if draw >> 24 & 7 < 2 else ())
    return chosen


def changed_on(seed: int, today: date, id: int) -> date:
    """When the work or anything under it last changed, without making it: two to four hundred days ago."""
    return today - timedelta(days=2 + mix(seed, 35, id) % 399)


def _genre(seed: int, id: int) -> str:
    names = tuple(words.GENRES)
    return names[mix(seed, 32, id) % len(names)]


def make_work(seed: int, today: date, titles: int, id: int, commission: tuple[str, ...] = ()) -> Work:
    """The work `id` of a catalogue of `titles`. `commission`: make it with these formats, active, sold worldwide, simply
    priced: the ground on which a defect is planted."""
    roll = dice(seed, 33, id)
    genre = _genre(seed, id)
    about = words.GENRES[genre]
    prefix, rest, original, subtitle, language = _title(roll, genre)
    title = f"{prefix}{'' if prefix.endswith('’') else ' '}{rest}" if prefix else rest
    chosen = commission or formats(seed, id)
    status, published = ("04", today - timedelta(days=roll.randint(60, 1500))) if commission else _life(roll, id, today)
    rights = (
        "world"
        if commission
        else roll.choices(("world", "commonwealth", "not North America", "Europe", "United States"), (70, 12, 10, 6, 2))[0]
    )
    product_ids = tuple(id * PRODUCTS_PER_WORK + place for place in range(1, len(chosen) + 1))
    contributions = people.contributors(seed, id, titles, genre, language)
    new_prefix = roll.random() < 0.06 and not commission
    products = tuple(
        _product(
            dice(seed, 34, product),
            product,
            id,
            place,
            format,
            (prefix, rest, subtitle),
            status,
            published,
            today,
            rights,
            new_prefix,
            bool(commission),
        )
        for place, (product, format) in enumerate(zip(product_ids, chosen, strict=True))
    )
    proposal = status == "02" and roll.random() < 0.15
    return Work(
        id=id,
        title=title,
        subtitle=subtitle,
        imprint_id=about.imprint,
        imprint=words.IMPRINTS[about.imprint],
        genre=genre,
        reference=f"LQ-{id:06d}",
        work_type="Book",
        season=f"{'Spring' if published.month < 7 else 'Autumn'} {published.year}",
        stage=_stage(roll, status, proposal=proposal),
        tier=roll.choice(("A", "B", "C")),
        changed=changed_on(seed, today, id),
        contract=people.contract(seed, id, title, published, today, proposal=proposal),
        original_title=original,
        doi=f"10.55555/lq.{id}" if genre == "criticism" else "",
        contributions=contributions,
        memberships=_memberships(roll, id, genre),
        subjects=_subjects(roll, genre),
        texts=prose.texts(seed, id, title, genre, contributions, product_ids, published, today),
        covers=_covers(roll, id, title, published, products),
        prizes=_prizes(roll, id, product_ids, published, today),
        runs=_runs(roll, id, products, published),
        products=products,
    )


def _title(roll: Random, genre: str) -> tuple[str, str, str, str, str]:
    """Prefix, the rest, the title in the original language, subtitle, and the language it was translated from."""
    subtitle = roll.choice(words.FICTION_SUBTITLES if words.GENRES[genre].fiction else words.SUBTITLES) if roll.random() < 0.4 else ""
    adjective, noun, other = roll.choice(words.ADJECTIVES), *roll.sample(words.NOUNS, 2)
    if roll.random() < 0.1:
        prefix, rest, language = roll.choice(words.FOREIGN)
        return prefix, rest, "", subtitle, ""
    if roll.random() < 0.08 and genre != "criticism":
        prefix, rest, language = roll.choice(words.FOREIGN)
        glue = "" if prefix.endswith("’") or not prefix else " "
        return "The", f"{adjective} {noun}", f"{prefix}{glue}{rest}", subtitle, language
    if roll.random() < 0.45:
        return roll.choice(("The", "The", "A")) if adjective[0] not in "AEIOU" else "The", f"{adjective} {noun}", "", subtitle, ""
    pattern = roll.choice(words.PLAIN)
    return "", pattern.format(adjective=adjective, noun=noun, noun2=other, place=roll.choice(words.PLACES)), "", subtitle, ""


def _life(roll: Random, id: int, today: date) -> tuple[str, date]:
    """Publishing status (List 64) and the day of publication; some lie a few days across `today`, as status changes lag."""
    chance = roll.random()
    if id % 37 == 5:
        return ("04", today + timedelta(days=5)) if chance < 0.5 else ("02", today - timedelta(days=4))
    if chance < 0.62:
        return "04", today - timedelta(days=roll.randint(20, 3600))
    if chance < 0.84:
        return "02", today + timedelta(days=roll.randint(20, 620))
    old = today - timedelta(days=roll.randint(1500, 7000))
    return ("07" if chance < 0.93 else "11" if chance < 0.965 else "08"), old


def _stage(roll: Random, status: str, *, proposal: bool) -> str:
    if proposal:
        return "Proposal"
    return {"02": roll.choice(("Acquired", "Editorial", "Production approved", "At press")), "07": "Out of print"}.get(status, "Published")


_AVAILABILITY = {"02": "10", "04": "21", "07": "51", "08": "40", "11": "46"}  # List 65 for List 64


def _product(
    roll: Random,
    id: int,
    work: int,
    place: int,
    format: str,
    names: tuple[str, str, str],
    status: str,
    published: date,
    today: date,
    rights: str,
    new_prefix: bool,
    plain: bool,
) -> Product:
    kind, form = KINDS[format]
    prefix, rest, subtitle = names
    out: date | None = None
    if place and not plain and format == "Paperback" and status == "04":
        # The paperback follows the hardback a year later, and may be still to come.
        published += timedelta(days=364)
        status = "02" if published > today + timedelta(days=14) else "04"
    if status == "07":
        out = min(published + timedelta(days=1200), today - timedelta(days=30))
    worldwide, for_sale, not_for_sale = terms.territories(rights)
    height, width = _SIZES.get(format, (None, None))
    pages = roll.randrange(96, 640, 16)
    book = kind.endswith("BookProduct")
    return Product(
        id=id,
        work_id=work,
        kind=kind,
        isbn=isbn13(id - FIRST_WORK * PRODUCTS_PER_WORK, new_prefix=new_prefix),
        prefix=prefix,
        title=rest,
        subtitle=subtitle,
        form=form,
        format=format,
        edition="Illustrated edition" if roll.random() < 0.08 else "First edition",
        edition_types=("ILL",) if roll.random() < 0.05 else (),
        status=status,
        availability=_AVAILABILITY[status],
        publication_date=published,
        planned_date=published - timedelta(days=roll.choice((0, 0, 0, 7, 28))),
        announcement_date=published - timedelta(days=roll.choice((90, 120, 180))),
        out_of_print_date=out,
        prices=terms.prices(roll, id, format, rights, published, plain=plain),
        worldwide=worldwide,
        for_sale=for_sale,
        not_for_sale=not_for_sale,
        height_mm=Decimal(height) if height else None,
        width_mm=Decimal(width) if width else None,
        thickness_mm=Decimal(pages // 16) if height else None,
        pages=pages if book else None,
        front_pages=roll.choice((8, 12, 16)) if book else None,
        back_pages=roll.choice((4, 8)) if book else None,
        words=pages * 280 if book else None,
        # A few e-books are sold by the house alone and stay out of every feed.
        exportable=not (kind == "ElectronicBookProduct" and not plain and roll.random() < 0.03),
        asin=f"B0{mix(id) % 36**8:08X}"[:10] if format == "ePub" and roll.random() < 0.3 else "",
        web_links=(WebLink(id * 10 + 1, f"{HOUSE_SITE}/books/{id}", "02", "Publisher’s page"),) if roll.random() < 0.4 else (),
        reference=f"{FORMAT_CODES[format]}-{id}",
    )


def _subjects(roll: Random, genre: str) -> tuple[Subject, ...]:
    about = words.GENRES[genre]
    found = [Subject("BISAC", *about.bisac, main=True), Subject("Thema", *about.thema, main=True), Subject("BIC", *about.bic, main=True)]
    if roll.random() < 0.5:
        other = words.GENRES[roll.choice(tuple(words.GENRES))]
        if other is not about:
            found += [Subject("BISAC", *other.bisac), Subject("Thema", *other.thema)]
    found += [Subject("Thema", *qualifier) for qualifier in words.QUALIFIERS if roll.random() < 0.35]
    if roll.random() < 0.3:
        found.append(Subject("InHouseSubject", "reading-groups", "Reading groups"))
    return tuple(found)


def _memberships(roll: Random, work: int, genre: str) -> tuple[Membership, ...]:
    fitting = [(number, name, subtitle) for number, (name, of, subtitle) in enumerate(words.SERIES) if of == genre]
    if not fitting or roll.random() < 0.4:
        return ()
    number, name, subtitle = fitting[0]
    series = Series(301 + number, name, subtitle, issn(number) if number % 2 else "", issn(number + 50) if number % 3 == 0 else "")
    return (Membership(work * 10 + 1, series, str(roll.randint(1, 24)) if roll.random() < 0.8 else ""),)


def _covers(roll: Random, work: int, title: str, published: date, products: tuple[Product, ...]) -> tuple[Cover, ...]:
    """One front cover for all formats; audio has a square one of its own now and then."""
    height = roll.choice((1050, 1200, 1500))
    designer = roll.choice(words.FAMILY)
    audio = tuple(product.id for product in products if "Audio" in product.kind)
    square = audio if audio and roll.random() < 0.5 else ()
    books = tuple(product.id for product in products if product.id not in square)
    made = published - timedelta(days=200)
    rest = (f"Front cover of {title}", f"© {made.year} Lantern & Quill", f"Design by {designer}", made)

    def cover(place: int, width: int, height: int, name: str, product_ids: tuple[int, ...]) -> Cover:
        id = work * 10 + place
        return Cover(id, width, height, 49_152 + mix(id) % 4096, f"{work}-{name}.jpg", *rest, product_ids)

    found = [cover(1, height * 2 // 3, height, "cover", books)] if books else []
    if square:
        found.append(cover(2, 1200, 1200, "audio-cover", square))
    return tuple(found)


def _prizes(roll: Random, work: int, product_ids: tuple[int, ...], published: date, today: date) -> tuple[Prize, ...]:
    if roll.random() > 0.05 or published > today:
        return ()
    return (Prize(work * 10 + 1, "Harbour Prize for a First Book", published.year, roll.choice(("01", "04", "05")), "GB", product_ids),)


def _runs(roll: Random, work: int, products: tuple[Product, ...], published: date) -> tuple[Run, ...]:
    printed = [product for product in products if product.is_print]
    return tuple(
        Run(
            work * 10 + place,
            f"First printing, {product.format}",
            published - timedelta(days=30),
            roll.choice(("80 gsm Munken Premium Cream", "70 gsm bulky news")),
            "Thread-sewn" if product.format == "Hardback" else "Perfect bound",
            roll.choice(("Matt lamination", "Spot UV")),
            roll.randrange(750, 9000, 250),
            (product.id,),
        )
        for place, product in enumerate(printed, start=1)
    )
