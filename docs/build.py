"""Makes the pages that come from code: `python -m docs.build`; with `--check`, only says which are out of date.

| page               | made from                                                                    |
|--------------------|------------------------------------------------------------------------------|
| `flows.md`         | the docstrings and forms of `dags/*.py`, read without running them            |
| `partners.md`      | `config/partners/*.toml` and the rule catalogue of `include.feeds.rules`      |
| `configuration.md` | the models of `include.partners.model`, the connection types, the environment |
"""

from __future__ import annotations

import argparse
import ast
import difflib
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from colophon.provider import get_provider_info
from include.feeds import renderer_for, rules
from include.partners.model import House, Partner
from include.partners.registry import load_house, load_partners
from include.partners.tables import Table

ROOT = Path(__file__).resolve().parents[1]
HEADINGS = ("What", "When", "After a failure", "Asks a person", "Connections")
NOTE = "<!-- Made by `make docs` from {source}. Do not edit: change the source. -->"

ENVIRONMENT = {
    "COLOPHON_CONFIG": "Folder with `house.toml` and `partners/`. Default: the repository's `config/`.",
    "COLOPHON_HOME": "Where ledger and store are, if the next two do not say otherwise. Default: `.colophon`.",
    "COLOPHON_LEDGER": "Database URL of the ledger, where there is no Airflow connection `colophon_ledger`.",
    "COLOPHON_STORE": "Root of the artefact store: a folder, or a bucket such as `s3://name/prefix`.",
    "COLOPHON_GNUPGHOME": "GnuPG home with our signing key, for partners with `[transport.openpgp]`.",
}


def main(argv: list[str] | None = None) -> int:
    """Exit status 1 if `--check` finds a page that differs from its source."""
    parser = argparse.ArgumentParser(prog="python -m docs.build", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of date")
    check = parser.parse_args(argv).check
    stale = 0
    for name, page in PAGES.items():
        path, text = ROOT / "docs" / name, page()
        kept = path.read_text(encoding="utf-8") if path.exists() else ""
        if kept == text:
            continue
        if check:
            stale += 1
            sys.stderr.writelines(
                f"{line}\n" for line in difflib.unified_diff(kept.splitlines(), text.splitlines(), str(path), "from code", "", "", 1, "")
            )
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(f"{stale} page(s) differ from the code: run `make docs` and commit.\n")
    return 1 if stale else 0


# --- flows


def flows(folder: Path | None = None) -> str:
    """One section per DAG file. Raises ValueError for a file without the five headings."""
    described = [_flow(path) for path in sorted((folder or ROOT / "dags").glob("*.py"))]
    page = [NOTE.format(source="the docstrings of `dags/*.py`"), "", "# Flows", ""]
    page += ["A flow is one Airflow DAG, or one per partner. All may be started by hand, at any time, more than once.", ""]
    page += _table(
        ("DAG", "when", "after a failure"),
        ((f"[`{f.dag_id}`](#{_anchor(f.title)})", f.parts["When"], f.parts["After a failure"]) for f in described),
    )
    for flow in described:
        page += ["", f"## {flow.title}", "", f"DAG `{flow.dag_id}` in [`dags/{flow.file}`](../dags/{flow.file})", ""]
        page += [line for heading in HEADINGS for line in (f"**{heading}.** {flow.parts[heading]}", "")]
        if flow.form:
            page += ["The form:", "", *_table(("field", "default", "meaning"), flow.form), ""]
        page.pop()
    return "\n".join(page) + "\n"


class _Flow(typing.NamedTuple):
    file: str
    dag_id: str
    title: str
    parts: dict[str, str]
    form: list[tuple[str, str, str]]


def _flow(path: Path) -> _Flow:
    module = ast.parse(path.read_text(encoding="utf-8"))
    text = ast.get_docstring(module) or ""
    title = re.match(r"# (.+)", text)
    parts = {name: " ".join(body.split()) for name, body in re.findall(r"\*\*([^*]+)\*\* (.+?)(?=\n\n|\Z)", text, re.S)}
    if title is None or tuple(parts) != HEADINGS:
        raise ValueError(f"{path.name}: the docstring wants a title and the headings {', '.join(HEADINGS)}, in this order")
    call, name = _dag_call(module)
    given = {word.arg: word.value for word in call.keywords}
    dag_id = _text(given["dag_id"]) if "dag_id" in given else name
    return _Flow(path.name, dag_id, title[1], parts, list(_form(given.get("params"))))


def _dag_call(module: ast.Module) -> tuple[ast.Call, str]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "dag":
                    return mark, node.name
    raise ValueError("no @dag(...) in the file")


def _form(params: ast.expr | None) -> Iterator[tuple[str, str, str]]:
    if not isinstance(params, ast.Dict):
        return
    for key, value in zip(params.keys, params.values, strict=True):
        if not isinstance(value, ast.Call) or key is None:
            continue
        words = {word.arg: word.value for word in value.keywords}
        default = _default(value.args[0]) if value.args else ""
        choices = words.get("enum")
        meaning = [_text(words[name]) for name in ("title", "description") if name in words]
        if isinstance(choices, ast.List) and all(isinstance(choice, ast.Constant) for choice in choices.elts):
            meaning.append("One of: " + ", ".join(_text(choice) for choice in choices.elts) + ".")
        yield f"`{_text(key)}`", f"`{default}`" if default else "", ". ".join(part.rstrip(".") for part in meaning) + "."


def _default(node: ast.expr) -> str:
    value = node.value if isinstance(node, ast.Constant) else ast.unparse(node)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _text(node: ast.expr) -> str:
    """A constant, or an f-string with `<name>` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return f"<{ast.unparse(node.value).split('.')[0]}>"
    return ast.unparse(node)


# --- partners


def partners() -> str:
    house, known = load_house(), load_partners()
    page = [NOTE.format(source="`config/partners/*.toml` and `include.feeds.rules`"), "", "# Partners", ""]
    page += ["Each is one file in `config/partners/`; [add-a-partner.md](add-a-partner.md) says how to write another.", ""]
    head = ("partner", "kind", "gets", "by", "whole when", "starts", "there by", "answers")
    page += _table(head, (_partner_row(partner, renderer_for(partner, house).label) for partner in known))
    for partner in known:
        page += ["", f"## {partner.name}", "", _opening_comment(ROOT / "config" / "partners" / f"{partner.id}.toml"), ""]
        page += [f"* {fact}" for fact in _partner_facts(partner)]
    page += ["", "## Rules", "", "A title that breaks a rule of the partner's profile stays back with the reason; the rest goes.", ""]
    profiles = rules.profiles()
    page += _table(("profile", "for whom", "partners", "rules"), _profile_rows(profiles, known))
    page.append("")
    for entry in sorted(rules.catalogue(), key=lambda entry: entry.code):
        inside = [f"`{name}`" for name, (_, codes) in profiles.items() if entry.code in codes]
        page += [f"### {entry.code}", "", f"{entry.sentence} *{entry.todo}*".strip(), ""]
        where = "every profile" if len(inside) == len(profiles) else ", ".join(inside) or "always, or by a setting"
        page += [f"Source: {entry.source.rstrip('.')}. In force: {where}.", ""]
    return "\n".join(page[:-1]) + "\n"


def _partner_row(partner: Partner, label: str) -> tuple[str, ...]:
    transport, schedule, answers = partner.transport, partner.schedule, partner.acknowledgements
    return (
        f"[{partner.name}](#{_anchor(partner.name)}) `{partner.id}`",
        partner.kind,
        label,
        transport.protocol.upper(),
        transport.commit.rule.replace("_", " ") + (", then swept" if transport.sweeps else ""),
        f"`{schedule.cron}` {schedule.timezone}" if schedule.cron else "on demand",
        f"{schedule.deadline:%H:%M}" if schedule.deadline else "",
        "none" if answers.kind == "none" else f"{answers.kind}, within {answers.within_hours} h",
    )


def _partner_facts(partner: Partner) -> Iterator[str]:
    feed, limits = partner.feed, partner.limits
    yield f"Connection `{partner.transport.connection}`, folder `{partner.transport.folder}`, files named `{feed.file_name}`."
    yield f"Titles: {_filter(partner)}."
    yield f"First delivery: {feed.first}; then {feed.mode}; when nothing changed: {feed.empty.replace('_', ' ')}."
    wish = feed.completeness
    added, dropped = (", ".join(_link(code) for code in codes) for codes in (wish.add, wish.drop))
    more = (f", and {added}" if added else "") + (f", without {dropped}" if dropped else "")
    yield f"Rules: profile [`{wish.profile}`](#rules){more}."
    if feed.covers.by != "none":
        yield f"Covers by {feed.covers.by}" + (
            f", as `{feed.covers.name}` in `{feed.covers.folder or partner.transport.folder}`." if feed.covers.by == "file" else "."
        )
    wanted = {"records": "records in a delta", "withdrawn": "records withdrawn at once", "held_percent": "percent held back"}
    asked = [f"{getattr(limits, name)} {unit}" for name, unit in wanted.items() if getattr(limits, name) is not None]
    if asked:
        yield f"A person is asked beyond {', '.join(asked)}."


def _filter(partner: Partner) -> str:
    wish = partner.feed.products
    parts = [f"{name} {', '.join(values)}" for name in ("imprints", "forms", "statuses", "markets") if (values := getattr(wish, name))]
    if wish.horizon_months:
        parts.append(f"published within {wish.horizon_months} months")
    return "; ".join(parts) or "all"


def _profile_rows(profiles: Mapping[str, tuple[str, tuple[str, ...]]], known: Iterable[Partner]) -> Iterator[tuple[str, ...]]:
    """A profile that holds all of `house` is shown as `house` and what it adds."""
    house = set(profiles["house"][1])
    for name, (about, codes) in profiles.items():
        users = ", ".join(partner.name for partner in known if partner.feed.completeness.profile == name)
        grown = name != "house" and house <= set(codes)
        listed = ", ".join(_link(code) for code in sorted(set(codes) - house if grown else codes))
        yield f"`{name}`", about, users, f"those of `house`, and {listed}" if grown else listed


def _link(code: str) -> str:
    return f"[{code}](#{code})"


def _opening_comment(path: Path) -> str:
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    _, colon, about = " ".join(lines).partition(": ")  # "Northgate Distribution: trade distributor ..."
    return about[:1].upper() + about[1:] if colon else " ".join(lines)


# --- configuration


def configuration() -> str:
    page = [NOTE.format(source="`include.partners.model` and `colophon.provider`"), "", "# Configuration", ""]
    page += [
        "Everything a publisher decides is in `config/`, in TOML; secrets are in Airflow's connections. An unknown key is an error:",
        "",
    ]
    page += ["`colophon partners check` names file, key and what to do.", ""]
    for title, model, where in (("A partner", Partner, "config/partners/<id>.toml"), ("The house", House, "config/house.toml")):
        page += [f"## {title}: `{where}`", ""]
        for path, each in _models(model):
            page += [f"### {path or 'Top of the file'}", "", *([about, ""] if (about := _about(each)) else [])]
            page += [*_table(("key", "type", "default", "meaning"), (_field_row(*item) for item in each.model_fields.items())), ""]
    page += ["## Connections", "", "In Airflow: Admin → Connections, or `AIRFLOW_CONN_<ID>` in the environment.", ""]
    page += [*_table(("connection", "type", "fields"), _connections()), ""]
    page += ["## Environment", "", *_table(("variable", "meaning"), ((f"`{name}`", about) for name, about in ENVIRONMENT.items())), ""]
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


NAMES = {"str": "text", "int": "whole number", "Decimal": "number", "bool": "true or false", "time": "time of day"}


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


# --- both


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (list(head), ["---"] * len(head), *cells)]


def _anchor(title: str) -> str:
    """The fragment that a heading gets on GitHub."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


PAGES: dict[str, Callable[[], str]] = {"flows.md": flows, "partners.md": partners, "configuration.md": configuration}

if __name__ == "__main__":
    sys.exit(main())
