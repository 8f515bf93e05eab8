"""Loading a report: read, added up, compared with what it says of itself and with what its source sent before, and written down once.

    file ─▶ layout ─▶ lines with digests ─▶ totals ─▶ balance ─▶ new, the same, restated? ─▶ Parquet artefact ─▶ batch, parts, products

Nothing is recorded before the lines lie whole in the store, and then in one transaction, so that a kill at any moment leaves at most an
artefact that nobody names. What was decided by looking at other batches is looked at again in that transaction.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from include.errors import RejectedData, TransientError
from include.files.bounds import printable
from include.intake.globs import fits_any
from include.ledger import sales
from include.ledger.database import Ledger
from include.ledger.sales_rows import Overlap
from include.partners.sources import SalesSource
from include.sales import balance, extract, payments, recognise, recording, staging, store
from include.sales.facts import Look, Reading, Report, arrived, chosen, decided, facts_of, known
from include.sales.layout import Layout
from include.sales.loaded import Loaded
from include.sales.staging import Comparer
from include.store import ArtefactStore

ATTEMPTS = 8  # goes, where others load from the same source at the same time


def load(
    ledger: Ledger,
    artefacts: ArtefactStore,
    source: SalesSource | Sequence[SalesSource],
    path: Path,
    name: str,
    *,
    layouts: Sequence[Layout],
    now: datetime,
    who: str = "",
    dry_run: bool = False,
    intake_id: int | None = None,
    payment: payments.Entry | None = None,
) -> Loaded:
    """Loads one report, once. Of several sources, the one that sends such reports takes it; `name` is its path in the inbox, or its own.

    A dry run writes nothing, neither to the ledger nor to the store, and does not mind whose report it is.

    Raises `RejectedData` for a file that no layout fits, that can't be read to its end, that no source or several would take, or that has
    nothing and says no period.
    """
    recognised = recognise.recognise(path, Path(name).name, layouts)
    if isinstance(recognised, recognise.NotRecognised):
        raise RejectedData(str(replace(recognised, todo="")), where=printable(name), todo=recognised.todo)
    doubt = ""
    try:
        one = source if isinstance(source, SalesSource) else source_of(source, recognised.layout.id, name)
    except RejectedData as unknown:
        if not dry_run:
            raise
        one, doubt = SalesSource(id="nobody", name="nobody", layouts=(recognised.layout.id,)), f"{unknown.what}. {unknown.todo}"
    if recognised.layout.id not in one.layouts:
        raise RejectedData(
            f"this is a report of the layout {recognised.layout.id}, which {one.name} does not send",
            where=printable(name),
            todo=f"Put {recognised.layout.id!r} into layouts of config/sources/{one.id}.toml, or name the source that it is from.",
        )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    report = Report(name, sha256, path.stat().st_size, recognised.layout.id, intake_id)
    reading = extract.read(path, Path(name).name, recognised, one, rows_at_once=store.ROWS)
    loaded = take(ledger, artefacts, one, report, reading, now=now, who=who, dry_run=dry_run)
    if doubt:
        loaded = replace(loaded, source="", reasons=(balance.reason("source-unknown", doubt), *loaded.reasons))
    if loaded.batch is not None and not dry_run and loaded.overlap is not Overlap.RESENT:
        if payment is not None:
            payments.enter(ledger, one, payment, now=now, who=who)
        payments.recheck(ledger, one, loaded.batch)
        with ledger.read() as session:
            return loaded.recorded(sales.get(session, loaded.batch))
    return loaded


def source_of(sources: Sequence[SalesSource], layout: str, name: str) -> SalesSource:
    """Whose report this is: by its layout, and where several send it by their `files`. Raises `RejectedData` where that is nobody or
    more than one."""
    theirs = [one for one in sources if one.enabled and layout in one.layouts]
    fits = theirs if len(theirs) == 1 else [one for one in theirs if fits_any(name, one.files)]
    if len(fits) == 1:
        return fits[0]
    if theirs:
        known = ", ".join(one.id for one in fits or theirs)
        what, todo = f"{known} send reports of the layout {layout}", "Name the source, or tell them apart by files in config/sources."
    else:
        what, todo = f"nobody sends reports of the layout {layout}", "Add a file to config/sources, or name the source."
    raise RejectedData(what, where=printable(name), todo=todo)


def take(
    ledger: Ledger,
    artefacts: ArtefactStore,
    source: SalesSource,
    report: Report,
    reading: Reading,
    *,
    now: datetime,
    who: str = "",
    dry_run: bool = False,
) -> Loaded:
    """As `load`, of a report that is being read. An arrival that is loaded already is not loaded again, whatever it says now."""
    with tempfile.TemporaryDirectory(prefix="colophon-sales-") as folder:
        staged = staging.stage(reading, Path(folder) / "lines.parquet")
        checked = balance.balance(
            reading.controls, reading.found, tolerance=source.tolerance, rejected=len(reading.rejects), skipped=reading.skipped,
            copied=reading.copied,
        )  # fmt: skip
        facts = facts_of(source, report, reading, staged, checked)
        for _ in range(ATTEMPTS):
            with ledger.read() as session:
                if (mine := arrived(session, report)) is not None:
                    return known(facts, mine)
                look = Look.of(session, source.id, facts.parts_of_file)
                twin = sales.refused(session, source.id, facts.digest, report.sha256)
                other = sales.elsewhere(session, report.sha256, source.id)
            compare = Comparer(artefacts, staged, look.kept)
            decision = decided(facts, look, source.restated, compare, other)
            if decision.overlap is Overlap.REFUSED and twin is not None:
                return facts.told(decision, twin)
            if decision.overlap is Overlap.RESENT:
                return facts.told(decision, None, batch=decision.same_as[-1])
            counting = chosen(decision, facts, compare, Path(folder) / "counting.parquet")
            if dry_run:
                return facts.told(decision, None, counting=counting)
            kept = (artefacts.put(counting.path).sha256, recording.keep_rejects(artefacts, reading.rejects))
            row = recording.written(ledger, source.id, look, decision, facts, counting, kept, now=now, who=who)
            if row is not None:
                return facts.told(decision, row, counting=counting)
    raise TransientError(f"others keep loading reports of {source.id}", where=printable(report.name), todo="Run it again.")
