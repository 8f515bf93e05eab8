"""ONIX codes as Consonance shows them: an enumeration literal, and a code with its heading."""

from __future__ import annotations

from typing import Any

from include.titles import codelists

# ONIX 2.1's List 7 as far as the sandbox uses it; the other lists are read from EDItEUR's schema.
FORMS_21 = {
    "BB": "Hardback",
    "BC": "Paperback / softback",
    "DG": "Electronic book text",
    "AJ": "Downloadable audio file",
    "AC": "CD-Audio",
    "WX": "Multiple copy pack",
}


def literal(code: str | None) -> str | None:
    """`04` → `_04`, for enumerations whose names can't start with a digit; `BB` stays."""
    return f"_{code}" if code and code[0].isdigit() else code


def plain(name: str) -> str:
    return name.removeprefix("_")


def onix_code(number: int, code: str | None) -> dict[str, Any] | None:
    """The fields of an `ONIXCode` of list `number`; List 7 is ONIX 2.1's."""
    if code is None:
        return None
    heading = FORMS_21.get(code, "") if number == 7 else codelists.names(number).get(code, "")
    return {"code": code, "value": code, "description": heading, "notes": None, "isDeprecated": False, "codeList": {"codes": []}}
