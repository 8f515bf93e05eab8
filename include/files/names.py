"""What a file's name and its folders say: ISBNs, references, kind, part, revision, date, and words that may be a title.

Pure: no catalogue is asked. An ISBN here is one by its check digit; whether it is ours, `include.intake.match` says.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date

from include.files import idioms, isbns, revisions
from include.files.idioms import FAMILY, Family, Idiom
from include.files.isbns import MASK
from include.files.model import Clues, Kind

_SEPARATORS = re.compile(r"[/\\]|!(?=[^/\\]*[/\\.])")  # `pack.zip!inner/name.pdf`: a member of an archive
_COVER_LETTER = re.compile(r"(?i)cover(?:ing)?[\s_.-]*(?:letter|note|e?mail|sheet|memo)")
_DOWNLOADED = re.compile(r"(?i)[\s_-]*(?:\(\d{1,3}\)|- copy(?: \(\d+\))?|copy of )[\s_-]*")
_REFERENCE = re.compile(r"(?<![^\W_])([A-Za-z]{1,6})[-_ ]?(\d{3,8})(?![^\W_])")
_CUED_REFERENCE = re.compile(r"(?i)(?<![^\W\d_])(?:ref(?:erence)?|work)[\s_.#:-]*(?:no|nr|id)?[\s_.#:-]*(\d{3,9})(?![^\W_])")
_AGREEMENT = r"(?:contracts?|agreements?|agmt|vertrag)"
_CONTRACT = re.compile(rf"(?i)(?<![^\W\d_]){_AGREEMENT}(?P<cue>[\W_]*(?:no|nr|number|id|ref|#)[\W_]*|[\W_]*)(?P<id>\d{{1,9}})(?![^\W_])")
_CONTRACT_AFTER = re.compile(rf"(?i)(?<![^\W_])(?P<id>\d{{5,9}})[\s_-]+(?:[a-z]+[\s_-]+)?{_AGREEMENT}(?![^\W\d_])")
_SHORT_DATE = re.compile(
    r"(?:[012]\d|3[01])(?:0\d|1[0-2])(?:[0-3]\d|9\d)|(?:[0-3]\d|9\d)(?:0\d|1[0-2])(?:[012]\d|3[01])|(?:0\d|1[0-2])(?:[012]\d|3[01])(?:[0-3]\d|9\d)"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PAGE_RANGE = re.compile(r"^(\d{3})-(\d{3})$")
_TRACK = re.compile(
    r"(?:^| )(?:disc|disk|cd) (?P<disc>\d{1,2}) (?:track |trk |chapter |ch )?(?P<of>\d{1,3})(?: |$)"
    r"|(?:^| )(?:chapter|chap|ch|track|trk|section) (?P<n>\d{1,3})(?: |$)"
)
_CHAPTER = re.compile(r"(?:^| )(?:chapter|chap|ch) (\d{1,3})(?: |$)")
_FIGURE = re.compile(
    r"(?:^| )(fig|figs|figure|plate|map|illus|illustration|image|img|photo|drawing) (\d{1,4}(?: \d{1,3})?(?: [a-h](?= |$))?)(?: |$)"
)
_PERIOD = re.compile(r"(?i)(?<!\d)((?:19|20)\d\d)[\s_-]*(h[12]|q[1-4])|(?<![a-z])(h[12]|q[1-4])[\s_-]*((?:19|20)\d\d)(?!\d)")
_PIXELS = re.compile(r"(?<!\d)(\d{2,5})[xX×](\d{2,5})(?!\d)")
_AT_THE_END = frozenset({"v", "r", "rev", "ver", "final", "finals", "h", "q"})  # of revisions and half-years
_FIGURES = {"fig": "figure", "figs": "figure", "illus": "illustration", "img": "image"}


@dataclass(frozen=True, slots=True)
class _Segment:
    """One name of a path, taken apart. `words`: what is left, split, in lower case, with `MASK` where a number was."""

    stem: str
    extension: str
    family: Family
    found: isbns.Found
    dates: tuple[date, ...]
    revision: revisions.Revision
    words: tuple[str, ...]
    spoken: tuple[str, ...]  # the same with the revision's own words: "2nd pass" says that it is typeset pages
    no_cover: bool = False


def read(path: str) -> Clues:
    """What a path says, `/` between its folders, members of archives behind `!`. Never raises; empty clues where nothing is told.

    `title` has the name's words and, behind ` / `, those of the next folder that has any.
    """
    parts = [part for part in _SEPARATORS.split(unicodedata.normalize("NFKC", path)) if part.strip(" .")]
    if not parts:
        return Clues()
    name = _segment(parts[-1])
    folders = [_segment(part, folder=True) for part in reversed(parts[:-1])]
    found, where = _identifiers(name, folders)
    masked = "/".join(one.revision.rest for one in (*reversed(folders), name))
    kind, part, words = _kind(name, folders)
    dated = next((one.dates[-1] for one in (name, *folders) if one.dates), None)
    return Clues(
        isbns=found.isbns,
        wrong_isbns=found.wrong,
        work_references=_references([name, *folders]),
        contract_ids=_contracts(masked),
        kind=kind,
        part=part[:60],
        revision=name.revision.text,
        rank=name.revision.rank,
        dated=dated,
        title=_title(words, folders),
        contributor=_by(words),
        found_in=where,
    )


# --- taking a name apart


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    if dot and stem and extension.lower() in FAMILY:
        inner, inner_dot, before = stem.rpartition(".")
        if inner_dot and extension.lower() in {"gz", "bz2", "xz"} and before.lower() == "tar":
            stem = inner
        return stem, extension.lower()
    return name, ""


def _segment(text: str, *, folder: bool = False) -> _Segment:
    stem, extension = _split(text)
    family = FAMILY.get(extension, "other")
    stem = _DOWNLOADED.sub(" ", stem).strip()
    no_cover = bool(_COVER_LETTER.search(stem))
    found = isbns.find(_COVER_LETTER.sub("letter", stem))
    days, rest = revisions.dates(found.rest)
    rest = _CAMEL.sub(" ", rest)
    revision = revisions.take(rest, pages=not folder and family == "pdf")
    words, spoken = tuple(_words(revision.rest)), tuple(_words(rest))
    return _Segment(stem, extension, family, found, days, revision, words, spoken, no_cover)


def _words(text: str) -> list[str]:
    """Words in lower case: split at everything that is no letter and no digit, between a letter and a digit, in camelCase."""
    out: list[str] = []
    before = " "
    for character in text.replace("'", "").replace("’", ""):
        if character == MASK:
            if before != MASK:
                out.append(f" {MASK} ")
        elif not (character.isalnum() or unicodedata.combining(character)):
            out.append(" ")
        else:
            if (before.isdigit() != character.isdigit() and before.isalnum()) or (before.islower() and character.isupper()):
                out.append(" ")
            out.append(character.lower())
        before = character
    return "".join(out).split()


# --- identifiers


def _identifiers(name: _Segment, folders: list[_Segment]) -> tuple[isbns.Found, tuple[str, ...]]:
    good = [*name.found.isbns, *(isbn for one in folders for isbn in one.found.isbns)]
    wrong = [*name.found.wrong, *(isbn for one in folders for isbn in one.found.wrong)]
    where = [place for place, some in (("name", [name]), ("path", folders)) if any(one.found.isbns for one in some)]
    return isbns.Found(tuple(dict.fromkeys(good)), tuple(dict.fromkeys(wrong)), ""), tuple(where)


def _references(segments: list[_Segment]) -> tuple[str, ...]:
    """Candidates for in-house work references, in capitals without separators: `LQ-001001` → LQ001001, `ref 4711` → 4711."""
    found: dict[str, None] = {}
    for one in segments:
        for letters, digits in _REFERENCE.findall(one.found.rest):
            found[f"{letters}{digits}".upper()] = None
        for digits in _CUED_REFERENCE.findall(one.found.rest):
            found[digits] = None
    return tuple(found)


def _contracts(masked: str) -> tuple[int, ...]:
    """Numbers said to be a contract's. Without "no" or "id" only long ones that are no short date: `contract_2.pdf` is a second copy."""
    found: dict[int, None] = {}
    for match in _CONTRACT.finditer(masked):
        cued = bool(re.search(r"[#a-z]", match["cue"].lower()))
        if cued or (len(match["id"]) >= 5 and not _dated(match["id"])):
            found[int(match["id"])] = None
    for match in _CONTRACT_AFTER.finditer(masked):
        if not _dated(match["id"]):
            found[int(match["id"])] = None
    return tuple(found)


def _dated(digits: str) -> bool:
    return len(digits) == 6 and bool(_SHORT_DATE.fullmatch(digits))


# --- kind and part


def _kind(name: _Segment, folders: list[_Segment]) -> tuple[Kind, str, tuple[str, ...]]:
    """Kind, part, and the words that are left for a title: the name's own words, else its folders', else its extension."""
    possible = idioms.POSSIBLE[name.family]
    idiom, rest = _spoken(name, name.words, name.family)
    if idiom is None:
        idiom, _ = _spoken(name, name.spoken, name.family)
    if idiom is None:
        for folder in folders:
            idiom, _ = _spoken(folder, folder.spoken, name.family, whole=True)
            if idiom is not None:
                break
    if name.revision.page and (idiom is None or idiom.kind is Kind.INTERIOR):
        return Kind.INTERIOR, f"page {name.revision.page}", rest
    if idiom is not None and idiom.kind in possible:
        return idiom.kind, _part(idiom.kind, idiom.part, name, rest), rest
    kind = _by_extension(name)
    part = "front cover" if kind is Kind.JACKET else "text" if kind is Kind.INTERIOR else ""
    if pages := _PAGE_RANGE.match(name.stem):
        part = f"pages {pages[1]}-{pages[2]}"
    return kind, _part(kind, part, name, rest), rest


def _spoken(segment: _Segment, words: tuple[str, ...], family: Family, *, whole: bool = False) -> tuple[Idiom | None, tuple[str, ...]]:
    """The first idiom that the words have, and the words without it."""
    text = f" {' '.join(words)} "
    tail = " ".join(_without_tail(words))
    behind = re.search(rf"{MASK} (?=[a-z])", text)
    for idiom in idioms.IDIOMS:
        if idiom.kind not in idioms.POSSIBLE[family] or (idiom.families and family != "other" and family not in idiom.families):
            continue
        for phrase in idiom.phrases:
            if f" {phrase} " not in text or (segment.no_cover and idiom.kind is Kind.JACKET):
                continue
            if idiom.weak and not (
                tail == phrase
                or (not whole and tail.endswith(f" {phrase}"))
                or (not whole and segment.found.isbns and behind and text[behind.end() :].startswith(f"{phrase} "))
            ):
                continue
            return idiom, tuple(text.replace(f" {phrase} ", "  " if idiom.part else " ", 1).split())
    return None, words


def _without_tail(words: tuple[str, ...]) -> list[str]:
    left = list(words)
    while left and (left[-1] == MASK or left[-1].isdigit() or left[-1] in idioms.NOISE or left[-1] in _AT_THE_END):
        left.pop()
    return left


def _by_extension(name: _Segment) -> Kind:
    meaning = [word for word in name.words if word != MASK and word not in idioms.NOISE]
    match name.family:
        case "document":
            return Kind.UNKNOWN if name.no_cover or idioms.NO_MANUSCRIPT.intersection(name.words) else Kind.MANUSCRIPT
        case "image":
            return Kind.JACKET if name.found.isbns and not meaning else Kind.ARTWORK  # `<eISBN>.jpg` is a cover all over the trade
        case "layered":
            return Kind.ARTWORK
        case "layout":
            return Kind.INTERIOR
        case "ebook":
            return Kind.EBOOK
        case "audio":
            return Kind.AUDIO
        case "video":
            return Kind.PROMOTIONAL
        case "pdf" if _PAGE_RANGE.match(name.stem):
            return Kind.INTERIOR
        case _:
            return Kind.UNKNOWN


def _part(kind: Kind, part: str, name: _Segment, rest: tuple[str, ...]) -> str:  # noqa: PLR0912 - one case for each kind
    """Which of its kind: versions of one part supersede each other, so two photographs must not share one."""
    text = " ".join(word for word in name.words if word != MASK)
    left = " ".join(word for word in rest if word != MASK and word not in idioms.NOISE)
    match kind:
        case Kind.AUDIO:
            return _track(text)
        case Kind.INTERIOR if part == "text" and name.found.isbns and (numbered := re.search(r"(?:^| )text (\d{1,2})(?: |$)", text)):
            return f"text{int(numbered[1])}"
        case Kind.INTERIOR if part == "illustrations" and (pages := re.search(r"illus (\d{2}) (\d{2})$", text)):
            return f"illustrations {pages[1]}-{pages[2]}"
        case Kind.JACKET if part == "cover" and name.extension in {"jpg", "jpeg", "png", "tif", "tiff"}:
            return "front cover"
        case Kind.MANUSCRIPT:
            if chapter := _CHAPTER.search(text):
                return f"chapter {int(chapter[1]):02}"
            return next((word for word in name.words if word in idioms.PIECES), part)
        case Kind.ARTWORK:
            if figure := _FIGURE.search(text):
                return f"{_FIGURES.get(figure[1], figure[1])} {figure[2].replace(' ', '-')}"
            return left or text
        case Kind.PERMISSION:
            return left
        case Kind.STATEMENT:
            if period := _PERIOD.search(name.stem):
                return f"{period[1] or period[4]} {(period[2] or period[3]).upper()}"
            return name.dates[-1].isoformat() if name.dates else left
        case Kind.PROMOTIONAL if size := _PIXELS.search(name.stem):
            return f"{part} {size[1]}x{size[2]}".strip()
        case _:
            return part


def _track(text: str) -> str:
    for words in ("opening credits", "closing credits", "end credits", "sample"):
        if words in text:
            return words.replace("end credits", "closing credits")
    if match := _TRACK.search(text):
        if match["disc"]:
            return f"{int(match['disc'])}-{int(match['of']):02}"
        return f"{int(match['n']):02}"
    if number := re.search(r"^(\d{1,3})(?: |$)", text) or re.search(r"(?:^| )(\d{1,3})$", text):
        return f"{int(number[1]):02}"
    return ""


# --- words


def _title(words: tuple[str, ...], folders: list[_Segment]) -> str:
    own = _telling(words)
    for folder in folders:
        _, rest = _spoken(folder, folder.words, "other", whole=True)
        if theirs := _telling(rest):
            return f"{own} / {theirs}" if own and own != theirs else theirs
    return own


def _telling(words: tuple[str, ...]) -> str:
    """The words without what says nothing; "" where nothing is left but that and numbers."""
    told = [word for word in words if word != MASK and word not in idioms.NOISE]
    if not any(len(word) > 1 and not word.isdigit() for word in told):
        return ""
    return " ".join(word for word in words if word != MASK and word not in idioms.TECHNICAL)


def _by(words: tuple[str, ...]) -> str:
    """`… by Jane Smith`."""
    if "by" not in words[1:-1]:
        return ""
    after = words[len(words) - list(reversed(words)).index("by") :]
    return _telling(after)


def with_kind(clues: Clues, kind: Kind) -> Clues:
    """The same clues of another kind, as an inbox's folder or a person's rule says; the part is read again only if it was of that kind."""
    return clues if clues.kind is kind else replace(clues, kind=kind, part="")
