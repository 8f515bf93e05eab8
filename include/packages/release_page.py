"""The overview of a release as one HTML page that needs nothing else: which format is late and why, assets, dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from include.readiness.sheet import chip, page_head, short, spelt

_MORE = """<style>
.formats { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: .9rem; margin: 0 0 1.4rem; }
.formats section { border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; break-inside: avoid; }
.formats h3 { margin: 0 0 .1rem; font-size: 1.05rem; display: flex; justify-content: space-between; gap: .5rem; align-items: start; }
.formats p { margin: .25rem 0 0; }
.late-why { color: #8A1F14; }
table.plain { width: 100%; border-collapse: collapse; font-size: 13px; }
.plain th { text-align: left; color: var(--soft); font-weight: 600; border-bottom: 1.5px solid var(--ink); padding: .3rem .8rem .3rem 0; }
.plain td { border-top: 1px solid var(--line); padding: .3rem .8rem .3rem 0; vertical-align: top; overflow-wrap: anywhere; }
.plain td:first-child, .plain .day { white-space: nowrap; }
.plain tr { break-inside: avoid; }
</style>
"""
_WORDS = {"approved": "done", "missing": "missing", "rejected": "late", "waits for approval": "open", "not reviewed": "open"}


def page(told: Mapping[str, Any], publisher: str) -> str:
    """`told` is what `include.packages.releases.tell` gives."""
    formats = told["formats"]
    late = [one for one in formats if one["state"] == "late"]
    summary = (
        f"{_listed([one['format'] for one in late])} {'is' if len(late) == 1 else 'are'} late."
        if late
        else "All formats are ready." if all(one["state"] in {"ready", "published"} for one in formats) else "Nothing is late."
    )  # fmt: skip
    day = spelt(date.fromisoformat(told["release"]))
    about = " · ".join(escape(str(part)) for part in (told["contributors"], told["imprint"], told["season"]) if part)
    return (
        page_head(f"{told['title'][:120]}, {told['release']}")
        + _MORE
        + f"<header><div><h1>{short(told['title'])}</h1><p>{about}</p></div><p>{escape(publisher)}<br>Release of {day}</p></header>\n"
        + f"<p><b>{short(summary)}</b></p>\n"
        + f'<div class="formats">{"".join(_card(one) for one in formats)}</div>\n'
        + _given_up(told["given_up"])
        + _others(told["other_formats"])
        + _assets(told["assets"])
        + _dates(told["dates"])
        + "".join(_checklist(one) for one in formats)
        + "</body>\n</html>\n"
    )


def moved_page(title: str, old: str, days: Sequence[str], publisher: str) -> str:
    """What stands in the place of a release that is on another day now."""
    new = f"It is on {_listed(days)} now." if days else "It has no date now."
    return (
        page_head(f"{title[:120]}, {old}")
        + f"<header><div><h1>{short(title)}</h1><p>{escape(publisher)}</p></div></header>\n"
        + f"<p><b>The release of {escape(old)} has moved.</b> {escape(new)}</p>\n</body>\n</html>\n"
    )


def _card(one: Mapping[str, Any]) -> str:
    why = f'<p class="{"late-why" if one["state"] == "late" else "soft"}">{short(one["why"])}</p>' if one["why"] else ""
    risk = f" {chip(one['risk'], one['risk'] + ' risk')}" if one["risk"] else ""
    return (
        f"<section><h3><span>{short(one['format'] or one['form'])}</span><span>{chip(one['state'])}{risk}</span></h3>"
        f'<p class="soft">{escape(one["isbn"])} · {one["done"]} of {one["wanted"]} checks done</p>{why}</section>\n'
    )


def _given_up(rows: Iterable[Mapping[str, Any]]) -> str:
    named = [f"{short(row['format'])} ({escape(row['isbn'])}): {escape(row['status'])}" for row in rows]
    return f"<p><b>Not coming out any more:</b> {'; '.join(named)}</p>\n" if named else ""


def _others(rows: Iterable[Mapping[str, Any]]) -> str:
    told = [f"{escape(row['format'])}: {escape(row['publication_date'] or 'no date')}" for row in rows]
    return f'<p class="soft">Other formats of this work: {"; ".join(told)}</p>\n' if told else ""


def _assets(rows: Iterable[Mapping[str, Any]]) -> str:
    cells = [
        (
            short(row["asset"]) + (f' <span class="soft">{short(row["part"])}</span>' if row.get("part") else ""),
            short(row["format"]) or "whole work",
            chip(_WORDS.get(row["state"], ""), row["state"]),
            short(row.get("name", "")) + (f' <span class="soft">revision {short(row["revision"])}</span>' if row.get("revision") else ""),
            short(row.get("preflight", "")),
        )
        for row in rows
    ]
    return _table("Assets", ("Asset", "Format", "State", "File", "Preflight"), cells)


def _dates(rows: Iterable[Mapping[str, Any]]) -> str:
    cells = [(escape(row["date"]), short(row["what"]), escape(row["isbn"]), chip(row["state"]), short(row["message"])) for row in rows]
    return _table("Dates", ("Day", "What", "ISBN", "State", ""), cells)


def _checklist(one: Mapping[str, Any]) -> str:
    order = ("late", "missing", "done", "not asked")
    cells = [
        (
            chip(check["state"]),
            short(check["name"]),
            f'<span class="day">{escape(check["due"])}</span>',
            short(check["message"]),
            short(check["todo"]),
        )
        for check in sorted(one["checks"], key=lambda check: order.index(check["state"]))
    ]
    return _table(f"Checklist: {one['format'] or one['form']}, {one['isbn']}", ("State", "Check", "Due", "Found", "To do"), cells)


def _table(heading: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(one)}</th>" for one in headings)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return f'<h2>{short(heading)}</h2>\n<table class="plain">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n'


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
