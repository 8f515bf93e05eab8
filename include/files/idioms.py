"""The trade's words in file names: which kind of file a name speaks of, and which part.

The words are in `idioms.toml`, in the vocabularies of authors' and agents' own, of Lakeside (`<ISBN>_caseside`), Clays
(`title-illus01-16`, `title-spotuv`), CPI, Lightning Source (`_txt`, `_cvr`) and CB (`.pinn`, `.pcovr`, `_ebfc`).

Parts (`Clues.part`) are lower-case words. Interior: text, text1, prelims, ends, illustrations, pages 001-020, index, endsheets. Jacket:
cover, jacket, case, front cover, back cover, spine, flaps, and what is printed on them. Audio: 01 (a chapter), opening credits, closing
credits, sample.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from include.files.model import Kind

Family = Literal["document", "pdf", "image", "layered", "layout", "ebook", "audio", "video", "sheet", "archive", "other"]

_EXTENSIONS: Final[dict[Family, str]] = {
    "document": "doc docx docm odt rtf pages wpd tex md txt fodt",
    "pdf": "pdf",
    "image": "jpg jpeg jpe jfif tif tiff png gif bmp webp heic heif jp2",
    "layered": "psd psb ai eps svg",
    "layout": "indd idml qxp qxd",
    "ebook": "epub mobi azw azw3 kpf kfx prc",
    "audio": "mp3 wav flac m4a m4b aac ogg oga opus aif aiff wma",
    "video": "mp4 m4v mov mpg mpeg avi mkv webm wmv",
    "sheet": "xlsx xlsm xls ods csv tsv",
    "archive": "zip 7z tar gz tgz bz2 xz rar",
}
FAMILY: Final[dict[str, Family]] = {extension: family for family, all_ in _EXTENSIONS.items() for extension in all_.split()}

_K = Kind
_PAPER: Final = frozenset({_K.QUESTIONNAIRE, _K.PERMISSION, _K.CONTRACT, _K.STATEMENT})
POSSIBLE: Final[dict[Family, frozenset[Kind]]] = {
    "document": _PAPER | {_K.MANUSCRIPT, _K.PROMOTIONAL},
    "pdf": frozenset(Kind) - {_K.AUDIO},
    "image": _PAPER | {_K.ARTWORK, _K.JACKET, _K.PROMOTIONAL},
    "layered": frozenset({_K.ARTWORK, _K.JACKET, _K.PROMOTIONAL}),
    "layout": frozenset({_K.INTERIOR, _K.JACKET, _K.PROMOTIONAL}),
    "ebook": frozenset({_K.EBOOK}),
    "audio": frozenset({_K.AUDIO, _K.PROMOTIONAL}),
    "video": frozenset({_K.PROMOTIONAL}),
    "sheet": _PAPER | {_K.PROMOTIONAL},
    "archive": frozenset(Kind),
    "other": frozenset(Kind),
}


@dataclass(frozen=True, slots=True)
class Idiom:
    """Words that say a kind. `weak`: also common words. `families`: only in files of these; empty: in all."""

    kind: Kind
    part: str
    phrases: tuple[str, ...]
    weak: bool = False
    families: frozenset[str] = frozenset()


_WORDS: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("idioms.toml").read_text(encoding="utf-8"))
IDIOMS: Final[tuple[Idiom, ...]] = tuple(
    Idiom(Kind(one["kind"]), one.get("part", ""), tuple(one["words"]), one.get("weak", False), frozenset(one.get("only", ())))
    for one in _WORDS["idioms"]
)
NO_MANUSCRIPT: Final[frozenset[str]] = frozenset(_WORDS["no_manuscript"])
NOISE: Final[frozenset[str]] = frozenset(_WORDS["noise"])
TECHNICAL: Final[frozenset[str]] = frozenset(_WORDS["technical"])
PIECES: Final[frozenset[str]] = frozenset(_WORDS["pieces"])
