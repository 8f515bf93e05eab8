"""What is to be made: a file of one kind for one title, as its sender would have made it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from zlib import crc32

from sandbox.catalogue.chance import dice
from sandbox.catalogue.facts import Product, Work
from sandbox.catalogue.people import statement

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_PROMOTIONAL = {"mp4": "trailer", "png": "banner", "jpg": "packshot", "pdf": "sell sheet"}
NAMINGS = ("isbn", "title", "reference", "contract", "none")


@dataclass(frozen=True, slots=True)
class Order:
    """One file. The same order makes the same bytes, always.

    `product` is the edition that the file belongs to. `part`: jacket, cover, 01 (a chapter), credits …; `format`: the extension;
    `size`: bytes at least, of a picture; `seconds`: of sound or film; `naming`: what the sender's file name says of the title;
    `pages`: of a manuscript or scan. `seed` makes another file of the same sort.
    """

    work: Work
    product: Product | None
    kind: str
    format: str
    part: str = ""
    revision: str = ""
    defect: str = ""
    naming: str = "isbn"
    size: int = 0
    seconds: float = 0
    pages: int = 0
    colour: str = ""
    pdfx: str = ""
    seed: int = 1

    @property
    def roll(self) -> Random:
        said = "|".join((self.kind, self.part, self.revision, self.format, self.defect))
        return dice(81, self.work.id, self.product.id if self.product else 0, self.seed, crc32(said.encode()))

    @property
    def title(self) -> str:
        """The title as people write it, without characters that no name may have; "Untitled" where there is none."""
        title = self.product.full_title if self.product and self.product.full_title else self.work.title
        return " ".join(_FORBIDDEN.sub(" ", title or "Untitled").split())

    @property
    def author(self) -> str:
        return statement(self.work.contributions) or "Anonymous"

    @property
    def isbn(self) -> str:
        return (self.product.isbn if self.product else None) or ""

    @property
    def made(self) -> date:
        """When the file was made: some months before publication, later with each revision."""
        published = self.product.publication_date if self.product else None
        first = (published or date(2026, 6, 1)) - timedelta(days=200)
        return first + timedelta(days=9 * int(re.sub(r"\D", "", self.revision) or 0))

    @property
    def stamp(self) -> tuple[int, int, int, int, int, int]:
        """`made` as zip members have it."""
        day = max(self.made, date(1980, 1, 1))
        return (day.year, day.month, day.day, 10, 30, 0)


def called(order: Order) -> str:
    """The file name that the sender gives: what it says of the title, of the kind and of the revision, in the sender's own way."""
    title = order.title
    lead = {
        "isbn": order.isbn or title,
        "title": title,
        "reference": order.work.reference,
        "contract": str(order.work.contract.id),
        "none": "",
    }[order.naming]
    revision = order.revision
    tight = f"_r{revision}" if revision else ""
    loose = f" v{revision}" if revision else ""
    what = {
        "manuscript": f" manuscript{loose}",
        "questionnaire": f"_author_questionnaire{tight}",
        "permission": f" permission{f' {order.part}' if order.part else ''}{loose}",
        "artwork": f"_artwork{f'_{order.part}' if order.part else ''}{tight}",
        "jacket": f"_{(order.part or 'jacket').replace(' ', '_')}{tight}",
        "interior": f"_{order.part or 'text'}{tight}",
        "ebook": f"_ebook{tight}" if order.naming != "isbn" or revision else "",
        "audio": f"_{order.part or '01'}".replace(" ", "_") + tight,
        "promotional": f"_{(order.part or _PROMOTIONAL.get(order.format, '')).replace(' ', '_')}{tight}",
        "contract": f" contract{f' {order.work.contract.id}' if order.naming != 'contract' else ''} signed{loose}",
        "statement": f" royalty statement {order.made:%Y-%m-%d}",
        "letter": f" letter to contract{f' {order.work.contract.id}' if order.naming != 'contract' else ''}",
    }[order.kind]
    stem = f"{lead}{what}" if lead else what.strip(" _")
    return f"{stem or 'untitled'}.{order.format}"
