"""What must not be in a recorded statement: everybody else of the payee list, and whatever the other statements of its export print."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from include.ledger import statements
from include.ledger.sales_rows import StatementRow
from include.royalties import check
from include.royalties.check import Other, Watch
from include.royalties.names import Marks
from include.royalties.payees import PayeeList


@dataclass(slots=True)
class Watching:
    """Makes the marks of each export once."""

    payees: PayeeList
    _marks: dict[str, Marks] = field(default_factory=dict)

    def of(self, session: Session, row: StatementRow, payee: str, allowed: Collection[str] = ()) -> Watch:
        """For a statement that would go to `payee`; `allowed`: payees whom a person has let be named in it."""
        marks = self._marks.get(row.source_sha256)
        if marks is None:
            rest = statements.of_source(session, row.source_sha256)
            told = [(owner, _printed(one)) for one in rest for owner in (f"statement {one.id}", one.payee) if owner]
            marks = self._marks[row.source_sha256] = check.marks_of(self.payees, told)
        return Watch(marks, frozenset({payee, f"statement {row.id}", *allowed}))


def _printed(row: StatementRow) -> Other:
    return Other(row.payee_name, row.number, contracts=tuple(str(one["contract_id"]) for one in row.contracts))
