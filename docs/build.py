"""Makes the pages that come from code: `python -m docs.build`; with `--check`, only says which are out of date.

| page               | made from                                                                    |
|--------------------|------------------------------------------------------------------------------|
| `flows.md`         | the docstrings and forms of `dags/*.py`, read without running them            |
| `partners.md`      | `config/partners/*.toml` and the rule catalogue of `include.feeds.rules`      |
| `configuration.md` | the models of `include.partners`, the connection types, the environment |
| `preflight.md`     | the codes of `include.files.preflight`                                        |
| `reports.md`       | `config/reports/*.toml`                                                       |
"""

from __future__ import annotations

import argparse
import ast
import difflib
import re
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

from docs.configuration_page import configuration
from docs.markdown import NOTE, ROOT, anchor, table
from docs.partners_page import partners
from docs.preflight_page import preflight
from docs.reports_page import reports

HEADINGS = ("What", "When", "After a failure", "Asks a person", "Connections")


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
    page += table(
        ("DAG", "when", "after a failure"),
        ((f"[`{f.dag_id}`](#{anchor(f.title)})", f.parts["When"], f.parts["After a failure"]) for f in described),
    )
    for flow in described:
        page += ["", f"## {flow.title}", "", f"DAG `{flow.dag_id}` in [`dags/{flow.file}`](../dags/{flow.file})", ""]
        page += [line for heading in HEADINGS for line in (f"**{heading}.** {flow.parts[heading]}", "")]
        if flow.form:
            page += ["The form:", "", *table(("field", "default", "meaning"), flow.form), ""]
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


def _shared(name: ast.Attribute) -> ast.expr:
    """What `intake.PARAMS` of a flow stands for: the dictionary in `colophon.tasks.intake`."""
    path = ROOT / "plugins" / "colophon" / "tasks" / f"{ast.unparse(name.value)}.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name.attr]:
            return node.value
    raise ValueError(f"{path.name} has no {name.attr}")


def _form(params: ast.expr | None) -> Iterator[tuple[str, str, str]]:
    if params is None:
        return
    if isinstance(params, ast.Attribute):
        params = _shared(params)
    if not isinstance(params, ast.Dict):
        raise ValueError(f"params is {ast.unparse(params)}: write a dictionary, or name one of colophon.tasks")
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


PAGES: dict[str, Callable[[], str]] = {
    "flows.md": flows,
    "partners.md": partners,
    "configuration.md": configuration,
    "preflight.md": preflight,
    "reports.md": reports,
}

if __name__ == "__main__":
    sys.exit(main())
