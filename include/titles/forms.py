"""Product forms: from ONIX 2.1 (List 7), which Consonance speaks, to ONIX 3 (List 150), composition (List 2) and details (List 175).

Most codes are the same in both lists. What ONIX 3 dropped or moved is in `MOVED`; electronic text became a matter of how
it is delivered, and the file format moved into the details, which only the house's own format names tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from include.partners.model import House

MOVED = {
    "DD": "VI",  # DVD: DVD video
    "DG": "EA",  # electronic book text: digital, delivered electronically
    "DH": "EC",  # online resource: digital online
    "DO": "LB",  # digital product licence key; DO itself means BR-ROM in List 150
    "FB": "FF",  # film
    "VB": "VJ",  # VHS in its three standards
    "VC": "VJ",
    "VG": "VJ",
    "VD": "VK",  # Betamax in its three standards
    "VE": "VK",
    "VH": "VK",
}
# Codes that say only the kind of product, and how the codes of that kind start. WW (mixed media) and WX (multiple-copy pack)
# have no one successor in List 150: only the house knows how such a product is packed.
_WIDE = {"": "", "00": "", "AA": "A", "BA": "B", "DA": "D", "EA": "E", "VA": "V", "ZA": "Z", "WW": "S", "WX": "X"}


@dataclass(frozen=True, slots=True)
class Form:
    form: str = ""  # List 150
    details: tuple[str, ...] = ()  # List 175
    composition: str = "00"  # List 2


def form_of(listed: str, format: str, house: House) -> Form:
    """The form of a product with List 7 code `listed` and in-house format name `format`.

    Consonance's code says what the product is; the house's format makes it exact where the code says only the kind
    (electronic text, book, audio) or nothing, and brings the details. Where the two contradict each other, the code holds
    and no detail is added. A code that List 150 does not have is kept as it is: the feed's gate says so.
    """
    form = MOVED.get(listed, listed)
    known = _known(format, house)
    if known and (known[0] == form or (form in _WIDE and known[0].startswith(_WIDE[form]))):
        return Form(known[0], tuple(known[1:]), _composition(known[0]))
    return Form(form, (), _composition(form))


def _known(format: str, house: House) -> tuple[str, ...]:
    if format in house.formats:
        return house.formats[format]
    folded = format.casefold()
    return next((known for name, known in house.formats.items() if name.casefold() == folded), ())


def _composition(form: str) -> str:
    if form.startswith("S"):
        return "10"  # multiple-component retail product
    if form in {"XL", "XM", "XN", "XC", "XE", "XO"}:
        return "30"  # multiple-item trade-only pack
    if form.startswith("X"):
        return "20"  # trade-only product
    return "00"
