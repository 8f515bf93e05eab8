"""EDItEUR's code lists (Issue 75), read from the schema that onixcheck carries unmodified.

Read once per process, on first use: 1.4 MB of XSD is about a tenth of a second.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

from include.errors import ConfigurationError

XS = "{http://www.w3.org/2001/XMLSchema}"


@cache
def codes(number: int) -> frozenset[str]:
    """All codes of list `number` (for example 49, 150). Raises `ConfigurationError` if there is no such list."""
    lists = _all()
    if number not in lists:
        raise ConfigurationError(f"there is no ONIX code list {number}", where=str(_path()))
    return frozenset(lists[number])


@cache
def names(number: int) -> dict[str, str]:
    """Code to heading of list `number`."""
    codes(number)
    return dict(_all()[number])


@cache
def _path() -> Path:
    # The package is located, not imported: its own imports are not needed for reading a file.
    spec = find_spec("onixcheck")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise ConfigurationError("onixcheck is not installed", todo="Install requirements.txt.")
    return Path(next(iter(folders))) / "schema" / "xsd3.1" / "ONIX_BookProduct_CodeLists.xsd"


@cache
def _all() -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for _, kind in etree.iterparse(str(_path()), tag=f"{XS}simpleType", resolve_entities=False, no_network=True):
        name = kind.get("name", "")
        if name.startswith("List") and name[4:].isdigit():
            values = kind.iterfind(f"{XS}restriction/{XS}enumeration")
            found[int(name[4:])] = {value.get("value", ""): (value.findtext(f".//{XS}documentation") or "").strip() for value in values}
        kind.clear()
    return found
