"""Tells people of flags by mail, each flag once: the team that must act of its own, whoever gets the report of all of them.

    flags nobody was told of ─▶ a batch, and one telling for each audience (committed) ─▶ `handing over` (committed) ─▶ the mail ─▶ told

Killed before `handing over`, the mail goes with the next run; killed after it, or where the server's answer did not come, it may be on its
way and is not sent again: the next mail says so. The Message-ID is made from the telling, so that a doubled one could be known.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import islice
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from include.errors import ColophonError, TransientError
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.licence_rows import FlagState, LicenceFlagRow, LicenceTellingRow
from include.licences.flags import EXPIRY
from include.licences.posting import SEVEN_BIT, InDoubt
from include.licences.report import Line, Report, lines, summary_of
from include.licences.report_page import Page
from include.partners.model import House
from include.store import ArtefactStore

MAIL = "mail"
EVERYBODY = "report"  # audience: all teams' flags
HANDING_OVER, IN_DOUBT = "handing over", "in doubt"
ATTACHED = 10_000_000  # bytes of a workbook that a mail may carry
OLD = timedelta(days=30)
Send = Callable[[EmailMessage, Sequence[str]], list[str]]
"""Sends one mail to these addresses, as `posting.post` does with a server; gives the refused ones."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the mails of a run: audiences that were told, that are in doubt; problems of those that go with the next run."""

    told: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    problems: tuple[ColophonError, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"told": list(self.told), "in doubt": list(self.doubtful), "problems": [str(one) for one in self.problems]}


def mail(ledger: Ledger, store: ArtefactStore, house: House, report: Report, send: Send, *, now: datetime) -> Told:
    """Mails what nobody was told of, and what an earlier run could not send. Nothing new: no mail.

    One audience's trouble stops no other's mail; trouble is given back, not raised.
    """
    begin(ledger, house, now=now)
    told: list[str] = []
    doubtful: list[str] = []
    problems: list[ColophonError] = []
    for telling in _due(ledger):
        audience = telling.key.split(" ")[0]
        message = _written(ledger, store, house, report, telling, now)
        to = _addresses(house, audience)
        if message is None or not to:  # settled meanwhile, or nobody gets it any more
            _mark(ledger, telling.id, "nothing to tell", now)
            continue
        if not _claimed(ledger, telling.id):
            continue  # another run is at it
        try:
            refused = send(message, to)
        except InDoubt as unsure:
            _mark(ledger, telling.id, IN_DOUBT, now)
            doubtful.append(audience)
            problems.append(unsure)
            continue
        except ColophonError as trouble:
            _mark(ledger, telling.id, "")  # surely not sent
            problems.append(trouble)
            continue
        _mark(ledger, telling.id, str(message["Message-ID"]), now)
        told.append(audience)
        problems += [TransientError(f"{address} was refused by the mail server", where="mail") for address in refused]
    if told or doubtful:
        with ledger.session() as session:
            detail = {"told": told, "in doubt": doubtful}
            record_event(session, what="licence flags mailed", now=now, who=EXPIRY, detail=detail)
    return Told(tuple(told), tuple(doubtful), tuple(problems))


def begin(ledger: Ledger, house: House, *, now: datetime) -> int:
    """Puts flags that nobody was told of into a batch, with a telling for each audience; gives their number. All or nothing."""
    try:
        return _batch(ledger, house, now)
    except IntegrityError:  # another run has just put them into one
        return 0


def _batch(ledger: Ledger, house: House, now: datetime) -> int:
    with ledger.session() as session:
        new = (LicenceFlagRow.mailed_in == 0, LicenceFlagRow.state == FlagState.OPEN)
        query = select(LicenceFlagRow.team, func.count()).where(*new).group_by(LicenceFlagRow.team)
        counts: Counter[str] = Counter({str(team): int(count) for team, count in session.execute(query)})
        audiences = {team: count for team, count in sorted(counts.items()) if team and _addresses(house, team)}
        if house.licences.report_mail and counts:
            audiences[EVERYBODY] = counts.total()
        if not audiences:
            return 0
        last = session.scalar(select(func.max(LicenceTellingRow.id))) or 0
        for audience, count in audiences.items():
            team = "" if audience == EVERYBODY else audience
            told = [{"batch": last + 1, "flags": count}]
            session.add(LicenceTellingRow(channel=MAIL, key=f"{audience} {last + 1}", team=team, flags=told, begun_at=now))
        session.execute(update(LicenceFlagRow).where(*new).values(mailed_in=last + 1))
        return counts.total()


def _due(ledger: Ledger) -> list[LicenceTellingRow]:
    """Tellings that were not sent. One that an earlier run was handing over when it ended is in doubt from now on."""
    with ledger.session() as session:
        query = select(LicenceTellingRow).where(LicenceTellingRow.channel == MAIL, LicenceTellingRow.told_at.is_(None))
        found = list(session.scalars(query.order_by(LicenceTellingRow.id).with_for_update()))
        for row in found:
            if row.reference == HANDING_OVER:
                row.reference, row.told_at = IN_DOUBT, row.begun_at
        return [row for row in found if row.told_at is None]


def _claimed(ledger: Ledger, telling_id: int) -> bool:
    with ledger.session() as session:
        row = session.scalar(select(LicenceTellingRow).where(LicenceTellingRow.id == telling_id).with_for_update())
        if row is None or row.reference or row.told_at is not None:
            return False
        row.reference = HANDING_OVER
        return True


def _mark(ledger: Ledger, telling_id: int, reference: str, told_at: datetime | None = None) -> None:
    with ledger.session() as session:
        row = session.get(LicenceTellingRow, telling_id)
        if row is not None:
            row.reference, row.told_at = reference[:200], told_at


def _addresses(house: House, audience: str) -> tuple[str, ...]:
    """A team hears of its flags from the report where it gets that anyway."""
    rules = house.licences
    if audience == EVERYBODY:
        return rules.report_mail
    mine = dict.fromkeys(address for team in rules.teams if team.role == audience for address in team.mail)
    return tuple(address for address in mine if address not in rules.report_mail)


# --- the mail


def _written(
    ledger: Ledger, store: ArtefactStore, house: House, report: Report, telling: LicenceTellingRow, now: datetime
) -> EmailMessage | None:
    """None where nobody has to act any more."""
    batch = int(telling.flags[0]["batch"])
    with ledger.read() as session:
        summary = summary_of(session, mailed_in=batch, team=telling.team or None)
        new = _first(session, batch, summary)
        doubted = _doubted(session, telling, now)
    if not new:
        return None
    message = EmailMessage(policy=SEVEN_BIT)
    stops = sum(causes["blocking"] for causes in summary.values())
    count = sum(causes.total() for causes in summary.values()) - stops
    flags = "one flag" if count == 1 else f"{count:,} flags"
    message["Subject"] = f"Licences of images: {flags} to act on{f', {stops:,} of which stop deliveries' if stops else ''}"
    message["From"] = house.sender.email
    message["To"] = ", ".join(_addresses(house, telling.key.split(" ")[0]))
    message["Date"] = format_datetime(telling.begun_at)
    message["Message-ID"] = message_id(telling.key, house)
    message.set_content(_plain(new, count, doubted))
    message.add_alternative(_page(new, summary, count, doubted, house, now), subtype="html")
    if report.workbook.bytes <= ATTACHED:
        with store.open(report.workbook.sha256) as workbook:
            kind = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            message.add_attachment(workbook.read(), "application", kind, filename=f"licences_{now:%Y%m%d}.xlsx")
    return message


def message_id(key: str, house: House) -> str:
    domain = house.sender.email.partition("@")[2] or ".".join(reversed(house.domain.split(".")))
    return f"<colophon-{hashlib.sha256(f'{house.domain} {key}'.encode()).hexdigest()[:32]}@{domain}>"


MOST = 100  # flags in one mail; the workbook has all


def _first(session: Session, batch: int, summary: Mapping[str, Counter[str]]) -> list[Line]:
    """Of each team as many, the first due first: what one must do hides nobody else's."""
    return [line for team in summary for line in islice(lines(session, team=team, mailed_in=batch), max(1, MOST // len(summary)))]


def _doubted(session: Session, telling: LicenceTellingRow, now: datetime) -> list[str]:
    """Days of earlier mails to the same audience that may not have arrived."""
    mine = (LicenceTellingRow.channel == MAIL, LicenceTellingRow.team == telling.team, LicenceTellingRow.reference == IN_DOUBT)
    query = select(LicenceTellingRow.begun_at).where(*mine, LicenceTellingRow.begun_at > now - OLD, LicenceTellingRow.id != telling.id)
    return sorted({f"{moment.date()}" for moment in session.scalars(query)})


def _doubts(doubted: Sequence[str]) -> str:
    return f"The mail of {', '.join(doubted)} may not have reached you: the workbook has its flags, too." if doubted else ""


def _plain(new: Sequence[Line], count: int, doubted: Sequence[str]) -> str:
    rows = [f"* {line.due_on or 'no day'}, {line.cause}: image {line.asset_id}{f' ({line.title})' if line.title else ''}. {line.message}\n"
            f"  To do: {line.todo}" for line in new]  # fmt: skip
    more = [f"* and {count - len(new):,} more: see the workbook."] if count > len(new) else []
    head = "Licences of images that somebody must act on:"
    end = "You are told of each once, and again at the next threshold. Acknowledge or resolve them in Airflow, page Licences."
    return "\n".join(part for part in (head, "", *rows, *more, "", _doubts(doubted), end) if part or part == "")


def _page(new: Sequence[Line], summary: Mapping[str, Counter[str]], count: int, doubted: Sequence[str], house: House, now: datetime) -> str:
    out = io.BytesIO()
    remark = _more(count - len(new), doubted)
    with Page(out, house.publisher, now.date(), summary, {}, "Licences of images: new flags", remark) as page:
        for line in new:
            page.add(line)
    return out.getvalue().decode()


def _more(left: int, doubted: Sequence[str]) -> str:
    return " ".join(part for part in (f"And {left:,} more: see the workbook." if left > 0 else "", _doubts(doubted)) if part)
