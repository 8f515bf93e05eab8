"""XML messages, streamed: a row is an element, a column is a path from it. What surrounds the rows is read on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from lxml import etree

from include.errors import RejectedData
from include.files.bounds import printable
from include.sales.readers.rows import Gatherer, Rows

_NAME = re.compile(r"(?<![\w'.-])([A-Za-z_][\w.-]*)(?=[/\[\]=]|$)")


class TreeSheet:
    """One XML message. A column that begins with `/` is a path from the root: `/Header/ReportDate`, the same for all rows."""

    name = ""
    hidden = since_1904 = False

    def __init__(self, path: Path, member: str = "") -> None:
        self._path, self.member = path, member
        self.around: dict[str, str] = {}

    def root(self) -> str:
        """Name of the root element, without its namespace. Raises `RejectedData` if it is no XML."""
        try:
            with self._path.open("rb") as stream:
                for _, element in etree.iterparse(stream, events=("start",), **SAFE):
                    return str(etree.QName(element).localname)
        except etree.XMLSyntaxError as bad:
            raise self._broken(bad) from bad
        return ""

    def _broken(self, bad: etree.XMLSyntaxError) -> RejectedData:
        return RejectedData(f"not well-formed XML: {printable(str(bad))[:200]}", where=printable(self.member), todo="Ask for it again.")

    def rows(self, row: str, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """Number of the row element, from 1, and its cells. Raises `RejectedData`."""
        within = [(at, etree.ETXPath(_xpath(path))) for at, path in enumerate(columns) if not path.startswith("/")]
        around = [(at, path, path.split("/")[1]) for at, path in enumerate(columns) if path.startswith("/")]
        parents = {parent for _, _, parent in around}
        number = 0
        try:
            with self._path.open("rb") as stream:
                for _, element in etree.iterparse(stream, events=("end",), **SAFE):
                    local = _local(element)
                    if local == row:
                        number += 1
                        cells = [self.around.get(path, "") for path in columns]
                        for at, path in within:
                            cells[at] = _text(path(element))
                        forget(element)
                        yield number, cells
                    elif local in parents and (parent := element.getparent()) is not None and parent.getparent() is None:
                        for _, column, first in around:
                            if first == local:
                                rest = column.split("/", 2)[2:]
                                self.around[column] = _text(etree.ETXPath(_xpath(rest[0]))(element)) if rest else (element.text or "")
        except etree.XMLSyntaxError as bad:
            raise self._broken(bad) from bad

    def unknown(self, row: str, columns: Sequence[str], most: int) -> list[str]:
        """Elements with something in them that no column names, in the first rows."""
        paths = [path for path in columns if not path.startswith("/")]
        known = {re.sub(r"\[[^]]*\]", "", path) for path in paths}
        known |= {f"{path[: at.start()]}/{at[1]}" for path in paths for at in re.finditer(r"\[(\w+)=", path)}
        found: dict[str, None] = {}
        with self._path.open("rb") as stream:
            rows = (element for _, element in etree.iterparse(stream, events=("end",), **SAFE) if _local(element) == row)
            for element in islice(rows, most):
                found |= dict.fromkeys(path for path in _leaves(element, "") if path not in known)
                forget(element)
        return list(found)

    def read(self, row: str, columns: Sequence[str], rows_at_once: int) -> Iterator[Rows]:
        yield from Gatherer(len(columns), rows_at_once).gathered(self.rows(row, columns))


# nothing outside of the file is looked at, whatever it says
SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2] if isinstance(element.tag, str) else ""


def _xpath(path: str) -> str:
    """`Price[Type='41']/Amount` → an XPath that does not mind namespaces."""
    return _NAME.sub(lambda found: f"*[local-name()='{found[1]}']" if found[1] != "text" else found[1], path)


def _text(found: Any) -> str:
    if not found:
        return ""
    first = found[0] if isinstance(found, list) else found
    return str(first if isinstance(first, str) else "".join(first.itertext())).strip()


def _leaves(element: Any, within: str) -> Iterator[str]:
    """Paths of the elements that hold text."""
    for child in element:
        if name := _local(child):
            yield from _leaves(child, f"{within}{name}/") if len(child) else [f"{within}{name}"] if (child.text or "").strip() else []


def forget(element: Any) -> None:
    """Frees an element that was read, and what stands before it: a message of any size needs the memory of one row."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]
