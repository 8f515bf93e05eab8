# ruff: noqa: E501 - rows read best as rows
"""The pages of files with 100,000 arrivals, 100,000 titles, 1,000,000 files of an old archive, and a title with 1,000 versions."""

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest

from include.ledger import archives, intake, readiness, record
from include.ledger.file_rows import IntakeState
from include.ledger.readiness import Wish
from include.ledger.record import Wanted
from tests.ledger.test_scale import SEED as DELIVERIES

pytestmark = [pytest.mark.airflow, pytest.mark.long]
LIMIT = 0.050  # seconds per list
LIMITS = {"progress": 0.150}  # counts a million fates, each one once, in an index
SEED = """
CREATE TEMP TABLE m AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000000) SELECT i FROM c;
INSERT INTO intake_file (inbox, path, mark, name, bytes, sha256, media_type, state, kind, clues, proposals, reasons, restricted, preview, original,
                         original_path, seen_at, looked_at, decided_by, title_file_id)
SELECT CASE i % 5 WHEN 0 THEN 'archive:vault' WHEN 1 THEN 'rights' WHEN 2 THEN 'agency' ELSE 'authors' END, 'Smith/' || i, '1', i || '.pdf', 10, printf('%064d', i), 'application/pdf',
       CASE WHEN i % 50 = 0 THEN 'proposed' WHEN i % 91 = 0 THEN 'quarantined' WHEN i % 7 = 0 THEN 'superseded' ELSE 'attached' END, 'manuscript', '{}', '[]', '[]',
       CASE WHEN i % 5 = 1 THEN 'rights' ELSE '' END, '', '', '', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', '', i FROM m WHERE i <= 100000;
INSERT INTO readiness (product_id, work_id, isbn, title, imprint, season, form, format, stage, publication_date, state, late, risk, done, wanted, checks,
                       digest, stable_until, assessed_at)
SELECT i, i, printf('978%010d', i), 'Book ' || i, 'Imprint ' || (i % 20), CASE i % 2 WHEN 0 THEN 'Spring ' ELSE 'Autumn ' END || (2000 + i % 30), CASE i % 3 WHEN 0 THEN 'EA' ELSE 'BC' END, 'Paperback', '',
       date('2000-01-01', '+' || (i % 10950) || ' days'), CASE WHEN i % 10950 < 9800 THEN 'published' WHEN i % 3 = 0 THEN 'late' WHEN i % 3 = 1 THEN 'open' ELSE 'ready' END, i % 10950 >= 9800 AND i % 3 = 0,
       CASE WHEN i % 10950 >= 9800 AND i % 3 = 0 THEN 'high' ELSE '' END, 3, 4, '[{"code":"cover","name":"cover","state":"missing","message":"no cover","todo":"","due":""}]', '', '', '2026-01-01 00:00:00.000000' FROM m WHERE i <= 100000;
INSERT INTO archive_walk (archive, number, phase, started_at, counts) VALUES ('vault', 1, 'done', '2026-01-01 00:00:00.000000', '{}');
INSERT INTO archive_folder (archive, walk, path, whole_path, listed, files, bytes, left_out, problem) SELECT 'vault', 1, 'f' || i, '', 1, 50, 500, 0, '' FROM m WHERE i <= 20000;
INSERT INTO archive_shard (archive, walk, state, files, bytes, done, done_bytes) SELECT 'vault', 1, 'done', 2000, 20000, 2000, 20000 FROM m WHERE i <= 500;
INSERT INTO archive_file (archive, path, whole_path, other, bytes, sha256, kind, fate, reason, change, work_id, intake_id, seen_in)
SELECT 'vault', 'f' || (i % 20000) || '/' || i || '.pdf', '', '', 10, printf('%064d', i), 'manuscript',
       CASE WHEN i % 100 = 0 THEN 'proposed' WHEN i % 101 = 0 THEN 'unreadable' WHEN i % 7 = 0 THEN 'duplicate' ELSE 'attached' END, '', 'new', i % 20000, i, 1 FROM m;
INSERT INTO work (id, title, imprint, stage, digest, content, first_seen, changed_at, seen_in) SELECT i, 'Book', 'Imprint', '', '', x'', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', 0 FROM m WHERE i <= 20100;
INSERT INTO title_file (work_id, product_id, kind, part, revision, rank, dated, name, media_type, bytes, sha256, state, approval, decided_by, note, restricted, source,
                        source_path, preview, facts, consonance, attached_at, attached_by)
SELECT 5, 5, 'interior', 'text', '' || i, i * 10000, date('2020-01-01', '+' || i || ' days'), 'interior_' || i || '.pdf', 'application/pdf', 10, printf('%064d', i),
       CASE WHEN i = 1000 THEN 'attached' ELSE 'superseded' END, 'approved', '', '', '', 'inbox:typesetter', '', '', '{"pages": 320}', '{}', '2026-01-01 00:00:00.000000', 'x' FROM m WHERE i <= 1000;
INSERT INTO review (title_file_id, role, verdict, who, at, note) SELECT id, 'production', 'approved', 'ada', '2026-01-01 00:00:00.000000', '' FROM title_file;
INSERT INTO title_file (work_id, kind, part, revision, rank, dated, name, media_type, bytes, sha256, state, approval, decided_by, note, restricted, source,
                        source_path, preview, facts, consonance, attached_at, attached_by)
SELECT 6, 'promotional', printf('%03d', i), '', 0, '', 'a picture of the launch ' || i || '.jpg', 'image/jpeg', 10, printf('%064d', i), 'attached', '', '', '', '', 'inbox:agency', '', '', '{}', '{}',
       '2026-01-01 00:00:00.000000', 'x' FROM m WHERE i <= 200;
INSERT INTO package (partner, flow, subject, revision, digest, work_id, product_id, state, reasons, findings, ticket, built_at, decided_by)
SELECT 'pressmark', 'print_handoff', printf('978%010d', i % 20000), 1 + i / 20000, printf('%064d', i), i % 20000, i % 20000, 'delivered', '[]', '[]', '{}', '2026-01-01 00:00:00.000000', '' FROM m WHERE i <= 50000;
"""


@pytest.fixture
def big(colophon_home: Any, ledger: Any) -> None:
    with ledger.read():
        pass
    raw = sqlite3.connect(colophon_home / "ledger.sqlite")
    raw.executescript("PRAGMA synchronous = OFF; BEGIN;" + DELIVERIES + SEED + "COMMIT;")
    raw.close()


def everybody(role: str) -> bool:
    return True


LISTS: dict[str, Callable[[Any], Any]] = {
    "to decide": lambda s: intake.open_files(s, states=[IntakeState.PROPOSED], restricted=[], limit=31),
    "attached, deep": lambda s: intake.open_files(s, states=[IntakeState.ATTACHED, IntakeState.SUPERSEDED], restricted=[], before=50_000, limit=31),
    "of one inbox": lambda s: intake.open_files(s, inbox="authors", states=[IntakeState.QUARANTINED], restricted=None, limit=31),
    "nothing for me": lambda s: intake.open_files(s, inbox="rights", states=[IntakeState.ATTACHED], restricted=[], limit=31),
    "arrivals counted": lambda s: intake.counts(s, restricted=[]),
    "titles": lambda s: readiness.page(s, Wish(), limit=51),
    "late titles": lambda s: readiness.page(s, Wish(state="late"), limit=51),
    "titles of a season": lambda s: readiness.page(s, Wish(season="Spring 2028", imprint="Imprint 4"), limit=51),
    "titles of a form, deep": lambda s: readiness.page(s, Wish(form="E", state="ready"), after=("2028-01-01", 5), limit=51),
    "titles by words": lambda s: readiness.page(s, Wish(words="Book 77"), limit=51),
    "titles counted": lambda s: readiness.totals(s, Wish()),
    "season counted": lambda s: readiness.totals(s, Wish(season="Spring 2028")),
    "picture": lambda s: readiness.season_picture(s, "", since="2026-05-01"),
    "picture of a season": lambda s: readiness.season_picture(s, "Spring 2028"),
    "seasons": lambda s: readiness.choices(s, "season"),
    "imprints": lambda s: readiness.choices(s, "imprint"),
    "progress": lambda s: archives.progress(s, "vault"),
    "fate, deep": lambda s: archives.fates(s, "vault", "proposed", 500_000, 51),
    "a thousand versions": lambda s: record.record(s, 5, allowed=everybody),
    "versions of two days": lambda s: record.record(s, 5, allowed=everybody, wanted=Wanted(kind="interior", since=record.date(2021, 1, 1), until=record.date(2021, 1, 2))),
    "two hundred files": lambda s: record.record(s, 6, allowed=everybody),
}  # fmt: skip


def test_lists_and_pages_stay_quick(client_as: Any, ledger: Any, big: None) -> None:
    slow = {}
    with ledger.read() as session:
        for name, ask in LISTS.items():
            if (best := quickest(lambda ask=ask: (session.expire_all(), ask(session)))) > LIMITS.get(name, LIMIT):  # type: ignore[misc]
                slow[name] = best
    client = client_as("admin")
    client.get("/colophon/quarantine")
    for path in (
        "quarantine", "quarantine?show=attached&before=60000", "quarantine?inbox=rights", "readiness", "readiness?state=late", "readiness?month=2028-05&form=E",
        "readiness?words=book", "migration", "migration/vault", "migration/vault?fate=proposed&after=700000", "titles/5", "titles/5?kind=interior",
        "titles/5?kind=interior&since=2021-01-01&until=2021-02-01", "titles/6", "partners/pressmark", "partners/pressmark?after=20000", "deliveries",
    ):  # fmt: skip
        answer = client.get(f"/colophon/{path}")
        assert answer.status_code == 200, path
        if (best := quickest(lambda path=path: client.get(f"/colophon/{path}"))) > 0.33:  # type: ignore[misc]
            slow[path] = best
    assert slow == {}


def quickest(ask: Callable[[], Any]) -> float:
    best = 9.0
    for _ in range(3):
        started = time.perf_counter()
        ask()
        best = min(best, time.perf_counter() - started)
    return round(best, 3)
