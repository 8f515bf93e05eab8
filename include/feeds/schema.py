"""The schema gate: rendered ONIX records against EDItEUR's schemas, many in one parse.

Code `schema-invalid` (XSD of the feed's release and tags) and, where the house has installed EDItEUR's strict schema,
`strict-invalid`. Records of other formats pass: they have no schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from include.errors import ConfigurationError, RejectedData
from include.feeds.message_check import validate_file
from include.feeds.record import Reason, Record
from include.feeds.xsd import PRODUCT, ROOT, errors_by_child, namespace, parser, schema_for, start_of_message
from include.partners.model import House, Partner

if TYPE_CHECKING:
    import xmlschema

__all__ = ["check", "validate_file"]

AT_ONCE = 500
_COMMENT = re.compile(r"\(:\s*(.*?)\s*:\)", re.DOTALL)
_CODEC = {"utf-16": "utf-16-le"}  # records carry no byte-order mark


def check(records: Sequence[Record], partner: Partner, house: House | None = None) -> dict[int, list[Reason]]:
    """Which of these records are not valid, and why: product id → reasons. One bad record costs the others nothing.

    With `house.strict_schema` set, records that passed are checked against the strict schema too (about 0.1 s each), if
    it is the one for the feed's release and tags. Raises `ConfigurationError` if that schema can't be used.
    """
    feed = partner.feed
    if feed.format != "onix":
        return {}
    found: dict[int, list[Reason]] = {}
    for start in range(0, len(records), AT_ONCE):
        batch = records[start : start + AT_ONCE]
        bad = _check(batch, feed.release, feed.tags, feed.encoding)
        if house is not None and house.strict_schema:
            good = [record for record in batch if record.product_id not in bad]
            bad |= _strictly(good, feed.release, feed.tags, feed.encoding, house.strict_schema)
        found |= bad
    return found


def _check(records: Sequence[Record], release: str, tags: str, encoding: str) -> dict[int, list[Reason]]:
    """Parses and validates; what is bad is set aside and the rest looked at again, until nothing bad is left."""
    schema, bad = schema_for(release, tags), dict[int, list[Reason]]()
    left = list(records)
    while left:
        try:
            root = _message(left, release, tags, encoding)
        except (etree.XMLSyntaxError, UnicodeDecodeError, RejectedData):
            found = _malformed(left, release, tags, encoding)
        else:
            found = {index - 1: reasons for index, reasons in errors_by_child(root, schema).items()}  # the header comes first
        if not found:
            return bad
        if min(found) < 0:  # an error that belongs to no record: look at each alone
            found = _one_by_one(left, release, tags, encoding)
            return bad | {left[index].product_id: reasons for index, reasons in found.items()}
        bad |= {left[index].product_id: reasons for index, reasons in found.items()}
        left = [record for index, record in enumerate(left) if index not in found]
    return bad


def _message(records: Iterable[Record], release: str, tags: str, encoding: str) -> etree._Element:
    """The records as one message. Raises `XMLSyntaxError` or `RejectedData` if one is not well-formed or not one."""
    records = list(records)
    bodies = "".join(record.body.decode(_CODEC.get(encoding, encoding)) for record in records)
    text = f"{start_of_message(release, tags)}{bodies}</{ROOT[tags]}>"
    root = etree.fromstring(text.encode("utf-8", "surrogatepass"), parser())
    if len(root) != len(records) + 1 or not all(isinstance(child.tag, str) for child in root):
        raise RejectedData("a body is not exactly one record")
    return root


def _malformed(records: Sequence[Record], release: str, tags: str, encoding: str) -> dict[int, list[Reason]]:
    """Which bodies can't be parsed on their own."""
    found: dict[int, list[Reason]] = {}
    for index, record in enumerate(records):
        try:
            _message([record], release, tags, encoding)
        except (etree.XMLSyntaxError, UnicodeDecodeError, RejectedData) as bad:
            found[index] = [
                Reason("schema-invalid", f"the record is not well-formed: {bad}", "Tell the operators: this should not happen.")
            ]
    return found


def _one_by_one(records: Sequence[Record], release: str, tags: str, encoding: str) -> dict[int, list[Reason]]:
    schema = schema_for(release, tags)
    found: dict[int, list[Reason]] = {}
    for index, record in enumerate(records):
        reasons = errors_by_child(_message([record], release, tags, encoding), schema)
        if reasons:
            found[index] = [reason for of_child in reasons.values() for reason in of_child]
    return found


def _strictly(records: Sequence[Record], release: str, tags: str, encoding: str, path: str) -> dict[int, list[Reason]]:
    schema = _strict(path)
    if schema.target_namespace != namespace(release, tags):
        return {}
    found: dict[int, list[Reason]] = {}
    for record in records:
        root = _message([record], release, tags, encoding)
        reasons = [_strict_reason(error, tags) for error in schema.iter_errors(root)]
        if reasons:
            found[record.product_id] = list(dict.fromkeys(reasons))[:5]
    return found


@lru_cache(maxsize=2)
def _strict(path: str) -> xmlschema.XMLSchema11:
    where = f"config/house.toml, strict_schema = {path!r}"
    try:
        import xmlschema
    except ImportError as missing:
        raise ConfigurationError("the strict schema needs the package xmlschema", where=where, todo="pip install xmlschema") from missing
    if not Path(path).is_file():
        raise ConfigurationError(
            "there is no such file", where=where, todo="Download EDItEUR's strict schema, or leave strict_schema empty."
        )
    try:
        return xmlschema.XMLSchema11(path, allow="local")
    except (xmlschema.XMLSchemaException, xmlschema.XMLResourceError) as bad:
        raise ConfigurationError(f"it is no schema that can be used: {bad}", where=where, todo="Use EDItEUR's file as it is.") from bad


def _strict_reason(error: Any, tags: str) -> Reason:
    """EDItEUR writes the rule for people into a comment at the head of each assertion."""
    rule = getattr(error.validator, "path", None)
    comment = _COMMENT.search(rule) if isinstance(rule, str) else None
    message = re.sub(r"\s+", " ", comment[1] if comment else (error.reason or error.message or "not valid"))
    path = re.sub(r"\{[^}]*\}|\b\w+:(?=\w)", "", error.path or "")
    return Reason(
        "strict-invalid",
        message[:400],
        "Mend what the sentence names.",
        path.removeprefix(f"/{ROOT[tags]}/").removeprefix(f"{PRODUCT[tags]}/"),
    )
