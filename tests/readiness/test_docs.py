from __future__ import annotations

from pathlib import Path

from include.readiness import assess
from include.readiness.columns import COLUMNS, SCHEMA

DOC = (Path(__file__).resolve().parents[2] / "docs" / "readiness.md").read_text()


def test_every_check_and_column_is_explained():
    for code, name in assess.known_checks():
        assert f"`{code}`" in DOC, code
        assert name in DOC or code in {"contract-delivery", "to-do"}, name
    for key, column in COLUMNS.items():
        assert f"| `{key}` | {column.header} | {column.means} |" in DOC, key


def test_the_schema_version_is_told():
    assert f"now **{SCHEMA}**" in DOC
