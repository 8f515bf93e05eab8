"""The documentation agrees with the code, and points at things that exist."""

import re
from pathlib import Path

import pytest

from docs import build, configuration_page
from docs.markdown import anchor

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_pages_made_from_code_are_up_to_date(capsys):
    assert build.main(["--check"]) == 0, capsys.readouterr().err


def test_a_page_that_differs_from_the_code_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "PAGES", {"flows.md": lambda: "new\n", "partners.md": lambda: "same\n"})
    (tmp_path / "docs" / "flows.md").write_text("old\n")
    (tmp_path / "docs" / "partners.md").write_text("same\n")
    assert build.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "-old" in said
    assert "+new" in said
    assert "partners.md" not in said
    assert (tmp_path / "docs" / "flows.md").read_text() == "old\n", "a check writes nothing"
    assert build.main([]) == 0
    assert (tmp_path / "docs" / "flows.md").read_text() == "new\n"


@pytest.mark.parametrize("docstring", ["", "# A flow\n\n**What** Something.", "**What** No title."])
def test_a_flow_without_its_five_headings_is_refused(tmp_path, docstring):
    (tmp_path / "flow.py").write_text(f'"""{docstring}"""\n@dag()\ndef flow(): ...\n')
    with pytest.raises(ValueError, match=r"flow\.py"):
        build.flows(tmp_path)


def test_a_notice_names_the_page_of_its_flow():
    from colophon.notifiers.failure import RUNBOOKS, runbook

    pages = {path.stem for path in (ROOT / "docs" / "runbook").glob("*.md")}
    assert pages & {path.stem for path in (ROOT / "dags").glob("*.py")} == RUNBOOKS
    assert [runbook("sales_load__sales"), runbook("catalogue_sync")] == ["docs/runbook/sales_load.md", "docs/runbook.md"]


def test_every_variable_that_the_code_reads_is_documented():
    read = set()
    for folder in ("include", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            read |= set(re.findall(r"""environ(?:\.get\(|\[)\s*["'](COLOPHON_\w+)""", path.read_text(encoding="utf-8")))
    assert read == set(configuration_page.ENVIRONMENT)


def test_every_setting_of_a_partner_and_the_house_is_on_the_page():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for _, model, _ in configuration_page.FILES:
        for _, table in configuration_page._models(model):
            for name in table.model_fields:
                assert f"| `{name}` |" in page, f"{table.__name__}.{name}"


def _anchors(path):
    return {anchor(title) for title in re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        name, _, heading = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), f"{page.name} → {target}"
        assert not heading or heading in _anchors(there), f"{page.name} → {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_of_ours_that_a_page_shows_exists(page):
    from colophon.cli import _parser

    text = page.read_text(encoding="utf-8")
    shown = re.findall(r"`colophon ([^`…]+)`", text)
    for line in shown:
        words = re.sub(r"<[^>]+>", "1", line).replace("[", "").replace("]", "").split()
        assert _parser().parse_args(words).run, line
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert set(re.findall(r"\bmake ([a-z-]+)\b(?=`|\s{2,}| [A-Z]+=)", text)) <= set(targets)
