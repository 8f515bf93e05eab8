"""EDItEUR's schemas, compiled once per process, and what they say in words a person can use.

The files are onixcheck's unmodified copies. Nothing here follows a DTD, an entity or a network address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, cast

from lxml import etree

from include.errors import ConfigurationError
from include.feeds.codelists import schema_folder
from include.feeds.record import Reason

RELEASES = ("2.1", "3.0", "3.1")
PRODUCT = {"reference": "Product", "short": "product"}
ROOT = {"reference": "ONIXMessage", "short": "ONIXmessage"}
_HEADER = {  # the least that each schema takes
    ("2.1", "reference"): "<Header><FromCompany>-</FromCompany><SentDate>20260101</SentDate></Header>",
    ("2.1", "short"): "<header><m174>-</m174><m182>20260101</m182></header>",
    ("3", "reference"): "<Header><Sender><SenderName>-</SenderName></Sender><SentDateTime>20260101</SentDateTime></Header>",
    ("3", "short"): "<header><sender><x298>-</x298></sender><x307>20260101</x307></header>",
}
_NAMESPACE_IN_BRACES = re.compile(r"\{http[^{}]*\}")
_LONG_SET = re.compile(r"(element of the set|Expected is one of) [({]([^})]{120})[^})]*[)}]")
_FIRST_WORDS = re.compile(r"^Element '[^']+'(?:, attribute '([^']+)')?: (?:\[facet '[^']+'\] )?")
_LONGEST_MESSAGE = 400


def parser() -> etree.XMLParser:
    """A parser for what came from outside: no DTD, no entity, no network, libxml2's limits on size and depth left on."""
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)


def namespace(release: str, tags: str) -> str:
    host = "www.editeur.org/onix" if release == "2.1" else "ns.editeur.org/onix"
    return f"http://{host}/{release}/{tags}"


@lru_cache(maxsize=6)
def schema_for(release: str, tags: str) -> etree.XMLSchema:
    """The compiled schema of a release and tag style. Raises `ConfigurationError` if onixcheck lacks it."""
    name = "Release2.1" if release == "2.1" else release
    path = schema_folder() / f"xsd{release}" / f"ONIX_BookProduct_{name}_{tags}.xsd"
    if not path.is_file():
        raise ConfigurationError(
            f"there is no schema for ONIX {release} with {tags} tags", where=str(path), todo="Install requirements.txt."
        )
    return etree.XMLSchema(file=str(path))


def start_of_message(release: str, tags: str, *, header: bool = True) -> str:
    """The root's start tag, and the smallest header that the schema takes."""
    attribute = f' release="{release}"' if release != "2.1" else ""
    start = f'<{ROOT[tags]}{attribute} xmlns="{namespace(release, tags)}">'
    return start + (_HEADER["2.1" if release == "2.1" else "3", tags] if header else "")


def errors_by_child(root: etree._Element, schema: etree.XMLSchema) -> dict[int, list[Reason]]:
    """Validates a message in memory: index among the root's children → reasons; -1: the root itself; empty: valid."""
    if schema.validate(root.getroottree()):
        return {}
    found: dict[int, list[Reason]] = {}
    for error in cast(Iterable[Any], schema.error_log):
        index, path = _place(root, error.path)
        reasons = found.setdefault(index, [])
        reason = Reason("schema-invalid", _words(error.message), "Mend the value in Consonance, or tell the operators.", path)
        if len(reasons) < 5 and reason not in reasons:
            reasons.append(reason)
    return found


def _place(root: etree._Element, xpath: str | None) -> tuple[int, str]:
    """Index of the root's child that an error is in, and the way from there in tag names."""
    try:
        nodes = root.getroottree().xpath(xpath) if xpath else []
    except etree.XPathError:  # a path that libxml2 wrote with prefixes
        nodes = []
    node = nodes[0] if isinstance(nodes, list) and nodes and isinstance(nodes[0], etree._Element) else None
    if node is None or node is root:
        return -1, ROOT["short" if root.tag.endswith("message") else "reference"]
    way: list[str] = []
    while (parent := node.getparent()) is not None and parent is not root:
        twins = [child for child in parent if child.tag == node.tag]
        name = etree.QName(node).localname
        way.append(f"{name}[{twins.index(node) + 1}]" if len(twins) > 1 else name)
        node = parent
    return root.index(node), "/".join(reversed(way))


def _words(message: str) -> str:
    """libxml2's sentence without namespaces, and without the hundreds of values that a code list allows."""
    text = _NAMESPACE_IN_BRACES.sub("", message or "the record is not valid")
    text = _LONG_SET.sub(r"\1 (\2 …)", text)
    name = re.match(r"^Element '([^']+)'", text)
    text = _FIRST_WORDS.sub(lambda match: f"attribute {match[1]}: " if match[1] else "", text)
    text = f"{name[1]}: {text}" if name else text
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
