"""The `colophon` command: the flows' own code, from a terminal. Exit status 0 only when all is well.

0  done          1  something needs mending (said on stderr)          2  the command line is wrong
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path
from typing import Any

from colophon import (
    archive_commands,
    backup_commands,
    commands,
    config_commands,
    cover_commands,
    intake_commands,
    licence_commands,
    package_commands,
    preflight_commands,
    readiness_commands,
    rights_commands,
    sales_commands,
    statements_commands,
    titles_commands,
)
from include.errors import ColophonError


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.basicConfig(level=logging.INFO if args.verbose else logging.WARNING, format="%(message)s", stream=sys.stderr)
    commands.out = sys.stdout
    try:
        with redirect_stdout(sys.stderr):  # logs of Airflow and others must not get among what a program reads
            return int(args.run(args) or 0)
    except ColophonError as bad:
        print(f"colophon: {bad}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="colophon", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-v", "--verbose", action="store_true", help="say what happens while it happens")
    groups = parser.add_subparsers(required=True, metavar="command")

    partners = groups.add_parser("partners", help="the partner files").add_subparsers(required=True, metavar="what")
    _command(partners, "check", config_commands.check, "read every file of config/ and say what is wrong")
    command = _command(partners, "list", commands.partners_list, "who receives what, when last and when next")
    command.add_argument("--json", action="store_true")
    command = _command(partners, "titles", commands.partners_titles, "what a partner has, has never had, or is not given now")
    command.add_argument("partner")
    command.add_argument("--show", choices=("received", "unsent", "held"), default="received")
    command.add_argument("--json", action="store_true")

    connections = groups.add_parser("connections", help="connections").add_subparsers(required=True, metavar="what")
    command = _command(connections, "check", commands.connections_check, "try every connection and name what to mend")
    command.add_argument("--json", action="store_true")

    feed = groups.add_parser("feed", help="metadata feeds").add_subparsers(required=True, metavar="what")
    command = _command(feed, "preview", commands.feed_preview, "render what a partner would get; nothing is sent or recorded")
    command.add_argument("partner")
    command.add_argument("--isbn", action="append", default=[], help="only this title (may be repeated)")
    command.add_argument("--out", type=Path, help="write the message and rejects.csv into this folder, instead of to the terminal")

    deliveries = groups.add_parser("deliveries", help="what was sent").add_subparsers(required=True, metavar="what")
    command = _command(deliveries, "list", commands.deliveries_list, "deliveries, newest first")
    for name in ("partner", "flow", "state", "isbn"):
        command.add_argument(f"--{name}")
    command.add_argument("--since", type=date.fromisoformat, metavar="YYYY-MM-DD")
    command.add_argument("--until", type=date.fromisoformat, metavar="YYYY-MM-DD")
    command.add_argument("--limit", type=int, default=100)
    command.add_argument("--json", action="store_true")
    command = _command(deliveries, "show", commands.deliveries_show, "one delivery: files, records, events, answers")
    command.add_argument("id", type=int)
    command.add_argument("--json", action="store_true")

    command = _command(groups, "redeliver", commands.redeliver, "send a delivery again")
    command.add_argument("id", type=int)
    command.add_argument("--rebuilt", action="store_true", help="today's data under the next message number, instead of the same bytes")
    command.add_argument("--dry-run", action="store_true", help="only show what would go")

    command = _command(groups, "title", commands.title, "what each partner has of a title and since when, or why not")
    command.add_argument("isbn")
    command.add_argument("--fragments", action="store_true", help="also print the record as each partner last got it")
    command.add_argument("--json", action="store_true")

    command = _command(groups, "files", commands.files, "whether a file went out, where and when")
    for name in ("name", "isbn", "sha256"):
        command.add_argument(f"--{name}", default="")
    command.add_argument("--json", action="store_true")

    command = _command(groups, "preflight", preflight_commands.preflight, "check files as a package's files are checked")
    preflight_commands.add_options(command)

    command = _command(groups, "readiness", readiness_commands.readiness, "how ready titles are; fails when something is late")
    readiness_commands.add_options(command)

    _files_coming_in(groups)
    _of_rows(groups)
    _of_packages(groups)
    _of_data(groups)
    return parser


def _files_coming_in(groups: Any) -> None:
    """From inboxes, old archives and backups."""
    intake = groups.add_parser("intake", help="files that partners drop").add_subparsers(required=True, metavar="what")
    intake_commands.add_options(intake)
    migrate = groups.add_parser("migrate", help="old archives").add_subparsers(required=True, metavar="what")
    for what, run, help in (
        ("plan", archive_commands.plan, "list an archive and say what would become of every file; nothing is fetched"),
        ("run", archive_commands.run, "bring an archive over, or go on with it"),
        ("status", archive_commands.status, "how far an archive has come"),
    ):
        command = _command(migrate, what, run, help)
        command.add_argument("archive")
        command.add_argument("--json", action="store_true")
        if what != "status":
            command.add_argument("--out", type=Path, metavar="DIR", help="also write the report as text, CSV and workbook into this folder")
    backup_commands.add_options(_command(groups, "restore", backup_commands.restore, "bring a backup back into a folder of its own"))


def _of_rows(groups: Any) -> None:
    """Files of which the rows are the matter."""
    cover_commands.add_options(groups.add_parser("covers", help="covers from Cloudinary").add_subparsers(required=True, metavar="what"))
    licences = groups.add_parser("licences", help="licences of images").add_subparsers(required=True, metavar="what")
    licence_commands.add_options(licences)
    sales_commands.add_options(groups.add_parser("sales", help="reports of sales and usage").add_subparsers(required=True, metavar="what"))
    titles_commands.add_options(groups.add_parser("titles", help="sheets of titles").add_subparsers(required=True, metavar="what"))
    statements = groups.add_parser("statements", help="exported royalty statements").add_subparsers(required=True, metavar="what")
    rights_commands.add_options(groups.add_parser("rights", help="rights reports").add_subparsers(required=True, metavar="what"))
    statements_commands.add_options(statements.add_parser("split", help="cut exported files apart by payee; nothing is recorded or sent"))


def _of_packages(groups: Any) -> None:
    """What printers and vendors get."""
    package = groups.add_parser("package", help="packages for printers and vendors").add_subparsers(required=True, metavar="what")
    command = _command(package, "build", package_commands.package_build, "a title's package as it would go; nothing is recorded or sent")
    command.add_argument("title", help="ISBN, Consonance's id, or words of the title")
    command.add_argument("--for", dest="partner", required=True, metavar="PARTNER", help="id of the printer or vendor")
    command.add_argument("--out", type=Path, metavar="DIR", help="write the package's files into this folder")


def _of_data(groups: Any) -> None:
    """The ledger and the mirror."""
    ledger = groups.add_parser("ledger", help="the ledger's database").add_subparsers(required=True, metavar="what")
    _command(ledger, "upgrade", commands.ledger_upgrade, "bring the ledger's tables up to date")

    catalogue = groups.add_parser("catalogue", help="the mirror of Consonance").add_subparsers(required=True, metavar="what")
    command = _command(catalogue, "sync", commands.catalogue_sync, "bring the mirror up to date")
    command.add_argument("--full", action="store_true", help="read every title again")


def _command(group: Any, name: str, run: Callable[[argparse.Namespace], int | None], help: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = group.add_parser(name, help=help, description=help.capitalize() + ".")
    command.set_defaults(run=run)
    return command
