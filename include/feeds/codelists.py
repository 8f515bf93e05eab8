"""ONIX code lists as data: code → heading, issue, whether it is deprecated.

Headings come from the schema modules that onixcheck carries unmodified (Issue 75; for ONIX 2.1 its last module), read
once per process in about 20 ms. The modules name no issue per code, so `codelist_issues.toml` holds what a comparison
of published modules gives: the first issue in which a code is *known* to be. It is never too early: a code may be held
back from a partner who could have read it, but none is sent that the partner can't know.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from lxml import etree

from include.errors import ConfigurationError

NEWEST = 75
Generation = Literal["2.1", "3"]
_MODULES: Mapping[str, str] = {"2.1": "xsd2.1", "3": "xsd3.1"}
_XS = "{http://www.w3.org/2001/XMLSchema}"
_NO_CODES: Mapping[str, Code] = {}


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a list. `added`: the first issue in which it is known to be, 0 for Issue 34 and before."""

    value: str
    label: str
    added: int
    deprecated: bool


@cache
def schema_folder() -> Path:
    """Folder of EDItEUR's schemas (`xsd2.1`, `xsd3.0`, `xsd3.1`). Raises `ConfigurationError` if onixcheck is not installed."""
    spec = find_spec("onixcheck")  # located, not imported: only its files are needed
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise ConfigurationError("onixcheck, which carries EDItEUR's schemas, is not installed", todo="Install requirements.txt.")
    return Path(next(iter(folders))) / "schema"


def is_known(number: int, code: str, issue: int = NEWEST, *, generation: Generation = "3") -> bool:
    """Whether list `number` has `code` at code-list issue `issue` (ONIX 2.1 has its own, last module: there the issue says nothing)."""
    entry = codes(number, generation=generation).get(code)
    return entry is not None and entry.added <= issue


def label(number: int, code: str, *, generation: Generation = "3") -> str:
    """The heading of a code, for example `label(150, "BC")` is `Paperback / softback`; "" for an unknown one."""
    entry = codes(number, generation=generation).get(code)
    return entry.label if entry else ""


def codes(number: int, *, generation: Generation = "3") -> Mapping[str, Code]:
    """A whole list by code; empty if there is no such list."""
    return _lists(generation).get(number, _NO_CODES)


@cache
def _lists(generation: Generation) -> Mapping[int, Mapping[str, Code]]:
    path = schema_folder() / _MODULES[generation] / "ONIX_BookProduct_CodeLists.xsd"
    tree = etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
    issues = _issues() if generation == "3" else {}
    lists: dict[int, Mapping[str, Code]] = {}
    for kind in tree.getroot().iterchildren(f"{_XS}simpleType"):
        number = kind.get("name", "").removeprefix("List")
        if number.isdigit():
            added = issues.get(int(number), {})
            entries = (_entry(element, added) for element in kind.iter(f"{_XS}enumeration"))
            lists[int(number)] = {entry.value: entry for entry in entries}
    return lists


def _entry(element: etree._Element, added: Mapping[str, int]) -> Code:
    value = element.get("value", "")
    texts = [(text.text or "").strip() for text in element.iter(f"{_XS}documentation")]
    note = texts[1] if len(texts) > 1 else ""
    return Code(value, texts[0] if texts else "", added.get(value, 0), "deprecated" in note[:60].lower())


@cache
def _issues() -> Mapping[int, Mapping[str, int]]:
    data = tomllib.loads((Path(__file__).with_name("codelist_issues.toml")).read_text(encoding="utf-8"))
    return {
        int(number): {code: int(issue) for issue, names in by_issue.items() for code in names.split()} for number, by_issue in data.items()
    }
