"""What a partner file may say, checked as it is read.

`config/partners/<id>.toml` holds one `Partner`; `config/house.toml` holds the one `House`. Both refuse unknown keys,
so that a slip of the pen is an error and not a silent default. `docs/configuration.md` is made from these models.
"""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from include.partners.covers import CoverRules
from include.partners.licensing import LicenceRules
from include.partners.packages import Backup, Formats, Handoff, Launch, Releases, Report
from include.partners.readiness import Calendar, ReadinessRules
from include.partners.royalties import RightsReport, Statements
from include.partners.tables import Code2, Country, Currency, FileTable, ProductFilter, Table


class Commit(Table):
    """How a partner knows that a file is whole."""

    rule: Literal["rename", "status_suffix", "manifest_last", "done_file", "direct"] = Field(
        default="rename",
        description="rename: temporary name, then the final one. status_suffix: `.XOT` while it travels, `.COT` when "
        "it is whole. manifest_last: a manifest with names, sizes and hashes arrives last. done_file: an empty "
        "`<name>.done` follows. direct: the final name from the start, for partners that forbid renaming.",
    )
    temporary: str = Field(default=".{name}.{sha8}.part", description="Mask of the temporary name (rename, manifest_last, done_file).")
    travelling: str = Field(default=".XOT", description="Extension while the file travels (status_suffix).")
    complete: str = Field(default=".COT", description="Extension when the file is whole (status_suffix).")
    manifest: str = Field(default="manifest.json", description="Name mask of the manifest (manifest_last).")
    done: str = Field(default="{name}.done", description="Name mask of the done-file (done_file).")
    existing: Literal["replace", "fail"] = Field(default="replace", description="What to do when the final name is taken by other bytes.")


class OpenPgp(Table):
    """Encrypt every file for the partner before it is named and sent."""

    recipient: str = Field(description="Fingerprint of the partner's public key, all 40 digits.")
    key_file: str = Field(description="The partner's public key, ASCII-armoured, relative to `config/`.")
    sign_with: str = Field(default="", description="Fingerprint of our signing key in the worker's GnuPG home; empty: not signed.")
    suffix: str = ".gpg"


class Transport(Table):
    """Where files go and how."""

    protocol: Literal["sftp", "ftp", "ftps"]
    connection: str = Field(description="Airflow connection id, of the stock sftp or ftp connection type.")
    folder: str = Field(description="Remote folder for feeds; it is created if the partner allows.")
    commit: Commit = Commit()
    sweeps: bool = Field(default=False, description="The partner takes files away at once: gone after the commit is success.")
    resume: bool = Field(default=True, description="An interrupted upload goes on where it stopped.")
    read_back: Literal["size", "hash"] = Field(default="size", description="hash: read the file back and compare its sha256.")
    parallel: int = Field(default=4, ge=1, le=256, description="Files in flight (SFTP) or control connections (FTP).")
    fallback_encoding: str = Field(default="", description="Encoding of file names in listings, where it is not UTF-8.")
    openpgp: OpenPgp | None = None


class PriceRule(Table):
    """One price per rule and market: the first price of the product that fits."""

    currency: Currency
    type: Code2 = Field(default="02", description="List 58 code to send.")
    from_type: Code2 | None = Field(default=None, description="List 58 code to read, if it is another one; tax is added or taken off.")
    qualifier: Code2 = Field(default="05", description="List 59 code.")
    territory: tuple[str, ...] = Field(default=(), description="ISO 3166-1 countries, or List 49 regions, that the price holds for.")
    discount_percent: Decimal | None = Field(default=None, ge=0, le=100)
    discount_code: str = ""
    discount_code_type: str = Field(default="", description="Name of the proprietary discount scheme.")
    required: bool = Field(default=True, description="A product without this price is held back.")
    forms: tuple[str, ...] = Field(default=(), description="As in the product filter: the rule is for these forms only.")


class Supplier(Table):
    role: Code2 = Field(default="01", description="List 93.")
    name: str
    gln: str = ""
    san: str = ""
    returns_code: str = Field(default="", description="Returns conditions code (BISAC, List 66).")


class Market(Table):
    """One ProductSupply: a territory, who supplies it, at which prices."""

    countries: tuple[str, ...] = Field(default=(), description="ISO 3166-1 countries, or one List 49 region such as WORLD.")
    supplier: Supplier
    prices: tuple[PriceRule, ...] = ()
    reference: str = Field(default="", description="MarketReference (ONIX 3.1).")


class Completeness(Table):
    """Rules that a record must meet beyond the schema, by code (see docs/partners.md#rules)."""

    profile: str = Field(default="house", description="A named set of rules in `include/feeds/profiles.toml`.")
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


class Covers(Table):
    """Covers by URL in the record, or as files beside the feed."""

    by: Literal["none", "url", "file"] = "url"
    name: str = Field(default="{isbn}.jpg", description="File name mask.")
    folder: str = Field(default="", description="Remote folder for cover files; empty: the feed's own.")
    format: Literal["jpeg", "png", "tiff"] = "jpeg"
    longest_side: int | None = Field(default=None, ge=100, le=10000, description="Pixels; larger covers are made smaller, never larger.")


class BlockUpdates(Table):
    """Send NotificationType 04 with only the changed blocks, where the partner wants it."""

    blocks: tuple[int, ...] = Field(default=(6,), description="Blocks that may be sent alone; any other change sends the full record.")


class Limits(Table):
    """Beyond these a person must approve; on time-out the answer is no."""

    records: int | None = Field(default=None, description="Most records in a delta.")
    withdrawn: int | None = Field(default=None, description="Most records that become unavailable in one delivery.")
    held_percent: Decimal | None = Field(default=None, description="Most records held back, in percent of those selected.")


class Acknowledgements(Table):
    """Where the partner's answers are found."""

    kind: Literal["none", "onix", "csv", "rename", "sweep"] = "none"
    folder: str = ""
    pattern: str = "*"
    columns: dict[str, str] = Field(
        default_factory=dict, description="csv: our field (message_number, record_reference, isbn, status, text) to their column."
    )
    rejected_statuses: tuple[str, ...] = Field(default=("rejected",), description="csv: values of `status` that mean rejected.")
    accepted_suffix: str = Field(default="", description="rename: suffix that the partner gives to a file it took.")
    rejected_suffix: str = Field(default="", description="rename: suffix that the partner gives to a file it refused.")
    within_hours: int = Field(default=48, description="Later than this, a delivery without an answer is overdue.")
    consume: Literal["leave", "delete", "move"] = Field(default="leave", description="What to do with an answer once it is recorded.")


class Column(Table):
    """One column of a CSV or XLSX feed: a named extractor, or a fixed text."""

    header: str
    field: str = Field(default="", description="An extractor of `include.feeds.tabular`.")
    text: str = ""
    format: str = Field(default="", description="strftime mask for dates, Python format spec for numbers.")


class Feed(Table):
    """A metadata feed, as this partner wants it."""

    format: Literal["onix", "csv", "xlsx"] = "onix"
    release: Literal["2.1", "3.0", "3.1"] = "3.0"
    tags: Literal["reference", "short"] = "reference"
    code_list_issue: int = Field(
        default=75, ge=36, le=75, description="Newest code-list issue that the partner reads; later codes are held back."
    )
    encoding: Literal["utf-8", "utf-16", "iso-8859-1", "windows-1252", "us-ascii"] = "utf-8"
    title_text: bool = Field(default=False, description="Send TitleText instead of TitlePrefix and TitleWithoutPrefix (Google's profile).")
    price_tax: bool = Field(default=True, description="Send Tax composites with tax-inclusive prices.")
    products: ProductFilter = ProductFilter()
    markets: tuple[Market, ...] = ()
    territory: Literal["countries", "world_with_exceptions"] = Field(
        default="countries", description="Sales rights as lists of countries, or WORLD less exceptions where that is shorter."
    )
    substitutions: dict[str, dict[str, str]] = Field(
        default_factory=dict, description='Code substitutions by list, for example `[feed.substitutions.150] ED = "EA"`.'
    )
    proprietary: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="Proprietary codes by kind (imprint, publisher) and our value."
    )
    proprietary_type: str = Field(default="", description="IDTypeName of the proprietary codes.")
    subjects: tuple[Code2, ...] = Field(default=("10", "12", "93", "20"), description="List 27 schemes to send, in this order.")
    texts: tuple[Code2, ...] = Field(default=("02", "03", "04", "05", "06", "12"), description="List 153 types to send.")
    accessibility: bool = True
    product_contact: bool = True
    record_reference: str = Field(default="{domain}.{id}", description="Mask; must never change once records were sent.")
    first: Literal["full", "delta"] = Field(default="full", description="The first delivery ever.")
    mode: Literal["delta", "full"] = Field(
        default="delta", description="delta: changed titles only. full: all titles, as soon as one of them changed."
    )
    empty: Literal["skip", "no_product", "empty_file"] = Field(default="skip", description="What goes out when nothing changed.")
    message_repeat: bool = Field(
        default=True, description="The partner takes a message number that it has seen; if not, a redelivery is rebuilt under the next."
    )
    block_updates: BlockUpdates | None = None
    covers: Covers = Covers()
    completeness: Completeness = Completeness()
    licences: Literal["stop", "ignore"] = Field(
        default="ignore", description="stop: a title with a blocking flag on the licence of one of its images is held back."
    )
    file_name: str = Field(
        default="{sender}_{date:%Y%m%d}_{message_number:05d}.xml",
        description="Mask: sender, partner, date, message_number, kind (FULL, DELTA).",
    )
    columns: tuple[Column, ...] = ()
    delimiter: str = ","

    @model_validator(mode="after")
    def _fits(self) -> Feed:
        if self.format == "onix" and not self.markets:
            raise ValueError("an ONIX feed needs at least one [[feed.markets]]")
        if self.format != "onix" and not self.columns:
            raise ValueError(f"a {self.format} feed needs [[feed.columns]]")
        if self.block_updates and self.release == "2.1":
            raise ValueError("block updates exist from ONIX 3.0 on")
        if self.format == "onix" and self.release == "2.1" and self.empty != "skip":
            raise ValueError("ONIX 2.1 has no way to say that nothing changed: empty must be skip")
        if self.release == "2.1" and self.tags == "short":
            raise ValueError("ONIX 2.1 is offered with reference tags only")
        return self


class Addressee(Table):
    name: str
    gln: str = ""
    san: str = ""
    contact: str = ""
    email: str = ""


class Schedule(Table):
    cron: str = Field(default="30 1 * * *", description="Cron expression, or empty for on demand only.")
    timezone: str = Field(default="Europe/London", description="IANA time zone.")
    deadline: time | None = Field(default=None, description="Local time by which the delivery must be there.")


class Party(FileTable):
    """Anybody who gets something from us: one party, one file. What it gets stands in its tables: `[feed]`, `[handoff]`, ..."""

    name: str
    kind: Literal[
        "distributor", "wholesaler", "bibliographic", "retailer", "library", "printer", "typesetter", "ebook", "audio",
        "accessibility", "sales", "archive", "agent", "finance", "rights",
    ] = "distributor"  # fmt: skip
    enabled: bool = True
    transport: Transport
    schedule: Schedule = Schedule()
    acknowledgements: Acknowledgements = Acknowledgements()
    notify: tuple[str, ...] = Field(default=(), description="Mail addresses told of failures.")
    handoff: Handoff | None = Field(default=None, description="Print-ready files once production has approved them (a printer).")
    formats: Formats | None = Field(default=None, description="E-books, audio or accessible files (a specialised vendor).")
    launch: Launch | None = Field(default=None, description="Launch packs: covers, copy and promotional material (sales, retailers).")
    report: Report | None = Field(default=None, description="Readiness reports of its own titles.")
    releases: Releases | None = Field(default=None, description="Readiness packages, one for each work and release date.")
    backup: Backup | None = Field(default=None, description="The archive that keeps metadata, contracts and final assets.")
    statements: Statements | None = Field(default=None, description="Royalty statements of its own payees (an agent, finance).")
    rights: RightsReport | None = Field(
        default=None, description="Rights reports and contract extracts (agents, rights partners, finance)."
    )

    @model_validator(mode="after")
    def _statements_of_everybody_are_for_finance(self) -> Self:
        if self.statements is not None and self.statements.everything and self.kind != "finance":
            raise ValueError(f'statements.everything is for kind = "finance" only: a party of kind "{self.kind}" gets its own payees\'')
        return self

    @model_validator(mode="after")
    def _packages_lie_apart(self) -> Self:
        """Two flows with one folder for a title would overwrite each other's manifest."""
        tables = {"handoff": self.handoff, "formats": self.formats, "launch": self.launch}
        taken: dict[str, str] = {}
        for name, table in tables.items():
            if table is not None and (other := taken.setdefault(table.folder.strip("/"), name)) != name:
                raise ValueError(f"{other}.folder and {name}.folder are the same: give each its own")
        return self


class Partner(Party):
    """A party with a metadata feed."""

    test: bool = Field(default=False, description="Records go out as tests (List 1: 89, block updates 88): nothing is published.")
    addressee: Addressee
    limits: Limits = Limits()
    feed: Feed


class Sender(Table):
    name: str
    gln: str = ""
    san: str = ""
    contact: str = ""
    email: str = ""


class TaxRate(Table):
    """A rate of tax on one form of product in one country (Lists 171, 62)."""

    country: Country
    forms: tuple[str, ...] = Field(description="As in the product filter.")
    type: Code2 = Field(default="01", description="List 171.")
    rate_code: Literal["S", "H", "R", "Z", "T", "P"] = "Z"
    percent: Decimal = Decimal("0")


class Contact(Table):
    """A product contact: product safety (GPSR), accessibility requests (List 198)."""

    role: Code2 = "10"
    name: str
    contact: str = ""
    email: str = ""
    telephone: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""


class ContractIds(Table):
    """Which contracts are mirrored. Consonance lists none, so their ids are walked through; all of this may be left out."""

    ids: tuple[int, ...] = Field(default=(), description="These ids alone, for example from a custom report; nothing is walked.")
    first: int = Field(default=1, ge=1, description="Where the walk starts; later nights go on behind the highest known.")
    last: int | None = Field(default=None, ge=1, description="Where it ends at the latest.")
    gap: int = Field(default=200, ge=1, le=100_000, description="It ends after so many ids in a row without a contract.")

    @model_validator(mode="after")
    def _in_order(self) -> ContractIds:
        if self.last is not None and self.last < self.first:
            raise ValueError("last is before first")
        return self


class House(Table):
    """The publisher: what every feed says about it, and what Consonance's API does not tell."""

    sender: Sender
    publisher: str
    domain: str = Field(description="Reversed domain that starts each RecordReference, for example `com.example.books`.")
    country_of_publication: Country = "GB"
    city_of_publication: str = ""
    language: str = Field(default="eng", description="List 74 language of text, where a title does not say.")
    audience: Code2 = Field(default="01", description="List 28 audience, where a title does not say.")
    notify: tuple[str, ...] = Field(
        default=(), description="Mail addresses told of failures that belong to no partner; empty: the sender's."
    )
    contacts: tuple[Contact, ...] = ()
    taxes: tuple[TaxRate, ...] = ()
    strict_schema: str = Field(default="", description="Path of EDItEUR's strict XSD 1.1, if you have installed it.")
    acquired_stages: tuple[str, ...] = Field(default=(), description="Project stages that mean: acquired.")
    stages: dict[str, str] = Field(default_factory=dict, description="Consonance's stage id or name to our asset name.")
    formats: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="In-house format name to form and List 175 details.")
    text_variants: dict[str, str] = Field(default_factory=dict, description="Consonance's MarketingTextVariant to List 153.")
    resource_styles: tuple[str, ...] = Field(
        default=(), description="Image styles of Consonance's REST v4 to take covers in, best first; empty: the highest."
    )
    accessibility: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="In-house format name to List 196 codes that hold for all its products."
    )
    embargoes: dict[str, date] = Field(
        default_factory=dict, description="ISBN or work id to the first day on which anything of it may leave: Consonance's API tells none."
    )
    readiness: ReadinessRules = Field(default=ReadinessRules(), description="What a title needs before it is ready, and by when.")
    licences: LicenceRules = Field(default=LicenceRules(), description="When licences of images are flagged, and for whom.")
    covers: CoverRules = Field(default=CoverRules(), description="How covers lie in Cloudinary, and what they must be.")
    contracts: ContractIds = Field(default=ContractIds(), description="Which contracts of Consonance are mirrored.")
    calendar: Calendar | None = Field(default=None, description="Consonance's calendar of to-dos, where you subscribed to one.")
