"""Licences in a ledger, written as `licence_sync` and people would have left them, and the titles that they serve."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from include.ledger.database import Ledger
from include.ledger.licence_rows import LicenceFlagRow, LicenceRow, LicenceServesRow
from include.ledger.models import ProductRow, WorkRow
from include.licences import flags, record, terms
from include.licences.model import Said, Source, Term, TermState
from include.partners.licensing import Campaign, LicenceRules, Team
from include.partners.registry import load_house
from include.titles import codec
from include.titles.model import Product
from tests.deliveries.desk import product, work

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
RULES = LicenceRules(
    teams=(
        Team(role="production", causes=("reprint", "print-run"), mail=("production@lq.example",), jira_project="PROD"),
        Team(role="marketing", causes=("campaign",), mail=("marketing@lq.example",), jira_project="MKT"),
        Team(role="rights", mail=("rights@lq.example",), jira_project="RIGHTS"),
    ),
    report_mail=("desk@lq.example",),
)
FREE = {"ends": "perpetual", "territories": "unlimited", "print_run": "unlimited", "formats": "unlimited", "use": "unlimited",
        "editorial_only": False, "new_editions": "allowed"}  # fmt: skip
"""A licence that nothing is to be said of."""


@dataclass
class Library:
    """One day after another: `check` runs at `now`. `runs`: production runs by work, as Consonance tells them."""

    ledger: Ledger
    store: Any = None
    now: datetime = NOW
    rules: LicenceRules = RULES
    campaigns: tuple[Campaign, ...] = ()
    runs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    @property
    def house(self) -> Any:
        return load_house().model_copy(update={"licences": self.rules})

    def later(self, days: int) -> None:
        self.now += timedelta(days=days)

    def title(self, number: int, *editions: dict[str, Any]) -> None:
        """A work with an edition for each dict, numbered `number * 10 + place`; a paperback where none is given."""
        for place, changes in enumerate(editions or ({},)):
            self._put(product(number * 10 + place, work(number), **changes))

    def _put(self, one: Product) -> None:
        with self.ledger.session() as session:
            old = session.get(ProductRow, one.id)
            seen = old.first_seen if old else self.now - timedelta(hours=1)
            body = codec.encode_work(one.work)
            session.merge(WorkRow(id=one.work.id, title=one.work.title, digest=codec.digest(body), content=body, first_seen=seen,
                                  changed_at=self.now))  # fmt: skip
            body, day = codec.encode_product(one), one.publication_date.isoformat() if one.publication_date else ""
            session.merge(ProductRow(id=one.id, work_id=one.work.id, isbn=one.isbn, title=one.full_title, form=one.form, first_seen=seen,
                                     publication_date=day, digest=codec.digest(body), content=body, changed_at=self.now))  # fmt: skip

    def licence(self, *serves: tuple[int, int, str], asset: str = "", campaign: str = "", **said: Any) -> int:
        """A licence with these terms over those of `FREE` (None: unknown); `serves`: (work, product or 0, role)."""
        with self.ledger.session() as session:
            row = LicenceRow(
                asset_id=asset or str(1000 + self.now.microsecond + len(list(session.scalars(select(LicenceRow.id))))),
                use=f"download 1 {len(list(session.scalars(select(LicenceRow.id))))}",
                name="A lighthouse in fog", model="royaltyfree", agreement="LQ Premium Access", licensed_at=self.now, terms={},
                first_seen=self.now, changed_at=self.now, checked_at=self.now,
                serves=[LicenceServesRow(work_id=work, product_id=one, role=role, source="person") for work, one, role in serves],
            )  # fmt: skip
            if campaign:
                row.serves.append(LicenceServesRow(campaign=campaign, role="promotion", source="person"))
            session.add(row)
            session.flush()
            record.settle(session, row, _said(FREE | said), who="rights", now=self.now, quiet=True)
            return row.id

    def say(self, licence_id: int, **said: Any) -> None:
        """A person says other terms."""
        with self.ledger.session() as session:
            row = session.get(LicenceRow, licence_id)
            assert row is not None
            record.settle(session, row, terms.said_of(row.terms) | _said(said), who="rights", now=self.now)

    def withdraw(self, licence_id: int) -> None:
        with self.ledger.session() as session:
            row = session.get(LicenceRow, licence_id)
            assert row is not None
            row.withdrawn_at = self.now

    def move(self, product_id: int, **changes: Any) -> None:
        """The edition in Consonance changes, and the mirror follows."""
        with self.ledger.read() as session:
            row = session.get(ProductRow, product_id)
        assert row is not None
        self._put(replace(product(product_id, work(row.work_id)), **changes))

    def check(self) -> dict[str, int]:
        """Counts of a check, without licences."""

        def runs_of(work_id: int) -> list[dict[str, Any]]:
            self.asked.append(work_id)
            return self.runs.get(work_id, [])

        done = flags.check(self.ledger, self.rules, campaigns=self.campaigns, runs_of=runs_of, now=self.now)
        assert done.problems == ()
        return {name: count for name, count in done.counts.items() if count and name != "licences"}

    def flags(self, *states: str) -> list[LicenceFlagRow]:
        with self.ledger.read() as session:
            rows = session.scalars(select(LicenceFlagRow).order_by(LicenceFlagRow.id))
            return [row for row in rows if row.state in (states or ("open", "acknowledged", "resolved"))]

    def open(self) -> list[tuple[str, int]]:
        """(cause, threshold) of what is open."""
        return [(row.cause, row.threshold) for row in self.flags("open")]


def _said(told: dict[str, Any]) -> Said:
    return {name: {Source.PERSON: _term(value)} for name, value in told.items()}


def _term(value: Any) -> Term:
    if value is None:
        return Term(source=Source.PERSON)
    if value in ("perpetual", "unlimited"):
        return Term(TermState(value), None, Source.PERSON, "contract 7")
    return Term(TermState.KNOWN, value, Source.PERSON, "contract 7")
