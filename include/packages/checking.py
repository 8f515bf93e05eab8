"""Preflight of a package's files, remembered: the same bytes are not checked twice against the same expectations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from include.files import preflight, sniff
from include.files.model import Checked, Finding, Severity
from include.files.preflight import Expected
from include.ledger.database import Ledger
from include.ledger.file_rows import PreflightRow
from include.packages.contents import Chosen
from include.partners.profiles import Checks, Part, Profile
from include.store import ArtefactStore


@dataclass(frozen=True, slots=True)
class Report:
    """What the checks of a package came to: findings, gravest first, and facts by sha256."""

    findings: tuple[Finding, ...]
    facts: Mapping[str, Mapping[str, Any]]

    @property
    def failing(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.severity is Severity.FAIL)


def wanted(profile: Profile, part: Part, **known: Any) -> Expected:
    """What a file of this part must meet: the product's measures (`known`), the profile's checks, then the part's own."""
    values: dict[str, Any] = {name: value for name, value in known.items() if value is not None}
    severities: dict[str, str] = {}
    for checks in (profile.checks, part.checks):
        values |= _given(checks)
        severities |= checks.severities
    values["severities"] = tuple(sorted(severities.items()))
    measure = part.measure if part.measure in {"text", "cover", "jacket", "other", "audio"} else ""
    return Expected(**({"part": measure, "formats": part.types} | values))


def check(
    ledger: Ledger,
    store: ArtefactStore,
    chosen: Sequence[Chosen],
    expected: Callable[[Chosen], Expected],
    *,
    now: datetime,
    audiobook: Expected | None = None,
) -> Report:
    """Each file by itself; with `audiobook` the files of parts measured as audio also as one set, against that."""
    findings: list[Finding] = []
    facts: dict[str, Mapping[str, Any]] = {}
    tracks = [one for one in chosen if audiobook is not None and one.part.measure == "audio"]
    for one in chosen:
        if audiobook is None or one.part.measure != "audio":
            checked = _one(ledger, store, one, expected(one), now)
            findings += checked.findings
            facts[one.file.sha256] = checked.facts
    if tracks and audiobook is not None:
        checked = _set(ledger, store, tracks, audiobook, now)
        findings += checked.findings
        of_name = checked.facts.get("files", {})
        facts |= {one.file.sha256: of_name.get(one.file.name, {}) for one in tracks}
    ranked = sorted(findings, key=lambda one: list(Severity).index(one.severity))
    return Report(tuple(ranked), facts)


def report(findings: Sequence[Finding], facts: Mapping[str, Any]) -> dict[str, Any]:
    """As it travels in the package (`preflight.json`): {"findings": [...], "files": name → what was measured}."""
    return {"findings": [one.to_json() for one in findings], "files": dict(facts)}


def _given(checks: Checks) -> dict[str, Any]:
    return {name: value for name, value in checks if value is not None and name != "severities"}


def _one(ledger: Ledger, store: ArtefactStore, one: Chosen, expected: Expected, now: datetime) -> Checked:
    sha256, name = one.file.sha256, one.file.name
    if (known := _known(ledger, sha256, expected.digest(), name)) is not None:
        return known
    with store.local(sha256) as local:
        checked = preflight.check(local, name, sniff.sniff(local, name), expected)
    _keep(ledger, sha256, expected.digest(), checked, now)
    return checked


def _set(ledger: Ledger, store: ArtefactStore, tracks: Sequence[Chosen], expected: Expected, now: datetime) -> Checked:
    """The set is remembered under a digest of its files and their names, which the checks read, too."""
    told = "".join(f"{one.file.sha256}  {one.file.name}\n" for one in tracks)
    together = hashlib.sha256(told.encode()).hexdigest()
    if (known := _known(ledger, together, expected.digest())) is not None:
        return known
    with ExitStack() as stack:
        local = [(stack.enter_context(store.local(one.file.sha256)), one.file.name) for one in tracks]
        checked = preflight.check_set([(path, name, sniff.sniff(path, name)) for path, name in local], expected)
    for one in tracks:
        own = tuple(finding for finding in checked.findings if finding.file == one.file.name)
        _keep(ledger, one.file.sha256, expected.digest(), Checked(own, checked.facts.get("files", {}).get(one.file.name, {})), now)
    _keep(ledger, together, expected.digest(), checked, now)
    return checked


def _known(ledger: Ledger, sha256: str, expectation: str, name: str = "") -> Checked | None:
    with ledger.read() as session:
        query = select(PreflightRow).where(PreflightRow.sha256 == sha256, PreflightRow.expectation == expectation)
        row = session.scalar(query)
        if row is None:
            return None
        findings = [{**finding, "severity": Severity(finding["severity"])} for finding in row.findings]
        if name:  # the same bytes may go by another name now
            findings = [{**finding, "file": name} for finding in findings]
        return Checked(tuple(Finding(**finding) for finding in findings), row.facts)


def _keep(ledger: Ledger, sha256: str, expectation: str, checked: Checked, now: datetime) -> None:
    if any(one.code == "epubcheck-not-run" for one in checked.findings):
        return  # another worker may have Java
    row = PreflightRow(
        sha256=sha256, expectation=expectation, checked_at=now, findings=[one.to_json() for one in checked.findings], facts=checked.facts
    )
    with ledger.session() as session:
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            pass  # another worker has just checked the same
