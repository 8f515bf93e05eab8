"""A readiness report as one HTML page that needs nothing else: to read on a screen, to print, to send on.

Everything from outside is escaped; there is no script. Colours repeat what words say.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from types import TracebackType
from typing import Any, BinaryIO, Self

from include.readiness.columns import SCHEMA, Column, Line, Value
from include.readiness.style import STYLE
from include.readiness.tables import shown_checks, text

LONGEST = 300  # characters of one text on the page; the tables hold all of it
GROUPS = (  # heading, and the columns that share the cell, one under the other: the first as it is, the others smaller
    ("Title", ("title", "contributors", "isbn")),
    ("Format", ("format", "imprint", "season")),
    ("Stage", ("stage", "publishing_status")),
    ("Publication", ("publication_date", "manuscript_due", "proofs_due")),
    ("State", ("state", "risk")),
    ("Measures", ("pages", "height_mm", "width_mm")),
)
BESIDE = ("form", "late", "missing", "todo", "done", "wanted", "next_due")  # told by the checks or the bar, or for programs only
_STATES = ("late", "open", "ready", "published")


class HtmlReport:
    """Takes lines one by one; the head, which counts them, is written last and stands first."""

    def __init__(self, out: BinaryIO, columns: Sequence[Column], *, publisher: str, party: str, today: date) -> None:
        self._out, self._publisher, self._party, self._today = out, publisher, party, today
        self._keys = [column.key for column in columns]
        self._codes = {column.key for column in columns if column.kind == "check"}
        places = {column.key: place for place, column in enumerate(columns)}
        grouped = {key for _, keys in GROUPS for key in keys}
        self._groups = [(heading, [(key, places[key]) for key in keys if key in places]) for heading, keys in GROUPS]
        self._groups = [(heading, keys) for heading, keys in self._groups if keys]
        self._groups += [
            (column.header, [(column.key, places[column.key])])
            for column in columns
            if column.kind != "check" and column.key not in grouped and column.key not in BESIDE
        ]
        self._bar = {"done", "wanted"} <= places.keys()
        self._counts: Counter[str] = Counter()
        self._months: dict[str, Counter[str]] = {}
        self._body = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._body as body:
            if kind is not None:
                return
            self._out.write(self._head().encode("utf-8", "replace"))
            body.seek(0)
            shutil.copyfileobj(body, self._out, 1 << 20)
            self._out.write(self._foot().encode("utf-8", "replace"))

    def add(self, line: Line, values: Sequence[Value]) -> None:
        row = line.row
        if "state" in self._keys:
            self._counts[row.state] += 1
            self._counts[f"risk {row.risk}"] += 1
            if "publication_date" in self._keys:
                self._months.setdefault(row.publication_date[:7], Counter())[row.state] += 1
        self._counts["all"] += 1
        cells = [_group(keys, values) for _, keys in self._groups]
        if self._bar:
            cells.append(_progress(row.done, row.wanted))
        html = f"<tbody>\n<tr>{''.join(cells)}</tr>\n{self._open(line, len(cells))}</tbody>\n"
        self._body.write(html.encode("utf-8", "replace"))

    def _open(self, line: Line, width: int) -> str:
        """What is open, in sentences: only of checks whose columns the party has."""
        waiting = [one for one in shown_checks(line, self._codes) if one["state"] in {"late", "missing"}]
        if not waiting or line.row.state == "published":
            return ""
        items = "".join(_item(one) for one in sorted(waiting, key=lambda one: one["state"] != "late"))
        few = ' class="few"' if len(waiting) == 1 else ""
        return f'<tr class="open"><td colspan="{width}"><ul{few}>{items}</ul></td></tr>\n'

    def _head(self) -> str:
        title = f"Readiness: {self._party}"
        headings = [heading for heading, _ in self._groups] + (["Checks"] if self._bar else [])
        row = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
        table = f'<table class="titles">\n<thead><tr>{row}</tr></thead>\n' if self._counts["all"] else ""
        return page_head(title) + (
            f"<header><div><h1>Readiness</h1><p>{escape(self._publisher)} for {escape(self._party)}</p></div>"
            f"<p>As of {spelt(self._today)} · schema {SCHEMA}</p></header>\n"
            f"{self._tiles()}{months(self._months)}{table}"
        )

    def _tiles(self) -> str:
        told = [("titles", "", self._counts["all"])]
        if "state" in self._keys:
            told += [(state, state, self._counts[state]) for state in _STATES]
            told += [("at high risk", "high", self._counts["risk high"])] if "risk" in self._keys else []
        items = "".join(
            f"<li{f' class={chr(34)}{css}-c{chr(34)}' if css and count else ''}><b>{count:,}</b>{escape(word)}</li>"
            for word, css, count in told
        )
        return f'<ul class="tiles">{items}</ul>\n'

    def _foot(self) -> str:
        table = "</table>\n" if self._counts["all"] else '<p class="none">No title of yours is on its way.</p>\n'
        return (
            f"{table}<footer><b>late</b>: something that is asked for should have been here. "
            "<b>open</b>: something is still to come, in time. "
            "<b>ready</b>: all that is asked for is here. <b>Risk</b> is about the publication date: <b>high</b> when something "
            "is missing within the time that making the book takes, <b>low</b> when something is late already or due soon. "
            "Names of checks are Consonance’s own where it has them.</footer>\n</body>\n</html>\n"
        )


# --- parts, for other pages of the same kind


def page_head(title: str) -> str:
    """The beginning of a page, to the opened body."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="colophon-schema" content="{SCHEMA}">\n<title>{escape(title[:200])}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n'
    )


def chip(word: str, shown: str = "") -> str:
    """A state in its colour, perhaps in other words."""
    return f'<span class="chip {escape(word.replace(" ", "-"))}-c">{escape(shown or word)}</span>' if word else ""


def months(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The picture: one bar for each month of publication, in the states' colours. Years that can't be meant are left out."""
    known = {month: states for month, states in sorted(counts.items()) if "1990" < month < "2100"}
    most = max((sum(states.values()) for states in known.values()), default=0)
    if len(known) < 2:
        return ""
    rows = []
    for month, states in known.items():
        total = sum(states.values())
        parts = "".join(
            f'<i class="{state}-c" style="flex:{states[state]}" title="{states[state]} {state}"></i>'
            for state in _STATES
            if states.get(state)
        )
        bar = f'<div class="bar" style="width:{max(2, round(92 * total / max(most, 12)))}%">{parts}</div>'
        rows.append(f'<tr><th scope="row">{escape(_month(month))}</th><td><div class="line">{bar}<span>{total}</span></div></td></tr>')
    return f'<h2>By month of publication</h2>\n<table class="months">{"".join(rows)}</table>\n'


def _item(check: Mapping[str, Any]) -> str:
    due = f' <span class="soft">due {escape(str(check["due"]))}</span>' if check["due"] else ""
    todo = f' <span class="soft">{short(check["todo"])}</span>' if check["todo"] else ""
    return f"<li>{chip(check['state'])} <b>{short(check['name'])}</b>{due}<br>{short(check['message'])}.{todo}</li>"


def _group(keys: Sequence[tuple[str, int]], values: Sequence[Value]) -> str:
    """One cell: what belongs together, the first of it large."""
    told = {key: short(values[place]) for key, place in keys if values[place] not in {None, ""}}
    first = keys[0][0]
    if first == "title":
        told = {"title": f"<b>{told.get('title') or '(no title)'}</b>", **{key: shown for key, shown in told.items() if key != "title"}}
    if first in {"state", "risk"}:
        chips = " ".join(chip(word, f"{word} risk" if key == "risk" else "") for key, word in told.items())
        return f'<td class="short">{chips}</td>'
    if first == "publication_date" or first.endswith("_due"):
        told = {key: f'<span class="day">{shown}</span>' for key, shown in told.items()}
    if first in {"pages", "height_mm", "width_mm"}:
        parts = [f"{told['pages']} pages"] if "pages" in told else []
        sides = [told[key] for key in ("height_mm", "width_mm") if key in told]
        parts += [f'<span class="day">{" × ".join(sides)} mm</span>'] if sides else []
        return f"<td>{'<br>'.join(parts)}</td>"
    words = {"manuscript_due": "Manuscript due ", "proofs_due": "Proofs due "}
    lines = [shown if key == first else f'<span class="soft">{words.get(key, "")}{shown}</span>' for key, shown in told.items()]
    return f'<td class="{"name" if first == "title" else "word"}">{"<br>".join(lines)}</td>'


def _progress(done: int, wanted: int) -> str:
    share = round(100 * done / wanted) if wanted else 0
    return f'<td class="short"><span class="done"><i style="width:{share}%"></i></span> {done}/{wanted}</td>'


def short(value: Value) -> str:
    """Escaped, and cut where it is very long."""
    shown = text(value)
    return escape(shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1].rstrip()}…")


def _month(month: str) -> str:
    try:
        return f"{date.fromisoformat(f'{month}-01'):%B %Y}"
    except ValueError:
        return month


def spelt(day: date) -> str:
    """21 November 2026."""
    return f"{day.day} {day:%B} {day.year}"
