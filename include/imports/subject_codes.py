"""Subject codes of a sheet: by their form and section, and code by code where the house has the list.

No list comes with us: BISAC's needs a licence of BISG's (its page names the 54 sections of the 2025 edition), BIC's is frozen and its
owner's, and ONIX names schemes only (List 27). A house that has a list puts it into `config/subjects/<scheme>.csv`, the codes in the first
column: EDItEUR gives Thema's away, BISG's licence comes with BISAC's. From then on only what is in it is a code.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from include.errors import ConfigurationError
from include.partners.registry import config_root

_BISAC = (
    "ANT ARC ART BIB BIO BUS CGN CKB COM CRA DES DRA EDU FAM FIC FOR GAM GAR HEA HIS HOM HUM JNF JUV LAN LAW LCO LIT MAT MED MUS NAT NON "
    "OCC PER PET PHI PHO POE POL PSY REF REL SCI SEL SOC SPO STU TEC TRA TRU TRV YAF YAN"
)


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme. `sections`: what a code may begin with; empty: anything of its form. `qualifiers`: codes that stand beside a subject."""

    name: str
    form: re.Pattern[str]
    like: str
    sections: frozenset[str] = frozenset()
    qualifiers: frozenset[str] = frozenset()

    def why_not(self, code: str, listed: Mapping[str, str]) -> str:
        """What is wrong with a code; empty: nothing that we can know. `listed`: the house's list, empty where it has none."""
        if listed:
            return "" if code in listed else f"{code} is not in config/subjects/{self.name.lower()}.csv{_near(code, listed)}"
        if not self.form.match(code):
            return f"{code}: no {self.name} code looks like this ({self.like})"
        if self.sections and not any(code.startswith(one) for one in (*self.sections, *self.qualifiers)):
            section = code[: len(next(iter(self.sections)))]
            return f"{code}: {self.name} has no section {section}{_near(section, dict.fromkeys(self.sections, ''))}"
        return ""


SCHEMES = {
    "bisac": Scheme("BISAC", re.compile(r"^[A-Z]{3}\d{6}$"), "FIC019000", frozenset(_BISAC.split())),
    "thema": Scheme("Thema", re.compile(r"^(?:[A-Z][A-Z0-9]{0,9}|[1-6][A-Z0-9]+(?:-[A-Z0-9]+)*)$"), "FBA, 1DDU",
                    frozenset("ACDFGJKLMNPQRSTUVWXY"), frozenset("123456")),
    "bic": Scheme("BIC", re.compile(r"^[A-Z1-5][A-Z0-9]{0,7}$"), "FA", frozenset("ABCDEFGHJKLMPRTUVWY"), frozenset("12345")),
    "nur": Scheme("NUR", re.compile(r"^\d{3}$"), "301"),
}  # fmt: skip


def house_list(scheme: str) -> dict[str, str]:
    """Code → heading of the list in `config/subjects`; empty where there is none. Raises `ConfigurationError` for a file without codes."""
    path = config_root() / "subjects" / f"{scheme}.csv"
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    return _read(scheme, path, changed)


@lru_cache(maxsize=8)
def _read(scheme: str, path: Path, changed: int) -> dict[str, str]:
    form = SCHEMES[scheme].form
    try:
        text = path.read_text(encoding="utf-8-sig")
        mark = max(",;\t", key=text[:4_000].count)
        rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=mark)]
    except (UnicodeDecodeError, csv.Error) as bad:
        raise ConfigurationError(f"the list can't be read: {bad}", where=str(path), todo="Save it as CSV UTF-8.") from bad
    found = {row[0].upper(): " ".join(row[1:2]) for row in rows if row and form.match(row[0].upper())}
    if not found:
        name = SCHEMES[scheme].name
        raise ConfigurationError(f"there is no {name} code in its first column", where=str(path), todo="Put the codes there, or remove it.")
    return found


def _near(code: str, known: Mapping[str, str]) -> str:
    close = get_close_matches(code, known, n=1, cutoff=0.6)
    return f"; near is {' '.join((close[0], known[close[0]])).strip()}" if close else ""
