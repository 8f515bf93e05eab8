"""How the pages say things: times, sizes, states, codes, XML. Functions for templates; nothing here reads anything."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from markupsafe import Markup, escape

from include.errors import ConfigurationError
from include.ledger.intake import shown_path
from include.titles import codelists

TONES = {
    "good": {
        "delivered",
        "acknowledged",
        "sent",
        "accepted",
        "processed",
        "unchanged",
        "well",
        "approved",
        "attached",
        "ready",
        "verified",
        "confirmed",
        "matched",
        "cleared",
        "resolved",
    },
    "busy": {
        "prepared",
        "sending",
        "pending",
        "received",
        "arriving",
        "built",
        "open",
        "waiting",
        "listing",
        "moving",
        "loaded",
        "handed over",
        "checked",
        "applying",
    },
    "ask": {
        "awaiting approval",
        "held",
        "accepted with errors",
        "partly",
        "to review",
        "proposed",
        "unmatched",
        "conflict",
        "terms required",
        "review",
    },
    "bad": {
        "failed",
        "rejected",
        "overdue",
        "not delivered",
        "no answer",
        "to mend",
        "quarantined",
        "late",
        "stopped",
        "unreadable",
        "unbalanced",
        "incomplete",
        "missing",
        "bad",
        "blocked",
        "expired",
    },
}
_XML = re.compile(r"(<!--.*?-->)|(<[/?!]?)([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)(\s*[/?]?>)|([^<]+|<)", re.DOTALL)

_TAG = Markup('<span class="x-mark">{}</span><span class="x-name">{}</span><span class="x-attr">{}</span><span class="x-mark">{}</span>')


def tone(state: str) -> str:
    """The colour of a state: good, busy, ask, bad or off."""
    return next((name for name, states in TONES.items() if state in states), "off")


def badge(state: str, title: str = "") -> Markup:
    """A state as a coloured label; the words carry the meaning, the colour only repeats it."""
    hint = Markup(' title="{}"').format(title) if title else ""
    return Markup('<span class="badge {}"{}>{}</span>').format(tone(state), hint, state)


def moment(at: datetime | None, absent: str = "–") -> Markup:
    """A time in UTC. The page's script shows it in the time zone chosen in Airflow."""
    if at is None:
        return Markup('<span class="dim">{}</span>').format(absent)
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(utc.isoformat(timespec="seconds"), f"{utc:%-d %b %Y, %H:%M} UTC")


def stamp(at: datetime | None, now: datetime) -> Markup:
    """A time for a narrow column, whose heading names the zone; the year only where it is another one."""
    if at is None:
        return Markup('<span class="dim">–</span>')
    utc = at.astimezone(UTC)
    year = "" if utc.year == now.astimezone(UTC).year else f" {utc.year}"
    return Markup('<time class="narrow" datetime="{}" title="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%-d %b %Y, %H:%M:%S} UTC", f"{utc:%-d %b}{year}, {utc:%H:%M}"
    )


def apart(at: datetime | None, now: datetime) -> str:
    """How far a time is from now: "3 h ago", "in 20 min"."""
    if at is None:
        return ""
    distance = abs(now - at)
    if distance < timedelta(minutes=1):
        return "now"
    units = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))
    unit, name = next((unit, name) for unit, name in units if distance >= unit)
    said = f"{distance // unit} {name}"
    return f"{said} ago" if at < now else f"in {said}"


def size(number: int | None) -> str:
    """Bytes for people, in powers of ten."""
    if number is None:
        return "–"
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 99.5 else f"{value:.1f} {unit}"
        value /= 1000
    return ""


def seconds(number: float | None) -> str:
    """A duration for people."""
    if number is None:
        return "–"
    if number < 60:
        return f"{number:.1f} s"
    return str(timedelta(seconds=round(number)))


def number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def code(list_number: int, value: str) -> str:
    """A code of an ONIX code list with its heading: "BB Hardback"."""
    if not value:
        return "–"
    try:
        heading = codelists.names(list_number).get(value, "")
    except ConfigurationError:
        heading = ""
    return f"{value} {heading}".strip()


def isbn(value: str) -> Markup:
    """An ISBN that can be read and copied: grouped by eye, whole in the text."""
    if len(value) != 13 or not value.isdigit():
        return Markup('<span class="mono">{}</span>').format(value or "no ISBN")
    parts = (value[:3], value[3], value[4:12], value[12])
    return Markup('<span class="mono isbn">{}</span>').format(Markup("").join(Markup("<span>{}</span>").format(part) for part in parts))


def short(digest: str, length: int = 12) -> Markup:
    """The start of a sha256, with all of it in the title."""
    if not digest:
        return Markup('<span class="dim">–</span>')
    return Markup('<code class="digest" title="{}" data-copy="{}">{}</code>').format(digest, digest, digest[:length])


def xml(text: str) -> Markup:
    """XML with its tags set apart and its lines set in by depth. What does not look like XML is shown as it is."""
    if not text.lstrip().startswith("<"):
        return escape(text)
    out: list[Markup] = []
    depth, fresh = 0, True
    for comment, opens, name, attributes, closes, rest in _XML.findall(text):
        if rest:
            out.append(escape(rest.rstrip(" ") if rest.endswith(" ") and "\n" in rest else rest))
            fresh = rest.endswith("\n")
            continue
        depth -= opens == "</"
        if fresh:
            out.append(escape("  " * max(depth, 0)))
        fresh = False
        out.append(Markup('<span class="x-note">{}</span>').format(comment) if comment else _TAG.format(opens, name, attributes, closes))
        depth += opens == "<" and "/" not in closes
    return Markup("").join(out)


def event_words(event: Any) -> str:
    """One event's detail in a line: what it moved from, how often, why."""
    detail = dict(event.detail or {})
    parts = []
    if "from" in detail:
        detail.pop("from")
    for name, value in detail.items():
        if name == "reasons":
            parts += [str(reason.get("message") or reason.get("code", "")) for reason in value]
        elif value not in ("", None, 0, False, [], {}):
            parts.append(f"{name.replace('_', ' ')}: {value}" if value is not True else name.replace("_", " "))
    return " · ".join(parts)


def clues(kept: dict[str, Any]) -> str:
    """What an arrival's name and content say, in a line."""
    names = ("isbns", "wrong_isbns", "title", "contributor", "dated", "revision", "work_references", "contract_ids")
    said = {name.replace("_", " ").removesuffix("s"): kept[name] for name in names if kept.get(name)}
    return "; ".join(f"{name} {', '.join(map(str, value)) if isinstance(value, list | tuple) else value}" for name, value in said.items())


def measures(facts: dict[str, Any] | None) -> str:
    """Of a file's facts what people want to see at once; what is not as expected is left out."""
    facts = facts or {}
    said = []
    if isinstance(pages := facts.get("pages"), int):
        said.append(f"{pages:,} page{'' if pages == 1 else 's'}")
    for name, unit in (("trim_mm", "mm"), ("pixels", "px")):
        sides = facts.get(name)
        if isinstance(sides, list | tuple) and len(sides) == 2 and all(isinstance(side, int | float) for side in sides):
            said.append(f"{' × '.join(f'{round(side, 1):,}'.removesuffix('.0') for side in sides)} {unit}")
    if isinstance(length := facts.get("seconds"), int | float):
        said.append(seconds(length))
    return " · ".join(said)


def money(amount: Decimal | str, currency: str = "") -> str:
    """Every digit of an exact amount, at least as many places as the currency has: `1,234.50 GBP`."""
    exact = Decimal(str(amount))
    usual = get_currency_precision(currency) if currency else 2
    written = exact.normalize().as_tuple().exponent
    places = max(usual, -written if isinstance(written, int) else 0)
    return f"{exact:,.{places}f} {currency}".rstrip()


def is_zero(amount: object) -> bool:
    """Whether a difference is none, however many zeros it is written with; also where there is none to be had."""
    return amount in {None, ""} or not Decimal(str(amount))


def rounded(value: float) -> str:
    """A label of a picture: 980, 12k, 3.4M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            short_form = value / (1e3 if letter == "k" else size)
            return f"{short_form:.0f}{letter}" if abs(short_form) >= 10 else f"{short_form:.1f}{letter}"
    return f"{value:,.0f}"


MODELS = {"royaltyfree": "royalty-free", "rightsmanaged": "rights-managed", "rightsready": "rights-ready"}


def licence_model(name: str) -> str:
    """Getty's word for a licence's model, as people write it."""
    return MODELS.get(name, name)


def licence_use(use: str) -> str:
    """What a licence came by: the key of a download names product and second, and a person wants to read the day."""
    found = re.fullmatch(r"download (\d+) (\S+)", use)
    try:
        return f"downloaded {datetime.fromisoformat(found[2]):%-d %b %Y}, product {found[1]}" if found else use
    except ValueError:
        return use


FILTERS = {
    "apart": apart,
    "badge": badge,
    "clues": clues,
    "event_words": event_words,
    "is_zero": is_zero,
    "isbn": isbn,
    "licence_model": licence_model,
    "licence_use": licence_use,
    "measures": measures,
    "money": money,
    "moment": moment,
    "number": number,
    "rounded": rounded,
    "seconds": seconds,
    "short": short,
    "shown_path": shown_path,
    "size": size,
    "stamp": stamp,
    "tone": tone,
    "xml": xml,
}
