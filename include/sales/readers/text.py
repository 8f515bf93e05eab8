"""CSV and tab-separated text, streamed: a report of ten million rows needs no more memory than its blocks.

Read by pyarrow as text. Rows of another width than the table's come back one by one: totals and footers often have fewer cells.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from include.errors import RejectedData
from include.files.bounds import printable
from include.files.characters import decodes
from include.sales.readers.rows import Ragged, Rows, Shape

HEAD = 512 << 10  # bytes in which the header must be, with the rows above it
_BLOCK = 1 << 20  # bytes read at once; no row is longer. Arrow reads 32 of them ahead
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"))
_WIDE = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class TextSheet:
    """One file of text as a table."""

    name = ""
    hidden = since_1904 = False

    def __init__(self, path: Path, member: str = "") -> None:
        self._path, self.member = path, member
        self._encodings: dict[tuple[str, ...], str] = {}
        self._heads: dict[tuple[str, str, bool, int], list[tuple[int, list[str]]]] = {}

    def encoding(self, candidates: Sequence[str]) -> str:
        """By its byte order mark, by the zeros of UTF-16, or the first candidate that fits every byte; "" if none does."""
        if tuple(candidates) not in self._encodings:
            self._encodings[tuple(candidates)] = self._told(candidates)
        return self._encodings[tuple(candidates)]

    def _told(self, candidates: Sequence[str]) -> str:
        with self._path.open("rb") as stream:
            head = stream.read(4096)
        for mark, name in (*_MARKS, *_WIDE):
            if head.startswith(mark):
                return name if decodes(self._path, name) else ""
        if name := wide(head):
            return name if decodes(self._path, name) else ""
        return next((name for name in candidates if decodes(self._path, name)), "")

    def head(self, encoding: str, delimiter: str, quoted: bool, rows: int) -> list[tuple[int, list[str]]]:
        """The first rows, each with the number of text lines up to its end. A cell that is too long ends it."""
        if (encoding, delimiter, quoted, rows) not in self._heads:
            self._heads[encoding, delimiter, quoted, rows] = self._read_head(encoding, delimiter, quoted, rows)
        return self._heads[encoding, delimiter, quoted, rows]

    def _read_head(self, encoding: str, delimiter: str, quoted: bool, rows: int) -> list[tuple[int, list[str]]]:
        with self._path.open("rb") as stream:
            text = codecs.getincrementaldecoder(encoding)("replace").decode(stream.read(HEAD)).replace("\0", "")
        reader = _reader(text, delimiter, quoted)
        found: list[tuple[int, list[str]]] = []
        try:
            for cells in reader:
                found.append((reader.line_num, cells))
                if len(found) >= rows:
                    break
        except csv.Error:
            pass  # what came before it is head enough
        return found

    def batches(self, shape: Shape, rows_at_once: int, ragged: Ragged) -> Iterator[Rows]:
        names = [str(number) for number in range(shape.width)]
        odd: list[int] = []  # rows of another width, counted from the first below the header

        def other_width(row: arrow_csv.InvalidRow) -> str:
            number = (row.number or shape.lines + 1) - shape.lines - 1
            odd.append(number)
            ragged(shape.header_row + 1 + number, _cells(row.text, shape))
            return "skip"

        try:
            with self._path.open("rb") as raw:
                reader = arrow_csv.open_csv(
                    _Utf8(raw, shape.encoding),
                    read_options=arrow_csv.ReadOptions(
                        use_threads=False, block_size=_BLOCK, skip_rows=shape.lines, column_names=names, encoding="utf8"
                    ),
                    parse_options=arrow_csv.ParseOptions(
                        delimiter=shape.delimiter,
                        quote_char='"' if shape.quoted else False,
                        double_quote=True,
                        newlines_in_values=shape.quoted,
                        ignore_empty_lines=False,
                        invalid_row_handler=other_width,
                    ),
                    convert_options=arrow_csv.ConvertOptions(
                        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, quoted_strings_can_be_null=False
                    ),
                )
                for rows in _numbered(reader, shape, odd):
                    yield from (rows.slice(start, rows_at_once) for start in range(0, len(rows), rows_at_once))
        except pa.ArrowInvalid as bad:
            if "Empty CSV file" in str(bad):
                return
            raise self._unreadable(str(bad)) from bad
        except UnicodeError as bad:
            raise self._unreadable("bytes that are no text") from bad

    def _unreadable(self, why: str) -> RejectedData:
        if "straddling" in why or "block" in why:
            what, todo = (
                f"a row is longer than {_BLOCK >> 20} MiB: a quotation mark is not closed, or it is no report",
                "Open it as text and look for a single quotation mark.",
            )
        else:
            what, todo = f"the text can't be read as a table: {printable(why)[:200]}", "Ask for it again."
        return RejectedData(what, where=printable(self.member), todo=todo)


def wide(head: bytes) -> str:
    """UTF-16 without a mark: every character of its marks and digits has a zero, all on one side; "" for what is none.

    Few are enough where titles are in another script, since the zeros of other texts lie on either side.
    """
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) <= len(head) // 25 or min(even, odd) > max(even, odd) // 20:
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _numbered(reader: arrow_csv.CSVStreamingReader, shape: Shape, odd: list[int]) -> Iterator[Rows]:
    """Each batch with the numbers of its rows in the sheet: those of another width are not in it, but count."""
    next_number, taken = 0, 0  # of the rows below the header; how many of `odd` lie before it
    for batch in reader:
        runs: list[np.ndarray[Any, np.dtype[np.int64]]] = []
        missing = batch.num_rows
        while missing:
            while taken < len(odd) and odd[taken] == next_number:
                taken, next_number = taken + 1, next_number + 1
            until = odd[taken] if taken < len(odd) else next_number + missing
            stop = min(until, next_number + missing)
            runs.append(np.arange(next_number, stop))
            missing -= stop - next_number
            next_number = stop
        del odd[:taken]
        taken = 0
        rows = pa.array(np.concatenate(runs) if runs else np.arange(0), pa.int64())
        yield Rows(pc.add(rows, shape.header_row + 1), batch.columns)


def _reader(text: str, delimiter: str, quoted: bool) -> Any:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)


def _cells(text: str, shape: Shape) -> list[str]:
    try:
        return next(_reader(text, shape.delimiter, shape.quoted), [])
    except csv.Error:
        return [text]


class _Utf8(io.RawIOBase):
    """The file as UTF-8 without a byte order mark and without zero bytes."""

    def __init__(self, raw: BinaryIO, encoding: str) -> None:
        self._raw, self._rest, self._first = raw, b"", True
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            piece = self._raw.read(max(size, 1 << 20))
            if self._decoder is None:
                self._rest = piece
            else:
                self._rest = self._decoder.decode(piece, final=not piece).encode()
            if b"\0" in self._rest:
                self._rest = self._rest.replace(b"\0", b"")
            if not piece:
                break
        if size < 0:
            size = len(self._rest)
        out, self._rest = self._rest[:size], self._rest[size:]
        return out
