"""What a person says of a licence: a term, a tie to a title or campaign. Their word stands above the API, agreements and invoices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.ledger import licence_words
from include.ledger import licences as stored
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.licence_rows import LicenceRow, LicenceServesRow
from include.ledger.models import ProductRow, WorkRow
from include.licences import terms
from include.licences.model import FIELDS, FORMATS, LABELS, ROLES, Source, Term, TermState, Value
from include.licences.record import change, settle, settle_state
from include.titles import identifiers

SETTABLE = tuple(name for name in FIELDS if name not in {"agreement_ends", "availability"})
"""The others are facts of the agency's."""
EDITIONS = ("allowed", "needs a licence")
LONGEST = 2_000  # characters of a note


def set_term(
    ledger: Ledger,
    licence_id: int,
    field: str,
    *,
    state: TermState | str,
    value: Value = None,
    reference: str = "",
    note: str = "",
    who: str,
    now: datetime,
) -> bool:
    """A person says a term (`state` known, unlimited, perpetual) or takes back what was said by a person (unknown).

    `value` as `Term` has it: alpha-2 codes, formats, uses, an ISO day, a number, a flag; for `restrictions` nothing is given: what Getty
    says there now counts as read, and `note` says what it means. True if that is new. Raises `RejectedData` for what can't be a term.
    """
    if field not in SETTABLE:
        raise RejectedData(f"{field!r} is no term that a person sets", where="licence", todo=f"Terms are {', '.join(SETTABLE)}.")
    value = checked(field, TermState(state), value)
    with ledger.session() as session:
        row = stored.get(session, licence_id, lock=True)
        said = terms.said_of(row.terms)
        statements = said.setdefault(field, {})
        before = statements.get(Source.PERSON)
        if TermState(state) == TermState.UNKNOWN:
            statements.pop(Source.PERSON, None)
            told: Term | None = None
        else:
            if field == "restrictions":
                value = list(statements[Source.API].values) if Source.API in statements else []
            moment = now.isoformat(timespec="seconds")
            told = Term(TermState(state), value, Source.PERSON, reference[:200], moment, who, note.strip()[:LONGEST])
            if told.same_as(before):
                return False
            statements[Source.PERSON] = told
        if before is None and told is None:
            return False
        settle(session, row, said, who=who, now=now)
        shown = told.shown() if told else "taken back"
        record_event(session, what="licence term set", now=now, who=who, subject=_about(row), detail={"field": field, "said": shown})
        return True


def checked(field: str, state: TermState, value: Value) -> Value:
    """A value that may stand in this term. Raises `RejectedData` with what would."""
    if state == TermState.PERPETUAL and field != "ends":
        raise _wrong(field, "only an end can be perpetual", "Say `unlimited` instead.")
    if state == TermState.UNLIMITED and field not in {"territories", "print_run", "formats", "use"}:
        raise _wrong(field, "it has no limit to be without", "Say what it is.")
    if state != TermState.KNOWN:
        return None
    match field:
        case "starts" | "ends":
            return _day(field, value)
        case "territories":
            return _listed(field, value, sorted(identifiers.countries()), "Codes of ISO 3166-1, such as GB.")
        case "formats":
            return _listed(field, value, FORMATS, f"They are {', '.join(FORMATS)}.")
        case "use":
            return _listed(field, value, ROLES, f"They are {', '.join(ROLES)}.")
    return _single(field, value)


def _single(field: str, value: Value) -> Value:
    match field:
        case "print_run" if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1_000_000_000:
            raise _wrong(field, f"{value!r} is no number of copies", "Give a whole number.")
        case "editorial_only" if not isinstance(value, bool):
            raise _wrong(field, f"{value!r} is neither yes nor no", "Say yes or no.")
        case "new_editions" if value not in EDITIONS:
            raise _wrong(field, f"{value!r} is not known", f"Say {' or '.join(EDITIONS)}.")
        case "releases" if not (isinstance(value, str) and value.strip()):
            raise _wrong(field, "nothing is said", "Say which releases there are.")
    return value


def _day(field: str, value: Value) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError as bad:
        raise _wrong(field, f"{value!r} is no day", "Write it like 2027-02-28.") from bad


def _listed(field: str, value: Value, known: Sequence[str], todo: str) -> list[str]:
    found = sorted({str(one) for one in value}) if isinstance(value, list) else []
    if not found or (unknown := [one for one in found if one not in known]):
        raise _wrong(field, f"{', '.join(unknown) if found else 'nothing'} can't be used", todo)
    return found


def _wrong(field: str, what: str, todo: str) -> RejectedData:
    return RejectedData(what, where=LABELS[field], todo=todo)


# --- what it serves


def serve(
    ledger: Ledger,
    licence_id: int,
    *,
    work_id: int = 0,
    product_id: int = 0,
    campaign: str = "",
    role: str = "",
    source: str = "person",
    who: str,
    now: datetime,
) -> bool:
    """Ties a licence to a title (`product_id` 0: every edition) or a campaign. True if that is new.

    Raises `RejectedData` where there is no such title, or neither is named.
    """
    with ledger.session() as session:
        row = stored.get(session, licence_id, lock=True)
        if role and role not in ROLES:
            raise RejectedData(f"{role!r} is no use", where=_about(row), todo=f"Uses are {', '.join(ROLES)}.")
        product = session.get(ProductRow, product_id) if product_id else None
        if not (work_id or campaign) or (work_id and session.get(WorkRow, work_id) is None):
            raise RejectedData(f"there is no work {work_id}", where=_about(row), todo="Look the title up, or name a campaign.")
        if product_id and (product is None or product.work_id != work_id):
            raise RejectedData(f"work {work_id} has no edition {product_id}", where=_about(row), todo="Choose one of its editions.")
        key = (work_id, product_id, campaign, role)
        if any((one.work_id, one.product_id, one.campaign, one.role) == key for one in row.serves):
            return False
        one = LicenceServesRow(work_id=work_id, product_id=product_id, campaign=campaign, role=role, source=source)
        row.serves.append(one)
        _served(session, row, "", served_words(one), who=who, now=now)
        return True


def unserve(ledger: Ledger, licence_id: int, serves_id: int, *, who: str, now: datetime) -> bool:
    """Unties it. True if it was tied. Our note at the download does not tie it again: a person has said otherwise."""
    with ledger.session() as session:
        row = stored.get(session, licence_id, lock=True)
        one = next((one for one in row.serves if one.id == serves_id), None)
        if one is None:
            return False
        row.serves.remove(one)
        _served(session, row, served_words(one), "", who=who, now=now)
        return True


def served_words(one: LicenceServesRow) -> str:
    """What it serves, for the history."""
    edition = f", edition {one.product_id}" if one.product_id else ""
    title = f"work {one.work_id}{edition}" if one.work_id else ""
    campaign = f"campaign {one.campaign}" if one.campaign else ""
    role = f"as {one.role}" if one.role else ""
    return " ".join(part for part in (title, campaign, role) if part)


def _served(session: Session, row: LicenceRow, before: str, after: str, *, who: str, now: datetime) -> None:
    change(session, row.id, "serves", before, after, who=who, now=now, source="person")
    row.changed_at = now
    licence_words.write(session, [row.id])
    settle_state(session, row, terms.read(row), who=who, now=now)
    record_event(
        session, what="licence tied" if after else "licence untied", now=now, who=who, subject=_about(row), detail={"to": after or before}
    )


def _about(row: LicenceRow) -> str:
    return f"licence {row.id}, asset {row.asset_id}"
