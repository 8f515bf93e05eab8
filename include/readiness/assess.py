"""The one definition of readiness, for reports, packages, launch gates and pages.

A product is judged by Consonance's published checks, its files, the dates of its contract and its to-dos. What is asked for and missing
is *late* once its day is past: that day is the contract's or the to-do's own, else so many days before publication as the house's
`[readiness]` says. Risk is about the publication date: *high* when something is missing within the lead time, or is due only after it;
*low* when something is late already, or due within `warn_days`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from include.errors import ConfigurationError
from include.partners.model import House
from include.partners.readiness import ReadinessRules
from include.readiness import checks, files, milestones
from include.readiness.model import Check, CheckState, File, Readiness, State, Todo
from include.titles.model import Product

VERSION = 1
"""Count it up whenever the same sources would be judged differently."""
GIVEN_UP = frozenset({"01", "05"})  # List 64: cancelled, no longer our product
POSTPONED = "03"  # indefinitely: no day counts
FORTHCOMING = frozenset({"", "00", "02", "03", "09"})  # List 64: not published yet, or it is not known
TODO, TODO_NAME = "to-do", "To-do"


def assess(
    product: Product,
    of_title: Sequence[File],
    contracts: Sequence[Mapping[str, Any]],
    todos: Sequence[Todo],
    preflights: Mapping[str, Sequence[Mapping[str, Any]]],
    today: date,
    house: House,
) -> Readiness:
    """How ready one product is today. `of_title`: current files of its work; `contracts` in Consonance's own JSON; `preflights`:
    sha256 to the findings of its newest preflight."""
    rules = house.readiness
    release = product.publication_date or product.planned_date
    counts = None if product.publishing_status == POSTPONED else release
    found = [
        *_published_checks(product, counts, today, rules),
        *_files(product, of_title, preflights, counts, today, rules),
        *_dated(product, of_title, contracts, todos, release, today, rules),
    ]
    out = is_published(product, today)
    missing = [check for check in found if check.open]
    if out and (product.publishing_status not in FORTHCOMING or not missing):
        state, late, risk = State.PUBLISHED, False, ""
    else:
        late = any(check.state is CheckState.LATE for check in missing)
        state = State.LATE if late else State.OPEN if missing else State.READY
        risk = _risk(missing, counts, product, today, rules)
    return Readiness(state, late, risk, tuple(found), release, _stable_until(found, counts, product, today, rules))


def is_published(product: Product, today: date) -> bool:
    """Whether the day of publication has come; without one, whether the status says so (List 64)."""
    if product.publication_date is not None:
        return product.publication_date <= today
    return product.publishing_status not in FORTHCOMING


def given_up(product: Product) -> bool:
    """Nobody prepares it any more: it has no readiness."""
    return product.publishing_status in GIVEN_UP


def check_rules(rules: ReadinessRules) -> None:
    """Raises `ConfigurationError` if `[readiness]` names a check that does not exist."""
    known = {code for code, _ in known_checks()}
    for table, codes in (("not_asked", rules.not_asked), ("due_days", tuple(rules.due_days))):
        if unknown := sorted(set(codes) - known):
            raise ConfigurationError(
                f"there is no check {unknown[0]!r}",
                where=f"config/house.toml, readiness.{table}",
                todo=f"Known: {', '.join(sorted(known))}.",
            )


def known_checks() -> Iterator[tuple[str, str]]:
    """Code and name of every check that a title may have, those of dates and to-dos in general terms."""
    yield from ((check.code, check.name) for check in checks.CHECKS)
    yield from ((want.code, want.name) for form in "BEA" for want in files.wanted(form))
    yield files.PREFLIGHT, files.PREFLIGHT_NAME
    yield "contract-manuscript", "Contract: manuscript delivery"
    yield "contract-proofs", "Contract: proofs"
    yield "contract-delivery", "Contract: other deliveries"
    yield "contract-publication", "Contract: latest publication"
    yield TODO, TODO_NAME


# --- the checks


def _published_checks(product: Product, release: date | None, today: date, rules: ReadinessRules) -> Iterator[Check]:
    for check, passed, message in checks.verdicts(product):
        due = before(release, rules.due_days.get(check.code, rules.lead_for(product.form)))
        yield _judged(check.code, check.name, passed, message, check.todo, due, today, rules)


def _files(
    product: Product,
    of_title: Sequence[File],
    preflights: Mapping[str, Sequence[Mapping[str, Any]]],
    release: date | None,
    today: date,
    rules: ReadinessRules,
) -> Iterator[Check]:
    for one in files.findings(product, of_title, preflights):
        due = before(release, rules.due_days.get(one.code, rules.lead_for(product.form)))
        yield _judged(one.code, one.name, one.passed, one.message, one.todo, due, today, rules)


def _dated(
    product: Product,
    of_title: Sequence[File],
    contracts: Sequence[Mapping[str, Any]],
    todos: Sequence[Todo],
    release: date | None,
    today: date,
    rules: ReadinessRules,
) -> Iterator[Check]:
    mine = [file for file in of_title if file.product_id in {None, product.id}]
    for contract in contracts:
        if milestones.day(contract.get("terminatedDate")):
            continue
        for one in milestones.milestones(contract, mine, release):
            code = "contract-delivery" if one.code.startswith("contract-delivery") else one.code
            passed = None if code in rules.not_asked else one.done
            late_at_once = code == "contract-publication" and one.done is False
            state = CheckState.LATE if late_at_once and passed is False else _state(passed, one.due, today)
            yield Check(one.code, one.name, state, one.message, one.todo, one.due)
    for todo in todos:
        passed = None if TODO in rules.not_asked else todo.done
        said = {True: "Done", False: "Not done", None: "The calendar does not say whether it is done"}[todo.done]
        message = f"{said}; due on {todo.due}" if todo.due else said
        yield Check(
            TODO, f"{TODO_NAME}: {todo.name[:120]}", _state(passed, todo.due, today), message, "Do it, and tick it in Consonance.", todo.due
        )


def _judged(
    code: str, name: str, passed: bool | None, message: str, todo: str, due: date | None, today: date, rules: ReadinessRules
) -> Check:
    return Check(code, name, _state(None if code in rules.not_asked else passed, due, today), message, todo, due)


def _state(passed: bool | None, due: date | None, today: date) -> CheckState:
    if passed is None:
        return CheckState.NOT_ASKED
    if passed:
        return CheckState.DONE
    return CheckState.LATE if due is not None and due < today else CheckState.MISSING


# --- risk and time


def _risk(missing: Sequence[Check], release: date | None, product: Product, today: date, rules: ReadinessRules) -> str:
    must = before(release, rules.lead_for(product.form))
    if not missing:
        return ""
    if must is not None and (must <= today or any(_comes_after(check, must) for check in missing)):
        return "high"
    soon = after(today, rules.warn_days)
    return "low" if any(check.due is not None and check.due <= soon for check in missing) else ""


def _comes_after(check: Check, must: date) -> bool:
    """Whether the contract itself has it come too late for the publication date."""
    return check.code.startswith("contract-") and check.due is not None and check.due > must


def _stable_until(found: Iterable[Check], release: date | None, product: Product, today: date, rules: ReadinessRules) -> date | None:
    """The first day after today on which a check turns late, a risk begins, or the title is published."""
    days = {product.publication_date, before(release, rules.lead_for(product.form))}
    for check in found:
        if check.open and check.due is not None:
            days |= {after(check.due, 1), before(check.due, rules.warn_days)}
    return min((one for one in days if one is not None and one > today), default=None)


def before(day: date | None, days: int) -> date | None:
    """So many days earlier, or the first day that there is."""
    if day is None:
        return None
    try:
        return day - timedelta(days=days)
    except OverflowError:
        return date.min


def after(day: date, days: int) -> date:
    """So many days later, or the last day that there is."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max
