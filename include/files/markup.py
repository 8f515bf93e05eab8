"""XML without surprises: no entities, nothing fetched from elsewhere, bounded depth; JSON of bounded depth.

expat reads it in pieces and never follows a reference. A doctype by itself is no danger (EPUB 2, NCX, SVG and ONIX 2.1
carry the public one, and no parser of ours loads it); an entity declared in it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from xml.parsers import expat

from include.files.model import Refused

DEPTH = 256  # lxml and libxml2 stop here, too
_ENTITY = re.compile(rb"<!\s*ENTITY", re.IGNORECASE)
_TODO = "Ask the sender for the file without a document type definition."
_ACTIVE = frozenset({"script", "foreignobject", "iframe", "object", "embed", "handler"})

Each = Callable[[str, dict[str, str]], None]


class _Reader:
    def __init__(self, where: str, *, picture: bool, each: Each | None) -> None:
        self.where, self.picture, self.each, self.depth = where, picture, each, 0
        self.parser = expat.ParserCreate()
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.EntityDeclHandler = self.entity
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.ExternalEntityRefHandler = self.reference
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end

    def entity(self, name: str, *_: object) -> None:
        raise Refused("xml-entities", f"declares the entity “{name[:40]}”", where=self.where, todo=_TODO)

    def reference(self, *_: object) -> int:
        raise Refused("xml-entities", "refers to another file", where=self.where, todo=_TODO)

    def doctype(self, name: str, system: str | None, public: str | None, inside: int) -> None:
        del name, inside
        if system and not public and not re.match(r"https?://|[\w.-]+\.dtd$", system):
            raise Refused("xml-entities", "its document type refers to another file", where=self.where, todo=_TODO)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEPTH:
            raise Refused("data-broken", f"elements are nested more than {DEPTH} deep", where=self.where, todo="Ask the sender what it is.")
        if self.each:
            self.each(name.rpartition(":")[2], attributes)
        if self.picture:
            self.active(name.rpartition(":")[2].lower(), attributes)

    def active(self, name: str, attributes: dict[str, str]) -> None:
        """A picture that runs or fetches something is none."""
        scripted = any(key.lower().startswith("on") or value.strip().lower().startswith("javascript:") for key, value in attributes.items())
        if name in _ACTIVE or scripted:
            todo = "Ask the sender for a PDF or PNG."
            raise Refused("executable", "the picture carries a script or other content that acts", where=self.where, todo=todo)
        if name in {"image", "use", "feimage"}:
            for key, value in attributes.items():
                if key.rpartition(":")[2].lower() == "href" and re.match(r"\s*(?:https?:|ftp:|file:|//|\\\\|/)", value, re.IGNORECASE):
                    raise Refused(
                        "xml-entities", "the picture refers to another file", where=self.where, todo="Ask the sender to embed it."
                    )

    def end(self, name: str) -> None:
        del name
        self.depth -= 1


def check(pieces: Iterable[bytes], where: str = "", *, picture: bool = False, whole: bool = True, each: Each | None = None) -> None:
    """Raises `Refused`: xml-entities, executable (a `picture`, that is SVG, with scripts), data-broken (not well-formed, too deep).

    `whole` False: what is not well-formed is left to others (a part of an EPUB, which EPUBCheck will judge), entities are not.
    `each(name, attributes)` is called for every element, its prefix left out, and may raise.
    """
    reader = _Reader(where, picture=picture, each=each)
    broken: Exception | None = None
    head = b""
    for piece in pieces:
        if len(head) < 65_536:
            head += piece[:65_536]
        if broken is None:
            try:
                reader.parser.Parse(piece, False)
            except (expat.ExpatError, ValueError, LookupError) as error:
                broken = error
    if broken is None:
        try:
            reader.parser.Parse(b"", True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            broken = error
    if broken is None:
        return
    if _ENTITY.search(head.replace(b"\0", b"")):
        raise Refused("xml-entities", "declares an entity", where=where, todo=_TODO)
    if whole:
        raise Refused("data-broken", f"not well-formed XML ({broken})", where=where, todo="Ask the sender to send it again.")


def check_json(pieces: Iterable[bytes], where: str = "") -> None:
    """Raises `Refused` (data-broken) for arrays and objects nested more than 256 deep: readers would run out of stack."""
    depth, quoted, escaped = 0, False, False
    for piece in pieces:
        for token in re.findall(rb'[\[\]{}"\\]|[^\[\]{}"\\]', piece) if escaped else re.findall(rb'\\.?|[\[\]{}"]', piece, re.DOTALL):
            if quoted:
                if token == b'"':
                    quoted = False
            elif token == b'"':
                quoted = True
            elif token in b"[{":
                depth += 1
                if depth > DEPTH:
                    raise Refused("data-broken", f"nested more than {DEPTH} deep", where=where, todo="Ask the sender what it is.")
            elif token in b"]}":
                depth -= 1
