"""The columns of rights reports, contract extracts and finance extracts, and how each is filled. Their version: `sheets.SCHEMA`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from include.readiness.columns import contributors
from include.rights import finance
from include.rights.contracts import Contract, LicensedRight, told
from include.rights.finance import NO_IMPRINT, NOT_TOLD, Extract, Source
from include.rights.flags import Flag
from include.rights.held import Finding, Rights, codes, name_of
from include.rights.sheets import Column, Layout, Value
from include.royalties.payees import Payee
from include.sales.totals import Sums
from include.titles.model import Product

RIGHTS = Layout(
    "Rights",
    (
        Column("Title", width=40), Column("Contributors", width=30), Column("ISBN", width=16), Column("Format", width=16),
        Column("Imprint", width=20), Column("Publication date", "date", 12), Column("Sales rights", width=24),
        Column("For sale in", width=30), Column("Not for sale in", width=30), Column("Not known in", width=20),
        Column("Sales rights in words", width=40), Column("Licensed rights", width=40), Column("Flags", "whole", 8),
    ),
    frozen=1,
)  # fmt: skip
LICENSED = Layout(
    "Licensed rights", (Column("Work", width=40), Column("Right", width=24), Column("Author's cut %", "decimal", 12)), "licensed"
)
FLAGS = Layout(
    "Flags",
    (
        Column("Finding", width=18), Column("Why", width=44), Column("Title", width=40), Column("ISBN", width=16),
        Column("Imprint", width=20), Column("Territory", width=10), Column("Country", width=20), Column("Model", width=12),
        Column("Sold", "whole", 9), Column("Returned", "whole", 9), Column("Used", "whole", 9), Column("Net", "decimal", 12),
        Column("Currency", width=9), Column("Period", width=12),
        Column("Lines", "whole", 8), Column("Batch", "plain", 8), Column("Source", width=18), Column("Report file", width=30),
    ),
    "flags",
)  # fmt: skip
BY_TERRITORY = Layout(
    "Territories",
    (
        Column("Imprint", width=28), Column("Territory", width=12), Column("Country", width=24), Column("Finding", width=18),
        Column("Currency", width=9), Column("Sold", "whole", 10), Column("Returned", "whole", 10), Column("Used", "whole", 10),
        Column("Net", "decimal", 16),
    ),
    "territories",
)  # fmt: skip
CONTRACTS = Layout(
    "Contracts",
    (
        Column("Contract", "plain", 10), Column("Name", width=36), Column("Payees", width=30), Column("Work", width=36),
        Column("Signed", "date", 12), Column("Term", width=24), Column("Terminated", "date", 12), Column("Reason of termination", width=24),
        Column("Description", width=30), Column("Copyright year", width=10), Column("Manuscript due", "date", 12),
        Column("Manuscript due, revised", "date", 12), Column("Manuscript delivered", "date", 12), Column("Proofs due", "date", 12),
        Column("Publish before", "date", 12), Column("Review", "date", 12), Column("Flat fee", "decimal", 12),
        Column("Guaranteed royalty", "decimal", 12), Column("Author's discount", width=12), Column("Free copies", width=10),
        Column("Free copies used", width=10), Column("Remainder rate", width=12), Column("Remainder rate over cost", "decimal", 12),
        Column("Licensed rights", width=40),
    ),
    frozen=2,
)  # fmt: skip
CONTRACT_RIGHTS = Layout(
    "Licensed rights",
    (Column("Contract", "plain", 10), Column("Work", width=40), Column("Right", width=24), Column("Author's cut %", "decimal", 12)),
    "licensed",
)
CONTRACT_DUES = Layout(
    "Deliveries",
    (
        Column("Contract", "plain", 10), Column("Work", width=40), Column("What", width=24), Column("Requirement", width=20),
        Column("Due", "date", 12), Column("Slipped to", "date", 12), Column("Share %", "decimal", 10),
    ),
    "deliveries",
)  # fmt: skip
_SUMS = (
    Column("Lines", "whole", 9), Column("Sold", "whole", 10), Column("Returned", "whole", 10), Column("Used", "whole", 10),
    Column("Net", "decimal", 16),
)  # fmt: skip
FINANCE = Layout(
    "Sales",
    (
        Column("Period", width=12), Column("Imprint", width=28), Column("Territory", width=12), Column("Country", width=24),
        Column("Currency", width=9), *_SUMS,
    ),
)  # fmt: skip
CONTROL = Layout(
    "Control",
    (
        Column("What", width=22), Column("Batch", "plain", 8), Column("Source", width=20), Column("Report file", width=36),
        Column("Period", width=22), Column("Currency", width=9), *_SUMS,
    ),
    "control",
)  # fmt: skip
RIGHTS_CONTROL = Layout("Control", tuple(column for column in CONTROL.columns if column.header != "Lines"), "control")
SOURCE, OF_SOURCES, OF_EXTRACT, OF_REPORT, DIFFERENCE = (
    "batch", "total of the batches", "total of this extract", "total of this report", "difference",
)  # fmt: skip


def rights_row(product: Product, licensed: Sequence[LicensedRight], flags: int, territories: Collection[str]) -> list[Value]:
    """Of countries only those that were asked for, where some were."""
    rights = Rights.of(product)
    if territories:
        found = {territory: rights.at(territory) for territory in territories}
        sold, refused, unknown = (
            [place for place in found if found[place] is what] for what in (Finding.HELD, Finding.NOT_HELD, Finding.UNKNOWN)
        )
    else:
        sold, refused, unknown = list(product.sold_in), list(product.not_sold_in), []
    return [
        product.full_title or product.work.title, contributors(product), product.isbn, product.format, product.work.imprint,
        product.publication_date, rights.told(), codes(sold), codes(refused), codes(unknown), product.sales_rights, told(licensed), flags,
    ]  # fmt: skip


def licensed_rows(works: Mapping[int, str], licensed: Mapping[int, Sequence[LicensedRight]]) -> Iterator[list[Value]]:
    for id, title in sorted(works.items()):
        for one in dict.fromkeys(licensed.get(id, ())):
            yield [title, one.type, one.author_cut]


def flag_row(flag: Flag) -> list[Value]:
    return [
        str(flag.finding), flag.why, flag.title, flag.isbn, flag.imprint or NO_IMPRINT, flag.territory or NOT_TOLD,
        name_of(flag.territory), flag.model, flag.sold, flag.returned, flag.usage, finance.net(Sums(net=flag.net)), flag.currency,
        flag.period, flag.rows, flag.batch, flag.source, flag.file,
    ]  # fmt: skip


def territory_rows(found: Iterable[Flag]) -> Iterator[list[Value]]:
    """Flags added up by imprint, territory, finding and currency."""
    sums: dict[tuple[str, str, str, str], Sums] = {}
    for one in found:
        key = (one.imprint or NO_IMPRINT, one.territory, str(one.finding), one.currency)
        sums.setdefault(key, Sums()).add(Sums(one.rows, one.sold, one.returned, one.usage, one.net))
    for (imprint, territory, finding, currency), its in sorted(sums.items()):
        yield [imprint, territory or NOT_TOLD, name_of(territory), finding, currency, *_told(its)[1:]]


def contract_row(one: Contract, payees: Iterable[Payee], work: str) -> list[Value]:
    return [
        one.id, one.name, "; ".join(f"{payee.id} {payee.name}" for payee in payees), work, one.day("signedDate"), one.words("term"),
        one.day("terminatedDate"), one.words("terminationReason"), one.words("description"), one.words("copyrightYear"),
        one.day("msDeliveryDate"), one.day("revisedMsDeliveryDate"), one.day("actualMsDeliveryDate"), one.day("msProofsDate"),
        one.day("pubBeforeDate"), one.day("reviewDate"), one.amount("flatFeeValue"), one.amount("guaranteedRoyaltyValue"),
        one.words("authorDiscount"), one.words("freeCopies"), one.words("freeCopiesUsed"), one.words("remainderRate"),
        one.amount("remainderRateOverCost"), told(one.rights),
    ]  # fmt: skip


def finance_rows(extract: Extract) -> Iterator[list[Value]]:
    for (period, imprint, territory, currency), sums in sorted(extract.rows.items()):
        yield [period, imprint, territory, "" if territory == NOT_TOLD else name_of(territory), currency, *_told(sums)]


def control_rows(extract: Extract) -> Iterator[list[Value]]:
    """Each batch's share, then for each currency the batches' total, the extract's own, and the difference, which is nothing."""
    yield from _control(extract.sources, extract.by_currency(), OF_EXTRACT)


def rights_control_rows(sources: Sequence[Source], come_to: Mapping[str, tuple[Sums, Sums]]) -> Iterator[list[Value]]:
    """As `control_rows`, without numbers of lines: a flag that a later line took back is not in the report."""
    lines = [column.header for column in CONTROL.columns].index("Lines")
    for row in _control(sources, come_to, OF_REPORT):
        yield row[:lines] + row[lines + 1 :]


def _control(sources: Sequence[Source], come_to: Mapping[str, tuple[Sums, Sums]], this: str) -> Iterator[list[Value]]:
    for one in sources:
        yield [SOURCE, one.batch, one.source, one.file, one.period, one.currency, *_told(one.sums)]
    for currency, (rows, of_sources) in come_to.items():
        apart = Sums(*(getattr(of_sources, name) - getattr(rows, name) for name in ("rows", "sold", "returned", "usage", "net")))
        for what, sums in ((OF_SOURCES, of_sources), (this, rows), (DIFFERENCE, apart)):
            yield [what, None, "", "", "", currency, *_told(sums)]


def _told(sums: Sums) -> list[Value]:
    return [sums.rows, sums.sold, sums.returned, sums.usage, finance.net(sums)]
