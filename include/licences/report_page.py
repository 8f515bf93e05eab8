"""The report of open flags as one HTML page that needs nothing else: for a mail, a screen, paper.

Everything from outside is escaped; there is no script. Colours repeat what words say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from html import escape
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

if TYPE_CHECKING:
    from include.licences.report import Line

MOST = 300  # flags of one team on the page; the workbook has all
LONGEST = 400  # characters of a text on the page
_STYLE = """
:root { --ink: #1d2733; --soft: #5d6875; --line: #dfe3e8; --bar: #7c93b2; }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 2.2rem; font: 14px/1.45 system-ui, "Segoe UI", Roboto, Arial, sans-serif; color: var(--ink);
  background: #fff; }
h1 { font-size: 1.55rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
p { margin: .2rem 0 .6rem; }
.soft { color: var(--soft); }
.numbers { display: flex; flex-wrap: wrap; gap: .4rem 1.6rem; margin: 1rem 0 .4rem; padding: 0; list-style: none; }
.numbers b { font-size: 1.35rem; font-weight: 600; margin-right: .35rem; }
.causes { margin: 0; color: var(--soft); font-size: 13px; gap: .1rem 1.1rem; }
.causes b { font-size: 13px; color: var(--ink); }
.ends { display: block; margin: .8rem 0 0; width: 100%; max-width: 54rem; height: auto; }
.ends text { font: 11px system-ui, Arial, sans-serif; fill: #5d6875; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 600; font-size: 12px; color: var(--soft); border-bottom: 1.5px solid var(--ink);
  padding: .35rem 1rem .35rem 0; vertical-align: bottom; }
td { padding: .55rem 1rem .55rem 0; vertical-align: top; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
tbody tr:first-child td { border-top: 0; }
td.short, .day { white-space: nowrap; }
td.what { min-width: 18rem; width: 50%; }
td.named { min-width: 10.5rem; }
td small { display: block; color: var(--soft); font-size: 12.5px; }
.chip { display: inline-block; padding: 0 .5rem; border-radius: 9px; font-size: 12px; font-weight: 600; line-height: 1.6;
  white-space: nowrap; background: #eef1f5; color: #3a4a5e; }
.chip.blocks { background: #f8d3cf; color: #8a1f14; }
.chip.soon { background: #fbebc8; color: #6b4a00; }
footer { margin-top: 1.8rem; padding-top: .7rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 12.5px;
  max-width: 60rem; }
@media (max-width: 1000px) { body { padding: 1rem; } td.named { min-width: 6rem; } td.what { min-width: 11rem; width: auto; }
  th, td { padding-right: .7rem; } }
@page { size: A4 landscape; margin: 12mm; }
@media print { body { padding: 0; font-size: 9pt; } thead { display: table-header-group; } tr { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


class Page:
    """Takes lines one by one, which come by team. `summary` as `report.summary_of`, `months` as `report.ends_by_month` give them."""

    def __init__(
        self,
        out: BinaryIO,
        publisher: str,
        today: date,
        summary: Mapping[str, Counter[str]],
        months: Mapping[str, int],
        heading: str = "",
        remark: str = "",
    ) -> None:
        self._out, self._publisher, self._today, self._summary, self._months = out, publisher, today, summary, months
        self._heading = heading or "Licences of images: what must be done"
        self._remark = remark
        self._team: str | None = None
        self._shown = 0

    def __enter__(self) -> Self:
        total = sum(count for causes in self._summary.values() for cause, count in causes.items() if cause != "blocking")
        blocking = sum(causes["blocking"] for causes in self._summary.values())
        self._write(
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{escape(self._heading)}</title><style>{_STYLE}</style></head><body>\n"
            f'<header><h1>{escape(self._heading)}</h1><p class="soft">{escape(self._publisher)}, {self._today:%-d %B %Y}</p>\n'
            f'<ul class="numbers"><li><b>{total:,}</b>{"flag" if total == 1 else "flags"} to settle</li>'
            f"<li><b>{blocking:,}</b>{'stops' if blocking == 1 else 'stop'} deliveries</li>"
        )
        causes: Counter[str] = Counter()
        for of_team in self._summary.values():
            causes.update({cause: count for cause, count in of_team.items() if cause != "blocking"})
        self._write('</ul>\n<ul class="numbers causes">')
        self._write("".join(f"<li><b>{count:,}</b>{escape(cause)}</li>" for cause, count in causes.most_common()))
        remark = f"<p>{escape(self._remark)}</p>" if self._remark else ""
        self._write(f"</ul>{_picture(self._months)}{remark}</header>\n")
        if not total:
            self._write('<p class="soft">Nothing is to be done.</p>\n')
        return self

    def add(self, line: Line) -> None:
        if line.team != self._team:
            self._end_of_team()
            self._team, self._shown = line.team, 0
            count = sum(n for cause, n in self._summary.get(line.team, Counter()).items() if cause != "blocking")
            name = (line.team or "nobody is named").replace("_", " ").capitalize()
            self._write(
                f'<h2>{escape(name)} <span class="soft">{count:,}</span></h2>\n<table><thead><tr><th>Due</th>'
                "<th>Cause</th><th>Image</th><th>Title</th><th>Licence</th><th>What</th></tr></thead><tbody>\n"
            )
        self._shown += 1
        if self._shown <= MOST:
            self._write(_row(line, self._today))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._end_of_team()
            self._write(
                "<footer>A flag is closed by itself when its cause is gone: the licence was extended, the date moved, the term supplied. "
                "Acknowledge or resolve flags in Airflow, page Licences. What nobody has told of a licence counts as not allowed. Causes: "
                "docs/runbook/licence_expiry.md.</footer>\n</body></html>\n"
            )

    def _end_of_team(self) -> None:
        if self._team is None:
            return
        more = f'<p class="soft">and {self._shown - MOST:,} more: see the workbook.</p>' if self._shown > MOST else ""
        self._write(f"</tbody></table>{more}\n")

    def _write(self, text: str) -> None:
        self._out.write(text.encode("utf-8", "replace"))


def _row(line: Line, today: date) -> str:
    soon = bool(line.due_on) and line.due_on <= today.fromordinal(today.toordinal() + 30).isoformat()
    kind = "blocks" if line.blocking else "soon" if soon else ""
    marks = [f"within {line.days} days" if line.days > 0 else "due" if line.days == 0 else ""]
    marks += ["stops deliveries" if line.blocking else "", "acknowledged" if line.state == "acknowledged" else ""]
    small = "".join(f"<small>{mark}</small>" for mark in marks if mark)
    note = f"<small>Note: {_cut(line.note)}</small>" if line.note else ""
    where = "unknown territories" if line.territories == "unknown" else _cut(line.territories, 60)
    return (
        f'<tr><td class="day">{escape(line.due_on) or "&ndash;"}</td>'
        f'<td class="short"><span class="chip {kind}">{escape(line.cause)}</span>{small}</td>'
        f'<td class="named">{_cut(line.name, 80) or "&ndash;"}<small>{escape(line.asset_id)}</small></td>'
        f'<td class="named">{_cut(line.title, 120) or "&ndash;"}<small>{escape(line.isbn)}</small></td>'
        f'<td class="short">{_ends(line.ends)}<small>{where}</small></td>'
        f'<td class="what">{_days(_cut(line.message))}<small>{_cut(line.todo)}</small>{note}</td></tr>\n'
    )


def _ends(ends: str) -> str:
    return f"until {escape(ends)}" if ends[:1].isdigit() else "unknown end" if ends == "unknown" else escape(ends)


def _days(text: str) -> str:
    """Days stay on one line."""
    return re.sub(r"\b\d{4}-\d\d-\d\d\b", r'<span class="day">\g<0></span>', text)


def _cut(text: str, most: int = LONGEST) -> str:
    return escape(text if len(text) <= most else f"{text[: most - 1]}…")


def _picture(months: Mapping[str, int]) -> str:
    """Licences that end in each month, as bars."""
    most = max(months.values(), default=0)
    if not most:
        return ""
    step, high = 48, 70
    bars = []
    for number, (month, count) in enumerate(months.items()):
        tall, left = round(count / most * high), number * step
        year = f" {month[:4]}" if number == 0 or month.endswith("-01") else ""
        bars.append(
            f'<rect x="{left + 6}" y="{high + 16 - tall}" width="{step - 14}" height="{tall}" rx="2" fill="#7c93b2"/>'
            f'<text x="{left + step / 2 - 1:g}" y="{high + 12 - tall}" text-anchor="middle">{count or ""}</text>'
            f'<text x="{left + step / 2 - 1:g}" y="{high + 32}" text-anchor="middle">{_MONTHS[int(month[5:]) - 1]}</text>'
            f'<text x="{left + step / 2 - 1:g}" y="{high + 46}" text-anchor="middle">{year}</text>'
        )
    width = step * len(months)
    return (
        f'<p class="soft">Licences that end in each month</p><svg class="ends" viewBox="0 0 {width} {high + 50}" role="img" '
        f'aria-label="Licences that end in each month">{"".join(bars)}</svg>'
    )


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
