"""What a person is told of a workbook: rows, totals, where it is loaded, step by step."""

from __future__ import annotations

from typing import Any

from include.ledger.sales_rows import WorkbookRow
from include.workbooks.template import Template

LABELS = {"sold": "Units sold", "returned": "Units returned", "titles": "Titles", "prices": "Prices", "rows": "Rows of the source"}
WHAT = {"sales": "sales", "titles": "new titles", "prices": "prices"}


def question(row: WorkbookRow, template: Template) -> dict[str, Any]:
    """For a question in Airflow or a page: numbers and sentences, no bytes."""
    return {
        "id": row.id,
        "kind": row.kind,
        "what": WHAT.get(row.kind, row.kind),
        "name": row.name,
        "subject": row.subject,
        "part": f"part {row.part} of {row.parts}" if row.parts > 1 else "",
        "rows": row.rows,
        "totals": totals(row),
        "place": template.place,
        "checklist": checklist(row, template),
        "role": row.role,
        "note": row.note,
    }


def totals(row: WorkbookRow) -> list[tuple[str, str]]:
    """Label and amount, counts first: (Units sold, 120), (Net GBP, 1,234.50)."""
    counts = [(LABELS[name], grouped(amount)) for name, amount in row.totals.items() if name in LABELS]
    money = [(f"Net {name}", grouped(amount)) for name, amount in sorted(row.totals.items()) if name not in LABELS]
    return counts + money


def checklist(row: WorkbookRow, template: Template) -> list[str]:
    """The template's steps; and what public pages do not say about this import, for the person to compare."""
    unseen = [column.header for column in template.columns if not column.documented]
    steps = list(template.checklist)
    if unseen:
        steps.insert(1, f"Compare the header {', '.join(unseen)} with your own template of this import: public pages do not show it.")
    if row.parts > 1:
        steps.append(f"This is part {row.part} of {row.parts}: each part is a question of its own.")
    return steps


def grouped(amount: str) -> str:
    """With thousands marked, as people read it: 1,234.50."""
    sign, plain = ("-", amount[1:]) if amount.startswith("-") else ("", amount)
    whole, point, rest = plain.partition(".")
    return f"{sign}{int(whole):,}{point}{rest}"
