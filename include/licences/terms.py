"""Many statements about a licence into the terms that hold, and those into a state.

`LicenceRow.terms` keeps per field the statement that holds, and beside it in `others` those that stand behind it: a person may take back
what they said, and an agreement may change. A person's word stands above an invoice's, that above all else; prose and agreement narrow
each other, and where neither is within the other somebody must look.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from include.ledger.licence_rows import LicenceRow, LicenceState
from include.licences.model import FIELDS, LABELS, UNPUBLISHED, Said, Source, Term, TermState

UNKNOWN = Term()
EVERYWHERE = "*"
_RANK = {str(source): place for place, source in enumerate(Source)}
_MANAGED = frozenset({"rightsmanaged", "rightsready"})
_PRINTED = frozenset({"cover", "interior", ""})
_EDITORIAL_FORBIDS = frozenset({"cover", "promotion"})
_RELEASED = frozenset({
    "model released", "property released", "model and property released", "model & property released", "no release required",
    "release not required", "fully released",
})  # fmt: skip
_ASKED = frozenset({Source.API, Source.PROSE})
GONE, LISTED = "gone", "listed"
"""Values of `availability`."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that hold, by field. `disputed`: fields whose statements exclude each other; `said`: all statements."""

    held: Mapping[str, Term]
    disputed: frozenset[str] = frozenset()
    said: Said = field(default_factory=dict)

    def __getitem__(self, name: str) -> Term:
        return self.held.get(name, UNKNOWN)

    def __iter__(self) -> Iterator[tuple[str, Term]]:
        return ((name, self[name]) for name in FIELDS)

    def others(self, name: str) -> list[Term]:
        """Statements that stand behind the one that holds, the weightiest first."""
        held, said = self[name], self.said.get(name, {})
        if len(said) == 1 and held.source in said:
            return []
        return [one for _, one in sorted(said.items(), key=_by_rank) if one.source != held.source]

    @property
    def ends(self) -> date | None:
        """Last day of use; None where it is perpetual or unknown: `self["ends"].state` tells which."""
        return _day(self["ends"])

    @property
    def starts(self) -> date | None:
        """First day of use; None where it is unknown."""
        return _day(self["starts"])

    @property
    def agreement_ends(self) -> date | None:
        return _day(self["agreement_ends"])

    @property
    def perpetual(self) -> bool:
        return self["ends"].state == TermState.PERPETUAL

    @property
    def territories(self) -> frozenset[str] | None:
        """Countries (alpha-2) where it may be used; None where it is everywhere or unknown."""
        term = self["territories"]
        return frozenset(term.values) if term.state == TermState.KNOWN else None

    def allows_format(self, name: str) -> bool | None:
        """`name` is one of `model.FORMATS`. None: not known."""
        return _within(self["formats"], name)

    def allows_use(self, role: str) -> bool | None:
        """`role` is one of `model.ROLES`. None: not known."""
        return _within(self["use"], role)

    @property
    def print_run(self) -> int | None:
        """Copies; None where there is no limit or it is unknown."""
        value = self["print_run"].value
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def editorial_only(self) -> bool | None:
        value = self["editorial_only"].value
        return value if isinstance(value, bool) else None

    @property
    def new_editions(self) -> bool | None:
        """Whether later editions may keep it; None: not known."""
        term = self["new_editions"]
        return term.value == "allowed" if term.known else None

    def unknown(self) -> tuple[str, ...]:
        return tuple(name for name in FIELDS if not self[name].known)


def _by_rank(one: tuple[str, Term]) -> int:
    return _RANK.get(one[0], 9)


def _day(term: Term) -> date | None:
    return date.fromisoformat(term.value) if term.state == TermState.KNOWN and isinstance(term.value, str) else None


def _within(term: Term, name: str) -> bool | None:
    if not term.known:
        return None
    return True if term.state in {TermState.UNLIMITED, TermState.PERPETUAL} else name in term.values


# --- statements into terms


def hold(said: Said) -> Terms:
    """The statement of each field that holds."""
    held: dict[str, Term] = {}
    disputed: set[str] = set()
    for name, statements in said.items():
        if len(statements) == 1:
            (held[name],) = statements.values()
            continue
        ranked = [one for _, one in sorted(statements.items(), key=_by_rank)]
        known = [one for one in ranked if one.known]
        if not known:
            held[name] = ranked[0] if ranked else UNKNOWN
            continue
        best = statements[Source.API] if name == "restrictions" and Source.API in statements else known[0]
        if best.source in {Source.PROSE, Source.AGREEMENT}:
            for other in known[1:]:
                if other.source == Source.AGREEMENT or (other.source == Source.API and name == "editorial_only"):
                    narrower = _narrower(name, best, other)
                    if narrower is None:
                        disputed.add(name)
                    else:
                        best = narrower
        held[name] = best
    return Terms(held, frozenset(disputed), said)


def _narrower(name: str, one: Term, other: Term) -> Term | None:
    """Of two statements the one that allows less; None where neither is within the other."""
    if other.state != TermState.KNOWN:
        return one
    if one.state != TermState.KNOWN:
        return other
    if one.value == other.value:
        return one
    if isinstance(one.value, list):
        mine, theirs = frozenset(one.values), frozenset(other.values)
        return one if mine <= theirs else other if theirs <= mine else None
    if isinstance(one.value, bool) and isinstance(other.value, bool):
        return one if one.value else other  # editorial only is the narrower
    if name in {"ends", "agreement_ends"}:
        return one if str(one.value) <= str(other.value) else other
    if isinstance(one.value, int) and isinstance(other.value, int):
        return one if one.value <= other.value else other
    return None


# --- as the ledger keeps them


def read(row: LicenceRow) -> Terms:
    """The terms of a licence; what the agency's API says counts as checked when it was last asked."""
    asked = row.checked_at.isoformat(timespec="seconds") if row.checked_at else ""
    return hold(said_of(row.terms or {}, asked))


def said_of(kept: Mapping[str, Any], asked: str = "") -> Said:
    """All statements that a licence's JSON holds. `asked`: when the agency's API was last asked."""
    said: Said = {}
    for name, told in kept.items():
        if not isinstance(told, dict):
            continue
        found = said[name] = {}
        for one in (told, *told.get("others", ())):
            if source := one.get("source"):
                found[source] = Term.from_json(one, asked if source in _ASKED else "")
    return said


def to_json(terms: Terms) -> dict[str, Any]:
    """{field: {state, value, source, reference, checked_at, checked_by, note, others}}, every field of them, also unknown ones."""
    told = {}
    for name, held in terms:
        told[name] = held.to_json()
        if others := terms.others(name):
            told[name]["others"] = [one.to_json() for one in others]
    return told


def searchable(terms: Terms) -> str:
    """For `LicenceRow.territories`."""
    held = terms["territories"]
    if held.state == TermState.UNLIMITED:
        return EVERYWHERE
    return f" {' '.join(sorted(held.values))} " if held.state == TermState.KNOWN else ""


# --- the state


def state_of(terms: Terms, *, model: str, roles: Collection[str], withdrawn: bool, today: date) -> tuple[LicenceState, tuple[str, ...]]:
    """The state of a licence that is used for these roles (`model.ROLES`, "" where none is said), and why in sentences."""
    if withdrawn:
        return LicenceState.WITHDRAWN, ("The agency took the asset back: it must not be used any more.",)
    if (ends := terms.ends) is not None and ends < today:
        return LicenceState.EXPIRED, (f"Its use ended on {ends.isoformat()}.",)
    used = set(roles) or {""}
    if blocked := tuple(_blocked(terms, used)):
        return LicenceState.BLOCKED, blocked
    untied = () if roles else ("What it serves is not known: tie it to its title or campaign.",)
    missing, review = tuple(_missing(terms, model, used).values()), (*_review(terms, used), *untied)
    if missing:
        return LicenceState.TERMS_REQUIRED, missing + review
    return (LicenceState.REVIEW, review) if review else (LicenceState.CLEARED, ())


def reasons(row: LicenceRow, today: date) -> tuple[str, ...]:
    """Why a licence is in its state."""
    roles = {one.role for one in row.serves}
    return state_of(read(row), model=row.model, roles=roles, withdrawn=row.withdrawn_at is not None, today=today)[1]


def gaps(terms: Terms, *, model: str, roles: Collection[str]) -> tuple[str, ...]:
    """What nobody has told, does not agree or was not read, in sentences; for these roles as `state_of` has them."""
    used = set(roles) or {""}
    untied = () if roles else ("What it serves is not known: tie it to its title or campaign.",)
    return (*_missing(terms, model, used).values(), *_unsettled(terms, used), *untied)


def unreleased(terms: Terms) -> str:
    """What the agency says of releases where that is not that all are there, and nobody has settled it; "" for none."""
    held = terms["releases"]
    if not held.known or held.source != Source.API or str(held.value).casefold().rstrip(".") in _RELEASED:
        return ""
    return held.shown()


def _blocked(terms: Terms, used: Collection[str]) -> Iterator[str]:
    if terms.editorial_only:
        for role in sorted(_EDITORIAL_FORBIDS & set(used)):
            yield f"It is for editorial use only, and is used as {role}."
    for role in sorted(set(used) - {""}):
        if terms.allows_use(role) is False:
            yield f"It may be used for {terms['use'].shown()}, and is used as {role}."


def needed(row: LicenceRow) -> frozenset[str]:
    """The terms that its use needs and that nobody has told."""
    return frozenset(_missing(read(row), row.model, {one.role for one in row.serves} or {""}))


def _missing(terms: Terms, model: str, used: Collection[str]) -> dict[str, str]:
    """What must be told before it is cleared: {field: sentence}."""
    managed, found = model in _MANAGED, dict[str, str]()
    for name in (*UNPUBLISHED, "formats"):
        term = terms[name]
        if name == "print_run" and not _PRINTED & set(used):
            continue
        if not term.known:
            found[name] = f"{LABELS[name]} {'are' if name in {'territories', 'formats'} else 'is'} unknown."
        elif managed and term.source in {Source.PROSE, Source.API}:
            found[name] = f"{LABELS[name]} is only read out of words ({term.shown()}): the invoice must say it."
    if not terms["editorial_only"].known and _EDITORIAL_FORBIDS & set(used):
        found["editorial_only"] = "Whether it is for editorial use only is unknown."
    return found


def _review(terms: Terms, used: Collection[str]) -> Iterator[str]:
    yield from _unsettled(terms, used)
    if words := unreleased(terms):
        yield f"Releases: {words}."
    if terms["availability"].value == GONE:
        yield "The agency no longer shows the asset, and has not said that it was withdrawn."


def _unsettled(terms: Terms, used: Collection[str]) -> Iterator[str]:
    for name in sorted(terms.disputed):
        shown = " against ".join(one.shown() for one in (terms[name], *terms.others(name)) if one.known)
        yield f"{LABELS[name]}: what is said does not agree ({shown})."
    if unread := unread_prose(terms):
        yield f"Restrictions that nobody has read: {' '.join(unread)}"
    if terms.editorial_only and used == {""}:
        yield "It is for editorial use only, and what it is used for is not said."


def unread_prose(terms: Terms) -> tuple[str, ...]:
    """Sentences of the agency that neither our reading nor a person has settled."""
    told = terms.said.get("restrictions", {})
    prose = told.get(Source.API)
    read_by = told.get(Source.PERSON) or told.get(Source.INVOICE)
    settled = set(read_by.values) if read_by else set()
    return tuple(one for one in (prose.values if prose else ()) if one not in settled)


def roles_of(notes: Iterable[str]) -> frozenset[str]:
    """What words at a download mean as roles; other words are kept as they are."""
    words = {"marketing": "promotion", "advert": "promotion", "inside": "interior"}
    return frozenset(words.get(one, one)[:20] for one in notes)
