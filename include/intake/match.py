"""Whose file is it? Certain only by what is unmistakable; everything else is proposed to a person.

    a person's rule ─▶ ISBN ─▶ work reference ─▶ contract id ─▶ (proposed only) title and contributor

An ISBN says the product; which of work and product a file belongs to, its kind says: a manuscript, artwork, papers are the work's, an
interior, a jacket, an e-book, an audio file one edition's. Nothing is certain where identifiers disagree, where an ISBN is wrong, stands
on two products or on a kind of edition that such a file can't be, or where the catalogue no longer has the title.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from unicodedata import normalize

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.files.model import Clues, Kind
from include.intake.likeness import Phrases
from include.ledger.file_rows import ContractRow, MatchRuleRow
from include.ledger.models import ProductRow, WorkRow

PROPOSALS = 5
BATCH = 5_000

OF_EDITIONS = {  # kinds that are one edition's → first letters of the forms (List 150) that can have such a file
    Kind.INTERIOR: ("B",),
    Kind.JACKET: ("B", "A", "E", "D"),
    Kind.EBOOK: ("E", "D"),
    Kind.AUDIO: ("A",),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A title, and the edition or the contract of it where the file is that one's alone."""

    work_id: int
    product_id: int | None = None
    contract_id: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A guess: `score` 0 to 100, `why` one sentence for the person who decides."""

    target: Target
    score: float
    why: str

    def to_json(self) -> dict[str, object]:
        """As `IntakeFileRow.proposals` keeps it."""
        of = self.target
        return {
            "work_id": of.work_id, "product_id": of.product_id, "contract_id": of.contract_id, "title": of.title,
            "score": round(self.score, 1), "why": self.why,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    """`certain`, or proposals, best first (five at most), and a sentence why; `rule`, a person's that decided, and the `kind` it says."""

    certain: Target | None
    proposals: tuple[Proposal, ...]
    why: str
    rule: int | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class _Product:
    id: int
    work_id: int
    isbn: str
    form: str
    title: str
    gone: bool


@dataclass(slots=True)
class _Evidence:
    """What the identifiers say: works and products named, and what speaks against taking them at their word."""

    works: dict[int, str] = field(default_factory=dict)  # work id → why
    products: dict[int, str] = field(default_factory=dict)
    contracts: dict[int, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)


class TitleIndex:
    """The mirror's titles, read once: by ISBN, reference, contract, words. Nothing changes in it later: threads may share it.

    About 80 MB for 112,000 products of 40,000 works.
    """

    def __init__(self, session: Session) -> None:
        self._products: dict[int, _Product] = {}
        self._by_isbn: dict[str, list[int]] = {}
        self._of_work: dict[int, list[int]] = {}
        self._titles: dict[int, str] = {}
        self._references: dict[str, list[int]] = {}
        self._contracts: dict[int, int | None] = {}
        self._words = Phrases()
        self._read_works(session)
        self._read_products(session)
        self._read_contracts(session)

    def _read_works(self, session: Session) -> None:
        query = select(WorkRow.id, WorkRow.title, WorkRow.content).where(WorkRow.deleted_at.is_(None)).execution_options(yield_per=BATCH)
        for id, title, content in session.execute(query):
            told = json.loads(content)
            self._titles[id] = title
            if reference := _reference(told.get("reference", "")):
                self._references.setdefault(reference, []).append(id)
            names = [one.get("person_name") or one.get("corporate_name") or "" for one in told.get("contributors", ())]
            self._words.add(id, f"{title} {told.get('subtitle', '')}", ", ".join(name for name in names if name))

    def _read_products(self, session: Session) -> None:
        columns = (ProductRow.id, ProductRow.work_id, ProductRow.isbn, ProductRow.form, ProductRow.title, ProductRow.deleted_at)
        for id, work, isbn, form, title, deleted in session.execute(select(*columns).execution_options(yield_per=BATCH)):
            self._products[id] = _Product(id, work, isbn, form, title, deleted is not None or work not in self._titles)
            if isbn:
                self._by_isbn.setdefault(isbn, []).append(id)
            if deleted is None:
                self._of_work.setdefault(work, []).append(id)

    def _read_contracts(self, session: Session) -> None:
        query = select(ContractRow.id, ContractRow.work_id).where(ContractRow.deleted_at.is_(None))
        self._contracts = {id: work for id, work in session.execute(query)}  # noqa: C416 - rows are no pairs for mypy

    def __len__(self) -> int:
        return len(self._products)

    def title(self, work_id: int) -> str:
        """ "" for a work that the mirror does not have."""
        return self._titles.get(work_id, "")

    def knows(self, isbn: str) -> bool:
        """Whether any product, also one that is gone, has this ISBN."""
        return isbn in self._by_isbn

    def has_contract(self, number: int) -> bool:
        return number in self._contracts

    # --- deciding

    def match(self, clues: Clues, *, inbox_rules: Sequence[MatchRuleRow] = (), path: str = "") -> Match:
        """Whose file this is. `inbox_rules`: what people told us to remember for this inbox, tried on `path` (under the inbox)."""
        rule = next((one for one in _most_exact(inbox_rules) if path and _fits(path, one.pattern)), None)
        kind = Kind(rule.kind) if rule is not None and rule.kind in set(Kind) else clues.kind
        said = self._evidence(clues)
        if rule is not None and rule.work_id is not None:
            return self._by_rule(rule, kind, said)
        chosen = Kind(rule.kind) if rule is not None and rule.kind in set(Kind) else None
        works = {*said.works, *(self._products[id].work_id for id in said.products)}
        if len(works) > 1:
            said.doubts.append(f"its identifiers name {len(works)} titles")
        if said.doubts or not works:
            return self._proposed(clues, kind, said, rule, chosen)
        (work,) = works
        target = self._target(work, kind, said)
        if isinstance(target, Target):
            why = "; ".join(dict.fromkeys([*said.products.values(), *said.works.values()]))
            return Match(target, (), f"{_up(why)}.", rule.id if rule else None, chosen)
        said.doubts.append(target)
        return self._proposed(clues, kind, said, rule, chosen)

    def _by_rule(self, rule: MatchRuleRow, kind: Kind, said: _Evidence) -> Match:
        assert rule.work_id is not None  # noqa: S101 - the caller looked
        chosen = Kind(rule.kind) if rule.kind in set(Kind) else None
        target = Target(rule.work_id, rule.product_id, rule.contract_id, self.title(rule.work_id))
        others = {*said.works, *(self._products[id].work_id for id in said.products)} - {rule.work_id}
        why = f"the rule for `{rule.pattern}`" + (f" of {rule.created_by}" if rule.created_by else "")
        if rule.work_id not in self._titles:
            return Match(None, (), f"{_up(why)} names a title that Consonance no longer has.", rule.id, chosen)
        if others or said.doubts:
            doubt = said.doubts[0] if said.doubts else f"its identifiers name “{self.title(min(others))}”"
            mine = Proposal(target, 90.0, f"{_up(why)} says so, but {doubt}.")
            return Match(None, (mine, *self._named(kind, said))[:PROPOSALS], f"{_up(why)} and the file disagree: {doubt}.", rule.id, chosen)
        if rule.product_id is None and kind in OF_EDITIONS:
            editions = self._editions(rule.work_id, kind)
            named = [id for id in said.products if id in editions]
            if len(named) == 1 or len(editions) == 1:
                target = Target(rule.work_id, (named or editions)[0], rule.contract_id, target.title)
            else:
                told = f"{why} says the title, but not which edition this is"
                return Match(None, self._each(editions, rule.work_id, 80.0, told), f"{_up(told)}.", rule.id, chosen)
        return Match(target, (), f"{_up(why)}.", rule.id, chosen)

    def _evidence(self, clues: Clues) -> _Evidence:
        said = _Evidence()
        for isbn in clues.isbns:
            found = self._by_isbn.get(isbn, [])
            living = [id for id in found if not self._products[id].gone]
            if len(living) == 1:
                said.products[living[0]] = f"ISBN {isbn} is “{self._products[living[0]].title}”"
            elif living:
                said.products |= {id: f"ISBN {isbn} stands on “{self._products[id].title}”" for id in living}
                said.doubts.append(f"ISBN {isbn} stands on {len(living)} products in Consonance")
            elif found:
                said.doubts.append(f"Consonance no longer has the product of ISBN {isbn}")
            else:
                said.doubts.append(f"ISBN {isbn} is not ours")
        said.doubts += [f"{digits} looks like an ISBN, but its check digit is wrong" for digits in clues.wrong_isbns]
        for reference in clues.work_references:
            works = self._references.get(_reference(reference), [])
            if works and not _telling(reference):
                continue
            said.works |= {id: f"the reference {reference} is “{self._titles[id]}”" for id in works}
            if len(works) > 1:
                said.doubts.append(f"{len(works)} works have the reference {reference}")
        for number in clues.contract_ids:
            if (work := self._contracts.get(number)) is not None and work in self._titles:
                said.contracts[number] = f"contract {number} is for “{self._titles[work]}”"
                said.works.setdefault(work, said.contracts[number])
            else:
                said.doubts.append(f"we know no contract {number}")
        return said

    def _target(self, work: int, kind: Kind, said: _Evidence) -> Target | str:
        """Work or edition by kind, or the sentence that says why it is not certain."""
        title = self._titles[work]
        contract = next(iter(said.contracts)) if len(said.contracts) == 1 else None
        if len(said.contracts) > 1:
            return f"it names {len(said.contracts)} contracts of “{title}”"
        if kind not in OF_EDITIONS:
            # What nobody knows the kind of is the edition's that its ISBN names.
            product = next(iter(said.products)) if kind is Kind.UNKNOWN and len(said.products) == 1 else None
            return Target(work, product, contract, title)
        fitting = [id for id in said.products if self._can_have(id, kind)]
        if len(fitting) == 1:
            return Target(work, fitting[0], contract, title)
        if said.products:
            named = ", ".join(self._products[id].isbn for id in said.products)
            return f"{named} can't have a file of the kind {kind}" if not fitting else f"it names {len(fitting)} editions of “{title}”"
        editions = self._editions(work, kind)
        if len(editions) == 1:
            return Target(work, editions[0], contract, title)
        return f"it does not say which of {len(editions)} editions of “{title}” it is for"

    def _can_have(self, product: int, kind: Kind) -> bool:
        form = self._products[product].form
        return not form or form.startswith(OF_EDITIONS[kind])

    def _editions(self, work: int, kind: Kind) -> list[int]:
        """The work's editions that can have a file of this kind."""
        return [id for id in self._of_work.get(work, ()) if kind not in OF_EDITIONS or self._can_have(id, kind)]

    # --- proposing

    def _proposed(self, clues: Clues, kind: Kind, said: _Evidence, rule: MatchRuleRow | None, chosen: Kind | None) -> Match:
        named = [*self._named(kind, said), *self._misspelt(clues, kind)]
        known = {(one.target.work_id, one.target.product_id) for one in named}
        alike = [] if len(named) >= PROPOSALS else self._alike(clues, kind)
        proposals = [*named, *(one for one in alike if (one.target.work_id, one.target.product_id) not in known)][:PROPOSALS]
        if said.doubts:
            why = f"Not certain: {'; '.join(dict.fromkeys(said.doubts))}."
        elif proposals:
            why = "It carries no identifier that we know; its name is like a title's."
        else:
            why = "Neither an identifier that we know nor a name like a title's."
        return Match(None, tuple(proposals), why, rule.id if rule else None, chosen)

    def _named(self, kind: Kind, said: _Evidence) -> list[Proposal]:
        """What the identifiers name, all of them, editions first that can have such a file."""
        found: dict[tuple[int, int | None], Proposal] = {}
        contract = next(iter(said.contracts), None)

        def add(work: int, product: int | None, score: float, why: str) -> None:
            target = Target(work, product, contract if contract and self._contracts[contract] == work else None, self._titles[work])
            found.setdefault((work, product), Proposal(target, score, f"{_up(why)}."))

        for id, why in said.products.items():
            product = self._products[id]
            if kind not in OF_EDITIONS:
                add(product.work_id, id if kind is Kind.UNKNOWN else None, 95.0, why)
                continue
            if self._can_have(id, kind):
                add(product.work_id, id, 95.0, why)
            for other in self._editions(product.work_id, kind):
                if not self._can_have(id, kind):
                    add(product.work_id, other, 85.0, f"{why}, and this is its edition for a file of the kind {kind}")
            if not any(work == product.work_id for work, _ in found):
                add(product.work_id, None, 60.0, f"{why}, but none of its editions can have a file of the kind {kind}")
        for work, why in said.works.items():
            editions = self._editions(work, kind) if kind in OF_EDITIONS else []
            for id in editions:
                add(work, id, 90.0, why)
            if not editions:
                add(work, None, 90.0, why)
        return sorted(found.values(), key=lambda one: -one.score)

    def _misspelt(self, clues: Clues, kind: Kind) -> list[Proposal]:
        """Our ISBNs that one wrong digit, or two that changed places, make of a number with a wrong check digit."""
        found: list[Proposal] = []
        for digits in clues.wrong_isbns[:3]:
            if len(digits) != 13:
                continue
            close = [digits[:at] + digit + digits[at + 1 :] for at in range(12, 2, -1) for digit in "0123456789"]
            close += [digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :] for at in range(3, 12)]
            for isbn in dict.fromkeys(close):
                for id in self._by_isbn.get(isbn, ()):
                    product = self._products[id]
                    if not product.gone and (kind not in OF_EDITIONS or self._can_have(id, kind)):
                        target = Target(product.work_id, id if kind in OF_EDITIONS else None, None, self._titles[product.work_id])
                        found.append(Proposal(target, 70.0, f"{digits} is one slip away from ISBN {isbn}, “{product.title}”."))
        return found[:PROPOSALS]

    def _each(self, products: Iterable[int], work: int, score: float, why: str) -> tuple[Proposal, ...]:
        title = self._titles[work]
        return tuple(
            Proposal(
                Target(work, id, None, title), score, f"{_up(why)}: {self._products[id].isbn or 'no ISBN'}, form {self._products[id].form}."
            )
            for id in list(products)[:PROPOSALS]
        )

    def _alike(self, clues: Clues, kind: Kind) -> list[Proposal]:
        """Titles whose words are like the name's. Never certain: two books may have one title."""
        found: list[Proposal] = []
        for one in self._words.like(clues.title.split(" / "), clues.contributor, most=PROPOSALS):
            editions = self._editions(one.work, kind) if kind in OF_EDITIONS else []
            title = self._titles[one.work]
            names = f" by {one.names}" if one.names else ""
            why = f"“{one.said[:120]}” is like “{title}”{names} ({one.score:.0f} of 100)."
            found.append(Proposal(Target(one.work, editions[0] if len(editions) == 1 else None, None, title), one.score, why))
        return found


def _reference(text: str) -> str:
    return re.sub(r"[\W_]", "", text).upper()


def _telling(reference: str) -> bool:
    """Whether a reference is long enough that a name does not have it by chance: `LQ001001`, not `V12` or `2026`."""
    digits = sum(character.isdigit() for character in reference)
    return digits >= 5 or (digits >= 3 and digits < len(reference) and len(reference) >= 5)


def _most_exact(rules: Sequence[MatchRuleRow]) -> list[MatchRuleRow]:
    """The pattern with the most plain characters first; of two the newer one."""
    return sorted(rules, key=lambda rule: (-len(re.sub(r"[*?\[\]]", "", rule.pattern)), -(rule.id or 0)))


def _fits(path: str, pattern: str) -> bool:
    """A glob over the whole path; `*` stays within a folder, `**` does not; case and how letters are composed count for nothing."""
    path, pattern = (normalize("NFC", one.strip("/").casefold()) for one in (path, pattern))
    return _fit(path.split("/"), pattern.split("/"))


def _fit(parts: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fit(parts[skip:], pattern[1:]) for skip in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fit(parts[1:], pattern[1:])


def _up(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
