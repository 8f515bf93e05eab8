"""Policy over all DAG files: what a data engineer may rely on without opening them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).resolve().parents[2]
HEADINGS = ("**What**", "**When**", "**After a failure**", "**Asks a person**", "**Connections**")
FILES = {
    "catalogue_sync.py": 1,
    "metadata_feeds.py": 6,
    "redeliver.py": 1,
    "connections_check.py": 1,
    "acknowledgements.py": 1,
    "approved_files.py": 1,
    "archive_backup.py": 1,
    "archive_migration.py": 1,
    "partner_intake.py": 3,
    "rights_documents.py": 1,
    "print_handoff.py": 2,
    "format_delivery.py": 3,
    "readiness_reports.py": 1,
    "readiness_packages.py": 1,
    "launch_packs.py": 1,
    "sales_load.py": 1,
    "sales_matching.py": 1,
    "import_workbooks.py": 1,
    "royalty_statements.py": 1,
    "rights_reports.py": 1,
    "title_import.py": 1,
    "licence_sync.py": 1,
    "licence_expiry.py": 1,
    "cover_sync.py": 1,
}


@pytest.fixture
def bag(dag_bag):
    return dag_bag


def test_every_dag_file_is_accounted_for(bag):
    found = {path.name: 0 for path in (ROOT / "dags").glob("*.py")}
    for dag in bag.dags.values():
        found[Path(dag.fileloc).name] += 1
    assert found == FILES


def test_every_dag_says_what_when_and_what_to_do_after_a_failure(bag):
    for dag in bag.dags.values():
        missing = [heading for heading in HEADINGS if heading not in (dag.doc_md or "")]
        assert missing == [], dag.dag_id


def test_tags_are_known_and_every_dag_has_one(bag):
    from colophon.policy import Tag

    for dag in bag.dags.values():
        assert dag.tags, dag.dag_id
        assert set(dag.tags) <= set(Tag), dag.dag_id


def test_tasks_that_run_by_themselves_retry_by_error_class_and_end_in_time(bag):
    from colophon.policy import RetryByErrorClass

    for dag in bag.dags.values():
        for task in dag.tasks:
            assert isinstance(task.retry_policy, RetryByErrorClass), task
            assert task.execution_timeout or task.label in {"approve", "load"}, task


def test_what_delivers_runs_once_at_a_time(bag):
    for dag in bag.dags.values():
        for task in dag.tasks:
            if task.label == "deliver":
                assert dag.max_active_runs == 1, dag.dag_id
                assert task.pool == f"partner_{dag.dag_id.partition('__')[2]}"


def test_a_person_who_does_not_answer_means_no(bag):
    questions = [task for dag in bag.dags.values() for task in dag.tasks if hasattr(task, "response_timeout")]
    assert questions
    for question in questions:
        yes, no = ("Loaded", "Not loaded") if question.label == "load" else ("Approve", "Reject")
        assert question.defaults == [no]
        assert question.response_timeout
        assert question.options == [yes, no]
        if hasattr(question, "options_mapping"):
            assert question.options_mapping == {"Approve": "approved", "Reject": "declined"}


def test_parsing_imports_nothing_heavy():
    """Hooks, clients and parsers of files are for task bodies: parsing happens every minute."""
    heavy = ["paramiko", "asyncssh", "pandas", "lxml", "openpyxl", "sqlalchemy.orm.decl_api.never"]
    probe = (
        "import sys, pathlib\n"
        "before = None\n"
        "import airflow.sdk, airflow.providers.standard.operators.hitl\n"
        "before = set(sys.modules)\n"
        "for path in sorted(pathlib.Path('dags').glob('*.py')):\n"
        "    exec(compile(path.read_text(), str(path), 'exec'), {'__name__': path.stem})\n"
        f"print(sorted(m for m in {heavy!r} if m in sys.modules and m not in before))\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
