"""`configuration.md`: every key of every file in `config/`, the connections, the environment."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from colophon.provider import get_provider_info
from docs.markdown import NOTE, table
from include.imports.mapping import Mapping
from include.partners import Archive, House, Inbox, Partner
from include.partners.inboxes import People
from include.partners.licensing import Agreement, Campaigns
from include.partners.printers import Printer
from include.partners.tables import Table
from include.partners.vendors import Vendor
from include.royalties.layout import StatementLayout
from include.sales.layout import Layout
from include.workbooks.template import Template

ENVIRONMENT = {
    "COLOPHON_CONFIG": "Folder with `house.toml` and `partners/`. Default: the repository's `config/`.",
    "COLOPHON_HOME": "Where ledger and store are, if the next two do not say otherwise. Default: `.colophon`.",
    "COLOPHON_LEDGER": "Database URL of the ledger, where there is no Airflow connection `colophon_ledger`. "
    "PostgreSQL directly or through a pooler in session mode: turns are locks of a session.",
    "COLOPHON_STORE": "Root of the artefact store: a folder, or a bucket such as `s3://name/prefix`.",
    "COLOPHON_CLAMAV": "Address of the virus scanner: clamd's socket (`/run/clamav/clamd.ctl`) or `host:3310`. Default: none is asked.",
    "COLOPHON_PUBLIC_URL": "Address of Airflow's API server as Consonance reaches it, to fetch approved covers. Default: they stay here.",
    "COLOPHON_SIGNING_KEY": "Secret that signs those addresses. Default: made from Airflow's own API secret.",
    "COLOPHON_GNUPGHOME": "GnuPG home with our signing key, for partners with `[transport.openpgp]`.",
}


FILES: tuple[tuple[str, type[Table], str], ...] = (
    ("A partner", Partner, "config/partners/<id>.toml"),
    ("The house", House, "config/house.toml"),
    ("An inbox", Inbox, "config/inboxes/<id>.toml"),
    ("An old archive", Archive, "config/archives/<id>.toml"),
    ("People", People, "config/people.toml"),
    ("A printer's profile", Printer, "config/printers/<profile>.toml"),
    ("A vendor's profile", Vendor, "config/vendors/<profile>.toml"),
    ("How a sheet of titles is read", Mapping, "config/mappings/<id>.toml"),
    ("How exported statements look", StatementLayout, "config/statements/<id>.toml"),
    ("An agreement with an image agency", Agreement, "config/agreements/<id>.toml"),
    ("Campaigns that use images", Campaigns, "config/campaigns.toml"),
    ("Consonance's import workbooks", Template, "config/workbooks/<import>.toml"),
    ("A report layout", Layout, "config/reports/<id>.toml"),
)


def configuration() -> str:
    page = [NOTE.format(source="`include.partners` and `colophon.provider`"), "", "# Configuration", ""]
    page += [
        "Everything a publisher decides is in `config/`, in TOML; secrets are in Airflow's connections. An unknown key is an error:",
        "",
    ]
    page += ["`colophon partners check` names file, key and what to do.", ""]
    seen: set[type] = set()
    for title, model, where in FILES:
        page += [f"## {title}: `{where}`", ""]
        for path, each in _models(model, seen=seen):
            page += [f"### {path or 'Top of the file'}", "", *([about, ""] if (about := _about(each)) else [])]
            page += [*table(("key", "type", "default", "meaning"), (_field_row(*item) for item in each.model_fields.items())), ""]
    page += ["## Connections", "", "In Airflow: Admin → Connections, or `AIRFLOW_CONN_<ID>` in the environment.", ""]
    page += [*table(("connection", "type", "fields"), _connections()), ""]
    page += ["## Environment", "", *table(("variable", "meaning"), ((f"`{name}`", about) for name, about in ENVIRONMENT.items())), ""]
    page += ["What the composition wants besides is explained in [`.env.example`](../.env.example)."]
    return "\n".join(page) + "\n"


def _models(model: type[Table], path: str = "", seen: set[type] | None = None) -> Iterator[tuple[str, type[Table]]]:
    """The model and those inside it, each once, with its place in the file: `[feed]`, `[[feed.markets]]`."""
    seen = set() if seen is None else seen
    yield (f"`{path}`" if path else ""), model
    bare = path.strip("[]")
    for name, field in model.model_fields.items():
        for inner, many in _tables(field.annotation):
            if inner not in seen:
                seen.add(inner)
                yield from _models(inner, ("[[{}]]" if many else "[{}]").format(f"{bare}.{name}" if bare else name), seen)


def _tables(annotation: Any, many: bool = False) -> Iterator[tuple[type[Table], bool]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield typing.cast("type[Table]", annotation), many
    for part in get_args(annotation):
        yield from _tables(part, many or get_origin(annotation) is tuple)


def _about(model: type[Table]) -> str:
    return " ".join((model.__doc__ or "").split())


def _field_row(name: str, field: FieldInfo) -> tuple[str, ...]:
    if field.is_required():
        default = "**required**"
    elif field.default is PydanticUndefined or isinstance(field.default, BaseModel):
        default = ""
    else:
        default = _value(field.default)
    return f"`{name}`", _type(field.annotation, field.metadata), default, field.description or ""


def _value(value: Any) -> str:
    if value in (None, "", ()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(_quoted(part) for part in value)}]`"
    return f"`{_quoted(value)}`"


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


NAMES = {
    "str": "text", "int": "whole number", "Decimal": "number", "float": "number", "bool": "true or false", "time": "time of day",
    "date": "day",
}  # fmt: skip


def _type(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    pattern = next((found for item in metadata if (found := getattr(item, "pattern", None))), None)
    if pattern:
        return f"text like `{pattern}`"
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        return _type(parts[0], parts[1:])
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin is tuple:
        return f"list of {_type(parts[0])}"
    if origin is dict:
        return f"table of {_type(parts[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return NAMES.get(getattr(annotation, "__name__", ""), str(annotation))


def _connections() -> Iterator[tuple[str, str, str]]:
    for kind in get_provider_info()["connection-types"]:
        labels = {"host": "host", "port": "port", "login": "login", "password": "password", "schema": "schema"}
        shown = [name for name in labels if name not in kind["ui-field-behaviour"]["hidden-fields"]]
        fields = [f"{name}: {kind['ui-field-behaviour']['relabeling'].get(name, labels[name])}" for name in shown]
        fields += [f"{name}: {field['label']}" for name, field in kind.get("conn-fields", {}).items()]
        yield f"`{kind['connection-type']}`", kind["hook-name"], "; ".join(fields)
    yield (
        "a partner's `transport.connection`",
        "SFTP, FTP",
        "of the stock providers; SFTP wants `host_key` in its extra, FTPS may want `ca_cert`",
    )
    yield "`smtp_default`, `jira_default`", "SMTP, JIRA", "notices by mail; one issue per trouble (extra: `project`, `issue_type`)"
    yield "`slack_webhook`, `teams_webhook`", "HTTP", "host: the site of the webhook; password: the rest of its address"
