"""What a statement says of itself, and a part of an exported file that is one, or that is nobody's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from include.store import Artefact

PDF, CSV = "application/pdf", "text/csv"
NUMBERLESS = "it has neither a number nor a contract: a second one of this period could not be told from a correction"


def reason(code: str, message: str, where: str = "", todo: str = "") -> dict[str, Any]:
    """Why something is held, as the ledger keeps it. Messages tell numbers and places; only the role sees them."""
    return {"code": code, "message": message, "where": where, "todo": todo}


@dataclass(frozen=True, slots=True)
class Said:
    """What is printed on a statement. `amount` is payable; None where the statement does not say or it can't be read."""

    payee: str = ""
    payee_number: str = ""
    number: str = ""
    period: str = ""
    contracts: tuple[str, ...] = ()
    amount: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One statement, cut out: `content` holds it and nothing else. `position` says where it was: `member.pdf, pages 4-6`. `reasons`:
    why it can go to nobody as it is; [] if nothing in the file speaks against it."""

    position: str
    media_type: str
    content: Artefact
    said: Said = field(default_factory=Said)
    layout: str = ""
    reasons: Sequence[dict[str, Any]] = field(default_factory=tuple)

    @property
    def extension(self) -> str:
        return {PDF: ".pdf", CSV: ".csv"}.get(self.media_type, "")


def money(text: str, decimal_point: str) -> Decimal | None:
    """An amount as printed: 1,234.56, (12.30), 12.30-, −5; None if it is no number."""
    plain = text.strip().replace("\u2212", "-").replace("\u00a0", "").replace(" ", "").replace("'", "")
    negative = plain.startswith("-") or plain.endswith("-") or (plain.startswith("(") and plain.endswith(")"))
    plain = plain.strip("()+-")
    thousands = "," if decimal_point == "." else "."
    if thousands in plain and not re.fullmatch(rf"\d{{1,3}}(\{thousands}\d{{3}})+(\{decimal_point}\d+)?", plain):
        return None
    plain = plain.replace(thousands, "").replace(decimal_point, ".")
    if not re.fullmatch(r"\d+(\.\d+)?", plain, re.ASCII):
        return None
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    return -value if negative and value else value
