"""`colophon sales …`: reports of sales and usage, from a terminal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from colophon import load_commands, payment_commands, usage_commands, workbook_commands
from colophon.commands import said_as_json, say


def add_options(group: Any) -> None:
    """The arguments of each, on its own parser."""
    command = group.add_parser("recognise", help="which layout reports have; what none fits is told with the nearest one")
    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=recognise)
    load_commands.add_options(group)
    payment_commands.add_options(group)
    workbook_commands.add_options(group)
    usage_commands.add_options(group)


def recognise(args: argparse.Namespace) -> int:
    """File, layout, where its tables lie; 0 only if every file was recognised."""
    from include.sales.layout import load_layouts

    layouts = load_layouts()
    found = [_recognised(path, layouts) for path in args.files]
    if not said_as_json(args, found):
        for one in found:
            say(f"{one['layout'] or '-':<20} {one['file']}")
            for sentence in one["notes"]:
                say(f"{'':<20} {sentence}")
    return 0 if all(one["layout"] for one in found) else 1


def _recognised(path: Path, layouts: Any) -> dict[str, Any]:
    from include.errors import ConfigurationError
    from include.files.bounds import printable
    from include.sales.recognise import NotRecognised
    from include.sales.recognise import recognise as recognised

    if not path.is_file():
        raise ConfigurationError("there is no such file", where=printable(str(path)), todo="Name a report.")
    told = recognised(path, path.name, layouts)
    shown: dict[str, Any] = {"file": printable(str(path)), "layout": "", "tables": []}
    if isinstance(told, NotRecognised):
        near = told.nearest.id if told.nearest else ""
        return shown | {"nearest": near, "differs": list(told.differs), "notes": [str(told)]}
    tables = [
        {
            "table": one.table.name,
            "sheet": one.label,
            "header_row": one.shape.header_row,
            "encoding": one.shape.encoding,
            "delimiter": one.shape.delimiter,
            "decimal": one.shape.mark,
        }
        for one in told.found
    ]
    notes = [*told.notes, *(["its amounts are an estimate: another report settles them"] if told.layout.estimate else [])]
    return shown | {"layout": told.layout.id, "tables": tables, "notes": notes}
