"""Money that a source paid, as a person enters it: the other half of the balance.

What was reported for a source, period and currency is compared with what was paid for it, to the cent. The difference is explained by the
payment's note (fees, withheld tax), or the batches wait unbalanced until a person has looked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from sqlalchemy import select
from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.ledger import sales
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.sales_rows import BatchState, SalesBatchRow, SalesPartRow, SalesPaymentRow
from include.partners.sources import SalesSource
from include.sales import balance, extractors, periods
from include.sales.reading import Control
from include.titles.identifiers import is_currency

_CODE = "payment-differs"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person enters. `period` as the batches have it: 2026-09, or from/to; `note` explains a difference; `paid_on` 2026-10-31."""

    period: str
    currency: str
    amount: Decimal
    reference: str
    paid_on: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """Reported and paid for one source, period and currency; `control` and `reasons` as batches keep them (`include.sales.balance`)."""

    source: str
    period: str
    currency: str
    reported: Decimal
    paid: Decimal
    batches: tuple[int, ...]
    control: dict[str, Any] | None
    reasons: tuple[dict[str, Any], ...]


def amount_of(text: str, currency: str) -> Decimal:
    """An amount as people write one: 1234.56, 1,234.56, 1.234,56, 12,50. Raises `RejectedData` for what is none, and for 1,234 and 1.234
    in a currency in which nobody can say whether that is thousands: yen have no decimals, dinars have three."""
    bare, digits = text.strip(), get_currency_precision(currency)
    todo = "Digits and a point, with the decimals: 1234.56."
    if found := re.fullmatch(r"[-+(]?[1-9]\d{0,2}([.,])\d{3}\)?-?", bare):
        if not digits:
            bare = bare.replace(found[1], "")
        elif digits != 3 or found[1] == ",":
            raise RejectedData(f"{text!r} may be thousands or not", where="payment", todo=todo)
    try:
        return extractors.fitting(extractors.decimal(".")(bare), 10, bare)
    except extractors.Unreadable as bad:
        raise RejectedData(f"{text!r} is no amount", where="payment", todo=todo) from bad


def enter(ledger: Ledger, source: SalesSource, payment: Entry, *, now: datetime, who: str) -> Compared:
    """Writes a payment down, or corrects the one of the same reference and currency, and compares. The same again changes nothing.

    Batches that are with Consonance already keep their state, whatever was paid. Raises `RejectedData` for what is no payment.
    """
    _checked(source, payment)
    with ledger.session() as session:
        sales.turn(session, source.id)
        key = {"source": source.id, "reference": payment.reference, "currency": payment.currency}
        row = session.scalar(select(SalesPaymentRow).filter_by(**key).with_for_update())
        values = {
            "period": payment.period, "amount": payment.amount, "paid_on": payment.paid_on, "note": payment.note.strip(),
        }  # fmt: skip
        before = None if row is None else {name: getattr(row, name) for name in values}
        if row is None:
            session.add(SalesPaymentRow(**key, **values, entered_at=now, entered_by=who))
        elif before != values:
            for name, value in values.items():
                setattr(row, name, value)
            row.entered_at, row.entered_by = now, who
        session.flush()
        if before is not None and before["period"] != payment.period:
            _settle(session, source, str(before["period"]), payment.currency)
        compared = _settle(session, source, payment.period, payment.currency)
        if before != values:
            told = {"amount": str(payment.amount), "currency": payment.currency, "period": payment.period}
            record_event(session, what="payment entered", now=now, who=who, subject=f"{source.id} {payment.reference}", detail=told)
    return compared


def compare(session: Session, source: SalesSource, period: str, currency: str) -> Compared:
    """What was reported and paid, as it stands; no control where nothing was paid yet or nothing was reported."""
    key = {"source": source.id, "period": period, "currency": currency}
    parts = session.scalars(
        select(SalesPartRow).filter_by(**key).where(SalesPartRow.claim.is_not(None)).order_by(SalesPartRow.batch_id)
    ).all()  # fmt: skip
    paid = session.scalars(select(SalesPaymentRow).filter_by(**key).order_by(SalesPaymentRow.id)).all()
    reported, total = (sum((one for one in amounts), Decimal(0)) for amounts in ([p.net for p in parts], [p.amount for p in paid]))
    control: dict[str, Any] | None = None
    reasons: tuple[dict[str, Any], ...] = ()
    if parts and paid:
        why = "; ".join(one.note for one in paid if one.note)
        explained = ((total - reported, why),) if why and total != reported else ()
        where = f"payment {', '.join(one.reference for one in paid)} for {period}"
        control = balance.compared(Control("net", currency, total, where), reported, explained, source.tolerance)
        reasons = _differs(control) if control["open"] != "0" else ()
    batches = tuple(dict.fromkeys(part.batch_id for part in parts))
    return Compared(source.id, period, currency, reported, total, batches, control, reasons)


def _differs(control: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    message = f"reported {control['found']} {control['currency']}, paid {control['stated']}: {control['open']} is not explained"
    todo = "Enter a note that explains it, correct the payment, or approve the batch as it is."
    return (balance.reason(_CODE, message, where=control["from"], todo=todo),)


def of_source(session: Session, source: str, *, limit: int = 100) -> list[SalesPaymentRow]:
    """Payments of a source, newest first."""
    query = select(SalesPaymentRow).where(SalesPaymentRow.source == source).order_by(SalesPaymentRow.id.desc())
    return list(session.scalars(query.limit(limit)))


def recheck(ledger: Ledger, source: SalesSource, batch_id: int) -> list[Compared]:
    """Compares a batch that was just loaded with what was paid before it came."""
    with ledger.session() as session:
        sales.turn(session, source.id)
        batch = session.get(SalesBatchRow, batch_id)
        keys = [(part.period, part.currency) for part in batch.parts if part.currency and part.claim] if batch is not None else []
        return [_settle(session, source, *key) for key in keys if _is_paid(session, source.id, *key)]


def _is_paid(session: Session, source: str, period: str, currency: str) -> bool:
    query = select(SalesPaymentRow.id).filter_by(source=source, period=period, currency=currency)
    return session.scalar(query.limit(1)) is not None


def _settle(session: Session, source: SalesSource, period: str, currency: str) -> Compared:
    """Writes the comparison into the batches that it is about, and what follows from it for their states."""
    compared = compare(session, source, period, currency)
    for id in compared.batches:
        batch = session.get_one(SalesBatchRow, id, with_for_update=True)
        if batch.state in {BatchState.LOADED, BatchState.UNBALANCED, BatchState.APPROVED}:
            _judge(batch, compared)
    return compared


def _judge(batch: SalesBatchRow, compared: Compared) -> None:
    """Only a batch that nobody has decided yet changes its state by a payment."""
    old = [one for one in batch.controls if _is_about(one, compared)]
    controls = [*(one for one in batch.controls if one not in old), *([compared.control] if compared.control else [])]
    said = {str(one["from"]) for one in old}
    others = [one for one in batch.reasons if not (one["code"] == _CODE and one["where"] in said)]
    reasons = [*others, *compared.reasons]
    if controls != batch.controls:
        batch.controls = controls
    if reasons != batch.reasons:
        batch.reasons = reasons
    if batch.state != BatchState.APPROVED:
        batch.state = BatchState.LOADED if balance.Balance(controls, reasons).balanced else BatchState.UNBALANCED


def _is_about(control: dict[str, Any], compared: Compared) -> bool:
    where = str(control["from"])
    return where.startswith("payment ") and where.endswith(f" for {compared.period}") and control["currency"] == compared.currency


def _checked(source: SalesSource, payment: Entry) -> None:
    where = f"payment of {source.name}"
    if not payment.reference.strip() or len(payment.reference) > 120:
        raise RejectedData("a payment needs a reference of at most 120 characters", where=where, todo="Take it from the remittance.")
    if not is_currency(payment.currency):
        raise RejectedData(f"{payment.currency!r} is no currency", where=where, todo="Three letters, as GBP.")
    if not payment.amount.is_finite():
        raise RejectedData(f"{payment.amount} is no amount", where=where, todo="Digits and a point: 1234.56.")
    periods.days(payment.period)
    if payment.paid_on:
        try:
            date.fromisoformat(payment.paid_on)
        except ValueError as bad:
            raise RejectedData(f"{payment.paid_on!r} is no day", where=where, todo="Write 2026-10-31.") from bad
