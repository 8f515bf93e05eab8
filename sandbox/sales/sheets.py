"""Writers of report files: delimited text in any encoding, and workbooks that are the same bytes every time."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl

from sandbox.files.zips import Stamp

_STAMP: Stamp = (2026, 1, 5, 9, 0, 0)
Row = Sequence[Any]


def delimited(rows: Sequence[Row], delimiter: str = ",", encoding: str = "utf-8", newline: str = "\r\n") -> bytes:
    """UTF-16 gets its byte order mark, as those who send it write it."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows(rows)
    return text.getvalue().encode(encoding, "replace")


def zipped(content: bytes) -> bytes:
    """gzip without a name and a time."""
    return gzip.compress(content, mtime=0)


def workbook(sheets: Mapping[str, Sequence[Row]]) -> bytes:
    """An XLSX with these sheets. Decimals become numbers with two places or more, as Excel would keep them; text stays text."""
    book = openpyxl.Workbook(write_only=True)
    book.properties.created = book.properties.modified = datetime(*_STAMP)  # noqa: DTZ001 - the format knows no zone
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([_cell(value) for value in row])
    raw = io.BytesIO()
    book.save(raw)
    return _same_every_time(raw)


def _cell(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _same_every_time(raw: io.BytesIO) -> bytes:
    """The same members under one time: openpyxl stamps them with the clock's, and the document with when it was saved."""
    clean = io.BytesIO()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(clean, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _without_now(content)
            info = zipfile.ZipInfo(name, _STAMP)
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            target.writestr(info, content)
    return clean.getvalue()


def _without_now(core: bytes) -> bytes:
    import re

    return re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2026-01-05T09:00:00Z", core)
