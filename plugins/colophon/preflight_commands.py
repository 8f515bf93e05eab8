"""`colophon preflight`: the packages' own checks, on any file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colophon.commands import said_as_json, say
from include.errors import ConfigurationError

if TYPE_CHECKING:
    from include.files.model import Checked, Sniffed
    from include.files.preflight import Expected

PARTS = ("text", "cover", "jacket", "other")


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", nargs="+", type=Path, help="PDF, EPUB, MP3 or picture; several sound files are checked as one audiobook")
    command.add_argument("--isbn", help="the product's; without it the one in the file's name")
    command.add_argument("--pages", type=int, help="the product's extent")
    command.add_argument("--trim", type=_measures, metavar="WIDTHxHEIGHT", help="the product's measures in millimetres, such as 129x198")
    command.add_argument("--spine", type=float, metavar="MM", help="width of the book block")
    command.add_argument("--bleed", type=float, default=0.0, metavar="MM", help="bleed that the printer needs")
    command.add_argument("--part", choices=PARTS, help="what a PDF is; without it the name decides")
    command.add_argument("--pdfx", action="append", default=[], metavar="PDF/X-1a", help="a PDF/X that is wanted (may be repeated)")
    command.add_argument("--colour", choices=("cmyk", "gray", "rgb"), default="", help="colours that are wanted")
    command.add_argument("--json", action="store_true")


def preflight(args: argparse.Namespace) -> int:
    """Exit status 1 if anything fails."""
    from include.files.preflight import acx, check, check_set

    for path in args.file:
        if not path.is_file():
            raise ConfigurationError("there is no such file", where=str(path), todo="Check the path.")
    rows: list[tuple[str, Sniffed | None, Checked]] = []
    tracks = []
    for path in args.file:
        sniffed, unsafe = _safe(path)
        if sniffed is None:
            rows.append((path.name, None, unsafe))
        elif sniffed.family == "audio":
            tracks.append((path, path.name, sniffed))
        else:
            rows.append((path.name, sniffed, check(path, path.name, sniffed, _expected(args, path, sniffed))))
    if len(tracks) == 1:
        path, name, sniffed = tracks[0]
        rows.append((name, sniffed, check(path, name, sniffed, acx())))
    elif tracks:
        rows.append(("audiobook", None, check_set(tracks, acx())))
    if not said_as_json(args, [_row(*row) for row in rows]):
        for row in rows:
            _show(*row)
    return 1 if any(checked.fails for _, _, checked in rows) else 0


def _safe(path: Path) -> tuple[Sniffed | None, Checked]:
    """What the file is; or nothing, and why it isn't even looked into."""
    from include.files import safety
    from include.files.model import Checked, Finding, Refused, Severity
    from include.partners.inboxes import Limits

    try:
        return safety.examine(path, path.name, Limits()), Checked()
    except Refused as refused:
        return None, Checked((Finding(refused.code, Severity.FAIL, refused.what, refused.todo, refused.where, path.name),))


def _expected(args: argparse.Namespace, path: Path, sniffed: Sniffed) -> Expected:
    from include.files import names
    from include.files.model import Kind
    from include.files.preflight import Expected

    said = names.read(path.name)
    part = args.part or ""
    if not part and sniffed.family == "pdf":
        part = "text" if said.kind is Kind.INTERIOR else said.part if said.part in PARTS else "text" if args.pages else ""
    pdf = sniffed.family == "pdf"
    return Expected(
        part=part,
        isbn=args.isbn or next(iter(said.isbns), ""),
        pages=args.pages,
        trim_mm=args.trim,
        spine_mm=args.spine,
        bleed_mm=args.bleed,
        pdfx=tuple(args.pdfx),
        colour=args.colour,
        min_dpi=300 if pdf else 0,
        min_dpi_bitmap=550 if pdf else 0,
        accessibility=sniffed.family == "epub",
    )


def _measures(text: str) -> tuple[float, float]:
    width, _, height = text.lower().replace("×", "x").partition("x")
    try:
        return float(width), float(height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} isn't WIDTHxHEIGHT in millimetres, such as 129x198") from None


def _row(name: str, sniffed: Sniffed | None, checked: Checked) -> dict[str, Any]:
    return {
        "file": name,
        "type": sniffed.media_type if sniffed else None,
        "fails": checked.fails,
        "findings": [one.to_json() for one in checked.findings],
        "facts": checked.facts,
    }


def _show(name: str, sniffed: Sniffed | None, checked: Checked) -> None:
    facts = checked.facts
    told = [sniffed.media_type] if sniffed else []
    told += [f"{facts['pages']} pages"] if "pages" in facts else []
    told += ["{:g} × {:g} mm".format(*facts["trim_mm"])] if "trim_mm" in facts else []
    told += ["{:,} × {:,} pixels".format(*facts["pixels"])] if "pixels" in facts else []
    told += [f"{facts['seconds'] / 60:.1f} minutes"] if "seconds" in facts else []
    state = "FAIL" if checked.fails else "ok"
    say(f"{state:<5} {name}" + (f"  ({', '.join(told)})" if told else ""))
    for one in checked.findings:
        place = ": ".join(text for text in (one.file if one.file != name else "", one.where) if text)
        say(f"  {one.severity:<5} {one.code:<24} {one.message}" + (f" [{place}]" if place else "") + (f" {one.todo}" if one.todo else ""))
