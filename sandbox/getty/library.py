"""About 120 images as Getty would tell them, the same for every seed, and real JPEG files for them.

Prose of terms is worded as public examples of Getty's are. How Getty fills `territory_restrictions` (types, codes of two or
three letters) is not published: both kinds of code are here, and words of ours.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from io import BytesIO
from typing import Any

from sandbox.catalogue.chance import dice

Row = dict[str, Any]
CREATIVE, EDITORIAL = 84, 36
FIRST_ID = 1_420_770_000
PREMIUM, NEWS, ENDED = 5101, 6203, 4077  # ids of the products
ALL_USES = "Available for all permitted uses under our |License Terms|."
EDITORIAL_PROSE = (
    "Contact your local office for all commercial or promotional uses. Full editorial rights UK, US, Ireland, Canada (not Quebec)."
    " Restricted editorial rights for daily newspapers elsewhere, please call."
)
_SCENES = (
    ("Lighthouse on a rocky shore at dusk", "lighthouse coast sea dusk storm beacon"),
    ("Misty harbour with fishing boats", "harbour boat fishing mist morning sea"),
    ("Footpath through an autumn orchard", "orchard autumn path tree apple light"),
    ("Old letters tied with string", "letter paper string memory old archive"),
    ("Woman reading by a window", "woman reading window book portrait light"),
    ("Cartographer's desk with brass compass", "map compass desk brass travel history"),
    ("Empty railway platform in the rain", "station railway platform rain night"),
    ("Fox crossing a snowy field", "fox snow winter field animal wild"),
    ("Glasshouse full of ferns", "glasshouse fern plant garden green"),
    ("Child running along a beach", "child running beach summer sea family"),
    ("Detective in a narrow street", "detective street night fog crime silhouette"),
    ("Stone bridge over a river", "bridge river stone landscape water"),
    ("Kitchen table with bread and salt", "kitchen bread salt table food still life"),
    ("Spiral galaxy above a mountain", "galaxy star mountain night sky science"),
    ("Clockmaker's hands at work", "clock hands workshop craft time brass"),
    ("Ferry in northern light", "ferry boat north island sea light"),
    ("Soldiers' memorial at dawn", "memorial history dawn war remembrance"),
    ("Tower blocks from above", "city tower architecture urban roof"),
    ("Wild meadow with poppies", "meadow poppy summer flower landscape"),
    ("Library with tall shelves", "library book shelf archive study interior"),
    ("Marsh under low clouds", "marsh cloud bird wetland landscape"),
)
_NEWS = (
    ("Protest outside the assembly", "protest crowd politics city news", "news"),
    ("Authors at a literary festival", "author festival literature portrait prize", "entertainment"),
    ("Flooded village from the air", "flood village river news weather", "news"),
    ("Queen's carriage in procession", "procession royal crowd ceremony", "royal"),
    ("Ferry workers on strike, archive", "ferry strike harbour archive history", "archival"),
    ("Marathon runners in the rain", "marathon runner rain sport city", "sport"),
)
_ARTISTS = ("Ingrid Halvorsen", "Tomasz Wilk", "Amara Osei", "Lucía Ferrer", "Callum Reid", "Mei Tanaka")


@lru_cache(maxsize=4)
def library(seed: int, today: date) -> dict[str, Row]:
    """Whole images by id. Not to be changed: the state keeps copies."""
    rows = [_creative(seed, today, number) for number in range(CREATIVE)]
    rows += [_editorial(seed, today, number) for number in range(EDITORIAL)]
    return {row["id"]: row for row in rows}


def id_of(number: int) -> str:
    """Creative images first, editorial ones from number 84 on."""
    return str(FIRST_ID + number * 37)


def _creative(seed: int, today: date, number: int) -> Row:
    roll = dice(seed, 81, number)
    title, words = _SCENES[number % len(_SCENES)]
    people = "woman" in words or "child" in words or "detective" in words
    only_editorial = number % 17 == 11
    row = _image(seed, today, number, title, words, _ARTISTS[roll.randrange(len(_ARTISTS))])
    row |= {
        "asset_family": "creative",
        "license_model": "royaltyfree",
        "collection_code": "LQS",
        "collection_id": 771,
        "collection_name": "Stone",
        "product_types": ["royaltyfree"],
        "download_product": f"premiumaccess:{PREMIUM}",
        "allowed_use": {
            "how_can_i_use_it": ALL_USES,
            "release_info": "Model released" if people else ("Property released", "No release required")[number % 2],
            "usage_restrictions": [],
            "editorial_use_only": only_editorial,
        },
    }
    if number % 21 == 13:
        row["territory_restrictions"] = [
            {"country_code": ("DEU", "FR")[number % 2], "type": "restricted", "description": "Not available for licence here."}
        ]
    if number % 19 != 18:  # the others are outside our agreement
        row["options"] = [(PREMIUM, "premiumaccess", "LQ Premium Access")]
    return row


def _editorial(seed: int, today: date, number: int) -> Row:
    title, words, segment = _NEWS[number % len(_NEWS)]
    managed = number % 5 in {2, 4}
    row = _image(seed, today, CREATIVE + number, title, words, _ARTISTS[number % len(_ARTISTS)])
    row |= {
        "asset_family": "editorial",
        "license_model": "rightsmanaged" if managed else "royaltyfree",
        "collection_code": "LQN",
        "collection_id": 902,
        "collection_name": "News Archive",
        "product_types": ["editorialsubscription"],
        "download_product": "" if managed else f"editorialsubscription:{NEWS}",
        "editorial_segments": [segment],
        "people": ["Ada Quill"] if segment == "entertainment" else [],
        "call_for_image": number % 10 == 4,
        "allowed_use": {
            "how_can_i_use_it": ALL_USES,
            "release_info": "No release required",
            "usage_restrictions": [EDITORIAL_PROSE] if managed or number % 4 == 1 else [],
            "editorial_use_only": True,
        },
    }
    if not managed:
        row["options"] = [(NEWS, "editorialsubscription", "LQ Editorial")]
    return row


def _image(seed: int, today: date, number: int, title: str, words: str, artist: str) -> Row:
    roll = dice(seed, 82, number)
    id, taken = id_of(number), today - timedelta(days=roll.randint(200, 4000))
    upright = number % 3 == 0
    width, height = (4016, 6024) if upright else (6024, 4016)
    keywords = words.split()
    return {
        "id": id,
        "title": title,
        "caption": f"{title}. {keywords[0].capitalize()} and {keywords[1]}.",
        "artist": artist,
        "copyright": f"{taken.year} {artist}",
        "credit_line": f"{artist}/Getty Images",
        "call_for_image": False,
        "date_created": f"{taken}T00:00:00" if number % 4 else f"{taken}T00:00:00-08:00",
        "date_submitted": f"{taken + timedelta(days=3)}T09:30:00Z",
        "graphical_style": "photography",
        "orientation": "Vertical" if upright else "Horizontal",
        "quality_rank": 1 + number % 3,
        "max_dimensions": {"width": width, "height": height},
        "keywords": [
            {"keyword_id": str(60000 + len(word) * 97 + ord(word[0])), "text": word, "type": "Unknown", "relevance": 0} for word in keywords
        ],
        "city": "London",
        "country": "United Kingdom",
        "object_name": f"lq{id}",
        "people": [],
        "editorial_segments": [],
        "options": [],
        "size": 9_000_000 + roll.randrange(9_000_000),
    }


@lru_cache(maxsize=64)
def jpeg(id: str, upright: bool, title: str) -> bytes:
    """A small real picture."""
    from PIL import Image, ImageDraw

    roll = dice(83, int(id))
    width, height = (640, 960) if upright else (960, 640)
    sky, ground = (tuple(roll.randrange(40, 220) for _ in range(3)) for _ in range(2))
    image = Image.new("RGB", (width, height), sky)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.6, width, height), fill=ground)
    x, y, radius = roll.uniform(0.2, 0.8) * width, roll.uniform(0.2, 0.5) * height, 0.12 * width
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(255 - part for part in sky))
    draw.text((20, height - 30), f"{id} {title}", fill="white")
    file = BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()
