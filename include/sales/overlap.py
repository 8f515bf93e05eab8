"""What a report is to those that its source sent before: new, the same again, restated, or across their periods.

Parts of one currency whose days meet are compared as a whole, by the digests of their lines. So a month that comes again is known in any
order and format, a year's report is compared with its months, and a week's with the month that it lies in.

| the earlier parts | what becomes of the report's part |
| --- | --- |
| none | loaded |
| the same lines | passed over |
| other lines, all in the report's days | the source's rule: replace, difference, refuse |
| other lines, also of other days | passed over if they have all the report's lines, else a person decides |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from include.ledger.sales_rows import Overlap
from include.sales import digests, periods
from include.sales.balance import reason
from include.sales.periods import Days

Rule = Literal["replace", "difference", "refuse", "add"]  # add: a person's word only


class Group(StrEnum):
    NEW = "new"
    SAME = "same"
    RESTATED = "restated"
    ACROSS = "across"


@dataclass(frozen=True, slots=True)
class Part:
    """What a report has for a period and currency. `digest`: the sum of its lines' digests."""

    period: str
    currency: str
    rows: int
    digest: int

    @property
    def key(self) -> tuple[str, str]:
        return self.period, self.currency

    @property
    def days(self) -> Days:
        return periods.days(self.period)


@dataclass(frozen=True, slots=True)
class Standing:
    """A part that counts. `kept`: its batch is with Consonance, or with a person who may be loading it there: never undone by rule."""

    id: int
    batch: int
    part: Part
    kept: bool = False


@dataclass(slots=True)
class Meeting:
    """Parts of a report and those that count, of one currency, whose days meet."""

    parts: list[Part]
    earlier: list[Standing] = field(default_factory=list)
    group: Group = Group.NEW

    @property
    def batches(self) -> set[int]:
        return {one.batch for one in self.earlier}


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a report. `whole`: keys of parts of which every line is loaded; `compared`: meetings of which only the difference
    is; `replaces`: batches that are undone. `reasons` as a batch keeps them; `choice` is a sentence."""

    overlap: Overlap
    choice: str
    whole: frozenset[tuple[str, str]] = frozenset()
    compared: tuple[Meeting, ...] = ()
    replaces: tuple[int, ...] = ()
    same_as: tuple[int, ...] = ()
    reverses: bool = True
    reasons: tuple[dict[str, Any], ...] = ()


def decide(
    parts: Sequence[Part],
    standing: Sequence[Standing],
    rule: Rule,
    differences: Callable[[Sequence[Meeting]], tuple[int, int]],
) -> Decision:
    """`standing`: all parts of the source that count. `differences` gives how many lines of a report's parts the earlier ones lack, and how
    many of theirs the report lacks; it is asked only where digests do not tell.

    Raises `RejectedData` for a period that is none.
    """
    keys = frozenset(part.key for part in parts)
    if rule == "add":
        return Decision(Overlap.NEW, "a person said that it counts beside what was loaded before", keys)
    meetings = meet(parts, standing)
    for meeting in meetings:
        meeting.group = _group(meeting, differences)
    same = tuple(sorted({batch for one in meetings if one.group is Group.SAME for batch in one.batches}))
    open_ = [one for one in meetings if one.group in {Group.RESTATED, Group.ACROSS}]
    if not open_:
        fresh = frozenset(part.key for one in meetings if one.group is Group.NEW for part in one.parts)
        return _plain(fresh, same, keys)
    if rule == "refuse" or any(one.group is Group.ACROSS for one in open_):
        return _refused(open_, differences(open_))
    return _replaced(meetings, standing, rule, same) or _difference(meetings, open_, rule, same, differences)


def of_a_person(
    parts: Sequence[Part], standing: Sequence[Standing], rule: Rule, differences: Callable[[Sequence[Meeting]], tuple[int, int]]
) -> Decision:
    """As `decide`, where a person has said what to do: what lies across periods is no longer asked about. Of it, only lines that the
    earlier parts lack are loaded and none is taken back, since the report does not speak of all their days."""
    if rule == "add":
        return decide(parts, standing, rule, differences)
    meetings = meet(parts, standing)
    for meeting in meetings:
        meeting.group = _group(meeting, differences)
    open_ = [one for one in meetings if one.group in {Group.RESTATED, Group.ACROSS}]
    if not any(one.group is Group.ACROSS for one in open_):
        return decide(parts, standing, rule, differences)
    same = tuple(sorted({batch for one in meetings if one.group is Group.SAME for batch in one.batches}))
    return _difference(meetings, open_, rule, same, differences, reverses=False)


def meet(parts: Sequence[Part], standing: Iterable[Standing]) -> list[Meeting]:
    """The report's parts with those that they meet, also over others that both meet; in order of currency and days."""
    there = [one for one in standing if one.part.rows]
    found: list[Meeting] = []
    for currency in sorted({part.currency for part in parts}):
        mine: list[tuple[Days, Part, Standing | None]] = [(part.days, part, None) for part in parts if part.currency == currency]
        mine += [(one.part.days, one.part, one) for one in there if one.part.currency == currency]
        end = None
        for days, part, earlier in sorted(mine, key=lambda each: (each[0], each[2].id if each[2] else 0)):
            if end is None or days.first > end:
                found.append(Meeting([]))
            end = days.last if end is None or days.first > end else max(end, days.last)
            if earlier is None:
                found[-1].parts.append(part)
            else:
                found[-1].earlier.append(earlier)
    return [meeting for meeting in found if meeting.parts]


def _group(meeting: Meeting, differences: Callable[[Sequence[Meeting]], tuple[int, int]]) -> Group:
    if not meeting.earlier:
        return Group.NEW
    mine = sum(part.digest for part in meeting.parts)
    if (mine - sum(one.part.digest for one in meeting.earlier)) % digests.ADDS_UP_TO == 0:
        return Group.SAME
    if all(_covered(one.part.days, meeting.parts) for one in meeting.earlier):
        return Group.RESTATED
    lacking, _ = differences([meeting])
    return Group.ACROSS if lacking else Group.SAME


def _covered(days: Days, parts: Sequence[Part]) -> bool:
    """Whether these parts together speak of each of the days."""
    need = days.first
    for part in sorted(parts, key=lambda each: each.days):
        if part.days.first <= need <= part.days.last:
            need = part.days.last + timedelta(days=1)
    return need > days.last


def _plain(fresh: frozenset[tuple[str, str]], same: tuple[int, ...], keys: frozenset[tuple[str, str]]) -> Decision:
    if not fresh:
        return Decision(Overlap.RESENT, f"all its lines were loaded before: {_named(same)}", same_as=same)
    if fresh == keys:
        return Decision(Overlap.NEW, "nothing of these periods and currencies was loaded before", fresh)
    choice = f"{_keys(fresh)} is new; all else was loaded before: {_named(same)}"
    return Decision(Overlap.DIFFERENCE, choice, fresh, same_as=same, reasons=(reason("partly-known", choice),))


def _refused(open_: Sequence[Meeting], counts: tuple[int, int]) -> Decision:
    told = []
    for one in open_:
        what = "loaded before with other lines" if one.group is Group.RESTATED else "across periods that were loaded before"
        lacks = f"{counts[0]} of its lines are new, {counts[1]} of the earlier ones are not in it" if one is open_[0] else ""
        todo = "Decide on the page Sales: replace, load the difference, count it beside the others, or leave it."
        told.append(
            reason(
                one.group, f"{_keys({part.key for part in one.parts})} was {what}: {_named(sorted(one.batches))}", where=lacks, todo=todo
            )
        )
    return Decision(Overlap.REFUSED, "; ".join(one["message"] for one in told) + ": a person decides", reasons=tuple(told))


def _replaced(meetings: Sequence[Meeting], standing: Sequence[Standing], rule: Rule, same: tuple[int, ...]) -> Decision | None:
    """Undoing the earlier batches whole; None where one of them is kept, or has parts of which the report does not speak."""
    gone = {batch for one in meetings if one.group is Group.RESTATED for batch in one.batches}
    while more := {batch for one in meetings if gone & one.batches for batch in one.batches} - gone:
        gone |= more
    touched = {one.id for meeting in meetings if gone & meeting.batches for one in meeting.earlier}
    theirs = [one for one in standing if one.batch in gone and one.part.rows]
    if rule != "replace" or any(one.kept or one.id not in touched for one in theirs):
        return None
    whole = frozenset(part.key for one in meetings if one.group is Group.NEW or gone & one.batches for part in one.parts)
    replaces = tuple(sorted(gone))
    choice = f"restated: it takes the place of {_named(replaces)}"
    left = tuple(batch for batch in same if batch not in gone)
    return Decision(Overlap.REPLACES, choice, whole, replaces=replaces, same_as=left, reasons=(reason("restated", choice),))


def _difference(
    meetings: Sequence[Meeting],
    open_: Sequence[Meeting],
    rule: Rule,
    same: tuple[int, ...],
    differences: Callable[[Sequence[Meeting]], tuple[int, int]],
    *,
    reverses: bool = True,
) -> Decision:
    fresh = frozenset(part.key for one in meetings if one.group is Group.NEW for part in one.parts)
    new, gone = differences(open_)
    batches = sorted({batch for one in open_ for batch in one.batches})
    why = ""
    if rule == "replace":
        kept = sorted({one.batch for meeting in open_ for one in meeting.earlier if one.kept})
        why = f"{_named(kept)} is handed over already, so " if kept else f"{_named(batches)} has more than this report speaks of, so "
    back = f"and {gone} of {_named(batches)} are taken back" if reverses else f"beside {_named(batches)}"
    choice = f"restated: {why}only the difference is loaded: {new} lines are new {back}"
    return Decision(
        Overlap.DIFFERENCE, choice, fresh, tuple(open_), same_as=same, reverses=reverses, reasons=(reason("restated", choice),)
    )  # fmt: skip


def _named(batches: Sequence[int]) -> str:
    return f"batch{'es' if len(batches) > 1 else ''} {', '.join(map(str, batches))}"


def _keys(keys: Iterable[tuple[str, str]]) -> str:
    told = [f"{period} {currency}".strip() for period, currency in sorted(keys)]
    return ", ".join(told[:6]) + (f" and {len(told) - 6} more" if len(told) > 6 else "")
