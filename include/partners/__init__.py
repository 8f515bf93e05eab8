"""Partners as data: who they are, how to reach them, what they want and what they send. One file each in `config/`."""

from include.partners.inboxes import Archive, Inbox
from include.partners.model import Feed, House, Partner, Party, Transport
from include.partners.registry import (
    load_archive,
    load_archives,
    load_house,
    load_inbox,
    load_inboxes,
    load_parties,
    load_partner,
    load_partners,
    load_party,
    load_people,
    load_recipient,
    load_source,
    load_sources,
)
from include.partners.sources import SalesSource

__all__ = [
    "Archive", "Feed", "House", "Inbox", "Partner", "Party", "SalesSource", "Transport", "load_archive", "load_archives", "load_house",
    "load_inbox", "load_inboxes", "load_parties", "load_partner", "load_partners", "load_party", "load_people", "load_recipient",
    "load_source", "load_sources",
]  # fmt: skip
